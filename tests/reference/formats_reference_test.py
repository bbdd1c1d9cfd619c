"""GGUF and quantized safetensors against the programs that define them.

Block types against the gguf package, bit for bit, and as the integers that are served. GPTQ, AWQ, compressed-tensors
and fp8 against torch code written from their published layouts (and against compressed-tensors' own packing). Exported
GGUF files against gguf's reader, transformers', and llama.cpp's logits and greedy tokens.
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
TOOLS = pathlib.Path(os.environ.get("MARU_BUILD", ROOT / "build/release")) / "tests/reference"
TOOL = TOOLS / "formats_tool"


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


# --- whole models that others quantized --------------------------------------------------------------------------------

HALF = 2.0**-11  # what rounding to a half changes, relatively


def served(directory, tmp_path):
    """The weights as the loader keeps them for serving, as numbers, and which of them are integers."""
    lines = subprocess.run([TOOLS / "model_tool", "--serving", directory, tmp_path / "served"], check=True,
                           capture_output=True, text=True).stdout.split("\n")
    integers = {line.split()[0] for line in lines if line.endswith(" integers")}
    return load_file(tmp_path / "served" / "model.safetensors"), integers


def tiny_llama():
    torch.manual_seed(11)
    config = transformers.LlamaConfig(vocab_size=64, hidden_size=64, intermediate_size=96, num_hidden_layers=2,
                                      num_attention_heads=4, num_key_value_heads=2, tie_word_embeddings=False)
    return config, transformers.LlamaForCausalLM(config).float()


def gptq_layer(weight, act_order):
    """Round to nearest in groups of 32, four bits, with zero points; the layout of AutoGPTQ, version 2."""
    rows, cols = weight.shape
    index = torch.arange(cols) // 32
    if act_order:
        index = index[torch.randperm(cols)]
    groups = [weight[:, index == g] for g in range(cols // 32)]
    low = torch.stack([g.amin(1) for g in groups]).clamp(max=0)
    scale = ((torch.stack([g.amax(1) for g in groups]).clamp(min=0) - low) / 15).half()
    zero = (-low / scale.float()).round().clamp(0, 15).int()
    q = (weight.T / scale.float()[index] + zero[index]).round().clamp(0, 15).int()
    tensors = {"qweight": pack_words(q.T, 4).T.contiguous(), "qzeros": pack_words(zero, 4), "scales": scale,
               "g_idx": index.to(torch.int32)}
    return tensors, (scale.float()[index] * (q - zero[index])).T, (scale.float() * (8 - zero)).abs().amax()


@pytest.mark.parametrize("act_order", [False, True])
def test_a_gptq_model_is_served_as_integers(act_order, tmp_path):
    config, reference = tiny_llama()
    source, stored, expected, most = tmp_path / "in", {}, {}, 0.0
    for name, weight in reference.state_dict().items():
        if name.endswith("_proj.weight"):
            layer, expected[name], offset = gptq_layer(weight, act_order)
            stored |= {f"{name.removesuffix('weight')}{part}": tensor for part, tensor in layer.items()}
            most = max(most, float(offset))
        else:
            stored[name] = expected[name] = weight
    source.mkdir()
    save_file(stored, source / "model.safetensors")
    (source / "config.json").write_text(json.dumps(config.to_dict() | {
        "architectures": ["LlamaForCausalLM"],
        "quantization_config": {"quant_method": "gptq", "bits": 4, "group_size": 32, "desc_act": act_order,
                                "checkpoint_format": "gptq_v2"}}))
    got, integers = served(source, tmp_path)
    assert len(integers) == (0 if act_order else 14)
    assert set(got) == set(expected)
    for name, value in expected.items():
        assert torch.allclose(got[name], value, rtol=0, atol=most * HALF if name in integers else 0), name
    reference.load_state_dict(expected)
    loaded = transformers.LlamaForCausalLM(config).float()
    loaded.load_state_dict(got)
    with torch.no_grad():
        a, b = (m(torch.tensor([[1, 5, 9, 33, 2, 60]])).logits for m in (reference, loaded))
    assert (a - b).abs().max() < 0.01 * a.abs().max()


@pytest.mark.parametrize("name", [t for t in TYPES if t not in ("F16", "BF16")])
def test_a_gguf_model_of_each_block_type_is_served_as_integers(name, tmp_path):
    """Files of the gguf package; how far integers may be from its numbers is in docs/formats/gguf.md."""
    rng = np.random.default_rng(TYPES.index(name))
    writer = gguf.GGUFWriter(tmp_path / "m.gguf", "qwen2")
    shapes = {"attn_q": (256, 256), "attn_k": (128, 256), "attn_v": (128, 256), "attn_output": (256, 256),
              "ffn_gate": (512, 256), "ffn_up": (512, 256), "ffn_down": (256, 512)}
    writer.add_block_count(1)
    writer.add_context_length(64)
    writer.add_embedding_length(256)
    writer.add_feed_forward_length(512)
    writer.add_head_count(2)
    writer.add_head_count_kv(1)
    writer.add_layer_norm_rms_eps(1e-6)
    data = {"token_embd.weight": random_blocks(rng, name, 64, 256 // gguf.GGML_QUANT_SIZES[kind_of(name)][0])}
    for module, (rows, cols) in shapes.items():
        data[f"blk.0.{module}.weight"] = random_blocks(rng, name, rows, cols // gguf.GGML_QUANT_SIZES[kind_of(name)][0])
    vectors = {"output_norm.weight": 256, "blk.0.attn_norm.weight": 256, "blk.0.ffn_norm.weight": 256,
               "blk.0.attn_q.bias": 256, "blk.0.attn_k.bias": 128, "blk.0.attn_v.bias": 128}
    for tensor, blocks in data.items():
        writer.add_tensor(tensor, blocks, raw_dtype=kind_of(name))
    for tensor, size in vectors.items():
        writer.add_tensor(tensor, rng.normal(size=size).astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    got, integers = served(tmp_path / "m.gguf", tmp_path)
    assert len(integers) == 8
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.QWEN2, 1)
    for hugging_face, value in got.items():
        stem, _, suffix = hugging_face.rpartition(".")
        stored = f"{names.get_name(stem)}.{suffix}"
        if stored not in data:
            continue
        expected = gguf.quants.dequantize(data[stored], kind_of(name)).astype(np.float64)
        groups = np.abs(expected).reshape(-1, 32)
        error = np.abs(value.numpy().astype(np.float64).reshape(-1, 32) - groups * np.sign(expected.reshape(-1, 32)))
        largest = groups.max(1, keepdims=True)
        bound = {"Q2_K": 0.51 / 127, "Q3_K": 0.51 / 127, "Q6_K": 0.51 / 127, "Q4_1": 4 * HALF, "Q4_K": 4 * HALF,
                 "Q5_K": 4 * HALF, "IQ4_XS": 1.01 * HALF, "Q5_1": 1e-6}.get(name, 0)
        assert (error <= bound * largest + 1e-6).all(), (stored, (error / np.maximum(largest, 1e-30)).max())


# --- whole models ------------------------------------------------------------------------------------------------------

FAMILIES = {
    "llama": (transformers.LlamaConfig, transformers.LlamaForCausalLM, {}),
    "llama3_rope": (transformers.LlamaConfig, transformers.LlamaForCausalLM,
                    {"rope_parameters": {"rope_type": "llama3", "rope_theta": 10000.0, "factor": 8.0,
                                         "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                                         "original_max_position_embeddings": 64}}),
    "qwen2": (transformers.Qwen2Config, transformers.Qwen2ForCausalLM, {}),
    "qwen3": (transformers.Qwen3Config, transformers.Qwen3ForCausalLM, {"head_dim": 128, "tie_word_embeddings": True}),
    "gemma2": (transformers.Gemma2Config, transformers.Gemma2ForCausalLM,
               {"head_dim": 256, "query_pre_attn_scalar": 256, "sliding_window": 8, "attn_implementation": "eager"}),
    "gemma3": (transformers.Gemma3TextConfig, transformers.Gemma3ForCausalLM,
               {"head_dim": 256, "query_pre_attn_scalar": 256, "sliding_window": 8, "num_hidden_layers": 7}),
    "phi3": (transformers.Phi3Config, transformers.Phi3ForCausalLM, {"pad_token_id": 0}),
    "exaone4": (transformers.Exaone4Config, transformers.Exaone4ForCausalLM, {"sliding_window": None, "layer_types": ["full_attention"] * 2}),
    "granite": (transformers.GraniteConfig, transformers.GraniteForCausalLM,
                {"embedding_multiplier": 3.0, "attention_multiplier": 0.2, "residual_multiplier": 0.7,
                 "logits_scaling": 2.0}),
    "gpt2": (transformers.GPT2Config, transformers.GPT2LMHeadModel, {"n_positions": 1024}),
    "qwen2_yarn": (transformers.Qwen2Config, transformers.Qwen2ForCausalLM,
                   {"rope_parameters": {"rope_type": "yarn", "rope_theta": 10000.0, "factor": 4.0,
                                        "original_max_position_embeddings": 64}}),
    "phi3_longrope": (transformers.Phi3Config, transformers.Phi3ForCausalLM,
                      {"pad_token_id": 0, "original_max_position_embeddings": 4,
                       "rope_parameters": {"rope_type": "longrope", "rope_theta": 10000.0,
                                           "original_max_position_embeddings": 4,
                                           "short_factor": [1.0 + 0.1 * i for i in range(8)],
                                           "long_factor": [1.5 + 0.5 * i for i in range(8)]}}),
    "gpt_neox": (transformers.GPTNeoXConfig, transformers.GPTNeoXForCausalLM, {"hidden_act": "gelu"}),
    "gpt_neox_sequential": (transformers.GPTNeoXConfig, transformers.GPTNeoXForCausalLM,
                            {"hidden_act": "gelu", "use_parallel_residual": False}),
    "mixtral": (transformers.MixtralConfig, transformers.MixtralForCausalLM,
                {"num_local_experts": 4, "sliding_window": None}),
    "qwen3_moe": (transformers.Qwen3MoeConfig, transformers.Qwen3MoeForCausalLM,
                  {"head_dim": 16, "num_experts": 6, "num_experts_per_tok": 3, "moe_intermediate_size": 32,
                   "norm_topk_prob": True}),
    "solar_open": (transformers.SolarOpenConfig, transformers.SolarOpenForCausalLM,
                   {"head_dim": 16, "n_routed_experts": 8, "num_experts_per_tok": 3, "moe_intermediate_size": 32,
                    "n_shared_experts": 2, "n_group": 4, "topk_group": 2, "routed_scaling_factor": 1.7}),
}
UNREAD_BY_TRANSFORMERS = {"llama3_rope", "exaone4", "granite", "phi3", "phi3_longrope", "qwen2_yarn", "gpt_neox",
                          "gpt_neox_sequential", "mixtral", "qwen3_moe", "solar_open"}
PLAIN = {"llama", "llama3_rope", "qwen2", "qwen3"}  # those with tensors as Llama's
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
    sizes = {"vocab_size": 264, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2,
             "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 256}
    if request.param == "gpt2":
        sizes = {"vocab_size": 264, "n_embd": 64, "n_layer": 2, "n_head": 4}
    if request.param.startswith("gpt_neox"):
        del sizes["num_key_value_heads"]
    config = config_class(**sizes | {"bos_token_id": 0, "eos_token_id": 1} | extra)
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
    if name not in PLAIN:
        pytest.skip("llama.cpp and transformers read it below")
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
    if name in UNREAD_BY_TRANSFORMERS:
        pytest.skip("transformers ignores stretched positions and the width of experts, and knows not all families")
    tool("gguf", directory, tmp_path / "m.gguf", "f32")
    loaded = transformers.AutoModelForCausalLM.from_pretrained(tmp_path, gguf_file="m.gguf", dtype=torch.float32).eval()
    with torch.no_grad():
        expected, got = (m(torch.tensor([PROMPT])).logits for m in (reference, loaded))
    assert torch.allclose(got, expected, rtol=1e-4, atol=1e-4)


def test_what_we_write_comes_back(model, tmp_path):
    name, directory, _ = model
    tool("gguf", directory, tmp_path / "m.gguf", "f32")
    subprocess.run([TOOLS / "model_tool", tmp_path / "m.gguf", tmp_path / "again"], check=True)
    before, after = (load_file(d / "model.safetensors") for d in (directory, tmp_path / "again"))
    assert set(before) == set(after)
    for tensor, value in before.items():
        slack = 1e-6 if name.startswith("gemma") else 0  # its norms are stored with 1 added
        assert torch.allclose(after[tensor], value, rtol=0, atol=slack), tensor


def unspoken(printable):
    """The tokens that are no whole printable characters."""
    tokenizer = byte_tokenizer()
    texts = [tokenizer.decode([i]) for i in range(tokenizer.get_vocab_size())]
    return sorted(set(range(264)) - {i for i, text in enumerate(texts) if text and set(text.encode()) <= printable})


def test_llama_cpp_gives_the_same_greedy_tokens(model, tmp_path):
    from llama_cpp import PRINTABLE, LlamaCpp

    _, directory, reference = model
    tokenizer = byte_tokenizer()
    suppressed = unspoken(PRINTABLE)
    tool("gguf", directory, tmp_path / "m.gguf", "f32")
    llama = LlamaCpp(tmp_path / "m.gguf")
    for prompt, ids in [(PROMPT, PROMPT), ("hello world", tokenizer.encode("hello world").ids)]:
        expected = reference.generate(torch.tensor([ids]), max_new_tokens=32, do_sample=False, pad_token_id=0,
                                      suppress_tokens=suppressed)[0, len(ids):].tolist()
        assert llama.greedy(prompt, 32, suppressed) == expected


def test_llama_cpp_gives_the_same_logits(model, tmp_path):
    from llama_cpp import PRINTABLE, LlamaCpp

    name, directory, reference = model
    tool("gguf", directory, tmp_path / "m.gguf", "f32")
    got = LlamaCpp(tmp_path / "m.gguf").log_probabilities(PROMPT, 100, unspoken(PRINTABLE))
    with torch.no_grad():
        expected = reference(torch.tensor([PROMPT])).logits[0, -1].log_softmax(-1)
    assert len(got) > 50
    # llama.cpp takes GELU from a table of halves, and the approximation by tanh where GPT-NeoX has the exact one.
    slack = 0.02 if name.startswith(("gpt", "gemma")) else 1e-4
    assert all(abs(value - expected[i].item()) < slack for i, value in got.items())


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


@pytest.mark.parametrize("said", [True, False])
@pytest.mark.parametrize("options", [{}, {"use_dora": True}, {"target_modules": ["c_proj"]}], ids=str)
def test_the_models_layout_decides_what_is_transposed(options, said, tmp_path):
    """PEFT computes a Conv1D's update by the model's layout; its file may say otherwise."""
    peft = pytest.importorskip("peft")
    torch.manual_seed(3)
    config = transformers.GPT2Config(vocab_size=40, n_embd=32, n_layer=2, n_head=4, n_positions=64)
    base = transformers.GPT2LMHeadModel(config).float()
    base.save_pretrained(tmp_path / "base")
    settings = {"target_modules": ["c_attn", "c_proj", "c_fc"], "fan_in_fan_out": True, **options}
    model = peft.get_peft_model(base, peft.LoraConfig(r=4, lora_alpha=8, **settings))
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(torch.randn_like(parameter) * 0.1)
    model.save_pretrained(tmp_path / "adapter")
    file = tmp_path / "adapter" / "adapter_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"fan_in_fan_out": said}))
    tool("merge", tmp_path / "base", tmp_path / "adapter", tmp_path / "out")
    got = load_file(tmp_path / "out" / "model.safetensors")
    for name, value in model.merge_and_unload().state_dict().items():
        if name != "lm_head.weight":  # tied
            assert torch.allclose(got[name], value, rtol=1e-5, atol=1e-6), name


def test_every_setting_of_peft_is_known(tmp_path):
    """What a new adapter's file holds is computed, or changes nothing; a setting that we have not heard of is refused."""
    peft = pytest.importorskip("peft")
    base = transformers.LlamaForCausalLM(transformers.LlamaConfig(
        vocab_size=40, hidden_size=32, intermediate_size=48, num_hidden_layers=1, num_attention_heads=2))
    base.save_pretrained(tmp_path / "base")
    peft.get_peft_model(base, peft.LoraConfig(target_modules=["q_proj"])).save_pretrained(tmp_path / "adapter")
    tool("merge", tmp_path / "base", tmp_path / "adapter", tmp_path / "out")
    file = tmp_path / "adapter" / "adapter_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"a_setting_of_next_year": 3}))
    done = subprocess.run([TOOL, "merge", tmp_path / "base", tmp_path / "adapter", tmp_path / "again"], capture_output=True)
    assert done.returncode != 0 and b"a_setting_of_next_year is not supported" in done.stderr
