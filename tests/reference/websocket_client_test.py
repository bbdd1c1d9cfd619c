"""The Responses API over a WebSocket: with the official openai Python client, and frames as the package websockets
sends them, in parts, with pings between them.
"""
import asyncio
import json

import pytest

from server import Server

openai = pytest.importorskip("openai")
websockets = pytest.importorskip("websockets")
connect = pytest.importorskip("websockets.sync.client").connect

LAST = {"response.completed", "response.incomplete", "error"}


def url_of(server):
    return server.url.replace("http", "ws", 1) + "/v1/responses"


def create(server, **more):
    return dict(dict(model=server.model, input="안녕하세요", max_output_tokens=16, temperature=0), **more)


def until_the_end(connection):
    events = []
    for event in connection:
        events.append(event)
        if event.type in LAST:
            return events
    raise AssertionError("the connection ended first")


def test_the_official_client_converses(server):
    client = openai.OpenAI(base_url=server.url + "/v1", api_key="none", max_retries=0)
    whole = client.responses.create(**create(server))
    with client.responses.connect() as connection:
        connection.response.create(**create(server))
        events = until_the_end(connection)
        assert [event.sequence_number for event in events] == list(range(len(events)))
        text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
        assert text == whole.output_text == events[-1].response.output_text
        connection.response.create(**create(server, previous_response_id=events[-1].response.id))
        second = until_the_end(connection)[-1].response
        assert second.previous_response_id == events[-1].response.id
        assert second.usage.input_tokens > whole.usage.input_tokens
        connection.response.create(**create(server, top_p=7))
        assert until_the_end(connection)[-1].type == "error"
        connection.response.create(**create(server))
        assert until_the_end(connection)[-1].response.output_text == text


def test_the_official_async_client_converses(server):
    async def main():
        client = openai.AsyncOpenAI(base_url=server.url + "/v1", api_key="none", max_retries=0)
        async with client.responses.connect() as connection:
            await connection.response.create(**create(server))
            async for event in connection:
                if event.type in LAST:
                    return event.response.output_text

    assert asyncio.run(main())


def ask(server, **more):
    return json.dumps(dict(create(server, **more), type="response.create"), ensure_ascii=False)


def last_of(socket):
    while True:
        event = json.loads(socket.recv(timeout=60))
        if event["type"] in LAST:
            return event


def test_messages_in_parts_with_pings_between(server):
    with connect(url_of(server), compression="deflate") as socket:
        assert socket.protocol.extensions == [], "what is offered is not taken"
        text = ask(server)
        pong = socket.ping(b"still there?")
        socket.send(text[i : i + 7] for i in range(0, len(text), 7))
        assert pong.wait(10)
        assert last_of(socket)["response"]["status"] == "incomplete"
        socket.send(ask(server, instructions="x" * 100_000))
        assert last_of(socket)["error"]["code"] == "context_length_exceeded"


@pytest.mark.parametrize("message, status", [(b"\x00binary", 1003), ("x" * (9 << 20), 1009)])
def test_refused_messages_close_with_their_status(server, message, status):
    with connect(url_of(server), max_size=None) as socket:
        with pytest.raises(websockets.exceptions.ConnectionClosed) as closed:
            socket.send(message)
            socket.recv(timeout=60)
        assert closed.value.rcvd is not None and closed.value.rcvd.code == status


def test_many_connections_get_the_answers_of_their_own(server):
    async def one(i):
        async with websockets.connect(url_of(server)) as socket:
            texts = []
            for _ in range(2):
                await socket.send(ask(server, seed=i, temperature=1, metadata={"i": str(i)}))
                async for message in socket:
                    event = json.loads(message)
                    if event["type"] in LAST:
                        assert event["response"]["metadata"] == {"i": str(i)}
                        texts.append(event["response"]["output"][0]["content"][0]["text"])
                        break
            assert texts[0] == texts[1]
            return texts[0]

    async def main():
        return await asyncio.gather(*(one(i) for i in range(6)))

    assert len(set(asyncio.run(main()))) == 6


def test_a_draining_server_says_that_it_goes():
    server = Server()
    with connect(url_of(server)) as socket:
        socket.send(ask(server))
        last_of(socket)
        server.process.terminate()
        with pytest.raises(websockets.exceptions.ConnectionClosed) as closed:
            socket.recv(timeout=30)
        assert closed.value.rcvd.code == 1001
    assert server.process.wait(60) == 0
