// Markdown's blocks, a line at a time (after CommonMark 0.31, appendix "A parsing strategy"): every line is looked at
// once, so a long answer costs no more per token than a short one. Pure.
//
// Otherwise than CommonMark: no HTML, no indented code and no underlined headings (models indent and underline for
// other reasons); display mathematics stays whole; a nested list may be indented by two columns under any marker.

export type BlockKind =
  "root" | "paragraph" | "heading" | "code" | "math" | "quote" | "list" | "item" | "table" | "rule";

export interface Block {
  kind: BlockKind;
  children: Block[]; // of root, quote, list and item
  lines: string[]; // of paragraph, heading, code and math; the rows of a table, its head first
  open: boolean; // more lines may come
  level: number; // heading: 1…6; list: its first number; item: columns that its content is indented
  column: number; // item, code: columns before the marker
  mark: string; // code: its fence; math: what ends it; list: its marker, or "." for numbers
  info: string; // code: the language
  align: Array<"left" | "right" | "center" | null>; // table
}

const kMaxDepth = 24; // of quotes and items within each other; deeper is text
const kFence = /^( *)(`{3,}(?=[^`]*$)|~{3,}) *([^\s`]*)/;
const kHeading = /^ *(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*$/;
const kRule = /^ *(?:(?:-[ \t]*){3,}|(?:_[ \t]*){3,}|(?:\*[ \t]*){3,})$/;
const kQuote = /^ *> ?/;
const kItem = /^( *)([-*+•]|(\d{1,9})[.)])( +|$)/;
const kDelimiterRow = /^ *\|? *:?-+:? *(?:\| *:?-+:? *)*\|? *$/;
const kMath = /^ *(\$\$|\\\[)/;

export function makeBlock(kind: BlockKind, more: Partial<Block> = {}): Block {
  const empty = { children: [], lines: [], open: true, level: 0, column: 0, mark: "", info: "", align: [] };
  return { kind, ...empty, ...more };
}

function indentOf(line: string): number {
  return line.length - line.trimStart().length;
}

function stripColumns(line: string, columns: number): string {
  return line.slice(Math.min(indentOf(line), columns));
}

/** Cells of a row: cut at each | that neither a backslash nor a code span hides. */
export function cellsOf(row: string): string[] {
  const text = row.trim().replace(/^\|/, "");
  const cells: string[] = [];
  let cell = "";
  let code = false;
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!;
    if (c === "\\" && text[i + 1] === "|") cell += text[++i]!;
    else if (c === "|" && !code) {
      cells.push(cell.trim());
      cell = "";
    } else {
      if (c === "`") code = !code && text.indexOf("`", i + 1) > 0;
      cell += c;
    }
  }
  return cell.trim() === "" ? cells : [...cells, cell.trim()];
}

function alignOf(cell: string): "left" | "right" | "center" | null {
  if (cell.startsWith(":")) return cell.endsWith(":") && cell.length > 1 ? "center" : "left";
  return cell.endsWith(":") ? "right" : null;
}

/** What a line that is not whole yet may turn out to be something else than text: better not shown until it is. */
export function isUndecided(line: string): boolean {
  if (/^[\s>]*(?:`{3,}[^`]*|~{3,}.*)$/.test(line)) return true; // code's language is on its way
  return /^[\s>]*(?:[-*+•=_]+|#{1,6}|\d{1,9}[.)]?|`+|~+|\\|\\\[|\$+|\|.*)?\s*$/.test(line);
}

interface Marks {
  open: Block[];
  leaf: Block | null;
  counts: Array<[Block, number, number]>; // children and lines of all that was open
}

export class BlockParser {
  readonly root = makeBlock("root");
  private open: Block[] = [this.root]; // containers, the innermost last
  private leaf: Block | null = null; // of the innermost container
  private missing = 0; // columns that this line's marker lacks to stand within its item
  private begun = ""; // the line that is not whole yet
  private marks: Marks | null = null; // before `begun` was shown

  /** Takes more of the text. */
  push(text: string): void {
    this.takeBack();
    const lines = (this.begun + text).split("\n");
    this.begun = lines.pop()!;
    for (const line of lines) this.line(line.endsWith("\r") ? line.slice(0, -1) : line);
  }

  /** Shows what there is of a line as if it were whole; the next push takes it back. */
  showBegun(): void {
    if (this.begun === "" || this.marks !== null || this.hidesBegun()) return;
    this.marks = {
      open: [...this.open],
      leaf: this.leaf,
      counts: [...this.open, ...(this.leaf ? [this.leaf] : [])].map((b) => [b, b.children.length, b.lines.length]),
    };
    this.line(this.begun, true);
  }

  /** No more text comes. */
  end(): void {
    this.takeBack();
    if (this.begun !== "") this.line(this.begun);
    this.begun = "";
    this.closeLeaf();
    for (const block of this.open) block.open = false;
  }

  private hidesBegun(): boolean {
    if (this.leaf?.kind === "code") return /^[\s>]*[`~]+\s*$/.test(this.begun);
    return isUndecided(this.begun);
  }

  private takeBack(): void {
    if (this.marks === null) return;
    for (const [block, children, lines] of this.marks.counts) {
      block.children.length = children;
      block.lines.length = lines;
      block.open = true;
    }
    this.open = this.marks.open;
    this.leaf = this.marks.leaf;
    this.marks = null;
  }

  private get tip(): Block {
    return this.open[this.open.length - 1]!;
  }

  /** `partial`: a line whose end is not there yet cannot turn the line before it into a table's head. */
  private line(raw: string, partial = false): void {
    const expanded = raw.includes("\t") ? raw.replace(/^[ \t]+/, (blanks) => blanks.replace(/\t/g, "    ")) : raw;
    const { rest, matched } = this.matchContainers(expanded);
    const whole = matched === this.open.length;
    if (whole && this.leaf && this.continueVerbatim(this.leaf, rest)) return;
    if (!whole && this.isLazy(rest)) {
      this.leaf!.lines.push(rest.trim());
      return;
    }
    if (!whole) this.closeTo(matched);
    this.openBlocks(rest, partial);
  }

  /** How many of the open containers the line goes on with, and what is left of it. */
  private matchContainers(line: string): { rest: string; matched: number } {
    let rest = line;
    let matched = 1;
    this.missing = 0;
    for (; matched < this.open.length; matched++) {
      const block = this.open[matched]!;
      if (block.kind === "quote") {
        if (!kQuote.test(rest)) break;
        rest = rest.replace(kQuote, "");
      } else if (block.kind === "item" && rest.trim() !== "") {
        const needed = kItem.test(rest) ? Math.min(block.level, block.column + 2) : block.level;
        if (indentOf(rest) < needed) break;
        this.missing = Math.max(0, block.level - indentOf(rest));
        rest = stripColumns(rest, block.level);
      }
    }
    // A list goes on only with an item: the one that the line continues, or a new one.
    return { rest, matched };
  }

  /** Code and mathematics take lines as they are. True: the line was theirs. */
  private continueVerbatim(leaf: Block, rest: string): boolean {
    if (leaf.kind === "code") {
      const end = rest.trim();
      if (end.length >= leaf.mark.length && end === leaf.mark[0]!.repeat(end.length)) this.closeLeaf();
      else leaf.lines.push(stripColumns(rest, leaf.column));
      return true;
    }
    if (leaf.kind !== "math") return false;
    leaf.lines.push(rest);
    if (rest.trimEnd().endsWith(leaf.mark)) this.closeLeaf();
    return true;
  }

  /** A paragraph goes on without the markers of its containers. */
  private isLazy(rest: string): boolean {
    if (this.leaf?.kind !== "paragraph" || rest.trim() === "") return false;
    return ![kFence, kHeading, kRule, kQuote, kItem, kMath].some((pattern) => pattern.test(rest));
  }

  private closeLeaf(): void {
    if (this.leaf) this.leaf.open = false;
    this.leaf = null;
  }

  private closeTo(count: number): void {
    this.closeLeaf();
    for (const block of this.open.splice(count)) block.open = false;
  }

  private add(block: Block): Block {
    this.closeLeaf();
    if (this.tip.kind === "list" && block.kind !== "item") this.closeTo(this.open.length - 1);
    this.tip.children.push(block);
    return block;
  }

  private openBlocks(line: string, partial: boolean): void {
    let rest = line;
    while (this.open.length < kMaxDepth && !kRule.test(rest)) {
      const left = this.openQuote(rest) ?? this.openItem(rest);
      if (left === null) break;
      rest = left;
    }
    if (rest.trim() === "") return this.closeLeaf();
    this.openLeaf(rest, partial);
  }

  private openQuote(rest: string): string | null {
    if (!kQuote.test(rest)) return null;
    this.open.push(this.add(makeBlock("quote")));
    return rest.replace(kQuote, "");
  }

  private openItem(rest: string): string | null {
    const found = kItem.exec(rest);
    if (found === null) return null;
    const [all, before, marker, number, blanks] = found as unknown as [string, string, string, string?, string?];
    const content = rest.slice(all.length);
    const interrupts = this.leaf?.kind === "paragraph";
    if (interrupts && this.tip.kind !== "item" && (content.trim() === "" || (number && number !== "1"))) return null;
    const kind = number === undefined ? marker : marker[marker.length - 1]!;
    if (this.tip.kind === "list" && this.tip.mark !== kind) this.closeTo(this.open.length - 1);
    if (this.tip.kind !== "list") {
      this.open.push(this.add(makeBlock("list", { mark: kind, level: number === undefined ? 0 : Number(number) })));
    }
    const gap = content.trim() === "" || blanks!.length > 4 ? 1 : blanks!.length;
    const columns = before.length + marker.length + gap;
    this.open.push(this.add(makeBlock("item", { level: columns, column: before.length - this.missing })));
    this.missing = 0;
    return " ".repeat(Math.max(0, (blanks ?? "").length - gap)) + content;
  }

  private openLeaf(rest: string, partial: boolean): void {
    const fence = kFence.exec(rest);
    const heading = fence ? null : kHeading.exec(rest);
    if (fence) {
      const more = { column: fence[1]!.length, mark: fence[2]!, info: fence[3]! };
      this.leaf = this.add(makeBlock("code", more));
    } else if (heading) {
      this.add(makeBlock("heading", { level: heading[1]!.length, lines: [heading[2] ?? ""], open: false }));
    } else if (kRule.test(rest)) this.add(makeBlock("rule", { open: false }));
    else if (kMath.test(rest)) this.openMath(rest);
    else this.continueText(rest, partial);
  }

  private openMath(rest: string): void {
    const mark = rest.trimStart().startsWith("$$") ? "$$" : "\\]";
    const inside = rest.trim().slice(2);
    if (inside.includes(mark) && !inside.endsWith(mark)) return this.addText(rest); // words follow it on its line
    this.leaf = this.add(makeBlock("math", { mark, lines: [rest] }));
    if (inside.endsWith(mark)) this.closeLeaf();
  }

  private continueText(rest: string, partial: boolean): void {
    if (!partial && this.leaf?.kind === "paragraph" && this.beginTable(this.leaf, rest)) return;
    if (this.leaf?.kind === "table" && rest.includes("|")) this.leaf.lines.push(rest);
    else this.addText(rest);
  }

  private addText(rest: string): void {
    if (this.leaf?.kind !== "paragraph") this.leaf = this.add(makeBlock("paragraph"));
    this.leaf.lines.push(rest.trimStart());
  }

  /** The last line of a paragraph is a table's head when a row of dashes with as many cells follows it. */
  private beginTable(paragraph: Block, row: string): boolean {
    const head = paragraph.lines[paragraph.lines.length - 1]!;
    if (!row.includes("-") || !kDelimiterRow.test(row) || !head.includes("|")) return false;
    const align = cellsOf(row).map(alignOf);
    if (align.length !== cellsOf(head).length) return false;
    paragraph.lines.pop();
    if (paragraph.lines.length === 0) this.tip.children.pop();
    this.leaf = this.add(makeBlock("table", { lines: [head], align }));
    return true;
  }
}

/** The blocks of a whole text. */
export function parseBlocks(text: string): Block {
  const parser = new BlockParser();
  parser.push(text);
  parser.end();
  return parser.root;
}
