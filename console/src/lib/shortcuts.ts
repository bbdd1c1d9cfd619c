// Keys that work anywhere on the page, and the dialog that lists them. Single letters can be turned off: whoever
// dictates, or leans on the keyboard, sets things off by accident (WCAG 2.1.4).
import { h, icon, replace } from "./dom";
import { TextKey, t } from "./i18n";
import { letterOf } from "./keys";
import { readSetting, writeSetting } from "./storage";

const kRoomKeys: Record<string, string> = {
  c: "chat",
  p: "playground",
  m: "models",
  t: "training",
  d: "data",
  s: "server",
};
const kKeys: Record<string, string> = { n: "new", "/": "search" };
const kPauseMs = 1500; // between the two keys of "g c"

const kListed: ReadonlyArray<readonly [string, TextKey]> = [
  ["?", "keys.help"],
  ["n", "keys.new"],
  ["/", "keys.search"],
  ["g c", "nav.chat"],
  ["g p", "nav.playground"],
  ["g m", "nav.models"],
  ["g t", "nav.training"],
  ["g d", "nav.data"],
  ["g s", "nav.live"],
];
const kFixed: ReadonlyArray<readonly [string, TextKey]> = [
  ["Enter", "keys.send"],
  ["Shift+Enter", "keys.break"],
  ["↑", "keys.edit"],
  ["Esc", "keys.stop"],
  ["Ctrl+Enter", "keys.run"],
  ["← →", "keys.read"],
];

export class Shortcuts {
  readonly element = h("dialog", { class: "keys", "aria-labelledby": "keys-title" });
  private first = -Infinity; // when "g" was pressed

  constructor(private readonly act: (command: string) => void) {
    document.addEventListener("keydown", (event) => this.onKey(event));
    this.element.addEventListener("click", (event) => {
      if (event.target === this.element) this.element.close(); // the backdrop
    });
  }

  show(): void {
    const close = h(
      "button",
      { type: "button", class: "quiet icon-only", "aria-label": t("action.close") },
      icon("close"),
    );
    close.addEventListener("click", () => this.element.close());
    const on = h("input", { type: "checkbox", id: "keys-on", checked: enabled() });
    on.addEventListener("change", () => writeSetting("keys", on.checked ? "on" : "off"));
    replace(
      this.element,
      h("header", {}, h("h2", { id: "keys-title" }, t("keys.title")), close),
      list(kFixed),
      h("label", { class: "check" }, on, t("keys.single")),
      list(kListed),
    );
    if (!this.element.open) this.element.showModal();
  }

  private onKey(event: KeyboardEvent): void {
    if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (writes(event.target) || document.querySelector("dialog[open]") || !enabled()) return;
    const key = letterOf(event.key, event.code);
    const second = performance.now() - this.first < kPauseMs;
    this.first = key === "g" && !second ? performance.now() : -Infinity;
    const command = second ? kRoomKeys[key] : kKeys[key];
    if (key === "?") this.show();
    else if (command !== undefined) this.act(command);
    else return;
    event.preventDefault();
  }
}

function enabled(): boolean {
  return readSetting("keys") !== "off";
}

function writes(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement && target.matches("input:not([type=checkbox]):not([type=radio]), textarea, select")
  );
}

function list(keys: ReadonlyArray<readonly [string, TextKey]>): HTMLElement {
  const rows = keys.map(([press, does]) => [
    h(
      "dt",
      {},
      press.split(" ").map((one) => h("kbd", {}, one)),
    ),
    h("dd", {}, t(does)),
  ]);
  return h("dl", { class: "key-list" }, rows);
}
