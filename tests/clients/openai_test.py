"""The official openai Python client, in the older of its generations that others still ask for, where the reference
tests (tests/reference/openai_client_test.py) leave off: asynchronous, parsed into classes, tools with a form besides.
"""
import asyncio
import json
import socket
import time

import openai
import pydantic
import pytest

from conftest import ARGUMENTS, CALL, Verdict
from server import Server

HELLO = [{"role": "user", "content": "안녕하세요"}]


class Weather(pydantic.BaseModel):
    """The weather of a city."""

    city: str
    days: int


def client_of(server, kind=openai.OpenAI, **more):
    return kind(base_url=server.url + "/v1", api_key="none", **{"max_retries": 0, "timeout": 60, **more})


def asked(server, **more):
    return {"model": server.model, "messages": HELLO, "max_tokens": 300, "temperature": 0, **more}


@pytest.mark.smoke
def test_asynchronously(server, wait):
    client = client_of(server, openai.AsyncOpenAI)

    async def several():
        return await asyncio.gather(*(client.chat.completions.create(**asked(server, max_tokens=8)) for _ in range(8)))

    async def streamed():
        stream = await client.chat.completions.create(**asked(server, max_tokens=8), stream=True)
        return "".join([chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices])

    texts = {answer.choices[0].message.content for answer in wait(several())}
    assert texts == {wait(streamed())}

    async def listed():
        return [model.id async for model in client.models.list()]

    assert wait(listed()) == ["tiny", "mean", "rank"]


def test_parsed_into_classes(server):
    client = client_of(server)
    got = client.chat.completions.parse(**asked(server), response_format=Verdict)
    assert isinstance(got.choices[0].message.parsed, Verdict)
    with client.chat.completions.stream(**asked(server), response_format=Verdict) as stream:
        assert stream.until_done().get_final_completion().choices[0].message.parsed == got.choices[0].message.parsed
    said = client.responses.parse(model=server.model, input="안녕", text_format=Verdict, max_output_tokens=300)
    assert isinstance(said.output_parsed, Verdict)


def test_tools_and_a_form_besides(server, saying):
    """`parse` takes strict tools alone, and agents give it a form for when they are done."""
    tools = [openai.pydantic_function_tool(Weather, name="weather")]
    more = {"tools": tools, "response_format": Verdict}
    called = client_of(saying(CALL)).chat.completions.parse(**asked(saying(CALL)), **more).choices[0].message
    assert called.tool_calls[0].function.parsed_arguments == Weather(**ARGUMENTS)
    said = Verdict(fine=True, colour="red", stars=2)
    done = saying(said.model_dump_json())
    assert client_of(done).chat.completions.parse(**asked(done), **more).choices[0].message.parsed == said
    judge = openai.pydantic_function_tool(Verdict, name="judge")
    one = {**more, "tools": [judge], "parallel_tool_calls": False}  # else a random model calls again and again
    message = client_of(server).chat.completions.parse(**asked(server), **one).choices[0].message
    assert bool(message.parsed) != bool(message.tool_calls), "a random model too does one or the other"
    must = client_of(server).chat.completions.parse(**asked(server), **one, tool_choice="required").choices[0].message
    assert must.tool_calls and not must.content


def test_embeddings_are_read_from_base64_and_numbers(server):
    client = client_of(server)
    unasked, numbers = (client.embeddings.create(model="mean", input=["the file"], **more).data[0].embedding
                        for more in ({}, {"encoding_format": "float"}))
    assert len(unasked) == 32 and unasked == pytest.approx(numbers, rel=1e-6)
    with pytest.raises(openai.NotFoundError, match="writes text"):
        client.embeddings.create(model="tiny", input="the file")


def slow_reader(server):
    """One that holds the only place: it has asked for much, and reads none of it."""
    slow = socket.socket()
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    host, port = server.url.removeprefix("http://").split(":")
    slow.connect((host, int(port)))
    body = json.dumps({"model": server.model, "messages": HELLO, "stream": True, "ignore_eos": True, "logprobs": True,
                       "top_logprobs": 20})
    slow.sendall(f"POST /v1/chat/completions HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(body)}\r\n\r\n{body}"
                 .encode())
    assert slow.recv(12) == b"HTTP/1.1 200"
    return slow


def test_waits_as_long_as_a_full_server_says():
    server = Server("max_running=1", "max_waiting=0", "step_tokens=8", "channel_pieces=1")
    try:
        more = {"messages": HELLO, "model": server.model, "extra_body": {"ignore_eos": True}}
        slow = slow_reader(server)
        began = time.monotonic()
        with pytest.raises(openai.RateLimitError) as caught:
            client_of(server, max_retries=1).chat.completions.create(max_tokens=5, **more)
        assert int(caught.value.response.headers["retry-after"]) >= 1
        assert time.monotonic() - began >= 0.9, "not the half second that it waits where nothing is said"
        slow.close()
        assert client_of(server, max_retries=9).chat.completions.create(max_tokens=5, **more).choices
    finally:
        assert server.stop() == 0
