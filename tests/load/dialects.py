"""What each API is asked, and the part of its answers that must always be the same: texts, calls, log-probabilities."""
import json

SCHEMA = {"type": "object", "additionalProperties": False, "required": ["city", "days"],
          "properties": {"city": {"enum": ["서울", "부산", "Oslo"]},
                         "days": {"type": "integer", "minimum": 0, "maximum": 99}}}
FUNCTION = {"name": "weather", "description": "of a city", "parameters": SCHEMA}
CHAT, COMPLETIONS, MESSAGES = "/v1/chat/completions", "/v1/completions", "/v1/messages"
RESPONSES, OLLAMA, EMBEDDINGS = "/v1/responses", "/api/chat", "/v1/embeddings"


def user(text):
    return [{"role": "user", "content": text}]


class Ask:
    """A request with a seed. `checks`: of each answer, besides that it is the same. `streams`: may be streamed too."""

    def __init__(self, name, path, body, streams=True, check=None):
        self.name, self.path, self.body, self.streams, self.check = name, path, body, streams, check

    def stream_body(self):
        return {**self.body, "stream": True}


def fits_schema(said):
    for text in said["texts"]:
        value = json.loads(text)
        if set(value) != {"city", "days"} or value["city"] not in SCHEMA["properties"]["city"]["enum"] \
                or not 0 <= value["days"] <= 99:
            raise AssertionError(f"not as the schema says: {text}")


def calls_weather(said):
    if not said["calls"]:
        raise AssertionError(f"no call in {said}")
    for name, arguments in said["calls"]:
        fits_schema({"texts": [arguments]})
        if name != "weather":
            raise AssertionError(f"a call of {name}")


def asks(model, adapter, spare, encoder):
    """The same seeds to the model, through an adapter, to a model on request, and vectors of an encoder."""
    form = {"type": "json_schema", "json_schema": {"name": "a", "strict": True, "schema": SCHEMA}}
    tools = [{"type": "function", "function": FUNCTION}]
    long = "The floor where everyone meets. " * 8
    made = [
        Ask("completion", COMPLETIONS, {"model": model, "prompt": "Maru", "max_tokens": 24, "seed": 5,
                                        "temperature": 0.9}),
        Ask("two choices", COMPLETIONS, {"model": model, "prompt": "The server", "max_tokens": 16, "seed": 6, "n": 2}),
        Ask("two prompts, log-probabilities", COMPLETIONS,
            {"model": model, "prompt": ["안녕", "하나"], "max_tokens": 12, "seed": 7, "logprobs": 3}),
        Ask("chat", CHAT, {"model": model, "messages": user("hello"), "max_tokens": 20, "seed": 8}),
        Ask("greedy chat", CHAT, {"model": model, "messages": user("표"), "max_tokens": 12, "temperature": 0}),
        Ask("three choices, log-probabilities", CHAT,
            {"model": model, "messages": user(long), "max_tokens": 12, "seed": 9, "n": 3, "logprobs": True,
             "top_logprobs": 2}),
        Ask("what repeats itself", COMPLETIONS, {"model": model, "prompt": long, "max_tokens": 40, "temperature": 0,
                                                 "repetition_penalty": 0.8, "ignore_eos": True}),
        Ask("schema", CHAT, {"model": model, "messages": user("where?"), "max_tokens": 300, "seed": 10,
                             "response_format": form}, check=fits_schema),
        Ask("tools", CHAT, {"model": model, "messages": user("rain?"), "max_tokens": 300, "seed": 11, "tools": tools,
                            "tool_choice": "required", "parallel_tool_calls": False}, check=calls_weather),
        Ask("adapter", CHAT, {"model": adapter, "messages": user("hello"), "max_tokens": 20, "seed": 8}),
        Ask("messages", MESSAGES, {"model": model, "messages": user("hello"), "system": "be brief", "max_tokens": 20,
                                   "temperature": 0}),
        Ask("messages of an adapter", MESSAGES, {"model": adapter, "messages": user("안녕"), "max_tokens": 16,
                                                 "temperature": 0}),
        Ask("response", RESPONSES, {"model": model, "input": "hello", "max_output_tokens": 20, "seed": 12,
                                    "store": False}),
        Ask("Ollama", OLLAMA, {"model": model, "messages": user("hello"), "options": {"seed": 13, "num_predict": 20}}),
        Ask("Ollama, schema", OLLAMA, {"model": model, "messages": user("where?"), "format": SCHEMA,
                                       "options": {"seed": 14, "num_predict": 300}}, check=fits_schema),
    ]
    if spare:
        made.append(Ask("on request", CHAT, {"model": spare, "messages": user("hello"), "max_tokens": 8, "seed": 15}))
    if encoder:
        made.append(Ask("vectors", EMBEDDINGS, {"model": encoder, "input": ["so it is", "a floor"]}, streams=False))
    return made


def crowd(model):
    """More than fits into few pages when two ask it at once: choices lose theirs and are computed again."""
    return Ask("crowd", COMPLETIONS, {"model": model, "prompt": "all of us", "max_tokens": 800, "seed": 16, "n": 8,
                                      "ignore_eos": True})


def what_was_said(path, body):
    """Of a whole answer: {"texts", "calls", "numbers"}."""
    answer = json.loads(body)
    said = {"texts": [], "calls": [], "numbers": []}
    if path == EMBEDDINGS:
        said["numbers"] = [entry["embedding"] for entry in answer["data"]]
    elif path in (CHAT, COMPLETIONS):
        for choice in answer["choices"]:
            message = choice.get("message", {})
            said["texts"].append(choice.get("text", message.get("content")) or "")
            functions = [call["function"] for call in message.get("tool_calls") or []]
            said["calls"] += [(function["name"], function["arguments"]) for function in functions]
            said["numbers"].append(choice.get("logprobs"))
    elif path == MESSAGES:
        said["texts"].append("".join(block.get("text", "") for block in answer["content"]))
    elif path == RESPONSES:
        said["texts"].append("".join(part["text"] for item in answer["output"] if item["type"] == "message"
                                     for part in item["content"]))
    else:
        said["texts"].append(answer["message"]["content"])
    return said


def streamed(path, body, choices):
    """Of a streamed one, without the numbers: how tokens are shared among chunks is not said."""
    if path in (CHAT, COMPLETIONS):
        return streamed_choices(body, choices)
    texts = ""
    for line in body.split(b"\n"):
        line = line.removeprefix(b"data: ").lstrip()  # a blank before a line of Ollama's says that the server is there
        event = json.loads(line) if line.startswith(b"{") else {}
        if "error" in event:
            raise AssertionError(f"an error in the stream: {event}")
        if path == MESSAGES:
            texts += event.get("delta", {}).get("text", "")
        elif path == RESPONSES:
            texts += event["delta"] if event.get("type") == "response.output_text.delta" else ""
        else:
            texts += event.get("message", {}).get("content", "")
    return {"texts": [texts], "calls": []}


def streamed_choices(body, choices):
    texts, calls = [""] * choices, {}
    for line in body.split(b"\n"):
        if not line.startswith(b"data: {"):
            continue
        event = json.loads(line[6:])
        if "error" in event:
            raise AssertionError(f"an error in the stream: {event}")
        for choice in event["choices"]:
            delta = choice.get("delta", {})
            texts[choice["index"]] += choice.get("text", delta.get("content")) or ""
            for call in delta.get("tool_calls") or []:
                name, arguments = calls.get(call["index"], ("", ""))
                function = call["function"]
                name, arguments = name + (function.get("name") or ""), arguments + (function.get("arguments") or "")
                calls[call["index"]] = name, arguments
    return {"texts": texts, "calls": [calls[i] for i in sorted(calls)]}
