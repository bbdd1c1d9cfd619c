"""Our tokenizer against Hugging Face's `tokenizers` on Korean text, both in one run: training on two threads, encoding
on one, peak memory of each. Seconds of the wall clock and of the processor: on a busy machine believe the latter.

    .venv/bin/python bench/tokenizer/bench_tokenizer.py [--build build/release] [--vocab 32000] [--megabytes 0]
"""

import argparse
import datetime
import json
import os
import pathlib
import platform
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data"
DOCUMENTS = ["koconovel/text", "korean_law/ko", "mdn_docs/ko", "k8s_docs/ko", "python_docs_ko/pairs", "react_docs_ko/ko"]
DOCUMENTS += ["rust_book_ko/ko", "vue_docs_ko/ko", "pytorch_tutorials_ko/ko", "hf_course/ko", "opensource_guide/ko"]
SETS = {"documents": DOCUMENTS, "reviews": ["nsmc/reviews"]}


def texts_of(name):
    import zstandard

    path = next(p for p in (DATA / f"{name}.jsonl", DATA / f"{name}.jsonl.zst") if p.exists())
    data = path.read_bytes()
    if path.suffix == ".zst":
        data = zstandard.ZstdDecompressor().stream_reader(data).read()
    rows = (json.loads(line) for line in data.decode().split("\n") if line)
    return [row.get("text") or row.get("ko") or "" for row in rows]


def write_corpus(folder, megabytes):
    """texts per set as JSON strings (to encode), and all of them as documents (to train on)."""
    limit = megabytes * 1_000_000 if megabytes else float("inf")
    everything = []
    for name, files in SETS.items():
        texts, size = [], 0
        for text in (t for f in files for t in texts_of(f) if t):
            size += len(text.encode())
            if size > limit:
                break
            texts.append(text)
        (folder / f"{name}.lines").write_text("".join(json.dumps(t, ensure_ascii=False) + "\n" for t in texts))
        everything += texts
    (folder / "train.jsonl").write_text("".join(json.dumps({"text": t}, ensure_ascii=False) + "\n" for t in everything))
    return sum(len(t.encode()) for t in everything)


def measure(command, threads):
    environment = dict(os.environ, RAYON_NUM_THREADS=str(threads), TOKENIZERS_PARALLELISM="true" if threads > 1 else "false")
    done = subprocess.run([str(c) for c in command], env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{command[0]} failed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def peak_kib():
    """Not getrusage: its peak includes the parent's at the time of the fork."""
    status = pathlib.Path("/proc/self/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM:")).split()[1])


def peer_train(corpus, pattern, vocab, out):
    import tokenizers as hf

    texts = [json.loads(line)["text"] for line in pathlib.Path(corpus).read_text().split("\n") if line]
    start, cpu = time.monotonic(), time.process_time()
    pre = hf.pre_tokenizers
    split = pre.Split(hf.Regex(pattern), behavior="isolated", invert=False)
    t = hf.Tokenizer(hf.models.BPE())
    t.pre_tokenizer = pre.Sequence([split, pre.ByteLevel(add_prefix_space=False, use_regex=False)])
    trainer = hf.trainers.BpeTrainer(
        vocab_size=int(vocab),
        min_frequency=2,
        max_token_length=65,
        special_tokens=[f"<|s{i}|>" for i in range(16)],
        initial_alphabet=pre.ByteLevel.alphabet(),
        show_progress=False,
    )
    t.train_from_iterator((texts[i : i + 1000] for i in range(0, len(texts), 1000)), trainer)
    seconds, cpu = time.monotonic() - start, time.process_time() - cpu
    t.save(out)
    return {"seconds": seconds, "cpu_seconds": cpu, "peak_kib": peak_kib()}


def peer_encode(tokenizer, lines, rounds):
    import tokenizers as hf

    t = hf.Tokenizer.from_file(tokenizer)
    texts = [json.loads(line) for line in pathlib.Path(lines).read_text().split("\n") if line]
    batches = [texts[i : i + 1000] for i in range(0, len(texts), 1000)]
    best, best_cpu, tokens = float("inf"), float("inf"), 0
    for _ in range(int(rounds)):
        tokens, start, cpu = 0, time.monotonic(), time.process_time()
        for batch in batches:  # the faster of its ways: no offsets
            tokens += sum(len(e) for e in t.encode_batch_fast(batch, add_special_tokens=False))
        best, best_cpu = min(best, time.monotonic() - start), min(best_cpu, time.process_time() - cpu)
    size = sum(len(x.encode()) for x in texts)
    return {"seconds": best, "cpu_seconds": best_cpu, "bytes": size, "tokens": tokens, "peak_kib": peak_kib()}


def row(name, unit, ours, theirs, higher_is_better):
    ratio = ours / theirs if higher_is_better else theirs / ours
    return f"| {name} | {ours:.1f} {unit} | {theirs:.1f} {unit} | {ratio:.1f}× |"


def compare(options):
    tool, me = ROOT / options.build / "tests" / "reference" / "text_tool", [sys.executable, __file__]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        size = write_corpus(folder, options.megabytes)
        ours = measure([tool, "train", folder / "ours", options.vocab, 2, "", folder / "train.jsonl"], 2)
        spec = json.loads((folder / "ours" / "tokenizer.json").read_text())
        pattern = spec["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"]
        theirs = measure(me + ["--peer", "train", folder / "train.jsonl", pattern, options.vocab, folder / "theirs.json"], 2)
        rows = [row(f"training, {size / 1e6:.0f} MB, {options.vocab} ids, 2 threads", "s", ours["seconds"], theirs["seconds"], False)]
        rows.append(row("training, processor time", "s", ours["cpu_seconds"], theirs["cpu_seconds"], False))
        rows.append(row("training, peak memory", "MiB", ours["peak_kib"] / 1024, theirs["peak_kib"] / 1024, False))
        merges = json.loads((folder / "theirs.json").read_text())["model"]["merges"]
        same = spec["model"]["merges"] == [m if isinstance(m, str) else " ".join(m) for m in merges]
        for kind in SETS:
            a = measure([tool, "bench", folder / "ours", folder / f"{kind}.lines", options.rounds], 1)
            b = measure(me + ["--peer", "encode", folder / "ours" / "tokenizer.json", folder / f"{kind}.lines", options.rounds], 1)
            assert a["tokens"] == b["tokens"], (kind, a, b)
            speed = [r["bytes"] / 1e6 / r["cpu_seconds"] for r in (a, b)]
            rows.append(row(f"encoding {kind}, {a['bytes'] / 1e6:.0f} MB, 1 thread", "MB/s", *speed, True))
            rows.append(row(f"encoding {kind}, peak memory with the texts", "MiB", a["peak_kib"] / 1024, b["peak_kib"] / 1024, False))
    return rows, same


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--vocab", type=int, default=32000)
    parser.add_argument("--megabytes", type=int, default=0, help="at most this much of each set; 0: all")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peer", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peer:
        print(json.dumps({"train": peer_train, "encode": peer_encode}[options.peer[0]](*options.peer[1:])))
        return
    import tokenizers as hf

    rows, same = compare(options)
    print(f"{datetime.date.today()}, {platform.machine()}, {os.cpu_count()} cores, tokenizers {hf.__version__};", end=" ")
    print(f"same merges: {'yes' if same else 'no'}; encoding by processor time, best of {options.rounds}\n")
    print("| | Maru | tokenizers | ratio |\n|---|---|---|---|\n" + "\n".join(rows))


if __name__ == "__main__":
    main()
