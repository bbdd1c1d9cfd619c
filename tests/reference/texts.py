"""Texts for the reference tests: those of tests/texts, which every clone has, and at full scale, where ../shared/data is,
the larger sets too. `FULL` says which; only the amount differs, not what is tested."""
import pathlib
import random
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data"
FULL = DATA.is_dir()
SMALL = ROOT / "tests" / "texts"
LANGUAGES = sorted(path.stem for path in SMALL.glob("*.txt"))


def paragraphs(language):
    return [line for line in (SMALL / f"{language}.txt").read_text(encoding="utf-8").split("\n") if line.strip()]


def sentences(language):
    return [s for p in paragraphs(language) for s in re.split(r"(?<=[.。!?！？।؟])\s*", p) if s.strip()]


def small_lines(language, count):
    """Paragraphs, their sentences, and others that are put together of halves of them; always the same ones."""
    rng = random.Random(language)
    parts = sentences(language)
    lines = list(dict.fromkeys(paragraphs(language) + parts))
    while len(lines) < count:
        a, b = rng.choice(parts), rng.choice(parts)
        lines.append(a[: rng.randint(1, len(a))] + rng.choice(["", " ", "  "]) + b[rng.randrange(len(b)) :])
    return lines[:count]
