"""tests/run_load: see there."""
import json
import os
import signal
import subprocess
import sys
import tempfile
import time

import attacks
from client import Client, ask, request
from users import Users
from watch import Watch, share

SMALL = """train.model.hidden_size=64 train.model.num_hidden_layers=2 train.model.intermediate_size=128
train.model.num_attention_heads=4 train.model.num_key_value_heads=2 train.model.max_position_embeddings=256
train.sequence_length=128 train.batch_tokens=1024 train.micro_batch_tokens=1024 train.steps=12
tokenizer.trainer.vocab_size=600 data.split.held_out=0.2""".split()
DRAIN_SECONDS = 10
HEALTH_P99, HEALTH_MOST = 0.1, 1.0  # seconds
MEMORY_GROWTH, MEMORY_SLACK = 1.1, 32 << 20
FILES_SLACK = 4


def start_server(program, home):
    say = [program, "--home", home, "--quiet"]
    subprocess.run([*say, "up", *SMALL, "--name", "tiny", "--input", "docs", "--input", "README.ko.md", "--no-serve"],
                   check=True, stdout=subprocess.DEVNULL)
    log = open(os.path.join(home, "serve.log"), "w")
    # exec: a launcher in between would take the signals.
    server = subprocess.Popen([program, "--home", home, "--json", "serve", "tiny", "--port", "0",
                               f"drain_seconds={DRAIN_SECONDS}"], stdout=subprocess.PIPE, stderr=log, text=True)
    line = server.stdout.readline()
    if not line:
        raise SystemExit(f"the server did not start: {open(log.name).read()}")
    return server, int(json.loads(line)["url"].rsplit(":", 1)[1])


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


def stop_under_load(server, port):
    """SIGTERM with answers on the way; returns the seconds until the process was gone."""
    clients = [Client(port) for _ in range(8)]
    for client in clients:
        client.send(request("POST", "/v1/completions", {"model": "tiny", "prompt": "e", "max_tokens": 150, "n": 4,
                                                        "ignore_eos": True, "stream": True}))
    begin = time.time()
    server.send_signal(signal.SIGTERM)
    try:
        server.wait(DRAIN_SECONDS + 5)
    except subprocess.TimeoutExpired:
        server.kill()
    return time.time() - begin


def judge(watched, idle_files, faults):
    health, delays, failures, memory, files = watched
    faults += sorted(set(failures))
    quarter = max(1, len(memory) // 4)
    before, after = max(memory[quarter:2 * quarter] or memory), max(memory[-quarter:])
    print(f"health     {len(health)} samples: median {1e3 * share(health, 0.5):.1f} ms, p99 {1e3 * share(health, 0.99):.1f}"
          f" ms, most {1e3 * max(health):.0f} ms")
    print(f"control    a server that does nothing: median {1e3 * share(delays, 0.5):.1f} ms, p99"
          f" {1e3 * share(delays, 0.99):.1f} ms, most {1e3 * max(delays):.0f} ms")
    print(f"memory     {memory[0] >> 20} MiB at first, at most {before >> 20} in the second quarter, {after >> 20} in the"
          f" last, {max(memory) >> 20} in all")
    print(f"files      {idle_files[0]} before, {max(files)} at most, {idle_files[1]} after")
    if share(health, 0.99) >= HEALTH_P99:
        faults.append(f"health p99 is {share(health, 0.99):.3f} s, expected less than {HEALTH_P99}")
    if max(health) >= HEALTH_MOST:
        faults.append(f"health took {max(health):.3f} s once, expected less than {HEALTH_MOST}")
    if after > before * MEMORY_GROWTH + MEMORY_SLACK:
        faults.append(f"memory grew from {before >> 20} to {after >> 20} MiB")
    if idle_files[1] > idle_files[0] + FILES_SLACK:
        faults.append(f"{idle_files[1]} open files after the load, {idle_files[0]} before")


def open_files(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def main(minutes, program):
    faults = []
    with tempfile.TemporaryDirectory() as home:
        server, port = start_server(program, home)
        try:
            users = Users(port, "tiny")
            time.sleep(0.5)
            before = open_files(server.pid)
            watch = Watch(port, server.pid)
            users.start()
            rounds = run_attacks(port, time.time() + 60 * minutes, faults)
            users.stop()
            watched = watch.stop()
            ask(port, "GET", "/v1/health/ready")
            time.sleep(3)  # what was refused may linger
            judge(watched, (before, open_files(server.pid)), faults)
            took = stop_under_load(server, port)
        finally:
            server.kill()
            server.wait()
    print(f"SIGTERM    with 32 choices on the way: gone after {took:.1f} s, exit code {server.returncode}")
    if took > DRAIN_SECONDS + 1 or server.returncode not in (0, 7):
        faults.append(f"after SIGTERM the server ran for {took:.1f} s and ended with {server.returncode}")
    print("answers    " + ", ".join(f"{kind}: {count}" for kind, count in sorted(users.counts.items())))
    faults += users.faults
    for fault in dict.fromkeys(faults):
        print(f"✖ {fault}")
    print(f"load: {minutes:g} minutes, {rounds} rounds of {len(attacks.ATTACKS)} attacks, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]), sys.argv[2]))
