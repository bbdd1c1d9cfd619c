"""What the programs share that write golden numbers of TRL's losses: the tiny model, its reference, batches, and what
is kept of gradients.

The model is tests/golden/models/llama. The reference is the same with o_proj and down_proj of every block times
-0.5, which both programs do exactly. Of two parameters' gradients the norm, the largest element, the sum with fixed
weights and a few elements are kept.
"""
import json
import pathlib
import random

import torch
import transformers

GOLDEN = pathlib.Path(__file__).resolve().parents[1] / "golden"
MODEL = GOLDEN / "models" / "llama"
SEED = 20
PARAMETERS = ["model.layers.1.self_attn.q_proj.weight", "lm_head.weight"]
ELEMENTS = 5


def load(dtype=torch.float32):
    model = transformers.AutoModelForCausalLM.from_pretrained(MODEL, dtype=dtype, attn_implementation="eager")
    return model.eval()


def load_reference(dtype=torch.float32):
    model = load(dtype)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "o_proj" in name or "down_proj" in name:
                parameter.mul_(-0.5)
    return model


def random_tokens(vocabulary):
    rng = random.Random(SEED)
    return lambda count: [rng.randrange(3, vocabulary) for _ in range(count)]


def padded(rows):
    """input_ids, attention_mask and completion_mask of (prompt, answer) rows."""
    longest = max(len(prompt) + len(answer) for prompt, answer in rows)
    filled = lambda row: torch.tensor(row + [0] * (longest - len(row)))
    return (
        torch.stack([filled(prompt + answer) for prompt, answer in rows]),
        torch.stack([filled([1] * len(prompt + answer)) for prompt, answer in rows]),
        torch.stack([filled([0] * len(prompt) + [1] * len(answer)) for prompt, answer in rows]),
    )


def summary(gradient):
    flat = gradient.flatten().double()
    weights = ((torch.arange(flat.numel()) * 7919 % 97) - 48).double() / 48
    step = max(1, flat.numel() // ELEMENTS)
    return {
        "norm": flat.norm().item(),
        "largest": flat.abs().max().item(),
        "weighted": (flat * weights).sum().item(),
        "elements": [flat[i * step + 7].item() for i in range(ELEMENTS)],
    }


def gradients(model, names=PARAMETERS):
    parameters = dict(model.named_parameters())
    return {name: summary(parameters[name].grad) for name in names}


def versions(*modules):
    return {module.__name__: module.__version__ for module in (*modules, transformers, torch)}


def write(name, head, cases):
    """One line for each case, so that a change of one is a change of one line."""
    lines = json.dumps({"seed": SEED, **head})[:-1] + ', "cases": [\n' + ",\n".join(map(json.dumps, cases)) + "\n]}\n"
    (GOLDEN / name).write_text(lines)


def begin():
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
