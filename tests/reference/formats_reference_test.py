"""GGUF and quantized safetensors against the programs that define them.

Block types against the gguf package, bit for bit. GPTQ, AWQ, compressed-tensors and fp8 against torch code written from
their published layouts (and against compressed-tensors' own packing). Exported GGUF files against gguf's reader and,
llama.cpp's greedy tokens.
"""
import json
import os
import pathlib
import subprocess

import numpy as np
import pytest

gguf = pytest.importorskip("gguf")
torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
from safetensors.torch import load_file, save_file  # noqa: E402

from make_gguf_golden import TYPES, random_blocks  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOL = pathlib.Path(os.environ.get("MARU_BUILD", ROOT / "build/release")) / "tests/reference/formats_tool"


def tool(*arguments):
    subprocess.run([TOOL, *map(str, arguments)], check=True)


def kind_of(name):
    return gguf.GGMLQuantizationType[name]


@pytest.mark.parametrize("name", TYPES)
def test_random_blocks_expand_to_the_same_bits(name, tmp_path):
    rng = np.random.default_rng(TYPES.index(name))
    data = random_blocks(rng, name, 64, 8)
    writer = gguf.GGUFWriter(tmp_path / "in.gguf", "test")
    writer.add_tensor("x", data, raw_dtype=kind_of(name))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    tool("dequantize", tmp_path / "in.gguf", tmp_path / "out")
    expected = gguf.quants.dequantize(data, kind_of(name))
    got = load_file(tmp_path / "out")["x"].numpy()
    assert got.shape == expected.shape
    assert np.array_equal(got.view(np.uint32), expected.view(np.uint32))


@pytest.mark.parametrize("name", ["Q8_0", "Q4_0", "F16", "BF16"])
def test_values_pack_to_the_same_bits(name, tmp_path):
    rng = np.random.default_rng(7)
    values = (rng.normal(size=(512, 64)) * np.exp(rng.normal(size=(512, 1)) * 6)).astype(np.float32)
    values[3] = 0
    values[4, :8] = [1, -1, 1, -1, 0.5, -0.5, 127, -127]  # ties
    values.tofile(tmp_path / "in")
    tool("quantize", name, tmp_path / "in", tmp_path / "out")
    expected = gguf.quants.quantize(values, kind_of(name)).view(np.uint8).ravel()
    assert np.array_equal(np.fromfile(tmp_path / "out", np.uint8), expected)


def expanded(tmp_path, tensors, quantization):
    source = tmp_path / "in"
    source.mkdir()
    save_file(tensors, source / "model.safetensors")
    (source / "config.json").write_text(json.dumps({"quantization_config": quantization}))
    tool("safetensors", source, tmp_path / "out", "f32")
    return load_file(tmp_path / "out" / "model.safetensors")


def pack_words(values, bits, order=None):
    """[rows, cols] of unsigned numbers to [rows, cols·bits/32] words, the first in the lowest bits."""
    per_word = 32 // bits
    words = torch.zeros(values.shape[0], values.shape[1] // per_word, dtype=torch.int64)
    for k in range(per_word):
        column = order[k] if order else k
        words |= values[:, column::per_word].long() << (bits * k)
    return torch.where(words >= 2**31, words - 2**32, words).to(torch.int32)


@pytest.mark.parametrize("bits", [2, 4, 8])
@pytest.mark.parametrize("act_order", [False, True])
@pytest.mark.parametrize("version", ["gptq", "gptq_v2"])
def test_gptq(bits, act_order, version, tmp_path):
    """AutoGPTQ, QuantLinear.pack: qweight packs inputs, qzeros packs outputs and stores the zero point minus one."""
    torch.manual_seed(bits)
    rows, cols, group = 48, 128, 32
    q = torch.randint(0, 2**bits, (cols, rows))
    zero = torch.randint(1, 2**bits, (cols // group, rows))
    scale = torch.rand(cols // group, rows).half()
    index = torch.arange(cols) // group
    if act_order:
        index = index[torch.randperm(cols)]
    stored = zero - 1 if version == "gptq" else zero
    tensors = {"m.qweight": pack_words(q.T, bits).T.contiguous(), "m.qzeros": pack_words(stored, bits),
               "m.scales": scale, "m.g_idx": index.to(torch.int32), "plain.weight": torch.ones(2, 2)}
    out = expanded(tmp_path, tensors, {"quant_method": "gptq", "bits": bits, "group_size": group,
                                       "desc_act": act_order, "checkpoint_format": version})
    assert torch.equal(out["m.weight"], (scale.float()[index] * (q - zero[index])).T)
    assert sorted(out) == ["m.weight", "plain.weight"]


def test_awq(tmp_path):
    """AutoAWQ, WQLinear_GEMM.from_linear: nibble k of a word is column [0, 2, 4, 6, 1, 3, 5, 7][k]."""
    torch.manual_seed(0)
    rows, cols, group = 64, 256, 64
    order = [0, 2, 4, 6, 1, 3, 5, 7]
    q, zero = torch.randint(0, 16, (cols, rows)), torch.randint(0, 16, (cols // group, rows))
    scale = torch.rand(cols // group, rows).half()
    tensors = {"m.qweight": pack_words(q, 4, order), "m.qzeros": pack_words(zero, 4, order), "m.scales": scale}
    out = expanded(tmp_path, tensors, {"quant_method": "awq", "bits": 4, "group_size": group, "version": "gemm"})
    index = torch.arange(cols) // group
    assert torch.equal(out["m.weight"], (scale.float()[index] * (q - zero[index])).T)


def compressed(kind, **weights):
    return {"quant_method": "compressed-tensors", "format": kind,
            "config_groups": {"group_0": {"targets": ["Linear"], "weights": weights}}}


@pytest.mark.parametrize("bits", [3, 4, 8])
@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("strategy", ["group", "channel"])
def test_compressed_tensors_packed(bits, symmetric, strategy, tmp_path):
    helpers = pytest.importorskip("compressed_tensors.compressors.pack_quantized.helpers")
    torch.manual_seed(bits)
    rows, cols = 40, 96
    group = 32 if strategy == "group" else cols
    half = 2 ** (bits - 1)
    q = torch.randint(-half, half, (rows, cols), dtype=torch.int8)
    zero = torch.randint(-half, half, (rows, cols // group), dtype=torch.int8)
    scale = torch.rand(rows, cols // group).bfloat16()
    tensors = {"m.weight_packed": helpers.pack_to_int32(q, bits), "m.weight_scale": scale,
               "m.weight_shape": torch.tensor([rows, cols])}
    if not symmetric:
        tensors["m.weight_zero_point"] = helpers.pack_to_int32(zero, bits, packed_dim=0)
    sizes = {"group_size": group} if strategy == "group" else {}
    out = expanded(tmp_path, tensors, compressed("pack-quantized", num_bits=bits, symmetric=symmetric,
                                                 strategy=strategy, type="int", **sizes))
    offset = 0 if symmetric else zero.repeat_interleave(group, 1).float()
    assert torch.equal(out["m.weight"], scale.float().repeat_interleave(group, 1) * (q.float() - offset))


@pytest.mark.parametrize("dtype", [torch.int8, torch.float8_e4m3fn, torch.float8_e5m2])
@pytest.mark.parametrize("shape", [(), (1,), (50, 1)])
def test_scaled_bytes(dtype, shape, tmp_path):
    torch.manual_seed(1)
    weight = (torch.randn(50, 70) * 20).to(dtype)
    scale = torch.rand(shape)
    out = expanded(tmp_path, {"m.weight": weight, "m.weight_scale": scale},
                   compressed("int-quantized" if dtype == torch.int8 else "float-quantized", num_bits=8))
    assert torch.equal(out["m.weight"], weight.float() * scale)


def test_fp8_blocks(tmp_path):
    """DeepSeek-V3: one scale per 128 × 128 block, multiplied though it is called the inverse."""
    torch.manual_seed(2)
    weight = torch.randn(300, 200).to(torch.float8_e4m3fn)
    scale = torch.rand(3, 2)
    out = expanded(tmp_path, {"m.weight": weight, "m.weight_scale_inv": scale},
                   {"quant_method": "fp8", "weight_block_size": [128, 128]})
    whole = scale.repeat_interleave(128, 0)[:300].repeat_interleave(128, 1)[:, :200]
    assert torch.equal(out["m.weight"], weight.float() * whole)


# --- whole models ------------------------------------------------------------------------------------------------------

FAMILIES = {
    "llama": (transformers.LlamaConfig, transformers.LlamaForCausalLM, {}),
    "llama3_rope": (transformers.LlamaConfig, transformers.LlamaForCausalLM,
                    {"rope_parameters": {"rope_type": "llama3", "rope_theta": 10000.0, "factor": 8.0,
                                         "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                                         "original_max_position_embeddings": 64}}),
    "qwen2": (transformers.Qwen2Config, transformers.Qwen2ForCausalLM, {}),
    "qwen3": (transformers.Qwen3Config, transformers.Qwen3ForCausalLM, {"head_dim": 128, "tie_word_embeddings": True}),
}
PROMPT = [3, 22, 21, 16, 87, 58, 9, 101, 44, 45, 46, 200, 7, 7, 7, 150]


def byte_tokenizer():
    """Byte-level BPE with a few merges and two special tokens, as tokenizers writes it."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocab = {token: i for i, token in enumerate(["<s>", "</s>", *alphabet, "he", "ll", "hell"])}
    tokenizer = Tokenizer(models.BPE(vocab, [("h", "e"), ("l", "l"), ("he", "ll")]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(["<s>", "</s>"])
    return tokenizer


@pytest.fixture(scope="module", params=sorted(FAMILIES))
def model(request, tmp_path_factory):
    directory = tmp_path_factory.mktemp(request.param)
    config_class, model_class, extra = FAMILIES[request.param]
    torch.manual_seed(5)
    config = config_class(vocab_size=264, hidden_size=64, intermediate_size=96, num_hidden_layers=2,
                          num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=256,
                          bos_token_id=0, eos_token_id=1, **extra)
    reference = model_class(config).float().eval()
    with torch.no_grad():
        for parameter in reference.parameters():
            parameter.copy_(torch.randn_like(parameter) * (0.3 if parameter.ndim > 1 else 0.1) + (parameter.ndim == 1))
    reference.save_pretrained(directory)
    byte_tokenizer().save(str(directory / "tokenizer.json"))
    (directory / "tokenizer_config.json").write_text(json.dumps({"bos_token": "<s>", "eos_token": "</s>"}))
    return request.param, directory, reference


def test_gguf_reads_what_we_write(model, tmp_path):
    name, directory, reference = model
    tool("gguf", directory, tmp_path / "m.gguf", "f32")
    reader = gguf.GGUFReader(tmp_path / "m.gguf")
    architecture = name.split("3_")[0]
    assert reader.get_field("general.architecture").contents() == architecture
    assert reader.get_field(f"{architecture}.attention.head_count_kv").contents() == 2
    assert reader.get_field("tokenizer.ggml.merges").contents() == ["h e", "l l", "he ll"]
    assert reader.get_field("tokenizer.ggml.pre").contents() == "gpt-2"
    tensors = {t.name: t.data for t in reader.tensors}
    weights = dict(reference.named_parameters())
    assert np.array_equal(tensors["token_embd.weight"], weights["model.embed_tokens.weight"].detach().numpy())
    q = weights["model.layers.0.self_attn.q_proj.weight"].detach()
    if architecture == "llama":  # llama.cpp's LlamaModel.permute
        q = q.reshape(4, 2, q.shape[0] // 4 // 2, q.shape[1]).swapaxes(1, 2).reshape(q.shape)
    assert np.array_equal(tensors["blk.0.attn_q.weight"], q.numpy())
    assert len(tensors) == len(weights) + (name == "llama3_rope")


def test_transformers_reads_our_gguf(model, tmp_path):
    """An independent reader of GGUF: renames, reorders the rotary rows back, builds the configuration."""
    name, directory, reference = model
    if name == "llama3_rope":
        pytest.skip("transformers ignores rope_freqs.weight")
    tool("gguf", directory, tmp_path / "m.gguf", "f32")
    loaded = transformers.AutoModelForCausalLM.from_pretrained(tmp_path, gguf_file="m.gguf", dtype=torch.float32).eval()
    with torch.no_grad():
        expected, got = (m(torch.tensor([PROMPT])).logits for m in (reference, loaded))
    assert torch.allclose(got, expected, rtol=1e-4, atol=1e-4)


def test_llama_cpp_gives_the_same_greedy_tokens(model, tmp_path):
    from llama_cpp import PRINTABLE, LlamaCpp

    _, directory, reference = model
    tokenizer = byte_tokenizer()
    spoken = [i for i in range(tokenizer.get_vocab_size()) if set(tokenizer.decode([i]).encode()) <= PRINTABLE]
    suppressed = sorted(set(range(264)) - {i for i in spoken if tokenizer.decode([i])})
    tool("gguf", directory, tmp_path / "m.gguf", "f32")
    llama = LlamaCpp(tmp_path / "m.gguf")
    for prompt, ids in [(PROMPT, PROMPT), ("hello world", tokenizer.encode("hello world").ids)]:
        expected = reference.generate(torch.tensor([ids]), max_new_tokens=32, do_sample=False, pad_token_id=0,
                                      suppress_tokens=suppressed)[0, len(ids):].tolist()
        assert llama.greedy(prompt, 32, suppressed) == expected


@pytest.mark.parametrize("options", [{}, {"use_rslora": True}, {"use_dora": True}, {"alpha_pattern": {"q_proj": 3}},
                                     {"target_modules": ["embed_tokens", "o_proj"]},
                                     {"modules_to_save": ["lm_head"], "rank_pattern": {"v_proj": 2}}], ids=str)
def test_adapters_merge_as_peft_merges_them(options, tmp_path):
    peft = pytest.importorskip("peft")
    torch.manual_seed(3)
    config = transformers.LlamaConfig(vocab_size=40, hidden_size=32, intermediate_size=48, num_hidden_layers=2,
                                      num_attention_heads=4, num_key_value_heads=2, tie_word_embeddings=False)
    base = transformers.LlamaForCausalLM(config).float()
    base.save_pretrained(tmp_path / "base")
    targets = {"target_modules": ["q_proj", "v_proj", "down_proj"], **options}
    model = peft.get_peft_model(base, peft.LoraConfig(r=4, lora_alpha=8, **targets))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.requires_grad:
                parameter.add_(torch.randn_like(parameter) * 0.1)
    model.save_pretrained(tmp_path / "adapter")
    tool("merge", tmp_path / "base", tmp_path / "adapter", tmp_path / "out")
    got = load_file(tmp_path / "out" / "model.safetensors")
    expected = model.merge_and_unload().state_dict()
    assert set(got) == set(expected)
    for name, value in expected.items():
        assert torch.allclose(got[name], value, rtol=1e-5, atol=1e-6), name
