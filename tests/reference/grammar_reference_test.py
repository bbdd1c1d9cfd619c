"""Answers drawn at random through the masks of a schema, against the validator of the Python package jsonschema: all
are valid. Runs the program `grammar_tool` of the build directory named by MARU_BUILD.

Schemas: those of SCHEMAS below, and, where it is at hand, all of the JSON Schema test suite that are not refused.
"""

import json
import os
import pathlib
import subprocess

import pytest

jsonschema = pytest.importorskip("jsonschema")

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
TOOL = ROOT / os.environ.get("MARU_BUILD", "build/release") / "tests" / "reference" / "grammar_tool"
TOKENIZER = ROOT / "tests" / "golden" / "tokenizers" / "qwen2"
SUITE = ROOT.parent / "shared" / "data" / "suites" / "json_schema" / "draft2020-12"

pytestmark = pytest.mark.skipif(not TOOL.exists(), reason=f"{TOOL} is not built (set MARU_BUILD)")

STRING = {"type": "string"}
SCHEMAS = [
    {"type": "object", "properties": {"name": {"type": "string", "minLength": 1, "maxLength": 20},
                                      "age": {"type": "integer", "minimum": -3, "maximum": 130},
                                      "score": {"type": "number", "exclusiveMinimum": -0.25, "maximum": 12.5}},
     "required": ["name", "score"], "additionalProperties": False},
    {"type": "array", "items": {"type": "integer", "multipleOf": 7}, "minItems": 2, "maxItems": 9},
    {"type": "object", "properties": {"a": STRING, "b": STRING}, "additionalProperties": {"type": "integer"},
     "maxProperties": 3},
    {"type": "string", "pattern": "^(가|[a-f]{2}|\\d)+x?$", "maxLength": 12},
    {"type": "string", "pattern": "b.d", "maxLength": 6},
    {"type": "object", "patternProperties": {"^n": {"type": "integer"}, "e$": {"type": "integer", "minimum": 10}},
     "additionalProperties": {"type": "null"}},
    {"type": "object", "propertyNames": {"pattern": "^[a-z]{1,4}$"},
     "additionalProperties": {"enum": [1, "x", None, [2]]}},
    {"oneOf": [{"type": "object", "properties": {"k": {"const": c}, "v": s}, "required": ["k", "v"]}
               for c, s in (("a", STRING), ("b", {"type": "boolean"}), ("c", {"$ref": "#"}))]},
    {"allOf": [{"type": ["integer", "string"]}, {"maximum": 3.5}, {"anyOf": [{"minimum": -2}, {"maximum": -100}]}]},
    {"type": "array", "prefixItems": [STRING, {"type": "boolean"}], "items": {"type": "number", "minimum": 0.1},
     "minItems": 3},
    {"type": "object", "properties": {"children": {"type": "array", "items": {"$ref": "#"}}, "n": {"type": "integer"}},
     "required": ["n"], "additionalProperties": False},
    {"type": "object", "properties": {k: {"type": "integer"} for k in "abcdef"}, "minProperties": 2, "maxProperties": 4,
     "additionalProperties": False},
    {"type": "number", "minimum": 0.1, "exclusiveMaximum": 0.3},
    {"not": {"type": ["string", "object", "array"]}},
] + [{"type": "string", "format": f} for f in ("date", "time", "date-time", "duration", "uuid", "email", "ipv4", "ipv6",
                                               "uri", "hostname", "json-pointer")]


def suite():
    if not SUITE.exists():
        return []
    groups = [group for path in sorted(SUITE.glob("*.json")) for group in json.loads(path.read_text())]
    # Python's re, which jsonschema uses, does not know \\p.
    return [g["schema"] for g in groups if "\\\\p{" not in json.dumps(g["schema"])]


def drawn(schemas, count, tmp_path):
    path = tmp_path / "schemas.jsonl"
    path.write_text("".join(json.dumps(schema) + "\n" for schema in schemas))
    out = subprocess.run([TOOL, TOKENIZER, path, str(count)], capture_output=True, text=True, check=True).stdout
    return [json.loads(line) for line in out.split("\n") if line]


def check(schema, answer):
    value = json.loads(answer)
    validator = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER)
    problems = [error.message for error in validator.iter_errors(value)]
    assert not problems, (schema, answer, problems)


def test_answers_fulfil_the_schema(tmp_path):
    for schema, result in zip(SCHEMAS, drawn(SCHEMAS, 40, tmp_path), strict=True):
        assert "answers" in result, (schema, result)
        for answer in result["answers"]:
            check(schema, answer)


def test_answers_fulfil_the_schemas_of_the_suite(tmp_path):
    schemas = suite()
    if not schemas:
        pytest.skip(f"needs {SUITE}")
    checked = 0
    for schema, result in zip(schemas, drawn(schemas, 5, tmp_path), strict=True):
        for answer in result.get("answers", []):
            check(schema, answer)
            checked += 1
    assert checked > 500
