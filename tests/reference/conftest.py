"""How the reference tests share the work: each file is one piece for a worker, because its fixtures are dear (a torch
model, a trained tokenizer); the kinds of tokenizers, which take the longest, are a piece each. Without pytest-xdist the
marks mean nothing.
"""
import pytest

from server import Server


@pytest.fixture(scope="module")
def server():
    """The server that a file's tests share."""
    server = Server()
    yield server
    assert server.stop() == 0


def pytest_collection_modifyitems(items):
    for item in items:
        group = item.path.stem
        if "kind" in item.fixturenames:
            group += "-" + item.callspec.params["kind"]
        item.add_marker(pytest.mark.xdist_group(group))
