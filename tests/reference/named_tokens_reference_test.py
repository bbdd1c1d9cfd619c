"""Tokens that files beside a vocabulary name, and the ids of texts with them, against `transformers`. Skips, saying why,
where the Python packages or the program are absent."""
import json

import pytest

transformers = pytest.importorskip("transformers")
from tokenizer_reference_test import TOOL, tool, write_lines  # noqa: E402

pytestmark = pytest.mark.skipif(not TOOL.exists(), reason=f"{TOOL} is not built (set MARU_BUILD)")

VOCAB = {"a": 0, "b": 1, "ab": 2, "<": 3, "x": 4, ">": 5, "<e>": 6}
X = {"8": {"content": "<x>", "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}}
CONFIG = "tokenizer_config.json"
MAP = "special_tokens_map.json"
LIST = "added_tokens.json"
CASES = {
    "list": {LIST: {"<x>": 8}},
    "list_eos": {LIST: {"<x>": 8}, CONFIG: {"eos_token": "<x>"}},
    "decoder": {CONFIG: {"added_tokens_decoder": X}},
    "decoder_plain": {CONFIG: {"added_tokens_decoder": {"8": X["8"] | {"special": False}}}},
    "decoder_rstrip": {CONFIG: {"added_tokens_decoder": {"8": X["8"] | {"rstrip": True}}}},
    "decoder_lstrip": {CONFIG: {"added_tokens_decoder": {"8": X["8"] | {"lstrip": True}}}},
    "eos": {CONFIG: {"eos_token": "<e>"}},
    "eos_object": {CONFIG: {"eos_token": {"content": "<e>", "rstrip": True, "__type": "AddedToken"}}},
    "pad": {CONFIG: {"pad_token": "<e>"}},
    "mask": {CONFIG: {"mask_token": "<e>"}},
    "map": {MAP: {"eos_token": "<e>"}},
    "map_object": {MAP: {"eos_token": {"content": "<e>", "lstrip": False}}},
    "additional": {CONFIG: {"additional_special_tokens": ["<e>"]}},
    "extra": {CONFIG: {"extra_special_tokens": {"image_token": "<e>"}}},
    "everything": {LIST: {"<x>": 8}, MAP: {"pad_token": "<e>"}, CONFIG: {"eos_token": "<x>"}},
}
TEXTS = ["ab<x>ab", "ab<e>ab", "ab <x> ab", "ab  <e>  ab", "<x><e><x>", "ab<xab", "<e", "ab", "<x>", "a<x>b<e>", "x>e<x"]


@pytest.mark.parametrize("form", ["fast", "slow"])
@pytest.mark.parametrize("name", CASES)
def test_ids_are_those_of_transformers(name, form, tmp_path):
    if form == "slow":
        (tmp_path / "vocab.json").write_text(json.dumps(VOCAB | {"\u0120": 7}))
        (tmp_path / "merges.txt").write_text("#version: 0.2\na b\n")
    else:
        level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
        model = {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
                 "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
                 "vocab": VOCAB | {"\u0120": 7}, "merges": [["a", "b"]]}
        (tmp_path / "tokenizer.json").write_text(json.dumps({
            "version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": None,
            "pre_tokenizer": level, "post_processor": None, "decoder": level, "model": model}))
    own = {"fast": {"tokenizer_class": "PreTrainedTokenizerFast"},
           "slow": {"tokenizer_class": "GPT2Tokenizer", "unk_token": None, "bos_token": None, "eos_token": None}}[form]
    files = dict(CASES[name])
    files[CONFIG] = own | files.get(CONFIG, {})
    for file, content in files.items():
        (tmp_path / file).write_text(json.dumps(content))
    theirs = transformers.AutoTokenizer.from_pretrained(tmp_path)
    got = tool("full", tmp_path, write_lines(tmp_path / "lines.jsonl", TEXTS))
    for text, ours in zip(TEXTS, got):
        ids = theirs(text, add_special_tokens=False)["input_ids"]
        assert ours["plain"] == ids, text
        assert ours["text_skipped"] == theirs.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
