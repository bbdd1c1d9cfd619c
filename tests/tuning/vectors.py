"""What models of texts learn from Korean pairs that others made: KLUE-STS (two sentences with a score of 0 to 5) and
ParaKQC (ten ways to say the same thing), each split by a hash, so that nothing that is measured on was seen. KLUE-STS
has few pairs: each of three parts is measured by a model that learnt from the other two.
"""
import hashlib
import json
import math
import random

RESAMPLES = 2000
FOLDS = 3


def place(text):
    """From 0 to 1, the same for the same text."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") / 2**64


def is_unseen(text, share):
    return place(text) < share


def sentence_folds(data):
    """FOLDS lists of {"sentence1", "sentence2", "score"}."""
    rows = json.loads((data / "klue/klue-sts-v1.1_dev.json").read_text())
    folds = [[] for _ in range(FOLDS)]
    for row in rows:
        folds[int(place(row["sentence1"]) * FOLDS)].append(
            {"sentence1": row["sentence1"], "sentence2": row["sentence2"], "score": row["labels"]["real-label"]})
    return folds


def paraphrases(data):
    """(seen, unseen) groups of ten sentences."""
    sentences = [line.rstrip("\r\n").split("\t")[2] for line in open(data / "parakqc/paraKQC_v1.txt") if line.strip()]
    groups = [sentences[i : i + 10] for i in range(0, len(sentences), 10)]
    unseen = [group for group in groups if is_unseen(group[0], 0.3)]
    return [group for group in groups if group not in unseen], unseen


def ranks(values):
    order = sorted(range(len(values)), key=values.__getitem__)
    result, begin = [0.0] * len(values), 0
    while begin < len(order):
        end = begin
        while end < len(order) and values[order[end]] == values[order[begin]]:
            end += 1
        for place in order[begin:end]:
            result[place] = (begin + end - 1) / 2
        begin = end
    return result


def spearman(pairs):
    x, y = ranks([a for a, _ in pairs]), ranks([b for _, b in pairs])
    mean = (len(pairs) - 1) / 2
    product = sum((a - mean) * (b - mean) for a, b in zip(x, y))
    return product / math.sqrt(sum((a - mean) ** 2 for a in x) * sum((b - mean) ** 2 for b in y))


def mean_spearman(items):
    """Of (cosine, score, part): of each part by itself, since cosines of two models cannot be ranked together."""
    parts = {}
    for cosine, score, part in items:
        parts.setdefault(part, []).append((cosine, score))
    return sum(map(spearman, parts.values())) / len(parts)


def share(rights):
    return sum(rights) / len(rights)


def gain(before, after, figure):
    """The gain of a figure over items measured twice, and its 95 % interval by resampling items."""
    draw, gains = random.Random(9), []
    for _ in range(RESAMPLES):
        chosen = [draw.randrange(len(before)) for _ in before]
        gains.append(figure([after[i] for i in chosen]) - figure([before[i] for i in chosen]))
    gains.sort()
    return figure(after) - figure(before), gains[RESAMPLES // 40], gains[-RESAMPLES // 40 - 1]


class Texts:
    """The vectors that a model of a home makes."""

    def __init__(self, home):
        self.home = home

    def vectors(self, model, texts):
        file = self.home.root / "texts.jsonl"
        file.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
        rows = self.home.run("embed", model, file, "--dtype", "f32")["data"]
        lengths = [math.hypot(*row["embedding"]) for row in rows]
        return [[x / length for x in row["embedding"]] for row, length in zip(rows, lengths)]

    def sentence_scores(self, model, lines):
        """(cosine, score) of each pair."""
        vectors = self.vectors(model, [line[side] for line in lines for side in ("sentence1", "sentence2")])
        return [(sum(a * b for a, b in zip(vectors[2 * i], vectors[2 * i + 1])), line["score"])
                for i, line in enumerate(lines)]

    def found(self, model, groups):
        """Whether the second sentence of a group is the closest to its first, among those of all groups."""
        vectors = self.vectors(model, [group[i] for i in (0, 1) for group in groups])
        queries, documents = vectors[: len(groups)], vectors[len(groups) :]
        cosines = lambda query: [sum(a * b for a, b in zip(query, document)) for document in documents]
        return [max(range(len(groups)), key=cosines(query).__getitem__) == i for i, query in enumerate(queries)]


def write_lines(home, name, lines):
    file = home.root / name
    file.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))
    return file


def prove(home, data, models, report):
    """`models`: what is tuned, by what it is called, with the words of a command that it needs."""
    texts = Texts(home)
    folds = sentence_folds(data)
    seen_groups, unseen_groups = paraphrases(data)
    same = write_lines(home, "same.jsonl", [{"query": group[0], "positives": group[1:4]} for group in seen_groups])
    for model, words in models.items():
        tune = lambda name, file, *more: home.run("tune", "method=embed", f"model={model}", f"name={name}",
                                                  f"data={file}", *more, *words)
        base = f"{model}-begun"  # the same weights, as a sentence encoder
        tune(base, same, "steps=1", "optimizer.lr=1e-9", "validation.keep_best=false")

        tune(f"{model}-parakqc", same, "held_out=0.1")
        before, after = texts.found(base, unseen_groups), texts.found(f"{model}-parakqc", unseen_groups)
        report_gain(report, f"{model} on {len(before)} unseen of ParaKQC: closest", before, after, share)

        before, after = [], []
        for i, fold in enumerate(folds):
            others = [line for other in folds if other is not fold for line in other]
            seen = write_lines(home, f"scored-{i}.jsonl", others)
            tune(f"{model}-klue-sts-{i}", seen, "held_out=0.1", "highest_score=5", "epochs=6")
            before += [(*pair, i) for pair in texts.sentence_scores(base, fold)]
            after += [(*pair, i) for pair in texts.sentence_scores(f"{model}-klue-sts-{i}", fold)]
        report_gain(report, f"{model} on {len(before)} pairs of KLUE-STS: Spearman", before, after, mean_spearman)


def report_gain(report, what, before, after, figure):
    mean, low, high = gain(before, after, figure)
    report(f"{what} {figure(before):.3f} -> {figure(after):.3f}, gain {mean:+.3f} [{low:+.3f}, {high:+.3f}]", low > 0)
