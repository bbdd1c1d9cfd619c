"""For tests/run_schemathesis: most of the bodies that it makes up are brought closer to what is answered, for a refusal
at the first field reaches nothing: without fields that the schema does not know, with a model that is served, with
something to answer and few tokens to answer it with. Every fourth stays as it is.
"""
import hashlib
import json

import schemathesis

MODEL = "tiny"  # of serve_tool
HELLO = [{"role": "user", "content": "안녕"}]
FIT = {"model": MODEL, "name": MODEL, "messages": HELLO, "prompt": "안녕", "input": "안녕", "query": "안녕"}
FEW = {"max_tokens": 3, "max_completion_tokens": 3, "options": {"num_predict": 3}}
UNLIKELY = ("stream_options", "top_logprobs", "suffix", "template", "context", "raw", "think", "n", "top_k")


def properties_of(operation):
    content = operation.definition.raw["requestBody"]["content"]["application/json"]["schema"]
    return operation.schema.raw_schema["components"]["schemas"][content["$ref"].rsplit("/", 1)[1]]["properties"]


@schemathesis.hook
def map_body(context, body):
    if not isinstance(body, dict):
        return body
    text = json.dumps(body, default=str, sort_keys=True)
    luck = hashlib.sha256(text.encode()).digest()  # the same body always becomes the same
    if luck[0] % 4 == 0:
        return body
    known = properties_of(context.operation)
    kept = {}
    for i, (name, value) in enumerate(sorted(body.items(), key=lambda item: str(item[0]))):
        free = not known.get(name, {}).keys() & {"type", "$ref", "anyOf"}
        chance = luck[1 + i % 31]
        if name in known and chance >= (230 if free else 150 if name in UNLIKELY else 40):
            kept[name] = value
    for i, (name, value) in enumerate(FIT.items()):
        if name in known and luck[31 - i] >= 10:
            kept[name] = value
    return {**kept, **{name: value for name, value in FEW.items() if name in known}}
