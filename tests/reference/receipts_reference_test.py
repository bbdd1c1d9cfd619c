"""Receipts and signatures of artefacts against docs/receipts.md: read with PyCA's cryptography, Python's own json and
hashlib, from answers that the official clients and sixteen requests at once got; each is made again by `maru replay`.
"""
import concurrent.futures
import hashlib
import json
import os
import pathlib
import shutil
import stat
import subprocess
import urllib.request

import numpy as np
import pytest
from safetensors.numpy import save_file

crypto = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.ed25519")
serialization = pytest.importorskip("cryptography.hazmat.primitives.serialization")
openai = pytest.importorskip("openai")
anthropic = pytest.importorskip("anthropic")
tokenizers = pytest.importorskip("tokenizers")
InvalidSignature = pytest.importorskip("cryptography.exceptions").InvalidSignature

ROOT = pathlib.Path(__file__).resolve().parents[2]
MARU = pathlib.Path(os.environ.get("MARU_BUILD", ROOT / "build/release")) / "src/cli/maru"
CHATS, COMPLETIONS, MESSAGES = "/v1/chat/completions", "/v1/completions", "/v1/messages"
TEMPLATE = (
    "{% for t in tools or [] %}<tool_call>{{ t | tojson }}{% endfor %}"
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}<|im_start|>assistant\n"
)
SCHEMA = {
    "type": "object",
    "properties": {"city": {"enum": ["서울", "부산"]}, "days": {"type": "integer", "minimum": 1, "maximum": 99}},
    "required": ["city", "days"],
    "additionalProperties": False,
}
TOOLS = [{"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}]


# -- the format, as docs/receipts.md says it


def short(x):
    if isinstance(x, dict):
        return {k: short(v) for k, v in x.items()}
    if isinstance(x, list):
        return [short(v) for v in x]
    return int(x) if isinstance(x, float) and x.is_integer() else x


def verify(signed):
    """Raises unless the signature fits."""
    rest = {k: v for k, v in signed.items() if k != "signature"}
    text = json.dumps(short(rest), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    key = bytes.fromhex(signed["public_key"])
    crypto.Ed25519PublicKey.from_public_bytes(key).verify(bytes.fromhex(signed["signature"]), text)
    assert signed["key_id"] == hashlib.sha256(key).hexdigest()[:32]


def sha256(data):
    return hashlib.sha256(data.encode() if isinstance(data, str) else data).hexdigest()


def tokens_sha256(ids):
    return sha256(np.array(ids, "<u4").tobytes())


def marks(ids):
    found, before = [], b""
    for begin in range(0, len(ids) // 64 * 64, 64):
        before = hashlib.sha256(before + np.array(ids[begin : begin + 64], "<u4").tobytes()).digest()
        found.append(before.hex()[:16])
    return found


def leaves(x, path=()):
    if isinstance(x, (dict, list)):
        for k, v in x.items() if isinstance(x, dict) else enumerate(x):
            yield from leaves(v, path + (k,))
    else:
        yield path, x


# -- a home with a model and an adapter, and its server


def run(home, *arguments, code=0, env=None):
    done = subprocess.run(
        [MARU, "--home", home, "--quiet", "--json", *map(str, arguments)],
        capture_output=True, text=True, env={**os.environ, **(env or {})},
    )  # fmt: skip
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    return [json.loads(line) for line in done.stdout.splitlines()]


def make_tokenizer():
    letters = sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet())
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE({letter: i for i, letter in enumerate(letters)}, []))
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = tokenizers.decoders.ByteLevel()
    tokenizer.add_special_tokens(["<|im_start|>", "<|im_end|>"])
    return tokenizer


def make_model(directory, seed):
    directory.mkdir(parents=True)
    random = np.random.default_rng(seed)
    wide, deep, heads, vocabulary = 64, 96, 4, 258
    config = dict(
        architectures=["LlamaForCausalLM"], model_type="llama", vocab_size=vocabulary, hidden_size=wide,
        intermediate_size=deep, num_hidden_layers=2, num_attention_heads=heads, num_key_value_heads=2,
        max_position_embeddings=2048, rms_norm_eps=1e-6, rope_theta=10000.0, tie_word_embeddings=False,
        torch_dtype="float32", hidden_act="silu", bos_token_id=None, eos_token_id=257,
    )  # fmt: skip

    def matrix(rows, columns):
        return (random.standard_normal((rows, columns)) * 0.25).astype(np.float32)

    tensors = {"model.embed_tokens.weight": matrix(vocabulary, wide), "lm_head.weight": matrix(vocabulary, wide)}
    tensors["model.norm.weight"] = np.ones(wide, np.float32)
    for layer in range(2):
        at = f"model.layers.{layer}."
        for name in ("input_layernorm", "post_attention_layernorm"):
            tensors[f"{at}{name}.weight"] = np.ones(wide, np.float32)
        for name, rows in (("q_proj", wide), ("k_proj", wide // 2), ("v_proj", wide // 2), ("o_proj", wide)):
            tensors[f"{at}self_attn.{name}.weight"] = matrix(rows, wide)
        tensors[f"{at}mlp.gate_proj.weight"] = matrix(deep, wide)
        tensors[f"{at}mlp.up_proj.weight"] = matrix(deep, wide)
        tensors[f"{at}mlp.down_proj.weight"] = matrix(wide, deep)
    save_file(tensors, directory / "model.safetensors")
    (directory / "config.json").write_text(json.dumps(config))
    make_tokenizer().save(str(directory / "tokenizer.json"))
    (directory / "tokenizer_config.json").write_text(json.dumps({"chat_template": TEMPLATE, "eos_token": "<|im_end|>"}))


def make_adapter(directory):
    directory.mkdir(parents=True)
    random = np.random.default_rng(5)
    config = dict(peft_type="LORA", r=4, lora_alpha=16, target_modules=["q_proj", "v_proj"], bias="none",
                  task_type="CAUSAL_LM", base_model_name_or_path="tiny")  # fmt: skip
    tensors = {}
    for layer in range(2):
        for name, rows in (("q_proj", 64), ("v_proj", 32)):
            at = f"base_model.model.model.layers.{layer}.self_attn.{name}.lora_"
            tensors[at + "A.weight"] = random.standard_normal((4, 64)).astype(np.float32)
            tensors[at + "B.weight"] = (random.standard_normal((rows, 4)) * 0.2).astype(np.float32)
    save_file(tensors, directory / "adapter_model.safetensors")
    (directory / "adapter_config.json").write_text(json.dumps(config))


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    root = tmp_path_factory.mktemp("receipts")
    make_model(root / "outside/tiny", 3)
    make_adapter(root / "outside/lora")
    run(root / "home", "import", root / "outside/tiny", "--name", "tiny", "--copy")
    run(root / "home", "import", root / "outside/lora", "--name", "lora", "--copy")
    return root / "home"


class Served:
    def __init__(self, home, *arguments):
        command = [MARU, "--home", home, "--quiet", "--json", "serve", "tiny", "--port", "0", *arguments]
        self.process = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, text=True)
        ready = json.loads(self.process.stdout.readline())
        self.url, self.model = ready["url"], ready["model"]

    def post(self, route, body):
        """The whole answer; of a stream the last event that is JSON with a receipt."""
        request = urllib.request.Request(
            self.url + route, json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=300) as response:
            text = response.read().decode()
        if not body.get("stream"):
            return json.loads(text)
        events = [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: {")]
        found = [event for event in events if "receipt" in event]
        assert len(found) == 1 and (found[0] is events[-1] or route == MESSAGES)
        return found[0]

    def stop(self):
        self.process.terminate()
        assert self.process.wait(60) == 0


def chat(model, **more):
    messages = [{"role": "user", "content": "서울의 날씨는 어때요?"}]
    return {"model": model, "messages": messages, "max_tokens": 60, "receipt": True, **more}


def bodies(model):
    streamed = {"stream": True, "stream_options": {"include_usage": True}}
    form = {"type": "json_schema", "json_schema": {"name": "a", "schema": SCHEMA}}
    long = [{"role": "user", "content": "가나다라" * 60}]
    return [
        (CHATS, chat(model, temperature=0)),
        (CHATS, chat(model, seed=7, n=2, temperature=0.7)),
        (CHATS, chat(model, seed=-7, top_p=0.9, top_k=50, min_p=0.01)),
        (CHATS, chat(model, stream=True)),
        (CHATS, chat(model, n=3, **streamed)),
        (CHATS, chat(model, response_format=form, max_tokens=300)),
        (CHATS, chat(model, response_format=form, stream=True, max_tokens=300)),
        (CHATS, chat(model, tools=TOOLS, tool_choice="required", max_tokens=300)),
        (CHATS, chat(model, tools=TOOLS, stream=True)),
        (CHATS, chat(model, presence_penalty=1.5, frequency_penalty=0.25, repetition_penalty=1.25)),
        (CHATS, chat(model, logit_bias={"70": 5, "71": -3.5}, stop=["q", "가"], ignore_eos=True)),
        (CHATS, chat(model, messages=long, max_tokens=400, ignore_eos=True)),
        (COMPLETIONS, {"model": model, "prompt": ["하나", "둘"], "n": 2, "max_tokens": 40, "receipt": True}),
        (COMPLETIONS, {"model": model, "prompt": [5, 6, 7], "max_tokens": 200, "logprobs": 0, "receipt": True}),
        (MESSAGES, chat(model)),
        (MESSAGES, chat(model, stream=True, temperature=0.5)),
    ]


@pytest.fixture(scope="module", params=["plain", "adapter", "int8"])
def answers(request, home):
    """Sixteen at once."""
    more = {"plain": [], "adapter": ["--adapter", "lora"], "int8": ["kv_cache_dtype=int8", "dtype=bf16"]}
    served = Served(home, *more[request.param], "receipts=asked", "max_running=8")
    asked = bodies("lora" if request.param == "adapter" else served.model)  # an adapter is a name beside its model
    assert len(asked) == 16
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        got = list(pool.map(lambda one: served.post(*one), asked))
    served.stop()
    return request.param, [(route, body, answer) for (route, body), answer in zip(asked, got)]


def test_python_finds_the_signature_right(answers, home):
    key_files = list((home / "signing/public").glob("*.pem"))
    key = serialization.load_pem_public_key(key_files[0].read_bytes()).public_bytes_raw()
    assert len(key_files) == 1 and stat.S_IMODE((home / "signing/key.pem").stat().st_mode) == 0o600
    for route, body, answer in answers[1]:
        receipt = answer["receipt"]
        verify(receipt)
        assert receipt["public_key"] == key.hex() and key_files[0].stem == receipt["key_id"]
        assert receipt["route"] == route and receipt["model"]["name"] == body["model"]
        assert len(receipt["choices"]) == body.get("n", 1) * len(receipt["prompts"])


def test_hashes_are_of_what_they_say(answers, home):
    kind, all_answers = answers
    manifest = sha256((home / "models/tiny/manifest.json").read_bytes())
    adapter = sha256((home / "adapters/lora/manifest.json").read_bytes())
    tokenizer = make_tokenizer()
    for route, body, answer in all_answers:
        receipt = answer["receipt"]
        assert receipt["model"]["weights"] == {"sha256": manifest, "of": "manifest"}
        assert ("adapter" in receipt["model"]) == (kind == "adapter")
        if kind == "adapter":
            assert receipt["model"]["adapter"] == {"sha256": adapter, "of": "manifest"}
        assert receipt["engine"]["kv_cache_dtype"] == ("int8" if kind == "int8" else "f32")
        assert receipt["engine"]["dtype"] == ("bf16" if kind == "int8" else "f32")
        if route == COMPLETIONS:
            prompts = [body["prompt"]] if isinstance(body["prompt"][0], int) else body["prompt"]
            ids = [p if isinstance(p, list) else tokenizer.encode(p).ids for p in prompts]
            assert [p["sha256"] for p in receipt["prompts"]] == [tokens_sha256(i) for i in ids]
        if "seed" in body:
            assert receipt["prompts"][0]["seed"] == str(body["seed"] % 2**64)
        assert ("constraint_sha256" in receipt) == ("response_format" in body or "tool_choice" in body)
        assert ("tools_sha256" in receipt) == ("tools" in body)
        if not body.get("stream"):
            texts = (
                ["".join(b["text"] for b in answer["content"] if b["type"] == "text")]
                if route == MESSAGES
                else [(c.get("message") or {}).get("content") or c.get("text") or "" for c in answer["choices"]]
            )
            assert [c["text_sha256"] for c in receipt["choices"]] == [sha256(t) for t in texts]


def test_token_hashes_are_of_the_tokens(answers):
    """The ids by way of log-probabilities: a token is a byte here, or one of the two special ones."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]  # bytes that stand for themselves in GPT-2's table
    others = [byte for byte in range(256) if byte not in plain]
    letters = {byte: chr(byte) for byte in plain} | {byte: chr(256 + i) for i, byte in enumerate(others)}
    tokenizer = make_tokenizer()
    ids_of = {bytes([byte]): tokenizer.token_to_id(letter) for byte, letter in letters.items()}
    ids_of |= {b"<|im_start|>": 256, b"<|im_end|>": 257}
    (answer,) = [a for _, body, a in answers[1] if "logprobs" in body]
    ids = []
    for token in answer["choices"][0]["logprobs"]["tokens"]:
        raw = bytes(int(x, 16) for x in token[8:].split("\\x")) if token.startswith("bytes:") else token.encode()
        ids.append(ids_of[raw])
    choice = answer["receipt"]["choices"][0]
    ids += [257] * (choice["finish_reason"] == "stop")  # it has no text and no log-probability
    assert len(ids) == choice["num_tokens"]
    assert choice["tokens_sha256"] == tokens_sha256(ids) and choice.get("marks", []) == marks(ids)


def test_each_is_made_again_alone(answers, home, tmp_path):
    for i, (route, body, answer) in enumerate(answers[1]):
        (tmp_path / "answer.json").write_text(json.dumps(answer))
        (tmp_path / "request.json").write_text(json.dumps(body))
        run(home, "verify", tmp_path / "answer.json")
        (said,) = run(home, "replay", tmp_path / "answer.json", "--request", tmp_path / "request.json")
        assert said["ok"] and said["replayed"] and said["differences"] == []
        assert said["tokens"] == sum(c["num_tokens"] for c in answer["receipt"]["choices"])


def test_every_field_changed_by_one_character_is_found(answers, home, tmp_path):
    receipt = answers[1][1][2]["receipt"]
    found = list(leaves(receipt))
    assert len(found) >= 35
    for path, value in found:
        changed = json.loads(json.dumps(receipt))
        at = changed
        for step in path[:-1]:
            at = at[step]
        if isinstance(value, str):
            at[path[-1]] = value[:-1] + ("0" if value[-1] != "0" else "1")
        else:
            at[path[-1]] = (not value) if isinstance(value, bool) else value + 1
        with pytest.raises((InvalidSignature, ValueError, AssertionError)):
            verify(changed)
        if path[-1] in ("signature", "seed", "temperature", "tokens_sha256", "ignore_eos", "kind", "public_key"):
            (tmp_path / "changed.json").write_text(json.dumps(changed))
            run(home, "verify", tmp_path / "changed.json", code=2 if path == ("kind",) else 8)


def test_a_text_that_was_changed_is_found(answers, home, tmp_path):
    answer = json.loads(json.dumps(answers[1][0][2]))
    answer["choices"][0]["message"]["content"] += "."
    (tmp_path / "answer.json").write_text(json.dumps(answer))
    (*_, error) = run(home, "verify", tmp_path / "answer.json", code=8)
    assert "the text of choice 0 is not the receipt's" in error["error"]["message"]


def test_replay_says_what_differs(answers, home, tmp_path):
    kind, all_answers = answers
    if kind != "plain":
        pytest.skip("said once")
    route, body, answer = all_answers[11]
    (tmp_path / "answer.json").write_text(json.dumps(answer))
    (tmp_path / "request.json").write_text(json.dumps(body))
    asked = ["replay", tmp_path / "answer.json", "--request", tmp_path / "request.json"]

    def differences(*more):
        said = run(home, *asked, *more, code=8)
        return {d["where"] for d in said[0]["differences"]} if "differences" in said[0] else said[0]["error"]["message"]

    other = tmp_path / "other"
    make_model(other, 4)
    told = differences("--model", other)
    assert {"model.weights.sha256", "choices[0].tokens_sha256", "choices[0], tokens 0 to 63"} <= told
    assert any(where.startswith("choices[0], token ") for where in told)
    isa = next(other for other in ("scalar", "avx2") if other != answer["receipt"]["engine"]["isa"])
    assert "engine.isa" in differences("--isa", isa)
    (tmp_path / "request.json").write_text(json.dumps({**body, "messages": [{"role": "user", "content": "다른 말"}]}))
    assert "prompt 0 of the request" in differences()

    copy = tmp_path / "home"
    shutil.copytree(home, copy)
    weights = copy / "models/tiny/model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-3] ^= 1
    weights.write_bytes(data)
    (error,) = run(copy, *asked, code=8)
    assert "models/tiny/model.safetensors: SHA-256 is " in error["error"]["message"]
    (error,) = run(copy, *asked[:2], code=8)
    assert "models/tiny/model.safetensors: SHA-256 is " in error["error"]["message"]


def test_without_the_request_it_says_what_it_cannot_check(answers, home, tmp_path):
    (tmp_path / "answer.json").write_text(json.dumps(answers[1][0][2]))
    (said,) = run(home, "replay", tmp_path / "answer.json")
    assert said["ok"] and not said["replayed"] and said["tokens"] == 0


def test_official_clients_get_receipts(home):
    served = Served(home, "receipts=always")
    try:
        client = openai.OpenAI(base_url=served.url + "/v1", api_key="none", max_retries=0, timeout=60)
        hello = [{"role": "user", "content": "안녕"}]
        answer = client.chat.completions.create(model=served.model, messages=hello, max_tokens=9)
        verify(answer.model_dump()["receipt"])
        *_, last = client.chat.completions.create(model=served.model, messages=hello, max_tokens=9, stream=True)
        verify(last.model_dump()["receipt"])
        assert last.choices[0].finish_reason
        other = anthropic.Anthropic(base_url=served.url, api_key="none", max_retries=0, timeout=60)
        verify(other.messages.create(model=served.model, messages=hello, max_tokens=9).model_dump()["receipt"])
    finally:
        served.stop()


def test_manifests_are_signed_and_keys_change(home, tmp_path):
    copy = tmp_path / "home"
    shutil.copytree(home, copy)
    shutil.rmtree(copy / "signing", ignore_errors=True)
    (said,) = run(copy, "verify", "tiny")
    assert said["signature"]["state"] == "unsigned"
    run(copy, "verify", "tiny", "--signed", code=3)
    assert not (copy / "signing").exists()
    (made,) = run(copy, "sign", "tiny")
    signature = json.loads((copy / "models/tiny/manifest.sig").read_text())
    verify(signature)
    assert signature["manifest_sha256"] == sha256((copy / "models/tiny/manifest.json").read_bytes())
    (said,) = run(copy, "verify", "tiny", "--signed")
    assert said["signature"]["state"] == "trusted" and said["signature"]["key_id"] == made["key_id"]

    (turned,) = run(copy, "sign", "rotate")
    assert turned["key_id"] != made["key_id"]
    run(copy, "verify", "tiny", "--signed")
    (shown,) = run(copy, "sign", "key")
    assert shown["signs"]["key_id"] == turned["key_id"] and len(shown["trusted"]) == 2

    old = copy / f"signing/public/{made['key_id']}.pem"
    old.rename(tmp_path / "old.pem")
    (said, _) = run(copy, "verify", "tiny", "--signed", code=3)
    assert said["signature"]["state"] == "unknown_key"
    run(copy, "verify", "tiny", "--signed", "--key", tmp_path / "old.pem")
    run(copy, "sign", "trust", tmp_path / "old.pem")
    run(copy, "verify", "tiny", "--signed")

    (copy / "models/tiny/manifest.sig").write_text(json.dumps({**signature, "time": "2020-01-01T00:00:00+00:00"}))
    (said, error) = run(copy, "verify", "tiny", code=8)
    assert said["signature"]["state"] == "broken" and "broken" in error["error"]["message"]
    run(copy, "remove", "models/tiny", "--yes")
    assert not (copy / "models/tiny").exists()


def test_openssl_reads_the_keys_and_makes_one(home, tmp_path):
    if shutil.which("openssl") is None:
        pytest.skip("no openssl here")
    copy = tmp_path / "home"
    shutil.copytree(home, copy)
    shutil.rmtree(copy / "signing", ignore_errors=True)
    (copy / "signing").mkdir()
    key, public = copy / "signing/key.pem", tmp_path / "public.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", key], check=True)
    key.chmod(0o644)
    (error,) = run(copy, "sign", "tiny", code=2)
    assert "chmod 600" in error["error"]["message"]
    key.chmod(0o400)
    subprocess.run(["openssl", "pkey", "-in", key, "-pubout", "-out", public], check=True)
    run(copy, "sign", "trust", public)
    run(copy, "sign", "tiny")
    run(copy, "verify", "tiny", "--signed")


def test_secrets_stay_secret(home, tmp_path):
    copy = tmp_path / "home"
    shutil.copytree(home, copy)
    shutil.rmtree(copy / "signing", ignore_errors=True)
    said = json.dumps([run(copy, "sign", "key"), run(copy, "sign", "tiny"), run(copy, "sign", "rotate")])
    private = serialization.load_pem_private_key((copy / "signing/key.pem").read_bytes(), None)
    assert "PRIVATE" not in said and private.private_bytes_raw().hex() not in said
