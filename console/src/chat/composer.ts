// Where the user writes. Enter sends, Shift+Enter breaks the line; while an input method composes a Hangul syllable,
// Enter belongs to it. The one button sends, or stops while the model writes.
import { h, icon, replace } from "../lib/dom";
import { t } from "../lib/i18n";
import { Conversation } from "./conversation";

export class Composer {
  readonly element: HTMLElement;
  private readonly area: HTMLTextAreaElement;
  private readonly button = h("button", { type: "submit", class: "primary send" });

  constructor(
    private readonly conversation: Conversation,
    private readonly ready: () => boolean,
  ) {
    const hint = t(conversation.mode === "chat" ? "chat.placeholder" : "complete.placeholder");
    this.area = h("textarea", { id: "composer", rows: 1, placeholder: hint, enterkeyhint: "send" });
    this.area.addEventListener("input", () => this.fit());
    this.area.addEventListener("keydown", (event) => this.onKey(event));
    const label = h("label", { class: "offscreen", for: "composer" }, hint);
    const box = h("div", { class: "composer-box" }, label, this.area, this.button);
    this.element = h(
      "form",
      { class: "composer", onsubmit: (event: Event) => this.submit(event) },
      box,
      h("p", { class: "composer-note" }, t("chat.keys")),
    );
    this.update();
  }

  /** Shows the button that fits the state of the conversation. */
  update(): void {
    const busy = this.conversation.busy;
    const name = t(busy ? "chat.stop" : this.conversation.mode === "chat" ? "chat.send" : "complete.send");
    replace(this.button, icon(busy ? "stop" : "send"), h("span", { class: "offscreen" }, name));
    this.button.title = name;
    this.button.classList.toggle("stop", busy);
    this.button.disabled = !busy && !this.ready();
  }

  fill(text: string, focus = true): void {
    this.area.value = text;
    this.fit();
    if (focus) this.focus();
  }

  focus(): void {
    this.area.focus();
  }

  get focused(): boolean {
    return document.activeElement === this.area;
  }

  get draft(): string {
    return this.area.value;
  }

  private submit(event: Event): void {
    event.preventDefault();
    if (this.conversation.busy) return this.conversation.stop();
    const text = this.area.value;
    if (text.trim() === "" || !this.ready()) return;
    this.area.value = "";
    this.fit();
    this.conversation.send(this.conversation.mode === "chat" ? text.trim() : text);
  }

  private onKey(event: KeyboardEvent): void {
    const composing = event.isComposing || event.keyCode === 229;
    if (event.key !== "Enter" || event.shiftKey || composing) return;
    event.preventDefault();
    if (!this.conversation.busy) this.submit(event);
  }

  private fit(): void {
    this.area.style.height = "auto";
    this.area.style.height = `${Math.min(this.area.scrollHeight, 240)}px`;
  }
}
