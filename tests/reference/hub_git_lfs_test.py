"""git-lfs with a Git of its own against the store of files: what it pushes can be pulled elsewhere."""

import os
import pathlib
import shutil
import subprocess

import pytest

from server import Server

pytestmark = pytest.mark.skipif(shutil.which("git-lfs") is None, reason="git-lfs is not installed")


def git(directory, *arguments, fails=False):
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("GIT_") and "proxy" not in name.lower()
    }
    environment |= {"HOME": str(directory.parent), "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0"}
    for role in ("AUTHOR", "COMMITTER"):
        environment |= {f"GIT_{role}_NAME": "t", f"GIT_{role}_EMAIL": "t@localhost"}
    done = subprocess.run(
        ["git", *arguments], cwd=directory, env=environment, capture_output=True, text=True, timeout=120
    )
    assert (done.returncode != 0) == fails, done.stdout + done.stderr
    return done.stdout + done.stderr


def use(directory, url, key):
    git(directory, "lfs", "install", "--local")
    git(directory, "config", "lfs.url", url + "/v1/hf/datasets/team/talks.git/info/lfs")
    git(directory, "config", "http.extraHeader", "Authorization: Bearer " + key)


def test_what_is_pushed_can_be_pulled(tmp_path):
    server = Server(f"home={tmp_path / 'home'}", "api_key=secret")
    try:
        subprocess.run(
            [
                "curl",
                "-sf",
                "-H",
                "Authorization: Bearer secret",
                server.url + "/v1/hf/api/repos/create",
                "-d",
                '{"name":"talks","organization":"team","type":"dataset"}',
            ],
            check=True,
            capture_output=True,
        )
        bare, here, there = tmp_path / "bare.git", tmp_path / "here", tmp_path / "there"
        git(tmp_path, "init", "-q", "--bare", "-b", "main", str(bare))
        git(tmp_path, "init", "-q", "-b", "main", str(here))
        use(here, server.url, "secret")
        git(here, "remote", "add", "origin", str(bare))
        git(here, "lfs", "track", "*.bin")
        data = {name: os.urandom(size) for name, size in (("a.bin", 3_000_000), ("b.bin", 1), ("같은.bin", 3_000))}
        for name, content in data.items():
            (here / name).write_bytes(content)
        (here / "again.bin").write_bytes(data["a.bin"])
        git(here, "add", ".")
        git(here, "commit", "-q", "-m", "talks")
        git(here, "push", "-q", "origin", "main")
        assert (len(list((pathlib.Path(tmp_path) / "home/platform/files/blobs").rglob("*/*")))) == 3

        git(tmp_path, "clone", "-q", str(bare), str(there), "--no-checkout")
        use(there, server.url, "secret")
        git(there, "checkout", "-q", "main")
        git(there, "lfs", "pull")
        for name, content in (data | {"again.bin": data["a.bin"]}).items():
            assert (there / name).read_bytes() == content, name
        git(there, "lfs", "fsck")

        (here / "c.bin").write_bytes(b"new")
        git(here, "add", ".")
        git(here, "commit", "-q", "-m", "more")
        git(here, "config", "http.extraHeader", "Authorization: Bearer wrong")
        git(here, "push", "-q", "origin", "main", fails=True)
    finally:
        assert server.stop() == 0
