"""For tests/run_schemathesis: of the bodies that it makes up, those that are nearly right get a model that is served and
a length that is soon written, so that more is reached than the refusal of a model that does not exist. Every third
stays as it is.
"""
import json

import schemathesis

MODEL = "tiny"  # of serve_tool
FIT = {
    "messages": [{"role": "user", "content": "안녕"}],
    "prompt": "안녕",
    "input": "안녕",
    "query": "안녕",
}
SHORT = {"max_tokens": 3, "max_completion_tokens": 3}


@schemathesis.hook
def map_body(_context, body):
    if not isinstance(body, dict) or len(json.dumps(body, default=str)) % 3 == 0:
        return body
    body = dict(body)
    if "model" in body:
        body["model"] = MODEL
    for name, value in FIT.items():
        if name in body and len(str(body[name])) % 2:
            body[name] = value
    for name, value in SHORT.items():
        if isinstance(body.get(name), int) and body[name] > value:
            body[name] = value
    if "messages" in body or "prompt" in body:
        if "keep_alive" in body or "options" in body:  # Ollama's
            options = body.get("options")
            body["options"] = {**options, "num_predict": 3} if isinstance(options, dict) else {"num_predict": 3}
        elif "max_tokens" not in body:
            body["max_tokens"] = 3
    return body
