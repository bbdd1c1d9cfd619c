"""Seeds of the tokenizer targets: small tokenizers of every kind, made by the libraries that define them.

    .venv/bin/python tests/fuzz/make_seeds.py        (writes tests/fuzz/corpus/{tokenizer_json,sentencepiece,gguf_vocabulary})
"""
import io
import json
import pathlib

import sentencepiece
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

CORPUS = pathlib.Path(__file__).resolve().parent / "corpus"
ROWS = ["a b ab aba b", "Hello world", "don't 12 3.", "가나 다", "ab  ba", "world hello ab"] * 4
BYTES = [f"<0x{b:02X}>" for b in (0x0A, 0x41, 0xC3, 0xA9, 0xEA, 0xB0, 0x80)]
BPE = dict(vocab={"<unk>": 0, "a": 1, "b": 2, "ab": 3, "▁": 4, "▁ab": 5, **{b: 6 + i for i, b in enumerate(BYTES)}},
           merges=[("a", "b"), ("▁", "ab")])


def write(folder, name, data):
    (CORPUS / folder).mkdir(parents=True, exist_ok=True)
    (CORPUS / folder / name).write_bytes(data)


def tokenizer(model, normalizer=None, pre_tokenizer=None, decoder=None, post=None, added=()):
    t = Tokenizer(model)
    for name, step in (("normalizer", normalizer), ("pre_tokenizer", pre_tokenizer), ("decoder", decoder), ("post_processor", post)):
        if step is not None:
            setattr(t, name, step)
    t.add_tokens(list(added))
    return t


def tokenizers():
    n, p, d = normalizers, pre_tokenizers, decoders
    llama = d.Sequence([d.Replace("▁", " "), d.ByteFallback(), d.Fuse(), d.Strip(" ", 1, 0)])
    template = processors.TemplateProcessing(single="<unk> $A", pair="<unk> $A $B:1", special_tokens=[("<unk>", 0)])
    yield "llama", tokenizer(models.BPE(**BPE, unk_token="<unk>", fuse_unk=True, byte_fallback=True),
                             n.Sequence([n.Prepend("▁"), n.Replace(" ", "▁")]), None, llama, template)
    yield "suffix", tokenizer(models.BPE({"a": 0, "b</w>": 1, "ab</w>": 2}, [("a", "b</w>")], end_of_word_suffix="</w>"),
                              n.Sequence([n.NFD(), n.Lowercase(), n.StripAccents(), n.Nmt()]), p.Whitespace(), d.BPEDecoder())
    letters = {c: i for i, c in enumerate(sorted(p.ByteLevel.alphabet()))}
    split = p.Sequence([p.Split(Regex(r"\p{N}{1,3}| ?\p{L}+|\s+(?!\S)|\s+"), "isolated"), p.ByteLevel(add_prefix_space=False, use_regex=False)])
    yield "bytes", tokenizer(models.BPE({**letters, "he": 256}, [("h", "e")], ignore_merges=True), n.NFC(), split, d.ByteLevel(),
                             processors.RobertaProcessing(("a", 1), ("b", 2)), [AddedToken("<m>", lstrip=True, special=True)])
    yield "unigram", tokenizer(models.Unigram([("<unk>", 0.0), ("▁a", -1.0), ("b", -2.5), ("▁", -3.0), *((b, -9.0) for b in BYTES)], 0, True),
                               n.Sequence([n.NFKC(), n.Strip()]), p.Metaspace(), d.Metaspace())
    yield "wordpiece", tokenizer(models.WordPiece({"[UNK]": 0, "a": 1, "##b": 2, "ab": 3}, unk_token="[UNK]"), n.BertNormalizer(),
                                 p.BertPreTokenizer(), d.WordPiece(), processors.BertProcessing(("a", 1), ("ab", 3)), [AddedToken("tok", single_word=True)])
    odd = p.Sequence([p.WhitespaceSplit(), p.Punctuation("contiguous"), p.Digits(True), p.UnicodeScripts(), p.CharDelimiterSplit("x"), p.FixedLength(3)])
    yield "words", tokenizer(models.WordLevel({"<unk>": 0, "a": 1}, "<unk>"), n.Replace(Regex("a+"), "b"), odd)


def sentencepieces():
    options = {"unigram": {}, "bytes": {"byte_fallback": True, "vocab_size": 300}, "bpe": {"model_type": "bpe"},
               "symbols": {"user_defined_symbols": ["<sep>", "ab"], "treat_whitespace_as_suffix": True},
               "as_is": {"add_dummy_prefix": False, "remove_extra_whitespaces": False}}
    for name, changes in options.items():
        out = io.BytesIO()
        sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(ROWS), model_writer=out, minloglevel=2, num_threads=1, **{
            "vocab_size": 40, "hard_vocab_limit": False, "normalization_rule_name": "identity", **changes})
        yield name, out.getvalue()


for name, made in tokenizers():
    write("tokenizer_json", name, json.dumps(json.loads(made.to_str()), ensure_ascii=False, separators=(",", ":")).encode())
for name, data in sentencepieces():
    write("sentencepiece", name, data)
LINES = "\x02<unk>\n\x03<s>\n\x06<0x41>\n\x01a\n\x01b\n\x04ab\n\x01▁\n\x01▁ab\n\x01가\n\na b\n"
for i, model in enumerate(("llama", "gpt2", "bert", "t5")):
    write("gguf_vocabulary", model, bytes([i, i, 0x7F]) + LINES.encode())
