"""The official anthropic Python client against the server."""
import json

import pytest

from server import Server

anthropic = pytest.importorskip("anthropic")

HELLO = [{"role": "user", "content": "안녕하세요"}]


def client_of(server, key="none"):
    return anthropic.Anthropic(base_url=server.url, api_key=key, max_retries=0, timeout=60)


@pytest.fixture
def client(server):
    return client_of(server)


def test_answers(server, client):
    got = client.messages.create(model=server.model, messages=HELLO, max_tokens=24, extra_body={"temperature": 0}, system="친절하게")
    assert got.type == "message" and got.role == "assistant" and got.model == server.model
    assert got.stop_reason in ("max_tokens", "end_turn") and got.stop_sequence is None
    assert got.content[0].type == "text"
    assert 0 < got.usage.output_tokens <= 24 and got.usage.input_tokens > 5
    blocks = [{"role": "user", "content": [{"type": "text", "text": "안녕"}, {"type": "text", "text": "하세요"}]}]
    same = client.messages.create(model=server.model, messages=blocks, max_tokens=24, extra_body={"temperature": 0}, system="친절하게")
    assert same.content[0].text == got.content[0].text


def test_streams_what_it_would_answer_whole(server, client):
    arguments = dict(model=server.model, messages=HELLO, max_tokens=24, extra_body={"temperature": 0})
    whole = client.messages.create(**arguments)
    with client.messages.stream(**arguments) as stream:
        text = "".join(stream.text_stream)
        last = stream.get_final_message()
    assert text == whole.content[0].text
    assert last.stop_reason == whole.stop_reason
    assert last.usage.output_tokens == whole.usage.output_tokens


def test_stops(server, client):
    arguments = dict(model=server.model, messages=HELLO, max_tokens=24, extra_body={"temperature": 0})
    text = client.messages.create(**arguments).content[0].text
    stop = text[3]
    got = client.messages.create(**arguments, stop_sequences=["\x01\x02", stop])
    assert (got.stop_reason, got.stop_sequence) == ("stop_sequence", stop)
    assert got.content[0].text == text[: text.index(stop)]


def test_goes_on_with_the_assistants_words(server, client):
    messages = HELLO + [{"role": "assistant", "content": "네, "}]
    got = client.messages.create(model=server.model, messages=messages, max_tokens=8)
    assert got.content[0].text is not None


def test_counts_tokens(server, client):
    tools = [{"name": "f", "description": "d", "input_schema": {"type": "object"}}]
    for more in ({}, {"system": "친절하게"}, {"tools": tools}, {"thinking": {"type": "disabled"}}):
        counted = client.messages.count_tokens(model=server.model, messages=HELLO, **more).input_tokens
        asked = client.messages.create(model=server.model, messages=HELLO, max_tokens=1, **more)
        assert counted == asked.usage.input_tokens


def test_answers_in_a_form(server, client):
    schema = {"type": "object", "properties": {"yes": {"type": "boolean"}}, "required": ["yes"]}
    form = {"type": "json_schema", "schema": {**schema, "additionalProperties": False}}
    got = client.messages.create(
        model=server.model, messages=HELLO, max_tokens=400, output_config={"format": form}
    )
    assert set(json.loads(got.content[0].text)) == {"yes"}


def test_refusals_have_the_clients_own_types(server, client):
    with pytest.raises(anthropic.NotFoundError):
        client.messages.create(model="no-such", messages=HELLO, max_tokens=4)
    image = [{"role": "user", "content": [{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": ""}}]}]
    with pytest.raises(anthropic.BadRequestError, match="image"):
        client.messages.create(model=server.model, messages=image, max_tokens=4)
    with pytest.raises(anthropic.BadRequestError, match="web_search"):
        client.messages.create(
            model=server.model, messages=HELLO, max_tokens=4, tools=[{"type": "web_search_20250305", "name": "web_search"}]
        )


def test_keys():
    server = Server("api_key=secret")
    try:
        with pytest.raises(anthropic.AuthenticationError):
            client_of(server, "wrong").messages.create(model=server.model, messages=HELLO, max_tokens=4)
        assert client_of(server, "secret").messages.create(model=server.model, messages=HELLO, max_tokens=4).content
    finally:
        assert server.stop() == 0
