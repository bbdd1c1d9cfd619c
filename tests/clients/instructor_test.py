"""instructor against the server: every mode that it registers for its OpenAI and Anthropic providers, and every older
name of one. Where a mode asks for a form of the answer, a random model must keep it; where it only asks nicely, the
model says what it is to say.
"""
import typing

import anthropic
import instructor
import openai
import pydantic
import pytest
from instructor.v2.core.errors import InstructorRetryException
from instructor.v2.core.registry import mode_registry

from conftest import Verdict

Mode = instructor.Mode
HELLO = [{"role": "user", "content": "안녕하세요"}]
MODES = [(provider, mode) for provider in (instructor.Provider.OPENAI, instructor.Provider.ANTHROPIC)
         for mode in mode_registry.get_modes_for_provider(provider)]
OLDER = [(instructor.Provider.OPENAI, mode) for mode in (
    Mode.FUNCTIONS, Mode.TOOLS_STRICT, Mode.JSON_O1, Mode.RESPONSES_TOOLS_WITH_INBUILT_TOOLS)]
OLDER += [(instructor.Provider.ANTHROPIC, mode) for mode in (
    Mode.ANTHROPIC_TOOLS, Mode.ANTHROPIC_REASONING_TOOLS, Mode.ANTHROPIC_JSON, Mode.ANTHROPIC_PARALLEL_TOOLS)]
PARALLEL = (Mode.PARALLEL_TOOLS, Mode.ANTHROPIC_PARALLEL_TOOLS)
# What the answer is to be stands in the prompt alone. With tools that think, and Anthropic's schemas in this version of
# anthropic's client, instructor does not ask for more.
ASKS_NICELY = {
    (instructor.Provider.OPENAI, Mode.MD_JSON): "```json\n{}\n```",
    (instructor.Provider.OPENAI, Mode.JSON): "{}",
    (instructor.Provider.ANTHROPIC, Mode.JSON): "{}",
    (instructor.Provider.ANTHROPIC, Mode.ANTHROPIC_JSON): "{}",
    (instructor.Provider.ANTHROPIC, Mode.JSON_SCHEMA): "{}",
    (instructor.Provider.ANTHROPIC, Mode.ANTHROPIC_REASONING_TOOLS):
        '<tool_call>\n{"name": "Verdict", "arguments": {}}\n</tool_call>',
}


class Weather(pydantic.BaseModel):
    """The weather."""

    city: str


SAID = Verdict(fine=True, colour="red", stars=2)
CALLS = '<tool_call>\n{"name": "Verdict", "arguments": ' + SAID.model_dump_json() + "}\n</tool_call>\n" + (
    '<tool_call>\n{"name": "Weather", "arguments": {"city": "서울"}}\n</tool_call>')


def client_of(server, provider, mode, asynchronous=False):
    if provider == instructor.Provider.OPENAI:
        kind = openai.AsyncOpenAI if asynchronous else openai.OpenAI
        return instructor.from_openai(kind(base_url=server.url + "/v1", api_key="none", max_retries=0), mode=mode)
    kind = anthropic.AsyncAnthropic if asynchronous else anthropic.Anthropic
    return instructor.from_anthropic(kind(base_url=server.url, api_key="none", max_retries=0), mode=mode)


def asked(server, provider, model=Verdict, several=False):
    """Greedy, so that a random model does the same in every run, which is one call."""
    more = {"temperature": 0}
    if provider == instructor.Provider.OPENAI and not several:
        more["parallel_tool_calls"] = False
    return dict(model=server.model, messages=HELLO, response_model=model, max_tokens=600, max_retries=0,
                extra_body=more)


def name_of(way):
    return "-".join(str(part.value) for part in way)


@pytest.fixture(params=[of for of in MODES + OLDER if of[1] not in PARALLEL], ids=name_of)
def way(request):
    return request.param


def test_they_are_all_there():
    """A mode that a later version brings must be put to the test too."""
    assert len(MODES) == 10 and {mode for _, mode in MODES} == {
        Mode.TOOLS, Mode.JSON, Mode.JSON_SCHEMA, Mode.MD_JSON, Mode.PARALLEL_TOOLS, Mode.RESPONSES_TOOLS}


@pytest.fixture
def where(way, server, saying):
    """A server whose answer is what this way needs: any model's, if the server holds it to the form."""
    return saying(ASKS_NICELY[way].replace("{}", SAID.model_dump_json())) if way in ASKS_NICELY else server


@pytest.mark.smoke
def test_whole(way, where, wait):
    got = client_of(where, *way).create(**asked(where, way[0]))
    assert isinstance(got, Verdict)
    if way in ASKS_NICELY:
        assert got.model_dump() == SAID.model_dump()
    assert isinstance(wait(client_of(where, *way, asynchronous=True).create(**asked(where, way[0]))), Verdict)


def test_with_the_answer_it_came_from(way, where):
    got, raw = client_of(where, *way).create_with_completion(**asked(where, way[0]))
    assert isinstance(got, Verdict) and raw.id and raw.usage


def test_partial(way, where):
    parts = list(client_of(where, *way).create_partial(**asked(where, way[0])))
    assert len(parts) > 1 and isinstance(parts[-1], pydantic.BaseModel)
    assert Verdict.model_validate(parts[-1].model_dump())


def test_asks_again_when_the_answer_is_wrong(way, where):
    """Each way shows the model its answer and what was wrong in it, in a conversation of its own form."""
    asked_for = []

    class Picky(Verdict):
        @pydantic.model_validator(mode="after")
        def never(self):
            asked_for.append(1)
            raise ValueError("not good enough")

    Picky.__name__ = "Verdict"
    with pytest.raises(InstructorRetryException, match="not good enough"):
        client_of(where, *way).create(**{**asked(where, way[0], Picky), "max_retries": 1})
    assert len(asked_for) == 2


@pytest.mark.parametrize("of", [of for of in MODES + OLDER if of[1] in PARALLEL], ids=name_of)
def test_several_calls(of, saying):
    server = saying(CALLS)
    either = typing.Iterable[typing.Union[Verdict, Weather]]
    got = list(client_of(server, *of).create(**asked(server, of[0], either, several=True)))
    assert got == [SAID, Weather(city="서울")]


def test_a_list_as_it_comes(saying):
    said = '<tool_call>\n{"name": "IterableVerdict", "arguments": {"tasks": [' + ", ".join(
        [SAID.model_dump_json()] * 3) + "]}}\n</tool_call>"
    server = saying(said)
    provider = instructor.Provider.OPENAI
    got = client_of(server, provider, Mode.TOOLS).create_iterable(**asked(server, provider))
    assert list(got) == [SAID] * 3


def test_by_the_name_of_a_provider(server):
    client = instructor.from_provider("openai/tiny", base_url=server.url + "/v1", api_key="none")
    asked = dict(messages=HELLO, response_model=Verdict, max_tokens=600, parallel_tool_calls=False)
    assert isinstance(client.create(**asked), Verdict)


def test_refusals_have_the_clients_own_types(way, server):
    error = openai.NotFoundError if way[0] == instructor.Provider.OPENAI else anthropic.NotFoundError
    with pytest.raises(InstructorRetryException) as caught:
        client_of(server, *way).create(**{**asked(server, way[0]), "model": "no-such"})
    cause = caught.value.__cause__
    while cause is not None and not isinstance(cause, error):
        cause = cause.__cause__ or (cause.last_attempt.exception() if hasattr(cause, "last_attempt") else None)
    assert cause is not None, caught.value
