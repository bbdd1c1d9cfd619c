"""tests/golden/group_policy.json: losses and gradients of TRL's own GRPOTrainer._compute_loss for every loss_type and
option, on tests/golden/models/llama in f32; advantages of rewards by the formulas of its
_generate_and_score_completions, written out; its defaults.

The reference is the same model with o_proj and down_proj of every block times -0.5. Log-probabilities of the model that
sampled are those of the model plus noise that is in the file. Of two parameters' gradients the norm, the largest
element, the sum with fixed weights and a few elements are kept.
Run: python tests/reference/make_group_policy_golden.py, with trl==1.16.0 beside requirements.txt.
"""
import contextlib
import dataclasses
import json
import random
import types
from collections import defaultdict

import torch
import transformers
import trl
from trl.trainer.grpo_config import GRPOConfig
from trl.trainer.grpo_trainer import GRPOTrainer
from trl.trainer.utils import add_fused_lm_head, nanstd

from make_preference_golden import GOLDEN, PARAMETERS, load, summary

SEED = 21
LENGTHS = [(4, 6), (7, 12), (3, 1), (9, 11), (2, 6), (5, 9)]
ADVANTAGES = [1.2, -0.7, 0.4, -1.5, 0.0, 0.9]
MAX_COMPLETION_LENGTH = 16
DEFAULTS = [
    "learning_rate", "beta", "num_generations", "max_completion_length", "temperature", "num_iterations", "epsilon",
    "epsilon_high", "delta", "importance_sampling_level", "scale_rewards", "loss_type", "mask_truncated_completions",
    "multi_objective_aggregation", "use_bias_correction_kl", "sapo_temperature_neg", "sapo_temperature_pos",
    "vespo_k_pos", "vespo_lambda_pos", "vespo_k_neg", "vespo_lambda_neg",
]


def cases():
    for kind in ["grpo", "bnpo", "dr_grpo", "dapo", "cispo", "luspo", "sapo", "vespo"]:
        yield {"loss_type": kind}
        yield {"loss_type": kind, "importance_sampling_level": "sequence", "beta": 0.1}
    yield {"loss_type": "dapo", "epsilon": 0.1, "epsilon_high": 0.28}
    yield {"loss_type": "dapo", "epsilon": 0.05, "delta": 1.3}
    yield {"loss_type": "grpo", "importance_sampling_level": "sequence", "epsilon": 0.02, "epsilon_high": 0.03}
    yield {"loss_type": "cispo", "epsilon_high": 5.0}
    yield {"loss_type": "cispo", "epsilon_high": 0.9, "beta": 0.04}
    for correction in [True, False]:
        yield {"loss_type": "dapo", "beta": 0.3, "use_bias_correction_kl": correction}
        yield {"loss_type": "grpo", "beta": 0.3, "use_bias_correction_kl": correction}
    yield {"loss_type": "sapo", "sapo_temperature_neg": 2.0, "sapo_temperature_pos": 0.5}
    powers = {"vespo_k_pos": 1.0, "vespo_lambda_pos": 2.0, "vespo_k_neg": 2.0, "vespo_lambda_neg": 1.0}
    yield {"loss_type": "vespo"} | powers
    yield {"loss_type": "dapo", "temperature": 0.7}
    yield {"loss_type": "grpo", "temperature": 1.3, "beta": 0.1}
    yield {"loss_type": "dapo", "fresh": True}  # the model has not changed since it sampled
    yield {"loss_type": "grpo", "fresh": True, "beta": 0.1}


def answers_of(vocabulary):
    rng = random.Random(SEED)
    tokens = lambda count: [rng.randrange(3, vocabulary) for _ in range(count)]
    noise = lambda count: [round(rng.gauss(0, 0.3), 6) for _ in range(count)]
    return [
        {"prompt": tokens(p), "answer": tokens(c), "noise": noise(c), "advantage": a}
        for (p, c), a in zip(LENGTHS, ADVANTAGES)
    ]


def batch_of(answers):
    most_prompt, most_answer = max(p for p, _ in LENGTHS), max(c for _, c in LENGTHS)
    left = lambda row: [0] * (most_prompt - len(row)) + row
    right = lambda row: row + [0] * (most_answer - len(row))
    return {
        "prompt_ids": torch.tensor([left(a["prompt"]) for a in answers]),
        "prompt_mask": torch.tensor([left([1] * len(a["prompt"])) for a in answers]),
        "completion_ids": torch.tensor([right(a["answer"]) for a in answers]),
        "completion_mask": torch.tensor([right([1] * len(a["answer"])) for a in answers]),
        "advantages": torch.tensor([a["advantage"] for a in answers]),
        "num_items_in_batch": torch.tensor(sum(len(a["answer"]) for a in answers)),
    }, torch.tensor([right(a["noise"]) for a in answers])


def make_reference():
    reference = load()
    with torch.no_grad():
        for name, parameter in reference.named_parameters():
            if "o_proj" in name or "down_proj" in name:
                parameter.mul_(-0.5)
    return reference


def make_trainer(temperature):
    trainer = GRPOTrainer.__new__(GRPOTrainer)
    trainer.model, trainer.reference = load(), make_reference()
    for model in (trainer.model, trainer.reference):
        add_fused_lm_head(model, temperature=temperature, outputs=("log_probs", "entropy"))
    alone = lambda x, **kwargs: x
    trainer.accelerator = types.SimpleNamespace(
        device=torch.device("cpu"), gather=alone, gather_for_metrics=alone, reduce=alone, num_processes=1,
        autocast=contextlib.nullcontext, is_main_process=True,
    )
    trainer.aux_loss_enabled = trainer.use_vllm = trainer._entropy_bonus_enabled = False
    trainer.top_entropy_quantile, trainer.off_policy_mask_threshold = 1.0, None
    trainer.current_gradient_accumulation_steps = 1
    trainer.max_completion_length = MAX_COMPLETION_LENGTH
    return trainer


def log_probs(trainer, model, batch):
    ids = torch.cat([batch["prompt_ids"], batch["completion_ids"]], dim=1)
    mask = torch.cat([batch["prompt_mask"], batch["completion_mask"]], dim=1)
    with torch.no_grad():
        return trainer._get_per_token_logps_and_entropies(model, ids, mask, batch["completion_ids"].size(1))[0]


def configure(trainer, case):
    value = lambda name: case.get(name, getattr(GRPOConfig, name, None))
    trainer.loss_type, trainer.beta = value("loss_type"), value("beta")
    trainer.importance_sampling_level = value("importance_sampling_level")
    trainer.epsilon_low = value("epsilon")
    trainer.epsilon_high = value("epsilon") if value("epsilon_high") is None else value("epsilon_high")
    names = [name for name in DEFAULTS if name.startswith(("sapo", "vespo"))] + ["delta", "use_bias_correction_kl"]
    trainer.args = types.SimpleNamespace(steps_per_generation=1, **{name: value(name) for name in names})
    trainer._metrics = {"eval": defaultdict(list)}


def solve(case, answers):
    trainer = make_trainer(case.get("temperature", 1.0))
    batch, noise = batch_of(answers)
    configure(trainer, case)
    if not case.get("fresh"):
        batch["old_per_token_logps"] = log_probs(trainer, trainer.model, batch) + noise
    batch["ref_per_token_logps"] = log_probs(trainer, trainer.reference, batch)
    loss = trainer._compute_loss(trainer.model, batch)
    loss.backward()
    parameters = dict(trainer.model.named_parameters())
    metrics = trainer._metrics["eval"]
    clipped = metrics.get("clip_ratio/region_mean", metrics.get("cispo_clip_ratio", [0.0]))[0]
    config = {name: what for name, what in case.items() if name != "fresh"}
    return {
        "group_policy": config | {"max_completion_length": MAX_COMPLETION_LENGTH},
        "fresh": case.get("fresh", False),
        "loss": loss.item(),
        "clipped": clipped,
        "kl": metrics.get("kl", [0.0])[0],
        "gradients": {name: summary(parameters[name].grad) for name in PARAMETERS},
    }


def advantages_of(rewards, weights, group, scale, aggregation):
    """GRPOTrainer._generate_and_score_completions: rewards [answers, kinds], nan where one is not applicable."""
    nobody = torch.isnan(rewards).all(dim=1)
    if aggregation == "sum_then_normalize":
        total = (rewards * weights).nansum(dim=1)
        total[nobody] = torch.nan
        mean = torch.nanmean(total.view(-1, group), dim=1).repeat_interleave(group)
        advantages = total - mean
        if scale == "group":
            advantages /= nanstd(total.view(-1, group), dim=1).repeat_interleave(group) + 1e-4
        if scale == "batch":
            advantages /= nanstd(total) + 1e-4
        return torch.nan_to_num(advantages, nan=0.0)
    grouped = rewards.view(-1, group, rewards.size(1))
    normal = (grouped - torch.nanmean(grouped, dim=1, keepdim=True)) / (nanstd(grouped, dim=1, keepdim=True) + 1e-4)
    total = (normal.view(-1, rewards.size(1)) * weights).nansum(dim=1)
    total[nobody] = torch.nan
    return torch.nan_to_num((total - torch.nanmean(total)) / (nanstd(total) + 1e-4), nan=0.0)


def advantage_cases():
    rng = random.Random(SEED + 1)
    rewards = [[round(rng.gauss(0, 1), 4), round(rng.random() * 10, 4)] for _ in range(12)]
    rewards[4:8] = [[0.5, 2.0]] * 4  # a group that agrees
    lacking = [list(row) for row in rewards]
    lacking[1][0] = lacking[2][0] = lacking[2][1] = lacking[9][1] = None
    for kinds in (rewards, lacking):
        table = torch.tensor([[float("nan") if x is None else x for x in row] for row in kinds], dtype=torch.float64)
        weights = torch.tensor([1.0, 0.3], dtype=torch.float64)
        for scale, aggregation in [
            ("group", "sum_then_normalize"), ("batch", "sum_then_normalize"), ("none", "sum_then_normalize"),
            ("group", "normalize_then_sum"),
        ]:
            yield {
                "rewards": kinds, "weights": weights.tolist(), "num_generations": 4, "scale_rewards": scale,
                "multi_objective_aggregation": aggregation,
                "advantages": advantages_of(table, weights, 4, scale, aggregation).tolist(),
            }


def main():
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    answers = answers_of(load().config.vocab_size)
    versions = {"trl": trl.__version__, "transformers": transformers.__version__, "torch": torch.__version__}
    fields = {field.name: field.default for field in dataclasses.fields(GRPOConfig)}
    head = {
        "versions": versions, "seed": SEED, "defaults": {name: fields[name] for name in DEFAULTS}, "answers": answers,
        "advantages": list(advantage_cases()),
    }
    solved = [json.dumps(solve(case, answers)) for case in cases()]
    lines = json.dumps(head)[:-1] + ', "cases": [\n' + ",\n".join(solved) + "\n]}\n"
    (GOLDEN / "group_policy.json").write_text(lines)


if __name__ == "__main__":
    main()
