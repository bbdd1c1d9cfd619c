"""`maru quantize` against its documented format: the file by safetensors and NumPy, the model by transformers.

The unpacking below is written from docs/formats/maru-quantized.md, the plain rounding from docs/quantization.md.
"""
import json
import os
import pathlib
import subprocess

import numpy as np
import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
from safetensors.torch import load_file  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
MARU = pathlib.Path(os.environ.get("MARU_BUILD", ROOT / "build/release")) / "src/cli/maru"


def run(*arguments):
    done = subprocess.run([MARU, "--quiet", "--json", *map(str, arguments)], check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def unpack(tensors, name):
    quads, scales = tensors[name + ".quads"].numpy(), tensors[name + ".scales"].numpy().astype(np.float64)
    rows, cols = tensors[name + ".shape"].tolist()
    panels, groups = quads.shape[0], scales.shape[1] // 16
    r, c = np.meshgrid(np.arange(rows), np.arange(cols), indexing="ij")
    p, lane, g, j = r // 16, r % 16, c // 32, c % 32 // 4
    assert panels == -(-rows // 16) and groups == -(-cols // 32)
    if quads.shape[1] == groups * 512:
        q = quads[p, 512 * g + 64 * j + 4 * lane + c % 4].astype(np.int64) - 128
    else:
        both = quads[p, 256 * g + 64 * (j % 4) + 4 * lane + c % 4].astype(np.int64)
        q = np.where(j < 4, both & 15, both >> 4) - 8
    return q, scales[p, 16 * g + lane]


def padded_groups(weight):
    rows, cols = weight.shape
    wide = np.zeros((rows, -(-cols // 32) * 32))
    wide[:, :cols] = weight
    return wide.reshape(rows, -1, 32)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    directory = tmp_path_factory.mktemp("model")
    torch.manual_seed(1)
    config = transformers.LlamaConfig(vocab_size=300, hidden_size=96, intermediate_size=100, num_hidden_layers=2,
                                      num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=128,
                                      initializer_range=0.1, tie_word_embeddings=False)
    transformers.LlamaForCausalLM(config).save_pretrained(directory)
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE({letter: i for i, letter in enumerate(letters)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.save(str(directory / "tokenizer.json"))
    return directory


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    file = tmp_path_factory.mktemp("text") / "text.txt"
    file.write_text((ROOT / "README.md").read_text() + (ROOT / "README.ko.md").read_text())
    return file


@pytest.fixture(scope="module", params=["int8", "int4", "int4 calibrated"])
def quantized(request, model, text, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "model"
    kind, *calibrated = request.param.split()
    extra = ["--calibrate", text, "--calibrate-tokens", 3000] if calibrated else []
    answer = run("quantize", model, "--to", kind, "--out", out, "--text", text, "--text-tokens", 2000, *extra)
    return request.param, out, answer


def test_the_file_holds_what_the_format_says(model, quantized):
    kind, out, _ = quantized
    tensors, plain = load_file(out / "model.safetensors"), load_file(model / "model.safetensors")
    names = [n for n, t in plain.items() if t.dim() == 2]
    assert sorted(n for n in tensors if n.endswith(".quads")) == sorted(n + ".quads" for n in names)
    for name in names:
        q, scale = unpack(tensors, name)
        weight = plain[name].numpy().astype(np.float64)
        int4 = kind != "int8" and "layers" in name
        assert q.min() >= (-8 if int4 else -127) and q.max() <= (7 if int4 else 127)
        largest = np.abs(padded_groups(weight)).max(2)
        if not int4 and "calibrated" not in kind:
            expected = np.repeat((largest / 127).astype(np.float32).astype(np.float16).astype(np.float64), 32, 1)
            assert np.array_equal(scale, expected[:, : weight.shape[1]])
            assert np.array_equal(q, np.clip(np.rint(weight / scale), -127, 127))
    for name, tensor in plain.items():
        if tensor.dim() == 1:
            assert torch.equal(tensors[name], tensor)
    config = json.loads((out / "config.json").read_text())
    assert config["quantization_config"]["bits"] == (8 if kind == "int8" else 4)
    assert config["hidden_size"] == 96


def test_int4_is_nearer_than_the_scale_of_the_largest(model, quantized):
    kind, out, _ = quantized
    if kind != "int4":
        pytest.skip("plain int4 alone minimises this error")
    tensors, plain = load_file(out / "model.safetensors"), load_file(model / "model.safetensors")
    name = "model.layers.1.mlp.up_proj.weight"
    q, scale = unpack(tensors, name)
    weight = plain[name].numpy().astype(np.float64)
    groups = padded_groups(weight)
    top = np.take_along_axis(groups, np.abs(groups).argmax(2, keepdims=True), 2)
    step = (top / -8).astype(np.float32).astype(np.float16).astype(np.float64)
    simple = groups - step * np.clip(np.rint(groups / step), -8, 7)
    assert ((weight - scale * q) ** 2).sum() < 0.95 * (simple ** 2).sum()


def expanded(model, out):
    """The model in transformers, with the numbers of the quantized file."""
    reference = transformers.LlamaForCausalLM.from_pretrained(model, dtype=torch.float32)
    tensors, state = load_file(out / "model.safetensors"), reference.state_dict()
    for name in state:
        if name + ".quads" in tensors:
            q, scale = unpack(tensors, name)
            state[name] = torch.tensor(q * scale, dtype=torch.float32)
    reference.load_state_dict(state)
    return reference


def bits_per_byte(reference, tokens):
    """Windows of 128 inputs, as docs/evaluation.md describes; every token is a byte."""
    nats = 0.0
    for first in range(0, len(tokens) - 1, 128):
        window = torch.tensor([tokens[first : first + 129]])
        with torch.no_grad():
            logits = reference(window[:, :-1]).logits[0].double()
        nats += torch.nn.functional.cross_entropy(logits, window[0, 1:], reduction="sum").item()
    return nats / np.log(2) / len(tokens)


def test_bits_per_byte_are_those_of_the_numbers(model, text, quantized):
    kind, out, answer = quantized
    data, tokens = text.read_bytes(), answer["measured_on"]["tokens"]
    from tokenizers import Tokenizer
    ids = Tokenizer.from_file(str(model / "tokenizer.json")).encode(data[: tokens + 1].decode(errors="ignore")).ids
    before = bits_per_byte(transformers.LlamaForCausalLM.from_pretrained(model, dtype=torch.float32), ids)
    after = bits_per_byte(expanded(model, out), ids)
    assert answer["bits_per_byte_before"] == pytest.approx(before, rel=2e-3)
    assert answer["bits_per_byte"] == pytest.approx(after, rel=5e-3)  # activations are rounded to 8 bits here


def test_an_export_holds_the_same_numbers(quantized, tmp_path):
    _, out, _ = quantized
    run("export", out, "--dtype", "f32", "--out", tmp_path / "plain")
    tensors, plain = load_file(out / "model.safetensors"), load_file(tmp_path / "plain/model.safetensors")
    quantized_names = [n[: -len(".quads")] for n in tensors if n.endswith(".quads")]
    assert len(quantized_names) == 2 + 2 * 7
    for name in quantized_names:
        q, scale = unpack(tensors, name)
        assert np.array_equal(plain[name].numpy(), (q * scale).astype(np.float32))
    assert "quantization_config" not in json.loads((tmp_path / "plain/config.json").read_text())
    transformers.LlamaForCausalLM.from_pretrained(tmp_path / "plain")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["plain"]
