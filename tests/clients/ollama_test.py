"""The official ollama Python client, asynchronous and with vectors; the rest: tests/reference/ollama_client_test.py."""
import ollama
import pytest

HELLO = [{"role": "user", "content": "안녕하세요"}]
GREEDY = {"temperature": 0, "num_predict": 8}


@pytest.mark.smoke
def test_asynchronously(server, wait):
    client = ollama.AsyncClient(host=server.url, timeout=60)

    async def streamed():
        parts = await client.chat(model="tiny", messages=HELLO, options=GREEDY, stream=True)
        return "".join([part.message.content async for part in parts])

    assert wait(streamed()) == wait(client.chat(model="tiny", messages=HELLO, options=GREEDY)).message.content


def test_vectors_have_length_one(server):
    client = ollama.Client(host=server.url, timeout=60)
    got = client.embed(model="mean", input=["how to save a file", "the file"])
    assert [sum(x * x for x in vector) for vector in got.embeddings] == pytest.approx([1, 1], abs=1e-5)
    raw = client.embeddings(model="mean", prompt="the file").embedding
    assert len(raw) == 32 and got.prompt_eval_count > 0
