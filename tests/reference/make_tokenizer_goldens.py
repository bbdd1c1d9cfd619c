"""Writes tests/golden/tokenizers: small tokenizers of the kinds that come as other files than tokenizer.json, trained on
tests/texts, and the ids that `tokenizers` and `sentencepiece` give to the lines of assets/scripts.txt.

    python3 tests/reference/make_tokenizer_goldens.py
"""
import io
import json

import sentencepiece
import tokenizers
from texts import LANGUAGES, ROOT, small_lines
from tokenizers import decoders, models, normalizers, pre_tokenizers, trainers

OUT = ROOT / "tests" / "golden" / "tokenizers"
QWEN2 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")


def bpe(rows, pre_tokenizer, normalizer=None):
    t = tokenizers.Tokenizer(models.BPE())
    t.pre_tokenizer = pre_tokenizer
    if normalizer:
        t.normalizer = normalizer
    t.train_from_iterator(rows, trainers.BpeTrainer(vocab_size=700, show_progress=False,
                                                    initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    return t


def save_bpe(t, folder, config):
    folder.mkdir(parents=True, exist_ok=True)
    model = json.loads(t.to_str())["model"]
    (folder / "vocab.json").write_text(json.dumps(model["vocab"], ensure_ascii=False), encoding="utf-8")
    merges = "".join(" ".join(merge) + "\n" for merge in model["merges"])
    (folder / "merges.txt").write_text("#version: 0.2\n" + merges, encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(json.dumps(config) + "\n")


def bert(rows):
    t = tokenizers.Tokenizer(models.WordPiece(unk_token="[UNK]"))
    t.normalizer, t.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    t.train_from_iterator(rows, trainers.WordPieceTrainer(vocab_size=1500, special_tokens=special, show_progress=False))
    (OUT / "bert").mkdir(parents=True, exist_ok=True)
    vocab = t.get_vocab()
    (OUT / "bert" / "vocab.txt").write_text("".join(token + "\n" for token in sorted(vocab, key=vocab.get)), encoding="utf-8")
    return t


def pieces(rows, name, **options):
    out = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(rows), model_writer=out, character_coverage=0.98,
                                             num_threads=1, minloglevel=2,
                                             normalization_rule_name="identity", **options)
    (OUT / name).write_bytes(out.getvalue())
    return sentencepiece.SentencePieceProcessor(model_proto=out.getvalue())


def main():
    rows = [row for language in LANGUAGES for row in small_lines(language, 100)]
    lines = (ROOT / "assets" / "scripts.txt").read_text(encoding="utf-8").split("\n")[:-1]
    OUT.mkdir(parents=True, exist_ok=True)
    gpt2 = bpe(rows, pre_tokenizers.ByteLevel(add_prefix_space=False))
    save_bpe(gpt2, OUT / "gpt2", {"tokenizer_class": "GPT2Tokenizer"})
    split = pre_tokenizers.Split(tokenizers.Regex(QWEN2), behavior="isolated", invert=False)
    steps = [split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    qwen2 = bpe(rows, pre_tokenizers.Sequence(steps), normalizers.NFC())
    size = qwen2.get_vocab_size()
    qwen2.add_special_tokens(["<|endoftext|>", "<|im_start|>", "<|im_end|>"])
    tokens = {str(size + i): {"content": token, "special": True, "normalized": False}
              for i, token in enumerate(["<|endoftext|>", "<|im_start|>", "<|im_end|>"])}
    save_bpe(qwen2, OUT / "qwen2", {"tokenizer_class": "Qwen2Tokenizer", "eos_token": "<|im_end|>",
                                    "pad_token": "<|endoftext|>", "added_tokens_decoder": tokens})
    word_piece = bert(rows)
    ids = {name: [e.ids for e in t.encode_batch(lines, add_special_tokens=False)]
           for name, t in {"gpt2": gpt2, "qwen2": qwen2, "bert": word_piece}.items()}
    ids["unigram.model"] = pieces(rows, "unigram.model", vocab_size=1800, byte_fallback=True).encode(lines)
    ids["bpe.model"] = pieces(rows, "bpe.model", model_type="bpe", vocab_size=1800, byte_fallback=True).encode(lines)
    (OUT / "ids.json").write_text(json.dumps(ids, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
