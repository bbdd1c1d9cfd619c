// The chat view: the bar with model, mode and settings above, the thread, the composer below.
import { getJson } from "../lib/api";
import { announce } from "../lib/announce";
import { h, icon, replace } from "../lib/dom";
import { Problem, problemOf, problemPanel } from "../lib/failure";
import { TextKey, t } from "../lib/i18n";
import { ModelCard } from "../lib/types";
import { View } from "../lib/view";
import { emptyState } from "../panels/parts";
import { Composer } from "./composer";
import { Conversation } from "./conversation";
import { Mode, SettingsDrawer, loadSettings, saveSettings } from "./settings";
import { Thread } from "./thread";

// These live as long as the page: an answer goes on while the user looks at another view.
const settings = loadSettings();
const conversations: Record<Mode, Conversation> = {
  chat: new Conversation("chat", settings),
  complete: new Conversation("complete", settings),
};

export class ChatView implements View {
  readonly element = h("section", { class: "chat", "aria-label": t("nav.chat") });
  readonly title = t("nav.chat");
  private readonly drawer = new SettingsDrawer(settings);
  private readonly main = h("div", { class: "chat-main" });
  private readonly picker = h("select", { id: "model-picker" });
  private models: ModelCard[] | null = null;
  private composer: Composer | null = null;
  private readonly abort = new AbortController();

  constructor(modelFromRoute: string | null) {
    if (modelFromRoute !== null) this.remember(modelFromRoute);
    this.picker.addEventListener("change", () => this.pick(this.picker.value));
    this.element.append(this.bar(), this.main, this.drawer.element);
    this.element.addEventListener("keydown", (event) => this.onKey(event));
    this.showMode();
    void this.loadModels();
  }

  focus(): void {
    if (!matchMedia("(pointer: coarse)").matches) this.composer?.focus(); // a phone would bring up its keyboard
  }

  dispose(): void {
    this.abort.abort();
    Object.values(conversations).forEach((one) => one.listen(null));
  }

  private get conversation(): Conversation {
    return conversations[settings.mode];
  }

  private onKey(event: KeyboardEvent): void {
    if (event.key !== "Escape" || !this.conversation.busy || this.drawer.element.open) return;
    event.preventDefault();
    this.conversation.stop();
  }

  private bar(): HTMLElement {
    const fresh = h(
      "button",
      { type: "button", class: "quiet", id: "new-conversation", onclick: () => this.startOver() },
      icon("plus"),
      h("span", { class: "wide-only" }, t("chat.new")),
    );
    const adjust = h(
      "button",
      { type: "button", class: "quiet", id: "open-settings", onclick: () => this.drawer.open() },
      icon("settings"),
      h("span", { class: "wide-only" }, t("settings.open")),
    );
    fresh.setAttribute("aria-label", t("chat.new"));
    adjust.setAttribute("aria-label", t("settings.open"));
    return h(
      "header",
      { class: "chat-bar" },
      h("label", { class: "offscreen", for: "model-picker" }, t("chat.modelPicker")),
      this.picker,
      this.modeSwitch(),
      h("span", { class: "spring" }),
      fresh,
      adjust,
    );
  }

  private modeSwitch(): HTMLElement {
    const group = h("div", { class: "segmented", role: "radiogroup", "aria-label": t("chat.mode") });
    const names: Array<[Mode, TextKey]> = [
      ["chat", "chat.modeChat"],
      ["complete", "chat.modeComplete"],
    ];
    for (const [mode, key] of names) {
      const input = h("input", { type: "radio", name: "mode", value: mode, id: `mode-${mode}`, class: "offscreen" });
      input.addEventListener("change", () => this.setMode(mode, true));
      group.append(input, h("label", { for: `mode-${mode}` }, t(key)));
    }
    return group;
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
    replace(
      this.main,
      h(
        "div",
        { class: "page" },
        problemPanel(problem, () => {
          this.showMode();
          void this.loadModels();
        }),
      ),
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
    settings.mode = mode;
    settings.modeChosen ||= chosen;
    saveSettings(settings);
    this.showMode();
  }

  private startOver(): void {
    this.conversation.clear();
    announce(t("chat.cleared"));
    this.composer?.focus();
  }

  private showMode(): void {
    const conversation = this.conversation;
    const composer = new Composer(conversation, () => this.models !== null && this.models.length > 0);
    const thread = new Thread(conversation, (text) => composer.fill(text));
    Object.values(conversations).forEach((one) => one.listen(null));
    conversation.listen({
      onChange: () => {
        thread.draw();
        composer.update();
      },
      onText: (text) => thread.grow(text),
    });
    const { focused, draft } = this.composer ?? { focused: false, draft: "" }; // the mode may change under the writer
    this.composer = composer;
    replace(this.main, thread.element, composer.element);
    composer.fill(draft, focused);
    thread.draw();
    this.element.querySelectorAll<HTMLInputElement>("input[name=mode]").forEach((radio) => {
      radio.checked = radio.value === settings.mode;
    });
  }
}
