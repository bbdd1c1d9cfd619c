"""LangChain's ChatAnthropic against the server (langchain-anthropic)."""

import anthropic
import pytest
from langchain_anthropic import ChatAnthropic
from langchain_core.messages import HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool

from conftest import ARGUMENTS, CALL, Verdict

HELLO = [SystemMessage("친절하게"), HumanMessage("안녕하세요")]


@tool
def weather(city: str, days: int) -> str:
    """The weather of a city."""
    return f"{city}: {days}"


def chat_of(server, **more):
    arguments = {"max_tokens": 16, "temperature": 0, **more}
    return ChatAnthropic(base_url=server.url, api_key="none", model=server.model, max_retries=0, **arguments)


@pytest.mark.smoke
def test_answers(server, wait):
    got = chat_of(server).invoke(HELLO)
    assert got.content and 0 < got.usage_metadata["output_tokens"] <= 16
    assert wait(chat_of(server).ainvoke(HELLO)).content == got.content
    chunks = list(chat_of(server).stream(HELLO))
    assert "".join(chunk.text for chunk in chunks) == got.text and len(chunks) > 3


def test_counts_tokens(server):
    got = chat_of(server).invoke(HELLO)
    assert chat_of(server).get_num_tokens_from_messages(HELLO) == got.usage_metadata["input_tokens"]


def test_tools(saying):
    for more in ({}, {"tool_choice": "any"}, {"tool_choice": "weather"}):
        chat = chat_of(saying(CALL), max_tokens=400).bind_tools([weather], **more)
        got = chat.invoke(HELLO)
        assert [(call["name"], call["args"]) for call in got.tool_calls] == [("weather", ARGUMENTS)]
    chunks = list(chat.stream(HELLO))
    together = sum((chunk for chunk in chunks[1:]), chunks[0])
    assert [(call["name"], call["args"]) for call in together.tool_calls] == [("weather", ARGUMENTS)]
    again = chat.invoke(HELLO + [got, ToolMessage("맑음", tool_call_id=got.tool_calls[0]["id"])])
    assert again.usage_metadata["input_tokens"] > got.usage_metadata["input_tokens"]


@pytest.mark.parametrize("method", ["function_calling", "json_schema"])
def test_structured_output_of_a_random_model(server, method):
    chat = chat_of(server, max_tokens=300).with_structured_output(Verdict, method=method)
    assert isinstance(chat.invoke(HELLO), Verdict)


def test_reasoning(saying):
    thinking = {"type": "enabled", "budget_tokens": 1024}
    server = saying("<think>\n음\n</think>\n\n네")
    got = chat_of(server, max_tokens=2048, temperature=None, thinking=thinking).invoke(HELLO)
    assert [block["type"] for block in got.content] == ["thinking", "text"] and got.content[0]["thinking"] == "음"


def test_refusals_have_the_clients_own_types(server):
    with pytest.raises(anthropic.NotFoundError):
        ChatAnthropic(base_url=server.url, api_key="none", model="no-such", max_retries=0).invoke("a")
    with pytest.raises(anthropic.BadRequestError):
        chat_of(server).invoke("x" * 9000)
