"""tests/golden/ranking.json: losses and gradients of scores of documents to a query, from their formulas written out in
PyTorch, in f64.

The decoder is tests/golden/models/llama without its head; element i of the score's weight is
(i * 7919 % 97 - 48) / 480. The first text of a group is the query with its right document.
Run: python tests/reference/make_ranking_golden.py
"""
import torch
import transformers

import trl_golden

LENGTHS = [(9, 6, 4), (12, 5), (4, 4, 11, 3), (1, 8)]
SCORE = "score.weight"


def pairwise(scores):
    """The mean over wrong documents of -log sigmoid(s_right - s_wrong) (Burges et al. 2005)."""
    return torch.log1p(torch.exp(-(scores[0] - scores[1:]))).mean()


def listwise(scores):
    """-log(exp s_right / sum of exp s) (Cao et al. 2007)."""
    return -torch.log(torch.exp(scores[0]) / torch.exp(scores).sum())


def scores_of(decoder, score, group):
    return torch.stack([decoder(torch.tensor([tokens])).last_hidden_state[0, -1] @ score for tokens in group])


def solve(decoder, score, groups, loss_of):
    decoder.zero_grad()
    score.grad = None
    loss = torch.stack([loss_of(scores_of(decoder, score, group)) for group in groups]).mean()
    loss.backward()
    name = "layers.1.self_attn.q_proj.weight"
    gradients = {f"model.{name}": trl_golden.gradients(decoder, [name])[name], SCORE: trl_golden.summary(score.grad)}
    return {"config": {"loss_type": loss_of.__name__}, "loss": loss.item(), "gradients": gradients}


def main():
    trl_golden.begin()
    decoder = transformers.AutoModel.from_pretrained(
        trl_golden.MODEL, dtype=torch.float64, attn_implementation="eager"
    ).eval()
    numbers = torch.arange(decoder.config.hidden_size) * 7919 % 97 - 48
    score = (numbers.double() / 480).requires_grad_()
    tokens = trl_golden.random_tokens(decoder.config.vocab_size)
    groups = [[tokens(count) for count in lengths] for lengths in LENGTHS]
    ranks = [1 + (s[1:] >= s[0]).sum().item() for s in (scores_of(decoder, score, group) for group in groups)]
    mean = lambda figures: sum(figures) / len(ranks)
    head = {"versions": trl_golden.versions(), "groups": groups, "accuracy": mean([rank == 1 for rank in ranks]),
            "mrr": mean([1 / rank for rank in ranks])}
    trl_golden.write("ranking.json", head, [solve(decoder, score, groups, loss) for loss in (pairwise, listwise)])


if __name__ == "__main__":
    main()
