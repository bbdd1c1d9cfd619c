"""docs/request-fields.md beside the fields that the official clients know: each of them is in its column, and what the
table says of it is what the server does.
"""
import json
import pathlib
import re
import typing
import urllib.error
import urllib.request

import pytest

openai = pytest.importorskip("openai")
anthropic = pytest.importorskip("anthropic")

from openai.types import completion_create_params as of_completions  # noqa: E402
from openai.types.chat import completion_create_params as of_chat  # noqa: E402
from openai.types.responses import response_create_params as of_responses  # noqa: E402
from anthropic.types import message_create_params as of_messages  # noqa: E402

TABLE = pathlib.Path(__file__).resolve().parents[2] / "docs/request-fields.md"
TURN = [{"role": "user", "content": "hi"}]
BODIES = {  # a column's name: the client's types of it, where it is sent, and the least of a body
    "chat": (of_chat.CompletionCreateParamsNonStreaming, "/v1/chat/completions", {"messages": TURN, "max_tokens": 1}),
    "completions": (
        of_completions.CompletionCreateParamsNonStreaming, "/v1/completions", {"prompt": "a", "max_tokens": 1},
    ),
    "responses": (
        of_responses.ResponseCreateParamsNonStreaming, "/v1/responses", {"input": "hi", "max_output_tokens": 1},
    ),
    "messages": (of_messages.MessageCreateParamsNonStreaming, "/v1/messages", {"messages": TURN, "max_tokens": 1}),
}
HEADERS = {"workspace_id"}  # the client sends it as a header


def table():
    """Column, then field: what its cell says."""
    rows = [
        [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        for line in TABLE.read_text().splitlines()
        if line.startswith("|") and not line.startswith("|---")
    ]
    head, *rows = rows
    return {name: {row[0].strip("`"): row[i] for row in rows if row[i] != "–"} for i, name in enumerate(head) if i}


def post(server, path, body):
    request = urllib.request.Request(server.url + path, json.dumps(body).encode(), {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


@pytest.mark.parametrize("name", BODIES)
def test_every_field_of_the_client_is_in_the_table(name):
    known = set(typing.get_type_hints(BODIES[name][0])) - HEADERS
    assert len(known) > 12
    assert known - set(table()[name]) == set()


@pytest.mark.parametrize("name", BODIES)
def test_the_table_says_what_is_done(server, name):
    _, path, least = BODIES[name]
    fields = table()[name]
    assert {"yes", "accepted", "refused"} <= {cell.strip("*") for cell in fields.values()}
    for field, says in fields.items():
        if says == "**yes**":
            continue
        body = {"model": server.model, **least, field: {"no such": "value"}}
        status, answer = post(server, path, body)
        if says == "accepted":
            assert status == 200, (field, answer)
        else:
            assert status == 400 and field in answer["error"]["message"], (field, answer)
        for value in re.findall(r"`(.*?)`", says):
            status, answer = post(server, path, {**body, field: json.loads(value)})
            assert status == 200, (field, value, answer)
