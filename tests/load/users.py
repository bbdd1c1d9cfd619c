"""What honest and careless clients do, over and over, while the attacks go on."""
import json
import random
import socket
import threading
import time
from collections import Counter

from client import Client, Closed, ask, request

# Requests whose answers must always be the same text.
FIXED = [
    ("/v1/completions", {"prompt": "Maru", "max_tokens": 24, "seed": 5, "temperature": 0.9}),
    ("/v1/completions", {"prompt": "The server", "max_tokens": 16, "seed": 6, "n": 2}),
    ("/v1/completions", {"prompt": ["안녕", "하나"], "max_tokens": 12, "seed": 7, "logprobs": 3}),
    ("/v1/chat/completions", {"messages": [{"role": "user", "content": "hello"}], "max_tokens": 20, "seed": 8}),
    ("/v1/chat/completions", {"messages": [{"role": "user", "content": "표"}], "max_tokens": 12, "temperature": 0}),
]


def texts_of(body):
    return [choice.get("text", choice.get("message", {}).get("content")) for choice in json.loads(body)["choices"]]


def streamed_texts(client, path, count):
    texts = [""] * count
    status, headers = client.head()
    if status != 200:
        client.exactly(int(headers.get("content-length", 0)))
        return status, None
    events = b"".join(client.chunks())
    for line in events.split(b"\n"):
        if not line.startswith(b"data: {"):
            continue
        for choice in json.loads(line[6:])["choices"]:
            texts[choice["index"]] += choice.get("text", choice.get("delta", {}).get("content")) or ""
    return 200, texts


class Users:
    """Threads that each do one thing again and again; counts what they met and notes what must not be."""

    def __init__(self, port, model):
        self.port, self.model = port, model
        self.counts, self.faults = Counter(), []
        self.stopping = threading.Event()
        self.lock = threading.Lock()
        self.expected = [self.reference(path, body) for path, body in FIXED]
        kinds = [self.same_seed, self.same_seed, self.streamed, self.streamed, self.leaver, self.slow_reader,
                 self.garbage, self.looker]
        self.threads = [threading.Thread(target=self.loop, args=(kind, i)) for i, kind in enumerate(kinds)]

    def reference(self, path, body):
        status, answer = ask(self.port, "POST", path, {"model": self.model, **body})
        if status != 200:
            raise SystemExit(f"{path}: {status} {answer[:300]!r}")
        return texts_of(answer)

    def start(self):
        for thread in self.threads:
            thread.start()

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join()

    def note(self, kind, status):
        with self.lock:
            self.counts[f"{kind} {status}"] += 1
            if status in (500, 502):
                self.faults.append(f"{kind} was answered {status}")

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
                with self.lock:
                    self.faults.append(f"{kind.__name__}: {type(error).__name__} {error}")
            self.stopping.wait(0.02)

    def compare(self, kind, which, got):
        if got != self.expected[which]:
            with self.lock:
                self.faults.append(f"{kind}: another text for the same seed: {got} instead of {self.expected[which]}")

    def same_seed(self, rng):
        which = rng.randrange(len(FIXED))
        path, body = FIXED[which]
        status, answer = ask(self.port, "POST", path, {"model": self.model, **body}, timeout=120)
        self.note("whole", status)
        if status == 200:
            self.compare("whole", which, texts_of(answer))

    def streamed(self, rng):
        with Client(self.port, 120) as client:
            for _ in range(4):
                which = rng.randrange(len(FIXED))
                path, body = FIXED[which]
                client.send(request("POST", path, {"model": self.model, "stream": True, **body}))
                status, texts = streamed_texts(client, path, len(self.expected[which]))
                self.note("streamed", status)
                if status == 200:
                    self.compare("streamed", which, texts)

    def leaver(self, rng):
        """Asks and goes away at any moment."""
        client = Client(self.port)
        data = request("POST", "/v1/completions", {"model": self.model, "prompt": "a", "max_tokens": 150,
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
            client.send(request("POST", "/v1/completions", {"model": self.model, "prompt": "b", "max_tokens": 100,
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
                           "/v1/maru/datasets", "/app.js"])
        self.note("look", ask(self.port, "GET", path)[0])
