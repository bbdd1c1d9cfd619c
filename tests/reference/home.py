"""A home with a tokenizer and a tiny model of its own, and what `maru` says when it is asked to do something there."""
import json
import os
import pathlib
import subprocess

from texts import ROOT, SMALL

MARU = pathlib.Path(os.environ.get("MARU_BUILD", ROOT / "build/release")) / "src/cli/maru"
SHAPE = ["model.hidden_size=64", "model.intermediate_size=128", "model.num_hidden_layers=2",
         "model.num_attention_heads=4", "model.num_key_value_heads=2", "model.max_position_embeddings=128"]


class Home:
    def __init__(self, root):
        self.root = root
        files = [word for language in ("en", "ko", "de") for word in ("--input", SMALL / f"{language}.txt")]
        self.run("tokenizer", "train", *files, "--name", "t", "trainer.vocab_size=600")
        self.run("data", "build", "--name", "d", *files, "quality.min_characters=10", "split.held_out=0.4")
        self.run("data", "pack", "d", "--tokenizer", "t")
        self.run("train", "name=base", "tokens=d/tokens-t", "tokenizer=t", "steps=3", "sequence_length=64",
                 "batch_tokens=256", "micro_batch_tokens=256", *SHAPE)

    def command(self, *words):
        return list(map(str, [MARU, "--home", self.root / "home", "--quiet", "--json", *words]))

    def run(self, *words):
        done = subprocess.run(self.command(*words), capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    def write_lines(self, name, rows):
        file = self.root / name
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return file
