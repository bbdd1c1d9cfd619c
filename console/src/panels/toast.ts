// A notice at the foot of the page with one thing to do about it; it waits while it is looked at.
import { announce } from "../lib/announce";
import { h, icon } from "../lib/dom";
import { t } from "../lib/i18n";

const kShownMs = 10_000;

let shown: { element: HTMLElement; end: () => void } | null = null;

export function toast(words: string, label: string, action: () => void): void {
  shown?.end();
  let timer: ReturnType<typeof setTimeout> | null = null;
  const end = () => {
    if (timer !== null) clearTimeout(timer);
    element.remove();
    if (shown?.element === element) shown = null;
  };
  const wait = () => {
    if (timer !== null) clearTimeout(timer);
    timer = setTimeout(end, kShownMs);
  };
  const run = () => {
    end();
    action();
  };
  const button = h("button", { type: "button", class: "quiet", onclick: run }, label);
  const close = h("button", { type: "button", class: "quiet icon-only", title: t("action.close"), onclick: end });
  close.append(icon("close"), h("span", { class: "offscreen" }, t("action.close")));
  const element = h("div", { class: "toast" }, h("span", {}, words), button, close);
  for (const event of ["pointerenter", "focusin"]) element.addEventListener(event, () => timer && clearTimeout(timer));
  for (const event of ["pointerleave", "focusout"]) element.addEventListener(event, wait);
  shown = { element, end };
  document.body.append(element);
  announce(words);
  wait();
}
