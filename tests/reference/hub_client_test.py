"""Hugging Face's own client against the store of files: uploads, downloads, commits, errors, the `hf` command.

MARU_HUB_PYTHON is the interpreter whose huggingface_hub is used; without it, this one's, and one short case alone.
"""

import hashlib
import json
import os
import pathlib
import subprocess
import sys
import urllib.request

import pytest

from server import Server

CASES = pathlib.Path(__file__).with_name("hub_cases.py")
PYTHON = os.path.abspath(os.environ.get("MARU_HUB_PYTHON", sys.executable))
ALL = "MARU_HUB_PYTHON" in os.environ
LINE_BYTES = len(
    '{"messages": [{"role": "user", "content": "안녕"}, {"role": "assistant", "content": "네"}]}\n'.encode()
)
at_length = pytest.mark.skipif(not ALL, reason="./test clients does it")


def run_case(case, url, directory, **more):
    home = directory / "hf"
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("HF_") and "proxy" not in name.lower()
    }
    environment = {
        **kept,
        "HF_HOME": str(home),
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        **more,
    }
    done = subprocess.run(
        [PYTHON, str(CASES), case, url + "/v1/hf"],
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    server = Server(f"home={tmp_path_factory.mktemp('home')}")
    yield server
    assert server.stop() == 0


@pytest.fixture(scope="module")
def strict_store(tmp_path_factory):
    """With little room within commits, so that files are brought as objects."""
    server = Server(f"home={tmp_path_factory.mktemp('home')}", "inline_files_mib=1")
    yield server
    assert server.stop() == 0


def test_the_way_of_a_teams_data(store, tmp_path):
    run_case("small", store.url, tmp_path)
    with urllib.request.urlopen(store.url + "/v1/metrics") as answer:
        metrics = answer.read().decode()
    assert 'maru_files_total{event="commit"} 2' in metrics, "an upload and a deletion"
    assert f"maru_files_received_bytes_total {LINE_BYTES}" in metrics


@at_length
@pytest.mark.parametrize(
    "case", ["repositories", "folders", "commits", "trees", "file_system", "errors", "command_line"]
)
def test_at_length(store, tmp_path, case):
    run_case(case, store.url, tmp_path)


@at_length
def test_large_files_are_brought_as_objects(strict_store, tmp_path):
    run_case("objects", strict_store.url, tmp_path, HF_HUB_DISABLE_XET="1")


@at_length
def test_clients_with_xet_are_told_what_to_do(strict_store, tmp_path):
    if run_case("small", strict_store.url, tmp_path).stdout.startswith("0."):
        run_case("objects", strict_store.url, tmp_path)  # it asks for objects by itself where a server has no Xet
    else:
        assert "set HF_HUB_DISABLE_XET=1" in run_case("xet", strict_store.url, tmp_path).stderr


@at_length
def test_keys_have_scopes(tmp_path):
    records = [
        {"name": name, "hash": hashlib.sha256(name.encode()).hexdigest(), "scopes": scopes, "tenant": workspace}
        for name, workspace, scopes in (
            ("writer", "team", ["read", "write"]),
            ("reader", "team", ["read"]),
            ("stranger", "others", ["read", "write"]),
        )
    ]
    keys = tmp_path / "keys.json"
    keys.touch(mode=0o600)
    keys.write_text(json.dumps({"keys": records}))
    server = Server(f"home={tmp_path / 'home'}", f"keys_file={keys}", "inline_files_mib=1")
    try:
        tokens = {f"MARU_TEST_{who}": who.lower() for who in ("READER", "STRANGER")}
        run_case("keys", server.url, tmp_path, MARU_TEST_TOKEN="writer", HF_HUB_DISABLE_XET="1", **tokens)
    finally:
        assert server.stop() == 0
