"""LangChain's ChatOpenAI, OpenAI and OpenAIEmbeddings against the server (langchain-openai)."""

import openai
import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAI, OpenAIEmbeddings

from conftest import ARGUMENTS, CALL, Verdict

HELLO = [SystemMessage("친절하게"), HumanMessage("안녕하세요")]


@tool
def weather(city: str, days: int) -> str:
    """The weather of a city."""
    return f"{city}: {days}"


def chat_of(server, **more):
    arguments = {"max_tokens": 16, "seed": 7, "temperature": 0.7, **more}
    return ChatOpenAI(base_url=server.url + "/v1", api_key="none", model=server.model, max_retries=0, **arguments)


@pytest.mark.smoke
def test_answers(server, wait):
    got = chat_of(server).invoke(HELLO)
    assert isinstance(got, AIMessage) and got.content
    assert got.response_metadata["finish_reason"] in ("length", "stop")
    assert 0 < got.usage_metadata["output_tokens"] <= 16 and got.response_metadata["model_name"] == server.model
    assert wait(chat_of(server).ainvoke(HELLO)).content == got.content


def test_streams_what_it_would_answer_whole(server, wait):
    whole = chat_of(server).invoke(HELLO)
    chunks = list(chat_of(server, stream_usage=True).stream(HELLO))
    assert "".join(chunk.content for chunk in chunks) == whole.content and len(chunks) > 3
    assert sum((chunk for chunk in chunks[1:]), chunks[0]).usage_metadata == whole.usage_metadata

    async def text():
        return "".join([chunk.content async for chunk in chat_of(server).astream(HELLO)])

    assert wait(text()) == whole.content


def test_a_batch_is_what_its_requests_are(server):
    prompts = [[HumanMessage(str(i))] for i in range(6)]
    alone = [chat_of(server).invoke(prompt).content for prompt in prompts]
    assert [got.content for got in chat_of(server).batch(prompts)] == alone and len(set(alone)) == 6


def test_options(server):
    got = chat_of(server, logprobs=True, top_logprobs=2).invoke(HELLO)
    content = got.response_metadata["logprobs"]["content"]
    assert len(content) == got.usage_metadata["output_tokens"] and len(content[0]["top_logprobs"]) == 2
    stop = got.content[3]
    cut = chat_of(server).invoke(HELLO, stop=[stop])
    assert cut.content == got.content[: got.content.index(stop)]
    assert len(chat_of(server, n=3).generate([HELLO]).generations[0]) == 3


def test_tools(saying):
    chat = chat_of(saying(CALL), max_tokens=400).bind_tools([weather])
    got = chat.invoke(HELLO)
    assert [(call["name"], call["args"]) for call in got.tool_calls] == [("weather", ARGUMENTS)]
    chunks = list(chat.stream(HELLO))
    together = sum((chunk for chunk in chunks[1:]), chunks[0])
    assert [(call["name"], call["args"]) for call in together.tool_calls] == [("weather", ARGUMENTS)]
    assert sum(bool(chunk.tool_call_chunks) for chunk in chunks) > 3, "arguments come in pieces"
    again = chat.invoke(HELLO + [got, ToolMessage("맑음", tool_call_id=got.tool_calls[0]["id"])])
    assert again.usage_metadata["input_tokens"] > got.usage_metadata["input_tokens"]


@pytest.mark.parametrize("choice", ["any", "weather", True])
@pytest.mark.parametrize("strict", [None, True])
def test_a_call_that_must_be_made(saying, choice, strict):
    chat = chat_of(saying(CALL), max_tokens=400).bind_tools([weather], tool_choice=choice, strict=strict)
    assert [(call["name"], call["args"]) for call in chat.invoke(HELLO).tool_calls] == [("weather", ARGUMENTS)]


@pytest.mark.parametrize("method", ["json_schema", "function_calling"])
@pytest.mark.parametrize("stream", [False, True])
def test_structured_output_of_a_random_model(server, method, stream):
    chat = chat_of(server, max_tokens=300).with_structured_output(Verdict, method=method)
    got = list(chat.stream(HELLO))[-1] if stream else chat.invoke(HELLO)
    assert isinstance(got, Verdict)


def test_json_mode(saying):
    server = saying('{"fine": true, "colour": "red", "stars": 2}')
    chat = chat_of(server, max_tokens=300).with_structured_output(Verdict, method="json_mode")
    assert chat.invoke(HELLO) == Verdict(fine=True, colour="red", stars=2)


def test_the_responses_api(server, saying):
    got = chat_of(server, use_responses_api=True, seed=None, temperature=0).invoke(HELLO)
    assert got.text and got.response_metadata["id"].startswith("resp_")
    chunks = list(chat_of(server, use_responses_api=True, seed=None, temperature=0).stream(HELLO))
    assert "".join(chunk.text for chunk in chunks) == got.text
    caller = chat_of(saying(CALL), max_tokens=400, use_responses_api=True, seed=None).bind_tools([weather])
    called = caller.invoke(HELLO)
    assert [(call["name"], call["args"]) for call in called.tool_calls] == [("weather", ARGUMENTS)]


def test_completions(server):
    llm = OpenAI(base_url=server.url + "/v1", api_key="none", model=server.model, max_tokens=8, seed=3, temperature=1)
    whole = llm.invoke("옛날에")
    assert whole and "".join(llm.stream("옛날에")) == whole


def test_embeddings(server, wait):
    # Without the second argument it counts tokens as OpenAI's models do and sends their ids.
    embeddings = OpenAIEmbeddings(
        base_url=server.url + "/v1", api_key="none", model="mean", check_embedding_ctx_length=False
    )
    vectors = embeddings.embed_documents(["how to save a file", "the file"])
    assert [len(vector) for vector in vectors] == [32, 32]
    assert embeddings.embed_query("the file") == vectors[1]
    assert wait(embeddings.aembed_query("the file")) == vectors[1]


def test_refusals_have_the_clients_own_types(server):
    with pytest.raises(openai.NotFoundError):
        ChatOpenAI(base_url=server.url + "/v1", api_key="none", model="no-such", max_retries=0).invoke("a")
    with pytest.raises(openai.BadRequestError, match="only parts of type"):
        image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
        chat_of(server).invoke([HumanMessage([{"type": "text", "text": "what?"}, image])])
    with pytest.raises(openai.BadRequestError, match="context|prompt"):
        chat_of(server).invoke("x" * 9000)
