"""Tools and reasoning with the official clients: a model that says what it is told, in the words of each form, asked by
the openai and anthropic Python clients, whole and streamed.
"""
import json
import os

import pytest

from server import Server

openai = pytest.importorskip("openai")
anthropic = pytest.importorskip("anthropic")

pytestmark = pytest.mark.skipif("MARU_SERVE_COMMAND" in os.environ, reason="needs a server of its own model")

ARGUMENTS = {"city": "서울 \"강남\"", "days": 3, "note": "</tool_call> [TOOL_CALLS]"}
TYPES = {"city": "string", "days": "integer", "note": "string"}
SCHEMA = {"type": "object", "properties": {name: {"type": kind} for name, kind in TYPES.items()}}
HELLO = [{"role": "user", "content": "안녕하세요"}]
TOOLS = [{"type": "function", "function": {"name": name, "parameters": SCHEMA}} for name in ("weather", "time")]
ANTHROPIC_TOOLS = [{"name": name, "input_schema": SCHEMA} for name in ("weather", "time")]

TEXT = json.dumps(ARGUMENTS, ensure_ascii=False)
OBJECTS = [f'{{"name": "weather", "arguments": {TEXT}}}', '{"name": "time", "arguments": {}}']
TAGS = "\n".join(f"<parameter={k}>\n{v}\n</parameter>" for k, v in ARGUMENTS.items())
LIST = "[" + ", ".join(OBJECTS) + "]"
WEATHER_IN_TAGS = f"<tool_call>\n<function=weather>\n{TAGS}\n</function>\n</tool_call>"
TIME_IN_TAGS = "<tool_call>\n<function=time>\n</function>\n</tool_call>"
SAID = {  # forms of calls and reasoning: what a model says that thinks and calls weather and time
    ("hermes", "think_tags"): "<think>\n음\n</think>\n\n" + "\n".join(f"<tool_call>{o}</tool_call>" for o in OBJECTS),
    ("mistral", "mistral"): f"[THINK]음[/THINK][TOOL_CALLS]weather[ARGS]{TEXT}[TOOL_CALLS]time[ARGS]{{}}",
    ("mistral", "think_tags"): "<think>음</think>[TOOL_CALLS]" + LIST,
    ("llama3_json", "think_tags"): "<think>음</think>" + "; ".join(OBJECTS).replace("arguments", "parameters"),
    ("qwen3_coder", "think_tags"): "<think>음</think>\n" + WEATHER_IN_TAGS + "\n" + TIME_IN_TAGS,
    ("hyperclovax", "hyperclovax"): "/think\n음<|im_end|>\n<|im_start|>assistant -> tool/function_call\n"
    + LIST
    + "<|im_end|>",
}


@pytest.fixture(scope="module", params=SAID, ids="-".join)
def speaker(request):
    calls, reasoning = request.param
    server = Server(f"tool_parser={calls}", f"reasoning_parser={reasoning}", "say=" + SAID[request.param])
    yield server
    assert server.stop() == 0


def openai_of(server):
    return openai.OpenAI(base_url=server.url + "/v1", api_key="none", max_retries=0, timeout=60)


def anthropic_of(server):
    return anthropic.Anthropic(base_url=server.url, api_key="none", max_retries=0, timeout=60)


def test_openai_whole_and_back(speaker):
    client = openai_of(speaker)
    answer = client.chat.completions.create(model=speaker.model, messages=HELLO, tools=TOOLS)
    choice = answer.choices[0]
    assert choice.finish_reason == "tool_calls"
    assert choice.message.content is None
    assert choice.message.reasoning_content == choice.message.reasoning == "음"
    assert [(c.type, c.function.name, json.loads(c.function.arguments)) for c in choice.message.tool_calls] == [
        ("function", "weather", ARGUMENTS),
        ("function", "time", {}),
    ]
    results = [{"role": "tool", "tool_call_id": c.id, "content": "3"} for c in choice.message.tool_calls]
    history = HELLO + [choice.message] + results
    again = client.chat.completions.create(model=speaker.model, messages=history, tools=TOOLS)
    assert again.usage.prompt_tokens > answer.usage.prompt_tokens


def test_openai_stream(speaker):
    with openai_of(speaker).chat.completions.stream(model=speaker.model, messages=HELLO, tools=TOOLS) as stream:
        kinds = [event.type for event in stream]
        message = stream.get_final_completion().choices[0].message
    assert kinds.count("tool_calls.function.arguments.delta") > 10
    assert kinds.count("tool_calls.function.arguments.done") == 2
    calls = [(c.function.name, json.loads(c.function.arguments)) for c in message.tool_calls]
    assert calls == [("weather", ARGUMENTS), ("time", {})]
    assert not message.content


def test_anthropic_whole_and_back(speaker):
    client = anthropic_of(speaker)
    arguments = dict(model=speaker.model, max_tokens=2000, tools=ANTHROPIC_TOOLS)
    thinking = {"type": "enabled", "budget_tokens": 1024}
    answer = client.messages.create(messages=HELLO, thinking=thinking, **arguments)
    assert answer.stop_reason == "tool_use"
    assert [b.type for b in answer.content] == ["thinking", "tool_use", "tool_use"]
    assert answer.content[0].thinking == "음"
    assert [(b.name, b.input) for b in answer.content[1:]] == [("weather", ARGUMENTS), ("time", {})]
    results = [{"type": "tool_result", "tool_use_id": b.id, "content": "3"} for b in answer.content[1:]]
    history = HELLO + [{"role": "assistant", "content": answer.content}, {"role": "user", "content": results}]
    again = client.messages.create(messages=history, **arguments)
    assert [b.type for b in again.content] == ["tool_use", "tool_use"], "thinking was not asked for"
    assert again.usage.input_tokens > answer.usage.input_tokens


def test_anthropic_stream(speaker):
    arguments = dict(model=speaker.model, max_tokens=2000, messages=HELLO, tools=ANTHROPIC_TOOLS)
    thinking = {"type": "enabled", "budget_tokens": 1024}
    with anthropic_of(speaker).messages.stream(thinking=thinking, **arguments) as stream:
        pieces = [event for event in stream if event.type == "input_json"]
        answer = stream.get_final_message()
    assert len(pieces) > 10
    assert answer.stop_reason == "tool_use"
    assert [b.type for b in answer.content] == ["thinking", "tool_use", "tool_use"]
    assert [(b.name, b.input) for b in answer.content[1:]] == [("weather", ARGUMENTS), ("time", {})]


def test_a_call_that_must_be_made_is_refused(speaker):
    asked = dict(model=speaker.model, messages=HELLO, tools=TOOLS, tool_choice="required")
    with pytest.raises(openai.BadRequestError) as caught:
        openai_of(speaker).chat.completions.create(**asked)
    assert caught.value.param == "tool_choice"
    with pytest.raises(anthropic.BadRequestError, match="tool_choice"):
        anthropic_of(speaker).messages.create(
            model=speaker.model, max_tokens=9, messages=HELLO, tools=ANTHROPIC_TOOLS, tool_choice={"type": "any"}
        )


def test_without_tools_there_are_no_calls():
    server = Server("say=" + SAID["hermes", "think_tags"])
    try:
        message = openai_of(server).chat.completions.create(model=server.model, messages=HELLO).choices[0].message
        assert message.content == SAID["hermes", "think_tags"] and message.tool_calls is None
    finally:
        assert server.stop() == 0
