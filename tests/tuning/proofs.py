"""Long proofs of tuning, from a small Korean model that is made for them. See tests/run_tuning.

Whole processes, killed by SIGKILL at random moments: what is compared is what lies on the disk in the end.
"""
import argparse
import hashlib
import json
import math
import os
import pathlib
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import curves
import vectors

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHATS = ROOT / "assets/chats_ko.jsonl"
KILLS = 50
SHAPE = ["tokenizer.trainer.vocab_size=2048", "train.model.hidden_size=128", "train.model.intermediate_size=384",
         "train.model.num_hidden_layers=4", "train.model.num_attention_heads=4", "train.model.num_key_value_heads=2"]
CLOCK = ("tokens_per_second", "mfu", "seconds", "seconds_generating", "seconds_judging")


class Home:
    """A home with a base model, and lines to tune it on, in a directory that is removed."""

    def __init__(self, program, root):
        self.program, self.root, self.home = program, pathlib.Path(root), pathlib.Path(root) / "home"
        self.questions = [self.turns(line) for line in CHATS.read_text().splitlines()]
        self.write_lines()
        self.run("up", "--input", self.root / "text.txt", "--name", "base", "--no-serve", "train.steps=150", *SHAPE)

    @staticmethod
    def turns(line):
        messages = json.loads(line)["messages"]
        return messages[-2]["content"], messages[-1]["content"]

    def write_lines(self):
        """Text to go on with, answers, pairs, and questions alone.

        A pair prefers an answer that ends to one that rambles on with another question's. It is not the other answer
        alone: one that is rejected in training may be the right one of a pair that is held out."""
        shuffled = [answer for _, answer in self.questions]
        random.Random(5).shuffle(shuffled)
        text, chats, pairs, prompts = [], [], [], []
        for (question, answer), other in zip(self.questions, shuffled):
            text.append(f"{question}\n{answer}\n")
            chats.append({"prompt": question, "completion": answer})
            prompts.append({"prompt": question})
            if other != answer:
                pairs.append({"prompt": question, "chosen": answer, "rejected": f"{answer} {other}"})
        (self.root / "text.txt").write_text("\n".join(text[: len(text) // 2]))
        seen = len(chats) * 4 // 5  # what is behind it no run learns from
        for name, lines in (("chats", chats[:seen]), ("unseen", chats[seen:]), ("pairs", pairs), ("prompts", prompts)):
            rows = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
            (self.root / f"{name}.jsonl").write_text(rows)

    def command(self, *words, threads=2):
        return [str(self.program), "--home", str(self.home), "--threads", str(threads), "--quiet", "--json",
                *map(str, words)]

    def run(self, *words, threads=2):
        done = subprocess.run(self.command(*words, threads=threads), capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"{' '.join(map(str, words))}: {done.stderr}")
        return json.loads(done.stdout.splitlines()[-1])

    def tune(self, method, name, threads=2, steps=None):
        return self.run(*self.words(method, name, steps), threads=threads)

    def words(self, method, name, steps=None):
        data = {"sft": "chats", "dpo": "pairs", "grpo": "prompts"}[method]
        words = ["tune", f"method={method}", "model=" + ("base" if method == "sft" else "answers"), f"name={name}",
                 f"data={self.root / (data + '.jsonl')}", "held_out=0.2", "checkpoint.every_steps=2",
                 "validation.every_steps=10", "sequence_length=256",
                 f"steps={steps or {'sft': 30, 'dpo': 20, 'grpo': 8}[method]}"]
        if method == "grpo":
            words += ["group_policy.rewards=[{kind: language, weight: 1}, {kind: length, weight: 1, target: 24}]",
                      "group_policy.max_completion_length=32", "group_policy.num_generations=4",
                      "group_policy.prompts_per_step=4"]
        return words

    def result(self, name):
        """What a run leaves: weights and figures, without what a clock says."""
        weights = hashlib.sha256((self.home / "models" / name / "model.safetensors").read_bytes()).hexdigest()
        rows = []
        for line in (self.home / "runs" / name / "metrics.jsonl").read_text().splitlines():
            row = json.loads(line)
            rows.append({key: row[key] for key in row if key.removeprefix("validation_") not in CLOCK})
        return weights, rows

    def rows(self, name, key):
        """(step, figure) of the rows that have it."""
        lines = (self.home / "runs" / name / "metrics.jsonl").read_text().splitlines()
        return [(row["step"], row[key]) for row in map(json.loads, lines) if key in row]


def kill_until_done(home, method, name, seconds):
    """Starts the same command again and again; how often it was killed."""
    chance, kills = random.Random(name), 0
    while True:
        process = subprocess.Popen(home.command(*home.words(method, name)), stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE)
        wait = chance.uniform(0.05, seconds) if kills < KILLS else None
        try:
            process.wait(wait)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            kills += 1
            continue
        if process.returncode != 0:
            sys.exit(f"{name}: {process.stderr.read().decode()}")
        if kills >= KILLS:
            return kills
        # It was done before it had been killed often enough: from the beginning, and sooner.
        for kind in ("models", "runs"):
            home.run("remove", "--yes", f"{kind}/{name}")


def prove_kills(home, report):
    for method in ("sft", "dpo", "grpo"):
        start = time.monotonic()
        home.tune(method, f"{method}-whole")
        whole = time.monotonic() - start
        kills = kill_until_done(home, method, f"{method}-killed", max(0.3, whole / 3))
        same = home.result(f"{method}-whole") == home.result(f"{method}-killed")
        report(f"{method}: killed {kills} times, the same weights and figures", same)


def prove_threads(home, report):
    for method in ("sft", "dpo", "grpo"):
        results = []
        for threads in (1, 3):
            home.tune(method, f"{method}-{threads}", threads=threads)
            results.append(home.result(f"{method}-{threads}"))
        report(f"{method}: 1 and 3 threads, the same weights and figures", results[0] == results[1])


def interval_of_difference(home, before, after):
    """Bits per byte of ten parts of the unseen lines under both; the mean gain and half its 95 % interval."""
    lines = (home.root / "unseen.jsonl").read_text().splitlines(keepends=True)
    gains = []
    for part in range(10):
        file = home.root / f"unseen-{part}.jsonl"
        file.write_text("".join(lines[part::10]))
        home.run("data", "pack", "--chat", file, "--name", f"unseen-{part}", "--tokenizer", "base", "--held-out", 0.9)
        words = f"tokens=unseen-{part}/tokens-base", "baselines=false"
        bits = [home.run("eval", model, *words)["bits_per_byte"]["held_out"] for model in (before, after)]
        gains.append(bits[0]["value"] - bits[1]["value"])
    half = 2.262 * statistics.stdev(gains) / math.sqrt(len(gains))  # Student's t of nine degrees
    return statistics.mean(gains), half


def band(home, name, key):
    """(step, low, value, high) of a held-out measure; of one without an interval all three are the same."""
    value, low, high = (dict(home.rows(name, f"validation_{key}{end}")) for end in ("", "_low", "_high"))
    return [(step, low.get(step, value[step]), value[step], high.get(step, value[step])) for step in sorted(value)]


def wilson(share, count, side):
    """An end of Wilson's 95 % interval of a share."""
    z = 1.96
    half = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return (share + z * z / (2 * count) + side * half) / (1 + z * z / count)


def prove_learns(home, report):
    home.tune("sft", "learnt-sft", steps=200)
    gain, half = interval_of_difference(home, "base", "learnt-sft")
    report(f"sft: bits per byte of unseen answers {-gain:+.3f} +- {half:.3f}", gain > half)
    home.tune("dpo", "learnt-dpo", steps=150)
    pairs = home.run("data", "show", "learnt-dpo/tokens-base", "--count", 0)["held_out"] // 2
    told = [(step, wilson(value, pairs, -1), value, wilson(value, pairs, 1))
            for step, value in home.rows("learnt-dpo", "validation_accuracy") if step > 0]
    report(f"dpo: accuracy on {pairs} unseen pairs {told[-1][2]:.3f}, down to {told[-1][1]:.3f}", told[-1][1] > 0.5)
    home.run(*home.words("grpo", "learnt-grpo", steps=60), "optimizer.lr=3e-4", "group_policy.max_completion_length=64")
    reward = band(home, "learnt-grpo", "reward")
    words = f"grpo: reward on unseen prompts {reward[0][2]:.3f} (up to {reward[0][3]:.3f}) -> {reward[-1][2]:.3f}"
    report(f"{words} (down to {reward[-1][1]:.3f})", reward[-1][1] > reward[0][3])
    (home.root / "curves.svg").write_text(curves.draw([
        ("SFT: bits per byte of unseen answers", band(home, "learnt-sft", "bits_per_byte")),
        ("DPO: unseen pairs told apart", told), ("GRPO: reward on unseen prompts", reward)]))


PARTS = {"kills": prove_kills, "threads": prove_threads, "learns": prove_learns}


def prove_embeds(home, data, encoder, report):
    """A decoder with a mean over its tokens and, if one is given, an encoder learn which texts are close."""
    models = {"base": ["dtype=f32"]}
    if encoder:
        home.run("import", encoder, "--name", "encoder")
        models["encoder"] = ["dtype=f32", "sequence_length=128", "micro_batch_tokens=4096", "batch_tokens=4096"]
    vectors.prove(home, pathlib.Path(data), models, report)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("parts", nargs="*", help=", ".join(PARTS) + ", embeds")
    parser.add_argument("--data", help="of embeds: where klue and parakqc are")
    parser.add_argument("--encoder", help="of embeds: a directory of sentence-transformers', such as MiniLM's")
    parser.add_argument("--curves", type=pathlib.Path, metavar="FILE.svg", help="where those of what is learnt go")
    args = parser.parse_args()
    if "embeds" in args.parts and not args.data:
        sys.exit("embeds: expected --data DIRECTORY, with klue and parakqc in it")
    failures = []

    def report(what, right):
        print(("ok    " if right else "FAIL  ") + what, flush=True)
        if not right:
            failures.append(what)

    with tempfile.TemporaryDirectory(prefix="maru-tuning-") as scratch:
        home = Home(pathlib.Path(args.program).resolve(), scratch)
        parts = args.parts or [*PARTS, *(["embeds"] if args.data else [])]
        if any(part in PARTS for part in parts):
            home.tune("sft", "answers", steps=60)
        for part in parts:
            if part == "embeds":
                prove_embeds(home, args.data, args.encoder, report)
            else:
                PARTS[part](home, report)
        if args.curves and (home.root / "curves.svg").exists():
            args.curves.write_text((home.root / "curves.svg").read_text())
    print(f"{len(failures)} failed")
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
