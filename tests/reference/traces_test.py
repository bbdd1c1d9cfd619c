"""Traces, as a collector gets them: parsed by OpenTelemetry's own protobuf classes."""
import base64
import http.server
import json
import os
import re
import threading
import time
import urllib.error
import urllib.request

import pytest

from server import Server

collector = pytest.importorskip("opentelemetry.proto.collector.trace.v1.trace_service_pb2")
json_format = pytest.importorskip("google.protobuf.json_format")

pytestmark = pytest.mark.skipif("MARU_SERVE_COMMAND" in os.environ, reason="needs a server of its own")

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SECRET = "아무도 모르는 말"


def with_base64_ids(node):
    """OTLP writes ids in hexadecimal where JSON of Protobuf has base64."""
    if isinstance(node, list):
        return [with_base64_ids(one) for one in node]
    if not isinstance(node, dict):
        return node
    sizes = {"traceId": 32, "spanId": 16, "parentSpanId": 16}
    for key, value in node.items():
        if key in sizes:
            assert re.fullmatch(f"[0-9a-f]{{{sizes[key]}}}", value), (key, value)
    encoded = {k: base64.b64encode(bytes.fromhex(v)).decode() for k, v in node.items() if k in sizes}
    return {k: with_base64_ids(v) for k, v in node.items()} | encoded


class Collector:
    def __init__(self):
        self.bodies, self.status = [], 200
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                assert self.path == "/v1/traces" and self.headers["Content-Type"] == "application/json"
                outer.bodies.append(body)
                self.send_response(outer.status)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def spans(self):
        spans = []
        for body in self.bodies:
            request = json_format.ParseDict(with_base64_ids(json.loads(body)), collector.ExportTraceServiceRequest())
            for resource in request.resource_spans:
                names = {a.key: a.value.string_value for a in resource.resource.attributes}
                assert names["service.name"] == "maru"
                spans += [span for scope in resource.scope_spans for span in scope.spans]
        return spans


@pytest.fixture
def traced():
    collector = Collector()
    server = Server("traces_endpoint=" + collector.url)
    yield collector, server
    if server.process.poll() is None:
        server.stop()
    collector.server.shutdown()


def ask(server, path="/v1/chat/completions", headers=(), **more):
    body = {"model": server.model, "messages": [{"role": "user", "content": SECRET}], "max_tokens": 9, **more}
    request = urllib.request.Request(server.url + path, json.dumps(body).encode(), dict(headers))
    try:
        with urllib.request.urlopen(request) as response:
            return response.read()
    except urllib.error.HTTPError as error:
        return error.code


def attributes(span):
    values = {a.key: a.value for a in span.attributes}
    return {k: getattr(v, v.WhichOneof("value")) for k, v in values.items()}


def test_a_request_is_a_span_with_its_parts(traced):
    collector, server = traced
    answer = json.loads(ask(server, headers={"traceparent": f"00-{TRACE}-{PARENT}-01"}.items(), temperature=0.5))
    assert server.stop() == 0, "what is left is sent before the end"
    spans = {span.name: span for span in collector.spans()}
    root = spans["POST /v1/chat/completions"]
    assert root.trace_id.hex() == TRACE and root.parent_span_id.hex() == PARENT and root.kind == root.SPAN_KIND_SERVER
    found = attributes(root)
    assert found["gen_ai.operation.name"] == "chat" and found["gen_ai.request.model"] == server.model
    assert found["gen_ai.usage.input_tokens"] == answer["usage"]["prompt_tokens"]
    assert found["gen_ai.usage.output_tokens"] == answer["usage"]["completion_tokens"]
    assert found["gen_ai.request.temperature"] == 0.5 and found["gen_ai.request.max_tokens"] == 9
    assert found["gen_ai.response.id"] == answer["id"] and found["http.response.status_code"] == 200
    assert [v.string_value for v in found["gen_ai.response.finish_reasons"].values] == [
        answer["choices"][0]["finish_reason"]
    ]
    last = root.start_time_unix_nano
    for name in ("queue", "prefill", "decode"):
        part = spans[name]
        assert part.parent_span_id == root.span_id and part.trace_id == root.trace_id
        assert last <= part.start_time_unix_nano <= part.end_time_unix_nano <= root.end_time_unix_nano
        last = part.end_time_unix_nano
    assert abs(time.time() * 1e9 - last) < 60e9
    everything = b"".join(collector.bodies).decode()
    assert SECRET not in everything and answer["choices"][0]["message"]["content"] not in everything


def test_other_requests(traced):
    collector, server = traced
    assert ask(server, model="none") == 404
    assert ask(server, headers={"traceparent": f"00-{TRACE}-{PARENT}-00"}.items())  # not sampled
    assert ask(server, path="/api/chat", max_tokens=None, options={"num_predict": 3})
    list(ask(server, stream=True) for _ in range(3))
    urllib.request.urlopen(server.url + "/health").read()
    assert server.stop() == 0
    roots = [span for span in collector.spans() if span.kind == span.SPAN_KIND_SERVER]
    assert sorted((span.name, attributes(span)["http.response.status_code"]) for span in roots) == [
        ("POST /api/chat", 200),
        ("POST /v1/chat/completions", 200),
        ("POST /v1/chat/completions", 200),
        ("POST /v1/chat/completions", 200),
        ("POST /v1/chat/completions", 404),
    ]
    refused = next(span for span in roots if attributes(span)["http.response.status_code"] == 404)
    assert attributes(refused)["error.type"] == "404" and "gen_ai.request.model" not in attributes(refused)
    assert len({span.trace_id for span in roots}) == 5


def test_a_collector_that_is_gone_holds_nobody_up(traced):
    collector, server = traced
    collector.server.shutdown()
    collector.server.server_close()
    begin = time.monotonic()
    for _ in range(5):
        assert ask(server)
    metrics = urllib.request.urlopen(server.url + "/metrics").read().decode()
    assert 'maru_trace_spans_total{outcome="sent"} 0' in metrics
    assert server.stop() == 0 and time.monotonic() - begin < 30


def test_nothing_is_sent_unasked_or_abroad():
    for url in ("https://127.0.0.1:4318", "http://8.8.8.8:4318", "127.0.0.1:4318"):
        with pytest.raises(json.JSONDecodeError):  # it does not start
            Server("traces_endpoint=" + url)
