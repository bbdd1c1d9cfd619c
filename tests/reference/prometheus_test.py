"""The metrics, as Prometheus reads them: every query of our board (deploy/grafana/maru.json) and of the one that vLLM
publishes (examples/observability/prometheus_grafana in vllm-project/vllm) finds something.
"""
import json
import math
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

import pytest

from server import ROOT, Server

pytestmark = pytest.mark.skipif(
    not (shutil.which("prometheus") and shutil.which("promtool")), reason="needs Debian's prometheus"
)

WINDOW = "15s"  # of rates
PROMETHEUS = """
global: {{scrape_interval: 1s}}
scrape_configs:
  - job_name: maru
    authorization: {{credentials: secret}}
    static_configs: [{{targets: ["{target}"]}}]
"""


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def fetch(url, body=None):
    request = urllib.request.Request(url, body and json.dumps(body).encode(), {"Authorization": "Bearer secret"})
    with urllib.request.urlopen(request) as response:
        return response.read().decode()


class Prometheus:
    def __init__(self, folder, target):
        config = folder / "prometheus.yml"
        config.write_text(PROMETHEUS.format(target=target))
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.log = open(folder / "log", "w")
        self.process = subprocess.Popen(
            ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={folder / 'data'}",
             f"--web.listen-address=127.0.0.1:{port}"], stdout=self.log, stderr=self.log)  # fmt: skip

    def query(self, expression):
        """The numbers that it gives now."""
        try:
            answer = json.loads(fetch(self.url + "/api/v1/query?" + urllib.parse.urlencode({"query": expression})))
        except urllib.error.HTTPError as error:
            if error.code == 503:
                return []  # not ready
            raise AssertionError(f"{expression}: {error.read().decode()}") from error
        except OSError:
            return []  # not up yet
        return [x for x in (float(one["value"][1]) for one in answer["data"]["result"]) if not math.isnan(x)]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)
        self.log.close()


def own_queries():
    board = json.loads((ROOT / "deploy/grafana/maru.json").read_text())
    queries = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    assert len(queries) > 20
    return [q.replace("$__rate_interval", WINDOW).replace("$model", ".*") for q in queries]


def vllm_queries(model):
    this = f'{{model_name="{model}"}}'
    gauges = ("num_requests_running", "num_requests_waiting", "kv_cache_usage_perc")
    queries = [f"vllm:{name}{this}" for name in gauges]
    for name in ("prompt_tokens_total", "generation_tokens_total", "request_queue_time_seconds_sum",
                 "request_prefill_time_seconds_sum", "request_decode_time_seconds_sum",
                 "request_max_num_generation_tokens_sum"):  # fmt: skip
        queries.append(f"rate(vllm:{name}{this}[{WINDOW}])")
    for name in ("e2e_request_latency_seconds", "inter_token_latency_seconds", "time_to_first_token_seconds"):
        for quantile in (0.99, 0.95, 0.9, 0.5):
            queries.append(f"histogram_quantile({quantile}, sum by(le) (rate(vllm:{name}_bucket{this}[{WINDOW}])))")
        queries.append(f"rate(vllm:{name}_sum{this}[{WINDOW}]) / rate(vllm:{name}_count{this}[{WINDOW}])")
    for name in ("request_prompt_tokens", "request_generation_tokens"):
        queries.append(f"sum by(le) (increase(vllm:{name}_bucket{this}[{WINDOW}]))")
    queries.append(f"sum by(finished_reason) (increase(vllm:request_success_total{this}[{WINDOW}]))")
    return queries


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    server = Server("api_key=secret", f"traces_endpoint=http://127.0.0.1:{free_port()}")
    prometheus = Prometheus(tmp_path_factory.mktemp("prometheus"), server.url.removeprefix("http://"))
    yield server, prometheus
    prometheus.stop()
    assert server.stop() == 0


def some_requests(server):
    text = "하나 둘 셋 " * 12
    body = {"model": server.model, "messages": [{"role": "user", "content": text}], "max_tokens": 40, "temperature": 0}
    fetch(server.url + "/v1/chat/completions", body)
    fetch(server.url + "/v1/chat/completions", {**body, "stream": True})


def test_every_query_finds_something(served):
    server, prometheus = served
    left = set(own_queries()) | set(vllm_queries(server.model))
    everything = len(left)
    end = time.monotonic() + 120
    while left and time.monotonic() < end:
        some_requests(server)
        time.sleep(0.5)
        left = {query for query in left if not prometheus.query(query)}
    assert not left, f"{len(left)} of {everything}:\n" + "\n".join(sorted(left))
    assert prometheus.query("up") == [1]
    assert sum(prometheus.query("maru_http_requests_total")) > 0


def test_the_exposition_is_as_promtool_wants_it(served):
    server, _ = served
    some_requests(server)
    text = fetch(server.url + "/metrics")
    checked = subprocess.run(["promtool", "check", "metrics"], input=text, text=True, capture_output=True)
    complaints = [line for line in (checked.stdout + checked.stderr).splitlines() if line.strip()]
    # vLLM's names have colons, and a histogram of theirs is called a total; ours have nothing to complain about
    assert [line for line in complaints if not line.startswith("vllm:")] == []


def test_the_example_is_a_configuration():
    checked = subprocess.run(["promtool", "check", "config", str(ROOT / "deploy/prometheus.yml")], capture_output=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr
