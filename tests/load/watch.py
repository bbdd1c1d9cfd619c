"""Samples from outside, in a process of its own: how soon health is answered, and what the server holds."""
import multiprocessing
import os
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


def sample(port, control, pid, results, stop):
    health, delays, failures, memory, files = [], [], [], [], []
    page = os.sysconf("SC_PAGESIZE")
    tick = 0
    while not stop.is_set():
        for target, times in ((port, health), (control, delays)):
            begin = time.perf_counter()
            try:
                status, _ = ask(target, "GET", "/v1/health/live", timeout=20)
                if status != 200:
                    failures.append(f"health was answered {status}")
            except Exception as error:  # a process that is gone included
                failures.append(f"health was not answered: {type(error).__name__}")
            times.append(time.perf_counter() - begin)
        tick += 1
        if tick % 20 == 1:
            try:
                with open(f"/proc/{pid}/statm") as file:
                    memory.append(int(file.read().split()[1]) * page)
                files.append(len(os.listdir(f"/proc/{pid}/fd")))
            except OSError:
                failures.append("the server is gone")
                break
        time.sleep(0.05)
    results.put((health, delays, failures, memory, files))


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
