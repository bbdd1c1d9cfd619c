"""The official ollama Python client against the server."""
import json
import os

import pytest

from server import ROOT, Server

ollama = pytest.importorskip("ollama")

HELLO = [{"role": "user", "content": "안녕하세요"}]
GREEDY = {"temperature": 0, "num_predict": 24}
TOOL = {
    "type": "function",
    "function": {"name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}},
}
PROPERTIES = {"ok": {"type": "boolean"}}
SCHEMA = {"type": "object", "properties": PROPERTIES, "required": ["ok"], "additionalProperties": False}


def client_of(server, **headers):
    return ollama.Client(host=server.url, headers=headers, timeout=60)


@pytest.fixture
def client(server):
    return client_of(server)


def test_answers(server, client):
    got = client.chat(model=server.model, messages=HELLO, options=GREEDY)
    assert got.done and got.done_reason in ("length", "stop") and got.message.role == "assistant"
    assert 0 < got.eval_count <= 24 and got.prompt_eval_count > 5
    assert got.total_duration >= got.prompt_eval_duration > 0 and got.eval_duration > 0
    assert got.created_at.endswith("Z")
    other = client.generate(model=server.model + ":latest", prompt="안녕하세요", options=GREEDY)
    assert other.response == got.message.content and other.eval_count == got.eval_count


def test_streams_what_it_would_answer_whole(server, client):
    whole = client.chat(model=server.model, messages=HELLO, options=GREEDY)
    parts = list(client.chat(model=server.model, messages=HELLO, options=GREEDY, stream=True))
    assert "".join(part.message.content for part in parts) == whole.message.content
    assert [part.done for part in parts] == [False] * (len(parts) - 1) + [True]
    assert parts[-1].eval_count == whole.eval_count and parts[-1].done_reason == whole.done_reason


def test_goes_on_from_a_context(server, client):
    first = client.generate(model=server.model, prompt="하나", options=GREEDY)
    second = client.generate(model=server.model, prompt="둘", context=first.context, options=GREEDY)
    turns = [
        {"role": "user", "content": "하나"},
        {"role": "assistant", "content": first.response},
        {"role": "user", "content": "둘"},
    ]
    as_chat = client.chat(model=server.model, messages=turns, options=GREEDY)
    assert second.response == as_chat.message.content
    assert second.prompt_eval_count == as_chat.prompt_eval_count
    assert second.context[: len(first.context)] == first.context


def test_options(server, client):
    text = client.chat(model=server.model, messages=HELLO, options=GREEDY).message.content
    stopped = client.chat(model=server.model, messages=HELLO, options={**GREEDY, "stop": [text[3]]})
    assert stopped.message.content == text[: text.index(text[3])] and stopped.done_reason == "stop"
    seeded = [
        client.chat(model=server.model, messages=HELLO, options={"seed": 7, "num_predict": 8}).message.content
        for _ in range(2)
    ]
    assert seeded[0] == seeded[1]
    for option in ({"mirostat": 1}, {"typical_p": 0.5}, {"repeat_penalty": 1.1, "repeat_last_n": 64}):
        with pytest.raises(ollama.ResponseError, match="options") as caught:
            client.chat(model=server.model, messages=HELLO, options=option)
        assert caught.value.status_code == 400
    typed = ollama.Options(num_ctx=2048, num_gpu=1, num_thread=4, temperature=0, num_predict=2)
    assert client.chat(model=server.model, messages=HELLO, options=typed).eval_count == 2


def test_format(server, client):
    got = client.chat(model=server.model, messages=HELLO, format=SCHEMA, options={"num_predict": 200})
    assert set(json.loads(got.message.content)) == {"ok"}
    got = client.generate(model=server.model, prompt="안녕", format=SCHEMA, options={"num_predict": 200})
    assert set(json.loads(got.response)) == {"ok"}


def test_logprobs(server, client):
    got = client.chat(model=server.model, messages=HELLO, options=GREEDY, logprobs=True, top_logprobs=2)
    assert len(got.logprobs) == got.eval_count
    for one in got.logprobs:
        assert one.logprob <= 0 and len(one.top_logprobs) == 2
        assert one.logprob == pytest.approx(one.top_logprobs[0].logprob)


def test_models(server, client):
    assert [m.model for m in client.list().models] == [server.model + ":latest"]
    assert [m.model for m in client.ps().models] == [server.model + ":latest"]
    shown = client.show(server.model)
    assert shown.capabilities[0] == "completion" and shown.template
    architecture = shown.modelinfo["general.architecture"]
    assert shown.modelinfo[architecture + ".context_length"] > 0


def test_refusals(server, client):
    with pytest.raises(ollama.ResponseError) as caught:
        client.chat(model="no-such", messages=HELLO)
    assert caught.value.status_code == 404
    with pytest.raises(ollama.ResponseError, match="images"):
        client.chat(model=server.model, messages=[{**HELLO[0], "images": [b"\x89PNG"]}])
    for call in (lambda: client.pull("llama3"), lambda: client.push("llama3"), lambda: client.delete("llama3"),
                 lambda: client.copy("a", "b"), lambda: client.create("a", from_="b")):
        with pytest.raises(ollama.ResponseError, match="maru models") as caught:
            call()
        assert caught.value.status_code == 501
    with pytest.raises(ollama.ResponseError, match="thinking"):
        client.chat(model=server.model, messages=HELLO, think=True)
    with pytest.raises(ollama.ResponseError, match="writes text"):
        client.embed(model=server.model, input="안녕")


def test_keys():
    server = Server("api_key=secret")
    try:
        with pytest.raises(ollama.ResponseError) as caught:
            client_of(server).list()
        assert caught.value.status_code == 401
        assert client_of(server, Authorization="Bearer secret").list().models
    finally:
        assert server.stop() == 0


@pytest.mark.skipif("MARU_SERVE_COMMAND" in os.environ, reason="needs a server of its own model")
def test_tools_and_thinking():
    said = '<think>\n음\n</think>\n\n<tool_call>{"name": "weather", "arguments": {"city": "서울 \\"강남\\""}}</tool_call>'
    server = Server("tool_parser=hermes", "reasoning_parser=think_tags", "say=" + said)
    try:
        client = client_of(server)
        assert client.show(server.model).capabilities == ["completion", "tools", "thinking"]
        arguments = dict(model=server.model, messages=HELLO, tools=[TOOL])
        got = client.chat(think=True, **arguments)
        assert got.message.thinking == "음" and not got.message.content
        call = got.message.tool_calls[0].function
        assert (call.name, call.arguments) == ("weather", {"city": '서울 "강남"'})
        parts = list(client.chat(stream=True, **arguments))
        calls = [call for part in parts for call in part.message.tool_calls or []]
        assert [(c.function.name, c.function.arguments) for c in calls] == [("weather", call.arguments)]
        assert not client.chat(think=False, **arguments).message.thinking
        history = HELLO + [got.message, {"role": "tool", "tool_name": "weather", "content": "맑음"}]
        again = client.chat(model=server.model, messages=history, tools=[TOOL])
        assert again.prompt_eval_count > got.prompt_eval_count
    finally:
        assert server.stop() == 0


@pytest.mark.skipif("MARU_SERVE_COMMAND" in os.environ, reason="needs a server of its own encoder")
def test_vectors_of_a_served_encoder():
    server = Server("encoders=" + str(ROOT / "tests/golden/encoders"))
    try:
        client = client_of(server)
        texts = ["how to save a file", "save"]
        assert "mean:latest" in [model.model for model in client.list().models]
        both = client.embed(model="mean", input=texts)
        assert both.model == "mean" and len(both.embeddings) == 2 and both.prompt_eval_count > 5
        for vector in both.embeddings:
            assert abs(sum(x * x for x in vector) - 1) < 1e-5
        one = client.embed(model="mean:latest", input=texts[0])
        assert list(one.embeddings[0]) == list(both.embeddings[0]) != list(both.embeddings[1])
        raw = client.embeddings(model="mean", prompt=texts[0]).embedding
        length = sum(x * x for x in raw) ** 0.5
        assert max(abs(x / length - y) for x, y in zip(raw, one.embeddings[0])) < 1e-6
        longer = "file " * 200
        assert len(client.embed(model="mean", input=longer).embeddings) == 1
        with pytest.raises(ollama.ResponseError) as caught:
            client.embed(model="mean", input=["a", longer], truncate=False)
        assert caught.value.status_code == 400 and "input[1]" in str(caught.value)
        with pytest.raises(ollama.ResponseError) as caught:
            client.embed(model=server.model, input="a")
        assert caught.value.status_code == 404
    finally:
        assert server.stop() == 0
