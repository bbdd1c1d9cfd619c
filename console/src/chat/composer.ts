// Where the user writes. Enter sends, Shift+Enter breaks the line; while an input method composes a Hangul syllable,
// Enter belongs to it. The one button sends, or stops while the model writes.
import { h, icon, replace } from "../lib/dom";
import { t } from "../lib/i18n";
import { AttachmentBar } from "./attach";
import { Conversation } from "./conversation";
import { Attachment } from "./tree";

export interface Draft {
  text: string;
  files: Attachment[];
  focused: boolean;
}

export class Composer {
  readonly element: HTMLElement;
  private readonly area: HTMLTextAreaElement;
  private readonly button = h("button", { type: "submit", class: "primary send" });
  private readonly files = new AttachmentBar();

  constructor(
    private readonly conversation: Conversation,
    private readonly ready: () => boolean,
    private readonly editLast: () => void,
  ) {
    const hint = t(conversation.mode === "chat" ? "chat.placeholder" : "complete.placeholder");
    this.area = h("textarea", { id: "composer", rows: 1, placeholder: hint, enterkeyhint: "send" });
    this.area.addEventListener("input", () => this.fit());
    this.area.addEventListener("keydown", (event) => this.onKey(event));
    this.area.addEventListener("paste", (event) => {
      if (this.attach(event.clipboardData?.files)) event.preventDefault();
    });
    const label = h("label", { class: "offscreen", for: "composer" }, hint);
    const chat = conversation.mode === "chat";
    const box = h("div", { class: "composer-box" }, chat && this.files.picker, label, this.area, this.button);
    this.element = h(
      "form",
      { class: "composer", onsubmit: (event: Event) => this.submit(event) },
      chat && this.files.element,
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

  fill(text: string): void {
    this.restore({ text, files: [], focused: true });
  }

  /** What was written before, in another mode or language, say. */
  restore(draft: Draft): void {
    this.area.value = draft.text;
    if (this.conversation.mode === "chat") this.files.give(draft.files);
    this.fit();
    if (draft.focused) this.focus();
  }

  focus(): void {
    this.area.focus();
  }

  get draft(): Draft {
    return { text: this.area.value, files: this.files.list, focused: document.activeElement === this.area };
  }

  /** Files that were dropped or pasted. False: there is no place for them. */
  attach(files: FileList | null | undefined): boolean {
    if (this.conversation.mode !== "chat" || !files || files.length === 0) return false;
    void this.files.addAll([...files]);
    return true;
  }

  private submit(event: Event): void {
    event.preventDefault();
    if (this.conversation.busy) return this.conversation.stop();
    const text = this.area.value;
    if ((text.trim() === "" && this.files.empty) || !this.ready()) return;
    this.area.value = "";
    this.fit();
    this.conversation.send(this.conversation.mode === "chat" ? text.trim() : text, this.files.take());
  }

  private onKey(event: KeyboardEvent): void {
    const composing = event.isComposing || event.keyCode === 229;
    if (event.key === "ArrowUp" && this.area.value === "" && !composing) {
      event.preventDefault();
      return this.editLast();
    }
    if (event.key !== "Enter" || event.shiftKey || composing) return;
    event.preventDefault();
    if (!this.conversation.busy) this.submit(event);
  }

  private fit(): void {
    this.area.style.height = "auto";
    this.area.style.height = `${Math.min(this.area.scrollHeight, 240)}px`;
  }
}
