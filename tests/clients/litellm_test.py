"""LiteLLM against the server: each of its providers that speaks one of the server's dialects."""
import json
import os

import pytest

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # else it asks the web at import what models cost
import litellm  # noqa: E402

from conftest import ARGUMENTS, CALL  # noqa: E402

litellm.telemetry = False
HELLO = [{"role": "system", "content": "친절하게"}, {"role": "user", "content": "안녕하세요"}]
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}}
TOOL = {"type": "function", "function": {"name": "weather", "description": "d", "parameters": PARAMETERS}}
SCHEMA = {
    "type": "object",
    "properties": {"fine": {"type": "boolean"}, "colour": {"enum": ["red", "green"]}},
    "required": ["fine", "colour"],
    "additionalProperties": False,
}
CHATS = {  # of its provider, what stands before the model, and behind the server's address
    "openai": ("openai/", "/v1"),
    "hosted_vllm": ("hosted_vllm/", "/v1"),
    "nvidia_nim": ("nvidia_nim/", "/v1"),
    "anthropic": ("anthropic/", ""),
    "ollama": ("ollama/", ""),
    "ollama_chat": ("ollama_chat/", ""),
}
COMPLETIONS = {"text-completion-openai": ("text-completion-openai/", "/v1"), "hosted_vllm": ("hosted_vllm/", "/v1")}


def of(server, provider, providers=CHATS):
    prefix, path = providers[provider]
    return {"model": prefix + server.model, "api_base": server.url + path, "api_key": "none", "max_retries": 0}


def chat(server, provider, **more):
    arguments = {"max_tokens": 16, "temperature": 0, "messages": HELLO, **of(server, provider), **more}
    return litellm.completion(**arguments)


@pytest.fixture(params=CHATS)
def provider(request):
    return request.param


@pytest.mark.smoke
def test_answers(server, provider, wait):
    got = chat(server, provider)
    assert got.choices[0].message.content and got.choices[0].finish_reason in ("length", "stop")
    assert 0 < got.usage.completion_tokens <= 16 and got.usage.prompt_tokens > 5
    asked = dict(max_tokens=16, temperature=0, messages=HELLO, **of(server, provider))
    assert wait(litellm.acompletion(**asked)).choices[0].message.content == got.choices[0].message.content


def test_streams_what_it_would_answer_whole(server, provider, wait):
    whole = chat(server, provider)
    chunks = list(chat(server, provider, stream=True, stream_options={"include_usage": True}))
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == whole.choices[0].message.content and len(chunks) > 3
    built = litellm.stream_chunk_builder(chunks)
    assert built.choices[0].finish_reason == whole.choices[0].finish_reason
    if provider != "nvidia_nim":  # for which it asks for no usage, and counts by itself
        assert built.usage.completion_tokens == whole.usage.completion_tokens

    async def streamed():
        asked = dict(max_tokens=16, temperature=0, messages=HELLO, stream=True, **of(server, provider))
        return "".join([c.choices[0].delta.content or "" async for c in await litellm.acompletion(**asked)])

    assert wait(streamed()) == text


def test_stops(server, provider):
    text = chat(server, provider).choices[0].message.content
    stop = text[3]
    cut = chat(server, provider, stop=[stop]).choices[0]
    assert cut.message.content == text[: text.index(stop)] and cut.finish_reason == "stop"


def calls_of(message):
    return [(call.function.name, json.loads(call.function.arguments)) for call in message.tool_calls or []]


def test_tools(saying, provider):
    server = saying(CALL)
    got = chat(server, provider, tools=[TOOL], max_tokens=400)
    assert calls_of(got.choices[0].message) == [("weather", ARGUMENTS)]
    assert got.choices[0].finish_reason == "tool_calls"
    chunks = list(chat(server, provider, tools=[TOOL], max_tokens=400, stream=True))
    assert calls_of(litellm.stream_chunk_builder(chunks).choices[0].message) == [("weather", ARGUMENTS)]
    message = got.choices[0].message
    result = {"role": "tool", "tool_call_id": message.tool_calls[0].id, "name": "weather", "content": "맑음"}
    again = chat(server, provider, messages=HELLO + [message, result], tools=[TOOL], max_tokens=400)
    assert again.usage.prompt_tokens > got.usage.prompt_tokens


NAMED = {"type": "function", "function": {"name": "weather"}}


@pytest.mark.parametrize("choice", ["required", NAMED], ids=["any", "one"])
def test_a_call_that_must_be_made(saying, provider, choice):
    if provider.startswith("ollama"):
        pytest.skip("Ollama's API has no tool_choice")
    got = chat(saying(CALL), provider, tools=[TOOL], tool_choice=choice, max_tokens=400)
    assert calls_of(got.choices[0].message) == [("weather", ARGUMENTS)]


def test_structured_output_of_a_random_model(server, provider):
    form = {"type": "json_schema", "json_schema": {"name": "verdict", "schema": SCHEMA, "strict": True}}
    got = chat(server, provider, response_format=form, max_tokens=300).choices[0].message.content
    assert set(json.loads(got)) == {"fine", "colour"}


def test_reasoning(saying, provider):
    more = {"max_tokens": 300}
    if provider == "anthropic":  # it knows by the names of models which of them think
        more = {"thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 2048}
        more["allowed_openai_params"] = ["thinking"]
    if provider.startswith("ollama"):
        more["think"] = True
    message = chat(saying("<think>\n음\n</think>\n\n네"), provider, **more).choices[0].message
    assert (message.content, message.reasoning_content) == ("네", "음")


@pytest.mark.parametrize("provider", COMPLETIONS)
def test_completions(server, provider):
    asked = dict(prompt="옛날에", max_tokens=8, temperature=0, **of(server, provider, COMPLETIONS))
    whole = litellm.text_completion(**asked).choices[0].text
    assert whole and "".join(c.choices[0].text or "" for c in litellm.text_completion(stream=True, **asked)) == whole


@pytest.mark.parametrize("provider", ["openai", "hosted_vllm", "nvidia_nim", "ollama"])
def test_embeddings(server, provider):
    prefix, path = CHATS[provider]
    more = {"input_type": "passage"} if provider == "nvidia_nim" else {}
    got = litellm.embedding(
        model=prefix + "mean", input=["the file", "how"], api_base=server.url + path, api_key="none", **more
    )
    assert [len(entry["embedding"]) for entry in got.data] == [32, 32] and got.usage.prompt_tokens > 0


@pytest.mark.parametrize("prefix, path", [
    ("hosted_vllm/", ""), ("jina_ai/", "/v1"), ("cohere/", ""), ("nvidia_nim/ranking/", ""),
])
def test_rerank(server, prefix, path):
    got = litellm.rerank(
        model=prefix + "rank", query="the file", documents=["how", "save the file ?", "a"], top_n=2,
        api_base=server.url + path, api_key="none",
    )
    scores = [result["relevance_score"] for result in got.results]
    assert len(scores) == 2 and scores == sorted(scores, reverse=True)


def test_refusals_have_the_clients_own_types(server, provider):
    with pytest.raises(litellm.NotFoundError):
        chat(server, provider, model=CHATS[provider][0] + "no-such")
    with pytest.raises(litellm.BadRequestError):
        chat(server, provider, messages=[{"role": "user", "content": "x" * 9000}])
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
    with pytest.raises(litellm.BadRequestError):
        chat(server, provider, messages=[{"role": "user", "content": [{"type": "text", "text": "what?"}, image]}])
