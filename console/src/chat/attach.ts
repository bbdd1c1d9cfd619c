// Files beside a message: read in the browser, shown as chips, sent as text.
import { announce } from "../lib/announce";
import { decodeText } from "../lib/decode_text";
import { h, icon, replace } from "../lib/dom";
import { format, t } from "../lib/i18n";
import { Attachment } from "./tree";

export const kMaxFileBytes = 512 * 1024;
export const kMaxFiles = 8;

export class AttachmentBar {
  readonly element = h("div", { class: "attachments" });
  readonly picker: HTMLButtonElement;
  private readonly input = h("input", { type: "file", multiple: true, class: "offscreen", tabindex: -1, id: "attach" });
  list: Attachment[] = [];
  private refusals: string[] = [];

  constructor() {
    this.input.setAttribute("aria-label", t("attach.add"));
    this.input.addEventListener("change", () => void this.addAll([...(this.input.files ?? [])]));
    const open = () => this.input.click();
    this.picker = h(
      "button",
      { type: "button", class: "quiet icon-only attach", title: t("attach.add"), onclick: open },
      icon("attach"),
      h("span", { class: "offscreen" }, t("attach.add")),
    );
    this.draw();
  }

  get empty(): boolean {
    return this.list.length === 0;
  }

  /** Gives what is attached, and is empty then. */
  take(): Attachment[] {
    const taken = this.list;
    this.give([]);
    return taken;
  }

  give(list: Attachment[]): void {
    this.list = list;
    this.refusals = [];
    this.draw();
  }

  async addAll(files: readonly File[]): Promise<void> {
    this.refusals = [];
    for (const file of files) await this.add(file);
    this.input.value = "";
    this.draw();
    if (files.length > 0) announce(this.refusals.join(" ") || t("attach.added", { n: this.list.length }));
  }

  private async add(file: File): Promise<void> {
    const { name, size } = file;
    if (this.list.length >= kMaxFiles) return this.refuse(t("attach.tooMany", { name, n: kMaxFiles }));
    if (size > kMaxFileBytes) {
      return this.refuse(
        t("attach.tooLarge", { name, size: format().bytes(size), most: format().bytes(kMaxFileBytes) }),
      );
    }
    const decoded = await file.arrayBuffer().then(
      (bytes) => decodeText(new Uint8Array(bytes)),
      () => null, // a folder, or a file that went away
    );
    if (decoded === null) return this.refuse(t("attach.unreadable", { name }));
    if ("refused" in decoded) return this.refuse(t(`attach.${decoded.refused}`, { name }));
    this.list.push({ name, bytes: size, encoding: decoded.encoding, text: decoded.text });
  }

  private refuse(words: string): void {
    this.refusals.push(words);
  }

  private draw(): void {
    const chips = this.list.map((one, i) => chip(one, () => this.drop(i)));
    const refused = this.refusals.map((words) => h("p", { class: "refusal", role: "alert" }, words));
    replace(this.element, this.input, chips.length > 0 && h("ul", { class: "chips" }, chips), refused);
  }

  private drop(index: number): void {
    this.give(this.list.filter((_, i) => i !== index));
    this.picker.focus();
  }
}

/** The file's name, its size, and how it was read. */
export function chip(file: Attachment, remove: (() => void) | null = null): HTMLElement {
  const close =
    remove &&
    h(
      "button",
      { type: "button", class: "quiet icon-only", title: t("attach.remove", { name: file.name }), onclick: remove },
      icon("close"),
      h("span", { class: "offscreen" }, t("attach.remove", { name: file.name })),
    );
  return h(
    "li",
    { class: "file-chip" },
    icon("file"),
    h("span", { class: "file-name" }, file.name),
    h("small", {}, `${format().bytes(file.bytes)} · ${file.encoding}`),
    close,
  );
}
