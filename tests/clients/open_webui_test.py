"""The requests that Open WebUI makes of servers like OpenAI's and like Ollama's: its paths, headers and bodies, as its
source (open-webui 0.12.4: routers/openai.py, routers/ollama.py, routers/tasks.py, retrieval/utils.py, utils/payload.py)
builds them, in our own words; and what it reads of the answers.
"""
import datetime
import json

import pytest
import requests

from conftest import ARGUMENTS, CALL

# With ENABLE_FORWARD_USER_INFO_HEADERS it says who asks.
HEADERS = {
    "Authorization": "Bearer none", "Content-Type": "application/json", "X-OpenWebUI-User-Name": "%EA%B9%80",
    "X-OpenWebUI-User-Id": "7f1d", "X-OpenWebUI-User-Email": "a@b.kr", "X-OpenWebUI-User-Role": "admin",
    "X-OpenWebUI-Chat-Id": "c-1",
}
HELLO = [{"role": "system", "content": "친절하게"}, {"role": "user", "content": "안녕하세요"}]
SCHEMA = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"],
          "additionalProperties": False}
TOOL = {"type": "function", "function": {"name": "weather", "description": "d", "parameters": {
    "type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}, "required": ["city"]}}}


def get(server, path):
    return requests.get(server.url + path, headers=HEADERS, timeout=60)


def post(server, path, body, status=200):
    got = requests.post(server.url + path, headers=HEADERS, json=body, timeout=120)
    assert got.status_code == status, got.text
    return got


def events(got):
    """Server-sent events as it reads them: lines of "data: " that are JSON, up to [DONE]."""
    assert "text/event-stream" in got.headers["Content-Type"]
    lines = [line[6:] for line in got.text.splitlines() if line.startswith("data: ")]
    assert lines[-1] == "[DONE]"
    return [json.loads(line) for line in lines[:-1]]


def rows(got):
    return [json.loads(line) for line in got.text.splitlines()]


class TestOpenAI:
    @pytest.mark.smoke
    def test_a_connection_is_verified_and_its_models_listed(self, server):
        for entry in get(server, "/v1/models").json()["data"]:
            assert entry["id"] in ("tiny", "mean", "rank") and entry["object"] == "model"

    def test_a_chat_is_streamed(self, server):
        body = {"stream": True, "model": server.model, "messages": HELLO, "stream_options": {"include_usage": True},
                "temperature": 0.8, "top_p": 0.9, "min_p": 0.0, "max_tokens": 24, "frequency_penalty": 0.0,
                "presence_penalty": 0.0, "seed": 5, "stop": ["\x01"], "logit_bias": {"70": -100}, "top_k": 40}
        chunks = events(post(server, "/v1/chat/completions", body))
        text = "".join(c["choices"][0]["delta"].get("content") or "" for c in chunks if c["choices"])
        assert text and "F" not in text
        usage = [chunk["usage"] for chunk in chunks if chunk.get("usage")]
        assert len(usage) == 1 and 0 < usage[0]["completion_tokens"] <= 24

    def test_titles_tags_and_the_like(self, server):
        """Tasks of its own: one message, not streamed, without stream_options; an emoji in four tokens."""
        for limit in (1000, 4):
            body = {"model": server.model, "messages": [{"role": "user", "content": "### Task:\n제목"}], "stream": False,
                    "max_tokens": limit}
            got = post(server, "/v1/chat/completions", body).json()
            assert got["choices"][0]["message"]["content"] is not None and got["usage"]["completion_tokens"] <= limit

    def test_a_title_of_a_form(self, server):
        form = {"type": "json_schema", "json_schema": {"name": "t", "schema": SCHEMA, "strict": True}}
        body = {"model": server.model, "messages": HELLO, "stream": False, "max_tokens": 200, "response_format": form}
        content = post(server, "/v1/chat/completions", body).json()["choices"][0]["message"]["content"]
        assert set(json.loads(content)) == {"ok"}

    def test_tools_and_reasoning(self, saying):
        server = saying("<think>\n음\n</think>\n\n" + CALL)
        body = {"model": server.model, "messages": HELLO, "stream": True, "tools": [TOOL], "max_tokens": 400}
        deltas = [c["choices"][0]["delta"] for c in events(post(server, "/v1/chat/completions", body)) if c["choices"]]
        assert "".join(delta.get("reasoning_content") or "" for delta in deltas) == "음"
        calls = [call for delta in deltas for call in delta.get("tool_calls") or []]
        assert all(call["index"] == 0 for call in calls) and calls[0]["function"]["name"] == "weather"
        arguments = "".join(call["function"].get("arguments") or "" for call in calls)
        assert json.loads(arguments) == ARGUMENTS
        call = {"id": calls[0]["id"], "type": "function", "index": 0,
                "function": {"name": "weather", "arguments": arguments}}
        said = {"role": "assistant", "content": "", "tool_calls": [call], "reasoning_content": "음"}
        history = [*HELLO, said, {"role": "tool", "tool_call_id": call["id"], "content": "맑음"}]
        assert events(post(server, "/v1/chat/completions", {**body, "messages": history}))

    def test_an_answer_is_continued(self, server):
        history = [*HELLO, {"role": "assistant", "content": "네, "}]
        body = {"model": server.model, "messages": history, "stream": True, "max_tokens": 8,
                "continue_final_message": True, "add_generation_prompt": False}
        chunks = events(post(server, "/v1/chat/completions", body))
        assert not any("네, " in (c["choices"][0]["delta"].get("content") or "") for c in chunks if c["choices"])

    def test_the_responses_api(self, saying):
        server = saying("보자 " + CALL)
        text = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "안녕"}]}
        tool = {"type": "function", **TOOL["function"], "strict": False}
        body = {"model": server.model, "input": [text], "instructions": "친절하게", "max_output_tokens": 400,
                "stream": True, "tools": [tool]}
        got = post(server, "/v1/responses", body)
        seen = [json.loads(line[6:]) for line in got.text.splitlines() if line.startswith("data: {")]
        output = seen[-1]["response"]["output"]
        assert seen[-1]["type"] == "response.completed"
        assert [item["type"] for item in output] == ["message", "function_call"]
        assert json.loads(output[1]["arguments"]) == ARGUMENTS
        said = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "보자"}]}
        call = {key: output[1][key] for key in ("type", "call_id", "name", "arguments")}
        result = {"type": "function_call_output", "call_id": call["call_id"], "output": "맑음"}
        again = {**body, "input": [text, said, call, result], "stream": False}
        assert post(server, "/v1/responses", again).json()["output"]

    def test_images_are_refused_and_it_can_show_why(self, server):
        image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
        messages = [{"role": "user", "content": [{"type": "text", "text": "뭐?"}, image]}]
        body = {"model": server.model, "messages": messages, "stream": True}
        assert "type" in post(server, "/v1/chat/completions", body, 400).json()["error"]["message"]

    @pytest.mark.parametrize("more", [{"repeat_penalty": 1.1}, {"num_ctx": 2048}, {"mirostat": 1}, {"think": True}])
    def test_advanced_parameters_of_ollama_are_refused_by_name(self, server, more):
        """It sends those of a model's settings as they are; they are Ollama's, and taken on Ollama's routes."""
        body = {"model": server.model, "messages": HELLO, "stream": False, "max_tokens": 4, **more}
        assert post(server, "/v1/chat/completions", body, 400).json()["error"]["param"] in more

    def test_documents_are_embedded_and_ranked(self, server):
        texts = ["how to save a file", "the file"]
        got = post(server, "/v1/embeddings", {"input": texts, "model": "mean"}).json()["data"]
        assert [len(entry["embedding"]) for entry in got] == [32, 32]
        body = {"model": "rank", "query": "the file", "documents": texts, "top_n": len(texts)}
        results = post(server, "/v1/rerank", body).json()["results"]
        assert sorted(result["index"] for result in results) == [0, 1]
        assert all(isinstance(result["relevance_score"], float) for result in results)


class TestOllama:
    def test_a_connection_is_verified_and_its_models_listed(self, server):
        assert get(server, "/api/version").json()["version"].count(".") == 2
        for entry in get(server, "/api/tags").json()["models"]:
            assert entry["model"] == entry["name"] and entry["model"].endswith(":latest")
        running = get(server, "/api/ps").json()["models"]
        assert running and all(datetime.datetime.fromisoformat(entry["expires_at"]) for entry in running)
        assert post(server, "/api/show", {"model": "tiny:latest"}).json()["model_info"]

    def test_a_chat_is_streamed(self, server):
        options = {"temperature": 0.8, "top_k": 40, "top_p": 0.9, "seed": 5, "num_predict": 24, "num_ctx": 2048,
                   "stop": ["\x01"], "num_gpu": 0, "num_thread": 2, "use_mmap": True, "repeat_penalty": 1.1,
                   "repeat_last_n": -1}
        body = {"model": "tiny:latest", "messages": HELLO, "options": options, "stream": True, "keep_alive": "5m"}
        got = post(server, "/api/chat", body)
        assert got.headers["Content-Type"].startswith("application/x-ndjson")
        lines = rows(got)
        assert "".join(line["message"]["content"] for line in lines) and lines[-1]["done"]
        last = lines[-1]
        assert 0 < last["eval_count"] <= 24 and last["prompt_eval_count"] > 5 and last["eval_duration"] > 0

    def test_tools_and_thinking(self, saying):
        server = saying("<think>\n음\n</think>\n\n" + CALL)
        body = {"model": server.model + ":latest", "messages": HELLO, "stream": True, "tools": [TOOL], "think": True}
        lines = rows(post(server, "/api/chat", body))
        assert "".join(line["message"].get("thinking") or "" for line in lines) == "음"
        calls = [call for line in lines for call in line["message"].get("tool_calls") or []]
        assert [call["function"]["arguments"] for call in calls] == [ARGUMENTS]
        said = {"role": "assistant", "content": "", "thinking": "음",
                "tool_calls": [{"index": 0, "id": "call_1", "function": {"name": "weather", "arguments": ARGUMENTS}}]}
        history = [*HELLO, said, {"role": "tool", "content": "맑음", "tool_call_id": "call_1"}]
        assert rows(post(server, "/api/chat", {**body, "messages": history}))[-1]["done"]

    def test_a_form_a_prompt_and_what_a_server_may_refuse(self, server):
        body = {"model": "tiny:latest", "messages": HELLO, "stream": False, "format": SCHEMA,
                "options": {"num_predict": 200}}
        assert set(json.loads(post(server, "/api/chat", body).json()["message"]["content"])) == {"ok"}
        written = rows(post(server, "/api/generate", {"model": "tiny:latest", "prompt": "안녕", "stream": True,
                                                      "options": {"num_predict": 8}}))
        assert written[-1]["done"]
        post(server, "/api/generate", {"model": "tiny:latest", "keep_alive": 0, "prompt": ""}, 400)  # unload
        for verb in ("pull", "push", "create", "copy"):
            assert "maru" in post(server, f"/api/{verb}", {"model": "x"}, 501).json()["error"]

    def test_documents_are_embedded(self, server):
        body = {"model": "mean:latest", "input": ["how to save a file", "the file"], "truncate": True}
        assert [len(vector) for vector in post(server, "/api/embed", body).json()["embeddings"]] == [32, 32]
        one = post(server, "/api/embeddings", {"model": "mean:latest", "prompt": "the file"}).json()["embedding"]
        assert len(one) == 32

    def test_openais_routes_behind_ollamas_address(self, server):
        """It passes OpenAI's and Anthropic's requests on to it too; names of models are there those of /v1/models."""
        body = {"model": "tiny", "messages": HELLO, "max_tokens": 4, "stream": False}
        assert post(server, "/v1/chat/completions", body).json()["choices"]
        assert post(server, "/v1/completions", {"model": "tiny", "prompt": "안", "max_tokens": 4}).json()["choices"]
        assert post(server, "/v1/embeddings", {"model": "mean", "input": "the file"}).json()["data"]
        assert post(server, "/v1/messages", {"model": "tiny", "messages": HELLO[1:], "max_tokens": 4}).json()["content"]
        assert post(server, "/v1/responses", {"model": "tiny", "input": "안녕", "max_output_tokens": 4}).json()["output"]
        assert "tiny:latest" in post(server, "/v1/chat/completions", {**body, "model": "tiny:latest"}, 404).text
