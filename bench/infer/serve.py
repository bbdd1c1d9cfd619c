"""The server under load beside llama.cpp's, in one run: the same GGUF file, threads, prompts and instruction set.

    bench/infer/serve.py [--maru build/release/src/cli/maru] [--peer-python PYTHON] [--models build/bench/models]
                         [--size 0.1] [--type q8_0] [--isa avx2] [--clients 1 8 16 64] [--requests 2] [--only NAME…]
                         [--adapters 32] [--json FILE]

Closed loop: each client sends its next request when the last one is answered. Open loop: requests arrive at random
moments (Poisson), whoever is still answered. Prompts are token ids, answers have a fixed length and are streamed; the
first token is the first event with text. llama.cpp comes from the package xllamacpp, which knows AVX2 and nothing
newer, so Maru computes with AVX2 too. It gets as many slots as there are clients. Adapters are made with random numbers
(LoRA of rank 16 on the projections of queries and values), each client asks another one, and the same clients asking the
model itself are what they are compared with. Prints Markdown tables; --json keeps the numbers for a plot.
"""
import argparse
import asyncio
import json
import os
import pathlib
import random
import statistics
import struct
import subprocess
import sys
import tempfile
import time

from compare import ROOT, make_file, warm

SHAPES = {"short": (128, 64), "long": (900, 100)}  # tokens of prompt and answer; the small models know 1,024
PRINTABLE = range(64)  # ids of the random models' tokens that are ASCII: each of them is an event of its own


def start_peer(file, slots, context, threads):
    code = f"""
import time, xllamacpp as x
p = x.CommonParams()
p.model.path, p.port = {str(file)!r}, 0
p.n_parallel, p.n_ctx, p.n_batch, p.n_ubatch, p.warmup = {slots}, {slots * context}, 2048, 512, True
p.cpuparams.n_threads = p.cpuparams_batch.n_threads = {threads}
p.cache_ram_mib, p.verbosity = 0, -1
s = x.Server(p)
print(s.listening_address, flush=True)
time.sleep(1e9)
"""
    return [code]


class Server:
    """A process and the address that it printed."""

    def __init__(self, command, read):
        self.log = tempfile.TemporaryFile()
        command = [str(part) for part in command]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.log, text=True)
        line = self.process.stdout.readline()
        while line and not read(line):
            line = self.process.stdout.readline()
        if not line:
            self.log.seek(0)
            raise SystemExit(f"{command[0]} did not start: {self.log.read()[-500:]}")
        self.host, self.port = read(line).rsplit("//", 1)[-1].rsplit(":", 1)
        self.port = int(self.port.strip("/"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


def maru(options, file, clients, *more):
    command = [options.maru, "--home", options.models, "--json", "--quiet", "--threads", options.threads,
               "--isa", options.isa, "serve", file, "--name", "m", "--port", "0", f"max_running={clients}",
               "max_waiting=512", "cache_mib=4096", *more]
    return Server(command, lambda line: json.loads(line)["url"] if line.startswith("{") else "")


def peer(options, file, clients, context):
    command = [options.peer_python, "-c", *start_peer(file, clients, context, options.threads)]
    return Server(command, lambda line: line.strip() if "http" in line or ":" in line else "")


async def one(server, prompt, answer, model, cached):
    """Seconds to the first token and to the end, and how many tokens came."""
    body = {"model": model, "prompt": prompt, "max_tokens": answer, "stream": True, "temperature": 0,
            "ignore_eos": True, "logit_bias": {str(token): 100 for token in PRINTABLE}}
    if cached is not None:
        body["cache_prompt"] = cached
    data = json.dumps(body).encode()
    start = time.perf_counter()
    reader, writer = await asyncio.open_connection(server.host, server.port, limit=1 << 20)
    writer.write(b"POST /v1/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
                 b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(data) + data)
    status = await reader.readline()
    if b" 200 " not in status:
        raise SystemExit(f"{status!r} {await reader.read(600)!r}")
    first, tokens = None, 0
    async for line in reader:
        if not line.startswith(b"data: {"):
            continue
        choices = json.loads(line[6:]).get("choices") or [{}]
        if choices[0].get("text"):
            first = first or time.perf_counter() - start
            tokens += len(choices[0]["text"])  # one character is one token
    writer.close()
    return first, time.perf_counter() - start, tokens


def make_adapter(directory, config, seed, rank=16):
    """A PEFT directory: adapter_config.json, and adapter_model.safetensors written by hand."""
    directory.mkdir(parents=True, exist_ok=True)
    size, heads = config["hidden_size"], config["num_attention_heads"]
    width = {"q_proj": size, "v_proj": size // heads * config.get("num_key_value_heads", heads)}
    (directory / "adapter_config.json").write_text(json.dumps(
        {"peft_type": "LORA", "r": rank, "lora_alpha": rank, "target_modules": sorted(width)}))
    generator, header, parts, end = random.Random(seed), {}, [], 0
    for layer in range(config["num_hidden_layers"]):
        for target, rows in width.items():
            for part, shape in (("lora_A", (rank, size)), ("lora_B", (rows, rank))):
                count = shape[0] * shape[1]
                data = struct.pack(f"<{count}f", *(generator.gauss(0, 0.02) for _ in range(count)))
                name = f"base_model.model.model.layers.{layer}.self_attn.{target}.{part}.weight"
                header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [end, end + len(data)]}
                parts.append(data)
                end += len(data)
    head = json.dumps(header).encode()
    (directory / "adapter_model.safetensors").write_bytes(struct.pack("<Q", len(head)) + head + b"".join(parts))


def make_adapters(options, count):
    directory = options.models / f"adapters-{options.size}-{count}"
    config = json.loads((options.models / f"random-{options.size}" / "config.json").read_text())
    for i in range(count):
        if not (directory / f"a{i:02d}" / "adapter_model.safetensors").exists():
            make_adapter(directory / f"a{i:02d}", config, i)
    return directory


def prompts(kind, count):
    generator = random.Random(7)
    size = SHAPES[kind.split()[0]][0]
    shared = [generator.randrange(94) for _ in range(size * 9 // 10)]
    made = []
    for _ in range(count):
        begin = shared if "shared" in kind else [generator.randrange(94) for _ in shared]
        made.append(begin + [generator.randrange(94) for _ in range(size - len(shared))])
    return made


async def closed(server, kind, clients, requests, models, cached):
    queue = prompts(kind, clients * requests)
    answer = SHAPES[kind.split()[0]][1]

    async def client(i):
        mine = queue[i * requests : (i + 1) * requests]
        return [await one(server, prompt, answer, models[i % len(models)], cached) for prompt in mine]

    start = time.perf_counter()
    parts = await asyncio.gather(*(client(i) for i in range(clients)))
    return [result for part in parts for result in part], time.perf_counter() - start


async def opened(server, kind, rate, count, cached):
    generator = random.Random(3)
    answer = SHAPES[kind.split()[0]][1]
    start, tasks = time.perf_counter(), []
    for prompt in prompts(kind, count):
        tasks.append(asyncio.create_task(one(server, prompt, answer, "m", cached)))
        await asyncio.sleep(generator.expovariate(rate))
    return await asyncio.gather(*tasks), time.perf_counter() - start


def summary(results, seconds, answer):
    firsts = sorted(first for first, _, _ in results)
    if any(tokens != answer for _, _, tokens in results):
        raise SystemExit(f"answers of {sorted({tokens for _, _, tokens in results})} tokens: expected {answer}")
    return {"tokens_per_second": len(results) * answer / seconds, "first_p50": statistics.median(firsts),
            "first_p95": firsts[min(len(firsts) - 1, int(0.95 * len(firsts)))],
            "per_token": statistics.median((end - first) / (answer - 1) for first, end, _ in results)}


def row(name, ours, theirs):
    def cell(key, digits, unit=""):
        if theirs is None:
            return f"{ours[key]:.{digits}f}{unit}"
        return f"{ours[key]:.{digits}f} / {theirs[key]:.{digits}f}{unit} = **{ours[key] / theirs[key]:.2f}×**"

    print(f"| {name} | {cell('tokens_per_second', 0)} | {cell('first_p50', 2, ' s')} | {cell('first_p95', 2, ' s')} | "
          f"{cell('per_token', 3, ' s')} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/bench")
    parser.add_argument("--maru", type=pathlib.Path, default=ROOT / "build/release/src/cli/maru")
    parser.add_argument("--peer-python", default=sys.executable, help="an interpreter that has xllamacpp")
    parser.add_argument("--models", type=pathlib.Path, default=ROOT / "build/bench/models")
    parser.add_argument("--size", default="0.1")
    parser.add_argument("--type", default="q8_0")
    parser.add_argument("--isa", default="avx2")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8, 16, 64])
    parser.add_argument("--requests", type=int, default=2, help="of each client")
    parser.add_argument("--only", nargs="+", default=["short", "long", "shared", "open", "adapters"])
    parser.add_argument("--adapters", type=int, default=32, help="how many, for the load of that name")
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args()
    options.models.mkdir(parents=True, exist_ok=True)
    file = make_file(options, options.size, options.type)
    warm(file)
    kept = []
    print(f"{options.size} B {options.type}, {options.threads} threads, {options.isa}; cells are Maru / llama.cpp\n")
    print("| load | tokens per second | first token, median | first token, 95 % | per token, median |")
    print("|---|---|---|---|---|")

    def measure(name, kind, clients, go, *, cache):
        size, answer = SHAPES[kind.split()[0]]
        figures = []
        for who in ("maru", "llama.cpp"):
            if who == "maru":
                server = maru(options, file, clients, f"prefix_cache={str(cache).lower()}", "draft_tokens=0")
            else:
                server = peer(options, file, clients, size + answer + 16)
            with server:
                cached = None if who == "maru" else cache
                asyncio.run(closed(server, "short", 1, 1, ["m"], cached))  # both are warm then
                figures.append(summary(*asyncio.run(go(server, cached)), answer))
        row(name, *figures)
        kept.append({"load": name, "maru": figures[0], "llama.cpp": figures[1]})

    for kind in ("short", "long"):
        for clients in options.clients if kind in options.only else []:
            measure(f"{kind}, {clients} clients", kind, clients,
                    lambda s, cached, k=kind, n=clients: closed(s, k, n, options.requests, ["m"], cached), cache=False)
    for clients in options.clients if "shared" in options.only else []:
        measure(f"long, 9 of 10 tokens shared, {clients} clients", "long shared", clients,
                lambda s, cached, n=clients: closed(s, "long shared", n, options.requests, ["m"], cached), cache=True)
    if "open" in options.only:
        rate = 0.7 * kept[-1]["llama.cpp"]["tokens_per_second"] / 64 if kept else 1
        measure(f"short, {rate:.2f} requests a second", "short", 16,
                lambda s, cached: opened(s, "short", rate, 48, cached), cache=False)
    if "adapters" in options.only and options.adapters:
        directory = make_adapters(options, options.adapters)
        names = sorted(path.name for path in directory.iterdir())
        for models in (["m"], names):
            more = [f"adapters_dir={directory}", "prefix_cache=false", "draft_tokens=0"]
            with maru(options, file, len(names), *more) as server:
                results = asyncio.run(closed(server, "short", len(names), options.requests, models, None))
            figures = summary(*results, SHAPES["short"][1])
            count = len(models) if models != ["m"] else "no"
            row(f"short, {len(names)} clients, {count} adapters (Maru alone)", figures, None)
            kept.append({"load": f"adapters {len(models)}", "maru": figures})
    if options.json:
        options.json.write_text(json.dumps(kept, indent=1))


if __name__ == "__main__":
    main()
