"""A wall clock that jumps, with and without the monotonic one: Debian's libfaketime under the server alone."""
import datetime
import glob
import json
import os
import ssl
import subprocess
import threading
import time

from client import Client, ask, request
from dialects import CHAT, COMPLETIONS, RESPONSES, streamed, user, what_was_said
from home import REQUESTS_PER_MINUTE, Server

LIBRARY = "/usr/lib/*/faketime/libfaketimeMT.so.1"
# What the file of libfaketime says: relative to the real clock, or from there on.
JUMPS = [("an hour ahead", "+3600"), ("an hour back", "-3600"), ("1970", "@1970-01-01 00:01:00"),
         ("2100", "@2100-01-01 00:00:00"), ("now", "+0")]
EXPIRES = "2090-01-01"
CERTIFICATE_DAYS = 3650
HEALTH_MOST = 2.0  # seconds
BODY = {"model": "tiny", "messages": user("hello"), "max_tokens": 20, "seed": 8}
KEEP = {"model": "tiny", "input": "keep", "max_output_tokens": 4}


class Clock:
    def __init__(self, home, monotonic):
        self.path = os.path.join(home.path, "clock")
        self.set("+0")
        self.environment = {"LD_PRELOAD": glob.glob(LIBRARY)[0], "FAKETIME_TIMESTAMP_FILE": self.path,
                            "FAKETIME_NO_CACHE": "1", "NO_FAKE_STAT": "1", "TZ": "UTC",
                            **({} if monotonic else {"FAKETIME_DONT_FAKE_MONOTONIC": "1"})}

    def set(self, value):
        with open(self.path + ".new", "w") as file:
            file.write(value + "\n")
        os.replace(self.path + ".new", self.path)


class Limited:
    """The key with limits, asked all the time: what it gets is at most what it was given, and not nothing for long."""

    def __init__(self, server, home, problems):
        self.server, self.problems, self.begin = server, problems, time.time()
        self.headers = [f"Authorization: Bearer {home.keys['limited']}"]
        self.admitted = 0

    def ask(self, jump):
        status, body = ask(self.server.port, "POST", COMPLETIONS, {"model": "tiny", "prompt": "a", "max_tokens": 1},
                           self.headers, timeout=20)
        self.admitted += status == 200
        if status not in (200, 429):
            self.problems.append(f"{jump}: the key with limits was answered {status} {body[:200]!r}")
        return status, body

    def burst(self, jump):
        """All that is left of the bucket at once, and what the refusal says of when to come again."""
        for _ in range(REQUESTS_PER_MINUTE + 5):
            status, body = self.ask(jump)
            if status == 429:
                break
        minutes = (time.time() - self.begin) / 60
        if self.admitted > REQUESTS_PER_MINUTE * (minutes + 1) + 1:
            self.problems.append(f"{jump}: a key got {self.admitted} requests in {minutes:.2f} minutes")


def stream_across(server, expected, problems):
    """A stream that is read slowly while the clock jumps; returns the thread that reads it."""
    def read():
        with Client(server.port, 60) as client:
            client.send(request("POST", CHAT, {**BODY, "stream": True}))
            time.sleep(1.5)  # jumps come between
            status, _ = client.head()
            said = streamed(CHAT, b"".join(client.chunks()), 1) if status == 200 else status
            if said != {"texts": expected["texts"], "calls": []}:
                problems.append(f"a stream across a jump said {said}")
    thread = threading.Thread(target=read)
    thread.start()
    time.sleep(0.5)
    return thread


def after_jump(server, jump, expected, key, problems):
    begin = time.time()
    for path in ("/v1/health/live", "/v1/health/ready"):
        status = ask(server.port, "GET", path, timeout=20)[0]
        if status != 200:
            problems.append(f"{jump}: {path} is {status}")
    if time.time() - begin > HEALTH_MOST:
        problems.append(f"{jump}: health took {time.time() - begin:.1f} s")
    status, body = ask(server.port, "POST", CHAT, BODY, timeout=30)
    if status != 200 or what_was_said(CHAT, body) != expected:
        problems.append(f"{jump}: a chat is {status} {body[:200]!r}")
    status, body = ask(server.port, "POST", CHAT, BODY, [f"Authorization: Bearer {key}"], timeout=30)
    if status != (401 if jump == "2100" else 200):
        problems.append(f"{jump}: a key that expires on {EXPIRES} is answered {status}")
    status, body = ask(server.port, "POST", CHAT, {**BODY, "receipt": True}, timeout=30)
    told = json.loads(body)["receipt"]["time"] if status == 200 else status
    year = {"1970": 1970, "2100": 2100}.get(jump, datetime.datetime.now(datetime.timezone.utc).year)
    if not str(told).startswith(str(year)):
        problems.append(f"{jump}: a receipt is of {told}")
    ask(server.port, "GET", "/v1/metrics", timeout=20)


def kept(server, jump, made, may_be_old, problems):
    """A response that was kept before: there, or gone where it may be too old; and a new one is kept."""
    status = ask(server.port, "GET", f"{RESPONSES}/{made}", timeout=20)[0]
    if status not in ((200, 404) if may_be_old else (200,)):
        problems.append(f"{jump}: a kept response is {status}")
    status, body = ask(server.port, "POST", RESPONSES, KEEP, timeout=30)
    identity = json.loads(body).get("id") if status == 200 else None
    if status != 200 or ask(server.port, "GET", f"{RESPONSES}/{identity}", timeout=20)[0] != 200:
        problems.append(f"{jump}: a new response is {status}, and not kept")


def certificates(home):
    """A certificate for the server and the client that signs itself, of ten years."""
    key, certificate = (os.path.join(home.path, name) for name in ("tls.key", "tls.pem"))
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-keyout", key, "-out", certificate, "-days", str(CERTIFICATE_DAYS), "-subj", "/CN=localhost"],
                   check=True, capture_output=True)
    return key, certificate


def tls_status(port, key, certificate):
    """Of a client with its own certificate; 'refused' when the handshake or the first answer fails."""
    context = ssl.create_default_context(cafile=certificate)
    context.check_hostname = False
    context.load_cert_chain(certificate, key)
    client = Client(port, 10)
    try:
        client.socket = context.wrap_socket(client.socket)
        return client.ask("GET", "/v1/health/live")[0]
    except ssl.SSLCertVerificationError:
        raise
    except (ssl.SSLError, OSError, Exception):
        return "refused"
    finally:
        client.socket.close()


def tls(home, clock, problems, how):
    key, certificate = certificates(home)
    clock.set("+0")
    server = Server(home, "tls", "tiny", f"http.tls_certificate={certificate}", f"http.tls_key={key}",
                    f"http.tls_client_ca={certificate}", environment=clock.environment)
    try:
        for jump, value in JUMPS:
            clock.set(value)
            time.sleep(0.2)
            got = tls_status(server.port, key, certificate)
            expected = "refused" if jump in ("1970", "2100") else 200  # the client's certificate is of no such time
            if jump == "an hour back":
                expected = "refused"  # nor of the hour before it was made
            if got != expected:
                problems.append(f"{how}, TLS, {jump}: {got}, expected {expected}")
    finally:
        server.kill()


def jump_about(home, monotonic):
    problems, clock = [], Clock(home, monotonic)
    how = "both clocks" if monotonic else "the wall clock"
    key = home.make_key(f"expires-{monotonic}", "--expires", EXPIRES)
    server = Server(home, "clock", "tiny", "receipts=asked", environment=clock.environment)
    try:
        expected = what_was_said(CHAT, ask(server.port, "POST", CHAT, BODY)[1])
        made = json.loads(ask(server.port, "POST", RESPONSES, KEEP)[1])
        limited, may_be_old = Limited(server, home, problems), False
        for jump, value in JUMPS:
            reader = stream_across(server, expected, problems)
            clock.set(value)
            after_jump(server, f"{jump}", expected, key, problems)
            if not monotonic:
                limited.burst(jump)
            may_be_old = may_be_old or (monotonic and jump == "2100")  # it goes by the clock that does not jump
            kept(server, jump, made["id"], may_be_old, problems)
            reader.join()
        if not monotonic:
            time.sleep(4)
            if limited.ask("afterwards")[0] != 200:
                problems.append("the key with limits gets nothing 4 s after its bucket was empty")
        code = server.stop()
        if code != 0:
            problems.append(f"it ended with {code}: {server.end_of_log()}")
    finally:
        server.kill()
    tls(home, clock, problems, how)
    print(f"   {how}: {', '.join(name for name, _ in JUMPS)}: the same answers, {limited.admitted} requests"
          " of the limited key")
    return [problem if problem.startswith(how) else f"{how}: {problem}" for problem in problems]


def run(home):
    if not glob.glob(LIBRARY):
        return ["libfaketime is not installed: apt-get install libfaketime"]
    return jump_about(home, False) + jump_about(home, True)
