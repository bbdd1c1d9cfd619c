"""Jobs when servers and workers are killed at random moments: same final bits as undisturbed, none lost, none stuck.

MARU_JOB_KILLS says how many kills; tests/run_platform makes it 200.
"""

import hashlib
import http.client
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
MARU = pathlib.Path(os.environ.get("MARU_BUILD", ROOT / "build/release")) / "src/cli/maru"
KILLS = int(os.environ.get("MARU_JOB_KILLS", 6))
PATIENCE = 120  # seconds, for what takes a few
SERVE = ["serve", "small", "--port", "0", "drain_seconds=1", "jobs.restarts=100000", "jobs.restart_seconds=0"]


def new_home(folder):
    shutil.copytree(ROOT / "tests/golden/home", folder)
    shutil.copy(folder / "texts/chat.jsonl", folder / "datasets/chat.jsonl")
    return folder


def run(home, *words):
    done = subprocess.run([MARU, "--home", home, "--quiet", "--json", "--threads", "1", *words], capture_output=True,
                          text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def training(i):
    return {"stage": "train",
            "config": {"name": f"train-{i}", "tokens": "small/tokens-small", "tokenizer": "small",
                       "init_from": "small", "sequence_length": 16, "batch_tokens": 32, "micro_batch_tokens": 16,
                       "steps": 900, "seed": i, "checkpoint": {"every_steps": 100, "every_minutes": 0}}}


def tuning(i):
    return {"stage": "tune", "config": {"name": f"tune-{i}", "model": "small", "data": "chat.jsonl", "epochs": 60,
                                        "seed": i, "lora": {"rank": 2}, "samples": 0, "held_out": 0}}


def wanted(count):
    """One job of each kind after the other."""
    makers = [training, tuning,
              lambda i: {"stage": "quantize", "config": {"model": "small", "out": f"int8-{i}", "to": "int8"}},
              lambda i: {"stage": "export", "config": {"model": "small", "out": f"out-{i}"}}]
    return [makers[i % len(makers)](i) for i in range(count)]


def bits(home, job):
    """What a job has made, by path: hashes. Runs hold times; what they made is compared."""
    found = {}
    for label in job["results"]:
        inside = home / "platform/jobs" / job["id"] if label.startswith("results/") else home
        for path in sorted((inside / label).rglob("*")):
            if path.is_file() and not label.startswith("runs/"):
                found[f"{label}/{path.relative_to(inside / label)}"] = hashlib.sha256(path.read_bytes()).hexdigest()
    assert found, job
    return found


class Server:
    def __init__(self, home):
        self.log = open(home / "serve.log", "a")
        self.process = subprocess.Popen([MARU, "--home", home, "--json", "--threads", "1", *SERVE],
                                        stdout=subprocess.PIPE, stderr=self.log, text=True)
        self.port = None

    def listens(self):
        if self.port is None:
            line = self.process.stdout.readline()
            self.port = int(json.loads(line)["url"].rsplit(":", 1)[1]) if line else 0
        return self.port

    def ask(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.listens(), timeout=30)
        headers = {"content-type": "application/json"} if body is not None else {}
        connection.request(method, "/v1/maru/jobs" + path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.log.close()


def workers_of(home):
    """Processes that do jobs of this home."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0") if entry.name.isdigit() else []
        except OSError:
            continue
        if b"worker" in words and str(home).encode() in words:
            found.append(int(entry.name))
    return found


@pytest.fixture
def home(tmp_path):
    folder = new_home(tmp_path / "home")
    yield folder
    for worker in workers_of(folder):
        os.kill(worker, signal.SIGKILL)


def test_jobs_are_done_without_a_server(home):
    made = run(home, "jobs", "start", "quantize", "model=small", "out=q", "--wait")
    assert (made["state"], made["percent"], made["results"]) == ("completed", 100, ["models/q"])
    for job in wanted(4)[2:]:
        words = [f"{key}={value}" for key, value in job["config"].items()]
        assert run(home, "jobs", "start", job["stage"], *words)["state"] == "created"
    assert run(home, "jobs", "run") == {"done": 2, "left": 0}
    assert [job["state"] for job in run(home, "jobs", "list")] == ["completed"] * 3
    done = subprocess.run([MARU, "--home", home, "jobs", "start", "quantize", "model=small", "out=q", "--wait"],
                          capture_output=True, text=True)
    assert done.returncode == 4 and "models/q: exists" in done.stderr


def test_a_server_that_stops_leaves_its_jobs_at_work(home):
    server = Server(home)
    job = {**training(1), "config": {**training(1)["config"], "steps": 4000}}
    status, made = server.ask("POST", "", job)
    assert status == 201, made
    deadline = time.time() + PATIENCE
    while not workers_of(home) and time.time() < deadline:
        time.sleep(0.01)
    server.process.terminate()
    assert server.process.wait(60) == 0
    worker = workers_of(home)
    assert len(worker) == 1, "it goes on"
    server = Server(home)
    while time.time() < deadline:
        found = server.ask("GET", "/" + made["id"])[1]
        if found["job"]["state"] == "completed":
            break
        assert found["job"]["state"] == "active" and found["job"]["percent"] < 100
        time.sleep(0.1)
    assert found["job"]["percent"] == 100 and len(found["attempts"]) == 1, found
    server.process.terminate()
    assert server.process.wait(60) == 0


def test_kills_change_no_bit_and_lose_no_job(home, tmp_path):
    seed = random.randrange(1 << 30)
    print("seed", seed)
    dice = random.Random(seed)
    jobs = wanted(max(4, KILLS // 4))
    undisturbed = new_home(tmp_path / "undisturbed")
    calm = Server(undisturbed)
    expected = {}
    for job in jobs:
        assert calm.ask("POST", "", job)[0] == 201
    deadline = time.time() + PATIENCE + 5 * len(jobs)
    while calm.ask("GET", "?state=completed")[1]["total"] < len(jobs):
        assert time.time() < deadline, calm.ask("GET", "?limit=1000")[1]
        time.sleep(0.1)
    for job in calm.ask("GET", "?limit=1000")[1]["data"]:
        expected.update({name.split("/", 1)[1]: found for name, found in bits(undisturbed, job).items()})
    calm.kill()

    server, made, left, killed = Server(home), {}, list(jobs), {"server": 0, "worker": 0}
    while sum(killed.values()) < KILLS:
        if left and dice.random() < 0.5 and server.listens():
            status, answer = server.ask("POST", "", left[0])
            assert status == 201, (answer, seed)
            made[answer["id"]] = left.pop(0)
        time.sleep(dice.uniform(0, 0.5))
        workers = workers_of(home)
        if workers and dice.random() < 0.6:
            try:
                os.kill(dice.choice(workers), signal.SIGKILL)
                killed["worker"] += 1
            except ProcessLookupError:
                pass
        else:
            server.kill()
            killed["server"] += 1
            server = Server(home)
    for job in left:
        status, answer = server.ask("POST", "", job)
        assert status == 201, (answer, seed)
        made[answer["id"]] = job
    deadline = time.time() + PATIENCE + 5 * len(jobs)
    while server.ask("GET", "?state=completed")[1]["total"] < len(jobs) and time.time() < deadline:
        time.sleep(0.1)
    found = {job["id"]: job for job in server.ask("GET", "?limit=1000")[1]["data"]}
    assert found.keys() == made.keys(), ("none lost, none twice", seed)
    got, attempts = {}, 0
    for job in found.values():
        attempts += len(server.ask("GET", "/" + job["id"])[1]["attempts"])
        assert (job["state"], job["percent"]) == ("completed", 100), (job, seed)
        got.update({name.split("/", 1)[1]: hash_ for name, hash_ in bits(home, job).items()})
    assert got == expected, seed
    server.kill()
    assert not workers_of(home), "nothing runs that has ended"
    run(home, "list")  # tidies up
    # One that was whole and not yet renamed bears no mark any more, and stays hidden.
    leftovers = [path for path in home.rglob("*") if (".tmp-" in path.name or ".old-" in path.name)
                 and not (path / "manifest.json").exists() and ".tmp-" not in path.parent.name]
    assert not leftovers, (leftovers, seed)
    print("killed", killed, "jobs", len(jobs), "attempts", attempts)
