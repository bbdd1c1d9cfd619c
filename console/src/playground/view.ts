// The playground: a prompt with every option of the API, one or two models that answer it, and the request as code.
import { getJson } from "../lib/api";
import { announce } from "../lib/announce";
import { h, icon, replace } from "../lib/dom";
import { problemOf, problemPanel } from "../lib/failure";
import { t } from "../lib/i18n";
import { ModelCard } from "../lib/types";
import { View } from "../lib/view";
import { copyButton, disclosure, emptyState } from "../panels/parts";
import { segmented } from "../panels/segmented";
import { Column } from "./column";
import { PlaygroundForm } from "./form";
import { requestOf } from "./request";
import { Snippet, snippet } from "./snippets";
import { Kind, loadState, saveState } from "./state";

const state = loadState();

export class PlaygroundView implements View {
  readonly title = t("nav.playground");
  readonly element = h("section", { class: "playground page wide" }, h("h1", { tabindex: -1 }, this.title));
  private readonly form = new PlaygroundForm(state, () => this.changed());
  private readonly pickers = [h("select", { id: "pg-model" }), h("select", { id: "pg-other" })] as const;
  private readonly columns: Column[];
  private readonly answers = h("div", { class: "columns" });
  private readonly runButton = h("button", { type: "button", class: "primary", id: "pg-run" });
  private readonly code = h("pre", { tabindex: 0 });
  private language: Snippet = "curl";
  private readonly abort = new AbortController();
  private readonly work = h("div", { class: "playground-work", "aria-busy": "true" });

  constructor() {
    const names = [t("playground.model"), t("playground.other")];
    this.columns = this.pickers.map((picker, i) => new Column(names[i]!, picker, () => this.update()));
    this.pickers.forEach((picker, i) =>
      picker.addEventListener("change", () => this.choose(i === 0 ? "model" : "other", picker.value)),
    );
    this.runButton.addEventListener("click", () => this.run());
    this.element.append(h("p", { class: "lead" }, t("playground.lead")), this.work);
    this.element.addEventListener("keydown", (event) => this.onKey(event));
    void this.load();
  }

  dispose(): void {
    this.abort.abort();
    this.columns.forEach((column) => column.stop());
  }

  private async load(): Promise<void> {
    try {
      const list = await getJson<{ data?: ModelCard[] }>("/v1/models", this.abort.signal);
      this.show((list.data ?? []).map((model) => model.id));
    } catch (error) {
      if (!this.abort.signal.aborted)
        replace(
          this.work,
          problemPanel(problemOf(error), () => void this.load()),
        );
    }
    this.work.removeAttribute("aria-busy");
  }

  private show(models: string[]): void {
    if (models.length === 0) return replace(this.work, emptyState(t("models.none"), t("models.noneNote"), "./maru up"));
    if (!models.includes(state.model)) state.model = models[0]!;
    if (!models.includes(state.other)) state.other = models[1] ?? models[0]!;
    this.pickers.forEach((picker, i) => {
      replace(
        picker,
        models.map((id) => h("option", { value: id }, id)),
      );
      picker.value = i === 0 ? state.model : state.other;
    });
    const left = h("div", { class: "playground-ask" }, this.bar(), this.form.element);
    replace(this.work, left, h("div", { class: "playground-answers" }, this.answers, this.requestPanel()));
    this.showColumns();
    this.changed();
  }

  private bar(): HTMLElement {
    const kinds = [
      { value: "chat" as const, label: t("chat.modeChat") },
      { value: "complete" as const, label: t("chat.modeComplete") },
    ];
    const compare = h("input", { type: "checkbox", id: "pg-compare", checked: state.compare });
    compare.addEventListener("change", () => {
      state.compare = compare.checked;
      this.showColumns();
      this.changed();
    });
    return h(
      "div",
      { class: "playground-bar" },
      segmented("pg-kind", t("chat.mode"), kinds, state.kind, (kind) => this.setKind(kind)),
      h("label", { class: "check" }, compare, t("playground.compare")),
      h("span", { class: "spring" }),
      this.runButton,
    );
  }

  private setKind(kind: Kind): void {
    state.kind = kind;
    this.form.draw();
    this.changed();
  }

  private choose(which: "model" | "other", id: string): void {
    state[which] = id;
    this.changed();
  }

  private showColumns(): void {
    if (!state.compare) this.columns[1]!.stop();
    this.answers.classList.toggle("two", state.compare);
    replace(this.answers, this.columns[0]!.element, state.compare && this.columns[1]!.element);
  }

  private get running(): boolean {
    return this.columns.some((column) => column.busy);
  }

  private run(): void {
    if (this.running) return this.columns.forEach((column) => column.stop());
    const { faults } = requestOf(state, state.model);
    this.form.show(faults);
    if (faults.length > 0) {
      announce(t(faults[0]!.key, faults[0]!.values));
      return this.focusFault(faults[0]!.field);
    }
    this.columns[0]!.run(state);
    if (state.compare) this.columns[1]!.run(state);
  }

  private focusFault(field: string): void {
    const area = this.element.querySelector<HTMLElement>(`#pg-${field}`);
    area?.closest("details")?.setAttribute("open", "");
    area?.focus();
  }

  private onKey(event: KeyboardEvent): void {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.isComposing) {
      event.preventDefault();
      if (!this.running) this.run();
    } else if (event.key === "Escape" && this.running && !event.defaultPrevented) {
      event.preventDefault();
      this.run();
    }
  }

  private requestPanel(): HTMLElement {
    const kinds = [
      { value: "curl" as const, label: "curl" },
      { value: "python" as const, label: "Python" },
      { value: "javascript" as const, label: "JavaScript" },
      { value: "json" as const, label: "JSON" },
    ];
    const choose = segmented("pg-code", t("playground.code"), kinds, this.language, (language) => {
      this.language = language;
      this.drawCode();
    });
    const copy = copyButton(() => this.code.textContent ?? "", t("playground.copyCode"));
    copy.id = "pg-copy";
    const box = disclosure(
      t("playground.code"),
      h("div", { class: "code" }, h("div", { class: "code-head" }, choose, copy), this.code),
      h("p", { class: "note" }, t("playground.codeNote")),
    );
    box.id = "pg-part-code";
    return box;
  }

  private changed(): void {
    saveState(state);
    this.drawCode();
    this.form.show(requestOf(state, state.model).faults);
    this.update();
  }

  private drawCode(): void {
    const { path, body } = requestOf(state, state.model);
    this.code.textContent = snippet(this.language, location.origin, path, body);
  }

  private update(): void {
    const name = this.running ? t("chat.stop") : t("playground.run");
    replace(this.runButton, icon(this.running ? "stop" : "play"), name);
    this.runButton.title = this.running ? t("playground.stopKey") : t("playground.runKey");
  }
}
