// The fields of the playground: prompt, sampling, the form of the answer, tools.
import { Child, h, icon, replace } from "../lib/dom";
import { TextKey, t } from "../lib/i18n";
import { disclosure } from "../panels/parts";
import { segmented } from "../panels/segmented";
import { Fault } from "./request";
import { NumberOption, State, kNumbers, kSchemaExample, kToolsExample } from "./state";

type TextField = "system" | "prompt" | "stop" | "logit_bias" | "schema" | "tools";

export class PlaygroundForm {
  readonly element = h("div", { class: "playground-form" });
  private readonly faults = new Map<Fault["field"], HTMLElement>();

  constructor(
    private readonly state: State,
    private readonly onChange: () => void,
  ) {
    this.draw();
  }

  /** Draws everything anew, as the state says. */
  draw(): void {
    this.faults.clear();
    replace(
      this.element,
      this.state.kind === "chat" && this.area("system", "playground.system", 2),
      this.area("prompt", this.state.kind === "chat" ? "playground.prompt" : "playground.text", 5),
      this.open("sampling", "playground.sampling", [
        h(
          "div",
          { class: "option-grid" },
          kNumbers.map((one) => this.numberField(one)),
        ),
        this.area("stop", "playground.stop", 2, "playground.stopNote", true),
        this.area("logit_bias", "playground.bias", 2, "playground.biasNote", true),
        this.check("ignore_eos", "playground.ignoreEos"),
      ]),
      this.open("logprobs", "playground.logprobs", [this.check("logprobs", "playground.logprobsOn"), this.topField()]),
      this.open("form", "playground.form", [this.formSwitch(), ...this.schemaField()]),
      this.state.kind === "chat" && this.open("tools", "playground.tools", this.toolFields()),
      h(
        "button",
        { type: "button", class: "quiet", id: "pg-reset", onclick: () => this.reset() },
        icon("again"),
        t("settings.reset"),
      ),
    );
  }

  /** Shows what is wrong beside the fields it is about. */
  show(faults: readonly Fault[]): void {
    for (const [field, place] of this.faults) {
      const found = faults.filter((one) => one.field === field);
      replace(
        place,
        found.map((one) => h("span", {}, t(one.key, one.values))),
      );
      const area = this.element.querySelector(`#pg-${field}`);
      area?.setAttribute("aria-invalid", String(found.length > 0));
    }
  }

  focusPrompt(): void {
    this.element.querySelector<HTMLElement>("#pg-prompt")?.focus();
  }

  private change(changed: Partial<State>, draw = false): void {
    Object.assign(this.state, changed);
    if (draw) this.draw();
    this.onChange();
  }

  private open(name: string, title: TextKey, children: Child[]): HTMLElement {
    const used: Record<string, boolean> = {
      logprobs: this.state.logprobs,
      form: this.state.form !== "text",
      tools: this.state.tools !== "",
    };
    const box = disclosure(t(title), h("div", { class: "option-body" }, children));
    box.id = `pg-part-${name}`;
    if (used[name]) box.setAttribute("open", "");
    return box;
  }

  private area(
    field: TextField,
    label: TextKey,
    rows: number,
    note: TextKey | null = null,
    fault = false,
  ): HTMLElement {
    const id = `pg-${field}`;
    const code = fault && field !== "stop";
    const area = h("textarea", {
      id,
      rows,
      value: this.state[field],
      class: code ? "code-field" : null,
      spellcheck: code ? "false" : null,
    });
    area.addEventListener("input", () => this.change({ [field]: area.value }));
    const described = [note && `${id}-note`, fault && `${id}-fault`].filter(Boolean).join(" ");
    if (described !== "") area.setAttribute("aria-describedby", described);
    return h(
      "div",
      { class: "field" },
      h("label", { for: id }, t(label)),
      area,
      fault && this.faultPlace(field as Fault["field"]),
      note && h("p", { class: "note", id: `${id}-note` }, t(note)),
    );
  }

  private faultPlace(field: Fault["field"]): HTMLElement {
    const place = h("p", { class: "refusal", id: `pg-${field}-fault`, role: "status" });
    this.faults.set(field, place);
    return place;
  }

  private numberField(option: NumberOption): HTMLElement {
    const { name, min, max, step, unset } = option;
    const id = `pg-${name}`;
    const box = h("input", {
      id,
      type: "number",
      min,
      max,
      step: step === 1 ? 1 : "any",
      value: this.state.numbers[name] ?? "",
      placeholder: unset,
      inputmode: "decimal",
    });
    box.addEventListener("input", () => {
      const value = box.value.trim() === "" ? undefined : Number(box.value);
      const whole = step !== 1 || Number.isSafeInteger(value);
      const valid = value === undefined ? box.validity.valid : value >= min && value <= max && whole;
      box.setAttribute("aria-invalid", String(!valid));
      if (!valid) return;
      const numbers = { ...this.state.numbers };
      if (value === undefined) delete numbers[name];
      else numbers[name] = value;
      this.change({ numbers });
    });
    return h("div", { class: "option" }, h("label", { for: id, title: t(`option.${name}`) }, h("code", {}, name)), box);
  }

  private check(field: "ignore_eos" | "logprobs", label: TextKey): HTMLElement {
    const input = h("input", { type: "checkbox", id: `pg-${field}`, checked: this.state[field] });
    input.addEventListener("change", () => this.change({ [field]: input.checked }));
    return h("label", { class: "check" }, input, t(label));
  }

  private topField(): HTMLElement {
    const box = h("input", {
      id: "pg-top_logprobs",
      type: "number",
      min: 0,
      max: 20,
      step: 1,
      value: this.state.top_logprobs,
    });
    box.addEventListener("input", () => {
      const value = Number(box.value);
      const valid = box.value.trim() !== "" && Number.isInteger(value) && value >= 0 && value <= 20;
      box.setAttribute("aria-invalid", String(!valid));
      if (valid) this.change({ top_logprobs: value });
    });
    return h("div", { class: "option" }, h("label", { for: "pg-top_logprobs" }, t("playground.alternatives")), box);
  }

  private formSwitch(): HTMLElement {
    const options = [
      { value: "text" as const, label: t("playground.formText") },
      { value: "json_object" as const, label: "JSON" },
      { value: "json_schema" as const, label: "JSON Schema" },
    ];
    return segmented("pg-form", t("playground.form"), options, this.state.form, (form) => {
      const schema = form === "json_schema" && this.state.schema.trim() === "" ? kSchemaExample : this.state.schema;
      this.change({ form, schema }, true);
      this.element.querySelector<HTMLElement>(`#pg-form-${form}`)?.focus();
    });
  }

  private schemaField(): Child[] {
    return this.state.form === "json_schema" ? [this.area("schema", "playground.schema", 10, null, true)] : [];
  }

  private toolFields(): Child[] {
    const options = (["auto", "none", "required"] as const).map((value) => ({
      value,
      label: t(`playground.choice.${value}`),
    }));
    const example = () => {
      this.change({ tools: kToolsExample }, true);
      this.element.querySelector<HTMLElement>("#pg-tools")?.focus();
    };
    return [
      this.area("tools", "playground.toolsJson", 8, "playground.toolsNote", true),
      this.state.tools.trim() === "" &&
        h(
          "button",
          { type: "button", id: "pg-tools-example", onclick: example },
          icon("plus"),
          t("playground.example"),
        ),
      segmented("pg-choice", t("playground.choice"), options, this.state.tool_choice, (tool_choice) =>
        this.change({ tool_choice }),
      ),
    ];
  }

  private reset(): void {
    const numbers = { temperature: 0.8, max_tokens: 256 };
    const rest = { stop: "", logit_bias: "", ignore_eos: false, logprobs: false, top_logprobs: 5 };
    this.change({ numbers, ...rest, form: "text", schema: "", tools: "", tool_choice: "auto" }, true);
  }
}
