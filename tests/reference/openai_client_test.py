"""The official openai Python client against the server."""
import os
import time

import pytest

from server import Server

openai = pytest.importorskip("openai")

HELLO = [{"role": "user", "content": "안녕하세요"}]


def client_of(server, key="none"):
    return openai.OpenAI(base_url=server.url + "/v1", api_key=key, max_retries=0, timeout=60)


@pytest.fixture
def client(server):
    return client_of(server)


@pytest.fixture
def ask(server, client):
    def ask(**more):
        return client.chat.completions.create(
            **{"model": server.model, "messages": HELLO, "max_tokens": 24, "seed": 7, **more}, extra_body={"ignore_eos": True}
        )

    return ask


def test_lists_models(server, client):
    assert [m.id for m in client.models.list()] == [server.model]
    assert client.models.retrieve(server.model).owned_by == "maru"


def test_chat(ask, server):
    answer = ask()
    assert answer.object == "chat.completion" and answer.model == server.model
    choice = answer.choices[0]
    assert choice.message.role == "assistant" and choice.message.content
    assert choice.finish_reason == "length"
    assert answer.usage.completion_tokens == 24
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + 24


def test_the_seed_decides(ask):
    texts = [ask(seed=seed).choices[0].message.content for seed in (7, 7, 8)]
    assert texts[0] == texts[1] != texts[2]
    assert ask(temperature=0).choices[0].message.content == ask(temperature=0, seed=1).choices[0].message.content


def test_stream_equals_whole(ask):
    whole = ask(n=2)
    texts, finishes = ["", ""], [None, None]
    usage = None
    for chunk in ask(n=2, stream=True, stream_options={"include_usage": True}):
        usage = chunk.usage or usage
        for choice in chunk.choices:
            texts[choice.index] += choice.delta.content or ""
            finishes[choice.index] = choice.finish_reason or finishes[choice.index]
    assert texts == [c.message.content for c in whole.choices]
    assert finishes == ["length", "length"]
    assert usage == whole.usage


def test_the_fingerprint_is_that_of_weights_program_and_arithmetic(ask, server, client):
    prints = {ask().system_fingerprint, ask(temperature=0).system_fingerprint}
    prints |= {chunk.system_fingerprint for chunk in ask(stream=True)}
    prints.add(client.completions.create(model=server.model, prompt="a", max_tokens=2).system_fingerprint)
    assert len(prints) == 1 and prints.pop().startswith("fp_")
    if "MARU_SERVE_COMMAND" in os.environ:
        return

    def of(*arguments):
        other = Server(*arguments)
        try:
            asked = dict(model=other.model, messages=HELLO, max_tokens=1)
            return client_of(other).chat.completions.create(**asked).system_fingerprint
        finally:
            assert other.stop() == 0

    assert of() == ask().system_fingerprint, "the same model in another directory, on another day"
    assert len({ask().system_fingerprint, of("dtype=bf16"), of("kv_cache_dtype=int8")}) == 3


def test_chat_logprobs(ask):
    content = ask(logprobs=True, top_logprobs=3, temperature=0).choices[0].logprobs.content
    assert len(content) == 24
    for token in content:
        assert len(token.top_logprobs) == 3
        assert token.top_logprobs[0].logprob == token.logprob <= 0
        assert len(token.bytes) == 1


def test_stop(ask):
    text = ask(temperature=1).choices[0].message.content
    stop = text[5:7]
    cut = ask(temperature=1, stop=[stop]).choices[0]
    assert cut.message.content == text[: text.index(stop)]
    assert cut.finish_reason == "stop"


def test_completions(client, server):
    answer = client.completions.create(
        model=server.model, prompt=["가나", "다"], max_tokens=8, n=2, seed=3, echo=True, logprobs=2, extra_body={"ignore_eos": True}
    )
    assert [c.index for c in answer.choices] == [0, 1, 2, 3]
    assert all(c.text.startswith(p) for c, p in zip(answer.choices, ["가나", "가나", "다", "다"]))
    logprobs = answer.choices[0].logprobs
    assert logprobs.token_logprobs[0] is None
    assert len(logprobs.tokens) == len(logprobs.token_logprobs) == len(logprobs.text_offset) == 1 + 6 + 8
    assert logprobs.text_offset[:8] == [0, 0, 0, 0, 1, 1, 1, 2], "characters, not the bytes that the tokens are"
    assert logprobs.tokens[1:4] == ["bytes:\\xEA", "bytes:\\xB0", "bytes:\\x80"]
    assert all(len(top) == 2 for top in logprobs.top_logprobs[1:])
    assert answer.usage.completion_tokens == 4 * 8


def test_completion_of_tokens_streams(client, server):
    arguments = dict(model=server.model, prompt=[0, 70, 71], max_tokens=8, seed=3, extra_body={"ignore_eos": True})
    whole = client.completions.create(**arguments).choices[0].text
    assert "".join(c.choices[0].text for c in client.completions.create(stream=True, **arguments)) == whole


@pytest.mark.parametrize(
    "change, error, param, code",
    [
        ({"model": "gpt-4"}, openai.NotFoundError, "model", "model_not_found"),
        ({"temperature": "hot"}, openai.BadRequestError, "temperature", "invalid_value"),
        ({"messages": [{"role": "user", "content": "x" * 9000}]}, openai.BadRequestError, "messages", "context_length_exceeded"),
        ({"messages": [{"role": "user", "content": None}]}, openai.BadRequestError, "messages[0].content", "invalid_value"),
        ({"response_format": {"type": "yaml"}}, openai.BadRequestError, "response_format.type", "invalid_value"),
    ],
)
def test_errors(ask, change, error, param, code):
    with pytest.raises(error) as caught:
        ask(**change)
    assert (caught.value.param, caught.value.code) == (param, code)
    assert caught.value.type == "invalid_request_error"


def test_an_answer_takes_the_room_that_is_left(client, server):
    """A client that asks for 1,024 tokens unasked, as NVIDIA's for LangChain does, beside a prompt that leaves fewer."""
    asked = client.chat.completions.with_raw_response.create(
        model=server.model, messages=[{"role": "user", "content": "x" * 8100}], max_tokens=1024, extra_body={"ignore_eos": True}
    )
    answer = asked.parse()
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage.total_tokens == 8192
    assert answer.warnings[0] == asked.headers["x-maru-warning"]
    assert answer.warnings[0].startswith("max_tokens: 1024 do not fit")


TOOL_MESSAGES = [
    {"role": "assistant", "content": None, "refusal": None, "audio": None, "annotations": [], "function_call": None},
    {"role": "assistant"},
    {"role": "assistant", "content": ""},
    {"role": "assistant", "content": []},
    {"role": "assistant", "content": [{"type": "text", "text": "Let me see."}], "name": "weather_agent"},
]


@pytest.mark.parametrize("message", TOOL_MESSAGES)
@pytest.mark.parametrize("arguments", ['{"city": "서울"}', "", "{}", '{"city": "서', "not JSON"])
def test_what_agents_send_back(ask, message, arguments):
    call = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": arguments}}
    tool = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}}
    history = [
        *HELLO,
        {**message, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": [{"type": "text", "text": "3 °C"}]},
    ]
    answer = ask(messages=history, tools=[tool], tool_choice="auto", max_tokens=4)
    assert answer.choices[0].finish_reason == "length"
    assert bool(getattr(answer, "warnings", None)) == (arguments in ('{"city": "서', "not JSON"))


def test_tools_are_shown_to_the_model(ask):
    tool = {"type": "function", "function": {"name": "get_time", "description": "The time", "parameters": {"type": "object", "properties": {}}}}
    without, with_tools = ask(max_tokens=1), ask(max_tokens=1, tools=[tool])
    assert with_tools.usage.prompt_tokens > without.usage.prompt_tokens + 100
    assert ask(max_tokens=1, tools=[tool], tool_choice="none").usage == without.usage


def test_an_unknown_argument_is_named(client, server):
    with pytest.raises(openai.BadRequestError, match="did you mean 'temperature'") as caught:
        client.chat.completions.create(model=server.model, messages=HELLO, extra_body={"temprature": 1})
    assert caught.value.param == "temprature"


def test_leaving_a_stream_frees_its_work(ask, server):
    stream = ask(stream=True, max_tokens=8000)
    next(iter(stream))
    stream.close()
    for _ in range(200):
        status = server.status()
        if status["choices_running"] == 0 and status["kv_pages_used"] == 0:
            return
        time.sleep(0.05)
    pytest.fail(f"still running: {status}")


@pytest.mark.skipif("MARU_SERVE_COMMAND" in os.environ, reason="needs a server of its own settings")
class TestOtherServers:
    def test_keys(self):
        server = Server("api_key=right")
        try:
            with pytest.raises(openai.AuthenticationError) as caught:
                client_of(server, "wrong").models.list()
            assert caught.value.code == "invalid_api_key"
            assert client_of(server, "right").models.list().data
        finally:
            server.stop()

    def test_a_full_server_says_so(self):
        # A reader that does not read keeps its request running: one piece may wait.
        server = Server("max_running=1", "max_waiting=0", "step_tokens=8", "channel_pieces=1")
        try:
            arguments = dict(model=server.model, messages=HELLO, extra_body={"ignore_eos": True})
            stream = client_of(server).chat.completions.create(stream=True, **arguments)
            next(iter(stream))
            with pytest.raises(openai.RateLimitError) as caught:
                client_of(server).chat.completions.create(max_tokens=5, **arguments)
            assert caught.value.response.headers["retry-after"]
            stream.close()
        finally:
            server.stop()

    def test_sigterm_lets_a_stream_finish(self):
        server = Server()
        stream = client_of(server).chat.completions.create(
            model=server.model, messages=HELLO, max_tokens=1000, stream=True, extra_body={"ignore_eos": True}
        )
        chunks = iter(stream)
        next(chunks)
        server.process.terminate()
        finishes = [choice.finish_reason for chunk in chunks for choice in chunk.choices]
        assert finishes[-1] == "length"
        assert server.process.wait(60) == 0
