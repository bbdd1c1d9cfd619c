"""Our tokenizer against Hugging Face's `tokenizers` and `transformers`: same file, same ids; same counts, same merges;
same messages, same chat text. Runs the program `text_tool` of the build directory named by MARU_BUILD.

On the texts of tests/texts; at full scale, where ../shared/data is, on all of that. Skips, saying why, where the Python
packages or the program are absent.
"""

import json
import os
import random
import subprocess

import pytest

tokenizers = pytest.importorskip("tokenizers")
zstandard = pytest.importorskip("zstandard")

from texts import DATA, FULL, LANGUAGES, ROOT, paragraphs, small_lines  # noqa: E402

TOOL = ROOT / os.environ.get("MARU_BUILD", "build/release") / "tests" / "reference" / "text_tool"
VOCAB_SIZE = 4000 if FULL else 1500

pytestmark = pytest.mark.skipif(not TOOL.exists(), reason=f"{TOOL} is not built (set MARU_BUILD)")


def tool(*arguments):
    done = subprocess.run([TOOL, *map(str, arguments)], capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.split("\n") if line]


def write_lines(path, values):
    path.write_text("".join(json.dumps(v, ensure_ascii=False) + "\n" for v in values), encoding="utf-8")
    return path


def read_text(path):
    data = path.read_bytes()
    if path.suffix == ".zst":
        data = zstandard.ZstdDecompressor().stream_reader(data).read()
    return data.decode("utf-8", errors="ignore")


def strings_of(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for v in value.values():
            yield from strings_of(v)
    elif isinstance(value, list):
        for v in value:
            yield from strings_of(v)


def texts_of(path):
    """All strings of a JSON or JSONL file (some .json files are JSONL), or the file itself."""
    text = read_text(path)
    if ".json" not in path.name:
        yield text
        return
    try:
        yield from strings_of(json.loads(text))
    except json.JSONDecodeError:
        for line in text.split("\n"):
            yield from strings_of(json.loads(line)) if line.strip() else ()


def data_files():
    kinds = (".jsonl", ".jsonl.zst", ".json", ".json.zst", ".txt", ".txt.zst", ".tsv.zst", ".csv", ".conllu", ".conllu.zst")
    # Suites hold broken files on purpose.
    aside = ("fixtures/tokenizers/qwen2", "data/suites/")
    files = [p for p in sorted(DATA.rglob("*")) if p.name.endswith(kinds) and not any(part in str(p) for part in aside)]
    assert len(files) > 50
    return files


@pytest.fixture(scope="session")
def lines():
    """Lines and whole texts of every language; at full scale 10,000 lines and 300 texts from every file at hand."""
    small = [row for language in LANGUAGES for row in small_lines(language, 200)]
    small += ["\n".join(paragraphs(language)) for language in LANGUAGES]
    if not FULL:
        return small
    rng = random.Random(2)
    files = data_files()
    sample = []
    for path in files:
        texts = [t for t in texts_of(path) if t]
        rows = [row for t in texts for row in t.splitlines() if row.strip()]
        rng.shuffle(rows)
        sample.append((rows, texts))
    per_file = 10_000 // len(files) + 1
    chosen = [row for rows, _ in sample for row in rows[:per_file]]
    pool = [row for rows, _ in sample for row in rows[per_file : 3 * per_file]]
    chosen += pool[: max(0, 10_000 - len(chosen))]
    whole = [text[:20_000] for _, texts in sample for text in texts[:4]]
    assert len(chosen) >= 10_000
    return small + chosen + whole


def corpus(tmp_path_factory, names):
    """One JSONL file of documents and the documents themselves."""
    documents = [row for language in LANGUAGES for row in small_lines(language, 150)]
    if FULL:
        documents = [t for name in names for path in sorted((DATA / name).glob("*.jsonl*")) for t in texts_of(path) if t]
    return write_lines(tmp_path_factory.mktemp("corpus") / "train.jsonl", [{"text": t} for t in documents]), documents


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """A tokenizer trained here on every language; at full scale on the eleven of opensource_guide."""
    path, _ = corpus(tmp_path_factory, ["opensource_guide"])
    out = tmp_path_factory.mktemp("trained")
    report = tool("train", out, VOCAB_SIZE, 2, "", path)[0]
    assert report["vocab_size"] == VOCAB_SIZE
    return out


def ids_of(theirs, texts, **options):
    """Without the offsets that nobody looks at here."""
    return [e.ids for e in theirs.encode_batch_fast(texts, **options)]


def assert_same_ids(path, lines, tmp_path):
    theirs = tokenizers.Tokenizer.from_file(str(path))
    got = tool("ids", path, write_lines(tmp_path / "lines.jsonl", lines))
    assert len(got) == len(lines)
    for line, ids, expected in zip(lines, got, ids_of(theirs, lines, add_special_tokens=False)):
        assert ids == expected, repr(line[:500])


def test_trained_tokenizer_gives_the_same_ids(trained, lines, tmp_path):
    assert_same_ids(trained / "tokenizer.json", lines, tmp_path)


def hugging_face_bpe(vocab, merges, pre_tokenizer, normalizer=None):
    t = tokenizers.Tokenizer(tokenizers.models.BPE(vocab=vocab, merges=merges, fuse_unk=False, byte_fallback=False))
    t.pre_tokenizer = pre_tokenizer
    t.decoder = tokenizers.decoders.ByteLevel()
    if normalizer is not None:
        t.normalizer = normalizer
    return t


def split_then_bytes(pattern):
    pre = tokenizers.pre_tokenizers
    split = pre.Split(tokenizers.Regex(pattern), behavior="isolated", invert=False)
    return pre.Sequence([split, pre.ByteLevel(add_prefix_space=False, use_regex=False)])


CONTRACTIONS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+"
REST = r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
QWEN2 = CONTRACTIONS + r"|\p{N}" + REST
LLAMA3 = CONTRACTIONS + r"|\p{N}{1,3}" + REST
GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
UNKNOWN = r"\p{Lu}?[\p{Ll}]+|[^\s]|\s+"  # no scanner of ours: goes to Oniguruma


@pytest.fixture(scope="session")
def qwen2_files():
    """Qwen 2's vocabulary at full scale, else one trained here."""
    if not FULL:
        model = hugging_face_trained([row for language in LANGUAGES for row in small_lines(language, 150)], QWEN2)
        return model["vocab"], [tuple(merge) for merge in model["merges"]]
    folder = DATA / "fixtures" / "tokenizers" / "qwen2"
    merges = [tuple(line.split(" ")) for line in (folder / "merges.txt").read_text().splitlines()[1:] if line]
    return json.loads((folder / "vocab.json").read_text()), merges


@pytest.mark.parametrize("style", ["qwen2", "llama3", "gpt2", "unknown"])
def test_qwen2_vocabulary_under_every_split_gives_the_same_ids(style, qwen2_files, lines, tmp_path):
    nfc = tokenizers.normalizers.NFC()
    pre, normalizer = {
        "qwen2": (split_then_bytes(QWEN2), nfc),
        "llama3": (split_then_bytes(LLAMA3), None),
        "gpt2": (tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True), None),
        "unknown": (split_then_bytes(UNKNOWN), None),
    }[style]
    theirs = hugging_face_bpe(*qwen2_files, pre, normalizer)
    theirs.model.ignore_merges = style == "llama3"
    theirs.add_special_tokens(["<|endoftext|>", "<|im_start|>", "<|im_end|>"])
    theirs.add_tokens([tokenizers.AddedToken("추가토큰", normalized=True)])
    path = tmp_path / "tokenizer.json"
    theirs.save(str(path))
    extra = ["<|im_start|>user\n안녕<|im_end|>\n", "한글 추가토큰<|im_startx|><|im_end|", "e\u0301 \u1112\u1161\u11ab"]
    assert_same_ids(path, (lines if style == "qwen2" else lines[::4]) + extra, tmp_path)


def test_a_file_written_again_is_the_same_tokenizer(qwen2_files, lines, tmp_path):
    theirs = hugging_face_bpe(*qwen2_files, split_then_bytes(QWEN2), tokenizers.normalizers.NFC())
    theirs.add_special_tokens(["<|endoftext|>", "<|im_start|>", "<|im_end|>"])
    theirs.save(str(tmp_path / "theirs.json"))
    tool("rewrite", tmp_path / "theirs.json", tmp_path / "ours.json")
    again = tokenizers.Tokenizer.from_file(str(tmp_path / "ours.json"))
    assert again.get_vocab() == theirs.get_vocab()
    sample = lines[::20]
    assert ids_of(again, sample) == ids_of(theirs, sample)


def split_lengths(pattern, text):
    pre = tokenizers.pre_tokenizers.Split(tokenizers.Regex(pattern), behavior="isolated", invert=False)
    return [len(piece.encode()) for piece, _ in pre.pre_tokenize_str(text)]


def fuzz_texts(count, seed):
    rng = random.Random(seed)
    alphabet = list(" \t\n\r\u00a0\u3000''’sStTrReEvVlLdDmMſ0123٣〇.,!?<|>-_\"\u0301\u200c\u200d\ufe0f\u200babZéßжعहि्กำ가나힣ㄱㅋ漢字々ひカーｰ🔥👩")
    return ["".join(rng.choices(alphabet, k=rng.randint(1, 24))) for _ in range(count)]


@pytest.mark.parametrize("name", ["maru", "llama3", "qwen2", "gpt2"])
def test_scanners_split_like_the_regular_expressions(name, trained, tmp_path):
    ours = json.loads((trained / "tokenizer.json").read_text())["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"]
    pattern = {"maru": ours, "llama3": LLAMA3, "qwen2": QWEN2, "gpt2": GPT2}[name]
    texts = fuzz_texts(20_000, 3)
    got = tool("split", pattern, write_lines(tmp_path / "texts.jsonl", texts))
    for text, lengths in zip(texts, got):
        assert lengths == split_lengths(pattern, text), repr(text)


def test_every_assigned_character_has_the_same_class(trained, tmp_path):
    """Characters that only newer Unicode versions assign may differ: `tokenizers` and ICU have their own tables."""
    import unicodedata

    pattern = json.loads((trained / "tokenizer.json").read_text())["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"]
    known = [chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000 and unicodedata.category(chr(c)) != "Cn"]
    step = 400
    texts = ["".join(f"a{c}1{c}가{c} {c}\u3042{c}\n" for c in known[i : i + step]) for i in range(0, len(known), step)]
    got = tool("split", pattern, write_lines(tmp_path / "texts.jsonl", texts))
    different = [i for i, (text, lengths) in enumerate(zip(texts, got)) if lengths != split_lengths(pattern, text)]
    assert not different, [hex(ord(known[i * step])) for i in different]


def hugging_face_trained(documents, pattern):
    t = tokenizers.Tokenizer(tokenizers.models.BPE())
    t.pre_tokenizer = split_then_bytes(pattern)
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=VOCAB_SIZE,
        min_frequency=2,
        max_token_length=65,  # theirs is exclusive
        special_tokens=[f"<|s{i}|>" for i in range(16)],
        initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    t.train_from_iterator(documents, trainer)
    return json.loads(t.to_str())["model"]


def test_training_chooses_the_same_merges(tmp_path_factory, trained):
    ours = json.loads((trained / "tokenizer.json").read_text())
    _, documents = corpus(tmp_path_factory, ["opensource_guide"])
    theirs = hugging_face_trained(documents, ours["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"])
    merges = [" ".join(m) if isinstance(m, list) else m for m in theirs["merges"]]
    assert ours["model"]["merges"] == merges
    assert list(ours["model"]["vocab"])[16:] == [t for t, _ in sorted(theirs["vocab"].items(), key=lambda x: x[1])][16:]


def test_training_does_not_depend_on_threads(trained, tmp_path_factory):
    path, _ = corpus(tmp_path_factory, ["opensource_guide"])
    out = tmp_path_factory.mktemp("one_thread")
    tool("train", out, VOCAB_SIZE, 1, "", path)
    for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
        assert (out / name).read_bytes() == (trained / name).read_bytes()


def conversation(rng, lines):
    roles = ["user", "assistant"] * rng.randint(1, 3)
    messages = [{"role": "system", "content": rng.choice(lines)}] if rng.random() < 0.5 else []
    messages += [{"role": role, "content": rng.choice(lines)} for role in roles[: rng.randint(1, len(roles))]]
    return {"messages": messages, "add_generation_prompt": rng.random() < 0.5}


def test_chat_text_equals_the_template_of_transformers(trained, lines, tmp_path):
    transformers = pytest.importorskip("transformers")
    theirs = transformers.AutoTokenizer.from_pretrained(trained)
    assert (theirs.bos_token_id, theirs.eos_token_id, theirs.pad_token_id) == (0, 1, 4)
    assert theirs.model_max_length == 2048
    rng = random.Random(4)
    chats = [conversation(rng, [line.strip() for line in lines[:10_000]]) for _ in range(200)]
    got = tool("chat", trained, write_lines(tmp_path / "chats.jsonl", chats))
    for chat, ours in zip(chats, got):
        arguments = {"add_generation_prompt": chat["add_generation_prompt"]}
        assert ours["text"] == theirs.apply_chat_template(chat["messages"], tokenize=False, **arguments)
        ids = theirs.apply_chat_template(chat["messages"], tokenize=True, return_dict=False, **arguments)
        assert ours["ids"] == ids
        learned = theirs.decode([i for i, m in zip(ours["ids"], ours["learned"]) if m])
        assert learned == "".join(m["content"] + "<|im_end|>" for m in chat["messages"] if m["role"] == "assistant")


def test_transformers_adds_bos_as_we_do(trained):
    transformers = pytest.importorskip("transformers")
    theirs = transformers.AutoTokenizer.from_pretrained(trained)
    ids = theirs("마루는 집의 한가운데다.")["input_ids"]
    assert ids[0] == 0 and theirs.decode(ids[1:]) == "마루는 집의 한가운데다."
