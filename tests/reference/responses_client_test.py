"""The Responses API with the official openai Python client: whole, streamed, parsed, kept, in the background; each
event and each response is checked against the client's own types.
"""
import json
import os
import time
import typing

import pydantic
import pytest

from server import Server

openai = pytest.importorskip("openai")
pytest.importorskip("openai.types.responses")

from openai.types.responses import Response, ResponseItemList, ResponseStreamEvent  # noqa: E402

CALL = '<tool_call>{"name": "weather", "arguments": {"city": "서울"}}</tool_call>'
TOOL = {"type": "function", "name": "weather", "parameters": {"type": "object"}, "strict": False, "description": "d"}
OF_SPEAKERS = pytest.mark.skipif("MARU_SERVE_COMMAND" in os.environ, reason="needs a server of its own model")


def client_of(server, **more):
    return openai.OpenAI(base_url=server.url + "/v1", api_key="none", max_retries=0, timeout=60, **more)


@pytest.fixture
def client(server):
    return client_of(server)


@pytest.fixture(scope="module")
def speaker():
    server = Server("tool_parser=hermes", "reasoning_parser=think_tags", "say=<think>\n음\n</think>\n\n보자 " + CALL)
    yield server
    assert server.stop() == 0


def strictly(model, value):
    """The value as the client's type reads it when it forgives nothing; what it does not know is listed."""
    return pydantic.TypeAdapter(model).validate_python(value)


def ask(server, client, **more):
    arguments = dict(model=server.model, input="안녕하세요", max_output_tokens=24, temperature=0)
    return client.responses.create(**{**arguments, **more})


def test_answers_and_is_of_the_clients_types(server, client):
    got = ask(server, client, metadata={"a": "b"}, instructions="친절하게")
    assert got.object == "response" and got.status in ("completed", "incomplete")
    assert got.usage.output_tokens <= 24 and got.usage.total_tokens == got.usage.input_tokens + got.usage.output_tokens
    assert got.metadata == {"a": "b"} and got.instructions == "친절하게"
    assert got.output_text == got.output[0].content[0].text
    raw = client.responses.with_raw_response.create(model=server.model, input="x", max_output_tokens=4)
    body = json.loads(raw.text if isinstance(raw.text, str) else raw.text())
    strictly(Response, body)
    chat = client.chat.completions.create(
        model=server.model, max_tokens=24, temperature=0,
        messages=[{"role": "system", "content": "친절하게"}, {"role": "user", "content": "안녕하세요"}],
    )
    assert chat.choices[0].message.content == got.output_text


def test_streams_what_it_would_answer_whole(server, client):
    whole = ask(server, client)
    with client.responses.stream(model=server.model, input="안녕하세요", max_output_tokens=24, temperature=0) as stream:
        events = list(stream)
    kinds = [event.type for event in events]
    assert kinds[:4] == [
        "response.created", "response.in_progress", "response.output_item.added", "response.content_part.added",
    ]
    assert kinds[-4:-1] == ["response.output_text.done", "response.content_part.done", "response.output_item.done"]
    assert kinds[-1] == f"response.{whole.status}"
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert "".join(e.delta for e in events if e.type == "response.output_text.delta") == whole.output_text
    assert events[-1].response.output_text == whole.output_text
    after = [ask(server, client, input="더", previous_response_id=of.id) for of in (whole, events[-1].response)]
    assert after[0].output_text == after[1].output_text and after[0].usage.input_tokens > whole.usage.input_tokens


def test_each_event_is_of_the_clients_types(server, speaker):
    for of in (server, speaker):
        stream = client_of(of).responses.create(
            model=of.model, input="x", max_output_tokens=400, tools=[TOOL], stream=True, top_logprobs=1,
            include=["message.output_text.logprobs"],
        )
        union = typing.get_args(ResponseStreamEvent)[0]
        known = {typing.get_args(kind.model_fields["type"].annotation)[0]: kind for kind in typing.get_args(union)}
        seen = set()
        for event in stream:
            assert event.type in known
            known[event.type].model_validate(json.loads(event.to_json(exclude_unset=True)), strict=False)
            seen.add(event.type)
        assert "response.output_text.delta" in seen
    for kind in ("reasoning_text.delta", "reasoning_text.done", "function_call_arguments.delta",
                 "function_call_arguments.done", "completed"):
        assert "response." + kind in seen


@OF_SPEAKERS
def test_tools_and_back(speaker):
    client = client_of(speaker)
    got = client.responses.create(model=speaker.model, input="날씨?", tools=[TOOL])
    assert [item.type for item in got.output] == ["reasoning", "message", "function_call"]
    reasoning, message, call = got.output
    assert reasoning.content[0].text.strip() == "음" and message.content[0].text.strip() == "보자"
    assert call.name == "weather" and json.loads(call.arguments) == {"city": "서울"}
    assert got.usage.output_tokens_details.reasoning_tokens > 0
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "맑음"}
    history = [{"role": "user", "content": "날씨?"}] + [item.to_dict() for item in got.output] + [result]
    told = client.responses.create(model=speaker.model, input=history, tools=[TOOL])
    kept = client.responses.create(model=speaker.model, input=[result], tools=[TOOL], previous_response_id=got.id)
    assert told.usage.input_tokens == kept.usage.input_tokens > got.usage.input_tokens
    hidden = client.responses.create(model=speaker.model, input="날씨?", tools=[TOOL], tool_choice="none")
    assert hidden.usage.input_tokens < got.usage.input_tokens and CALL in hidden.output_text
    with pytest.raises(openai.BadRequestError) as caught:
        client.responses.create(model=speaker.model, input="x", tools=[{"type": "web_search"}])
    assert caught.value.param == "tools[0].type"


def test_parses_into_a_type(server, client):
    class Answer(pydantic.BaseModel):
        yes: bool

    got = client.responses.parse(model=server.model, input="?", text_format=Answer, max_output_tokens=200)
    assert isinstance(got.output_parsed, Answer)
    with client.responses.stream(
        model=server.model, input="?", text_format=Answer, max_output_tokens=200
    ) as stream:
        assert isinstance(stream.get_final_response().output_parsed, Answer)


def test_is_kept_listed_and_forgotten(server, client):
    got = ask(server, client, input=[{"role": "user", "content": str(i)} for i in range(30)])
    again = client.responses.retrieve(got.id)
    assert again.output_text == got.output_text and again.id == got.id
    items = list(client.responses.input_items.list(got.id, order="asc", limit=7))
    assert [item.content[0].text for item in items] == [str(i) for i in range(30)]
    page = client.responses.input_items.with_raw_response.list(got.id)
    strictly(ResponseItemList, json.loads(page.text if isinstance(page.text, str) else page.text()))
    client.responses.delete(got.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(got.id)
    with pytest.raises(openai.NotFoundError):
        ask(server, client, previous_response_id=got.id)


def test_works_in_the_background(server, client):
    got = ask(server, client, background=True)
    assert got.status == "queued"
    for _ in range(600):
        if got.status not in ("queued", "in_progress"):
            break
        time.sleep(0.05)
        got = client.responses.retrieve(got.id)
    assert got.output_text == ask(server, client).output_text
    long = ask(server, client, background=True, max_output_tokens=5000)
    assert client.responses.cancel(long.id).status == "cancelled"
    assert client.responses.retrieve(long.id).status == "cancelled"
    with pytest.raises(openai.BadRequestError):
        client.responses.cancel(ask(server, client).id)


def test_goes_on_with_a_stream_that_was_lost(server, client):
    whole = ask(server, client)
    first, kept = [], None
    with ask(server, client, background=True, stream=True) as stream:
        for event in stream:
            first.append(event)
            kept = event.response.id if event.type == "response.created" else kept
            if event.type == "response.output_text.delta":
                break
    assert [e.type for e in first[:3]] == ["response.created", "response.queued", "response.in_progress"]
    rest = list(client.responses.retrieve(kept, stream=True, starting_after=first[-1].sequence_number))
    events = first + rest
    assert [e.sequence_number for e in events] == list(range(len(events)))
    assert "".join(e.delta for e in events if e.type == "response.output_text.delta") == whole.output_text
    assert events[-1].response.output_text == client.responses.retrieve(kept).output_text == whole.output_text
    again = list(client.responses.retrieve(kept, stream=True))
    assert [e.to_dict() for e in again] == [e.to_dict() for e in events]
    with pytest.raises(openai.BadRequestError) as caught:
        list(client.responses.retrieve(whole.id, stream=True))
    assert caught.value.param == "stream"


def test_a_conversation_that_is_too_long_loses_its_beginning(server, client):
    turns = [{"role": role, "content": letter * 3000} for letter in "abcd" for role in ("user", "assistant")]
    history = [{"role": "system", "content": "친절하게"}] + turns + [{"role": "user", "content": "마지막"}]
    with pytest.raises(openai.BadRequestError) as caught:
        ask(server, client, input=history)
    assert caught.value.code == "context_length_exceeded" and caught.value.param == "input"
    got = ask(server, client, input=history, truncation="auto")
    assert got.truncation == "auto" and 6000 < got.usage.input_tokens < 8192
    assert any(warning.startswith("truncation: the first ") for warning in got.model_extra["warnings"])
    kept = [history[0]] + history[-3:]
    assert got.output_text == ask(server, client, input=kept).output_text
    assert client.responses.input_items.list(got.id, limit=100).data[-1].content[0].text == "친절하게"


def test_refusals_name_the_field(server, client):
    no_form = {"type": "json_schema", "name": "n"}
    for more, field in (
        ({"truncation": "middle"}, "truncation"),
        ({"input": [{"role": "user", "content": [{"type": "input_image"}]}]}, "input[0].content[0].type"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"text": {"format": {**no_form, "schema": {"type": "colour"}}}}, "text.format.schema.type"),
        ({"extra_body": {"tempature": 1}}, "tempature"),
    ):
        with pytest.raises(openai.BadRequestError) as caught:
            ask(server, client, **more)
        assert caught.value.param == field, caught.value
    with pytest.raises(openai.NotFoundError):
        ask(server, client, model="no-such")
