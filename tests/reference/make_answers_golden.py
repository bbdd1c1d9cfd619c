"""tests/golden/answers.json: losses and gradients of TRL's KTOTrainer._compute_loss, and of get_batch_loss_metrics of
its ORPOTrainer and CPOTrainer, for their options, in f64 where TRL does not turn to f32.

Run: python tests/reference/make_answers_golden.py, with trl==1.16.0 beside requirements.txt.
"""
import types
from collections import defaultdict

import torch
import trl
from trl.experimental.cpo.cpo_trainer import CPOTrainer
from trl.experimental.orpo.orpo_trainer import ORPOTrainer
from trl.trainer.kto_trainer import KTOTrainer, add_fused_lm_head

import trl_golden

LENGTHS = [(4, 6, 9), (7, 12, 5), (3, 4, 4), (9, 1, 11), (2, 6, 6), (5, 5, 5), (3, 7, 6)]  # prompt, chosen, rejected
LABELS = [True, False, True, True, False, True, False]  # of answers, taken each by itself


def kto_cases():
    yield {}
    yield {"beta": 0.5}
    yield {"desirable_weight": 1.33, "undesirable_weight": 0.75}
    yield {"beta": 1.0, "undesirable_weight": 3.0}
    yield {"loss_type": "apo_zero_unpaired"}
    yield {"loss_type": "apo_zero_unpaired", "beta": 0.7, "desirable_weight": 0.5}


def orpo_cases():
    yield {}
    yield {"beta": 1.0}
    yield {"beta": 0.0}


def cpo_cases():
    for kind in ["sigmoid", "hinge", "ipo", "simpo"]:
        yield {"loss_type": kind}
        yield {"loss_type": kind, "beta": 2.0, "cpo_alpha": 0.0}
    yield {"loss_type": "simpo", "beta": 2.5, "simpo_gamma": 1.4, "cpo_alpha": 0.0}
    yield {"loss_type": "sigmoid", "label_smoothing": 0.2}
    yield {"loss_type": "simpo", "label_smoothing": 0.1, "cpo_alpha": 0.3}
    yield {"loss_type": "simpo", "alpha": 0.25, "cpo_alpha": 0.0}
    yield {"loss_type": "hinge", "alpha": -0.1}


def bare(kind, **members):
    trainer = kind.__new__(kind)
    same = lambda x: x
    trainer.accelerator = types.SimpleNamespace(device=torch.device("cpu"), gather=same, gather_for_metrics=same)
    trainer.aux_loss_enabled = trainer.is_encoder_decoder = False
    for name, value in members.items():
        setattr(trainer, name, value)
    return trainer


def solved(method, case, loss, model, figures):
    loss.backward()
    return {"method": method, "config": case, "loss": loss.item(), "figures": figures,
            "gradients": trl_golden.gradients(model)}


def kto(side, case, model, reference, pairs):
    trainer = bare(KTOTrainer, model=model, ref_model=reference, precompute_ref_logps=False, _tp_size=1)
    trainer._metrics, trainer._total_train_tokens = {"eval": defaultdict(list)}, 0
    trainer.args = types.SimpleNamespace(gradient_checkpointing_kwargs=None)
    trainer.loss_type, trainer.beta = case.get("loss_type", "kto"), case.get("beta", 0.1)
    trainer.calculate_KL = trainer.loss_type == "kto"
    trainer.desirable_weight = case.get("desirable_weight", 1.0)
    trainer.undesirable_weight = case.get("undesirable_weight", 1.0)
    own = [(pair["prompt"], pair[side]) for pair in pairs]
    other = [(own[i][0], own[i - 1][1]) for i in range(len(own))]
    batch = {"label": torch.tensor(LABELS)}
    for prefix, rows in (("", own), ("KL_", other)):
        names = (f"{prefix}input_ids", f"{prefix}attention_mask", f"{prefix}completion_mask")
        batch.update(zip(names, trl_golden.padded(rows)))
    model.zero_grad()
    loss = trainer._compute_loss(model, batch, False)
    told = {name: trainer._metrics["eval"][name][0] for name in ("kl", "rewards/chosen", "rewards/rejected")}
    figures = {"reward_desirable": told["rewards/chosen"], "reward_undesirable": told["rewards/rejected"]}
    if trainer.calculate_KL:
        figures["kl"] = told["kl"]
    return {"side": side} | solved("kto", case, loss, model, figures)


def pairs_batch(pairs):
    batch = {}
    for side in ("chosen", "rejected"):
        ids, attention, completion = trl_golden.padded([(pair["prompt"], pair[side]) for pair in pairs])
        batch |= {f"{side}_input_ids": ids, f"{side}_attention_mask": attention,
                  f"{side}_labels": ids.masked_fill(completion == 0, -100)}
    return batch


def of_pairs(method, kind, defaults, case, model, pairs):
    trainer = bare(kind, padding_value=0, pad_token_id=0, **{**defaults, **case})
    model.zero_grad()
    loss, told = trainer.get_batch_loss_metrics(model, pairs_batch(pairs), "train")
    figures = {"accuracy": told["rewards/accuracies"], "margin": told["rewards/margins"]}
    if defaults.get("cpo_alpha", 1) and case.get("cpo_alpha", 1):
        figures["nll"] = told["nll_loss"]
    return solved(method, case, loss, model, figures)


def main():
    trl_golden.begin()
    model, reference = trl_golden.load(torch.float64), trl_golden.load_reference(torch.float64)
    tokens = trl_golden.random_tokens(model.config.vocab_size)
    pairs = [{"prompt": tokens(p), "chosen": tokens(c), "rejected": tokens(r)} for p, c, r in LENGTHS]
    orpo = {"beta": 0.1}
    cpo = {"beta": 0.1, "label_smoothing": 0.0, "loss_type": "sigmoid"}
    cpo |= {"cpo_alpha": 1.0, "simpo_gamma": 0.5, "alpha": 0.0}
    cases = [of_pairs("orpo", ORPOTrainer, orpo, case, model, pairs) for case in orpo_cases()]
    cases += [of_pairs("cpo", CPOTrainer, cpo, case, model, pairs) for case in cpo_cases()]
    add_fused_lm_head(model, outputs=("log_probs", "entropy", "mean_logits"))
    add_fused_lm_head(reference)
    sides = ("chosen", "rejected")  # the model has gone from the reference with the one, not with the other: z is 0
    cases += [kto(side, case, model, reference, pairs) for side in sides for case in kto_cases()]
    head = {"versions": trl_golden.versions(trl), "pairs": pairs, "labels": LABELS}
    trl_golden.write("answers.json", head, cases)


if __name__ == "__main__":
    main()
