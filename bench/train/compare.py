"""Training throughput beside PyTorch's, in one run: the same model, batch, optimiser and machine.

    bench/train/compare.py [--build build/bench] [--sizes 10m 30m 100m] [--dtypes bf16 f32] [--threads 2] [--seconds 12]

For every size and dtype, ours and PyTorch (eager and torch.compile, each with the faster attention) take turns; the
best step of each counts, because neighbours on a shared machine only ever slow one down. Prints a Markdown table.
"""
import argparse
import json
import os
import pathlib
import platform
import resource
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
SEQUENCE = 512
SIZES = {  # as in train_step.cc
    "10m": dict(vocab_size=8192, hidden_size=320, intermediate_size=864, num_hidden_layers=6, num_attention_heads=5, tokens=8192),
    "30m": dict(vocab_size=16384, hidden_size=512, intermediate_size=1408, num_hidden_layers=7, num_attention_heads=8, tokens=8192),
    "100m": dict(vocab_size=32000, hidden_size=768, intermediate_size=2048, num_hidden_layers=11, num_attention_heads=12, tokens=4096),
}


def torch_model(size):
    """A Llama decoder with tied embeddings, written for speed: SDPA, fused QKV and gate-up products."""
    import torch
    from torch import nn
    import torch.nn.functional as F

    heads, dim = size["num_attention_heads"], size["hidden_size"]
    head_dim = dim // heads

    def rotate(x, cos, sin):
        a, b = x.chunk(2, dim=-1)
        return torch.cat((a * cos - b * sin, b * cos + a * sin), dim=-1)

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm1, self.norm2 = nn.RMSNorm(dim, eps=1e-5), nn.RMSNorm(dim, eps=1e-5)
            self.qkv = nn.Linear(dim, 3 * dim, bias=False)
            self.o = nn.Linear(dim, dim, bias=False)
            self.gate_up = nn.Linear(dim, 2 * size["intermediate_size"], bias=False)
            self.down = nn.Linear(size["intermediate_size"], dim, bias=False)

        def forward(self, x, cos, sin):
            batch, length, _ = x.shape
            q, k, v = self.qkv(self.norm1(x)).view(batch, length, 3, heads, head_dim).permute(2, 0, 3, 1, 4)
            y = F.scaled_dot_product_attention(rotate(q, cos, sin), rotate(k, cos, sin), v, is_causal=True)
            x = x + self.o(y.transpose(1, 2).reshape(batch, length, dim))
            gate, up = self.gate_up(self.norm2(x)).chunk(2, dim=-1)
            return x + self.down(F.silu(gate) * up)

    class Decoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(size["vocab_size"], dim)
            nn.init.normal_(self.embedding.weight, std=0.02)
            self.blocks = nn.ModuleList(Block() for _ in range(size["num_hidden_layers"]))
            self.norm = nn.RMSNorm(dim, eps=1e-5)
            angle = torch.arange(SEQUENCE)[:, None] * 10000.0 ** (-torch.arange(0, head_dim, 2) / head_dim)[None]
            self.register_buffer("cos", angle.cos())
            self.register_buffer("sin", angle.sin())

        def forward(self, tokens, targets):
            x = self.embedding(tokens)
            cos, sin = self.cos.to(x.dtype), self.sin.to(x.dtype)
            for block in self.blocks:
                x = block(x, cos, sin)
            logits = F.linear(self.norm(x), self.embedding.weight)
            return F.cross_entropy(logits.flatten(0, 1).float(), targets.flatten())

    return Decoder()


def torch_worker(options):
    """Runs in a process of its own: prints one JSON line."""
    import torch

    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    size = SIZES[options.worker]
    model = torch_model(size)
    if options.precision == "bf16":  # weights in bf16, as ours; autocast is the other way PyTorch offers
        model = model.to(torch.bfloat16)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.95), weight_decay=0.1, fused=True)
    run = torch.compile(model) if options.mode == "compile" else model
    tokens = torch.randint(size["vocab_size"], (size["tokens"] // SEQUENCE, SEQUENCE))
    targets = torch.randint(size["vocab_size"], tokens.shape)
    autocast = torch.autocast("cpu", torch.bfloat16, enabled=options.precision == "autocast")

    def step():
        with autocast:
            loss = run(tokens, targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    step()
    best, total, count = 1e30, 0.0, 0
    while total < options.seconds or count < 3:
        start = time.perf_counter()
        step()
        elapsed = time.perf_counter() - start
        best, total, count = min(best, elapsed), total + elapsed, count + 1
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps({"best": size["tokens"] / best, "mean": size["tokens"] * count / total, "peak_rss_mib": peak}))


def run_torch(options, size, precision, mode):
    command = [sys.executable, __file__, "--worker", size, "--precision", precision, "--mode", mode,
               "--threads", str(options.threads), "--seconds", str(options.seconds)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        print(f"PyTorch {precision} {mode} failed: {done.stderr.strip().splitlines()[-1]}", file=sys.stderr)
        return None
    return json.loads(done.stdout.splitlines()[-1])


def run_ours(options, size, dtype):
    tool = pathlib.Path(options.build) / "bench/train_step"
    done = subprocess.run([tool, size, dtype, str(options.threads), str(options.seconds)], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def compare(options, size, dtype):
    ours = run_ours(options, size, dtype)
    precisions = ["f32"] if dtype == "f32" else ["bf16", "autocast"]
    peers = {f"{p} {m}": run_torch(options, size, p, m) for p in precisions for m in ("eager", "compile")}
    again = run_ours(options, size, dtype)
    ours = max(ours, again, key=lambda r: r["best_tokens_per_second"])
    peers = {name: r for name, r in peers.items() if r}
    name, best = max(peers.items(), key=lambda item: item[1]["best"])
    ratio = ours["best_tokens_per_second"] / best["best"]
    listed = ", ".join(f"{n} {r['best']:.0f}" for n, r in peers.items())
    print(f"| {size} | {dtype} | {ours['best_tokens_per_second']:.0f} | {100 * ours['best_mfu']:.0f} % | {listed} | "
          f"**{ratio:.2f}×** ({name}) | {ours['peak_rss_mib']} / {best['peak_rss_mib']} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default=str(ROOT / "build/bench"))
    parser.add_argument("--sizes", nargs="+", default=list(SIZES), choices=list(SIZES))
    parser.add_argument("--dtypes", nargs="+", default=["bf16", "f32"])
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--seconds", type=float, default=12)
    parser.add_argument("--worker")
    parser.add_argument("--precision")
    parser.add_argument("--mode")
    options = parser.parse_args()
    if options.worker:
        return torch_worker(options)
    import torch
    print(f"{platform.processor() or platform.machine()}, {options.threads} threads, PyTorch {torch.__version__}, sequences of {SEQUENCE}\n")
    print("| model | dtype | Maru tok/s | of the ceiling | PyTorch tok/s | ratio to its best | peak MiB, Maru / PyTorch |")
    print("|---|---|---|---|---|---|---|")
    for size in options.sizes:
        for dtype in options.dtypes:
            compare(options, size, dtype)


if __name__ == "__main__":
    main()
