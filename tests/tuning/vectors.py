"""What models of texts learn from Korean pairs that others made: KLUE-STS (two sentences with a score of 0 to 5) and
ParaKQC (ten ways to say the same thing), each split by a hash, so that nothing that is measured on was seen.
"""
import hashlib
import json
import math
import random

RESAMPLES = 2000


def is_unseen(text, share):
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") < share * 2**64


def sentence_pairs(data):
    """(seen, unseen) of {"sentence1", "sentence2", "score"}."""
    rows = json.loads((data / "klue/klue-sts-v1.1_dev.json").read_text())
    lines = [{"sentence1": row["sentence1"], "sentence2": row["sentence2"], "score": row["labels"]["real-label"]}
             for row in rows]
    unseen = [line for line in lines if is_unseen(line["sentence1"], 0.4)]
    return [line for line in lines if line not in unseen], unseen


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
    seen_pairs, unseen_pairs = sentence_pairs(data)
    seen_groups, unseen_groups = paraphrases(data)
    scored = write_lines(home, "scored.jsonl", seen_pairs)
    same = write_lines(home, "same.jsonl", [{"query": group[0], "positives": group[1:4]} for group in seen_groups])
    for model, words in models.items():
        base = f"{model}-begun"
        home.run("tune", "method=embed", f"model={model}", f"name={base}", f"data={same}", "steps=1",
                 "optimizer.lr=1e-9", "validation.keep_best=false", *words)  # the same weights, as a sentence encoder
        for what, file, more, measure, items, figure, unit in (
            ("ParaKQC", same, [], texts.found, unseen_groups, share, "closest"),
            ("KLUE-STS", scored, ["highest_score=5", "epochs=6"], texts.sentence_scores, unseen_pairs, spearman,
             "Spearman"),
        ):
            name = f"{model}-{what.lower()}"
            home.run("tune", "method=embed", f"model={model}", f"name={name}", f"data={file}", "held_out=0.1", *more,
                     *words)
            before, after = measure(base, items), measure(name, items)
            mean, low, high = gain(before, after, figure)
            report(f"{model} on {len(items)} unseen of {what}: {unit} {figure(before):.3f} -> {figure(after):.3f}, "
                   f"gain {mean:+.3f} [{low:+.3f}, {high:+.3f}]", low > 0)
