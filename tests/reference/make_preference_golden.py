"""tests/golden/preference.json: losses and gradients of TRL's own DPOTrainer._compute_loss for every loss_type,
f-divergence, ld_alpha and mixtures.

Run: python tests/reference/make_preference_golden.py, with trl==1.16.0 beside requirements.txt.
"""
import types
from collections import defaultdict

import torch
import trl
from trl.trainer.dpo_trainer import DPOTrainer, add_fused_lm_head

import trl_golden

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
    tokens = trl_golden.random_tokens(vocabulary)
    lengths = [(4, 6, 9), (7, 12, 5), (3, 4, 4), (9, 1, 11), (2, 6, 6), (5, 5, 5), (3, 7, 6)]
    return [{"prompt": tokens(p), "chosen": tokens(c), "rejected": tokens(r)} for p, c, r in lengths]


def batch_of(pairs):
    rows = [(pair["prompt"], pair[side]) for side in ("chosen", "rejected") for pair in pairs]
    return dict(zip(("input_ids", "attention_mask", "completion_mask"), trl_golden.padded(rows)))


def make_trainer():
    trainer = DPOTrainer.__new__(DPOTrainer)
    trainer.model, trainer.ref_model = trl_golden.load(), trl_golden.load_reference()
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


def solve(trainer, case, batch):
    configure(trainer, case)
    trainer.model.zero_grad()
    loss = trainer._compute_loss(trainer.model, dict(batch), False)
    loss.backward()
    figures = {name: trainer._metrics["eval"].pop(f"rewards/{name}")[0] for name in ("accuracies", "margins")}
    return {"preference": case, "loss": loss.item(), **figures, "gradients": trl_golden.gradients(trainer.model)}


def main():
    trl_golden.begin()
    trainer = make_trainer()
    pairs = pairs_of(trainer.model.config.vocab_size)
    batch = batch_of(pairs)
    head = {"versions": trl_golden.versions(trl), "pairs": pairs}
    trl_golden.write("preference.json", head, [solve(trainer, case, batch) for case in cases()])


if __name__ == "__main__":
    main()
