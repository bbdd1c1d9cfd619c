"""Draws held-out measures over steps, each in a panel of its own, with their 95 % intervals where they have one."""
from xml.sax.saxutils import escape

PANEL, HEIGHT, GAP, LEFT, TOP = 240, 170, 70, 50, 50


def text(x, y, words, anchor="start", size=12):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}">{escape(words)}</text>'


def panel(x, title, rows):
    """`rows` are (step, low, value, high)."""
    steps = [row[0] for row in rows]
    low, high = min(row[1] for row in rows), max(row[3] for row in rows)

    def at(step, value):
        across = (step - steps[0]) / max(1, steps[-1] - steps[0])
        return f"{x + PANEL * across:.1f},{TOP + HEIGHT * (1 - (value - low) / (high - low or 1)):.1f}"

    band = [at(row[0], row[1]) for row in rows] + [at(row[0], row[3]) for row in reversed(rows)]
    line = [at(row[0], row[2]) for row in rows]
    return [text(x, TOP - 18, title, size=13),
            f'<rect x="{x}" y="{TOP}" width="{PANEL}" height="{HEIGHT}" fill="none" stroke="#bbbbbb"/>',
            f'<polygon points="{" ".join(band)}" fill="#2166ac" opacity="0.2"/>',
            f'<polyline points="{" ".join(line)}" fill="none" stroke="#2166ac" stroke-width="2"/>',
            text(x - 6, TOP + 10, f"{high:.3g}", "end"), text(x - 6, TOP + HEIGHT, f"{low:.3g}", "end"),
            text(x, TOP + HEIGHT + 18, f"step {steps[0]}"), text(x + PANEL, TOP + HEIGHT + 18, f"{steps[-1]}", "end")]


def draw(panels):
    """SVG of `panels`, (title, rows) each."""
    width, height = LEFT + len(panels) * (PANEL + GAP), TOP + HEIGHT + 36
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif">',
             f'<rect width="{width}" height="{height}" fill="white"/>']
    for i, (title, rows) in enumerate(panels):
        parts += panel(LEFT + i * (PANEL + GAP), title, rows)
    return "\n".join(parts + ["</svg>"]) + "\n"
