"""What quantizing costs, in bits per byte, by llama.cpp: the rows beside Maru's own in docs/quantization.md.

    bench/infer/quality.py MODEL HELD_OUT [--maru build/release/src/cli/maru] [--types BF16 Q8_0 Q4_0 Q4_K_M]

MODEL is a Hugging Face directory, HELD_OUT a JSONL file (also .zst) of documents. The model is exported as BF16, llama.cpp
quantizes it and predicts every token of windows of the model's context, cut as `maru quantize` cuts them. Needs
llama-cpp-python, numpy, tokenizers and zstandard.
"""
import argparse
import ctypes
import io
import json
import math
import pathlib
import subprocess
import tempfile

import llama_cpp as lib
import numpy as np
import zstandard
from tokenizers import Tokenizer

ROOT = pathlib.Path(__file__).resolve().parents[2]
FILE_TYPES = {"Q8_0": 7, "Q4_0": 2, "Q4_K_M": 15}  # llama_ftype


def documents(path):
    stream = open(path, "rb")
    if path.suffix == ".zst":
        stream = zstandard.ZstdDecompressor().stream_reader(stream)
    return [json.loads(line)["text"] for line in io.TextIOWrapper(stream, encoding="utf-8")]


def windows_of(texts, directory, length):
    """Tokens of each window, the last of which is only predicted, and the bytes of all texts."""
    tokenizer = Tokenizer.from_file(str(directory / "tokenizer.json"))
    config = json.loads((directory / "tokenizer_config.json").read_text())
    bos = tokenizer.token_to_id(config["bos_token"]) if config.get("bos_token") else None
    windows = []
    for text in texts:
        ids = ([] if bos is None else [bos]) + tokenizer.encode(text, add_special_tokens=False).ids
        windows += [ids[i:i + length + 1] for i in range(0, len(ids) - 1, length)]
    return windows, sum(len(text.encode()) for text in texts)


def nats_of(path, windows, length, threads):
    model = lib.llama_model_load_from_file(str(path).encode(), lib.llama_model_default_params())
    params = lib.llama_context_default_params()
    params.n_ctx = params.n_batch = params.n_ubatch = length
    params.n_threads = params.n_threads_batch = threads
    context = lib.llama_init_from_model(model, params)
    vocab_size = lib.llama_vocab_n_tokens(lib.llama_model_get_vocab(model))
    batch, nats = lib.llama_batch_init(length, 0, 1), 0.0
    for tokens in windows:
        lib.llama_memory_clear(lib.llama_get_memory(context), True)
        for i, token in enumerate(tokens[:-1]):
            batch.token[i], batch.pos[i], batch.n_seq_id[i], batch.logits[i] = token, i, 1, 1
            batch.seq_id[i][0] = 0
        batch.n_tokens = len(tokens) - 1
        if lib.llama_decode(context, batch) != 0:
            raise SystemExit("llama_decode failed")
        rows = np.ctypeslib.as_array(lib.llama_get_logits(context), shape=(len(tokens) - 1, vocab_size)).astype(np.float64)
        top = rows.max(axis=1)
        log_sums = top + np.log(np.exp(rows - top[:, None]).sum(axis=1))
        nats += float((log_sums - rows[np.arange(len(rows)), tokens[1:]]).sum())
    lib.llama_free(context)
    lib.llama_model_free(model)
    return nats


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("held_out", type=pathlib.Path)
    parser.add_argument("--maru", type=pathlib.Path, default=ROOT / "build/release/src/cli/maru")
    parser.add_argument("--types", nargs="+", default=["BF16", *FILE_TYPES])
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    quiet = lib.llama_log_callback(lambda level, text, data: None)
    lib.llama_log_set(quiet, None)
    lib.llama_backend_init()
    length = json.loads((options.model / "config.json").read_text())["max_position_embeddings"]
    windows, size = windows_of(documents(options.held_out), options.model, length)
    print(f"{sum(len(w) - 1 for w in windows)} tokens, {size} bytes\n\n| llama.cpp | file | bits per byte |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as scratch:
        plain = pathlib.Path(scratch) / "BF16.gguf"
        subprocess.run([options.maru, "--quiet", "export", options.model, "--format", "gguf", "--dtype", "bf16", "--out", plain],
                       check=True, stdout=subprocess.DEVNULL)
        for name in options.types:
            file = pathlib.Path(scratch) / f"{name}.gguf"
            if name != "BF16":
                params = lib.llama_model_quantize_default_params()
                params.ftype = FILE_TYPES[name]
                if lib.llama_model_quantize(str(plain).encode(), str(file).encode(), ctypes.byref(params)) != 0:
                    raise SystemExit(f"llama.cpp cannot quantize to {name}")
            nats = nats_of(file, windows, length, options.threads)
            print(f"| {name} | {file.stat().st_size / 2**20:.1f} MiB | {nats / math.log(2) / size:.4f} |", flush=True)


if __name__ == "__main__":
    main()
