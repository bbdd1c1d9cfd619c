"""Turns what the recipe of language identification needs, and its trainer cannot read, into JSONL.

    python3 bench/langid_corpus.py CORPUS REPOSITORIES >> CORPUS/packages.tsv

CORPUS holds the unpacked packages; REPOSITORIES clones of the treebanks that recipes/langid.yaml names, by their names.
Writes CORPUS/text/mediawiki/LANGUAGE.jsonl from MediaWiki's messages, with those of languages that are too small or too
near to others to be learnt gathered under groups (GROUPS), and CORPUS/text/ud/LANGUAGE/TREEBANK.jsonl, a sentence a row, from
treebank files of less than 4 MiB; and CORPUS/text/book/LANGUAGE.jsonl from the translations of a course (MIT licence; translated
by a machine), where Serbian stands in both of its scripts. Prints a row per repository: name, commit, SHA-256 of what was written.
"""

import hashlib
import json
import pathlib
import re
import subprocess
import sys

import yaml

# MediaWiki's codes by what they teach: nothing of these is learnt as a language, only that it is none of the others.
GROUPS = {
    "roa": "ast an oc lmo scn fur vec co wa sc pms nap ext lij rm ht mwl lad frp pcd nrm egl rgn roa-tara gcr la ia ie io lfn"
           " nov vo cbk-zam",
    "gem": "lb nds nds-nl fy li gsw bar fo sco vls zea ksh pdc pfl stq frr sli vmf hrx jam",
    "sla": "szl hsb dsb csb",
    "map": "jv su min ace ban bjn map-bms ceb ilo war pam bcl pag mg mi haw sm to ty btm nia gor tet bug mad niu fj gil tay trv"
           " ami pwn szy",
    "trk": "tk crh-latn kaa gag ku-latn diq kiu lzz",
    "bnt": "so ha yo ig zu xh st tn ts ss ny rw rn ln lg sn om wo ff kab shi-latn tw ee bm kg ki sg tum rif nso",
    "mix": "br gd gv kw se vro olo vep liv sma fkv krl smn ltg sgs qu gn ay nah nv qug mt aln rmy jbo avk kl ik za",
    "und": "cv os ab av ce kv koi mhr mrj myv mdf udm sah xal bxr tyv alt lez rue inh krc ba lbe uz-cyrl azb mzn glk lrc bgn bqi"
           " skr-arab pnb ks-arab luz lki khw brh sa mai bho dty anp gom-deva new doi awa bpy xmf tcy shn mnw ksw blk bo dz ti",
}
CODES = {"ug-arab": "ug", "kk-cyrl": "kk", "tt-cyrl": "tt", "tg-cyrl": "tg", "sr-ec": "sr", "sr-el": "sr@latin", "zh-hans": "zh",
         "zh-hant": "zh", "be-tarask": "be", "pt-br": "pt", "fil": "tl"}
TREEBANKS = {"Afrikaans": "af", "Azerbaijani": "az", "Belarusian": "be", "Croatian": "hr", "Czech": "cs",
             "Danish": "da", "Dutch": "nl", "Indonesian": "id", "Kazakh": "kk", "Kyrgyz": "ky", "Macedonian": "mk",
             "Norwegian-Bokmaal": "nb", "Norwegian-Nynorsk": "nn", "Pashto": "ps", "Persian": "fa", "Russian": "ru",
             "Serbian": "sr", "Sindhi": "sd", "Sinhala": "si", "Slovak": "sk", "Slovenian": "sl", "Spanish": "es",
             "Swedish": "sv", "Tatar": "tt", "Uyghur": "ug", "Uzbek": "uz"}
MOST_BYTES = 4 << 20
COURSE = "IoT-For-Beginners"
COURSE_CODES = {"br": "pt", "hk": "zh", "mo": "zh", "tw": "zh", "no": "nb"}
CYRILLIC = dict(zip("абвгдђежзијклљмнњопрстћуфхцчџш",
                    "a b v g d đ e ž z i j k l lj m n nj o p r s t ć u f h c č dž š".split()))


def language_of_message(code: str, languages: set[str]) -> str | None:
    for group, codes in GROUPS.items():
        if code in codes.split():
            return group
    language = CODES.get(code, code)
    return language if language.split("@")[0] in languages else None


def plain(message: str) -> str:
    """A message without wiki markup, tags and placeholders."""
    for _ in range(4):  # templates nest
        message = re.sub(r"\{\{[^{}|]*\}\}", " ", message)
        message = re.sub(r"\{\{[^{}]*?([^{}|]*)\}\}", r"\1", message)
    message = re.sub(r"\[\[(?:[^\[\]|]*\|)?([^\[\]]*)\]\]", r"\1", message)
    message = re.sub(r"\[https?:\S+ ?([^\]]*)\]|https?:\S+", r"\1", message)
    message = re.sub(r"<[^<>]*>|'{2,}|\$\d|__\w+__|&\w+;", " ", message)
    return re.sub(r"[ \t]+", " ", message).strip()


def write_rows(path: pathlib.Path, texts) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = "".join(json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in texts)
    path.write_text(rows, encoding="utf-8")
    return hashlib.sha256(rows.encode()).hexdigest()


def write_messages(corpus: pathlib.Path, languages: set[str]) -> None:
    texts: dict[str, list[str]] = {}
    root = corpus / "usr/share/mediawiki"
    files = [*root.glob("languages/i18n/*.json"), *root.glob("includes/*/i18n/*.json")]
    for path in sorted(files):
        if language := language_of_message(path.stem, languages):
            messages = json.loads(path.read_text(encoding="utf-8"))
            texts.setdefault(language, []).extend(
                plain(message) for key, message in messages.items() if key != "@metadata" and isinstance(message, str))
    for language, messages in texts.items():
        write_rows(corpus / f"text/mediawiki/{language}.jsonl", messages)


def sentences(path: pathlib.Path):
    for line in path.read_text(encoding="utf-8").split("\n"):
        if line.startswith("# text = "):
            yield line.removeprefix("# text = ").strip()


def write_treebank(corpus: pathlib.Path, folder: pathlib.Path) -> None:
    name = folder.name.removeprefix("UD_")
    language = next((code for prefix, code in TREEBANKS.items() if name.startswith(prefix)), None)
    if language is None:
        sys.exit(f"{folder.name}: no language is named for this treebank")
    files = [path for path in sorted(folder.glob("*.conllu")) if path.stat().st_size < MOST_BYTES]
    digest = write_rows(corpus / f"text/ud/{language}/{name}.jsonl", (text for path in files for text in sentences(path)))
    print_row(folder, digest)


def print_row(folder: pathlib.Path, digest: str) -> None:
    commit = subprocess.run(["git", "-C", folder, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    print(folder.name, commit, digest, sep="\t")


def in_latin(text: str) -> str:
    """Serbian Cyrillic in Serbian Latin, letter by letter."""
    return "".join(CYRILLIC.get(c) or CYRILLIC.get(c.lower(), c).capitalize() for c in text)


def prose(text: str) -> list[str]:
    text = re.sub(r"```.*?(```|\Z)|<!--.*?-->", "\n\n", text, flags=re.S)
    text = re.sub(r"<[^>\n]+>|`[^`\n]*`|!\[[^\]]*\]\([^)]*\)", " ", text)
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    return [" ".join(line.strip("#>*-| \t").split()) for line in text.split("\n")]


def write_course(corpus: pathlib.Path, folder: pathlib.Path, languages: set[str]) -> None:
    texts: dict[str, list[str]] = {}
    for path in sorted((folder / "translations").glob("*/**/*.md")):
        code = path.relative_to(folder / "translations").parts[0]
        language = COURSE_CODES.get(code, code)
        if language in languages:
            texts.setdefault(language, []).extend(prose(path.read_text(encoding="utf-8")))
    texts["sr@latin"] = [in_latin(text) for text in texts["sr"]]
    digests = [write_rows(corpus / f"text/book/{language}.jsonl", texts[language]) for language in sorted(texts)]
    print_row(folder, hashlib.sha256("".join(digests).encode()).hexdigest())


def write_tatoeba(corpus: pathlib.Path, folder: pathlib.Path) -> None:
    """Malay and Indonesian sentences of Tatoeba: as many and as short as each other, so that only the words differ."""
    digests = [write_rows(corpus / f"text/tatoeba/{language}.jsonl",
                          (folder / f"data/tatoeba/v1/tatoeba.{code}-eng.{code}").read_text(encoding="utf-8").split("\n"))
               for code, language in (("zsm", "ms"), ("ind", "id"))]
    print_row(folder, hashlib.sha256("".join(digests).encode()).hexdigest())


def main() -> None:
    corpus, repositories = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    recipe = yaml.safe_load((pathlib.Path(__file__).parent.parent / "recipes/langid.yaml").read_text())
    write_messages(corpus, set(recipe["languages"]))
    for name in recipe["packages"]:
        if name.startswith("UD_"):
            write_treebank(corpus, repositories / name)
        if name == "LASER":
            write_tatoeba(corpus, repositories / name)
        if name == COURSE:
            write_course(corpus, repositories / name, set(recipe["languages"]))


main()
