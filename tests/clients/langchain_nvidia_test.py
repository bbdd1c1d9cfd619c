"""NVIDIA's clients for LangChain, which NIM's users have: ChatNVIDIA, NVIDIA, NVIDIAEmbeddings and NVIDIARerank
(langchain-nvidia-ai-endpoints), with nothing changed but base_url.
"""
import warnings

import pytest
from langchain_core.documents import Document
from langchain_core.messages import HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool
from langchain_nvidia_ai_endpoints import NVIDIA, ChatNVIDIA, NVIDIAEmbeddings, NVIDIARerank

from conftest import ARGUMENTS, CALL, Verdict

HELLO = [SystemMessage("친절하게"), HumanMessage("안녕하세요")]
warnings.filterwarnings("ignore", category=UserWarning)  # models that NVIDIA does not list


@tool
def weather(city: str, days: int) -> str:
    """The weather of a city."""
    return f"{city}: {days}"


def chat_of(server, **more):
    arguments = {"max_completion_tokens": 16, "seed": 7, "temperature": 0.7, **more}
    return ChatNVIDIA(base_url=server.url + "/v1", model=server.model, **arguments)


@pytest.mark.smoke
def test_answers(server, wait):
    got = chat_of(server).invoke(HELLO)
    assert got.content and 0 < got.usage_metadata["output_tokens"] <= 16
    assert got.response_metadata["finish_reason"] in ("length", "stop")
    assert wait(chat_of(server).ainvoke(HELLO)).content == got.content


def test_streams_what_it_would_answer_whole(server, wait):
    whole = chat_of(server).invoke(HELLO)
    chunks = list(chat_of(server).stream(HELLO))
    assert "".join(chunk.content for chunk in chunks) == whole.content and len(chunks) > 3
    together = sum((chunk for chunk in chunks[1:]), chunks[0])
    assert together.usage_metadata == whole.usage_metadata

    async def text():
        return "".join([chunk.content async for chunk in chat_of(server).astream(HELLO)])

    assert wait(text()) == whole.content


def test_lists_models(server):
    assert {model.id for model in chat_of(server).available_models} == {"tiny", "mean", "rank"}
    assert ChatNVIDIA(base_url=server.url + "/v1").model == "tiny", "without a model it takes the first"


def test_tools(saying):
    chat = chat_of(saying(CALL), max_completion_tokens=400).bind_tools([weather])
    got = chat.invoke(HELLO)
    assert [(call["name"], call["args"]) for call in got.tool_calls] == [("weather", ARGUMENTS)]
    chunks = list(chat.stream(HELLO))
    together = sum((chunk for chunk in chunks[1:]), chunks[0])
    assert [(call["name"], call["args"]) for call in together.tool_calls] == [("weather", ARGUMENTS)]
    again = chat.invoke(HELLO + [got, ToolMessage("맑음", tool_call_id=got.tool_calls[0]["id"])])
    assert again.usage_metadata["input_tokens"] > got.usage_metadata["input_tokens"]


@pytest.mark.parametrize("choice", ["any", "weather", "required", True])
def test_a_call_that_must_be_made(saying, choice):
    chat = chat_of(saying(CALL), max_completion_tokens=400).bind_tools([weather], tool_choice=choice)
    assert [(call["name"], call["args"]) for call in chat.invoke(HELLO).tool_calls] == [("weather", ARGUMENTS)]


@pytest.mark.parametrize("schema", [Verdict, Verdict.model_json_schema()], ids=["class", "schema"])
def test_structured_output_of_a_random_model(server, schema):
    """It asks with guided_json of nvext, the first NIMs' own way."""
    chat = chat_of(server, max_completion_tokens=300).with_structured_output(schema)
    got = chat.invoke(HELLO)
    assert isinstance(got, Verdict) or set(got) == {"fine", "colour", "stars"}


def test_reasoning(saying):
    got = chat_of(saying("<think>\n음\n</think>\n\n네"), max_completion_tokens=300).invoke(HELLO)
    assert got.content == "네" and got.additional_kwargs["reasoning_content"] == "음"


def test_completions(server):
    llm = NVIDIA(base_url=server.url + "/v1", model=server.model, max_tokens=8, seed=3, temperature=0.5)
    whole = llm.invoke("옛날에")
    assert whole and "".join(llm.stream("옛날에")) == whole


def test_embeddings(server, wait):
    embeddings = NVIDIAEmbeddings(base_url=server.url + "/v1", model="mean", truncate="END")
    vectors = embeddings.embed_documents(["how to save a file", "the file", "a " * 100])
    assert [len(vector) for vector in vectors] == [32, 32, 32]
    assert embeddings.embed_query("the file") == vectors[1] == wait(embeddings.aembed_query("the file"))


@pytest.mark.parametrize("kind", [NVIDIARerank])
def test_rerank(server, kind):
    rerank = kind(base_url=server.url + "/v1", model="rank", top_n=2)
    got = rerank.compress_documents([Document(text) for text in ("how", "save the file ?", "a")], "the file")
    scores = [document.metadata["relevance_score"] for document in got]
    assert len(got) == 2 and scores == sorted(scores, reverse=True)


def test_refusals(server):
    with pytest.raises(Exception, match="404.*no-such|no-such.*(not|404)"):
        ChatNVIDIA(base_url=server.url + "/v1", model="no-such").invoke("a")
    with pytest.raises(Exception, match="400"):
        chat_of(server).invoke("x" * 9000)
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
    with pytest.raises(Exception, match="only parts of type"):
        chat_of(server).invoke([HumanMessage([{"type": "text", "text": "what?"}, image])])
