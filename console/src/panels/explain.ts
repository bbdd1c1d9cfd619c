// The terms of the field in a sentence each, for whoever meets them here first.
import { h } from "../lib/dom";
import { t } from "../lib/i18n";
import { disclosure } from "./parts";

export type Term = "loss" | "bits" | "perplexity" | "mfu" | "norm";

export function explanation(terms: Term[]): HTMLElement {
  const rows = terms.flatMap((term) => [
    h("dt", {}, t(`explain.${term}`)),
    h("dd", {}, t(`explain.${term}Text`)),
  ]);
  return disclosure(t("explain.title"), h("dl", { class: "explanation" }, rows));
}
