"""tests/run_load: see there."""
import sys
import tempfile
import time

import attacks
from client import Access, Client, request
from dialects import asks, crowd
from home import DRAIN_SECONDS, Home, Server
from operators import Operators
from users import Users
from watch import Watch, counters_of, files_of, holding, pages_of, share, threads_of

HEALTH_P99, HEALTH_MOST = 0.1, 1.0  # seconds
MEMORY_GROWTH, MEMORY_SLACK = 1.1, 32 << 20
FILES_SLACK, THREADS_SLACK = 4, 2
SETTLE_SECONDS = 30
# What the load is to bring about, or it is not this load: counted by the servers themselves.
MUST_HAPPEN = ["maru_preemptions_total", "maru_reused_tokens_total", "maru_drafted_tokens_total",
               "maru_accepted_tokens_total"]
# Few pages, so that choices lose theirs now and then; few responses are kept, so that memory is at its most early on.
COMMON = ["cache_mib=1", "stored_responses=64", "receipts=asked"]


def start_servers(home):
    """The default with all that it can be asked for, and one whose keys and values have 8 bits, without a draft."""
    main = Server(home, "main", "tiny", "--also", home.encoder, "--on-request", "tiny-int8", "--adapter",
                  home.adapters[0], "--draft", "tiny-int8", "unload_idle_seconds=3", *COMMON)
    int8 = Server(home, "int8", "tiny", "kv_cache_dtype=int8", "step_tokens=64", *COMMON)
    return main, int8


def run_attacks(port, end, faults):
    """One after the other, until the time is up and each has been tried once; returns how often."""
    rounds = 0
    while rounds == 0 or time.time() < end:
        for attack in attacks.ATTACKS:
            if rounds > 0 and time.time() > end:
                break
            begin = time.time()
            try:
                faults += [f"{attack.__name__}: {problem}" for problem in attack(port, "tiny")]
            except Exception as error:  # the attack could not even be carried out
                faults.append(f"{attack.__name__}: {type(error).__name__} {error}")
            if rounds == 0:
                print(f"  {attack.__name__:20} {time.time() - begin:5.1f} s", flush=True)
            time.sleep(1)
        rounds += 1
    return rounds


def stop_under_load(server):
    """SIGTERM with answers on the way; returns the seconds until the process was gone."""
    clients = [Client(server.port) for _ in range(8)]
    for client in clients:
        client.send(request("POST", "/v1/completions", {"model": "tiny", "prompt": "e", "max_tokens": 150, "n": 4,
                                                        "ignore_eos": True, "stream": True}))
    begin = time.time()
    server.stop(DRAIN_SECONDS + 5)
    return time.time() - begin


def judge_health(samples, faults):
    health, delays = samples.health, samples.delays
    print(f"  health   {len(health)} samples: median {1e3 * share(health, 0.5):.1f} ms, p99"
          f" {1e3 * share(health, 0.99):.1f} ms, most {1e3 * max(health):.0f} ms")
    print(f"  control  a server that does nothing: median {1e3 * share(delays, 0.5):.1f} ms, p99"
          f" {1e3 * share(delays, 0.99):.1f} ms, most {1e3 * max(delays):.0f} ms")
    if share(health, 0.99) >= HEALTH_P99:
        faults.append(f"health p99 is {share(health, 0.99):.3f} s, expected less than {HEALTH_P99}")
    if max(health) >= HEALTH_MOST:
        faults.append(f"health took {max(health):.3f} s once, expected less than {HEALTH_MOST}")


def judge(server, samples, before, faults):
    """`before`: files and threads of the idle server."""
    faults += sorted(set(samples.failures))
    after, memory = (files_of(server.pid), threads_of(server.pid)), samples.memory
    quarter = max(1, len(memory) // 4)
    early, late = max(memory[quarter:2 * quarter] or memory), max(memory[-quarter:])
    print(f"{server.name}")
    judge_health(samples, faults)
    print(f"  memory   {memory[0] >> 20} MiB at first, at most {early >> 20} in the second quarter, {late >> 20} in the"
          f" last, {max(memory) >> 20} in all")
    print(f"  files    {before[0]} before, {max(samples.files)} at most, {after[0]} after")
    print(f"  threads  {before[1]} before, {max(samples.threads)} at most, {after[1]} after")
    print(f"  pages    {max(samples.pages)} held at most")
    if late > early * MEMORY_GROWTH + MEMORY_SLACK:
        faults.append(f"{server.name}: memory grew from {early >> 20} to {late >> 20} MiB")
    if after[0] > before[0] + FILES_SLACK:
        faults.append(f"{server.name}: {after[0]} open files after the load, {before[0]} before")
    if after[1] > before[1] + THREADS_SLACK:
        faults.append(f"{server.name}: {after[1]} threads after the load, {before[1]} before")


def settle(servers, faults):
    """What was refused lingers for seconds, what is on request goes; then nobody holds anything."""
    begin = time.time()
    for server in servers:
        while pages_of(server.port) and time.time() < begin + SETTLE_SECONDS:
            time.sleep(0.5)
        if pages_of(server.port):
            faults.append(f"{server.name}: {pages_of(server.port)} pages are held by nobody:"
                          f" {holding(server.port)}")
    print(f"settled    after {time.time() - begin:.1f} s")
    time.sleep(5)


def count_what_happened(servers, faults):
    counts = [counters_of(server.port, MUST_HAPPEN) for server in servers]
    for name, values in zip(MUST_HAPPEN, zip(*counts)):
        print(f"{name:28} " + ", ".join(f"{s.name} {value:,.0f}" for s, value in zip(servers, values)))
        if not any(values):
            faults.append(f"{name} is 0: the load did not bring it about")


def run(home, minutes, faults):
    """Serves, loads, stops; returns what clients met."""
    servers = start_servers(home)
    main, int8 = servers
    try:
        everything = asks("tiny", "haiku", "tiny-int8", "encoder")
        users = [Users(main.port, "tiny", everything, seeds=3), Operators(main.port, home),
                 Users(int8.port, "tiny", [a for a in everything if a.body["model"] == "tiny"], 1, 1, careless=False),
             Users(int8.port, "tiny", [crowd("tiny")], 2, 1, careless=False)]
        time.sleep(0.5)
        before = [(files_of(s.pid), threads_of(s.pid)) for s in servers]
        watches = [Watch(s.port, s.pid) for s in servers]
        for some in users:
            some.start()
        rounds = run_attacks(main.port, time.time() + 60 * minutes, faults)
        for some in users:
            some.stop()
        samples = [watch.stop() for watch in watches]
        settle(servers, faults)
        for i, server in enumerate(servers):
            judge(server, samples[i], before[i], faults)
        count_what_happened(servers, faults)
        for server in servers:
            took = stop_under_load(server)
            print(f"SIGTERM    with 32 choices on the way: {server.name} gone after {took:.1f} s, exit code"
                  f" {server.process.returncode}")
            if took > DRAIN_SECONDS + 1 or server.process.returncode not in (0, 7):
                faults.append(f"after SIGTERM {server.name} ran for {took:.1f} s and ended with"
                              f" {server.process.returncode}")
    finally:
        for server in servers:
            server.kill()
    return users, rounds


def main(minutes, program):
    faults = []
    with tempfile.TemporaryDirectory() as path:
        home = Home(program, path)
        Access.key = home.keys["users"]
        users, rounds = run(home, minutes, faults)
    counts = sum((some.counts for some in users[1:]), users[0].counts)
    print("answers    " + ", ".join(f"{kind}: {count}" for kind, count in sorted(counts.items())))
    print(f"replayed   {users[1].replayed} receipts")
    faults += [fault for some in users for fault in some.faults]
    for fault in dict.fromkeys(faults):
        print(f"✖ {fault}")
    print(f"load: {minutes:g} minutes, {rounds} rounds of {len(attacks.ATTACKS)} attacks, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]), sys.argv[2]))
