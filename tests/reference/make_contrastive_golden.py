"""tests/golden/contrastive.json: losses and gradients of vectors of texts, from their formulas written out in PyTorch,
in f64.

The decoder is tests/golden/models/llama without its head. One of the documents is right for two queries, and one query
stands there twice with two documents.
Run: python tests/reference/make_contrastive_golden.py
"""
import torch
import transformers

import trl_golden

LENGTHS = [(4, 9, [6, 5]), (7, 12, []), (3, 4, [8]), (9, 1, []), (2, 6, [3, 7, 2])]  # query, positive, negatives
SCORES = [0.2, 0.95, 0.5, 0.5, 0.0]
NAMES = ["embed_tokens.weight", "layers.1.self_attn.q_proj.weight"]


def cases():
    yield {}
    yield {"temperature": 0.5}
    yield {"pooling": "lasttoken", "temperature": 0.2}
    yield {"symmetric": True, "temperature": 0.1}


def embed(decoder, tokens, pooling):
    hidden = decoder(torch.tensor([tokens])).last_hidden_state[0]
    vector = hidden[-1] if pooling == "lasttoken" else hidden.mean(0)
    return vector / vector.norm()


def info_nce(decoder, groups, config):
    """-log of the share that exp(cosine / temperature) of the right document has among all documents (van den Oord et
    al. 2018, eq. 4), without those that are right for a query of the same tokens."""
    pooling, temperature = config.get("pooling", "mean"), config.get("temperature", 0.05)
    queries = [group["query"] for group in groups]
    documents, own = [], []
    for group in groups:
        own.append(len(documents))
        documents += [group["positive"], *group["negatives"]]
    right = [[documents[own[k]] for k in range(len(groups)) if queries[k] == query] for query in queries]
    counts = [[j == own[i] or documents[j] not in right[i] for j in range(len(documents))] for i in range(len(groups))]
    vectors = lambda texts: torch.stack([embed(decoder, tokens, pooling) for tokens in texts])
    scores = vectors(queries) @ vectors(documents).T / temperature
    share = lambda row, among, at: torch.logsumexp(row[among], 0) - row[at]
    counts = torch.tensor(counts)
    losses = [share(scores[i], counts[i], own[i]) for i in range(len(groups))]
    if config.get("symmetric"):
        back = [share(scores[:, own[i]], counts[:, own[i]], i) for i in range(len(groups))]
        losses = [(one + other) / 2 for one, other in zip(losses, back)]
    return torch.stack(losses).mean()


def cosent(decoder, groups, config):
    """log(1 + the sum of exp((cos_i - cos_j) / temperature) over pairs of pairs with y_i < y_j) (Su 2022)."""
    pooling, temperature = config.get("pooling", "mean"), config.get("temperature", 0.05)
    cosines = [embed(decoder, g["query"], pooling) @ embed(decoder, g["positive"], pooling) for g in groups]
    terms = [(cosines[i] - cosines[j]) / temperature for i in range(len(groups)) for j in range(len(groups))
             if SCORES[i] < SCORES[j]]
    return torch.logsumexp(torch.stack([torch.zeros((), dtype=torch.float64), *terms]), 0)


def solve(decoder, groups, loss_of, config):
    decoder.zero_grad()
    loss = loss_of(decoder, groups, config)
    loss.backward()
    told = trl_golden.gradients(decoder, NAMES)
    return {"loss_of": loss_of.__name__, "config": config, "loss": loss.item(),
            "gradients": {f"model.{name}": told[name] for name in NAMES}}


def main():
    trl_golden.begin()
    decoder = transformers.AutoModel.from_pretrained(
        trl_golden.MODEL, dtype=torch.float64, attn_implementation="eager"
    ).eval()
    tokens = trl_golden.random_tokens(decoder.config.vocab_size)
    groups = [{"query": tokens(q), "positive": tokens(p), "negatives": [tokens(n) for n in negatives]}
              for q, p, negatives in LENGTHS]
    groups[3]["positive"] = groups[1]["positive"]
    groups.append({"query": groups[0]["query"], "positive": tokens(5), "negatives": [groups[2]["positive"]]})
    solved = [solve(decoder, groups, info_nce, config) for config in cases()]
    solved += [solve(decoder, groups[:5], cosent, config) for config in list(cases())[:3]]
    head = {"versions": trl_golden.versions(), "groups": groups, "scores": SCORES}
    trl_golden.write("contrastive.json", head, solved)


if __name__ == "__main__":
    main()
