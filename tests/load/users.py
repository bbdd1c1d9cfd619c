"""What honest and careless clients do, over and over, while the attacks go on."""
import json
import random
import socket
import threading
import time
from collections import Counter

from client import Client, Closed, ask, request
from dialects import CHAT, COMPLETIONS, streamed, what_was_said


class Loops:
    """Threads that each do one thing again and again; counts what they met and notes what must not be."""

    def __init__(self, port, kinds):
        self.port = port
        self.counts, self.faults = Counter(), []
        self.stopping = threading.Event()
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.loop, args=(kind, i)) for i, kind in enumerate(kinds)]

    def start(self):
        for thread in self.threads:
            thread.start()

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join()

    def fault(self, text):
        with self.lock:
            self.faults.append(text)

    def note(self, kind, status, body=b""):
        with self.lock:
            self.counts[f"{kind} {status}"] += 1
        if status in (500, 502):
            self.fault(f"{kind} was answered {status}: {body[:300]!r}")

    def loop(self, kind, seed):
        rng = random.Random(seed)
        while not self.stopping.is_set():
            try:
                kind(rng)
            except Closed:
                self.note(kind.__name__, "closed")
            except OSError as error:
                self.note(kind.__name__, type(error).__name__)
            except Exception as error:  # an answer that is not what it should be
                self.fault(f"{kind.__name__}: {type(error).__name__} {error}")
            self.stopping.wait(0.02)


class Users(Loops):
    """Of one server: `asks` must be answered the same throughout; `seeds` and `streams` clients ask them."""

    def __init__(self, port, model, asks, seeds=2, streams=2, careless=True):
        kinds = [self.same_seed] * seeds + [self.streamed] * streams
        if careless:
            kinds += [self.leaver, self.slow_reader, self.garbage, self.looker]
        super().__init__(port, kinds)
        self.model, self.asks = model, asks
        self.expected = [self.reference(one) for one in asks]

    def reference(self, one):
        status, answer = ask(self.port, "POST", one.path, whole(one), timeout=120)
        if status != 200:
            raise SystemExit(f"{one.name}: {status} {answer[:300]!r}")
        said = what_was_said(one.path, answer)
        if one.check:
            one.check(said)
        return said

    def compare(self, kind, which, got):
        expected = {key: self.expected[which][key] for key in got}
        if got != expected:
            self.fault(f"{kind}, {self.asks[which].name}: not the same for the same seed: {got} instead of {expected}")

    def same_seed(self, rng):
        which = rng.randrange(len(self.asks))
        one = self.asks[which]
        status, answer = ask(self.port, "POST", one.path, whole(one), timeout=120)
        self.note(one.name, status, answer)
        if status == 200:
            self.compare("whole", which, what_was_said(one.path, answer))

    def streamed(self, rng):
        with Client(self.port, 120) as client:
            for _ in range(4):
                which = rng.randrange(len(self.asks))
                one = self.asks[which]
                if not one.streams:
                    continue
                client.send(request("POST", one.path, one.stream_body()))
                status, headers = client.head()
                self.note("streamed", status)
                if status != 200:
                    client.exactly(int(headers.get("content-length", 0)))
                    continue
                body = b"".join(client.chunks())
                self.compare("streamed", which, streamed(one.path, body, len(self.expected[which]["texts"])))

    def leaver(self, rng):
        """Asks and goes away at any moment."""
        client = Client(self.port)
        data = request("POST", COMPLETIONS, {"model": self.model, "prompt": "a", "max_tokens": 150,
                                             "ignore_eos": True, "stream": rng.random() < 0.5})
        client.send(data[: rng.randrange(1, len(data) + 1)])
        time.sleep(rng.random() * 0.1)
        if rng.random() < 0.5:
            client.reset()
        else:
            client.socket.close()
        self.note("left", "early")

    def slow_reader(self, rng):
        with Client(self.port, 60, receive_buffer=2048) as client:
            client.send(request("POST", COMPLETIONS, {"model": self.model, "prompt": "b", "max_tokens": 100,
                                                      "ignore_eos": True, "logprobs": 5, "stream": True}))
            end = time.time() + 5
            while time.time() < end and b"[DONE]" not in client.left:
                data = client.socket.recv(512)
                if not data:
                    break
                client.left = client.left[-600:] + data
                self.stopping.wait(0.01)
        self.note("slow reader", "ended")

    def garbage(self, rng):
        pieces = [b"GET ", b"POST /v1/completions HTTP/1.1\r\n", b"Host: localhost\r\n", b"\r\n", b"\r", b"\n", b"\0",
                  b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"ffffffff\r\n", b"0\r\n\r\n", b"{" * 50,
                  b"\x16\x03\x01\x02\x00", rng.randbytes(rng.randrange(200)), b"/%zz HTTP/1.1\r\n", b"x" * 5000]
        with Client(self.port, 0.2) as client:
            client.send(b"".join(rng.choice(pieces) for _ in range(rng.randrange(1, 12))))
            try:
                self.note("garbage", client.head()[0])
            except (socket.timeout, ValueError, IndexError):
                self.note("garbage", "nothing")

    def looker(self, rng):
        path = rng.choice(["/", "/v1/models", "/v1/metrics", "/v1/maru/status", "/v1/maru/runs", "/nothing",
                           "/api/tags", "/v1/maru/datasets", "/app.js", "/openapi.json", "/props", "/v1/metadata"])
        self.note("look", ask(self.port, "GET", path)[0])


def whole(one):
    """Ollama's answers come in lines unless they are asked to come whole."""
    return {**one.body, "stream": False} if one.streams else one.body
