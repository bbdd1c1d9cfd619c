// Errors for people: what happened and what can be done, in the page's language; the server's own words below, for
// whoever looks after the server; and the key field where a key is what is missing.
import { ApiError } from "./api";
import { h, icon } from "./dom";
import { TextKey, hasText, t } from "./i18n";
import { apiKey, setApiKey } from "./storage";

export interface Problem {
  message: string;
  detail: string; // the server's own words; empty: it said nothing
  needsKey: boolean;
}

// Statuses that codes do not tell apart.
const kStatusTexts: Record<number, TextKey> = {
  400: "error.invalid",
  401: "error.key",
  403: "error.forbidden",
  404: "error.notFound",
  408: "error.timeout",
  413: "error.tooLarge",
  421: "error.wrongHost",
  429: "error.busy",
  503: "error.unavailable",
  504: "error.timeout",
};

function textOf(error: ApiError): string {
  const key = `error.code.${error.code ?? ""}`;
  if (hasText(key)) return t(key);
  if (error.status >= 400 && error.status < 500) return t(kStatusTexts[error.status] ?? "error.invalid");
  return t(kStatusTexts[error.status] ?? "error.server"); // also in the middle of a stream, whose status was 200
}

export function problemOf(error: unknown): Problem {
  if (!(error instanceof ApiError)) return { message: t("error.page"), detail: String(error), needsKey: false };
  return { message: textOf(error), detail: error.message, needsKey: error.status === 401 };
}

/** The problem with a button to try again; with a field for the API key when the server asks for one. */
export function problemPanel(problem: Problem, retry: () => void): HTMLElement {
  const words = h(
    "div",
    { class: "problem-text" },
    h("p", {}, problem.message),
    problem.detail !== "" &&
      h(
        "details",
        { class: "problem-detail" },
        h("summary", {}, t("error.detail")),
        h("p", { lang: "en" }, problem.detail),
      ),
  );
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
