"""Tuning beside TRL and PEFT on PyTorch, in one run: the same model, data, batch, rank and machine.

    bench/train/tune.py [--maru build/release/src/cli/maru] [--sizes 10m 100m] [--steps 20] [--threads 2]
    bench/train/tune.py --parts group_policy --sizes 10m

`answers`: for every size, SFT of all weights, LoRA (rank 16 on all linear layers) and QLoRA (the same beside int4
weights), packed to sequences of 512: `maru train` and a process of TRL's SFTTrainer take turns, TRL in bf16 and in f32;
beside QLoRA stands TRL's LoRA in bf16, both once more with activations computed again in the backward. The rate is
that of the median step behind the first quarter; tokens are those of the documents, padding is none. Prints a Markdown
table with ratios to TRL's best mode, and the share of the machine's arithmetic ceiling, measured at the start of each
run, that Maru's steps reach.

`group_policy`: GRPO of all weights, 8 prompts a step, 8 answers of 64 tokens to each, beside TRL's GRPOTrainer, and
its sampling alone beside `transformers.generate` of the same prompts in one batch. Tokens are those of the answers.
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
PROMPTS, ANSWERS, ANSWER = 8, 8, 64  # of a step of GRPO: prompts, answers to each, tokens of one
SIZES = {
    "10m": dict(hidden_size=320, intermediate_size=864, num_hidden_layers=6, num_attention_heads=5, batch=8),
    "100m": dict(hidden_size=768, intermediate_size=2048, num_hidden_layers=11, num_attention_heads=12, batch=8),
    "0.5b": dict(hidden_size=1280, intermediate_size=4608, num_hidden_layers=20, num_attention_heads=20, batch=2),
}


def shape_of(size):
    return {key: value for key, value in SIZES[size].items() if key != "batch"}


def make_model(size, tokenizer, out):
    """Random weights as transformers writes them, with the tokenizer beside; prints how many they are."""
    import torch
    import transformers

    torch.manual_seed(1)
    config = transformers.LlamaConfig(vocab_size=8192, num_key_value_heads=SIZES[size]["num_attention_heads"],
                                      max_position_embeddings=1024, tie_word_embeddings=True, **shape_of(size))
    transformers.LlamaForCausalLM(config).to(torch.bfloat16).save_pretrained(out)
    for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
        (out / name).write_bytes((tokenizer / name).read_bytes())
    print(sum(p.numel() for p in transformers.LlamaForCausalLM(config).parameters()))


def maru(args, home, *words):
    command = [args.maru, "--home", home, "--threads", str(args.threads), "--quiet", "--json", *map(str, words)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def rate_of(rows):
    """Tokens per second of the median step behind the first quarter; rows of (seconds, tokens)."""
    kept = rows[len(rows) // 4:]
    return statistics.median(tokens / seconds for seconds, tokens in kept)


def run_maru(args, home, size, lora, number, base=None, recompute=False):
    name = f"{base or size}-{'lora' if lora else 'full'}-{number}{'-recomputed' if recompute else ''}"
    batch = SIZES[size]["batch"] * LENGTH
    words = ["train", f"name={name}", f"init_from={base or size}", "tokens=chats/tokens-bench",
             "tokenizer=bench", "dtype=bf16", f"sequence_length={LENGTH}", f"batch_tokens={batch}",
             f"micro_batch_tokens={batch}", f"steps={args.steps}",
             "optimizer.lr=1e-4", "validation.every_steps=1000000", "validation.tokens=1", "checkpoint.every_minutes=0"]
    if lora:
        words += ["lora.rank=16", "lora.alpha=32"]
    if recompute:
        words.append("recompute=true")
    command = [args.maru, "--home", home, "--threads", str(args.threads), "--quiet", *words]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0, words
    rows, before, steps = [], (0, 0), steps_of(home, name)
    for row in steps:
        rows.append((row["seconds"] - before[0], row["tokens"] - before[1]))
        before = row["seconds"], row["tokens"]
    return rate_of(rows), usage.ru_maxrss / 1024, statistics.median(row["mfu"] for row in steps[len(steps) // 4:])


def steps_of(home, name):
    lines = (pathlib.Path(home) / "runs" / name / "metrics.jsonl").read_text().splitlines()
    return [row for row in map(json.loads, lines) if "loss" in row]


def trl_child(model, lora, dtype, batch, steps, threads, recompute):
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
                           save_strategy="no", logging_strategy="no", gradient_checkpointing=recompute,
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


def group_policy_child(model, dtype, steps, threads):
    """One run of TRL's GRPOTrainer, and `generate` alone; prints answer tokens per second of both."""
    import torch
    import transformers
    from datasets import Dataset
    from trl import GRPOConfig, GRPOTrainer

    torch.set_num_threads(threads)
    kind = torch.bfloat16 if dtype == "bf16" else torch.float32
    tokenizer = transformers.AutoTokenizer.from_pretrained(model, padding_side="left")
    times = []

    class Clock(transformers.TrainerCallback):
        def on_step_begin(self, *_, **__):
            times.append(-time.perf_counter())

        def on_step_end(self, *_, **__):
            times[-1] += time.perf_counter()

    def generate():
        loaded = transformers.AutoModelForCausalLM.from_pretrained(model, dtype=kind)
        batch = tokenizer([prompt for prompt in prompts()[:PROMPTS] for _ in range(ANSWERS)], return_tensors="pt",
                          padding=True)
        seconds = []
        for _ in range(3):
            start = time.perf_counter()
            loaded.generate(**batch, do_sample=True, min_new_tokens=ANSWER, max_new_tokens=ANSWER)
            seconds.append(time.perf_counter() - start)
        return PROMPTS * ANSWERS * ANSWER / min(seconds)

    with tempfile.TemporaryDirectory() as out:
        config = GRPOConfig(output_dir=out, per_device_train_batch_size=PROMPTS * ANSWERS, num_generations=ANSWERS,
                            max_completion_length=ANSWER, max_steps=steps, learning_rate=1e-6, bf16=dtype == "bf16",
                            use_cpu=True, report_to="none", save_strategy="no", logging_strategy="no",
                            disable_tqdm=True, gradient_checkpointing=False)
        trainer = GRPOTrainer(transformers.AutoModelForCausalLM.from_pretrained(model, dtype=kind), args=config,
                              reward_funcs=lambda completions, **_: [float(len(text) % 7) for text in completions],
                              train_dataset=Dataset.from_dict({"prompt": prompts()}), processing_class=tokenizer,
                              callbacks=[Clock()])
        trainer.train()
    rate = rate_of([(seconds, PROMPTS * ANSWERS * ANSWER) for seconds in times])
    print(json.dumps({"rate": rate, "memory": generate()}))


def run_maru_group_policy(args, home, size, number):
    """Answer tokens per second of whole steps, and of their sampling."""
    name = f"{size}-policy-{number}"
    maru(args, home, "train", f"name={name}", f"init_from={size}", "tokens=prompts/tokens-bench", "tokenizer=bench",
         "method=grpo", "dtype=bf16", "sequence_length=256", "micro_batch_tokens=8192", f"steps={args.steps}",
         "optimizer.lr=1e-6", "validation.every_steps=1000000", "validation.tokens=1", "checkpoint.every_minutes=0",
         "group_policy.rewards=[{kind: length, target: 24}]", f"group_policy.max_completion_length={ANSWER}",
         f"group_policy.num_generations={ANSWERS}", f"group_policy.prompts_per_step={PROMPTS}")
    steps = steps_of(home, name)
    tokens = [row["completion_length"] * PROMPTS * ANSWERS for row in steps]
    seconds = [row["seconds"] - before for row, before in zip(steps, [0] + [row["seconds"] for row in steps])]
    return (rate_of(list(zip(seconds, tokens))),
            rate_of([(row["seconds_generating"], n) for row, n in zip(steps, tokens)]))


def prompts():
    return [json.loads(line)["messages"][-2]["content"] for line in CHATS.read_text().splitlines()]


def run_trl(args, model, size, lora, dtype, recompute=False):
    what = ("lora" if lora else "all") + (" recomputed" if recompute else "")
    return run_child(args, model, what, dtype, str(SIZES[size]["batch"]))


def run_child(args, model, what, dtype, batch):
    words = [sys.executable, __file__, "--child", model, what, dtype, batch, str(args.steps), str(args.threads)]
    environment = dict(os.environ, OMP_NUM_THREADS=str(args.threads), HF_HUB_OFFLINE="1",
                       TOKENIZERS_PARALLELISM="false")
    done = subprocess.run(words, capture_output=True, text=True, env=environment)
    if done.returncode != 0:
        sys.exit(done.stderr[-3000:])
    answer = json.loads(done.stdout.splitlines()[-1])
    return answer["rate"], answer["memory"]


def in_turns(args, ours, peer):
    """The best of each: ours, and the peer's of every dtype."""
    mine, peers = [], {dtype: [] for dtype in args.dtypes}
    for turn in range(args.turns):
        mine.append(ours(turn))
        for dtype in args.dtypes:
            peers[dtype].append(peer(dtype))
    best = {dtype: max(runs) for dtype, runs in peers.items()}
    return max(mine), best, best[max(best, key=lambda dtype: best[dtype][0])]


def print_row(*cells):
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def row_of(size, parameters, what, ours, best, chosen):
    print_row(f"{size} ({parameters / 1e6:.0f} M)", what, f"{ours[0]:.0f}",
              ", ".join(f"{dtype} {run[0]:.0f}" for dtype, run in best.items()), f"{ours[0] / chosen[0]:.2f}x",
              f"{ours[1]:.0f}", f"{chosen[1]:.0f}", f"{ours[1] / chosen[1]:.2f}x",
              f"{100 * ours[2]:.0f} %")


def measure_answers(args, home, models):
    maru(args, home, "data", "pack", "--chat", CHATS, "--name", "chats", "--tokenizer", "bench")
    print_row("Model", "What is trained", "Maru, tokens/s", "TRL, tokens/s", "Ratio", "Maru, MiB", "TRL, MiB", "Ratio",
              "Maru, of the ceiling")
    print("|---|---|---|---|---|---|---|---|---|", flush=True)
    for size, (model, parameters) in models.items():
        lora = None
        for what in ("all weights", "LoRA"):
            lora = in_turns(args, lambda turn: run_maru(args, home, size, what == "LoRA", turn),
                            lambda dtype: run_trl(args, model, size, what == "LoRA", dtype))
            row_of(size, parameters, what, *lora)
        maru(args, home, "quantize", size, "--to", "int4", "--out", f"{size}-int4")
        _, best, chosen = lora
        row_of(size, parameters, "QLoRA, beside LoRA", run_maru(args, home, size, True, 0, f"{size}-int4"), best,
               best.get("bf16", chosen))
        again = run_trl(args, model, size, True, "bf16", True)
        row_of(size, parameters, "QLoRA, beside LoRA, both recomputing",
               run_maru(args, home, size, True, 0, f"{size}-int4", True), {"bf16": again}, again)


def measure_group_policy(args, home, models):
    file = pathlib.Path(home).parent / "prompts.jsonl"
    file.write_text("".join(json.dumps({"prompt": prompt}, ensure_ascii=False) + "\n" for prompt in prompts()))
    maru(args, home, "data", "pack", "--prompts", file, "--name", "prompts", "--tokenizer", "bench")
    print_row("Model", "", "Maru, tokens/s", "peer, tokens/s", "Ratio")
    print("|---|---|---|---|---|", flush=True)
    for size, (model, parameters) in models.items():
        ours, best, _ = in_turns(args, lambda turn: run_maru_group_policy(args, home, size, turn),
                                 lambda dtype: run_child(args, model, "policy", dtype, "0"))
        for i, what in enumerate(("GRPO, whole steps, beside TRL", "sampling, beside generate")):
            peer = max(run[i] for run in best.values())
            print_row(f"{size} ({parameters / 1e6:.0f} M)", what, f"{ours[i]:.0f}",
                      ", ".join(f"{dtype} {run[i]:.0f}" for dtype, run in best.items()), f"{ours[i] / peer:.2f}x")


PARTS = {"answers": measure_answers, "group_policy": measure_group_policy}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--maru", default=str(ROOT / "build/release/src/cli/maru"))
    parser.add_argument("--sizes", nargs="+", default=["10m", "100m"], choices=sorted(SIZES))
    parser.add_argument("--dtypes", nargs="+", default=["bf16", "f32"], choices=["bf16", "f32"])
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--turns", type=int, default=2, help="runs of each, the best counts")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--parts", nargs="+", default=list(PARTS), choices=list(PARTS))
    parser.add_argument("--child", nargs=6, help=argparse.SUPPRESS)
    parser.add_argument("--make", nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.make:
        size, tokenizer, out = args.make
        return make_model(size, pathlib.Path(tokenizer), pathlib.Path(out))
    if args.child:
        model, what, dtype, batch, steps, threads = args.child
        if what == "policy":
            return group_policy_child(model, dtype, int(steps), int(threads))
        return trl_child(model, what.startswith("lora"), dtype, int(batch), int(steps), int(threads),
                         what.endswith("recomputed"))
    with tempfile.TemporaryDirectory() as scratch:
        home = pathlib.Path(scratch) / "home"
        text = pathlib.Path(scratch) / "text.txt"
        turns = [turn["content"] for line in CHATS.read_text().splitlines() for turn in json.loads(line)["messages"]]
        text.write_text("\n".join(turns))
        maru(args, home, "tokenizer", "train", "--input", text, "--name", "bench", "trainer.vocab_size=8192")
        models = {}
        for size in args.sizes:
            model = pathlib.Path(scratch) / size
            # In a process of its own: one that holds a model hands its peak of memory on to all that it starts.
            command = [sys.executable, __file__, "--make", size, home / "tokenizers/bench", model]
            models[size] = model, int(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
            maru(args, home, "import", model, "--name", size)
        for part in args.parts:
            PARTS[part](args, home, models)


if __name__ == "__main__":
    main()
