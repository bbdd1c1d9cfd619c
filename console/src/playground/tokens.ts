// An answer's tokens, each on the colour of its probability. Pointer, finger and arrow keys read one: its probability
// and what else might have stood there. To a screen reader it is a slider whose value is the reading, as charts are.
import { h, replace } from "../lib/dom";
import { format, t } from "../lib/i18n";
import { bar } from "../panels/parts";
import { Alternative, Token, bandOf, shownToken } from "./answer";

export class TokenView {
  readonly element: HTMLElement;
  private readonly row = h("div", { class: "tokens", role: "slider", tabindex: 0, "aria-valuemin": 0 });
  private readonly summary = h("p", { class: "note" });
  private readonly reading = h("div", { class: "token-reading" });
  private readonly tokens: Token[] = [];
  private at = -1;
  private logprobs = 0; // their sum

  constructor() {
    this.row.setAttribute("aria-label", t("tokens.title"));
    this.row.addEventListener("pointerover", (event) => this.point(event.target));
    this.row.addEventListener("pointerdown", (event) => this.point(event.target));
    this.row.addEventListener("focus", () => this.select(Math.max(this.at, 0)));
    this.row.addEventListener("keydown", (event) => this.onKey(event));
    this.element = h("div", { class: "token-view" }, this.row, this.summary, this.reading, legend());
    this.describe();
  }

  add(tokens: readonly Token[]): void {
    for (const one of tokens) {
      this.row.append(
        h("span", { class: `token band-${bandOf(one.logprob)}`, "data-at": this.tokens.length }, shown(one)),
      );
      this.tokens.push(one);
      this.logprobs += one.logprob;
    }
    const perplexity = this.tokens.length === 0 ? null : Math.exp(-this.logprobs / this.tokens.length);
    const whole = perplexity === null ? "" : t("tokens.perplexity", { value: format().significant(perplexity, 3) });
    this.summary.textContent = [t("tokens.hint"), whole].filter(Boolean).join(" ");
    this.row.setAttribute("aria-valuemax", String(Math.max(0, this.tokens.length - 1)));
  }

  private point(target: EventTarget | null): void {
    const at = target instanceof HTMLElement ? target.dataset.at : undefined;
    if (at !== undefined) this.select(Number(at));
  }

  private onKey(event: KeyboardEvent): void {
    const last = this.tokens.length - 1;
    const moves: Record<string, number> = {
      ArrowLeft: this.at - 1,
      ArrowUp: this.at - 1,
      ArrowRight: this.at + 1,
      ArrowDown: this.at + 1,
      PageUp: this.at - 10,
      PageDown: this.at + 10,
      Home: 0,
      End: last,
    };
    const target = moves[event.key];
    if (target === undefined) return;
    event.preventDefault();
    this.select(Math.max(0, Math.min(last, target)));
  }

  private select(at: number): void {
    if (!this.tokens[at]) return;
    this.row.children[this.at]?.classList.remove("at");
    this.at = at;
    this.row.children[at]!.classList.add("at");
    this.describe();
  }

  private describe(): void {
    const token = this.tokens[this.at];
    this.row.setAttribute("aria-valuenow", String(Math.max(0, this.at)));
    this.row.setAttribute("aria-valuetext", token ? spoken(token) : t("tokens.hint"));
    replace(this.reading, token && alternatives(token));
  }
}

/** Line ends are shown, and end the line too. */
function shown(token: Token): string {
  return token.token.replace(/\n/g, "⏎\n").replace(/\t/g, "⇥") || "∅";
}

function percent(logprob: number): string {
  const probability = Math.exp(logprob);
  return probability < 0.001 ? format().significant(probability * 100, 2) + "%" : format().percent(probability, 1);
}

function spoken(token: Token): string {
  const others = token.top
    .filter((one) => one.token !== token.token)
    .map((one) => `${shownToken(one.token)} ${percent(one.logprob)}`);
  return [`${shownToken(token.token)} ${percent(token.logprob)}`, ...others].join(", ");
}

function alternatives(token: Token): HTMLElement {
  const chosenIsThere = token.top.some((one) => one.token === token.token);
  const list: Alternative[] = chosenIsThere ? token.top : [token, ...token.top];
  return h(
    "ul",
    { class: "bars" },
    list.map((one) =>
      h(
        "li",
        { class: one.token === token.token ? "own" : null },
        h("span", { class: "bar-name" }, h("code", {}, shownToken(one.token))),
        bar(Math.exp(one.logprob)),
        h("span", { class: "bar-value" }, percent(one.logprob)),
      ),
    ),
  );
}

function legend(): HTMLElement {
  const bands = ["< 5 %", "5 %", "25 %", "50 %", "≥ 90 %"];
  return h(
    "p",
    { class: "token-legend", "aria-hidden": "true" },
    bands.map((words, i) => h("span", { class: `token band-${i}` }, words)),
  );
}
