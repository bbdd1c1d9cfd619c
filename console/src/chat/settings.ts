// How to ask the model, kept in the browser, and the drawer that edits it.
import { h, icon } from "../lib/dom";
import { TextKey, t } from "../lib/i18n";
import { readObject, writeObject } from "../lib/storage";

export type Mode = "chat" | "complete";

export interface Settings {
  model: string;
  mode: Mode;
  modeChosen: boolean; // by the user; else the model's kind decides
  system: string;
  temperature: number;
  top_p: number;
  max_tokens: number;
  seed: number | null; // null: another one each time
}

export const kDefaults: Settings = {
  model: "",
  mode: "chat",
  modeChosen: false,
  system: "",
  temperature: 0.8,
  top_p: 0.95,
  max_tokens: 256,
  seed: null,
};

export function loadSettings(): Settings {
  return readObject("settings", kDefaults);
}

export function saveSettings(settings: Settings): void {
  writeObject("settings", settings);
}

/** The sampling fields of a request. */
export function samplingOf(settings: Settings): object {
  const { temperature, top_p, max_tokens, seed } = settings;
  return { temperature, top_p, max_tokens, ...(seed === null ? {} : { seed }) };
}

type NumberField = "temperature" | "top_p" | "max_tokens" | "seed";

interface FieldSpec {
  name: NumberField;
  label: TextKey;
  note: TextKey;
  min: number;
  max: number;
  step: number;
  slider: boolean;
}

const kFields: FieldSpec[] = [
  {
    name: "temperature",
    label: "settings.temperature",
    note: "settings.temperatureNote",
    min: 0,
    max: 2,
    step: 0.05,
    slider: true,
  },
  { name: "top_p", label: "settings.topP", note: "settings.topPNote", min: 0.05, max: 1, step: 0.05, slider: true },
  {
    name: "max_tokens",
    label: "settings.maxTokens",
    note: "settings.maxTokensNote",
    min: 1,
    max: 131072,
    step: 1,
    slider: false,
  },
  { name: "seed", label: "settings.seed", note: "settings.seedNote", min: 0, max: 2 ** 31 - 1, step: 1, slider: false },
];

/** A modal dialog: the browser keeps the focus inside, closes it on Escape and gives the focus back. */
export class SettingsDrawer {
  readonly element: HTMLDialogElement;
  private readonly body = h("div", { class: "drawer-body" });

  constructor(private readonly settings: Settings) {
    const close = h(
      "button",
      { type: "button", class: "quiet icon-only", "aria-label": t("action.close") },
      icon("close"),
    );
    close.addEventListener("click", () => this.element.close());
    const head = h("header", {}, h("h2", { id: "drawer-title" }, t("settings.title")), close);
    this.element = h("dialog", { class: "drawer", "aria-labelledby": "drawer-title" }, head, this.body);
    this.element.addEventListener("click", (event) => {
      if (event.target === this.element) this.element.close(); // the backdrop
    });
  }

  open(): void {
    this.body.textContent = "";
    this.body.append(this.systemField(), ...kFields.map((spec) => this.numberField(spec)), this.resetButton());
    this.element.showModal();
  }

  private systemField(): HTMLElement {
    const area = h("textarea", {
      id: "set-system",
      rows: 5,
      value: this.settings.system,
      placeholder: t("settings.systemHint"),
    });
    area.addEventListener("input", () => this.change({ system: area.value }));
    return h("div", { class: "field" }, h("label", { for: "set-system" }, t("settings.system")), area);
  }

  private numberField(spec: FieldSpec): HTMLElement {
    const id = `set-${spec.name}`;
    const range = { min: spec.min, max: spec.max, step: spec.step };
    const value = this.settings[spec.name];
    const box = h("input", {
      id,
      type: "number",
      ...range,
      value: value ?? "",
      placeholder: spec.name === "seed" ? t("settings.random") : "",
      "aria-describedby": `${id}-note`,
      inputmode: "decimal",
    });
    const slider = spec.slider
      ? h("input", { type: "range", ...range, value, tabindex: -1, "aria-hidden": "true" })
      : null;
    box.addEventListener("input", () => {
      this.take(spec, box.value, box);
      if (slider) slider.value = box.value;
    });
    slider?.addEventListener("input", () => {
      box.value = slider.value;
      this.take(spec, slider.value, box);
    });
    return h(
      "div",
      { class: "field" },
      h("div", { class: "field-row" }, h("label", { for: id }, t(spec.label)), box),
      slider,
      h("p", { class: "note", id: `${id}-note` }, t(spec.note)),
    );
  }

  private take(spec: FieldSpec, text: string, box: HTMLInputElement): void {
    const value = text.trim() === "" ? NaN : Number(text);
    const whole = spec.step === 1 && !Number.isInteger(value);
    const valid = Number.isFinite(value) && value >= spec.min && value <= spec.max && !whole;
    const empty = text.trim() === "" && box.validity.valid;
    box.setAttribute("aria-invalid", String(!valid && !empty));
    if (valid) this.change({ [spec.name]: value });
    else if (empty) this.change({ [spec.name]: kDefaults[spec.name] });
  }

  private resetButton(): HTMLElement {
    const reset = () => {
      const { system, temperature, top_p, max_tokens, seed } = kDefaults;
      this.change({ system, temperature, top_p, max_tokens, seed });
      this.element.close();
    };
    return h("button", { type: "button", class: "quiet", onclick: reset }, icon("again"), t("settings.reset"));
  }

  private change(changed: Partial<Settings>): void {
    Object.assign(this.settings, changed);
    saveSettings(this.settings);
  }
}
