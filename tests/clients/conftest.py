"""What the clients' tests share: a server of tiny models (a random decoder, an encoder, a reranker), and servers whose
model says what it is told. Clients must find nothing of this machine's settings and reach nothing but the server.
"""
import asyncio
import os
import pathlib
import sys
import typing

import pydantic
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("MARU_BUILD", ROOT / "build/release"))
sys.path.insert(0, str(ROOT / "tests/reference"))

from server import Server  # noqa: E402

for name in list(os.environ):  # keys and addresses of services that a client would ask instead
    if name.startswith(("OPENAI_", "ANTHROPIC_", "NVIDIA_", "OLLAMA_", "LITELLM_", "LANGCHAIN_", "LANGSMITH_")):
        del os.environ[name]
    elif name.lower() in ("http_proxy", "https_proxy", "all_proxy"):  # servers here are of this machine
        del os.environ[name]

CALL = '<tool_call>\n{"name": "weather", "arguments": {"city": "서울 \\"강남\\"", "days": 3}}\n</tool_call>'
ARGUMENTS = {"city": '서울 "강남"', "days": 3}


class Verdict(pydantic.BaseModel):
    """A judgement."""

    model_config = pydantic.ConfigDict(extra="forbid")  # a random model would fill it with others
    fine: bool
    colour: typing.Literal["red", "green"]
    stars: typing.Literal[1, 2, 3]  # Anthropic's client takes the bounds of numbers out of a schema


@pytest.fixture(scope="session")
def server():
    """Models "tiny" (its text is random), "mean" (vectors of 32 numbers) and "rank"."""
    server = Server(f"encoders={ROOT / 'tests/golden/encoders'}")
    yield server
    assert server.stop() == 0


@pytest.fixture(scope="session")
def saying():
    """A server by what its model says to everything, in Hermes's words for calls and with <think> for reasoning."""
    servers = {}

    def saying(text):
        if text not in servers:
            servers[text] = Server("tool_parser=hermes", "reasoning_parser=think_tags", "say=" + text)
        return servers[text]

    yield saying
    for server in servers.values():
        assert server.stop() == 0


@pytest.fixture(scope="session")
def wait():
    """Runs a coroutine to its end; all in one loop, because clients keep their connections between calls."""
    with asyncio.Runner() as runner:
        yield runner.run


def pytest_configure(config):
    config.addinivalue_line("markers", "smoke: one call of each client, which ./test makes too")


def pytest_collection_modifyitems(items):
    for item in items:
        item.add_marker(pytest.mark.xdist_group(item.path.stem))
