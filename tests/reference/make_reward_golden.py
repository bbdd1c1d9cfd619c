"""tests/golden/reward.json: losses, gradients and scores of a reward model, from its formula written out in PyTorch, in
f64.

The decoder is tests/golden/models/llama without its head; element i of the score's weight is
(i * 7919 % 97 - 48) / 480.
Run: python tests/reference/make_reward_golden.py
"""
import torch
import transformers

import trl_golden

LENGTHS = [(4, 6, 9), (7, 12, 5), (3, 4, 4), (9, 1, 11), (2, 6, 6)]  # prompt, chosen, rejected
MARGINS = [0.5, -1.0, 2.25, 0.0, 1.0]
SCORE = "score.weight"


def cases():
    yield {}, False
    yield {}, True
    yield {"center_rewards_coefficient": 0.01}, False
    yield {"center_rewards_coefficient": 0.5}, True


def loss_of(chosen, rejected, margins, coefficient):
    """-log sigmoid(r_c - r_r - m) + w (r_c + r_r)^2, the mean over pairs (Touvron et al. 2023, eq. 2, with the term of
    Eisenstein et al. 2023, eq. 2)."""
    ranking = torch.log1p(torch.exp(-(chosen - rejected - margins)))
    return (ranking + coefficient * (chosen + rejected) ** 2).mean()


def solve(decoder, score, pairs, config, with_margins):
    decoder.zero_grad()
    score.grad = None
    reward = lambda tokens: decoder(torch.tensor([tokens])).last_hidden_state[0, -1] @ score
    chosen, rejected = (
        torch.stack([reward(pair["prompt"] + pair[side]) for pair in pairs]) for side in ("chosen", "rejected")
    )
    margins = torch.tensor(MARGINS if with_margins else [0.0] * len(pairs), dtype=torch.float64)
    loss = loss_of(chosen, rejected, margins, config.get("center_rewards_coefficient", 0.0))
    loss.backward()
    name = "layers.1.self_attn.q_proj.weight"
    gradients = {f"model.{name}": trl_golden.gradients(decoder, [name])[name], SCORE: trl_golden.summary(score.grad)}
    return {"config": config, "margins": with_margins, "loss": loss.item(), "chosen": chosen.tolist(),
            "rejected": rejected.tolist(), "gradients": gradients}


def main():
    trl_golden.begin()
    decoder = transformers.AutoModel.from_pretrained(
        trl_golden.MODEL, dtype=torch.float64, attn_implementation="eager"
    ).eval()
    numbers = torch.arange(decoder.config.hidden_size) * 7919 % 97 - 48
    score = (numbers.double() / 480).requires_grad_()
    tokens = trl_golden.random_tokens(decoder.config.vocab_size)
    pairs = [{"prompt": tokens(p), "chosen": tokens(c), "rejected": tokens(r)} for p, c, r in LENGTHS]
    head = {"versions": trl_golden.versions(), "pairs": pairs, "margins": MARGINS}
    trl_golden.write("reward.json", head, [solve(decoder, score, pairs, *case) for case in cases()])


if __name__ == "__main__":
    main()
