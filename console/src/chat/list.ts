// The list of conversations beside the thread: find, open, rename, delete, export, import.
import { announce } from "../lib/announce";
import { h, icon, replace, saveFile } from "../lib/dom";
import { format, t } from "../lib/i18n";
import { Menu } from "../panels/menu";
import { Shelf } from "./shelf";
import {
  ImportError,
  Kept,
  exportJson,
  exportMarkdown,
  fileName,
  kMaxImportBytes,
  missingOf,
  readImport,
} from "./transfer";
import { Entry, folded } from "./tree";

export interface ListHost {
  current(): string; // the id that is open
  open(id: string): void;
  deleted(title: string, undo: () => void): void;
}

const kPage = 100; // entries shown at once
const kSearchMs = 150;

export class ConversationList {
  readonly element = h("aside", { class: "shelf" });
  private readonly search = h("input", { type: "search", id: "search-conversations", autocomplete: "off" });
  private readonly list = h("ul", { class: "entries" });
  private readonly note = h("p", { class: "note shelf-note", role: "status" });
  private readonly file = h("input", {
    type: "file",
    accept: ".json,application/json",
    class: "offscreen",
    tabindex: -1,
  });
  private shown = "";
  private limit = kPage;
  private found: Map<string, string> | null = null; // excerpts; null: no search
  private timer: ReturnType<typeof setTimeout> | null = null;
  private renaming: string | null = null;
  private readonly stop: () => void;

  constructor(
    private readonly shelf: Shelf,
    private readonly host: ListHost,
  ) {
    this.element.setAttribute("aria-label", t("shelf.title"));
    this.search.placeholder = t("shelf.search");
    this.search.setAttribute("aria-label", t("shelf.search"));
    this.search.addEventListener("input", () => this.searchSoon());
    this.file.setAttribute("aria-label", t("shelf.import"));
    this.file.addEventListener("change", () => void this.importFile());
    this.element.append(this.search, this.list, this.note, this.foot());
    this.stop = shelf.listen(() => this.draw());
    this.draw();
  }

  dispose(): void {
    this.stop();
    if (this.timer !== null) clearTimeout(this.timer);
  }

  focusSearch(): void {
    this.search.focus();
    this.search.select();
  }

  /** Draws what changed; a name that is being written is left alone. */
  draw(): void {
    const current = this.host.current();
    const all = this.matching();
    const entries = all.slice(0, this.limit);
    const signature = JSON.stringify([current, this.renaming, all.length, entries.map((one) => [one.id, one.title])]);
    if (signature === this.shown || (this.renaming !== null && this.shown !== "" && this.isRenaming())) return;
    this.shown = signature;
    const rest = all.length - entries.length;
    replace(
      this.list,
      entries.map((one) => this.item(one, one.id === current)),
      rest > 0 && h("li", {}, this.moreButton(rest)),
    );
    this.note.textContent = all.length > 0 ? "" : t(this.found ? "shelf.nothing" : "shelf.empty");
  }

  private isRenaming(): boolean {
    return this.list.querySelector("#rename") !== null;
  }

  private moreButton(rest: number): HTMLElement {
    const more = () => {
      this.limit += kPage;
      this.draw();
    };
    return h("button", { type: "button", class: "quiet", onclick: more }, t("shelf.more", { n: format().whole(rest) }));
  }

  private matching(): Entry[] {
    const words = folded(this.search.value.trim());
    if (words === "" || this.found === null) return this.shelf.entries;
    return this.shelf.entries.filter((one) => folded(one.title).includes(words) || this.found!.has(one.id));
  }

  private searchSoon(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.runSearch(), kSearchMs);
  }

  private async runSearch(): Promise<void> {
    const words = folded(this.search.value.trim());
    const found = words === "" ? null : await this.shelf.search(words).catch(() => new Map<string, string>());
    if (words !== folded(this.search.value.trim())) return; // written on meanwhile
    this.found = found;
    this.limit = kPage;
    this.shown = "";
    this.draw();
  }

  private item(entry: Entry, current: boolean): HTMLElement {
    if (this.renaming === entry.id) return h("li", {}, this.renameField(entry));
    const excerpt = this.found?.get(entry.id);
    const title = entry.title || t("shelf.untitled");
    const open = h(
      "button",
      {
        type: "button",
        class: "entry",
        "data-id": entry.id,
        "aria-current": current ? "true" : null,
        title: new Date(entry.updated).toLocaleString(document.documentElement.lang),
        onclick: () => this.host.open(entry.id),
      },
      h("span", { class: "entry-title" }, title),
      excerpt !== undefined && h("small", {}, excerpt),
    );
    return h("li", { class: current ? "current" : null }, open, this.menu(entry, title));
  }

  private menu(entry: Entry, title: string): HTMLElement {
    return new Menu(t("shelf.menu", { title }), [
      { icon: "edit", label: t("shelf.rename"), run: () => this.rename(entry.id) },
      { icon: "download", label: t("shelf.exportMarkdown"), run: () => void this.exportOne(entry.id, "md") },
      { icon: "download", label: t("shelf.exportJson"), run: () => void this.exportOne(entry.id, "json") },
      { icon: "trash", label: t("shelf.delete"), run: () => this.remove(entry, title) },
    ]).element;
  }

  private rename(id: string): void {
    this.renaming = id;
    this.shown = "";
    this.draw();
    const field = this.list.querySelector<HTMLInputElement>("#rename");
    field?.focus();
    field?.select();
  }

  private renameField(entry: Entry): HTMLElement {
    const field = h("input", { id: "rename", value: entry.title, maxlength: 200, "aria-label": t("shelf.rename") });
    const end = (keep: boolean) => {
      if (this.renaming !== entry.id) return;
      this.renaming = null;
      this.shown = "";
      if (keep) this.shelf.rename(entry.id, field.value);
      this.draw();
      this.list.querySelector<HTMLElement>(`[data-id="${CSS.escape(entry.id)}"]`)?.focus();
    };
    field.addEventListener("keydown", (event) => {
      if (event.isComposing || event.keyCode === 229) return;
      if (event.key === "Enter") end(true);
      if (event.key !== "Escape") return;
      event.stopPropagation();
      end(false);
    });
    field.addEventListener("blur", () => end(true));
    return field;
  }

  private remove(entry: Entry, title: string): void {
    const undo = this.shelf.remove(entry.id);
    this.host.deleted(title, undo);
  }

  private async exportOne(id: string, ending: "md" | "json"): Promise<void> {
    const entry = this.shelf.entry(id); // as it is now: the list is drawn anew only when its names change
    if (!entry) return;
    const kept = { entry, messages: await this.shelf.messages(entry.id) };
    if (ending === "json") return saveFile(fileName(entry.title, "json"), "application/json", exportJson([kept]));
    const words = { you: t("export.you"), model: t("export.model"), file: t("export.file") };
    saveFile(fileName(entry.title, "md"), "text/markdown", exportMarkdown(kept, words));
  }

  private foot(): HTMLElement {
    const exportAll = h(
      "button",
      { type: "button", class: "quiet", id: "export-all", onclick: () => void this.exportAll() },
      icon("download"),
      t("shelf.exportAll"),
    );
    const load = h(
      "button",
      { type: "button", class: "quiet", id: "import", onclick: () => this.file.click() },
      icon("upload"),
      t("shelf.import"),
    );
    return h("div", { class: "shelf-foot" }, this.file, exportAll, load);
  }

  async exportAll(): Promise<void> {
    const list: Kept[] = [];
    for (const entry of this.shelf.entries) list.push({ entry, messages: await this.shelf.messages(entry.id) });
    saveFile(fileName(`maru ${new Date().toISOString().slice(0, 10)}`, "json"), "application/json", exportJson(list));
  }

  private async importFile(): Promise<void> {
    const file = this.file.files?.[0];
    if (!file) return;
    const words = await this.importText(file).catch(importTrouble);
    this.file.value = "";
    this.note.textContent = words;
    announce(words);
  }

  private async importText(file: File): Promise<string> {
    if (file.size > kMaxImportBytes) {
      return t("import.tooLarge", { size: format().bytes(file.size), most: format().bytes(kMaxImportBytes) });
    }
    let conversations = 0;
    let messages = 0;
    for (const kept of readImport(await file.text())) {
      const known = this.shelf.entry(kept.entry.id); // none, too, when it was deleted a moment ago
      const missing = missingOf(kept, known ? await this.shelf.messages(kept.entry.id) : []);
      if (missing.length === 0) continue;
      conversations++;
      messages += missing.length;
      this.shelf.put(kept.entry, known ? {} : kept.entry, missing);
    }
    return conversations === 0 ? t("import.nothing") : t("import.done", { n: conversations, m: messages });
  }
}

function importTrouble(error: unknown): string {
  if (error instanceof ImportError) return t("import.wrong", { place: error.place, expected: error.expected });
  return t("import.unreadable");
}
