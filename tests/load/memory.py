"""An address space that runs out: a request is refused, or the process ends and says why; never a wrong answer."""
import re
import resource
import threading

from client import Client, Closed, ask, request
from dialects import CHAT, asks, user, what_was_said
from home import NotStarted, Server

MIB = 1 << 20
ROOM = (0, 8, 24, 64, 160, 400)  # MiB beyond what the idle server takes
START = (64, 256, 700)           # MiB in all: too little to begin with, perhaps
REFUSED = {400, 413, 429, 500, 503, 504}
SAID = re.compile(r"memory|bad_alloc|exhausted|allocate|thread|Resource temporarily unavailable", re.I)


def limit(size):
    return lambda: resource.setrlimit(resource.RLIMIT_AS, (size, size))


def address_space(pid):
    with open(f"/proc/{pid}/statm") as file:
        return int(file.read().split()[0]) * resource.getpagesize()


def greedy(port, statuses):
    """Bodies and answers that take memory, several at once."""
    bodies = [{"model": "tiny", "prompt": "word " * 1_000_000}, {"model": "tiny", "prompt": ["d"] * 8, "n": 4,
              "max_tokens": 100, "logprobs": 20, "ignore_eos": True},
              {"model": "tiny", "messages": [user("x")[0]] * 40_000},
              {"model": "tiny", "messages": user("y"), "response_format": {"type": "json_schema", "json_schema": {
                  "name": "a", "schema": {"type": "array", "items": {"type": "string",
                                                                     "pattern": "^[a-z가-힣]{1,200}x$"}}}},
               "max_tokens": 50}]

    def one(body):
        try:
            with Client(port, 120) as client:
                client.send(request("POST", CHAT if "messages" in body else "/v1/completions", body))
                statuses.append(client.answer()[0])
        except (Closed, OSError) as error:
            statuses.append(type(error).__name__)
    threads = [threading.Thread(target=one, args=(bodies[i % len(bodies)],)) for i in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def check_answers(server, expected, when, problems):
    """Right or refused; returns how many were right, and whether the process is still there."""
    right = 0
    for one in expected:
        try:
            body = {**one.body, "stream": False} if one.streams else one.body
            status, answer = ask(server.port, "POST", one.path, body, timeout=120)
        except (Closed, OSError):
            return right, False
        if status == 200:
            right += 1
            if what_was_said(one.path, answer) != expected[one]:
                problems.append(f"{when}: {one.name}: another answer for the same seed: {answer[:300]!r}")
        elif status not in REFUSED:
            problems.append(f"{when}: {one.name} was answered {status} {answer[:200]!r}")
    return right, True


def start(home, size, problems):
    """None: it did not start, and said why."""
    try:
        return Server(home, "memory", "tiny", limits=limit(size))
    except NotStarted as error:
        if not SAID.search(str(error)) or "exit code -11" in str(error):
            problems.append(f"{size // MIB} MiB: it did not start and did not say why: {str(error)[-600:]}")
        return None


def with_room(home, idle, room, expected, problems):
    server = start(home, idle + room * MIB, problems)
    if server is None:
        print(f"   {room} MiB more than it needs when idle: it does not start, and says why")
        return
    statuses = []
    try:
        before = check_answers(server, expected, f"{room} MiB", problems)
        greedy(server.port, statuses)
        right, lives = check_answers(server, expected, f"{room} MiB, afterwards", problems)
        if lives and right < before[0]:
            problems.append(f"{room} MiB: {right} right answers afterwards, {before[0]} before")
        end = "it lives" if lives else f"exit code {server.process.wait(20)}"
        if not lives and not SAID.search(server.end_of_log()):
            problems.append(f"{room} MiB: it is gone ({end}) and did not say why: {server.end_of_log()[-600:]}")
        seen = sorted(set(map(str, statuses)))
        print(f"   {room} MiB more than it needs when idle: {before[0]} of {len(expected)} answers, all right; greedy"
              f" requests: {', '.join(seen)}; then {end}")
    finally:
        server.kill()


def run(home):
    problems, some = [], [one for one in asks("tiny", None, None, None) if one.body["model"] == "tiny"]
    server = Server(home, "free", "tiny")
    try:
        expected = {}
        for one in some:
            body = {**one.body, "stream": False} if one.streams else one.body
            expected[one] = what_was_said(one.path, ask(server.port, "POST", one.path, body)[1])
        idle = address_space(server.pid)
    finally:
        server.kill()
    for size in START:
        server = start(home, size * MIB, problems)
        started = "it does not start, and says why" if server is None else "it starts"
        print(f"   {size} MiB of address space in all: {started}")
        if server is not None:
            server.kill()
    for room in ROOM:
        with_room(home, idle, room, expected, problems)
    return problems
