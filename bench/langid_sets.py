"""Writes labelled text for `maru_langid measure` from the sets of ../shared/data.

    python3 bench/langid_sets.py ../shared/data OUTPUT_DIR

Debian has Malay only as messages of programs, and no informal Indonesian. Every other Malay and Indonesian essay of
opensource_guide and one split of indonlu therefore go to OUTPUT_DIR/training/SET/LANGUAGE.jsonl, and only the rest is measured.

Per set: documents, paragraphs and sentences as JSONL rows {"language", "text"}. Code blocks, front matter and markup of
Markdown are removed, so that the measure is of prose. A text is only kept when at least half of its letters fit the
language's script: every set has untranslated paragraphs, which would count the labels' mistakes as the model's.
"""

import csv
import json
import pathlib
import re
import subprocess
import sys
import unicodedata

SCRIPTS = {"ko": "HANGUL", "th": "THAI", "ar": "ARABIC", "fa": "ARABIC", "hi": "DEVANAGARI", "el": "GREEK", "ru": "CYRILLIC",
           "ja": ("HIRAGANA", "KATAKANA", "CJK"), "zh": "CJK"}


def read(path: pathlib.Path) -> str:
    if path.suffix == ".zst":
        return subprocess.run(["zstd", "-dc", path], check=True, capture_output=True).stdout.decode()
    return path.read_text(encoding="utf-8")


def rows(path: pathlib.Path):
    return (json.loads(line) for line in read(path).split("\n") if line.strip())


def prose(text: str) -> str:
    text = re.sub(r"\A---\n.*?\n---\n", "", text, flags=re.S)
    text = re.sub(r"```.*?(```|\Z)|~~~.*?(~~~|\Z)|<!--.*?-->", "\n\n", text, flags=re.S)
    text = re.sub(r"\{\{.*?\}\}|<[^>\n]+>|`[^`\n]*`", " ", text, flags=re.S)
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text)
    return re.sub(r"(?m)^[#>*\-| \t]+", "", text.replace("\r", ""))


def letters(text: str) -> int:
    return sum(c.isalpha() for c in text)


def fits(language: str, text: str) -> bool:
    prefix = SCRIPTS.get(language, "LATIN")
    known = [c for c in text if c.isalpha()]
    return sum(unicodedata.name(c, "").startswith(prefix) for c in known) * 2 >= len(known)


def sentences(text: str):
    return (s.strip() for s in re.split(r"(?<=[.!?।؟。！？])\s+|(?<=[。！？])|\n", text))


class Writer:
    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        self.seen: set[tuple] = set()

    def add(self, name: str, language: str, text: str, fewest: int) -> None:
        if letters(text) < fewest or not fits(language, text) or (name, language, text) in self.seen:
            return
        self.seen.add((name, language, text))
        with open(self.folder / f"{name}.jsonl", "a", encoding="utf-8") as out:
            out.write(json.dumps({"language": language, "text": text}, ensure_ascii=False) + "\n")

    def document(self, name: str, language: str, text: str) -> None:
        self.add(f"{name}-documents", language, text, 100)
        for paragraph in re.split(r"\n\s*\n", text):
            self.add(f"{name}-paragraphs", language, paragraph.strip(), 60 if language not in ("zh", "ja", "ko") else 30)
        for sentence in sentences(text):
            self.add(f"{name}-sentences", language, sentence, 20 if language not in ("zh", "ja", "ko") else 10)


def write_training(folder: pathlib.Path, name: str, language: str, texts) -> None:
    path = folder / "training" / name / f"{language}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in texts), encoding="utf-8")


def main() -> None:
    data, folder = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.jsonl"):
        old.unlink()
    out = Writer(folder)
    for name in ("opensource_guide", "k8s_docs", "hf_course", "react_docs_ar"):
        for path in sorted((data / name).glob("*.jsonl*")):
            language, texts = path.name.split(".")[0].split("-")[0], [prose(row["text"]) for row in rows(path)]
            if name == "opensource_guide" and language in ("id", "ms"):
                write_training(folder, name, language, texts[::2])
                texts = texts[1::2]
            for text in texts:
                out.document(name, language, text)
    for path in sorted((data / "xquad").glob("xquad.*.json*")):
        for article in json.loads(read(path))["data"]:
            for paragraph in article["paragraphs"]:
                out.document("xquad", path.name.split(".")[1], paragraph["context"])
                for question in paragraph["qas"]:
                    out.add("xquad-questions", path.name.split(".")[1], question["question"], 20)
    for i, row in enumerate(rows(data / "nsmc" / "reviews.jsonl.zst")):
        if i % 30 == 0:
            out.add("nsmc-reviews", "ko", row["text"], 10)
    for path in ("pos.txt", "q.txt", "neg.txt.zst", "neu.txt.zst"):
        for line in read(data / "wisesight" / path).split("\n"):
            out.add("wisesight-messages", "th", line.strip(), 20)
    for line in read(data / "indonlu" / "smsa_doc-sentiment-prosa" / "train_preprocess.tsv.zst").split("\n"):
        out.add("indonlu-reviews", "id", line.split("\t")[0], 20)
    reviews = read(data / "indonlu" / "smsa_doc-sentiment-prosa" / "valid_preprocess.tsv").split("\n")
    write_training(folder, "indonlu", "id", (line.split("\t")[0] for line in reviews if line))
    table = read(data / "indonlu" / "wrete_entailment-ui" / "train_preprocess.csv").splitlines()
    for row in csv.DictReader(table):
        out.add("indonlu-sentences", "id", row["sent_A"], 20)


main()
