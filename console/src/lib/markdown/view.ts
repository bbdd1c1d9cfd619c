// Markdown as elements, also while it is being written: what is whole stays as it is, only the block at the end is
// drawn again, at most once per frame, and less often when that takes long. Nothing is ever parsed as HTML.
import { copyButton } from "../../panels/parts";
import { append, h, replace } from "../dom";
import { t } from "../i18n";
import { Block, BlockParser, cellsOf } from "./blocks";
import { Inline, parseInline } from "./inline";

const kShareOfTime = 0.1; // that drawing may take
const kHiddenMs = 250; // a hidden tab draws no frames

/** What stands on the page for a block. */
interface Drawn {
  block: Block;
  element: HTMLElement;
  inside: HTMLElement; // where its children, rows or lines go
  children: Drawn[];
  lines: number; // that are drawn for good
  last: Text | null; // the line of code that may still grow
}

export class MarkdownView {
  readonly element = h("div", { class: "markdown" });
  private readonly parser = new BlockParser();
  private readonly drawn: Drawn;
  private growing = true;
  private scheduled = false;
  private nextDraw = 0; // performance.now()
  private onDrawn: () => void = () => undefined;

  constructor(text = "") {
    const { element } = this;
    this.drawn = { block: this.parser.root, element, inside: element, children: [], lines: 0, last: null };
    this.parser.push(text);
    this.draw();
  }

  /** Called after text that came was drawn. */
  listen(onDrawn: () => void): void {
    this.onDrawn = onDrawn;
  }

  push(text: string): void {
    this.parser.push(text);
    if (this.scheduled) return;
    this.scheduled = true;
    const wait = this.nextDraw - performance.now();
    if (document.hidden || wait > 16) setTimeout(() => this.drawSoon(), document.hidden ? kHiddenMs : wait);
    else requestAnimationFrame(() => this.drawSoon());
  }

  /** No more text comes. */
  end(): this {
    this.parser.end();
    this.growing = false;
    this.draw();
    return this;
  }

  private drawSoon(): void {
    this.scheduled = false;
    if (!this.growing) return;
    this.draw();
    this.onDrawn();
  }

  private draw(): void {
    const start = performance.now();
    if (this.growing) this.parser.showBegun();
    this.drawChildren(this.drawn);
    const now = performance.now();
    this.nextDraw = now + (now - start) * (1 / kShareOfTime - 1);
  }

  /** Only the last child that is drawn can have changed. */
  private drawChildren(at: Drawn): void {
    const { children } = at.block;
    while (at.children.length > 0 && at.children[at.children.length - 1]!.block !== children[at.children.length - 1]) {
      at.children.pop()!.element.remove();
    }
    const known = at.children[at.children.length - 1];
    if (known) this.drawBlock(known);
    for (let i = at.children.length; i < children.length; i++) {
      const made = this.make(children[i]!);
      at.children.push(made);
      at.inside.append(made.element);
      this.drawBlock(made);
    }
  }

  private drawBlock(at: Drawn): void {
    const { block } = at;
    if (block.kind === "code" || block.kind === "math") return drawCode(at);
    if (block.kind === "table") return drawRows(at);
    if (block.kind === "paragraph") return this.drawParagraph(at);
    if (block.kind === "heading") return replace(at.inside, spans(parseInline(block.lines[0] ?? "", false)));
    this.drawChildren(at);
  }

  private drawParagraph(at: Drawn): void {
    const { block } = at;
    const growing = this.growing && block.open;
    if (!growing && at.lines === block.lines.length && at.last === null) return; // as it was
    const shown = growing
      ? block.lines.filter((line, i) => i < block.lines.length - 1 || !/^\|/.test(line))
      : block.lines;
    replace(at.inside, spans(parseInline(shown.join("\n"), growing)));
    at.lines = growing ? -1 : block.lines.length;
  }

  private make(block: Block): Drawn {
    const { element, inside } = frameOf(block);
    return { block, element, inside: inside ?? element, children: [], lines: 0, last: null };
  }
}

/** The elements of a block, empty. */
function frameOf(block: Block): { element: HTMLElement; inside?: HTMLElement } {
  switch (block.kind) {
    case "code":
      return codeFrame(block);
    case "math":
      return { element: h("div", { class: "math" }) };
    case "table":
      return tableFrame();
    case "heading":
      return { element: h(headingTag(block.level), {}) };
    case "quote":
      return { element: h("blockquote", {}) };
    case "list":
      if (block.mark !== "." && block.mark !== ")") return { element: h("ul", {}) };
      return { element: h("ol", block.level === 1 ? {} : { start: block.level }) };
    case "item":
      return { element: h("li", {}) };
    case "rule":
      return { element: h("hr", {}) };
    default:
      return { element: h("p", {}) };
  }
}

/** The page's own headings are above those of an answer. */
function headingTag(level: number): "h3" | "h4" | "h5" | "h6" {
  return (["h3", "h4", "h5", "h6", "h6", "h6"] as const)[level - 1] ?? "h6";
}

function codeFrame(block: Block): { element: HTMLElement; inside: HTMLElement } {
  const code = h("code", {});
  const copy = copyButton(() => `${block.lines.join("\n")}\n`, t("markdown.copyCode"));
  const head = h("div", { class: "code-head" }, h("span", {}, block.info), copy);
  return { element: h("div", { class: "code" }, head, h("pre", { tabindex: 0 }, code)), inside: code };
}

function tableFrame(): { element: HTMLElement; inside: HTMLElement } {
  const inside = h("tbody", {});
  return { element: h("div", { class: "table-scroll", tabindex: 0 }, h("table", {}, h("thead", {}), inside)), inside };
}

/** Appends the lines that are whole; the last one may still grow. */
function drawCode(at: Drawn): void {
  const { lines } = at.block;
  if (at.last === null) {
    at.last = document.createTextNode("");
    at.inside.append(document.createTextNode(""), at.last);
  }
  const done = at.inside.firstChild as Text;
  const whole = lines.slice(at.lines, Math.max(at.lines, lines.length - 1));
  if (whole.length > 0) done.appendData(whole.map((line) => `${line}\n`).join(""));
  at.lines += whole.length;
  at.last.data = lines[lines.length - 1] ?? "";
}

function drawRows(at: Drawn): void {
  const { lines, align } = at.block;
  if (at.lines === 0) {
    replace(at.element.querySelector("thead")!, row(lines[0]!, align, "th"));
    at.lines = 1;
  }
  for (; at.lines < lines.length; at.lines++) at.inside.append(row(lines[at.lines]!, align, "td"));
}

function row(line: string, align: Block["align"], tag: "td" | "th"): HTMLElement {
  const cells = cellsOf(line);
  return h(
    "tr",
    {},
    align.map((side, i) => h(tag, side ? { class: `to-${side}` } : {}, spans(parseInline(cells[i] ?? "")))),
  );
}

function spans(nodes: Inline[]): Node[] {
  return nodes.map(span);
}

function span(node: Inline): Node {
  switch (node.kind) {
    case "text":
      return document.createTextNode(node.text);
    case "break":
      return h("br", {});
    case "code":
      return h("code", {}, node.text);
    case "math":
      return h("span", { class: "math" }, node.text);
    case "link":
      return link(node.href, node.image, spans(node.children));
    default: {
      const element = h(node.kind, {});
      append(element, spans(node.children));
      return element;
    }
  }
}

function link(href: string, image: boolean, children: Node[]): HTMLElement {
  const safe = { target: "_blank", rel: "noopener noreferrer nofollow", title: href };
  return h("a", { href, ...safe, class: image ? "image-link" : null }, children);
}
