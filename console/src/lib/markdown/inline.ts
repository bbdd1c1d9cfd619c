// Markdown's spans within a paragraph, in time linear in its length. Pure.
//
// Otherwise than CommonMark: ** and * need only a word beside them, whatever stands on their other side, because Korean
// puts its particles right behind them ("**강조**는", "**'강조'**는"); a line's end is kept; mathematics stays as it is
// written; images become links, for nothing is loaded from elsewhere.

export type Inline =
  | { kind: "text" | "code" | "math"; text: string }
  | { kind: "strong" | "em" | "del"; children: Inline[] }
  | { kind: "link"; href: string; image: boolean; children: Inline[] }
  | { kind: "break" };

type Emphasis = "*" | "**" | "_" | "__" | "~~";
type Mark = Emphasis | "[" | "![";

interface Opener {
  mark: Mark;
  at: number; // index of its text in the output
  depth: number; // of what stands behind it
}

const kSpecial = /[\\`*_~[\]!<$&\n]|https?:\/\//g;
const kBareUrl = /https?:\/\/[!#-;=?-Z^_a-{}~]{1,2000}/y;
const kAngleUrl = /<((?:https?:\/\/|mailto:)[^\s<>]+)>/y;
const kBreakTag = /<br ?\/?>/iy;
const kEntities: Record<string, string> = { "&lt;": "<", "&gt;": ">", "&amp;": "&", "&quot;": '"', "&nbsp;": "\u00a0" };
const kEntity = /&(?:lt|gt|amp|quot|nbsp);/y;
const kMaxNesting = 12;
const kMaxAddress = 2000;
const kMaxParentheses = 4; // within each other in an address
const kKinds = { "*": "em", _: "em", "**": "strong", __: "strong", "~~": "del" } as const;

/** Addresses that a click may open. Anything else, `javascript:` above all, stays text. */
export function safeAddress(address: string): string | null {
  return /^(?:https?:\/\/|mailto:)[^\s\u0000-\u001f]+$/i.test(address) ? address : null;
}

function isWord(c: string | undefined): boolean {
  return c !== undefined && /[A-Za-z0-9]/.test(c);
}

function isBlank(c: string | undefined): boolean {
  return c === undefined || /\s/.test(c);
}

/** Behind "](": the address, and where its ")" is; a title is passed over. Null: none; -1: it has not ended yet. */
function destinationAt(source: string, from: number): { address: string; end: number } | null {
  const stop = Math.min(source.length, from + kMaxAddress);
  let at = from;
  let depth = 0;
  for (; at < stop; at++) {
    const c = source[at]!;
    if (c === "(" && ++depth > kMaxParentheses) return null;
    if (c === ")" && depth-- === 0) break;
    if (c === " " || c === "\n" || c === "<") break;
  }
  const address = source.slice(from, at);
  if (at === source.length) return { address, end: -1 };
  if (source[at] === ")") return { address, end: at + 1 };
  const title = source[at] === " " ? / {1,9}"[^"\n]{0,999}" {0,9}\)/y : null;
  if (title === null) return null;
  title.lastIndex = at;
  return title.test(source) ? { address, end: title.lastIndex } : null;
}

class InlineParser {
  private readonly out: Inline[] = [];
  private readonly openers: Opener[] = [];
  private readonly counts: Record<Mark, number> = { "*": 0, "**": 0, _: 0, __: 0, "~~": 0, "[": 0, "![": 0 };
  private readonly noCloser = new Map<number, number>(); // backticks: from here on no run of this length
  private readonly marks: Record<string, number> = {}; // of mathematics: where the next one is, -1: nowhere
  private at = 0;

  /** `growing`: more text comes, and what is open is shown as if it closed at the end. */
  constructor(
    private readonly source: string,
    private readonly growing: boolean,
  ) {}

  parse(): Inline[] {
    while (this.at < this.source.length) {
      kSpecial.lastIndex = this.at;
      const found = kSpecial.exec(this.source);
      const next = found ? found.index : this.source.length;
      this.text(this.source.slice(this.at, next));
      this.at = next;
      if (found) this.special(found[0]!);
    }
    if (this.growing) this.closeAll();
    return joined(this.out);
  }

  private text(text: string): void {
    if (text !== "") this.out.push({ kind: "text", text });
  }

  private take(length: number): void {
    this.text(this.source.slice(this.at, this.at + length));
    this.at += length;
  }

  private special(found: string): void {
    switch (found[0]) {
      case "\\":
        return this.backslash();
      case "`":
        return this.codeSpan();
      case "*":
      case "_":
      case "~":
        return this.emphasis(found[0]);
      case "[":
        return this.opener("[");
      case "!":
        return this.source[this.at + 1] === "[" ? this.opener("![") : this.take(1);
      case "]":
        return this.bracketEnd();
      case "$":
        return this.math();
      case "\n":
        return this.lineEnd();
      case "h":
        return this.bareUrl();
      case "<":
        return this.angle();
      default:
        return this.entity();
    }
  }

  private sticky(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.at;
    return pattern.exec(this.source);
  }

  private lineEnd(): void {
    const last = this.out[this.out.length - 1];
    if (last?.kind === "text") last.text = last.text.replace(/[ \t]{1,99}$/, "");
    this.out.push({ kind: "break" });
    this.at++;
    while (this.source[this.at] === " ") this.at++;
  }

  private backslash(): void {
    const next = this.source[this.at + 1];
    if (next === "(" || next === "[") {
      if (this.mathUntil(next === "(" ? "\\)" : "\\]", 2)) return;
    } else if (next === "\n") {
      this.at++;
      return this.lineEnd();
    }
    if (next === undefined || !/[!-/:-@[-`{-~]/.test(next)) return this.take(1);
    this.at++;
    this.take(1);
  }

  /** $x$ and $$x$$; a dollar before a blank, or one that a figure follows, is money. */
  private math(): void {
    const double = this.source[this.at + 1] === "$";
    if (double) {
      if (!this.mathUntil("$$", 2)) this.take(2);
      return;
    }
    if (isBlank(this.source[this.at + 1]) || !this.mathUntil("$", 1)) this.take(1);
  }

  private mathUntil(mark: string, skip: number): boolean {
    const from = this.at + skip;
    const end = this.nextMark(mark, from);
    if (end <= from) return false;
    if (mark === "$" && !this.isMath(from, end)) return false;
    this.out.push({ kind: "math", text: this.source.slice(this.at, end + mark.length) });
    this.at = end + mark.length;
    return true;
  }

  private isMath(from: number, end: number): boolean {
    const after = this.source[end + 1];
    if (isBlank(this.source[end - 1]) || (after !== undefined && /[0-9]/.test(after))) return false;
    return !this.source.slice(from, end).includes("\n");
  }

  private nextMark(mark: string, from: number): number {
    const known = this.marks[mark];
    if (known !== undefined && (known === -1 || known >= from)) return known;
    return (this.marks[mark] = this.source.indexOf(mark, from));
  }

  private codeSpan(): void {
    const run = /`+/y;
    run.lastIndex = this.at;
    const size = run.exec(this.source)![0]!.length;
    const end = this.runFrom(this.at + size, size);
    if (end < 0 && !this.growing) return this.take(size);
    const stop = end < 0 ? this.source.length : end;
    let code = this.source.slice(this.at + size, stop).replace(/\n/g, " ");
    if (end < 0)
      code = code.replace(/`+$/, ""); // perhaps the first of the marks that end it
    else if (/^ .*[^ ].* $/.test(code)) code = code.slice(1, -1);
    if (code !== "") this.out.push({ kind: "code", text: code });
    this.at = end < 0 ? stop : end + size;
  }

  /** Where the next run of exactly `size` backticks begins; -1: nowhere. */
  private runFrom(from: number, size: number): number {
    if ((this.noCloser.get(size) ?? Infinity) <= from) return -1;
    const runs = /`+/g;
    runs.lastIndex = from;
    for (let found = runs.exec(this.source); found; found = runs.exec(this.source)) {
      if (found[0]!.length === size) return found.index;
    }
    this.noCloser.set(size, from);
    return -1;
  }

  private emphasis(c: "*" | "_" | "~"): void {
    let size = 1;
    while (this.source[this.at + size] === c) size++;
    const before = this.source[this.at - 1];
    const after = this.source[this.at + size];
    if (c === "~" ? size !== 2 : size > 3) return this.take(size);
    const opens = !isBlank(after) && (c !== "_" || !isWord(before));
    const closes = !isBlank(before) && (c !== "_" || !isWord(after));
    let left = size;
    while (closes && left > 0) {
      const closed = this.closeOne(c, left);
      if (closed === 0) break;
      left -= closed;
      this.at += closed;
    }
    while (left > 0) {
      const mark = (left >= 2 ? c + c : c) as Mark;
      if (opens) this.opener(mark);
      else if (this.growing && this.at + left === this.source.length && closes) return this.skip(left);
      else this.take(mark.length);
      left -= mark.length;
    }
  }

  /** Marks at the end of growing text: the next letter says what they are. */
  private skip(length: number): void {
    this.at += length;
  }

  private closeOne(c: string, left: number): number {
    const single = c as Emphasis; // "~" is none, and has no openers
    const double = (c + c) as Emphasis;
    for (let i = this.openers.length - 1; i >= 0 && (this.counts[single] ?? 0) + this.counts[double] > 0; i--) {
      const { mark } = this.openers[i]!;
      if (mark === double && left >= 2) return this.wrap(i, double) ? 2 : 0;
      if (mark === single && c !== "~") return this.wrap(i, single) ? 1 : 0;
      if (mark === double) return 0;
      this.drop(i); // one that opened inside of what now closes stays text
    }
    return 0;
  }

  private drop(index: number): void {
    for (const { mark } of this.openers.splice(index)) this.counts[mark]--;
  }

  /** False: it cannot be, and its opener stays text. */
  private wrap(index: number, mark: Emphasis): boolean {
    const { at } = this.openers[index]!;
    const depth = this.depthBehind(index);
    this.drop(index);
    if (at + 1 >= this.out.length || depth >= kMaxNesting) return false;
    const inside = this.out.slice(at + 1);
    this.out.length = at;
    this.put({ kind: kKinds[mark], children: joined(inside) }, depth + 1);
    return true;
  }

  private depthBehind(index: number): number {
    let depth = 0;
    for (let i = index; i < this.openers.length; i++) depth = Math.max(depth, this.openers[i]!.depth);
    return depth;
  }

  private put(node: Inline, depth: number): void {
    this.out.push(node);
    const around = this.openers[this.openers.length - 1];
    if (around) around.depth = Math.max(around.depth, depth);
  }

  private opener(mark: Mark): void {
    this.openers.push({ mark, at: this.out.length, depth: 0 });
    this.counts[mark]++;
    this.take(mark.length);
  }

  private bracketEnd(): void {
    if (this.counts["["] + this.counts["!["] === 0) return this.take(1);
    let i = this.openers.length - 1;
    while (this.openers[i]!.mark !== "[" && this.openers[i]!.mark !== "![") i--;
    this.at++;
    const found = this.source[this.at] === "(" ? destinationAt(this.source, this.at + 1) : null;
    if (found === null || (found.end < 0 && !this.growing)) {
      this.text("]");
      return this.drop(i);
    }
    this.at = found.end < 0 ? this.source.length : found.end; // the address may be on its way
    this.link(i, found.end < 0 ? "" : found.address);
  }

  private link(index: number, address: string): void {
    const { mark, at } = this.openers[index]!;
    const depth = this.depthBehind(index);
    const inside = joined(this.out.slice(at + 1));
    this.out.length = at;
    this.drop(index);
    const href = safeAddress(address);
    const children: Inline[] = inside.length > 0 ? inside : [{ kind: "text", text: address }];
    const deep = depth >= kMaxNesting || inside.some((one) => one.kind === "link");
    if (href === null || deep) {
      for (const child of children) this.put(child, depth);
    } else this.put({ kind: "link", href, image: mark === "![", children }, depth + 1);
    if (href === null && address !== "") this.text(` (${address})`);
  }

  private bareUrl(): void {
    const found = isWord(this.source[this.at - 1]) ? null : this.sticky(kBareUrl);
    if (found === null) return this.take(4);
    let url = found[0]!.replace(/[.,:;!?'*_~]+$/, "");
    while (url.endsWith(")") && url.split(")").length > url.split("(").length) url = url.slice(0, -1);
    if (!safeAddress(url)) return this.take(4);
    this.out.push({ kind: "link", href: url, image: false, children: [{ kind: "text", text: url }] });
    this.at += url.length;
  }

  private angle(): void {
    const url = this.sticky(kAngleUrl);
    if (url) {
      this.out.push({ kind: "link", href: url[1]!, image: false, children: [{ kind: "text", text: url[1]! }] });
      this.at += url[0]!.length;
    } else if (this.sticky(kBreakTag)) {
      this.out.push({ kind: "break" });
      this.at = kBreakTag.lastIndex;
    } else this.take(1);
  }

  private entity(): void {
    const found = this.sticky(kEntity);
    if (found === null) return this.take(1);
    this.text(kEntities[found[0]!]!);
    this.at += found[0]!.length;
  }

  /** Growing text: what was opened closes here, and a mark that nothing follows yet is not shown. */
  private closeAll(): void {
    if (this.openers.length > kMaxNesting) return; // no prose has so many
    for (let i = this.openers.length - 1; i >= 0; i--) {
      const { mark, at } = this.openers[i]!;
      if (mark === "[" || mark === "![") continue;
      if (at === this.out.length - 1) this.out.pop();
      else this.wrap(i, mark);
    }
  }
}

/** Neighbouring texts as one. */
function joined(nodes: Inline[]): Inline[] {
  const result: Inline[] = [];
  let texts: string[] = [];
  const flush = () => {
    if (texts.length > 0) result.push({ kind: "text", text: texts.join("") });
    texts = [];
  };
  for (const node of nodes) {
    if (node.kind === "text") texts.push(node.text);
    else {
      flush();
      result.push(node);
    }
  }
  flush();
  return result;
}

export function parseInline(source: string, growing = false): Inline[] {
  return new InlineParser(source, growing).parse();
}
