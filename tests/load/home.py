"""A home with all that the load asks for: small models, adapters, a text encoder, keys; and the servers of it."""
import json
import os
import random
import shutil
import signal
import string
import struct
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CONTEXT = 1024
SMALL = f"""train.model.hidden_size=64 train.model.num_hidden_layers=2 train.model.intermediate_size=128
train.model.num_attention_heads=4 train.model.num_key_value_heads=2 train.model.max_position_embeddings={CONTEXT}
train.sequence_length=128 train.batch_tokens=1024 train.micro_batch_tokens=1024 train.steps=12
tokenizer.trainer.vocab_size=600 data.split.held_out=0.2""".split()
DRAIN_SECONDS = 10
# What the key "limited" may do: measured against what it was given.
REQUESTS_PER_MINUTE, TOKENS_PER_MINUTE, PARALLEL_CHOICES = 60, 4000, 3


class Home:
    """Made in `path` with the program's own verbs. `keys`: of "users", who may do everything, and "limited"."""

    def __init__(self, program, path):
        self.program, self.path = program, path
        self.run("up", *SMALL, "--name", "tiny", "--input", os.path.join(ROOT, "docs"), "--no-serve")
        self.run("quantize", "tiny", "--to", "int8", "--out", "tiny-int8")
        self.adapters = [self.make_adapter(name, seed) for seed, name in enumerate(("haiku", "guest"))]
        self.encoder = self.make_encoder()
        self.keys = {"users": self.make_key("users", "--scope", "*"),
                     "limited": self.make_key("limited", "--requests-per-minute", REQUESTS_PER_MINUTE,
                                              "--tokens-per-minute", TOKENS_PER_MINUTE,
                                              "--parallel-choices", PARALLEL_CHOICES)}

    def run(self, *words, check=True):
        done = subprocess.run([self.program, "--home", self.path, "--quiet", "--json", *map(str, words)],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if check and done.returncode != 0:
            raise SystemExit(f"maru {' '.join(map(str, words))}: {done.returncode} {done.stderr}")
        return done

    def make_key(self, name, *limits):
        return json.loads(self.run("keys", "create", name, *limits).stdout)["key"]

    def make_adapter(self, name, seed):
        """A PEFT adapter of q_proj and v_proj that changes what "tiny" says."""
        path, rng, rank = os.path.join(self.path, "adapters", name), random.Random(seed), 4
        os.makedirs(path)
        with open(os.path.join(path, "adapter_config.json"), "w") as file:
            json.dump({"peft_type": "LORA", "r": rank, "lora_alpha": 8, "base_model_name_or_path": "tiny"}, file)
        tensors = {}
        for layer in range(2):
            for module, rows in (("q_proj", 64), ("v_proj", 32)):
                at = f"base_model.model.model.layers.{layer}.self_attn.{module}"
                tensors[f"{at}.lora_A.weight"] = (rank, 64, 0.3)
                tensors[f"{at}.lora_B.weight"] = (rows, rank, 1.0)
        write_safetensors(os.path.join(path, "adapter_model.safetensors"), tensors, rng)
        return path

    def make_encoder(self):
        """The small sentence encoder of the golden files, with a vocabulary of letters."""
        path = os.path.join(self.path, "encoder")
        shutil.copytree(os.path.join(ROOT, "tests/golden/encoders/bert_mean"), path)
        tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *string.ascii_lowercase,
                  *("##" + letter for letter in string.ascii_lowercase)]
        model = {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                 "max_input_chars_per_word": 100, "vocab": {token: i for i, token in enumerate(tokens)}}
        normalizer = {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True,
                      "strip_accents": None, "lowercase": True}
        with open(os.path.join(path, "tokenizer.json"), "w") as file:
            json.dump({"version": "1.0", "added_tokens": [], "normalizer": normalizer,
                       "pre_tokenizer": {"type": "BertPreTokenizer"}, "model": model}, file)
        return path


def write_safetensors(path, tensors, rng):
    """`tensors`: by name rows, columns and how far from zero the values are spread."""
    header, data = {}, b""
    for name, (rows, columns, spread) in tensors.items():
        values = [spread * rng.uniform(-1, 1) for _ in range(rows * columns)]
        place = [len(data), len(data) + 4 * len(values)]
        header[name] = {"dtype": "F32", "shape": [rows, columns], "data_offsets": place}
        data += struct.pack(f"<{len(values)}f", *values)
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


class Server:
    """`maru serve` with these words, started and ready. Its log lies beside the home."""

    def __init__(self, home, name, *words, environment=None, limits=None):
        self.name, self.log = name, os.path.join(home.path, f"{name}.log")
        with open(self.log, "a") as log:
            self.process = subprocess.Popen(
                [home.program, "--home", home.path, "--json", "serve", *words, "--port", "0",
                 f"drain_seconds={DRAIN_SECONDS}"], stdout=subprocess.PIPE, stderr=log, text=True,
                env={**os.environ, **(environment or {})}, preexec_fn=limits)
        line = self.process.stdout.readline()
        if "url" not in line:  # an error, or nothing
            self.process.wait()
            raise NotStarted(f"exit code {self.process.returncode}: {line} {self.end_of_log()}")
        self.url = json.loads(line)["url"]
        self.port = int(self.url.rsplit(":", 1)[1])

    @property
    def pid(self):
        return self.process.pid

    def end_of_log(self):
        with open(self.log) as file:
            return file.read()[-2000:]

    def stop(self, seconds=DRAIN_SECONDS + 5):
        """SIGTERM, and SIGKILL when that does not help in time; returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            return "killed"

    def kill(self):
        self.process.kill()
        self.process.wait()


class NotStarted(Exception):
    pass
