// Markdown without a browser: blocks, spans, what is safe, and that neither growth nor malice costs more than length.
import assert from "node:assert/strict";
import { test } from "node:test";
import { BlockParser, cellsOf, isUndecided, parseBlocks } from "../../console/src/lib/markdown/blocks";
import { parseInline, safeAddress } from "../../console/src/lib/markdown/inline";

/** A block as a short text: kind(children or lines). */
const outline = (block) =>
  `${block.kind}${block.children.length > 0 ? `(${block.children.map(outline).join(" ")})` : ""}`;
const blocks = (text) => parseBlocks(text).children.map(outline).join(" ");
const tags = { strong: "b", em: "i", del: "s" };
/** Spans as marked text. */
const shown = (nodes) =>
  nodes
    .map((node) => {
      if (node.kind === "text") return node.text;
      if (node.kind === "break") return "⏎";
      if (node.kind === "code") return `{${node.text}}`;
      if (node.kind === "math") return `⟨${node.text}⟩`;
      if (node.kind === "link") return `[${shown(node.children)}→${node.href}]`;
      return `<${tags[node.kind]}>${shown(node.children)}</${tags[node.kind]}>`;
    })
    .join("");
const inline = (text, growing = false) => shown(parseInline(text, growing));

const kSample = [
  "# 제목\n\n글 **굵게** 그리고 `코드`\n둘째 줄\n\n",
  "1. 하나\n  - 안\n     - 더 안\n2. 둘\n\n   단락\n\n- a\n- b\n---\n",
  "> 인용\n> - 항목\n이어짐\n\n| a | b |\n|---|:-:|\n| 1 | `x|y` |\n\n",
  "```py\ndef f():\n\n    return 1\n```\n\\[\n a\n + b\n\\]\n끝 $$x$$ **'강조'**는\n",
].join("");

test("Blocks: what models write", () => {
  assert.equal(blocks("# a\nb\nc\n\nd"), "heading paragraph paragraph");
  assert.equal(
    blocks("1. a\n  - b\n    - c\n2. d"),
    "list(item(paragraph list(item(paragraph list(item(paragraph))))) item(paragraph))",
  );
  assert.equal(blocks("1. a\n\n   b\n\nc"), "list(item(paragraph paragraph)) paragraph");
  assert.equal(blocks("- a\n* b"), "list(item(paragraph)) list(item(paragraph))");
  assert.equal(blocks("> a\nb\n\nc"), "quote(paragraph) paragraph");
  assert.equal(blocks("a\n---\nb"), "paragraph rule paragraph");
  assert.equal(blocks("```js\n# no\n- no\n```\nb"), "code paragraph");
  assert.equal(blocks("- a\n  ```\n  x\n  ```\n- b"), "list(item(paragraph code) item(paragraph))");
  assert.equal(blocks("\\[\na\n- b\n\\]\nc"), "math paragraph");
  assert.equal(blocks("2024년\n1986. 3. 1."), "paragraph", "a number within a paragraph begins no list");
});

test("Blocks: code keeps its lines, its language and what looks like a fence", () => {
  const code = (text) => parseBlocks(text).children[0];
  assert.deepEqual(code("~~~c++ x\na\n\n  b\n```\n~~~").lines, ["a", "", "  b", "```"]);
  assert.equal(code("```c++ x\n```").info, "c++");
  assert.deepEqual(code("````\n```\nx\n```\n````").lines, ["```", "x", "```"]);
  assert.deepEqual(code("```\nopen to the end").lines, ["open to the end"]);
  assert.deepEqual(code("  ```\n  a\n   b\n  ```").lines, ["a", " b"]);
  assert.equal(parseBlocks("a ```b``` c").children[0].kind, "paragraph");
});

test("Blocks: tables need a row of dashes with as many cells; a | in code or behind \\ is none", () => {
  assert.equal(blocks("| a | b |\n|---|---|\n| 1 | 2 |\nafter"), "table paragraph");
  assert.equal(blocks("a | b\n--|--\n1 | 2"), "table");
  assert.equal(blocks("| a | b |\n|---|\n| 1 | 2 |"), "paragraph");
  assert.equal(blocks("글\n| a |\n|---|"), "paragraph table");
  assert.deepEqual(parseBlocks("|a|b|c|\n|:-|:-:|-:|").children[0].align, ["left", "center", "right"]);
  assert.deepEqual(cellsOf("| `a|b` | c\\|d |  |"), ["`a|b`", "c|d", ""]);
  assert.deepEqual(cellsOf("`a | b"), ["`a", "b"], "a lone backtick hides nothing");
});

test("Spans: emphasis beside Korean particles, code, links, breaks", () => {
  assert.equal(inline("**'강조'**는 **(값)**을 *기울임*체"), "<b>'강조'</b>는 <b>(값)</b>을 <i>기울임</i>체");
  assert.equal(
    inline("***둘 다*** ~~x~~ __b__ _i_ snake_case_name"),
    "<b><i>둘 다</i></b> <s>x</s> <b>b</b> <i>i</i> snake_case_name",
  );
  assert.equal(inline("2 * 3 * 4, ** a **, *a"), "2 * 3 * 4, ** a **, *a");
  assert.equal(inline("`a*b*` ``c ` d`` `open"), "{a*b*} {c ` d} `open");
  assert.equal(inline("a\\*b\\* \\`c\\` \\가"), "a*b* `c` \\가");
  assert.equal(
    inline('[a *b*](https://x.y/z_(q) "t") ![그림](http://i/p.png)'),
    "[a <i>b</i>→https://x.y/z_(q)] [그림→http://i/p.png]",
  );
  assert.equal(
    inline("https://a.b/c?d=1. (http://e.f) **https://g.h**를"),
    "[https://a.b/c?d=1→https://a.b/c?d=1]. ([http://e.f→http://e.f]) <b>[https://g.h→https://g.h]</b>를",
  );
  assert.equal(inline("a  \nb<br>c <https://x.y>"), "a⏎b⏎c [https://x.y→https://x.y]");
  assert.equal(inline("**[1] 제목** x[i] [a] (b)"), "<b>[1] 제목</b> x[i] [a] (b)");
  assert.equal(inline("&lt;b&gt; &amp;amp; &copy;"), "<b> &amp; &copy;");
});

test("Spans: mathematics stays as it is written, money is money", () => {
  assert.equal(inline("$a_1*b*c_2$ \\(x*y*\\) $$\\sum_i *$$"), "⟨$a_1*b*c_2$⟩ ⟨\\(x*y*\\)⟩ ⟨$$\\sum_i *$$⟩");
  assert.equal(inline("$5 and $10, *a*"), "$5 and $10, <i>a</i>");
  assert.equal(inline("$5 and $x"), "$5 and $x");
  assert.equal(inline("\\(open *a*"), "(open <i>a</i>");
});

test("Spans: only http, https and mailto become links", () => {
  for (const address of [
    "javascript:alert(1)",
    "data:text/html,x",
    "file:///etc/passwd",
    " https://x",
    "//x.y",
    "vbscript:x",
  ])
    assert.equal(safeAddress(address), null, address);
  assert.equal(safeAddress("HTTPS://x.y"), "HTTPS://x.y");
  const kinds = (text) => JSON.stringify(parseInline(text));
  for (const text of [
    "[a](javascript:alert(1))",
    "[a](JaVaScript&#58;x)",
    "<javascript:x>",
    "![a](data:x)",
    "[a](\tjavascript:x)",
  ])
    assert.ok(!kinds(text).includes('"link"'), text);
  assert.equal(inline("<img src=x onerror=y> <script>"), "<img src=x onerror=y> <script>");
});

/** All text of a tree, marks and all. */
const words = (block) => block.lines.join("\n") + block.children.map(words).join("\n");

test("Growing text: whatever the pieces, the blocks at the end are those of the whole", () => {
  const whole = JSON.stringify(parseBlocks(kSample));
  for (const size of [1, 2, 3, 7, 50]) {
    const parser = new BlockParser();
    for (let at = 0; at < kSample.length; at += size) {
      parser.push(kSample.slice(at, at + size));
      parser.showBegun();
    }
    parser.end();
    assert.equal(JSON.stringify(parser.root), whole, `pieces of ${size}`);
  }
});

test("Growing text: marks that are not decided yet are not shown", () => {
  for (const line of ["#", "##", "-", "1.", "12", "```", "``", "> ", "> -", "| a | b", "$$", "\\[", "***", "  - "])
    assert.ok(isUndecided(line), line);
  for (const line of ["a", "# a", "- a", "1. a", "> a", "-a", "가"]) assert.ok(!isUndecided(line), line);
  const parser = new BlockParser();
  parser.push("```js\nlet a;\n``");
  parser.showBegun();
  assert.deepEqual(parser.root.children[0].lines, ["let a;"], "what may end the code is no code");
  assert.equal(inline("글 **굵", true), "글 <b>굵</b>");
  assert.equal(inline("글 **", true), "글 **");
  assert.equal(inline("글 **굵게*", true), "글 <b>굵게</b>");
  assert.equal(inline("글 `코드", true), "글 {코드}");
  assert.equal(inline("[말](https://x.y/긴", true), "말");
});

test("Growing text: a mark is never shown and then taken back", () => {
  const text = "앞 **굵게 쓴 글** 그리고 `코드` 와 [말](https://x.y) 끝";
  for (let end = 1; end <= text.length; end++) {
    const now = inline(text.slice(0, end), true);
    assert.ok(!/\*\*.|`.|\]\(/.test(now), `${text.slice(0, end)} → ${now}`);
  }
});

test("Time is linear in the length, whatever the text", () => {
  const makers = {
    "openers without closers": (n) => "*a **b _c ".repeat(n / 10),
    brackets: (n) => "[".repeat(n),
    "nested emphasis": (n) => "*_".repeat(n / 2),
    backticks: (n) => Array.from({ length: Math.sqrt(2 * n) }, (_, i) => "`".repeat(i)).join(" "),
    "link beginnings": (n) => "[a](".repeat(n / 4),
    quotes: (n) => ">".repeat(n),
    dollars: (n) => "$a".repeat(n / 2),
    "mathematics without end": (n) => "\\[\\(".repeat(n / 4),
    lists: (n) => "- ".repeat(n / 2),
    "deep lists": (n) => Array.from({ length: Math.sqrt(n) }, (_, i) => `${" ".repeat(2 * i)}- a`).join("\n"),
    links: (n) => "[a](http://x) ".repeat(n / 14),
    addresses: (n) => "https://a.b/))) ".repeat(n / 16),
    blanks: (n) => `${" ".repeat(n)}a`,
    "rows of cells": (n) => `${"|a".repeat(n / 2)}\n${"|-".repeat(n / 2)}`,
  };
  for (const [name, make] of Object.entries(makers)) {
    const [short, long] = [20_000, 160_000].map((n) => milliseconds(make(n)));
    assert.ok(
      long < 300 || long / short < 40,
      `${name}: ${short.toFixed(1)} ms, 8 times as much ${long.toFixed(1)} ms`,
    );
  }
});

/** Of this process's own time, for the machine may be busy; the least of three. */
function milliseconds(text) {
  const times = [1, 2, 3].map(() => {
    const start = process.cpuUsage();
    for (const line of words(parseBlocks(text)).split("\n"))
      for (const growing of [false, true]) parseInline(line, growing);
    return process.cpuUsage(start).user / 1000;
  });
  return Math.min(...times);
}
