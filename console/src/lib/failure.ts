// Errors for people: the server's own words, what can be done, and the key field where a key is what is missing.
import { ApiError } from "./api";
import { h, icon } from "./dom";
import { t } from "./i18n";
import { apiKey, setApiKey } from "./storage";

export interface Problem {
  message: string;
  needsKey: boolean;
}

export function problemOf(error: unknown): Problem {
  if (!(error instanceof ApiError)) return { message: String(error), needsKey: false };
  if (error.code === "unreachable") return { message: t("error.unreachable"), needsKey: false };
  if (error.code === "cut_off") return { message: t("error.cutOff"), needsKey: false };
  return { message: error.message, needsKey: error.status === 401 };
}

/** The problem with a button to try again; with a field for the API key when the server asks for one. */
export function problemPanel(problem: Problem, retry: () => void): HTMLElement {
  const words = h("p", { class: "problem-text" }, problem.message);
  if (problem.needsKey) return h("div", { class: "problem", role: "alert" }, words, keyForm(retry));
  const again = h("button", { type: "button", class: "quiet", onclick: retry }, icon("again"), t("action.retry"));
  return h("div", { class: "problem", role: "alert" }, words, again);
}

function keyForm(retry: () => void): HTMLElement {
  const input = h("input", {
    type: "password",
    autocomplete: "off",
    spellcheck: "false",
    id: "problem-key",
    value: apiKey(),
  });
  const save = (event: Event) => {
    event.preventDefault();
    setApiKey(input.value.trim());
    retry();
  };
  return h(
    "form",
    { class: "key-form", onsubmit: save },
    h("label", { for: "problem-key" }, icon("key"), t("error.keyLabel")),
    input,
    h("button", { class: "primary", type: "submit" }, t("action.saveKey")),
    h("p", { class: "note" }, t("error.keyNote")),
  );
}
