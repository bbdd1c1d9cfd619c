"""tests/golden/preference.json: losses and gradients of TRL's own DPOTrainer._compute_loss for every loss_type,
f-divergence, ld_alpha and mixtures, on tests/golden/models/llama in f32.

The reference is the same model with o_proj and down_proj of every block times -0.5, which both programs do exactly.
Of two parameters' gradients the norm, the largest element, the sum with fixed weights and a few elements are kept.
Run: python tests/reference/make_preference_golden.py, with trl==1.16.0 beside requirements.txt.
"""
import json
import pathlib
import random
import types
from collections import defaultdict

import torch
import transformers
import trl
from trl.trainer.dpo_trainer import DPOTrainer, add_fused_lm_head

GOLDEN = pathlib.Path(__file__).resolve().parents[1] / "golden"
MODEL = GOLDEN / "models" / "llama"
SEED = 20
PARAMETERS = ["model.layers.1.self_attn.q_proj.weight", "lm_head.weight"]
ELEMENTS = 5
SMOOTHED = 0.2

DIFFERENCES = ["sigmoid", "hinge", "ipo", "exo_pair", "robust", "discopop", "sigmoid_norm"]  # of scores
OTHERS = ["nca_pair", "bco_pair", "sppo_hard", "aot", "aot_unpaired", "apo_zero", "apo_down", "sft"]
SMOOTHING = ["exo_pair", "robust", "aot", "aot_unpaired"]


def cases():
    for kind in DIFFERENCES + OTHERS:
        yield {"loss_type": [kind], "label_smoothing": SMOOTHED if kind in SMOOTHING else 0.0}
    yield {"loss_type": ["sigmoid"], "label_smoothing": SMOOTHED}  # is not used
    yield {"loss_type": ["sigmoid"], "beta": 0.5}
    yield {"loss_type": ["aot"], "label_smoothing": 0.0}
    for divergence in ["forward_kl", "js_divergence", "alpha_divergence"]:
        for kind in ["sigmoid", "ipo", "discopop"]:
            yield {"loss_type": [kind], "f_divergence_type": divergence}
    yield {"loss_type": ["sigmoid"], "f_divergence_type": "alpha_divergence", "f_alpha_divergence_coef": 1.0}
    yield {"loss_type": ["discopop"], "discopop_tau": 0.5}
    for kind in ["sigmoid", "ipo", "sft"]:
        yield {"loss_type": [kind], "ld_alpha": 0.3}
    yield {"loss_type": ["sigmoid", "bco_pair", "sft"], "loss_weights": [0.8, 0.2, 1.0]}
    yield {"loss_type": ["sigmoid", "sft"], "ld_alpha": 0.0}
    yield {"loss_type": ["sigmoid"], "use_weighting": True}
    yield {"loss_type": ["ipo", "apo_zero"], "ld_alpha": 0.5, "use_weighting": True}


def pairs_of(vocabulary):
    rng = random.Random(SEED)
    tokens = lambda count: [rng.randrange(3, vocabulary) for _ in range(count)]
    lengths = [(4, 6, 9), (7, 12, 5), (3, 4, 4), (9, 1, 11), (2, 6, 6), (5, 5, 5), (3, 7, 6)]
    return [{"prompt": tokens(p), "chosen": tokens(c), "rejected": tokens(r)} for p, c, r in lengths]


def batch_of(pairs):
    rows = [(pair["prompt"], pair[side]) for side in ("chosen", "rejected") for pair in pairs]
    longest = max(len(prompt) + len(answer) for prompt, answer in rows)
    filled = lambda row, what: row + [what] * (longest - len(row))
    return {
        "input_ids": torch.tensor([filled(prompt + answer, 0) for prompt, answer in rows]),
        "attention_mask": torch.tensor([filled([1] * len(prompt + answer), 0) for prompt, answer in rows]),
        "completion_mask": torch.tensor([filled([0] * len(prompt) + [1] * len(answer), 0) for prompt, answer in rows]),
    }


def load():
    model = transformers.AutoModelForCausalLM.from_pretrained(MODEL, dtype=torch.float32, attn_implementation="eager")
    return model.eval()


def make_trainer():
    trainer = DPOTrainer.__new__(DPOTrainer)
    trainer.model, trainer.ref_model = load(), load()
    with torch.no_grad():
        for name, parameter in trainer.ref_model.named_parameters():
            if "o_proj" in name or "down_proj" in name:
                parameter.mul_(-0.5)
    add_fused_lm_head(trainer.model, outputs=("log_probs", "entropy", "mean_logits", "is_top1", "log_sum_sq_probs"))
    add_fused_lm_head(trainer.ref_model)
    alone = lambda x: x
    trainer.accelerator = types.SimpleNamespace(device=torch.device("cpu"), gather=alone, gather_for_metrics=alone)
    trainer.precompute_ref_logps = trainer.aux_loss_enabled = False
    trainer._metrics, trainer._total_train_tokens, trainer._tp_size = {"eval": defaultdict(list)}, 0, 1
    return trainer


def configure(trainer, case):
    trainer.loss_types = case["loss_type"]
    trainer.loss_weights = case.get("loss_weights", [1.0] * len(trainer.loss_types))
    trainer.beta = case.get("beta", 0.1)
    trainer.label_smoothing = case.get("label_smoothing", 0.0)
    trainer.f_divergence_type = case.get("f_divergence_type", "reverse_kl")
    trainer.f_alpha_divergence_coef = case.get("f_alpha_divergence_coef", 0.5)
    trainer.use_weighting = case.get("use_weighting", False)
    trainer.ld_alpha = case.get("ld_alpha")
    trainer.args = types.SimpleNamespace(
        discopop_tau=case.get("discopop_tau", 0.05), gradient_checkpointing=False, gradient_checkpointing_kwargs=None
    )


def summary(gradient):
    flat = gradient.flatten().double()
    weights = ((torch.arange(flat.numel()) * 7919 % 97) - 48).double() / 48
    step = flat.numel() // ELEMENTS
    return {
        "norm": flat.norm().item(),
        "largest": flat.abs().max().item(),
        "weighted": (flat * weights).sum().item(),
        "elements": [flat[i * step + 7].item() for i in range(ELEMENTS)],
    }


def solve(trainer, case, batch):
    configure(trainer, case)
    trainer.model.zero_grad()
    loss = trainer._compute_loss(trainer.model, dict(batch), False)
    loss.backward()
    parameters = dict(trainer.model.named_parameters())
    gradients = {name: summary(parameters[name].grad) for name in PARAMETERS}
    figures = {name: trainer._metrics["eval"].pop(f"rewards/{name}")[0] for name in ("accuracies", "margins")}
    return {"preference": case, "loss": loss.item(), **figures, "gradients": gradients}


def main():
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    trainer = make_trainer()
    pairs = pairs_of(trainer.model.config.vocab_size)
    batch = batch_of(pairs)
    versions = {"trl": trl.__version__, "transformers": transformers.__version__, "torch": torch.__version__}
    solved = [json.dumps(solve(trainer, case, batch)) for case in cases()]
    head = {"versions": versions, "seed": SEED, "pairs": pairs}
    lines = json.dumps(head)[:-1] + ', "cases": [\n' + ",\n".join(solved) + "\n]}\n"
    (GOLDEN / "preference.json").write_text(lines)


if __name__ == "__main__":
    main()
