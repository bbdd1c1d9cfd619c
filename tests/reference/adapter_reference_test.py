"""Adapters beside the weights against peft itself: logits and greedy tokens of tiny random models, every kind of adapter.

Also: base weights of 8 and 4 bits against peft on the same weights dequantized, and the regular expressions of
alpha_pattern against Python's re.
"""
import os
import pathlib
import re
import subprocess

import numpy as np
import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
peft = pytest.importorskip("peft")
torch.set_num_threads(1)

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOL = pathlib.Path(os.environ.get("MARU_BUILD", ROOT / "build/release")) / "tests/reference/adapter_tool"
PROMPT = [1, 5, 88, 9, 4, 40, 3, 7, 7, 2, 61, 30]
SIZES = dict(vocab_size=96, hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4,
             num_key_value_heads=2, max_position_embeddings=128, tie_word_embeddings=False, bos_token_id=None,
             eos_token_id=None, pad_token_id=None)
BASES = {
    "llama": lambda: transformers.LlamaConfig(**SIZES),
    "llama_bias": lambda: transformers.LlamaConfig(**SIZES, attention_bias=True, mlp_bias=True),
    "qwen2": lambda: transformers.Qwen2Config(**SIZES),
    "qwen2_tied": lambda: transformers.Qwen2Config(**{**SIZES, "tie_word_embeddings": True}),
    "gemma2_tied": lambda: transformers.Gemma2Config(**{**SIZES, "tie_word_embeddings": True}, head_dim=16,
                                                     query_pre_attn_scalar=16),
    "phi3": lambda: transformers.Phi3Config(**SIZES),
    "gpt_neox": lambda: transformers.GPTNeoXConfig(
        **{k: v for k, v in SIZES.items() if k != "num_key_value_heads"}, rotary_pct=0.5),
    "gpt2": lambda: transformers.GPT2Config(vocab_size=96, n_embd=64, n_layer=2, n_head=4, n_positions=128,
                                            bos_token_id=None, eos_token_id=None),
}
ATTENTION = ["q_proj", "k_proj", "v_proj", "o_proj"]
LINEAR = ATTENTION + ["gate_proj", "up_proj", "down_proj"]
CASES = [
    ("llama", dict(target_modules=LINEAR)),
    ("llama", dict(target_modules="all-linear", use_rslora=True)),
    ("llama", dict(target_modules=LINEAR, use_dora=True)),
    ("llama_bias", dict(target_modules=LINEAR, use_dora=True)),
    ("llama_bias", dict(target_modules=ATTENTION, bias="all")),
    ("qwen2", dict(target_modules=LINEAR, bias="lora_only", use_dora=True, use_rslora=True)),
    ("qwen2", dict(target_modules=LINEAR, rank_pattern={"q_proj": 2, r"layers\.1\..*down_proj": 6},
                   alpha_pattern={r"layers\.0\.mlp\.(up|down)_proj": 3, "down_proj": 5, "k_proj": 0.5})),
    ("llama", dict(target_modules=["embed_tokens", "lm_head", "q_proj"])),
    ("llama", dict(target_modules=["lm_head", "v_proj"], use_dora=True)),
    ("llama", dict(target_modules=["q_proj"], modules_to_save=["embed_tokens", "lm_head", "input_layernorm"])),
    ("qwen2_tied", dict(target_modules=["embed_tokens", "q_proj"])),
    ("qwen2_tied", dict(target_modules=["lm_head", "q_proj"])),
    ("qwen2_tied", dict(target_modules=["q_proj"], modules_to_save=["embed_tokens"])),
    ("qwen2_tied", dict(target_modules=["q_proj"], modules_to_save=["lm_head"])),
    ("gemma2_tied", dict(target_modules=["embed_tokens"] + LINEAR)),
    ("gemma2_tied", dict(target_modules=["lm_head"] + LINEAR)),
    ("phi3", dict(target_modules=["qkv_proj", "o_proj", "gate_up_proj", "down_proj"])),
    ("phi3", dict(target_modules=["qkv_proj", "gate_up_proj"], use_dora=True)),
    ("gpt_neox", dict(target_modules=["query_key_value", "dense", "dense_h_to_4h", "dense_4h_to_h"])),
    ("gpt_neox", dict(target_modules=["query_key_value", "embed_out"], use_dora=True)),
    ("gpt2", dict(target_modules=["c_attn", "c_proj", "c_fc"], fan_in_fan_out=True)),
    ("gpt2", dict(target_modules=["c_attn", "c_fc"], fan_in_fan_out=True, use_dora=True)),
]


def make_base(name, directory):
    torch.manual_seed(3)
    base = transformers.AutoModelForCausalLM.from_config(BASES[name](), attn_implementation="eager").float().eval()
    with torch.no_grad():
        for parameter in base.parameters():
            parameter.add_(torch.randn_like(parameter) * (0.08 if parameter.ndim > 1 else 0.05))
    base.save_pretrained(directory)
    return base


def load(directory):
    return transformers.AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32,
                                                             attn_implementation="eager").eval()


def adapt(base, options, directory):
    """The adapter as peft reads it again, everything in it moved away from where it starts, so that each part matters.

    Reading matters: peft sorts alpha_pattern when it writes, and the first key that names a module counts.
    """
    model = peft.get_peft_model(load(base), peft.LoraConfig(r=4, lora_alpha=6, **options))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.requires_grad:
                spread = 0.3 if "magnitude" in name else 0.15
                parameter.add_(torch.randn_like(parameter) * spread)
    model.save_pretrained(directory)
    return peft.PeftModel.from_pretrained(load(base), directory).eval()


def expected_of(model):
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([PROMPT]), use_cache=False).logits[0]
        tokens = list(PROMPT)
        for _ in range(32):
            row = model(input_ids=torch.tensor([tokens]), use_cache=False).logits[0, -1]
            tokens.append(int(row.argmax()))
    return logits.numpy(), tokens[len(PROMPT):]


def run(base, adapter, kind, out):
    greedy = subprocess.run([TOOL, "run", base, adapter, kind, ",".join(map(str, PROMPT)), out], check=True,
                            capture_output=True, text=True).stdout
    return np.fromfile(out, np.float32).reshape(len(PROMPT), -1), [int(t) for t in greedy.split()]


def relative(got, expected):
    return np.linalg.norm(got - expected) / np.linalg.norm(expected)


@pytest.mark.parametrize("name,options", CASES, ids=lambda v: v if isinstance(v, str) else "-".join(v))
def test_logits_and_greedy_tokens_are_pefts(name, options, tmp_path):
    base = make_base(name, tmp_path / "base")
    with torch.no_grad():
        before = base(torch.tensor([PROMPT])).logits[0].numpy()
    model = adapt(tmp_path / "base", options, tmp_path / "adapter")
    expected, tokens = expected_of(model)
    got, greedy = run(tmp_path / "base", tmp_path / "adapter", "f32", tmp_path / "out")
    assert relative(before, expected) > 1e-2, "the adapter must matter"
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())
    assert greedy == tokens


@pytest.mark.parametrize("kind", ["int8", "int4"])
@pytest.mark.parametrize("dora", [False, True])
def test_quantized_base_weights(kind, dora, tmp_path):
    """What is left is our rounding of activations to 8 bits."""
    make_base("qwen2", tmp_path / "base")
    subprocess.run([TOOL, "dequantized", tmp_path / "base", kind, tmp_path / "rounded"], check=True)
    with torch.no_grad():
        before = load(tmp_path / "rounded")(torch.tensor([PROMPT])).logits[0].numpy()
    model = adapt(tmp_path / "rounded", dict(target_modules=LINEAR, use_dora=dora), tmp_path / "adapter")
    expected, _ = expected_of(model)
    got, _ = run(tmp_path / "base", tmp_path / "adapter", kind, tmp_path / "out")
    assert relative(got, expected) < 0.03
    assert relative(before, expected) > 0.3


NAMES = ["model.layers.11.self_attn.q_proj", "model.layers.1.mlp.down_proj", "lm_head", "q_proj", "a.b.", "", "a-b.c"]
PATTERNS = ["q_proj", "proj", ".*proj", "layers.1.*", r"layers\.\d+\..*", r"layers\.\d\..*", r"(layers\.)?1?1\..*",
            "[a-z_]+", "[^.]*", r"\w+_proj", r"\W*", ".*[kq]_proj", "^model.*", "^q_proj", "lm_head$", "(^lm|q)_.*",
            "", "|q_proj", "(q|k|)_proj", r"layers\.1{1,2}\..*", r"layers\.(1){2}\.self_attn.q_proj", ".*?q_proj",
            r"mlp\.(up|down)_proj", "a-b", "[-a]-[b-]", r".*\.1\..*", "(?:a|b)*", "(.*)(.*)b.", "(a*)*.*", r"[\d.a-z_]+",
            "{0,2}", "a{,2}.*", "x?", "(((.)+)+)+"]


def test_patterns_are_pythons():
    cases = [(p, n) for p in PATTERNS for n in NAMES]
    lines = "".join(f"{p}\t{n}\n" for p, n in cases)
    got = subprocess.run([TOOL, "names"], input=lines, check=True, capture_output=True, text=True).stdout.split("\n")
    for (pattern, name), answer in zip(cases, got):
        try:
            expected = str(int(bool(re.match(rf"(.*\.)?({pattern})$", name))))
        except re.error:
            expected = "refused"
        assert answer == expected, (pattern, name)
