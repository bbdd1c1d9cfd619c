"""SentencePiece models, tiktoken ranks and BERT vocabularies against the libraries that define them: the fixtures, and
models trained here with every option that changes what comes out.

On the texts of tests/texts, at full scale also on those of ../shared/data. Skips, saying why, where the Python packages or
the program are absent.
"""

import base64
import io
import json
import random

import pytest

sentencepiece = pytest.importorskip("sentencepiece")
from tokenizer_kinds_test import EDGES, FILES, LINES, language_lines  # noqa: E402
from texts import DATA, FULL, LANGUAGES, small_lines  # noqa: E402
from tokenizer_reference_test import TOOL, qwen2_files, tool, write_lines  # noqa: E402

pytestmark = pytest.mark.skipif(not TOOL.exists(), reason=f"{TOOL} is not built (set MARU_BUILD)")

FIXTURES = DATA / "fixtures" / "tokenizers"
NO_CONTROL = [t for t in EDGES if "<" not in t and "\x00" not in t]


@pytest.fixture(scope="session")
def lines():
    rng = random.Random(6)
    alphabet = list("  ▁\tabAB01.,!\u3000éﬁ２가나漢ひกำہहעс🔥\u0301\u200d")
    noise = ["".join(rng.choices(alphabet, k=rng.randint(1, 30))) for _ in range(1500)]
    rows = [row for language in FILES for row in language_lines(language, LINES)]
    return NO_CONTROL + noise + [row for row in rows if "<" not in row and "\x00" not in row]


def assert_same(path, processor, lines, tmp_path):
    got = tool("full", path, write_lines(tmp_path / "lines.jsonl", lines))
    expected = processor.encode(lines)
    for line, ours, ids in zip(lines, got, expected):
        assert ours["plain"] == ids, repr(line[:300])
        assert ours["stream_equal"]
        if processor.unk_id() not in ids and "\u2581" not in line:  # spelled out in front, SentencePiece swallows it
            assert ours["text"] == processor.decode(ids), repr(line[:300])


if FULL:

    @pytest.mark.parametrize("name", ["test_model.model", "test_ja_model.model"])
    def test_fixtures(name, lines, tmp_path):
        path = FIXTURES / "sentencepiece" / name
        assert_same(path, sentencepiece.SentencePieceProcessor(model_file=str(path)), lines, tmp_path)


OPTIONS = {
    "unigram": {"model_type": "unigram"},
    "unigram_bytes": {"model_type": "unigram", "byte_fallback": True, "normalization_rule_name": "nfkc_cf"},
    "unigram_symbols": {"model_type": "unigram", "user_defined_symbols": ["<sep>", "ab", "가나"], "control_symbols": ["<c>"]},
    "unigram_as_is": {"model_type": "unigram", "normalization_rule_name": "identity", "add_dummy_prefix": False, "remove_extra_whitespaces": False},
    "unigram_suffix": {"model_type": "unigram", "treat_whitespace_as_suffix": True},
    "bpe": {"model_type": "bpe"},
    "bpe_bytes": {"model_type": "bpe", "byte_fallback": True, "normalization_rule_name": "identity", "remove_extra_whitespaces": False, "allow_whitespace_only_pieces": True, "split_digits": True},
    "bpe_symbols": {"model_type": "bpe", "user_defined_symbols": ["<sep>", "ab", "▁▁", "가나"]},
}


@pytest.mark.parametrize("name", OPTIONS)
def test_trained_models(name, lines, tmp_path):
    rows = [row for language in FILES for row in language_lines(language, 500)]
    out = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(rows), model_writer=out, vocab_size=3500 if FULL else 1800, character_coverage=0.98, num_threads=1, minloglevel=2, **OPTIONS[name]
    )
    path = tmp_path / "t.model"
    path.write_bytes(out.getvalue())
    assert_same(path, sentencepiece.SentencePieceProcessor(model_proto=out.getvalue()), lines + ["a<sep>ab 가나다", "ab  ab"], tmp_path)


PATTERNS = {
    "cl100k_base": r"""'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s""",
    "r50k_base": r"""'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s""",
    "o200k_base": "|".join(
        [
            r"""[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?""",
            r"""[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?""",
            r"""\p{N}{1,3}""",
            r""" ?[^\s\p{L}\p{N}]+[\r\n/]*""",
            r"""\s*[\r\n]+""",
            r"""\s+(?!\S)""",
            r"""\s+""",
        ]
    ),
}


@pytest.mark.parametrize("name", PATTERNS)
def test_tiktoken(name, qwen2_files, lines, tmp_path):
    tiktoken = pytest.importorskip("tiktoken")
    alphabet = qwen2_files[0]
    letters = [c for c in range(256) if 33 <= c <= 126 or 161 <= c <= 172 or 174 <= c]
    byte_of = {chr(c): c for c in letters} | {chr(256 + i): b for i, b in enumerate(b for b in range(256) if b not in letters)}
    ranks = {bytes(byte_of[c] for c in token): rank for token, rank in alphabet.items() if rank < 20_000}
    path = tmp_path / f"{name}.tiktoken"
    path.write_text("".join(f"{base64.b64encode(t).decode()} {r}\n" for t, r in ranks.items()))
    theirs = tiktoken.Encoding(name, pat_str=PATTERNS[name], mergeable_ranks=ranks, special_tokens={})
    got = tool("ids", path, write_lines(tmp_path / "lines.jsonl", lines))
    for line, ours in zip(lines, got):
        assert ours == theirs.encode(line, disallowed_special=()), repr(line[:300])


def test_bert_vocabulary_directory(lines, tmp_path):
    transformers = pytest.importorskip("transformers")
    from tokenizer_kinds_test import bert_like

    vocab = bert_like([row for language in FILES for row in language_lines(language, 300)]).get_vocab()
    ordered = sorted((token for token in vocab), key=vocab.get)
    (tmp_path / "vocab.txt").write_text("".join(token + "\n" for token in ordered))
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "BertTokenizer", "do_lower_case": False, "cls_token": "[CLS]"}))
    theirs = transformers.BertTokenizer.from_pretrained(tmp_path, do_lower_case=False)
    got = tool("full", tmp_path, write_lines(tmp_path / "lines.jsonl", lines))
    for line, ours, ids in zip(lines, got, theirs(lines)["input_ids"]):
        assert ours["ids"] == ids, repr(line[:300])
