"""Our Jinja against jinja2 as `transformers` sets it up: same source, same variables, same text; and where jinja2
refuses, so do we. Runs the program `jinja_tool` of the build directory named by MARU_BUILD.

Templates: `language.jsonl` beside this file (expressions and statements, with what jinja2 gives), `templates/*.jinja` (whole chat
templates built as those of the model families are), and, for local runs, every *.jinja below the directories in
MARU_TEMPLATES (separated by ':').
"""

import datetime
import json
import os
import pathlib
import subprocess
import unicodedata

import pytest

utils = pytest.importorskip("transformers.utils.chat_template_utils")
jinja2 = pytest.importorskip("jinja2")

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
TOOL = ROOT / os.environ.get("MARU_BUILD", "build/release") / "tests" / "reference" / "jinja_tool"
NOW = datetime.datetime(2026, 3, 7, 14, 5, 9)

pytestmark = pytest.mark.skipif(not TOOL.exists(), reason=f"{TOOL} is not built (set MARU_BUILD)")


class Clock(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls(*NOW.timetuple()[:6])


@pytest.fixture(autouse=True)
def fixed_clock(monkeypatch):
    monkeypatch.setattr(utils, "datetime", Clock)


def ours(cases, tmp_path):
    lines = tmp_path / "cases.jsonl"
    clock = list(NOW.timetuple()[:6])
    lines.write_text("".join(json.dumps({**c, "clock": clock}, ensure_ascii=False) + "\n" for c in cases), "utf-8")
    done = subprocess.run([TOOL, lines], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    answers = [json.loads(line) for line in done.stdout.split("\n") if line]
    assert len(answers) == len(cases)
    return answers


def theirs(source, variables):
    """The text, or the error."""
    try:
        return utils._compile_jinja_template(source).render(**variables), None
    except Exception as e:  # jinja2's errors, and Python's out of the sandbox
        return None, e


def compare(cases, tmp_path):
    """What differs, as (case, theirs, ours)."""
    different = []
    for case, answer in zip(cases, ours(cases, tmp_path)):
        text, error = theirs(case["source"], case["variables"])
        if answer.get("text") != text:
            different.append((case, text if error is None else repr(error), answer.get("text", answer.get("error"))))
    return different


def read_lines(path):
    return [json.loads(line) for line in path.read_text("utf-8").split("\n") if line]


def test_language(tmp_path):
    """language.jsonl holds {"source", "text"}, text null where jinja2 refuses: it is right, and so are we."""
    variables = json.loads((HERE / "language_variables.json").read_text("utf-8"))
    lines = read_lines(HERE / "language.jsonl")
    cases = [{"source": line["source"], "variables": variables} for line in lines]
    wrong = [line["source"] for line in lines if theirs(line["source"], variables)[0] != line["text"]]
    assert not wrong, "language.jsonl is not what this jinja2 gives"
    different = compare(cases, tmp_path)
    for case, a, b in different:
        print(f"{case['source']!r}\n  theirs {a!r}\n  ours   {b!r}")
    assert not different
    assert len(cases) >= 1000


CLASSES = ["alpha", "alnum", "decimal", "digit", "numeric", "lower", "upper", "title", "space", "printable", "identifier"]
MAPPINGS = ["upper()", "lower()", "title()", "capitalize()", "casefold()", "swapcase()"]
FILTERS = ["upper", "lower", "title", "capitalize", "trim", "wordcount", "int", "float", "tojson", "tojson(true)", "urlencode"]


def test_characters(tmp_path):
    """What every letter, digit, mark and space is and becomes: of the characters that are all alike, one in 37."""
    plain = ("Lo", "Cn", "Co", "Cs")
    newer = "\u10fc\ua7f2\ua7f3\ua7f4\uab69" if unicodedata.unidata_version < "15" else ""  # lower case since Unicode 15
    characters = [c for c in map(chr, range(0x110000)) if c not in newer and unicodedata.category(c) not in plain or (ord(c) % 37 == 0 and unicodedata.category(c) == "Lo")]
    uses = [f"c.is{name}()" for name in CLASSES] + [f"('a' ~ c ~ 'B').{use}" for use in MAPPINGS] + [f"c.{use}" for use in MAPPINGS]
    uses += [f"c|{use}" for use in FILTERS] + ["('1' ~ c)|int", "('1' ~ c)|float", "(c ~ 'a')|title", "(c ~ 'a b' ~ c).split()|length", "(c ~ 'a').isidentifier()", "('a' ~ c).isidentifier()", "[c]"]
    source = "{% for c in characters %}" + "{{ [" + ", ".join(uses) + "] }}\n{% endfor %}"
    cases = [{"source": source, "variables": {"characters": characters[i : i + 200]}} for i in range(0, len(characters), 200)]
    different = [
        (a, b)
        for _, theirs_all, ours_all in compare(cases, tmp_path)
        for a, b in zip(theirs_all.split("\n"), ours_all.split("\n"))
        if a != b
    ]
    for a, b in different[:40]:
        print(f"theirs {a}\nours   {b}")
    assert not different, f"{len(different)} of {len(characters)} characters differ"


TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": 'The weather "now" of a place; <b> & more.\nSecond line.',
            "parameters": {
                "type": "object",
                "properties": {
                    "location": {"type": "string", "description": "City, e.g. 서울"},
                    "unit": {"type": "string", "enum": ["celsius", "fahrenheit"], "default": "celsius"},
                    "days": {"type": "array", "items": {"type": "integer"}, "description": "which"},
                    "exact": {"type": ["boolean", "null"]},
                },
                "required": ["location"],
            },
            "return": {"type": "string", "description": "text"},
        },
    },
    {"type": "function", "function": {"name": "stop", "description": "Stops", "parameters": {"type": "object", "properties": {}}}},
]
DOCUMENTS = [{"title": "A", "text": "First <doc>", "doc_id": 1}, {"title": "둘", "text": "Second", "doc_id": 2}]


def call(name, arguments, call_id="call_0001"):
    return {"type": "function", "id": call_id, "function": {"name": name, "arguments": arguments}}


def user(text):
    return {"role": "user", "content": text}


def assistant(text, **more):
    return {"role": "assistant", "content": text, **more}


CONVERSATIONS = [
    [user("Hi")],
    [user("  안녕?  "), assistant("네.\n"), user("1 < 2 && \"x\"")],
    [{"role": "system", "content": "Be brief."}, user("a"), assistant("b"), user("c"), assistant("d")],
    [{"role": "system", "content": ""}, user("<|im_end|> {{ x }}")],
    [{"role": "developer", "content": "dev"}, user("a")],
    [user("a"), assistant("<think>\nhm\n</think>\n\nb"), user("c"), assistant("<think>\nso\n</think>\n\nd")],
    [user("a"), assistant("b", reasoning_content="because"), user("c")],
    [user("a"), assistant("", tool_calls=[call("get_weather", {"location": "서울", "days": [1, 2]})]),
     {"role": "tool", "tool_call_id": "call_0001", "name": "get_weather", "content": "{\"t\": 3}"}, assistant("3°")],
    [user("a"), {"role": "assistant", "tool_calls": [call("stop", {}, "abcdefghi"), call("get_weather", {"location": "x", "exact": None}, "bcdefghij")]},
     {"role": "tool", "tool_call_id": "abcdefghi", "name": "stop", "content": "ok"},
     {"role": "tool", "tool_call_id": "bcdefghij", "name": "get_weather", "content": "cold"}, user("thanks")],
    [user("a"), assistant("", tool_calls=[call("get_weather", '{"location": "x"}')]), {"role": "tool", "content": "r"}],
    [user([{"type": "text", "text": "parts"}, {"type": "text", "text": " two"}]), assistant([{"type": "text", "text": "b"}])],
    [user([{"type": "image"}, {"type": "text", "text": "see"}])],
    [assistant("first"), user("b")],
    [user("a"), user("b")],
    [{"role": "system", "content": "s"}],
    [],
]
OPTIONS = [
    {},
    {"add_generation_prompt": True},
    {"add_generation_prompt": True, "tools": TOOLS},
    {"tools": TOOLS},
    {"add_generation_prompt": True, "documents": DOCUMENTS},
    {"add_generation_prompt": True, "enable_thinking": False},
    {"add_generation_prompt": True, "enable_thinking": True, "thinking": True, "reasoning_effort": "high"},
    {"add_generation_prompt": True, "tools": TOOLS, "date_string": "26 Jul 2024", "builtin_tools": ["brave_search", "code_interpreter"]},
    {"add_generation_prompt": True, "tools": [], "documents": []},
]
TOKENS = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"}


def chat_cases(source):
    base = {"tools": None, "documents": None, "add_generation_prompt": False, **TOKENS}
    return [
        {"source": source, "variables": {**base, "messages": messages, **options}, "own": list(TOKENS)}
        for messages in CONVERSATIONS
        for options in OPTIONS
    ]


def template_files():
    places = [HERE / "templates", *filter(None, os.environ.get("MARU_TEMPLATES", "").split(":"))]
    return sorted(path for place in places for path in pathlib.Path(place).rglob("*.jinja"))


@pytest.mark.parametrize("path", template_files(), ids=lambda p: p.stem)
def test_chat_template(path, tmp_path):
    cases = chat_cases(path.read_text("utf-8"))
    different = compare(cases, tmp_path)
    for case, a, b in different[:5]:
        options = {k: v for k, v in case["variables"].items() if k not in ("messages", *TOKENS)}
        print(f"{case['variables']['messages']}\n {str(options)[:200]}\n  theirs {a!r}\n  ours   {b!r}")
    assert not different, f"{len(different)} of {len(cases)} differ"
    rendered = sum(theirs(c["source"], c["variables"])[1] is None for c in cases)
    if rendered == 0:
        pytest.skip("the template refuses every conversation, as do we")


@pytest.mark.parametrize("path", template_files(), ids=lambda p: p.stem)
def test_input_is_marked(path, tmp_path):
    """Every byte that a message brings is marked: a text that no template contains is found in input only."""
    mark = "\u2603mark\u2603"
    messages = [user(mark), assistant(mark), user(mark)]
    answers = ours([{"source": path.read_text("utf-8"), "variables": {"messages": messages, "add_generation_prompt": True, "tools": None, "documents": None, **TOKENS}, "own": list(TOKENS)}], tmp_path)
    text = answers[0].get("text", "").encode()
    at = text.find("\u2603".encode())
    while at >= 0:
        assert any(begin <= at < end for begin, end in answers[0]["input"])
        at = text.find("\u2603".encode(), at + 1)
