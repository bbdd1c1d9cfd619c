"""Clients that do more than ask: responses that are kept and worked on behind their back, keys with limits, adapters
and models that come and go, receipts that are replayed.
"""
import json
import os
import subprocess
import tempfile
import time

from client import ask
from dialects import CHAT, COMPLETIONS, MESSAGES, RESPONSES, user, what_was_said
from home import REQUESTS_PER_MINUTE, TOKENS_PER_MINUTE
from users import Loops


class Operators(Loops):
    def __init__(self, port, home):
        super().__init__(port, [self.keeper, self.background, self.limited, self.adapter_comes_and_goes,
                                self.model_comes_and_goes, self.replayer])
        self.home, self.begin = home, time.time()
        self.admitted = self.tokens = 0  # of the key with limits
        self.guest = None                # what the adapter that comes and goes says
        self.replayed = 0

    def post(self, kind, path, body, **more):
        status, answer = ask(self.port, "POST", path, body, timeout=120, **more)
        self.note(kind, status, answer)
        return status, json.loads(answer) if answer.startswith(b"{") else answer.decode()

    def until_taken(self, kind, path, body):
        """A full server refuses with 503: what was loaded must go all the same, or it is there the next time."""
        status = 503
        while status == 503 and not self.stopping.is_set():
            status, _ = self.post(kind, path, body)
        return status == 200

    def keeper(self, rng):
        """Keeps a response, reads it again, goes on with it, forgets it."""
        body = {"model": "tiny", "input": f"remember {rng.randrange(4)}", "max_output_tokens": 12, "seed": 1}
        status, kept = self.post("kept", RESPONSES, body)
        if status != 200:
            return
        path = f"{RESPONSES}/{kept['id']}"
        status, again = ask(self.port, "GET", path)
        if status == 200 and json.loads(again)["output"] != kept["output"]:
            self.fault(f"a kept response changed: {again[:300]!r} instead of {kept}")
        self.post("gone on with", RESPONSES, {**body, "previous_response_id": kept["id"]})
        if rng.random() < 0.5:
            deleted = ask(self.port, "DELETE", path)[0]
            if deleted == 200 and ask(self.port, "GET", path)[0] != 404:
                self.fault("a response that was deleted is still there")

    def background(self, rng):
        cancel = rng.random() < 0.5
        body = {"model": "tiny", "input": "work", "max_output_tokens": 60, "ignore_eos": True, "background": True}
        status, made = self.post("background", RESPONSES, body)
        if status != 200:
            return
        path, end = f"{RESPONSES}/{made['id']}", time.time() + 120
        if cancel:
            ask(self.port, "POST", path + "/cancel", b"")
        while time.time() < end:
            status, now = ask(self.port, "GET", path)
            if status != 200:  # pushed out by others
                return self.note("background", "gone")
            state = json.loads(now)["status"]
            if state not in ("queued", "in_progress"):
                return self.note("background", state)
            self.stopping.wait(0.05)
        self.fault(f"work in the background has not ended within 120 s: {state}")

    def limited(self, rng):
        """What the key was given is counted here, and must be within its limits."""
        headers = [f"Authorization: Bearer {self.home.keys['limited']}"]
        body = {"model": "tiny", "prompt": "a", "max_tokens": 40, "ignore_eos": True, "n": rng.randrange(1, 4)}
        status, answer = self.post("limited", COMPLETIONS, body, headers=headers)
        self.stopping.wait(0.2)
        if status == 200:
            self.admitted += 1
            self.tokens += answer["usage"]["total_tokens"]
        elif status == 429 and "per_minute" not in json.dumps(answer) and "choices" not in json.dumps(answer):
            self.fault(f"429 without its limit: {answer}")
        minutes = (time.time() - self.begin) / 60 + 1  # a full bucket at the beginning
        if self.admitted > REQUESTS_PER_MINUTE * minutes + 1 or self.tokens > TOKENS_PER_MINUTE * minutes + 200:
            self.fault(f"a key got {self.admitted} requests and {self.tokens} tokens in {minutes - 1:.2f} minutes")

    def adapter_comes_and_goes(self, rng):
        body = {"model": "visitor", "messages": user("hello"), "max_tokens": 12, "seed": 3}
        status, answer = self.post("adapter loaded", "/v1/load_lora_adapter",
                                   {"lora_name": "visitor", "lora_path": self.home.adapters[1]})
        if status not in (200, 503):
            self.fault(f"an adapter was not loaded: {status} {answer}")
        for _ in range(rng.randrange(1, 5)):
            status, answer = self.post("visitor", CHAT, body)
            if status != 200:
                continue
            said = what_was_said(CHAT, json.dumps(answer))
            self.guest = self.guest or said
            if said != self.guest:
                self.fault(f"an adapter loaded again says {said} instead of {self.guest}")
        if not self.until_taken("adapter unloaded", "/v1/unload_lora_adapter", {"lora_name": "visitor"}):
            return
        status, _ = self.post("visitor", CHAT, body)
        if status not in (404, 429, 503):
            self.fault(f"an adapter that was unloaded was answered {status}")
        self.stopping.wait(0.5)

    def model_comes_and_goes(self, rng):
        """A second copy of the model, and now and then the served one replaced by itself under its users."""
        status, answer = self.post("model", "/v1/maru/models/load", {"model": "tiny", "name": "twin"})
        if status == 200:
            self.post("twin", CHAT, {"model": "twin", "messages": user("hello"), "max_tokens": 8})
            self.until_taken("model", "/v1/maru/models/unload", {"model": "twin"})
        if rng.random() < 0.3:
            self.post("replaced", "/v1/maru/models/load", {"model": "tiny", "name": "tiny", "replace": True})
        self.stopping.wait(2)

    def replayer(self, rng):
        """A receipt of an answer that was made in company is made again alone."""
        path = rng.choice([CHAT, COMPLETIONS, MESSAGES])
        adapter = rng.random() < 0.5
        body = {"model": "haiku" if adapter else "tiny", "max_tokens": 30, "receipt": True}
        body |= {"prompt": "a receipt"} if path == COMPLETIONS else {"messages": user("a receipt")}
        if path == CHAT:
            body |= {"n": 2, "seed": rng.randrange(100)}
        status, answer = self.post("receipt", path, body)
        if status != 200:
            return
        with tempfile.TemporaryDirectory() as folder:
            for name, value in (("answer", answer), ("request", body)):
                with open(os.path.join(folder, name), "w") as file:
                    json.dump(value, file)
            done = subprocess.run([self.home.program, "--home", self.home.path, "--threads", "1", "--quiet", "replay",
                                   os.path.join(folder, "answer"), "--request", os.path.join(folder, "request"),
                                   *(["--adapter", self.home.adapters[0]] if adapter else [])],
                                  capture_output=True, text=True)
        if done.returncode != 0:
            self.fault(f"replay ended with {done.returncode}: {done.stdout[-500:]} {done.stderr[-500:]}")
        self.replayed += 1
        self.stopping.wait(5)
