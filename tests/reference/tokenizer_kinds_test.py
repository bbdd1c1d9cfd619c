"""Tokenizers of every kind against `tokenizers`: pipelines like those of XLM-R, BERT, Llama 2, Gemma, Llama 3, GPT-2 and
T5 and more, trained here on text of several languages; same ids, same text back, same pairs, same file after a round
trip. MARU_REFERENCE_LINES says how many lines of each language are compared (10,000 unless told).

On the texts of tests/texts, at full scale also on those of ../shared/data. Skips, saying why, where the Python packages or
the program are absent.
"""

import json
import os
import random
import unicodedata

import pytest

tokenizers = pytest.importorskip("tokenizers")
from texts import DATA, FULL, small_lines  # noqa: E402
from tokenizer_reference_test import TOOL, ids_of, texts_of, tool, write_lines  # noqa: E402

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers  # noqa: E402

pytestmark = pytest.mark.skipif(not TOOL.exists(), reason=f"{TOOL} is not built (set MARU_BUILD)")

LINES = int(os.environ.get("MARU_REFERENCE_LINES", "10000"))
FILES = {
    "ar": ["opensource_guide/ar.jsonl", "xquad/xquad.ar.json.zst", "react_docs_ar/ar.jsonl"],
    "de": ["xquad/xquad.de.json"],
    "el": ["xquad/xquad.el.json.zst"],
    "en": ["opensource_guide/en.jsonl", "xquad/xquad.en.json"],
    "fa": ["opensource_guide/fa.jsonl"],
    "hi": ["opensource_guide/hi.jsonl", "xquad/xquad.hi.json.zst"],
    "id": ["opensource_guide/id.jsonl", "hf_course/id.jsonl"],
    "ja": ["opensource_guide/ja.jsonl", "hf_course/ja.jsonl", "mdn_docs/ja.jsonl.zst"],
    "ko": ["opensource_guide/ko.jsonl", "korean_law/ko.jsonl", "rust_book_ko/ko.jsonl.zst"],
    "ru": ["xquad/xquad.ru.json.zst"],
    "th": ["xquad/xquad.th.json.zst", "hf_course/th.jsonl"],
    "tr": ["opensource_guide/tr.jsonl", "xquad/xquad.tr.json"],
    "vi": ["xquad/xquad.vi.json", "hf_course/vi.jsonl.zst"],
    "he": [],
    "code": [],
    "mixed": [],
    "zh": ["opensource_guide/zh-hans.jsonl", "opensource_guide/zh-hant.jsonl", "xquad/xquad.zh.json"],
}
EDGES = [
    "", " ", "   ", "\n", "\t\n \r\n", "\u3000", "\u00a0a\u00a0", "a", " a", "a ", "  a  b  ", "▁", "▁▁a", "a▁b", "<s>", " <s> ", "a<s>b",
    "<s></s>", "<unk>", "x <unk> y", "[CLS] a [SEP]", "<mask>", "a <mask> b", " <mask>  <mask> ", "word-bound-tok", "tok", "tok tok", "atokb",
    "TOK", "Ünïcödé", "e\u0301e\u0301", "\u0301", "a\u0301\u0302\u0303b", "İstanbul I", "ΑΣ ας", "ß ẞ", "ﬁ ﬀ ２ Ｘ ㎏", "é ệ ậ…",
    "👩\u200d👩\u200d👧\u200d👦 👍🏽 🇰🇷🇰🇷🇰", "\u05e9\u05dc\u05d5\u05dd \u200fעולם", "مرحبا\u200dبك", "می\u200cخواهم", "\x00\x01\x02\x7f\x85\x9f", "a\x00b", "\ufeffa\ufffdb",
    "\u200b\u2028\u2029", "你好世界 hello世界", "한글과 한자漢字와 カタカナ", "\u1112\u1161\u11ab\u1100\u1173\u11af", "กำน้ำ ลำ", "नमस्ते क्षेत्र", "1234567 ٣٤٥ ½ Ⅷ", "don't I'm we've",
    "a.b,c!d?e;f:g", "(([{}]))", "$100 + 2 = ^_^ `~|", "\U0010ffff\U000e0001", "𝕬𝖇𝖈 𠮷野家", "a" * 300, "가" * 150, " " * 200, "ab " * 100, "\u0e33\u0e49", "ᄀ ᅡ ᆨ",
]


def language_lines(language, count):
    if not FULL or not FILES[language]:
        return small_lines(language, min(count, 300))
    rng = random.Random(language)
    rows = [row for name in FILES[language] for text in texts_of(DATA / name) for row in text.splitlines() if row.strip()]
    rows = list(dict.fromkeys(rows))
    rng.shuffle(rows)
    return [row[:2000] for row in rows[:count]]


@pytest.fixture(scope="session")
def training_lines():
    return [row for language in FILES for row in language_lines(language, 1200)]


@pytest.fixture(scope="session")
def lines():
    rng = random.Random(5)
    alphabet = list(" \t\n▁<s>[]aAbBzZ019.,!?'\u0301\u0327\u200c\u200déÉßİñ가나힣ㄱ漢字ひカーกำเहि्عربעΣς🔥👩\u3000\ufe0f\u00ad½٣")
    noise = ["".join(rng.choices(alphabet, k=rng.randint(1, 30))) for _ in range(1500)]
    return EDGES + noise + [row for language in FILES for row in language_lines(language, LINES)]


def charsmap():
    """The rules that real files carry: NFKC with lower case or without, from SentencePiece itself."""
    sentencepiece = pytest.importorskip("sentencepiece")
    from sentencepiece import sentencepiece_model_pb2 as pb

    import io

    def of(rule):
        out = io.BytesIO()
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(["a b c d e f g", "h i j k l m n"]), model_writer=out, vocab_size=20, hard_vocab_limit=False, normalization_rule_name=rule, minloglevel=2
        )
        proto = pb.ModelProto()
        proto.ParseFromString(out.getvalue())
        return proto.normalizer_spec.precompiled_charsmap

    return of


BYTES = [f"<0x{b:02X}>" for b in range(256)]


def train_bpe(t, rows, **options):
    t.train_from_iterator(rows, trainers.BpeTrainer(vocab_size=3000, show_progress=False, **options))


def with_bytes(t):
    """A vocabulary with the byte tokens behind it, as conversions of SentencePiece's files have."""
    data = json.loads(t.to_str())
    vocab = data["model"]["vocab"]
    if isinstance(vocab, list):
        vocab += [[b, -20.0] for b in BYTES if b not in {v[0] for v in vocab}]
    else:
        for b in BYTES:
            vocab.setdefault(b, len(vocab))
    data["model"]["byte_fallback"] = True
    return Tokenizer.from_str(json.dumps(data))


def gpt2_like(rows):
    t = Tokenizer(models.BPE())
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    t.decoder = decoders.ByteLevel()
    train_bpe(t, rows, special_tokens=["<s>", "</s>", "<mask>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    t.post_processor = processors.RobertaProcessing(("</s>", 1), ("<s>", 0))
    t.add_special_tokens([AddedToken("<mask>", lstrip=True)])
    return t


def byte_level_without_all_bytes(rows):
    t = Tokenizer(models.BPE(unk_token="<unk>"))
    t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(True), pre_tokenizers.ByteLevel(add_prefix_space=False)])
    t.decoder = decoders.ByteLevel()
    train_bpe(t, rows[:1000], special_tokens=["<unk>", "<s>"], limit_alphabet=120)
    return t


def llama3_like(rows):
    pattern = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    t = Tokenizer(models.BPE(ignore_merges=True))
    split = pre_tokenizers.Split(Regex(pattern), behavior="isolated")
    t.pre_tokenizer = pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    t.decoder = decoders.ByteLevel()
    train_bpe(t, rows, initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    t.add_special_tokens(["<s>", "</s>"])
    bos = t.token_to_id("<s>")
    template = processors.TemplateProcessing(single="<s> $A", pair="<s> $A <s>:1 $B:1", special_tokens=[("<s>", bos)])
    t.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=False), template])
    return t


def llama2_like(rows):
    t = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True))
    t.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    train_bpe(t, [r[:200] for r in rows[:4000]], special_tokens=["<unk>", "<s>", "</s>"], limit_alphabet=400, max_token_length=12)
    t = with_bytes(t)
    t.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    t.post_processor = processors.TemplateProcessing(single="<s> $A", pair="<s> $A <s>:1 $B:1", special_tokens=[("<s>", 1)])
    t.add_tokens([AddedToken("tok", normalized=True), AddedToken("한글", normalized=True)])
    return t


def mistral_like(rows):
    """Metaspace that only touches the beginning of the text."""
    t = llama2_like(rows)
    t.normalizer = None
    t.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    return t


def gemma_like(rows):
    t = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True))
    t.normalizer = normalizers.Replace(" ", "▁")
    t.pre_tokenizer = pre_tokenizers.Split("▁", behavior="merged_with_previous")
    train_bpe(t, rows[:4000], special_tokens=["<pad>", "</s>", "<s>", "<unk>", "<mask>"], limit_alphabet=600)
    t = with_bytes(t)
    t.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    t.post_processor = processors.TemplateProcessing(single="<s> $A", pair="<s>:0 $A:0 <s>:1 $B:1", special_tokens=[("<s>", 2)])
    return t


def unigram(rows, normalizer, pre_tokenizer):
    t = Tokenizer(models.Unigram())
    t.normalizer, t.pre_tokenizer = normalizer, pre_tokenizer
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    t.train_from_iterator(rows[::3], trainers.UnigramTrainer(vocab_size=3000, special_tokens=special, unk_token="<unk>", show_progress=False, n_sub_iterations=1))
    return t


def xlmr_like(rows):
    rules = charsmap()("nmt_nfkc")
    t = unigram(rows, normalizers.Precompiled(rules), pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()]))
    t.decoder = decoders.Metaspace()
    marks = [("<s>", 0), ("</s>", 2)]
    t.post_processor = processors.TemplateProcessing(single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=marks)
    t.add_special_tokens([AddedToken("<mask>", lstrip=True)])
    t.enable_truncation(128)
    t.enable_padding(pad_id=1, pad_token="<pad>")
    t.no_truncation()
    t.no_padding()
    return t


def t5_like(rows):
    rules = charsmap()("nmt_nfkc_cf")
    normalizer = normalizers.Sequence([normalizers.Precompiled(rules), normalizers.Strip(left=False, right=True), normalizers.Replace(Regex(" {2,}"), "▁")])
    t = unigram(rows, normalizer, pre_tokenizers.Metaspace(prepend_scheme="first"))
    t.decoder = decoders.Metaspace(prepend_scheme="first")
    t.post_processor = processors.TemplateProcessing(single=["$A", "</s>"], pair=["$A", "</s>", "$B", "</s>"], special_tokens=[("</s>", 2)])
    return t


def albert_like(rows):
    steps = [normalizers.Replace("``", '"'), normalizers.NFKD(), normalizers.StripAccents(), normalizers.Lowercase(), normalizers.Nmt()]
    t = with_bytes(unigram(rows, normalizers.Sequence(steps), pre_tokenizers.Metaspace()))
    t.decoder = decoders.Metaspace()
    return t


def bert_like(rows, **options):
    t = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=80))
    t.normalizer = normalizers.BertNormalizer(**options)
    t.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    t.train_from_iterator(rows, trainers.WordPieceTrainer(vocab_size=3000, special_tokens=special, show_progress=False))
    t.decoder = decoders.WordPiece()
    t.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    t.add_tokens([AddedToken("word-bound-tok", single_word=True), AddedToken("tok", single_word=True, rstrip=True)])
    return t


def word_level(rows):
    t = Tokenizer(models.WordLevel(unk_token="<unk>"))
    t.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Strip()])
    t.pre_tokenizer = pre_tokenizers.Whitespace()
    t.train_from_iterator(rows, trainers.WordLevelTrainer(vocab_size=3000, special_tokens=["<unk>", "<s>"], show_progress=False))
    return t


def old_bpe(rows):
    """Sennrich's: words end in a mark."""
    t = Tokenizer(models.BPE(unk_token="<unk>", end_of_word_suffix="</w>"))
    t.normalizer = normalizers.Sequence([normalizers.NFD(), normalizers.Lowercase()])
    t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Whitespace(), pre_tokenizers.Punctuation("contiguous")])
    train_bpe(t, rows[:4000], special_tokens=["<unk>"], end_of_word_suffix="</w>", limit_alphabet=300)
    t.decoder = decoders.BPEDecoder()
    return t


def prefixed_bpe(rows):
    t = Tokenizer(models.BPE(unk_token="<unk>", continuing_subword_prefix="##", fuse_unk=True))
    t.pre_tokenizer = pre_tokenizers.CharDelimiterSplit(" ")
    train_bpe(t, rows[:4000], special_tokens=["<unk>"], continuing_subword_prefix="##", limit_alphabet=300)
    t.decoder = decoders.WordPiece(cleanup=False)
    return t


def byte_normalizer(rows):
    t = Tokenizer(models.BPE())
    t.normalizer = normalizers.ByteLevel()
    t.pre_tokenizer = pre_tokenizers.FixedLength(7)
    train_bpe(t, rows[:3000], initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    t.decoder = decoders.ByteLevel()
    return t


KINDS = {
    "gpt2": gpt2_like,
    "byte_level_holes": byte_level_without_all_bytes,
    "llama3": llama3_like,
    "llama2": llama2_like,
    "mistral": mistral_like,
    "gemma": gemma_like,
    "xlmr": xlmr_like,
    "t5": t5_like,
    "albert": albert_like,
    "bert_uncased": bert_like,
    "bert_cased": lambda rows: bert_like(rows, lowercase=False, strip_accents=False, handle_chinese_chars=False),
    "bert_accents": lambda rows: bert_like(rows, lowercase=True, strip_accents=False),
    "word_level": word_level,
    "old_bpe": old_bpe,
    "prefixed_bpe": prefixed_bpe,
    "byte_normalizer": byte_normalizer,
}


@pytest.fixture(scope="session", params=KINDS)
def kind(request, training_lines, tmp_path_factory):
    theirs = KINDS[request.param](training_lines)
    path = tmp_path_factory.mktemp(request.param) / "tokenizer.json"
    theirs.save(str(path))
    return theirs, path


def test_ids_and_texts_are_the_same(kind, lines, tmp_path):
    theirs, path = kind
    got = tool("full", path, write_lines(tmp_path / "lines.jsonl", lines))
    assert len(got) == len(lines)
    special = ids_of(theirs, lines)
    plain = ids_of(theirs, lines, add_special_tokens=False)
    texts = theirs.decode_batch(special, skip_special_tokens=False)
    skipped = theirs.decode_batch(special, skip_special_tokens=True)
    for i, (line, ours) in enumerate(zip(lines, got)):
        assert ours["ids"] == special[i], repr(line[:300])
        assert ours["plain"] == plain[i], repr(line[:300])
        assert ours["text"] == texts[i], repr(line[:300])
        assert ours["text_skipped"] == skipped[i], repr(line[:300])
        assert ours["stream_equal"] and ours["stream_skipped_equal"], repr(line[:300])


def test_pairs_are_the_same(kind, lines, tmp_path):
    theirs, path = kind
    pairs = list(zip(EDGES, reversed(EDGES))) + list(zip(lines[-600:], lines[-1200:]))
    got = tool("pairs", path, write_lines(tmp_path / "pairs.jsonl", pairs))
    for pair, ours in zip(pairs, got):
        expected = theirs.encode(*pair)
        assert ours["ids"] == expected.ids, repr(pair)
        assert ours["type_ids"] == expected.type_ids, repr(pair)


def read_back(path):
    """As tokenizers reads and writes it; its reader may change a score in its last bit."""
    return json.loads(Tokenizer.from_file(str(path)).to_str(), parse_float=lambda digits: float(f"{float(digits):.14g}"))


def test_a_round_trip_gives_the_same_file(kind, tmp_path):
    _, path = kind
    tool("rewrite", path, tmp_path / "ours.json")
    assert read_back(tmp_path / "ours.json") == read_back(path)


def test_random_ids_decode_alike(kind, tmp_path):
    theirs, path = kind
    rng = random.Random(8)
    size = theirs.get_vocab_size()
    sequences = [[rng.randrange(size) for _ in range(rng.randint(1, 20))] for _ in range(1500)]
    got = tool("decode", path, write_lines(tmp_path / "ids.jsonl", sequences))
    for ids, ours, text in zip(sequences, got, theirs.decode_batch(sequences, skip_special_tokens=False)):
        assert ours["stream_equal"] and ours["stream_skipped_equal"], ids
        # A run of bytes that is no text is one mark for each wrong byte here, for each byte there.
        if "\ufffd" not in text:
            assert ours["text"] == text, ids


def tiny(normalizer=None, pre_tokenizer=None):
    t = Tokenizer(models.WordLevel({"<unk>": 0}, unk_token="<unk>"))
    if normalizer is not None:
        t.normalizer = normalizer
    if pre_tokenizer is not None:
        t.pre_tokenizer = pre_tokenizer
    return t


def known_characters():
    return [chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000 and unicodedata.category(chr(c)) not in ("Cn", "Co")]


NORMALIZERS = {
    "nfc": lambda: normalizers.NFC(),
    "nfd": lambda: normalizers.NFD(),
    "nfkc": lambda: normalizers.NFKC(),
    "nfkd": lambda: normalizers.NFKD(),
    "lower": lambda: normalizers.Lowercase(),
    "accents": lambda: normalizers.StripAccents(),
    "strip": lambda: normalizers.Strip(),
    "nmt": lambda: normalizers.Nmt(),
    "bert": lambda: normalizers.BertNormalizer(),
    "bert_clean": lambda: normalizers.BertNormalizer(clean_text=True, handle_chinese_chars=False, strip_accents=False, lowercase=False),
    "byte_level": lambda: normalizers.ByteLevel(),
    "precompiled": lambda: normalizers.Precompiled(charsmap()("nmt_nfkc")),
    "precompiled_cf": lambda: normalizers.Precompiled(charsmap()("nmt_nfkc_cf")),
    "replace": lambda: normalizers.Replace(Regex(r"\s+|(?<=a)b"), "_"),
}


@pytest.mark.parametrize("name", NORMALIZERS)
def test_every_character_is_normalised_alike(name, tmp_path):
    theirs = tiny(NORMALIZERS[name]())
    theirs.save(str(tmp_path / "t.json"))
    known = known_characters()
    texts = known + [f"a{c}\u0301b {c}" for c in known[::3]] + EDGES
    got = tool("normalize", tmp_path / "t.json", write_lines(tmp_path / "texts.jsonl", texts))
    expected = [theirs.normalizer.normalize_str(text) for text in texts]
    different = [t for t, ours, want in zip(texts, got, expected) if ours != want]
    assert not different, (len(different), [hex(ord(t[0] if len(t) == 1 else t[1])) for t in different[:50]])


PRE_TOKENIZERS = {
    "whitespace": lambda p: p.Whitespace(),
    "whitespace_split": lambda p: p.WhitespaceSplit(),
    "bert": lambda p: p.BertPreTokenizer(),
    "punctuation": lambda p: p.Punctuation(),
    "digits": lambda p: p.Digits(False),
    "scripts": lambda p: p.UnicodeScripts(),
    "delimiter": lambda p: p.CharDelimiterSplit("가"),
    "fixed": lambda p: p.FixedLength(3),
    "lookahead": lambda p: p.Split(Regex(r"(?=a)|\d"), "isolated"),
    **{f"regex_{b}": lambda p, b=b: p.Split(Regex(r"\s+|a"), b) for b in ("isolated", "removed", "merged_with_previous", "merged_with_next", "contiguous")},
    **{f"inverted_{b}": lambda p, b=b: p.Split(Regex(r"[a-z]+"), b, invert=True) for b in ("isolated", "removed", "merged_with_previous", "merged_with_next", "contiguous")},
    **{f"string_{b}": lambda p, b=b: p.Split(".", b) for b in ("removed", "merged_with_previous", "merged_with_next", "contiguous")},
    **{f"metaspace_{s}_{split}": lambda p, s=s, split=split: p.Metaspace(prepend_scheme=s, split=split) for s in ("always", "first", "never") for split in (True, False)},
    "words_then_metaspace_first": lambda p: p.Sequence([p.WhitespaceSplit(), p.Metaspace(prepend_scheme="first")]),
}


@pytest.mark.parametrize("name", PRE_TOKENIZERS)
def test_texts_are_split_alike(name, tmp_path):
    """A vocabulary with every piece that comes up tells the splits apart."""
    rng = random.Random(name)
    known = known_characters()
    alphabet = list("  \t.a1b.,A가漢ひカー▁'\n") + rng.sample(known, 3000)
    weights = [200] * 22 + [1] * 3000
    texts = EDGES + ["".join(rng.choices(alphabet, weights[: len(alphabet)], k=rng.randint(1, 20))) for _ in range(3000)]
    texts += ["".join(f"a{c} {c}.{c}" for c in known[i : i + 40]) for i in range(0, len(known), 40)]
    if name == "scripts":  # their table is older than ours: characters of Unicode 3.2, but one that has moved since
        old = lambda c: unicodedata.ucd_3_2_0.category(c) != "Cn" and c != "\u0589"
        texts = ["".join(filter(old, text)) for text in texts]
    pre_tokenizer = PRE_TOKENIZERS[name](pre_tokenizers)
    pieces = {piece for text in texts for piece, _ in pre_tokenizer.pre_tokenize_str(text)}
    vocab = {"<unk>": 0} | {piece: i + 1 for i, piece in enumerate(sorted(pieces - {"<unk>"}))}
    theirs = Tokenizer(models.WordLevel(vocab, unk_token="<unk>"))
    theirs.pre_tokenizer = pre_tokenizer
    theirs.save(str(tmp_path / "t.json"))
    got = tool("ids", tmp_path / "t.json", write_lines(tmp_path / "texts.jsonl", texts))
    expected = ids_of(theirs, texts)
    different = [t for t, ours, want in zip(texts, got, expected) if ours != want]
    assert not different, (len(different), different[:5])
