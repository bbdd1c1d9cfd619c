"""Draws what serve.py measured: bench/infer/plot.py FILE.json… OUT.svg

One row for each load, Maru above llama.cpp: tokens per second, and seconds to the first token (95 %, logarithmic).
"""
import json
import math
import pathlib
import sys
from xml.sax.saxutils import escape

NAMES, TONES = ("maru", "llama.cpp"), ("#2166ac", "#b2b2b2")
LEFT, PANEL, GAP, ROW, TOP = 290, 300, 90, 40, 60


def text(x, y, words, *, anchor="start", size=13, weight="normal"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" font-weight="{weight}">'
            f"{escape(words)}</text>")


def bars(rows, x, title, key, width_of, words_of):
    parts = [text(x, 40, title, weight="bold")]
    for i, row in enumerate(rows):
        for j, name in enumerate(NAMES):
            value, y = row[name][key], TOP + i * ROW + j * 15
            width = PANEL * width_of(value)
            parts.append(f'<rect x="{x}" y="{y}" width="{width:.1f}" height="13" fill="{TONES[j]}"/>')
            parts.append(text(x + width + 4, y + 11, words_of(value), size=11))
    return parts


def draw(rows):
    most = max(row[name]["tokens_per_second"] for row in rows for name in NAMES)
    delays = [row[name]["first_p95"] for row in rows for name in NAMES]
    low, high = math.log(min(delays) / 1.5), math.log(max(delays))
    width, height = LEFT + 2 * PANEL + 2 * GAP, TOP + len(rows) * ROW + 20
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif">',
             f'<rect width="{width}" height="{height}" fill="white"/>']
    for j, name in enumerate(("Maru", "llama.cpp")):
        parts.append(f'<rect x="{10 + 90 * j}" y="12" width="12" height="12" fill="{TONES[j]}"/>')
        parts.append(text(27 + 90 * j, 23, name))
    for i, row in enumerate(rows):
        parts.append(text(LEFT - 10, TOP + i * ROW + 18, row["load"], anchor="end"))
    parts += bars(rows, LEFT, "tokens per second", "tokens_per_second", lambda v: v / most, lambda v: f"{v:.0f}")
    parts += bars(rows, LEFT + PANEL + GAP, "seconds to the first token, 95 % (logarithmic)", "first_p95",
                  lambda v: (math.log(v) - low) / (high - low), lambda v: f"{v:.2f}")
    return "\n".join(parts + ["</svg>"]) + "\n"


def main():
    if len(sys.argv) < 3:
        raise SystemExit(__doc__)
    rows = [row for file in sys.argv[1:-1] for row in json.loads(pathlib.Path(file).read_text())]
    pathlib.Path(sys.argv[-1]).write_text(draw([row for row in rows if all(name in row for name in NAMES)]))


if __name__ == "__main__":
    main()
