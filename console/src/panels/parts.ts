// Small pieces that several views and the report share.
import { Child, copyText, h, icon, replace } from "../lib/dom";
import { announce } from "../lib/announce";
import { t } from "../lib/i18n";

/** A named figure: the label small, the value large. */
export function tile(label: string, value: string, note: string | null = null): HTMLElement {
  return h("div", { class: "tile" }, h("dt", {}, label), h("dd", {}, value, note && h("small", {}, note)));
}

export function tiles(...children: Child[]): HTMLElement {
  return h("dl", { class: "tiles" }, ...children);
}

export function card(title: string, ...children: Child[]): HTMLElement {
  return h("section", { class: "card" }, h("h3", {}, title), ...children);
}

/** A horizontal bar of `fraction` (0…1) of its track. Its numbers stand beside it as text. */
export function bar(fraction: number, tone = 1): HTMLElement {
  const fill = h("span", { class: `fill tone-${tone}` });
  fill.style.width = `${(Math.min(1, Math.max(0, fraction)) * 100).toFixed(2)}%`;
  return h("span", { class: "track", "aria-hidden": "true" }, fill);
}

/** A button that copies and says so. */
export function copyButton(text: () => string, label = t("action.copy"), showLabel = false): HTMLElement {
  const button = h("button", { class: showLabel ? "quiet" : "quiet icon-only", type: "button", title: label });
  const show = (name: "copy" | "check", words: string) =>
    replace(button, icon(name), h("span", { class: showLabel ? "" : "offscreen" }, words));
  button.addEventListener("click", async () => {
    const done = await copyText(text());
    show(done ? "check" : "copy", done ? t("action.copied") : t("action.copyFailed"));
    announce(done ? t("action.copied") : t("action.copyFailed"));
    setTimeout(() => show("copy", label), 1600);
  });
  show("copy", label);
  return button;
}

/** A hash: its first characters, the whole in the title, a button to copy it. */
export function hash(sha256: string): HTMLElement {
  const short = h(
    "code",
    { title: sha256 },
    h("span", { class: "hash-short" }, sha256.slice(0, 12)),
    h("span", { class: "hash-rest" }, sha256.slice(12)),
  );
  return h(
    "span",
    { class: "hash" },
    short,
    copyButton(() => sha256, t("action.copyHash")),
  );
}

/** A value of any JSON shape as indented text. */
export function jsonBlock(value: unknown): HTMLElement {
  const text = JSON.stringify(value, null, 2) ?? "";
  return h(
    "div",
    { class: "json" },
    copyButton(() => text),
    h("pre", { tabindex: 0 }, text),
  );
}

export function disclosure(title: string, ...children: Child[]): HTMLElement {
  return h("details", { class: "disclosure" }, h("summary", {}, icon("chevron"), h("span", {}, title)), ...children);
}

export function table(caption: string, heads: string[], rows: Child[][]): HTMLElement {
  const head = h(
    "tr",
    {},
    heads.map((name) => h("th", { scope: "col" }, name)),
  );
  const body = rows.map((cells) =>
    h(
      "tr",
      {},
      cells.map((cell, i) => (i === 0 ? h("th", { scope: "row" }, cell) : h("td", {}, cell))),
    ),
  );
  return h(
    "div",
    { class: "table-scroll" },
    h("table", {}, h("caption", { class: "offscreen" }, caption), h("thead", {}, head), h("tbody", {}, body)),
  );
}

export function emptyState(title: string, text: string, code: string | null = null): HTMLElement {
  return h("div", { class: "empty-state" }, h("h2", {}, title), h("p", {}, text), code && h("pre", {}, code));
}
