"""Inference beside llama.cpp, in one run: the same GGUF file, threads and machine.

    bench/infer/compare.py [--build build/bench] [--maru build/release/src/cli/maru] [--peer-python PYTHON]
                           [--models DIR] [--sizes 0.1 0.5 1.5] [--types q4_0 q8_0 bf16] [--threads 2] [--rounds 3]

Models with random weights are made once and exported with `maru export`. Ours and llama.cpp (the package
llama-cpp-python, compiled for this machine: bench/requirements.txt) take turns, each in a process of its own; the best of
all rounds counts for each, because neighbours on a shared machine only ever slow one down. Prints Markdown tables.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PREFILL, DECODE_AFTER, DECODED, TOGETHER = 512, 128, 32, 16  # as in infer_step.cc
BETTER = {"first_token_seconds": min, "peak_rss_mib": min, "first_token_rss_mib": min}  # the others: max
TYPES = ["q4_0", "q8_0", "bf16"]


def make_model(options, size):
    directory = options.models / f"random-{size}"
    if not (directory / "model.safetensors").exists():
        from tokenizers import Tokenizer, decoders, models, pre_tokenizers

        subprocess.run([options.build / "bench/random_model", size, directory], check=True)
        vocab = {token: i for i, token in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
        tokenizer = Tokenizer(models.BPE(vocab, []))
        tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
        tokenizer.save(str(directory / "tokenizer.json"))
    return directory


def make_file(options, size, kind):
    file = options.models / f"random-{size}-{kind}.gguf"
    if not file.exists():
        subprocess.run([options.maru, "export", make_model(options, size), "--format", "gguf", "--dtype", kind, "--out", file],
                       check=True)
    return file


class Peer:
    """llama.cpp's own functions by ctypes, as its llama-bench calls them."""

    def __init__(self, path, threads):
        import llama_cpp

        self.lib = lib = llama_cpp
        quiet = lib.llama_log_callback(lambda level, text, data: None)
        lib.llama_log_set(quiet, None)
        self.quiet = quiet
        lib.llama_backend_init()
        self.model = lib.llama_model_load_from_file(path.encode(), lib.llama_model_default_params())
        if not self.model:
            raise SystemExit(f"llama.cpp cannot load {path}")
        self.threads, self.context = threads, None
        self.open_context(1, PREFILL)
        self.vocab_size = lib.llama_vocab_n_tokens(lib.llama_model_get_vocab(self.model))
        self.batch = lib.llama_batch_init(TOGETHER * DECODE_AFTER, 0, TOGETHER)

    def open_context(self, sequences, tokens):
        """Room for this many sequences of so many tokens, each with a cache of its own."""
        if self.context:
            self.lib.llama_free(self.context)
        params = self.lib.llama_context_default_params()
        params.n_ctx, params.n_batch, params.n_ubatch = sequences * tokens, TOGETHER * DECODE_AFTER, 512
        params.n_seq_max, params.kv_unified = sequences, False
        params.n_threads = params.n_threads_batch = self.threads
        self.context = self.lib.llama_init_from_model(self.model, params)

    def clear(self):
        self.lib.llama_memory_clear(self.lib.llama_get_memory(self.context), True)

    def run(self, tokens, past, sequences):
        """One step; the most likely next token of the last sequence."""
        import numpy

        b, n = self.batch, 0
        for sequence in range(sequences):
            for i, token in enumerate(tokens):
                b.token[n], b.pos[n], b.n_seq_id[n], b.logits[n] = token, past + i, 1, i == len(tokens) - 1
                b.seq_id[n][0] = sequence
                n += 1
        b.n_tokens = n
        if self.lib.llama_decode(self.context, b) != 0:
            raise SystemExit("llama_decode failed")
        logits = self.lib.llama_get_logits_ith(self.context, -1)
        return int(numpy.ctypeslib.as_array(logits, shape=(self.vocab_size,)).argmax())

    def tokens(self, count):
        import random

        generator = random.Random(7)
        return [generator.randrange(self.vocab_size) for _ in range(count)]

    def prefill_seconds(self):
        self.clear()
        start = time.perf_counter()
        self.run(self.tokens(PREFILL), 0, 1)
        return time.perf_counter() - start

    def decode_seconds(self, together):
        self.clear()
        token = self.run(self.tokens(DECODE_AFTER), 0, together)
        start = time.perf_counter()
        for i in range(DECODED):
            token = self.run([token], DECODE_AFTER + i, together)
        return time.perf_counter() - start


def best_of(budget, work):
    best, start, count = 1e30, time.perf_counter(), 0
    while count < 2 or time.perf_counter() - start < budget:
        best, count = min(best, work()), count + 1
    return best


def peak_rss_mib():
    """Of this process alone: getrusage would count what the parent had when it forked."""
    status = pathlib.Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) // 1024


def peer_worker(options):
    """Runs in a process of its own: prints one JSON line. The interpreter and numpy are up before the clock starts."""
    import llama_cpp  # noqa: F401
    import numpy  # noqa: F401

    before = peak_rss_mib()
    start = time.perf_counter()
    peer = Peer(options.worker, options.threads)
    peer.run(peer.tokens(8), 0, 1)
    result = {"first_token_seconds": time.perf_counter() - start, "first_token_rss_mib": peak_rss_mib() - before}
    result["prefill"] = PREFILL / best_of(options.seconds, peer.prefill_seconds)
    result["decode"] = DECODED / best_of(options.seconds, lambda: peer.decode_seconds(1))
    result["peak_rss_mib"] = peak_rss_mib() - before
    peer.open_context(TOGETHER, 256)
    result["together"] = TOGETHER * DECODED / best_of(options.seconds, lambda: peer.decode_seconds(TOGETHER))
    print(json.dumps(result))


def warm(file):
    """Into the page cache, so that neither of the two waits for the disk."""
    with open(file, "rb") as stream:
        while stream.read(1 << 24):
            pass


def run_json(command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{command[0]} failed: {done.stderr.strip()[-500:]}")
    return json.loads(done.stdout.splitlines()[-1])


def better(results):
    return {key: BETTER.get(key, max)(r[key] for r in results) for key in results[0]}


def bytes_per_token(file):
    """Weights that a decoded token reads: all but a token table that is only looked up."""
    import gguf

    tensors = {t.name: t.n_bytes for t in gguf.GGUFReader(file).tensors}
    return sum(tensors.values()) - ("output.weight" in tensors) * int(tensors["token_embd.weight"])


def compare(options, size, kind):
    file = make_file(options, size, kind)
    ours, peers = [], []
    for _ in range(options.rounds):
        warm(file)
        ours.append(run_json([options.build / "bench/infer_step", file, options.threads, options.seconds]))
        warm(file)
        peers.append(run_json([options.peer_python, __file__, "--worker", file, "--threads", options.threads,
                               "--seconds", options.seconds]))
    ours, peer = better(ours), better(peers)
    ceiling = ours["bf16_flops"] if kind == "bf16" else ours["int8_ops"]
    multiplied = ours["multiplied"] - ours["head"] * (PREFILL - 1) / PREFILL  # logits of the last token alone
    of_ceiling = 2 * multiplied * ours["prefill"] / ceiling
    of_memory = bytes_per_token(file) * ours["decode"] / ours["read_bytes"]

    def cell(key, digits=0, unit=""):
        return f"{ours[key]:.{digits}f} / {peer[key]:.{digits}f}{unit} = **{ours[key] / peer[key]:.2f}×**"

    print(f"| {size} B {kind} | {cell('decode')} | {100 * of_memory:.0f} % | {cell('prefill')} | {100 * of_ceiling:.0f} % "
          f"| {cell('together')} | {cell('first_token_seconds', 2, ' s')} | {cell('peak_rss_mib', 0, ' MiB')} |", flush=True)
    return ours, peer


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/bench")
    parser.add_argument("--maru", type=pathlib.Path, default=ROOT / "build/release/src/cli/maru")
    parser.add_argument("--peer-python", default=sys.executable, help="an interpreter that has llama-cpp-python and numpy")
    parser.add_argument("--models", type=pathlib.Path, default=ROOT / "build/bench/models")
    parser.add_argument("--sizes", nargs="+", default=["0.1", "0.5", "1.5"])
    parser.add_argument("--types", nargs="+", default=TYPES, choices=TYPES)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        return peer_worker(options)
    options.models.mkdir(parents=True, exist_ok=True)
    print(f"{options.threads} threads; every cell Maru / llama.cpp = ratio; tokens per second\n")
    print(f"| model | decode | of memory | prefill {PREFILL} | of the ceiling | {TOGETHER} sequences | first token | peak memory |")
    print("|---|---|---|---|---|---|---|---|")
    for size in options.sizes:
        for kind in options.types:
            compare(options, size, kind)


if __name__ == "__main__":
    main()
