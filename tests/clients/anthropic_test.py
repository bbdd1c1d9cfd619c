"""The official anthropic Python client where the reference tests (tests/reference/anthropic_client_test.py) leave off:
asynchronous, parsed into classes, its runner of tools, its beta paths, and the older name of a form.
"""
import anthropic
import pytest

from conftest import ARGUMENTS, CALL, Verdict

HELLO = [{"role": "user", "content": "안녕하세요"}]
SAID = Verdict(fine=True, colour="red", stars=2)


def client_of(server, kind=anthropic.Anthropic):
    return kind(base_url=server.url, api_key="none", max_retries=0, timeout=60)


def asked(server, **more):
    return {"model": server.model, "messages": HELLO, "max_tokens": 300, **more}


@pytest.mark.smoke
def test_asynchronously(server, wait):
    client = client_of(server, anthropic.AsyncAnthropic)
    more = {"max_tokens": 8, "extra_body": {"temperature": 0}}

    async def streamed():
        async with client.messages.stream(**asked(server, **more)) as stream:
            return "".join([text async for text in stream.text_stream])

    whole = wait(client.messages.create(**asked(server, **more)))
    assert wait(streamed()) == whole.content[0].text
    assert [model.id for model in client_of(server).models.list()] == ["tiny", "mean", "rank"]


def test_parsed_into_classes(server):
    got = client_of(server).messages.parse(**asked(server), output_format=Verdict)
    assert isinstance(got.parsed_output, Verdict)


def test_tools_are_run_by_the_client(saying):
    """Its runner wants the server to keep the conversation, and sends the whole of it where it does not."""
    server, seen = saying(CALL), []

    @anthropic.beta_tool
    def weather(city: str, days: int) -> str:
        """The weather of a city."""
        seen.append({"city": city, "days": days})
        return "맑음"

    runner = client_of(server).beta.messages.tool_runner(**asked(server), tools=[weather], max_iterations=2)
    assert runner.until_done().stop_reason == "tool_use" and seen == [ARGUMENTS, ARGUMENTS]


def test_a_conversation_is_not_kept(server):
    with pytest.raises(anthropic.BadRequestError) as caught:
        client_of(server).beta.messages.create(**asked(server), extra_body={"thread": {"type": "create"}})
    assert caught.value.body["error"]["details"]["error_code"] == "thread_unsupported_request"


def test_a_form_by_its_older_name(server, saying):
    """As clients before output_config ask, on the beta path and with its header."""
    form = {"type": "json_schema", "schema": {**Verdict.model_json_schema()}}
    more = {"extra_body": {"output_format": form}, "betas": ["structured-outputs-2025-11-13"]}
    got = client_of(server).beta.messages.create(**asked(server), **more)
    assert Verdict.model_validate_json(got.content[0].text)
    both = {**more["extra_body"], "output_config": {"format": form}}
    with pytest.raises(anthropic.BadRequestError, match="output_format"):
        client_of(server).messages.create(**asked(server), extra_body=both)


def test_tools_and_a_form_besides(saying):
    tool = {"name": "weather", "description": "d", "input_schema": {"type": "object"}}
    more = {"tools": [tool], "output_format": Verdict}
    called = client_of(saying(CALL)).messages.parse(**asked(saying(CALL)), **more)
    assert called.stop_reason == "tool_use" and called.content[0].input == ARGUMENTS
    done = saying(SAID.model_dump_json())
    assert client_of(done).messages.parse(**asked(done), **more).parsed_output == SAID


def test_refusals_have_the_clients_own_types(server):
    with pytest.raises(anthropic.NotFoundError):
        client_of(server).messages.create(**{**asked(server), "model": "no-such"})
    with pytest.raises(anthropic.BadRequestError):
        client_of(server).messages.create(**asked(server), extra_body={"temperature": 2})
