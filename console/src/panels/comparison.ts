// What a tuning has changed: held-out measures before and after, and what both models answer to the same prompts.
import { h } from "../lib/dom";
import { format, t, tName } from "../lib/i18n";
import { ComparedAnswer, Comparison, Manifest, MetricsRow } from "../lib/types";
import { table } from "./parts";
import { kValidation } from "./progress";

interface Measure {
  name: string;
  before: number;
  after: number;
}

const kClocks = /^seconds|_(low|high)$/;

/** Of the row in front of the first step, and of the model that was written: the best one's, where that is kept. */
export function measuresOf(rows: readonly MetricsRow[], manifest: Manifest | null): Measure[] {
  const first = rows.find((row) => row.step === 0);
  const notes = manifest?.notes as Record<string, unknown> | null | undefined;
  if (first === undefined || !notes) return [];
  return Object.keys(first).flatMap((key) => {
    const [before, after] = [first[key], notes[key]];
    const name = key.slice(kValidation.length);
    const measured = key.startsWith(kValidation) && !kClocks.test(name);
    return measured && typeof before === "number" && typeof after === "number" ? [{ name, before, after }] : [];
  });
}

const kWords: Readonly<Record<string, () => string>> = {
  loss: () => t("curves.loss"),
  bits_per_byte: () => t("curves.bits"),
};

function measureTable(measures: readonly Measure[]): HTMLElement {
  const number = (value: number) => format().significant(value, 4);
  return table(
    t("compare.measures"),
    [t("compare.heldOut"), t("compare.before"), t("compare.after")],
    measures.map((one) => [kWords[one.name]?.() ?? tName("figure", one.name), number(one.before), number(one.after)]),
  );
}

function answer(one: ComparedAnswer): HTMLElement {
  const part = (name: string, text: string) => [h("dt", {}, name), h("dd", {}, text)];
  return h(
    "li",
    { class: "compared" },
    h("p", { class: "sample-prompt" }, one.prompt),
    h(
      "dl",
      {},
      one.expected !== "" ? part(t("compare.expected"), one.expected) : null,
      part(t("compare.before"), one.before),
      part(t("compare.after"), one.after),
    ),
  );
}

/** Nothing where nothing can be compared. */
export function comparisonPanel(
  comparison: Comparison | null | undefined,
  rows: readonly MetricsRow[],
  manifest: Manifest | null | undefined,
): HTMLElement | null {
  const measures = measuresOf(rows, manifest ?? null);
  const answers = comparison?.answers ?? [];
  if (measures.length === 0 && answers.length === 0) return null;
  return h(
    "div",
    { class: "card" },
    measures.length > 0 && measureTable(measures),
    answers.length > 0 && h("p", { class: "note" }, t("compare.note")),
    answers.length > 0 && h("ul", { class: "samples" }, answers.map(answer)),
  );
}
