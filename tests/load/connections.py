"""Ten thousand connections from a hundred addresses of 127.0.0.0/8: idle, trickling, half-closed, vanishing ones."""
import resource
import socket
import time

from client import Client, Closed, ask, request
from dialects import CHAT, COMPLETIONS, user, what_was_said
from home import Server
from watch import Watch, files_of, memory_of, pages_of, share, threads_of

CONNECTIONS, ADDRESSES, AT_ONCE = 10_000, 100, 100
BESIDES = 200              # descriptors of either process besides these connections
HEALTH_MOST = 1.0          # seconds, besides what this machine takes by itself
BYTES_MOST = 32 << 10      # of the server's memory for an idle connection
HEAD_TIMEOUT = 10          # seconds: http.head_timeout_seconds
FILES_SLACK, MEMORY_SLACK = 4, 16 << 20
BODY = {"model": "tiny", "messages": user("hello"), "max_tokens": 20, "seed": 8}


def raise_descriptors():
    """Returns how many connections this machine allows; run in the server's process too."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    wanted = CONNECTIONS + BESIDES
    if hard < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, wanted))  # as root
            hard = wanted
        except (ValueError, OSError):
            pass
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, wanted), hard))
    return min(CONNECTIONS, hard - BESIDES)


def address(i):
    return f"127.{1 + i % ADDRESSES}.0.{1 + i % 7}"


def idle(port, count):
    """Each has asked once, and stays. They come by the hundred: so many connections, not so many questions at once."""
    clients = []
    for begin in range(0, count, AT_ONCE):
        some = [Client(port, 30, source=address(i)) for i in range(begin, min(count, begin + AT_ONCE))]
        for client in some:
            client.send(request("GET", "/v1/health/live"))
        for client in some:
            client.answer()
        clients += some
    return clients


def close_all(clients, reset=False):
    for client in clients:
        client.reset() if reset else client.socket.close()


def trickle(clients, problems):
    """A byte of a head each second: all of them are cut off, and told why or not, when the time of a head is over."""
    end, left = time.time() + HEAD_TIMEOUT + 20, clients
    while left and time.time() < end:
        still = []
        for client in left:
            try:
                client.socket.setblocking(False)
                client.socket.send(b"A")
                data = client.socket.recv(4096)
                if data and b" 408 " not in data:
                    problems.append(f"a trickled head was answered {data[:60]!r}")
                if data:
                    continue  # it was told, and is closed
            except BlockingIOError:
                still.append(client)
            except OSError:
                pass  # it is gone
        left = still
        time.sleep(1)
    if left:
        problems.append(f"{len(left)} clients that trickle are still there {HEAD_TIMEOUT + 20} s later")


def half_closed(clients, problems):
    statuses = []
    for begin in range(0, len(clients), AT_ONCE):
        some = clients[begin:begin + AT_ONCE]
        for client in some:
            client.send(request("GET", "/v1/models"))
            client.socket.shutdown(socket.SHUT_WR)
        for client in some:
            try:
                statuses.append(client.answer()[0])
            except (Closed, OSError) as error:
                statuses.append(type(error).__name__)
    if set(statuses) - {200, 503}:
        problems.append(f"clients that closed their half were answered {sorted(set(map(str, statuses)))}")


def vanish(port, count):
    """In every state: nothing sent, half a head, half a body, a whole request."""
    whole = request("POST", CHAT, BODY)
    for i in range(count):
        client = Client(port, 30, source=address(i))
        client.send(whole[: (0, 20, len(whole) - 10, len(whole))[i % 4]])
        client.reset()


def stalled(port, count):
    """Ask for much and read nothing."""
    clients = [Client(port, 30, receive_buffer=2048, source=address(i)) for i in range(count)]
    for client in clients:
        client.send(request("POST", COMPLETIONS, {"model": "tiny", "prompt": "x", "max_tokens": 400, "logprobs": 5,
                                                  "ignore_eos": True, "stream": True}))
    return clients


def answers(port, expected, problems, beside):
    """A chat is answered as ever, if need be at the second try: places may all be taken."""
    for _ in range(20):
        status, body = ask(port, "POST", CHAT, BODY, timeout=60)
        if status == 200:
            break
        time.sleep(0.5)
    if status != 200 or what_was_said(CHAT, body) != expected:
        problems.append(f"beside {beside}: a chat was answered {status} {body[:200]!r}")


def wave(server, count, expected, problems):
    """Opens all, and does to a quarter of them each of four things; returns the bytes for each while all are idle."""
    before = memory_of(server.pid)
    clients = idle(server.port, count)
    grown = memory_of(server.pid) - before
    if files_of(server.pid) < count:
        problems.append(f"the server holds {files_of(server.pid)} files with {count} clients that stay")
    answers(server.port, expected, problems, f"{count} idle connections")
    quarter = count // 4
    close_all(clients[:quarter], reset=True)
    vanish(server.port, quarter)
    answers(server.port, expected, problems, "vanishing ones")
    half_closed(clients[quarter:2 * quarter], problems)
    answers(server.port, expected, problems, "half-closed ones")
    trickle(clients[2 * quarter:3 * quarter], problems)
    answers(server.port, expected, problems, "trickling ones")
    some = stalled(server.port, 200)
    answers(server.port, expected, problems, "stalled ones")
    close_all(some, reset=True)
    close_all(clients[quarter:])
    return grown / count


def run(home):
    problems, count = [], raise_descriptors()
    if count < CONNECTIONS:
        print(f"   the hard limit of descriptors allows {count} connections, not {CONNECTIONS}")
    server = Server(home, "many", "tiny", f"http.max_connections={2 * count}", "http.idle_timeout_seconds=900",
                    f"http.head_timeout_seconds={HEAD_TIMEOUT}", limits=raise_descriptors)
    try:
        expected = what_was_said(CHAT, ask(server.port, "POST", CHAT, BODY)[1])
        files, threads = files_of(server.pid), threads_of(server.pid)
        watch = Watch(server.port, server.pid)  # in a process of its own: this one is busy
        each, peaks = [], []
        for _ in range(2):
            each.append(wave(server, count, expected, problems))
            peaks.append(memory_of(server.pid))
        seen = watch.stop()
        problems += sorted(set(seen.failures))
        end = time.time() + 40
        while (files_of(server.pid) > files + FILES_SLACK or pages_of(server.port)) and time.time() < end:
            time.sleep(0.5)
        print(f"   {count} connections from {ADDRESSES} addresses, twice: {each[0] / 1024:.1f} KiB for each idle one,"
              f" then {each[1] / 1024:.1f}; memory {peaks[0] >> 20} MiB, then {peaks[1] >> 20}")
        slow = max(seen.delays)  # of this machine itself
        print(f"   health {len(seen.health)} times: median {1e3 * share(seen.health, 0.5):.1f} ms, p99"
              f" {1e3 * share(seen.health, 0.99):.1f}, most {1e3 * max(seen.health):.0f} ms (a server that does"
              f" nothing: {1e3 * share(seen.delays, 0.99):.1f}, {1e3 * slow:.0f} ms)")
        print(f"   files {files} before, {max(seen.files)} at most, {files_of(server.pid)} after; threads {threads},"
              f" then {threads_of(server.pid)}")
        if max(seen.health) > HEALTH_MOST + slow:
            problems.append(f"health took {max(seen.health):.2f} s, expected at most {HEALTH_MOST} more than"
                            f" {slow:.2f}")
        if each[0] > BYTES_MOST:
            problems.append(f"{each[0]:.0f} bytes for an idle connection, expected at most {BYTES_MOST}")
        if peaks[1] > peaks[0] + MEMORY_SLACK:
            problems.append(f"memory grew from {peaks[0] >> 20} to {peaks[1] >> 20} MiB with the second wave")
        if files_of(server.pid) > files + FILES_SLACK or pages_of(server.port):
            problems.append(f"{files_of(server.pid)} files are open, {files} before; {pages_of(server.port)} pages are"
                            " held")
        if server.stop() != 0:
            problems.append(f"it ended with {server.process.returncode}: {server.end_of_log()}")
    finally:
        server.kill()
    return problems
