"""The store of files when things go wrong on the wire and under it: cut uploads, kills, a disk that is full."""

import base64
import hashlib
import http.client
import json
import os
import random
import resource
import signal
import socket
import threading
import time

import pytest

from server import Server

KILLS = int(os.environ.get("MARU_HUB_KILLS", 6))
COMMIT = "/v1/hf/api/datasets/team/talks/commit/main"
TREE = "/v1/hf/api/datasets/team/talks/tree/main?recursive=1"


def ask(url, method, path, body=None):
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=60)
    connection.request(method, path, body)
    answer = connection.getresponse()
    return answer.status, answer.read()


def create(url):
    body = json.dumps({"name": "talks", "organization": "team", "type": "dataset"})
    assert ask(url, "POST", "/v1/hf/api/repos/create", body)[0] in (200, 409)


def lines(files, summary="s"):
    body = json.dumps({"key": "header", "value": {"summary": summary, "description": ""}}) + "\n"
    for path, data in files.items():
        value = {"content": base64.b64encode(data).decode(), "path": path, "encoding": "base64"}
        body += json.dumps({"key": "file", "value": value}) + "\n"
    return body.encode()


def tree(url):
    """By path, the hash that each file should have."""
    found, last = {}, ""
    while True:
        status, body = ask(url, "GET", TREE + "&cursor=" + last)
        assert status == 200, body
        page = [entry for entry in json.loads(body) if entry["type"] == "file"]
        if not page:
            return found
        found.update({entry["path"]: entry["lfs"]["oid"] for entry in page})
        last = page[-1]["path"]


def blobs_of(home):
    return [path for path in (home / "platform/files/blobs").rglob("*") if path.is_file()]


def check_blobs(home):
    for blob in blobs_of(home):
        assert hashlib.sha256(blob.read_bytes()).hexdigest() == blob.name


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


def test_uploads_cut_anywhere_leave_nothing(home):
    server = Server(f"home={home}")
    try:
        create(server.url)
        assert ask(server.url, "POST", COMMIT, lines({"kept": b"kept"}))[0] == 200
        body = lines({"a": os.urandom(700), "b": os.urandom(200_000)})
        host, port = server.url.removeprefix("http://").split(":")
        head = f"POST {COMMIT} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        for end in [0, 1, 50, 100, 300, 1000, 5000, 100_000, len(body) - 1]:
            with socket.create_connection((host, int(port))) as client:
                client.sendall(head + body[:end])
                if end % 2:  # reset it instead of closing
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        deadline = time.time() + 20
        while any((home / "platform/files/incoming").iterdir()) and time.time() < deadline:
            time.sleep(0.05)
        assert not any((home / "platform/files/incoming").iterdir())
        assert list(tree(server.url)) == ["kept"]
        check_blobs(home)
    finally:
        assert server.stop() == 0


def test_a_full_disk_is_said_and_loses_nothing(home):
    def limited(*arguments):
        """A server whose files may have 8 MiB: past it a write fails as on a full disk."""
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # which a child inherits
        resource.setrlimit(resource.RLIMIT_FSIZE, (8 << 20, before[1]))
        try:
            return Server(*arguments)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
            signal.signal(signal.SIGXFSZ, ignored)

    server = limited(f"home={home}")
    try:
        create(server.url)
        assert ask(server.url, "POST", COMMIT, lines({"kept": b"kept"}))[0] == 200
        status, body = ask(server.url, "POST", COMMIT, lines({"kept": b"new", "large": os.urandom(12 << 20)}))
        assert status == 507 and b"no room left" in body, body
        assert not any((home / "platform/files/incoming").iterdir())
        assert ask(server.url, "GET", "/v1/hf/datasets/team/talks/resolve/main/kept") == (200, b"kept")
        assert ask(server.url, "POST", COMMIT, lines({"kept": b"newer"}))[0] == 200
    finally:
        assert server.stop() == 0


def test_kills_lose_nothing_that_was_answered(home):
    seed = random.randrange(1 << 30)
    print("seed", seed)
    dice = random.Random(seed)
    sent, answered = {}, {}
    for round_ in range(KILLS):
        server = Server(f"home={home}")
        create(server.url)
        found = tree(server.url)
        for path, oid in answered.items():
            assert found.get(path) == oid, (path, seed)
        for path, oid in found.items():
            assert sent[path] == oid, "nothing that nobody sent"
            data = ask(server.url, "GET", "/v1/hf/datasets/team/talks/resolve/main/" + path)[1]
            assert hashlib.sha256(data).hexdigest() == oid
        check_blobs(home)
        ending = threading.Event()

        def bring(writer):
            count = 0
            while not ending.is_set():
                data = os.urandom(dice.choice([10, 5000, 300_000, 2_000_000]))
                path = f"{round_}/{writer}/{count}"
                sent[path] = hashlib.sha256(data).hexdigest()
                try:
                    if ask(server.url, "POST", COMMIT, lines({path: data}))[0] == 200:
                        answered[path] = sent[path]
                except (OSError, http.client.HTTPException):
                    return
                count += 1

        writers = [threading.Thread(target=bring, args=(writer,)) for writer in range(3)]
        for writer in writers:
            writer.start()
        time.sleep(dice.uniform(0.05, 0.6))
        server.process.kill()
        server.process.wait()
        ending.set()
        for writer in writers:
            writer.join()
    assert answered, "some commits came before a kill"
    server = Server(f"home={home}")
    try:
        assert answered.items() <= tree(server.url).items()
    finally:
        assert server.stop() == 0
    assert not any((home / "platform/files/incoming").iterdir()), "what killed servers left is gone"
