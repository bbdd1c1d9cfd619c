"""What huggingface_hub is asked to do with a server, one case per process, because it reads its environment once:

    python hub_cases.py CASE ENDPOINT

in an empty directory. A case that returns has passed. The version is that of the interpreter it is run with.
"""

import hashlib
import os
import pathlib
import subprocess
import sys

import huggingface_hub
from huggingface_hub import (
    CommitOperationAdd,
    CommitOperationCopy,
    CommitOperationDelete,
    HfApi,
    HfFileSystem,
    hf_hub_download,
    snapshot_download,
)
from huggingface_hub.utils import (
    EntryNotFoundError,
    HfHubHTTPError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

ENDPOINT = sys.argv[2]
TOKEN = os.environ.get("MARU_TEST_TOKEN")
API = HfApi(endpoint=ENDPOINT, token=TOKEN)
LINES = '{"messages": [{"role": "user", "content": "안녕"}, {"role": "assistant", "content": "네"}]}\n'.encode()


def raises(kind, call, *words):
    try:
        call()
    except kind as error:
        text = str(error) + str(getattr(error, "server_message", ""))
        assert all(word in text for word in words), text
        return error
    raise AssertionError(f"expected {kind}")


def make(name, repo_type="dataset"):
    """Anew: versions of the client follow each other."""
    API.delete_repo(f"team/{name}", repo_type=repo_type, missing_ok=True)
    return API.create_repo(f"team/{name}", repo_type=repo_type).repo_id


def fetch(repo, path, **more):
    got = hf_hub_download(repo, path, endpoint=ENDPOINT, token=TOKEN, **{"repo_type": "dataset", **more})
    return pathlib.Path(got).read_bytes()


def small():
    """The way of a team's data, in a few calls."""
    url = API.create_repo("team/small", repo_type="dataset")
    assert (url.repo_id, url.repo_type) == ("team/small", "dataset"), url
    assert API.create_repo("team/small", repo_type="dataset", exist_ok=True).repo_id == "team/small"
    first = API.upload_file(
        path_or_fileobj=LINES, path_in_repo="training/data.jsonl", repo_id="team/small", repo_type="dataset"
    )
    assert first.oid and first.repo_url.repo_id == "team/small"
    info = API.repo_info("team/small", repo_type="dataset")
    assert info.id == "team/small" and info.sha == first.oid
    assert API.list_repo_files("team/small", repo_type="dataset") == ["training/data.jsonl"]
    assert fetch("team/small", "training/data.jsonl") == LINES
    API.delete_file("training/data.jsonl", "team/small", repo_type="dataset")
    assert API.list_repo_files("team/small", repo_type="dataset") == []
    assert fetch("team/small", "training/data.jsonl", revision=first.oid) == LINES
    API.delete_repo("team/small", repo_type="dataset")
    raises(RepositoryNotFoundError, lambda: API.repo_info("team/small", repo_type="dataset"))


def repositories():
    url = API.create_repo("team/m")
    assert (url.repo_id, url.repo_type, url.namespace) == ("team/m", "model", "team"), url
    error = raises(HfHubHTTPError, lambda: API.create_repo("team/m"))
    assert error.response.status_code == 409
    assert API.create_repo("team/m", exist_ok=True).repo_id == "team/m"
    make("d")
    assert API.repo_exists("team/d", repo_type="dataset") and not API.repo_exists("team/none")
    assert [one.id for one in API.list_datasets(author="team")] == ["team/d"]
    assert [one.id for one in API.list_models(search="m", author="team")] == ["team/m"]
    assert API.model_info("team/m").id == "team/m"
    API.delete_repo("team/m")
    API.delete_repo("team/m", missing_ok=True)
    raises(RepositoryNotFoundError, lambda: API.delete_repo("team/m"))
    raises(
        HfHubHTTPError, lambda: API.create_repo("team/s", repo_type="space", space_sdk="static"), "model or dataset"
    )
    raises(HfHubHTTPError, lambda: API.create_branch("team/d", repo_type="dataset", branch="dev"), "one branch, main")
    raises(HfHubHTTPError, lambda: API.create_tag("team/d", repo_type="dataset", tag="v1"), "no tags")
    raises(HfHubHTTPError, lambda: API.move_repo("team/d", "team/e", repo_type="dataset"), "keep their names")


def folders():
    repo = make("folders")
    files = {
        "README.md": b"---\nlicense: cc0-1.0\n---\n# talks\n",
        "train/a.jsonl": LINES,
        "train/b.jsonl": LINES * 2,
        "모델/가중치 1.bin": os.urandom(3 << 20),
        "large.bin": os.urandom(24 << 20),
        "empty": b"",
    }
    for name, data in files.items():
        path = pathlib.Path("in") / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    commit = API.upload_folder(folder_path="in", repo_id=repo, repo_type="dataset", commit_message="all of it")
    assert sorted(API.list_repo_files(repo, repo_type="dataset")) == sorted(files)
    for revision in ("main", commit.oid):
        got = pathlib.Path(
            snapshot_download(repo, repo_type="dataset", revision=revision, endpoint=ENDPOINT, token=TOKEN)
        )
        for name, data in files.items():
            assert (got / name).read_bytes() == data, name
    there = snapshot_download(
        repo, repo_type="dataset", endpoint=ENDPOINT, token=TOKEN, local_dir="out", allow_patterns="train/*"
    )
    assert sorted(p.name for p in (pathlib.Path(there) / "train").iterdir()) == ["a.jsonl", "b.jsonl"]
    if hasattr(API, "upload_large_folder"):
        parts = make("parts")
        API.upload_large_folder(folder_path="in", repo_id=parts, repo_type="dataset", print_report=False)
        assert sorted(API.list_repo_files(parts, repo_type="dataset")) == sorted(files)
    again = API.upload_folder(folder_path="in", repo_id=repo, repo_type="dataset", ignore_patterns=".cache/*")
    assert again.oid == commit.oid, "what is there already is no commit"
    API.upload_folder(
        folder_path="in/train", path_in_repo="train", repo_id=repo, repo_type="dataset", delete_patterns="*"
    )
    API.delete_folder("train", repo, repo_type="dataset")
    assert "train/a.jsonl" not in API.list_repo_files(repo, repo_type="dataset")
    bad = b"---\nlicense: [\n---\n"
    raises(
        ValueError,
        lambda: API.upload_file(path_or_fileobj=bad, path_in_repo="README.md", repo_id=repo, repo_type="dataset"),
    )


def commits():
    repo = make("commits", "model")
    first = API.create_commit(
        repo,
        [CommitOperationAdd("a.txt", b"a"), CommitOperationAdd("d/b.txt", b"b"), CommitOperationAdd("d/c.txt", b"c")],
        commit_message="three",
    )
    API.create_commit(
        repo,
        [
            CommitOperationCopy("a.txt", "copy/a.txt"),
            CommitOperationDelete("d/b.txt"),
            CommitOperationAdd("e.txt", b"e"),
        ],
        commit_message="second",
        commit_description="more of it",
        parent_commit=first.oid,
    )
    assert sorted(API.list_repo_files(repo)) == ["a.txt", "copy/a.txt", "d/c.txt", "e.txt"]
    assert sorted(API.list_repo_files(repo, revision=first.oid)) == ["a.txt", "d/b.txt", "d/c.txt"]
    late = raises(
        HfHubHTTPError,
        lambda: API.create_commit(
            repo, [CommitOperationAdd("f", b"f")], commit_message="late", parent_commit=first.oid
        ),
        "not the last commit any more",
    )
    assert late.response.status_code == 412
    API.create_commit(repo, [CommitOperationDelete("d/", is_folder=True)], commit_message="third")
    titles = [one.title for one in API.list_repo_commits(repo)]
    assert titles == ["third", "second", "three", "initial commit"], titles
    assert API.list_repo_refs(repo).branches[0].target_commit == API.model_info(repo).sha
    raises(EntryNotFoundError, lambda: API.create_commit(repo, [CommitOperationDelete("none")], commit_message="x"))
    assert API.file_exists(repo, "a.txt") and not API.file_exists(repo, "none")
    assert API.revision_exists(repo, first.oid) and not API.revision_exists(repo, "v1")
    assert fetch(repo, "copy/a.txt", repo_type="model") == b"a"


def trees():
    repo = make("trees")
    API.create_commit(
        repo,
        [CommitOperationAdd(f"d{i % 7}/{i:05}", b"x") for i in range(2500)] + [CommitOperationAdd("top", b"y")],
        repo_type="dataset",
        commit_message="many",
    )
    assert len(API.list_repo_files(repo, repo_type="dataset")) == 2501
    top = list(API.list_repo_tree(repo, repo_type="dataset", expand=True))
    assert [one.path for one in top] == [f"d{i}" for i in range(7)] + ["top"]
    assert top[-1].lfs.sha256 == hashlib.sha256(b"y").hexdigest() and top[-1].last_commit.title == "many"
    everything = list(API.list_repo_tree(repo, repo_type="dataset", recursive=True))
    assert len(everything) == 2501 + 7 and len({one.path for one in everything}) == 2508
    found = API.get_paths_info(repo, ["d3", "top", "none", "d0/00007"], repo_type="dataset")
    assert [one.path for one in found] == ["d3", "top", "d0/00007"]


def objects():
    """Files of more than the server wants within a commit; clients with Xet have to be told so."""
    repo = make("objects")
    data = os.urandom(5 << 20) + b"ends"
    pathlib.Path("large.bin").write_bytes(data)
    API.upload_file(path_or_fileobj="large.bin", path_in_repo="x/large.bin", repo_id=repo, repo_type="dataset")
    API.upload_file(path_or_fileobj="large.bin", path_in_repo="x/again.bin", repo_id=repo, repo_type="dataset")
    API.create_commit(
        repo, [CommitOperationCopy("x/large.bin", "y.bin")], repo_type="dataset", commit_message="copied"
    )
    for name in ("x/large.bin", "x/again.bin", "y.bin"):
        assert fetch(repo, name) == data
    API.upload_file(path_or_fileobj=LINES, path_in_repo="small.jsonl", repo_id=repo, repo_type="dataset")
    assert fetch(repo, "small.jsonl") == LINES


def xet():
    repo = make("xet")
    pathlib.Path("large.bin").write_bytes(os.urandom(5 << 20))
    raises(
        Exception,
        lambda: API.upload_file(path_or_fileobj="large.bin", path_in_repo="l", repo_id=repo, repo_type="dataset"),
        "501",
    )


def file_system():
    repo = make("fs")
    fs = HfFileSystem(endpoint=ENDPOINT, token=TOKEN)
    data = os.urandom(1 << 20)
    with fs.open(f"datasets/{repo}/d/random.bin", "wb") as file:
        file.write(data)
    with fs.open(f"hf://datasets/{repo}/d/random.bin", "rb", block_size=4096) as file:
        file.seek(500_000)
        assert file.read(1000) == data[500_000:501_000]
        file.seek(-10, 2)
        assert file.read() == data[-10:]
    assert fs.info(f"datasets/{repo}/d/random.bin")["size"] == len(data)
    assert [one.split("/")[-1] for one in fs.ls(f"datasets/{repo}", detail=False)] == ["d"]
    assert fs.glob(f"datasets/{repo}/**/*.bin") == [f"datasets/{repo}/d/random.bin"]
    assert fs.exists(f"datasets/{repo}/d") and not fs.exists(f"datasets/{repo}/e")
    assert fs.read_bytes(f"datasets/{repo}/d/random.bin", start=3, end=9) == data[3:9]
    fs.rm(f"datasets/{repo}/d/random.bin")
    fs.invalidate_cache()
    assert not fs.exists(f"datasets/{repo}/d/random.bin")


def errors():
    repo = make("errors")
    raises(RepositoryNotFoundError, lambda: fetch("team/none", "x"))
    raises(RevisionNotFoundError, lambda: fetch(repo, "x", revision="v1"))
    raises(EntryNotFoundError, lambda: fetch(repo, "x"))
    raises(RevisionNotFoundError, lambda: API.repo_info(repo, repo_type="dataset", revision="refs/pr/1"))
    raises(
        HfHubHTTPError,
        lambda: API.upload_file(path_or_fileobj=b"x", path_in_repo="a\\b", repo_id=repo, repo_type="dataset"),
        "a backslash",
    )


def keys():
    """With a key that may write; MARU_TEST_READER is one that may not, MARU_TEST_STRANGER one of another workspace."""
    repo = make("keys")
    who = API.whoami()
    assert who["auth"]["accessToken"]["role"] == "write" and who["name"]
    API.upload_file(path_or_fileobj=LINES, path_in_repo="a", repo_id=repo, repo_type="dataset")
    pathlib.Path("large.bin").write_bytes(os.urandom(5 << 20))
    API.upload_file(path_or_fileobj="large.bin", path_in_repo="l", repo_id=repo, repo_type="dataset")
    reader = HfApi(endpoint=ENDPOINT, token=os.environ["MARU_TEST_READER"])
    assert reader.list_repo_files(repo, repo_type="dataset") == ["a", "l"]
    assert reader.whoami()["auth"]["accessToken"]["role"] == "read"
    refused = raises(
        HfHubHTTPError,
        lambda: reader.upload_file(path_or_fileobj=b"x", path_in_repo="b", repo_id=repo, repo_type="dataset"),
        "write",
    )
    assert refused.response.status_code == 403
    stranger = HfApi(endpoint=ENDPOINT, token=os.environ["MARU_TEST_STRANGER"])
    raises(RepositoryNotFoundError, lambda: stranger.list_repo_files(repo, repo_type="dataset"))
    assert not list(stranger.list_datasets(author="team")) and not list(stranger.list_datasets())
    own = stranger.create_repo("keys", repo_type="dataset", exist_ok=True).repo_id
    assert own == "others/keys"
    stranger.upload_file(path_or_fileobj="large.bin", path_in_repo="l", repo_id=own, repo_type="dataset")
    for token in (False, "wrong"):
        error = raises(
            HfHubHTTPError, lambda: HfApi(endpoint=ENDPOINT, token=token).repo_info(repo, repo_type="dataset")
        )
        assert error.response.status_code == 401 and not isinstance(error, RepositoryNotFoundError)


def command_line():
    repo = make("cli")
    pathlib.Path("in/d").mkdir(parents=True)
    pathlib.Path("in/d/a.jsonl").write_bytes(LINES)
    pathlib.Path("in/b.txt").write_bytes(b"b")
    hf = str(pathlib.Path(sys.executable).parent / "hf")

    def run(*arguments):
        done = subprocess.run(
            [hf, *arguments], env={**os.environ, "HF_ENDPOINT": ENDPOINT}, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run("upload", repo, "in", ".", "--repo-type", "dataset", "--commit-message", "by hand")
    run("upload", repo, "in/b.txt", "c.txt", "--repo-type", "dataset")
    run("download", repo, "--repo-type", "dataset", "--local-dir", "out")
    assert (pathlib.Path("out/d/a.jsonl").read_bytes(), pathlib.Path("out/c.txt").read_bytes()) == (LINES, b"b")
    run("download", repo, "b.txt", "--repo-type", "dataset", "--local-dir", "one")
    assert pathlib.Path("one/b.txt").read_bytes() == b"b" and not pathlib.Path("one/d").exists()


if __name__ == "__main__":
    globals()[sys.argv[1]]()
    print(huggingface_hub.__version__)
