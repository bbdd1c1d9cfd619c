"""LlamaIndex against the server: OpenAILike, NVIDIA, embeddings, reranking, and an index with a query engine."""

import openai
import pytest
from llama_index.core import Document, PromptTemplate, VectorStoreIndex
from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.schema import NodeWithScore, TextNode
from llama_index.core.tools import FunctionTool
from llama_index.embeddings.nvidia import NVIDIAEmbedding
from llama_index.embeddings.openai import OpenAIEmbedding
from llama_index.llms.nvidia import NVIDIA
from llama_index.llms.openai_like import OpenAILike
from llama_index.postprocessor.nvidia_rerank import NVIDIARerank

from conftest import ARGUMENTS, CALL, Verdict

HELLO = [ChatMessage(role="system", content="친절하게"), ChatMessage(role="user", content="안녕하세요")]


def weather(city: str, days: int) -> str:
    """The weather of a city."""
    return f"{city}: {days}"


def open_ai_like(server, **more):
    arguments = {"is_chat_model": True, "is_function_calling_model": True, "max_tokens": 16, "temperature": 0, **more}
    return OpenAILike(api_base=server.url + "/v1", api_key="none", model=server.model, max_retries=0, **arguments)


def nvidia(server, **more):
    arguments = {"max_tokens": 16, "temperature": 0, **more}
    return NVIDIA(base_url=server.url + "/v1", api_key="none", model=server.model, max_retries=0, is_chat_model=True,
                  is_function_calling_model=True, **arguments)


@pytest.fixture(params=[open_ai_like, nvidia], ids=lambda kind: kind.__name__)
def llm_of(request):
    return request.param


@pytest.mark.smoke
def test_answers(server, llm_of, wait):
    got = llm_of(server).chat(HELLO)
    assert got.message.content and got.raw.usage.completion_tokens <= 16
    assert wait(llm_of(server).achat(HELLO)).message.content == got.message.content


def test_streams_what_it_would_answer_whole(server, llm_of, wait):
    whole = llm_of(server).chat(HELLO).message.content
    pieces = list(llm_of(server).stream_chat(HELLO))
    assert "".join(piece.delta or "" for piece in pieces) == whole == pieces[-1].message.content and len(pieces) > 3

    async def text():
        return "".join([piece.delta or "" async for piece in await llm_of(server).astream_chat(HELLO)])

    assert wait(text()) == whole


def test_a_prompt_is_a_chat_or_a_text(server):
    as_chat = open_ai_like(server).complete("안녕")
    as_text = open_ai_like(server, is_chat_model=False).complete("안녕")
    assert as_chat.text and as_text.text and as_chat.text != as_text.text
    streamed = list(open_ai_like(server, is_chat_model=False).stream_complete("안녕"))
    assert streamed[-1].text == as_text.text


def test_tools(saying, llm_of):
    llm = llm_of(saying(CALL), max_tokens=400)
    tools = [FunctionTool.from_defaults(weather)]
    got = llm.chat_with_tools(tools, user_msg="안녕")
    calls = llm.get_tool_calls_from_response(got)
    assert [(call.tool_name, call.tool_kwargs) for call in calls] == [("weather", ARGUMENTS)]
    last = list(llm.stream_chat_with_tools(tools, user_msg="안녕"))[-1]
    calls = llm.get_tool_calls_from_response(last)
    assert [(call.tool_name, call.tool_kwargs) for call in calls] == [("weather", ARGUMENTS)]
    result = ChatMessage(role="tool", content="맑음", additional_kwargs={"tool_call_id": calls[0].tool_id})
    history = [ChatMessage(role="user", content="안녕"), got.message, result]
    again = llm.chat_with_tools(tools, chat_history=history)
    assert again.raw.usage.prompt_tokens > got.raw.usage.prompt_tokens


def test_a_call_that_must_be_made(saying, llm_of):
    llm = llm_of(saying(CALL), max_tokens=400)
    got = llm.chat_with_tools([FunctionTool.from_defaults(weather)], user_msg="안녕", tool_required=True)
    assert llm.get_tool_calls_from_response(got)[0].tool_kwargs == ARGUMENTS


@pytest.mark.parametrize("more", [{}, {"should_use_structured_outputs": True}], ids=["calls", "schema"])
def test_structured_output_of_a_random_model(server, more):
    llm = open_ai_like(server, max_tokens=300, **more)
    assert isinstance(llm.structured_predict(Verdict, PromptTemplate("안녕")), Verdict)
    assert isinstance(llm.as_structured_llm(Verdict).chat(HELLO).raw, Verdict)


def test_structured_output_of_nvidia(saying):
    """It shows the model a tool, and leaves it to the model to call it."""
    said = '<tool_call>\n{"name": "Verdict", "arguments": {"fine": true, "colour": "red", "stars": 2}}\n</tool_call>'
    got = nvidia(saying(said), max_tokens=300).as_structured_llm(Verdict).chat(HELLO).raw
    assert got == Verdict(fine=True, colour="red", stars=2)


def test_log_probabilities_and_stops(server):
    got = open_ai_like(server, logprobs=True, top_logprobs=2).chat(HELLO)
    assert len(got.logprobs) == got.raw.usage.completion_tokens and len(got.logprobs[0]) == 2
    stop = got.message.content[3]
    cut = open_ai_like(server).chat(HELLO, stop=[stop]).message.content
    assert cut == got.message.content[: got.message.content.index(stop)]


def embeddings_of(server, kind):
    if kind == "openai":
        return OpenAIEmbedding(model_name="mean", api_base=server.url + "/v1", api_key="none", max_retries=0)
    return NVIDIAEmbedding(model="mean", base_url=server.url + "/v1", api_key="none", truncate="END", max_retries=0)


@pytest.mark.parametrize("kind", ["openai", "nvidia"])
def test_embeddings(server, wait, kind):
    embeddings = embeddings_of(server, kind)
    vectors = embeddings.get_text_embedding_batch(["how to save a file", "the file"])
    assert [len(vector) for vector in vectors] == [32, 32]
    assert embeddings.get_query_embedding("the file") == vectors[1] == wait(embeddings.aget_text_embedding("the file"))


def test_rerank(server):
    rerank = NVIDIARerank(model="rank", base_url=server.url + "/v1", api_key="none", top_n=2, truncate="END")
    nodes = [NodeWithScore(node=TextNode(text=text)) for text in ("how", "save the file ?", "a")]
    got = rerank.postprocess_nodes(nodes, query_str="the file")
    assert len(got) == 2 and got[0].score >= got[1].score


def test_an_index_is_asked(server):
    index = VectorStoreIndex.from_documents(
        [Document(text="how to save a file"), Document(text="the file")], embed_model=embeddings_of(server, "openai")
    )
    for streaming in (False, True):
        engine = index.as_query_engine(llm=open_ai_like(server), streaming=streaming, similarity_top_k=1)
        got = engine.query("save the file ?")
        assert str(got) and len(got.source_nodes) == 1


def test_refusals_have_the_clients_own_types(server):
    with pytest.raises(openai.NotFoundError):
        open_ai_like(server).chat(HELLO, model="no-such")
    with pytest.raises(openai.BadRequestError):
        open_ai_like(server).chat([ChatMessage(role="user", content="x" * 9000)])
