"""What was tried against the server, each for a few seconds; returns what went wrong, as a list of sentences."""
import socket
import time

from client import Client, Closed, ask, request

CHAT = "/v1/chat/completions"


def expect(problems, name, got, *allowed):
    if got not in allowed:
        problems.append(f"{name}: got {got}, expected {' or '.join(map(str, allowed))}")


def status_of(port, data, timeout=10):
    """The status that some bytes bring; 'closed' or 'silence' if none."""
    try:
        with Client(port, timeout) as client:
            client.send(data)
            return client.answer()[0]
    except (Closed, ConnectionError):
        return "closed"
    except socket.timeout:
        return "silence"


def all_statuses(clients, timeout):
    statuses, end = [], time.time() + timeout
    for client in clients:
        client.socket.settimeout(max(0.01, end - time.time()))
        try:
            statuses.append(client.answer()[0])
        except (Closed, OSError):
            statuses.append("none")
        client.socket.close()
    return statuses


def chat(model, **more):
    return {"model": model, "messages": [{"role": "user", "content": "hi"}], "max_tokens": 4, **more}


def silent_connections(port, model):
    problems, clients = [], [Client(port) for _ in range(300)]
    for i in range(3):
        expect(problems, "health beside 300 silent connections", ask(port, "GET", "/v1/health/live")[0], 200)
        expect(problems, "a chat beside them", ask(port, "POST", CHAT, chat(model))[0], 200)
    for client in clients:
        client.socket.close()
    return problems


def trickled_heads(port, model):
    problems, clients = [], [Client(port) for _ in range(200)]
    end = time.time() + 4
    while time.time() < end:
        for client in clients:
            try:
                client.send(b"A")
            except OSError:
                pass
        expect(problems, "health beside 200 trickled heads", ask(port, "GET", "/v1/health/live")[0], 200)
        time.sleep(0.2)
    for client in clients:
        client.socket.close()
    return problems


def large_json(port, model):
    """Bodies whose reading was quadratic; two of them used to be enough."""
    head = b'{"model":"' + model.encode() + b'","messages":['
    bodies = [
        head + b",".join([b"{}"] * 400_000) + b"]}",
        head + b"]," + b",".join(b'"k%d":1' % i for i in range(100_000)) + b"}",
        head + b"[" * 1_000_000,
        head + b'{"role":"user","content":"' + b"\\ud55c" * 200_000 + b'"}]}',
        head + b'{"role":"user","content":"' + b"a" * 1_200_000 + b'"}]}',
        head + b'{"role":"user","content":' + b"[" * 50_000 + b"]" * 50_000 + b"}]}",
    ]
    clients = [Client(port) for _ in range(12)]
    for i, client in enumerate(clients):
        client.send(request("POST", CHAT, bodies[i % len(bodies)]))
    statuses = all_statuses(clients, 60)
    return [f"large JSON bodies were answered {statuses}"] if set(statuses) - {400, 413, 503} else []


def unknown_field(port, model):
    status, body = ask(port, "POST", CHAT, chat(model, **{"q" * 7_000_000: 1}), timeout=60)
    return [] if status == 400 and len(body) < 5000 else [f"an unknown field of 7 MB: {status}, {len(body)} bytes"]


def endless_framing(port, model):
    problems = []
    begin = request("POST", "/v1/completions", headers=["Host: localhost", "Transfer-Encoding: chunked"])
    for name, data, piece in (("extension", b"1;", b"x" * 65536), ("trailer", b"0\r\nA: ", b"x" * 65536),
                              ("trailers", b"0\r\n", b"A: b\r\n" * 9000), ("zeros", b"0", b"0" * 65536)):
        with Client(port) as client:
            try:
                client.send(begin + data)
                for _ in range(512):  # 32 MiB
                    client.send(piece)
            except OSError:
                pass
            try:
                expect(problems, f"an endless {name}", client.answer()[0], 400)
            except (Closed, OSError):
                pass  # more was sent than is ever read: reset
    return problems


def smuggling(port, model):
    problems = []
    smuggled = b"0\r\n\r\nGET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n"
    for lines in (b"Transfer-Encoding: gzip", b"Transfer-Encoding: gzip, chunked", b"Transfer-Encoding : chunked",
                  b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", b"Transfer-Encoding: \x0bchunked",
                  b"Transfer-Encoding: chunked\r\nContent-Length: 4", b"Content-Length: 4\r\nContent-Length: 5",
                  b"Content-Length: 4, 4", b"X: a\r\n Transfer-Encoding: chunked", b"X: a\nContent-Length: 4"):
        data = b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\n" + lines + b"\r\n\r\n" + smuggled
        with Client(port, 10) as client:
            client.send(data)
            status, _ = client.answer()
            expect(problems, f"{lines!r}", status, 400)
            try:
                client.answer()
                problems.append(f"{lines!r}: a second answer")
            except (Closed, OSError):
                pass
    return problems


def foreign_pages(port, model):
    problems, body = [], chat(model)
    own = f"Origin: http://localhost:{port}"
    for headers, expected in (
        ([f"Host: localhost:{port}", own, "Content-Type: application/json"], 200),
        (["Host: evil.example"], 421),
        (["Host: localhost", "Host: evil.example"], 400),
        (["Origin: https://evil.example", "Content-Type: application/json"], 403),
        (["Origin: null", "Content-Type: text/plain"], 403),
        ([f"Host: localhost:{port}", own, "Content-Type: text/plain"], 415),
    ):
        expect(problems, f"{headers}", ask(port, "POST", CHAT, body, headers)[0], expected)
    return problems


def greedy_tricklers(port, model):
    """Ten clients with 16 choices each that hardly read: somebody else must still get an answer."""
    problems, clients = [], [Client(port, receive_buffer=2048) for _ in range(10)]
    for client in clients:
        client.send(request("POST", "/v1/completions", {"model": model, "prompt": "c", "n": 16, "max_tokens": 120,
                                                        "ignore_eos": True, "stream": True}))
    time.sleep(0.5)
    for _ in range(3):
        expect(problems, "a chat beside greedy tricklers", ask(port, "POST", CHAT, chat(model), timeout=90)[0], 200)
    for client in clients:
        client.reset()
    return problems


def half_closed(port, model):
    problems = []
    for stream in (False, True):
        with Client(port, 60) as client:
            client.send(request("POST", CHAT, chat(model, max_tokens=60, stream=stream)))
            client.socket.shutdown(socket.SHUT_WR)
            expect(problems, "a client that closed its half", client.answer()[0], 200)
    return problems


def refused_bodies(port, model):
    """Whoever sends all before it reads must still read why it was refused."""
    problems = []
    for path, size, expected in ((CHAT, 9_000_000, 413), ("/nothing", 3_000_000, 404), ("/v1/models", 3_000_000, 405)):
        data = request("POST", path, b"x" * size)
        expect(problems, f"{size} bytes to {path}", status_of(port, data, 30), expected)
    return problems


def many_bodies(port, model):
    """More work at once than may wait."""
    clients = [Client(port) for _ in range(120)]
    data = request("POST", "/v1/completions", {"model": model, "prompt": "word " * 40_000, "max_tokens": 1})
    for client in clients:
        try:
            client.send(data)
        except OSError:
            pass
    statuses = all_statuses(clients, 60)
    return [f"many bodies were answered {sorted(set(map(str, statuses)))}"] if set(statuses) - {400, 503, 429} else []


def large_answers(port, model):
    """Answers whose encoding takes long."""
    body = {"model": model, "prompt": ["d"] * 8, "n": 8, "max_tokens": 40, "logprobs": 20, "ignore_eos": True}
    clients = [Client(port) for _ in range(2)]
    for client in clients:
        client.send(request("POST", "/v1/completions", body))
    statuses = all_statuses(clients, 120)
    return [f"large answers: {statuses}"] if set(statuses) - {200, 429} else []


ATTACKS = [silent_connections, trickled_heads, large_json, unknown_field, endless_framing, smuggling, foreign_pages,
           greedy_tricklers, half_closed, refused_bodies, many_bodies, large_answers]
