"""Tiny random models of every decoder family, made and run by transformers: what tests/golden/models holds.

    .venv/bin/python tests/reference/make_family_goldens.py [FAMILY …]

A directory holds config.json and model.safetensors as transformers saves them (weights in bf16), and
expected.safetensors: a prompt of 64 tokens, its logits, the norm of each token's hidden state behind the embedding,
every block and the last norm, and 32 greedy tokens; all computed in f32 from the same weights. `bf16_error` is the root
mean square error of transformers' own bf16 logits, the measure for ours.

Weights are drawn wide enough for every feature to matter: norm weights and biases too, windows shorter than the prompt,
contexts beyond the length before rope scaling. A seed is taken only if no greedy choice is close.
"""
import json
import pathlib
import shutil
import sys

import torch
import transformers
from safetensors.torch import load_file, save_file

ROOT = pathlib.Path(__file__).resolve().parent.parent / "golden" / "models"
PROMPT, GREEDY, VOCAB = 64, 32, 96
SIZES = dict(vocab_size=VOCAB, hidden_size=32, intermediate_size=48, num_hidden_layers=3, num_attention_heads=4,
             num_key_value_heads=2, max_position_embeddings=256, bos_token_id=None, eos_token_id=None,
             pad_token_id=None)
LLAMA3 = dict(rope_type="llama3", rope_theta=5000.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
              original_max_position_embeddings=32)
YARN = dict(rope_type="yarn", rope_theta=10000.0, factor=4.0, original_max_position_embeddings=32)
LONG = dict(rope_type="longrope", rope_theta=10000.0, short_factor=[1.0, 1.1, 1.2], long_factor=[1.5, 3.0, 5.0])


def sizes(**changes):
    return {**SIZES, **changes}


# name: (configuration class, its arguments)
FAMILIES = {
    "llama": ("LlamaConfig", sizes(rope_parameters=LLAMA3, rms_norm_eps=1e-5)),
    "llama_bias_linear": ("LlamaConfig", sizes(attention_bias=True, mlp_bias=True, tie_word_embeddings=True,
                                               rope_parameters=dict(rope_type="linear", rope_theta=1e4, factor=4.0))),
    "llama_dynamic": ("LlamaConfig", sizes(num_hidden_layers=2,
                                           rope_parameters=dict(rope_type="dynamic", rope_theta=1e4, factor=4.0))),
    "hyperclovax": ("HyperCLOVAXConfig", sizes(embedding_multiplier=3.0, attention_multiplier=0.2, logits_scaling=0.4,
                                               residual_multiplier=0.7, use_post_norm=True, rms_norm_eps=1e-5)),
    "granite": ("GraniteConfig", sizes(embedding_multiplier=3.0, attention_multiplier=0.2, logits_scaling=2.5,
                                       residual_multiplier=0.7)),
    "mistral": ("MistralConfig", sizes(sliding_window=20, head_dim=12)),
    "qwen2": ("Qwen2Config", sizes(use_sliding_window=True, sliding_window=9, max_window_layers=1,
                                   rope_parameters=YARN)),
    "qwen3": ("Qwen3Config", sizes(head_dim=16, tie_word_embeddings=True)),
    "exaone": ("LlamaConfig", sizes(rope_parameters=LLAMA3, tie_word_embeddings=True)),
    "exaone4": ("Exaone4Config", sizes(num_hidden_layers=4, sliding_window=12, sliding_window_pattern=4)),
    "exaone4_global": ("Exaone4Config", sizes(num_hidden_layers=2, sliding_window=None,
                                              layer_types=["full_attention"] * 2, rope_parameters=LLAMA3)),
    "gemma2": ("Gemma2Config", sizes(head_dim=16, query_pre_attn_scalar=20, sliding_window=12,
                                     attn_logit_softcapping=3.0, final_logit_softcapping=4.0)),
    "gemma3": ("Gemma3TextConfig", sizes(head_dim=16, query_pre_attn_scalar=20, sliding_window=12,
                                         layer_types=["sliding_attention", "sliding_attention", "full_attention"],
                                         rope_parameters=dict(
                                             full_attention=dict(rope_type="linear", rope_theta=1e6, factor=8.0),
                                             sliding_attention=dict(rope_type="default", rope_theta=1e4)))),
    "phi3": ("Phi3Config", sizes(original_max_position_embeddings=32, sliding_window=40, tie_word_embeddings=False,
                                 rope_parameters=dict(partial_rotary_factor=0.75, **LONG))),
    "gpt_neox": ("GPTNeoXConfig", {**sizes(num_hidden_layers=2, intermediate_size=80, rope_parameters=dict(
        rope_type="default", rope_theta=1e4, partial_rotary_factor=0.5)), "num_key_value_heads": None}),
    "gpt_neox_sequential": ("GPTNeoXConfig", {**sizes(num_hidden_layers=2, use_parallel_residual=False,
                                                      rope_parameters=dict(rope_type="default", rope_theta=1e4,
                                                                           partial_rotary_factor=0.25)),
                                              "num_key_value_heads": None}),
    "gpt2": ("GPT2Config", dict(vocab_size=VOCAB, n_embd=32, n_layer=2, n_head=4, n_positions=128, bos_token_id=None,
                                eos_token_id=None, pad_token_id=None)),
    "mixtral": ("MixtralConfig", sizes(num_hidden_layers=2, num_local_experts=4, num_experts_per_tok=2,
                                       sliding_window=20)),
    "qwen3_moe": ("Qwen3MoeConfig", sizes(head_dim=16, num_experts=6, num_experts_per_tok=3, moe_intermediate_size=16,
                                          norm_topk_prob=False, mlp_only_layers=[1])),
    "solar_open": ("SolarOpenConfig", {k: v for k, v in sizes(
        num_hidden_layers=2, head_dim=12, n_routed_experts=8, num_experts_per_tok=3, moe_intermediate_size=16,
        n_shared_experts=2, n_group=4, topk_group=2, routed_scaling_factor=1.7, rope_parameters=YARN).items()
        if k != "intermediate_size"}),
}


def draw(model, seed):
    generator = torch.Generator().manual_seed(seed)
    for name, p in [*model.named_parameters(), *model.named_buffers()]:
        vector = p.dim() == 1
        if "inv_freq" in name or "embed_scale" in name or (vector and not name.endswith(("weight", "bias"))):
            continue
        noise = torch.randn(p.shape, generator=generator)
        if vector:
            about = 1.0 if name.endswith("weight") and "gemma" not in model.config.model_type else 0.0
            p.data = about + 0.3 * noise
        elif "embed" in name or "wte" in name or "wpe" in name:
            p.data = 0.6 * noise
        else:
            p.data = noise * 1.4 / p.shape[-1] ** 0.5
    for tensor in model.state_dict().values():  # numbers that bf16 holds; rotary frequencies stay as they are
        tensor.copy_(tensor.bfloat16().float())


def hidden_states(model, tokens):
    """The embeddings, what each block gives, and the last norm's result."""
    states, base = [], model.base_model
    layers = base.h if hasattr(base, "h") else base.layers
    last = next(m for n, m in base.named_children() if n in ("norm", "ln_f", "final_layer_norm"))
    hooks = [layers[0].register_forward_pre_hook(lambda m, args, kwargs: states.append(
        args[0] if args else kwargs["hidden_states"]), with_kwargs=True)]
    first = lambda m, args, out: states.append(out[0] if isinstance(out, tuple) else out)
    hooks += [m.register_forward_hook(first) for m in [*layers, last]]
    logits = model(tokens, use_cache=False).logits
    for hook in hooks:
        hook.remove()
    return logits[0], torch.stack([s[0].float().norm(dim=-1) for s in states])


def greedy(model, tokens):
    """32 tokens, and the smallest lead that a choice had."""
    lead = float("inf")
    for _ in range(GREEDY):
        top = model(tokens, use_cache=False).logits[0, -1].topk(2)
        lead = min(lead, (top.values[0] - top.values[1]).item())
        tokens = torch.cat([tokens, top.indices[:1].view(1, 1)], dim=1)
    return tokens[0, PROMPT:], lead


def as_exaone(directory):
    """EXAONE 3.5 computes what Llama does; its code is no part of transformers, so its names are given here.

    Sources: the modeling_exaone.py and configuration_exaone.py that come with its models (SiLU of c_fc_0 gates c_fc_1; RMS
    norms ln_1 and ln_2 before attention and MLP; halves rotated; tied embeddings, epsilon 1e-5 where a file says
    nothing), vLLM's exaone.py, and the tensor map of the `gguf` package (c_fc_0 is the gate, c_fc_1 goes up).
    """
    names = {"model.embed_tokens": "transformer.wte", "model.norm": "transformer.ln_f", "model.layers": "transformer.h",
             "input_layernorm": "ln_1", "post_attention_layernorm": "ln_2", "self_attn.o_proj": "attn.attention.out_proj",
             "self_attn": "attn.attention", "gate_proj": "c_fc_0", "up_proj": "c_fc_1", "down_proj": "c_proj"}
    tensors = load_file(directory / "model.safetensors")
    renamed = {}
    for name, tensor in tensors.items():
        for old, new in names.items():
            name = name.replace(old, new)
        renamed[name] = tensor
    save_file(renamed, directory / "model.safetensors", {"format": "pt"})
    config = json.loads((directory / "config.json").read_text())
    for old, new in {"num_hidden_layers": "num_layers", "rms_norm_eps": "layer_norm_epsilon",
                     "hidden_act": "activation_function"}.items():
        config[new] = config.pop(old)
    rope = config.pop("rope_parameters")
    config |= dict(architectures=["ExaoneForCausalLM"], model_type="exaone", rope_theta=rope.pop("rope_theta"),
                   rope_scaling=rope)
    (directory / "config.json").write_text(json.dumps(config, indent=2) + "\n")


def make(name):
    config_class, arguments = FAMILIES[name]
    arguments = {k: v for k, v in arguments.items() if v is not None or k in ("sliding_window", "pad_token_id")}
    for seed in range(1, 50):
        torch.manual_seed(seed)
        config = getattr(transformers, config_class)(**json.loads(json.dumps(arguments)))
        config._attn_implementation = "eager"
        model = transformers.AutoModelForCausalLM.from_config(config).eval()
        draw(model, seed)
        prompt = torch.randint(0, VOCAB, (1, PROMPT))
        with torch.no_grad():
            tokens, lead = greedy(model, prompt)
            if lead < 2e-3:
                continue
            logits, norms = hidden_states(model, prompt)
            half = transformers.AutoModelForCausalLM.from_config(config).eval()
            half.load_state_dict(model.state_dict())
            for p in half.parameters():
                p.data = p.data.bfloat16()
            error = (half(prompt, use_cache=False).logits[0].float() - logits).square().mean().sqrt()
        break
    directory = ROOT / name
    shutil.rmtree(directory, ignore_errors=True)
    model.to(torch.bfloat16).save_pretrained(directory)
    (directory / "generation_config.json").unlink(missing_ok=True)
    if name == "exaone":
        as_exaone(directory)
    save_file({"prompt": prompt[0].int(), "logits": logits.contiguous(), "norms": norms, "greedy": tokens.int(),
               "bf16_error": error.reshape(1)}, directory / "expected.safetensors")
    size = sum(f.stat().st_size for f in directory.iterdir())
    print(f"{name}: seed {seed}, {size / 1024:.0f} KiB, lead {lead:.3f}, logits {logits.std():.2f}, "
          f"bf16 error {error:.4f}", flush=True)


if __name__ == "__main__":
    for family in sys.argv[1:] or FAMILIES:
        make(family)
