// The chat view: the conversations at the side, the bar with model, mode and settings above, the thread, the composer.
import { getJson } from "../lib/api";
import { announce } from "../lib/announce";
import { h, icon, replace } from "../lib/dom";
import { Problem, problemOf, problemPanel } from "../lib/failure";
import { t } from "../lib/i18n";
import { ModelCard } from "../lib/types";
import { View } from "../lib/view";
import { emptyState } from "../panels/parts";
import { segmented } from "../panels/segmented";
import { toast } from "../panels/toast";
import { Composer } from "./composer";
import { Conversation } from "./conversation";
import { Desk } from "./desk";
import { ConversationList } from "./list";
import { Mode, SettingsDrawer, loadSettings, saveSettings } from "./settings";
import { Shelf } from "./shelf";
import { Thread } from "./thread";

// These live as long as the page: an answer goes on while the user looks at another view.
const settings = loadSettings();
const shelf = new Shelf();
const desk = new Desk(shelf, settings);
const resumed = desk.resume();

export class ChatView implements View {
  readonly element = h("section", { class: "chat", "aria-label": t("nav.chat") });
  readonly title = t("nav.chat");
  private readonly drawer = new SettingsDrawer(settings);
  private readonly list: ConversationList;
  private readonly notice = h("div", { class: "chat-notice" });
  private readonly main = h("div", { class: "chat-main" });
  private readonly column: HTMLElement;
  private readonly picker = h("select", { id: "model-picker" });
  private readonly listButton: HTMLButtonElement;
  private models: ModelCard[] | null = null;
  private composer: Composer | null = null;
  private readonly abort = new AbortController();
  private readonly stopListening: () => void;

  constructor(modelFromRoute: string | null) {
    if (modelFromRoute !== null) this.remember(modelFromRoute);
    this.list = new ConversationList(shelf, {
      current: () => this.conversation.entry.id,
      open: (id) => void this.openConversation(id),
      deleted: (title, undo) => this.afterDelete(title, undo),
    });
    this.listButton = this.barButton("toggle-list", "list", t("shelf.title"), () => this.toggleList());
    this.listButton.setAttribute("aria-expanded", "false");
    this.picker.addEventListener("change", () => this.pick(this.picker.value));
    this.column = h("div", { class: "chat-column" }, this.bar(), this.notice, this.main);
    this.element.append(this.list.element, this.column, this.drawer.element);
    this.element.addEventListener("keydown", (event) => this.onKey(event));
    this.acceptDrops();
    this.stopListening = shelf.listen(() => this.showTroubleOfShelf());
    void this.start();
  }

  focus(): void {
    if (!matchMedia("(pointer: coarse)").matches) this.composer?.focus(); // a phone would bring up its keyboard
  }

  dispose(): void {
    this.abort.abort();
    this.list.dispose();
    this.stopListening();
    this.conversation.listen(null);
  }

  /** Keys of the page: see lib/shortcuts.ts. */
  act(command: string): void {
    if (command === "new") this.startOver();
    if (command === "search") {
      if (!this.listOpen && this.listButton.offsetParent !== null) this.toggleList();
      this.list.focusSearch();
    }
  }

  private async start(): Promise<void> {
    await resumed;
    if (this.abort.signal.aborted) return;
    this.showConversation();
    this.showTroubleOfShelf();
    if (document.activeElement === document.body) this.focus();
    await this.loadModels();
  }

  private get conversation(): Conversation {
    return desk.at(settings.mode);
  }

  private get listOpen(): boolean {
    return this.element.classList.contains("list-open");
  }

  /** On narrow screens the list covers the thread, and is alone with the keyboard. */
  private toggleList(open = !this.listOpen): void {
    this.element.classList.toggle("list-open", open);
    this.listButton.setAttribute("aria-expanded", String(open));
    this.main.inert = open;
    if (open) this.list.focusSearch();
    else this.listButton.focus();
  }

  private onKey(event: KeyboardEvent): void {
    if (event.key !== "Escape" || event.defaultPrevented || this.drawer.element.open) return;
    if (this.listOpen) this.toggleList(false);
    else if (this.conversation.busy) this.conversation.stop();
    else return;
    event.preventDefault();
  }

  private acceptDrops(): void {
    const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;
    this.column.addEventListener("dragover", (event) => {
      if (hasFiles(event)) event.preventDefault();
    });
    this.column.addEventListener("drop", (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault(); // the browser would open the file in place of the page
      this.composer?.attach(event.dataTransfer?.files);
    });
  }

  private barButton(id: string, name: "list" | "plus" | "settings", label: string, run: () => void): HTMLButtonElement {
    return h(
      "button",
      { type: "button", class: "quiet", id, title: label, "aria-label": label, onclick: run },
      icon(name),
      name !== "list" && h("span", { class: "wide-only" }, label),
    );
  }

  private bar(): HTMLElement {
    const modes = [
      { value: "chat" as const, label: t("chat.modeChat") },
      { value: "complete" as const, label: t("chat.modeComplete") },
    ];
    return h(
      "header",
      { class: "chat-bar" },
      this.listButton,
      h("label", { class: "offscreen", for: "model-picker" }, t("chat.modelPicker")),
      this.picker,
      segmented("mode", t("chat.mode"), modes, settings.mode, (mode) => this.setMode(mode, true)),
      h("span", { class: "spring" }),
      this.barButton("new-conversation", "plus", t("chat.new"), () => this.startOver()),
      this.barButton("open-settings", "settings", t("settings.open"), () => this.drawer.open()),
    );
  }

  private async loadModels(): Promise<void> {
    try {
      const list = await getJson<{ data?: ModelCard[] }>("/v1/models", this.abort.signal);
      this.showModels(list.data ?? []);
    } catch (error) {
      if (!this.abort.signal.aborted) this.showTrouble(problemOf(error));
    }
  }

  private showTrouble(problem: Problem): void {
    const again = () => {
      this.showConversation();
      void this.loadModels();
    };
    replace(this.main, h("div", { class: "page" }, problemPanel(problem, again)));
  }

  /** What is said may be lost: that is said at once, and what can be done. */
  private showTroubleOfShelf(): void {
    const { trouble, unkept } = shelf;
    if (trouble === null || (trouble === "refused" && this.conversation.empty)) return replace(this.notice);
    const words = trouble === "refused" ? t("shelf.refused") : t(`shelf.${trouble}`, { n: unkept });
    const again = h("button", { type: "button", class: "quiet", onclick: () => void shelf.flush() }, t("action.retry"));
    const save = h(
      "button",
      { type: "button", class: "quiet", onclick: () => void this.list.exportAll() },
      t("shelf.exportAll"),
    );
    replace(
      this.notice,
      h("div", { class: "notice", role: "alert" }, h("p", {}, words), save, trouble !== "refused" && again),
    );
  }

  private showModels(models: ModelCard[]): void {
    this.models = models;
    replace(
      this.picker,
      models.map((model) => h("option", { value: model.id }, model.id)),
    );
    if (models.length === 0) return replace(this.main, emptyState(t("models.none"), t("models.noneNote"), "./maru up"));
    const known = models.some((model) => model.id === settings.model);
    this.pick(known ? settings.model : models[0]!.id);
  }

  private pick(id: string): void {
    this.remember(id);
    this.picker.value = id;
    const facts = this.models?.find((model) => model.id === id)?.maru;
    if (!settings.modeChosen && facts?.chat === false && settings.mode === "chat") this.setMode("complete", false);
    this.composer?.update();
  }

  private remember(id: string): void {
    settings.model = id;
    saveSettings(settings);
  }

  private setMode(mode: Mode, chosen: boolean): void {
    this.conversation.listen(null);
    settings.mode = mode;
    settings.modeChosen ||= chosen;
    saveSettings(settings);
    this.showConversation();
  }

  private startOver(): void {
    this.conversation.listen(null);
    desk.fresh(settings.mode);
    this.showConversation();
    if (this.listOpen) this.toggleList(false);
    announce(t("chat.begun"));
    this.composer?.focus();
  }

  private async openConversation(id: string): Promise<void> {
    const before = this.conversation;
    const conversation = await desk.open(id).catch(() => null);
    if (conversation === null || this.abort.signal.aborted) return;
    before.listen(null);
    if (this.listOpen) this.toggleList(false);
    this.composer?.restore({ text: "", files: [], focused: false });
    if (conversation.mode === settings.mode) this.showConversation();
    else this.setMode(conversation.mode, true);
    this.focus();
  }

  private afterDelete(title: string, undo: () => void): void {
    const { conversation } = this;
    if (shelf.entry(conversation.entry.id) === undefined && !conversation.empty) {
      conversation.stop();
      this.startOver();
    }
    toast(t("shelf.deleted", { title }), t("action.undo"), undo);
  }

  private editLast(): void {
    const buttons = this.main.querySelectorAll<HTMLElement>(".message.user .edit");
    buttons[buttons.length - 1]?.click();
  }

  private showConversation(): void {
    const { conversation } = this;
    const ready = () => this.models !== null && this.models.length > 0;
    const composer = new Composer(conversation, ready, () => this.editLast());
    const thread = new Thread(conversation, (text) => composer.fill(text));
    conversation.listen({
      onChange: () => {
        thread.draw();
        composer.update();
      },
      onPiece: (piece) => thread.grow(piece),
    });
    const draft = this.composer?.draft; // the mode may change under the writer
    this.composer = composer;
    replace(this.main, thread.element, composer.element);
    if (draft) composer.restore(draft);
    thread.draw();
    this.list.draw();
    this.element.querySelectorAll<HTMLInputElement>("input[name=mode]").forEach((radio) => {
      radio.checked = radio.value === settings.mode;
    });
  }
}
