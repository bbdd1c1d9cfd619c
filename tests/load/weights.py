"""Model files that are removed, cut and put back under a running server, and a server that is started on them."""
import os
import shutil
import time

from client import ask
from dialects import CHAT, user, what_was_said
from home import NotStarted, Server

BODY = {"messages": user("hello"), "max_tokens": 20, "seed": 8}


def chat(server, model):
    status, body = ask(server.port, "POST", CHAT, {"model": model, **BODY}, timeout=60)
    return status, what_was_said(CHAT, body) if status == 200 else body.decode()


def health(server):
    return [ask(server.port, "GET", f"/v1/health/{kind}")[0] for kind in ("live", "ready")]


def ready_again(server):
    for _ in range(100):
        if health(server) == [200, 200]:
            return True
        time.sleep(0.1)
    return False


def removed(home, server, said, problems):
    """The whole directory goes: the map keeps its file."""
    path = os.path.join(home.path, "models", "tiny")
    os.rename(path, path + ".away")
    if chat(server, "tiny") != (200, said) or health(server) != [200, 200]:
        problems.append(f"removed files: {chat(server, 'tiny')}, health {health(server)}")
    shutil.copytree(path + ".away", path + ".gone")
    shutil.rmtree(path + ".away")
    if chat(server, "tiny") != (200, said):
        problems.append(f"files that are gone: {chat(server, 'tiny')}")
    os.rename(path + ".gone", path)


def cut(home, server, said, problems):
    """Of the file that is mapped. All models of a process stop by its name: weights are watched together."""
    path = os.path.join(home.path, "models", "tiny", "model.safetensors")
    shutil.copyfile(path, path + ".whole")
    os.truncate(path, 4096)
    status, answer = chat(server, "tiny")
    if status != 500 or "data_loss" not in answer or home.path in answer:
        problems.append(f"cut weights: {status} {answer}, expected 500 data_loss without a path")
    if health(server) != [200, 503]:
        problems.append(f"cut weights: health {health(server)}, expected live 200 and ready 503")
    status, answer = chat(server, "other")
    if status != 200 and "tiny/model.safetensors" not in answer:
        problems.append(f"beside cut weights the other model answers {status} {answer}")
    try:
        again = Server(home, "cut", "tiny")
        again.kill()
        problems.append("a server starts on cut weights")
    except NotStarted as error:
        if "exit code 8" not in str(error) or "model.safetensors" not in str(error):
            problems.append(f"cut weights: the start says {error}")
    os.replace(path + ".whole", path)
    if server.stop() != 0:
        problems.append(f"with cut weights it ended with {server.process.returncode}")


def run(home):
    problems = []
    shutil.copytree(os.path.join(home.path, "models", "tiny-int8"), os.path.join(home.path, "models", "other"))
    first = Server(home, "first", "tiny")
    said = chat(first, "tiny")[1]
    first.stop()
    server = Server(home, "weights", "tiny", "--also", os.path.join(home.path, "models", "other"))
    try:
        removed(home, server, said, problems)
    finally:
        server.kill()
    server = Server(home, "weights", "tiny", "--also", os.path.join(home.path, "models", "other"))
    try:
        cut(home, server, said, problems)
    finally:
        server.kill()
    server = Server(home, "last", "tiny")
    try:
        if chat(server, "tiny") != (200, said) or not ready_again(server):
            problems.append(f"started again on whole weights: {chat(server, 'tiny')}")
    finally:
        server.kill()
    print("   removed: nobody notices; cut: 500 data_loss, ready 503, live 200; whole again: as before")
    return problems
