"""SIGKILL at random moments, of the server and of what changes its home, and what is there afterwards."""
import hashlib
import json
import os
import random
import subprocess
import threading
import time

from client import Closed, ask
from dialects import CHAT, RESPONSES, user, what_was_said
from home import DRAIN_SECONDS, Server

KILLS = 50
LONGEST_LIFE = 1.5  # seconds: the start itself takes a part of it
BODY = {"model": "tiny", "messages": user("hello"), "max_tokens": 20, "seed": 8}
KEEP = {"model": "tiny", "input": "keep", "max_output_tokens": 8}
WORDS = ["tiny", "receipts=asked", "--adapter"]
# By name: files of the home that may differ afterwards.
CHANGING = {"hashes.json", "platform.db", "platform.db-wal", "platform.db-shm"}


def files_of_home(home):
    """By path: hash of what lies in it; what a server may write is left out."""
    found = {}
    for folder, _, names in os.walk(home.path):
        for name in names:
            path = os.path.join(folder, name)
            if name in CHANGING or name.endswith(".log") or os.path.relpath(path, home.path).startswith("signing"):
                continue
            with open(path, "rb") as file:
                found[os.path.relpath(path, home.path)] = hashlib.sha256(file.read()).hexdigest()
    return found


def trouble(home, port, stop):
    """What changes state: responses that are kept, work in the background, an adapter that comes and goes, receipts."""
    requests = [("POST", RESPONSES, KEEP),
                ("POST", RESPONSES, {"model": "tiny", "input": "work", "background": True, "max_output_tokens": 60}),
                ("POST", CHAT, {**BODY, "receipt": True}),
                ("POST", "/v1/load_lora_adapter", {"lora_name": "visitor", "lora_path": home.adapters[1]}),
                ("POST", "/v1/unload_lora_adapter", {"lora_name": "visitor"})]
    while not stop.is_set():
        for method, path, body in requests:
            try:
                ask(port, method, path, body, timeout=5)
            except (Closed, OSError):
                return


def killed_server(home, rng):
    """Starts one, in trouble as soon as it listens, and kills it at a random moment; true if it served."""
    life = rng.uniform(0.02, LONGEST_LIFE)
    log = open(os.path.join(home.path, "killed.log"), "a")
    process = subprocess.Popen([home.program, "--home", home.path, "--json", "serve", *WORDS, home.adapters[0],
                                "--port", "0", f"drain_seconds={DRAIN_SECONDS}"],
                               stdout=subprocess.PIPE, stderr=log, text=True)
    begin, stop = time.time(), threading.Event()

    def listen():
        line = process.stdout.readline()
        if "url" in line:
            trouble(home, int(json.loads(line)["url"].rsplit(":", 1)[1]), stop)
            listen.served = True
    listen.served = False
    thread = threading.Thread(target=listen)
    thread.start()
    time.sleep(max(0.0, begin + life - time.time()))
    process.kill()
    process.wait()
    stop.set()
    thread.join()
    return listen.served


def killed_key(home, rng, i, made):
    """`maru keys create` killed on its way: what is kept is what was before or what comes after."""
    process = subprocess.Popen([home.program, "--home", home.path, "--json", "keys", "create", f"key-{i}"],
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    time.sleep(rng.uniform(0, 0.12))
    process.kill()
    shown = process.communicate()[0]
    if "key" in shown and shown.endswith("}\n"):
        made.append(f"key-{i}")


def check_home(home, before, made, i, problems):
    after = files_of_home(home)
    if after != before:
        changed = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
        leftovers = [name for name in changed if name not in before]
        if changed != leftovers:
            problems.append(f"kill {i} changed {[name for name in changed if name in before]}")
    listed = home.run("keys", "list", check=False)
    if listed.returncode != 0:
        problems.append(f"kill {i}: keys cannot be read any more: {listed.stderr}")
        return
    lost = {"users", "limited", *made} - {key["name"] for key in json.loads(listed.stdout)}
    if lost:
        problems.append(f"kill {i}: keys that had been shown are lost: {sorted(lost)}")


def run(home):
    rng, problems, made = random.Random(1), [], []
    server = Server(home, "first", *WORDS, home.adapters[0])
    said = what_was_said(CHAT, ask(server.port, "POST", CHAT, BODY)[1])
    status, receipt = ask(server.port, "POST", CHAT, {**BODY, "receipt": True})
    kept = json.loads(ask(server.port, "POST", RESPONSES, KEEP)[1])
    server.stop()
    before, served = files_of_home(home), 0
    for i in range(KILLS):
        served += killed_server(home, rng)
        killed_key(home, rng, i, made)
        check_home(home, before, made, i, problems)
    server = Server(home, "last", *WORDS, home.adapters[0])
    try:
        if what_was_said(CHAT, ask(server.port, "POST", CHAT, BODY)[1]) != said:
            problems.append("after all kills another answer for the same seed")
        status, again = ask(server.port, "GET", f"{RESPONSES}/{kept['id']}")
        if status not in (200, 404) or (status == 200 and json.loads(again)["output"] != kept["output"]):
            problems.append(f"after all kills a kept response is {status} {again[:200]!r}")
        leftovers = sorted(files_of_home(home).keys() - before.keys())
        if leftovers:
            problems.append(f"after all kills and a start there is {leftovers}")
        path = os.path.join(home.path, "answer.json")
        with open(path, "wb") as file:
            file.write(receipt)
        verified = home.run("verify", path, check=False)
        if verified.returncode != 0:
            problems.append(f"a receipt of before is {verified.returncode}: {verified.stdout} {verified.stderr}")
        verified = home.run("verify", "tiny", check=False)
        if verified.returncode != 0:
            problems.append(f"the model is {verified.returncode}: {verified.stdout} {verified.stderr}")
    finally:
        server.kill()
    print(f"   {KILLS} kills, {served} of them while it served; {len(made)} keys made beside and none lost; the same"
          f" answer, the receipt and the model verify; a kept response: {status}")
    if served < KILLS // 4:
        problems.append(f"only {served} of {KILLS} servers lived long enough to be in trouble")
    return problems
