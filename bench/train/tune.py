"""Tuning beside TRL and PEFT on PyTorch, in one run: the same model, data, batch, rank and machine.

    bench/train/tune.py [--maru build/release/src/cli/maru] [--sizes 10m 100m] [--steps 20] [--threads 2]

For every size, SFT of all weights and LoRA (rank 16 on all linear layers), packed to sequences of 512: `maru train` and
a process of TRL's SFTTrainer take turns, TRL in bf16 and in f32. The rate is that of the median step behind the first
quarter; tokens are those of the documents, padding is none. Prints a Markdown table with ratios to TRL's best mode.
"""
import argparse
import json
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHATS = ROOT / "assets/chats_ko.jsonl"
LENGTH = 512
SIZES = {
    "10m": dict(hidden_size=320, intermediate_size=864, num_hidden_layers=6, num_attention_heads=5, batch=8),
    "100m": dict(hidden_size=768, intermediate_size=2048, num_hidden_layers=11, num_attention_heads=12, batch=8),
    "0.5b": dict(hidden_size=1280, intermediate_size=4608, num_hidden_layers=20, num_attention_heads=20, batch=2),
}


def shape_of(size):
    return {key: value for key, value in SIZES[size].items() if key != "batch"}


def make_model(size, tokenizer, out):
    """Random weights as transformers writes them, with the tokenizer beside."""
    import torch
    import transformers

    torch.manual_seed(1)
    config = transformers.LlamaConfig(vocab_size=8192, num_key_value_heads=SIZES[size]["num_attention_heads"],
                                      max_position_embeddings=1024, tie_word_embeddings=True, **shape_of(size))
    transformers.LlamaForCausalLM(config).to(torch.bfloat16).save_pretrained(out)
    for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
        (out / name).write_bytes((tokenizer / name).read_bytes())
    return sum(p.numel() for p in transformers.LlamaForCausalLM(config).parameters())


def maru(args, home, *words):
    command = [args.maru, "--home", home, "--threads", str(args.threads), "--quiet", "--json", *map(str, words)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def rate_of(rows):
    """Tokens per second of the median step behind the first quarter; rows of (seconds, tokens)."""
    kept = rows[len(rows) // 4:]
    return statistics.median(tokens / seconds for seconds, tokens in kept)


def run_maru(args, home, size, lora, number):
    name = f"{size}-{'lora' if lora else 'full'}-{number}"
    batch = SIZES[size]["batch"] * LENGTH
    words = ["train", f"name={name}", f"init_from={size}", "tokens=chats/tokens-bench", "tokenizer=bench", "dtype=bf16",
             f"sequence_length={LENGTH}", f"batch_tokens={batch}", f"micro_batch_tokens={batch}", f"steps={args.steps}",
             "optimizer.lr=1e-4", "validation.every_steps=1000000", "validation.tokens=1", "checkpoint.every_minutes=0"]
    if lora:
        words += ["lora.rank=16", "lora.alpha=32"]
    command = [args.maru, "--home", home, "--threads", str(args.threads), "--quiet", *words]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0, words
    rows, before = [], (0, 0)
    for line in (pathlib.Path(home) / "runs" / name / "metrics.jsonl").read_text().splitlines():
        row = json.loads(line)
        if "loss" in row:
            rows.append((row["seconds"] - before[0], row["tokens"] - before[1]))
            before = row["seconds"], row["tokens"]
    return rate_of(rows), usage.ru_maxrss / 1024


def trl_child(model, lora, dtype, batch, steps, threads):
    """One run of TRL; prints its rate and its peak memory."""
    import torch
    import transformers
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    torch.set_num_threads(threads)
    lines = [json.loads(line)["messages"] for line in CHATS.read_text().splitlines()]
    pairs = [(turns[-2]["content"], turns[-1]["content"]) for turns in lines]
    data = Dataset.from_dict({"prompt": [a for a, _ in pairs], "completion": [b for _, b in pairs]})
    times = []

    class Clock(transformers.TrainerCallback):
        def on_step_end(self, *_, **__):
            times.append(time.perf_counter())

        def on_train_begin(self, *_, **__):
            times.append(time.perf_counter())

    peft_config = None
    if lora:
        from peft import LoraConfig
        peft_config = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    with tempfile.TemporaryDirectory() as out:
        config = SFTConfig(output_dir=out, max_length=LENGTH, packing=True, per_device_train_batch_size=batch,
                           max_steps=steps, learning_rate=1e-4, bf16=dtype == "bf16", use_cpu=True, report_to="none",
                           save_strategy="no", logging_strategy="no", gradient_checkpointing=False,
                           disable_tqdm=True, dataloader_drop_last=True)
        loaded = transformers.AutoModelForCausalLM.from_pretrained(
            model, dtype=torch.bfloat16 if dtype == "bf16" else torch.float32)
        trainer = SFTTrainer(loaded, args=config, train_dataset=data, peft_config=peft_config,
                             processing_class=transformers.AutoTokenizer.from_pretrained(model),
                             callbacks=[Clock()])
        filled = statistics.mean(len(row) for row in trainer.train_dataset["input_ids"])
        trainer.train()
    rows = [(b - a, batch * filled) for a, b in zip(times, times[1:])]
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"rate": rate_of(rows), "memory": memory}))


def run_trl(args, model, size, lora, dtype):
    words = [sys.executable, __file__, "--child", model, str(int(lora)), dtype, str(SIZES[size]["batch"]),
             str(args.steps), str(args.threads)]
    environment = dict(os.environ, OMP_NUM_THREADS=str(args.threads), HF_HUB_OFFLINE="1",
                       TOKENIZERS_PARALLELISM="false")
    done = subprocess.run(words, capture_output=True, text=True, env=environment)
    if done.returncode != 0:
        sys.exit(done.stderr[-3000:])
    answer = json.loads(done.stdout.splitlines()[-1])
    return answer["rate"], answer["memory"]


def measure(args, home, model, size, lora, parameters):
    ours, peers = [], {"bf16": [], "f32": []}
    for turn in range(args.turns):
        ours.append(run_maru(args, home, size, lora, turn))
        for dtype in args.dtypes:
            peers[dtype].append(run_trl(args, model, size, lora, dtype))
    rate, memory = max(ours)
    best = {dtype: max(runs) for dtype, runs in peers.items() if runs}
    mode = max(best, key=lambda dtype: best[dtype][0])
    cells = [f"{size} ({parameters / 1e6:.0f} M)", "LoRA" if lora else "all weights", f"{rate:.0f}",
             ", ".join(f"{dtype} {run[0]:.0f}" for dtype, run in best.items()), f"{rate / best[mode][0]:.2f}x",
             f"{memory:.0f}", f"{best[mode][1]:.0f}"]
    print("| " + " | ".join(cells) + " |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--maru", default=str(ROOT / "build/release/src/cli/maru"))
    parser.add_argument("--sizes", nargs="+", default=["10m", "100m"], choices=sorted(SIZES))
    parser.add_argument("--dtypes", nargs="+", default=["bf16", "f32"], choices=["bf16", "f32"])
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--turns", type=int, default=2, help="runs of each, the best counts")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--child", nargs=6, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        model, lora, dtype, batch, steps, threads = args.child
        return trl_child(model, lora == "1", dtype, int(batch), int(steps), int(threads))
    with tempfile.TemporaryDirectory() as scratch:
        home = pathlib.Path(scratch) / "home"
        text = pathlib.Path(scratch) / "text.txt"
        turns = [turn["content"] for line in CHATS.read_text().splitlines() for turn in json.loads(line)["messages"]]
        text.write_text("\n".join(turns))
        maru(args, home, "tokenizer", "train", "--input", text, "--name", "bench", "trainer.vocab_size=8192")
        maru(args, home, "data", "pack", "--chat", CHATS, "--name", "chats", "--tokenizer", "bench")
        print("| Model | What is trained | Maru, tokens/s | TRL, tokens/s | Ratio | Maru, MiB | TRL, MiB |")
        print("|---|---|---|---|---|---|---|", flush=True)
        for size in args.sizes:
            model = pathlib.Path(scratch) / size
            parameters = make_model(size, home / "tokenizers/bench", model)
            maru(args, home, "import", model, "--name", size)
            for lora in (False, True):
                measure(args, home, model, size, lora, parameters)


if __name__ == "__main__":
    main()
