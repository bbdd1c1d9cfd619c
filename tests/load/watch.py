"""Samples from outside, in a process of its own: how soon health is answered, and what the server holds."""
import multiprocessing
import os
import re
import socket
import time

from client import ask


def control_server(ready):
    """Answers at once whatever comes: what this machine's own delays are."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    ready.put(listener.getsockname()[1])
    while True:
        client, _ = listener.accept()
        client.recv(4096)
        client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        client.close()


def memory_of(pid):
    with open(f"/proc/{pid}/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")


def files_of(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def threads_of(pid):
    return len(os.listdir(f"/proc/{pid}/task"))


def metric(text, name):
    """The sum over all labels; None where there is none of the name."""
    values = re.findall(rf"^{re.escape(name)}(?:\{{[^}}]*\}})? (\S+)$", text, re.M)
    return sum(map(float, values)) if values else None


def counters_of(port, names):
    """By the server's own metrics, in the order of the names."""
    status, body = ask(port, "GET", "/v1/metrics", timeout=20)
    values = [metric(body.decode(), name) for name in names]
    if status != 200 or None in values:
        raise ValueError(f"metrics were answered {status}, with {dict(zip(names, values))}")
    return values


def pages_of(port):
    """Pages that choices hold."""
    return int(counters_of(port, ["maru_kv_pages_used"])[0])


def holding(port):
    """The lines of the metrics that say who holds pages."""
    _, body = ask(port, "GET", "/v1/metrics", timeout=20)
    names = ("maru_kv_pages_used", "maru_choices_running", "maru_choices_waiting")
    return [line for line in body.decode().split("\n") if line.startswith(names) and not line.endswith(" 0")]


class Samples:
    def __init__(self):
        self.health, self.delays, self.failures = [], [], []
        self.memory, self.files, self.threads, self.pages = [], [], [], []


def sample(port, control, pid, results, stop):
    samples, tick = Samples(), 0
    while not stop.is_set():
        for target, times in ((port, samples.health), (control, samples.delays)):
            begin = time.perf_counter()
            try:
                status, _ = ask(target, "GET", "/v1/health/live", timeout=20)
                if status != 200:
                    samples.failures.append(f"health was answered {status}")
            except Exception as error:  # a process that is gone included
                samples.failures.append(f"health was not answered: {type(error).__name__}")
            times.append(time.perf_counter() - begin)
        tick += 1
        if tick % 20 == 1:
            try:
                samples.memory.append(memory_of(pid))
                samples.files.append(files_of(pid))
                samples.threads.append(threads_of(pid))
                samples.pages.append(pages_of(port))
            except (OSError, ValueError) as error:
                if not os.path.exists(f"/proc/{pid}/statm"):
                    samples.failures.append("the server is gone")
                    break
                samples.failures.append(f"metrics: {error}")
        time.sleep(0.05)
    results.put(samples)


class Watch:
    def __init__(self, port, pid):
        ready, self.results, self.stopping = multiprocessing.Queue(), multiprocessing.Queue(), multiprocessing.Event()
        self.control = multiprocessing.Process(target=control_server, args=(ready,), daemon=True)
        self.control.start()
        self.sampler = multiprocessing.Process(
            target=sample, args=(port, ready.get(), pid, self.results, self.stopping), daemon=True)
        self.sampler.start()

    def stop(self):
        self.stopping.set()
        got = self.results.get(timeout=60)
        self.sampler.join()
        self.control.terminate()
        return got


def share(values, part):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]
