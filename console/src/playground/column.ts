// What one model answers: its choices as they come, and the results of the tools that it calls.
import { postStream } from "../lib/api";
import { h, icon, replace } from "../lib/dom";
import { Problem, problemOf, problemPanel } from "../lib/failure";
import { format, t } from "../lib/i18n";
import { StatsCounter } from "../chat/generate";
import { copyButton } from "../panels/parts";
import { Answer, AnswerChunk, Choice } from "./answer";
import { Turn, requestOf } from "./request";
import { State } from "./state";
import { TokenView } from "./tokens";

/** What of a choice is on the page. */
interface Shown {
  element: HTMLElement;
  text: Text;
  reasoning: Text;
  calls: HTMLElement;
  tokens: TokenView | null;
  foot: HTMLElement;
  textDone: number; // characters
  reasoningDone: number;
  tokensDone: number;
}

export class Column {
  readonly element: HTMLElement;
  private readonly past = h("div", { class: "past" }); // turns before this answer
  private readonly body = h("div", { class: "choices" });
  private readonly figures = h("p", { class: "note figures", role: "status" });
  private abort: AbortController | null = null;
  private turns: Turn[] = [];
  private asked: State | null = null; // as the run began: what is changed later is for the next one
  private answer = new Answer();
  private shown: Shown[] = [];

  constructor(
    name: string,
    readonly picker: HTMLSelectElement,
    private readonly onChange: () => void,
  ) {
    const label = h("label", { class: "offscreen", for: picker.id }, name);
    const head = h("header", {}, label, picker, this.figures);
    this.element = h("section", { class: "column card", "aria-label": name }, head, this.past, this.body);
    replace(this.body, h("p", { class: "note" }, t("playground.nothing")));
  }

  get busy(): boolean {
    return this.abort !== null;
  }

  run(state: State): void {
    this.turns = [];
    replace(this.past);
    this.asked = JSON.parse(JSON.stringify(state)) as State;
    void this.ask();
  }

  stop(): void {
    this.abort?.abort();
  }

  private async ask(): Promise<void> {
    this.stop();
    const abort = new AbortController();
    const counter = new StatsCounter(performance.now());
    const { path, body } = requestOf(this.asked!, this.picker.value, this.turns);
    this.begin(abort);
    let problem: Problem | null = null;
    let stopped = false;
    try {
      const request = { ...body, stream: true, stream_options: { include_usage: true } };
      for await (const chunk of postStream<AnswerChunk>(path, request, abort.signal)) {
        counter.take(chunk, performance.now());
        if (this.abort === abort) this.answer.take(chunk).forEach((index) => this.show(index));
      }
    } catch (error) {
      stopped = abort.signal.aborted;
      if (!stopped) problem = problemOf(error);
    }
    if (this.abort === abort) this.end(counter, problem, stopped);
  }

  private begin(abort: AbortController): void {
    this.abort = abort;
    this.answer = new Answer();
    this.shown = [];
    replace(this.body, h("p", { class: "note waiting" }, t("playground.waiting")));
    this.figures.textContent = "";
    this.element.setAttribute("aria-busy", "true");
    this.onChange();
  }

  private end(counter: StatsCounter, problem: Problem | null, stopped: boolean): void {
    this.abort = null;
    this.element.removeAttribute("aria-busy");
    if (this.shown.length === 0) replace(this.body, stopped && h("p", { class: "note" }, t("chat.stopped")));
    this.shown.forEach((_, i) => this.finish(i));
    if (problem) this.body.append(problemPanel(problem, () => void this.ask()));
    for (const words of new Set(this.answer.warnings))
      this.body.append(h("p", { class: "note warning", lang: "en" }, words));
    const { completionTokens, counted, tokensPerSecond, firstTokenSeconds } = counter.stats();
    if (completionTokens > 0) {
      this.figures.textContent = [
        t(counted ? "chat.tokens" : "chat.pieces", { n: format().whole(completionTokens) }),
        tokensPerSecond === null ? "" : t("chat.rate", { n: format().significant(tokensPerSecond, 3) }),
        t("chat.firstToken", { s: format().significant(firstTokenSeconds, 2) }),
      ]
        .filter(Boolean)
        .join(" · ");
    }
    this.onChange();
  }

  private show(index: number): void {
    if (this.shown.length === 0) replace(this.body);
    while (this.shown.length <= index) {
      const made = this.make();
      this.shown.push(made);
      this.body.append(made.element);
    }
    const shown = this.shown[index]!;
    const choice = this.answer.choices[index]!;
    shown.text.appendData(choice.text.slice(shown.textDone));
    shown.reasoning.appendData(choice.reasoning.slice(shown.reasoningDone));
    shown.tokens?.add(choice.tokens.slice(shown.tokensDone));
    Object.assign(shown, { textDone: choice.text.length, reasoningDone: choice.reasoning.length });
    shown.tokensDone = choice.tokens.length;
    shown.reasoning.parentElement!.hidden = choice.reasoning === "";
    (shown.text.parentElement as HTMLElement).hidden = shown.tokens !== null && choice.tokens.length > 0;
    if (choice.calls.length > 0)
      replace(
        shown.calls,
        choice.calls.map((call) => callView(call.name, call.arguments)),
      );
  }

  private make(): Shown {
    const text = document.createTextNode("");
    const reasoning = document.createTextNode("");
    const calls = h("ul", { class: "calls" });
    const tokens = this.asked!.logprobs ? new TokenView() : null;
    const foot = h("footer", { class: "message-foot" });
    const many = (this.asked!.numbers.n ?? 1) > 1;
    const title = many ? h("h3", {}, t("playground.answerNumber", { n: this.shown.length + 1 })) : null;
    const thought = h("div", { class: "reasoning-text", hidden: true }, reasoning);
    const words = h("div", { class: "answer-text" }, text);
    const element = h("article", { class: "choice" }, title, thought, words, tokens?.element, calls, foot);
    return { element, text, reasoning, calls, tokens, foot, textDone: 0, reasoningDone: 0, tokensDone: 0 };
  }

  private finish(index: number): void {
    const choice = this.answer.choices[index]!;
    const shown = this.shown[index]!;
    const why = choice.finish === null ? t("chat.stopped") : t("playground.finish", { why: choice.finish });
    replace(shown.foot, choice.text !== "" && copyButton(() => choice.text), h("span", { class: "stats" }, why));
    const single = this.answer.choices.length === 1;
    if (choice.calls.length > 0 && single && choice.finish !== null) replace(shown.calls, this.resultForm(choice));
  }

  /** A place for the result of each call; then the model goes on. */
  private resultForm(choice: Choice): HTMLElement {
    const areas = choice.calls.map((call, i) =>
      h("textarea", {
        rows: 2,
        id: `${this.picker.id}-result-${i}`,
        "aria-label": t("playground.result", { name: call.name }),
      }),
    );
    const send = (event: Event) => {
      event.preventDefault();
      this.goOn(
        choice,
        areas.map((area) => area.value),
      );
    };
    const rows = choice.calls.map((call, i) => {
      const label = h("label", { for: `${this.picker.id}-result-${i}` }, t("playground.result", { name: call.name }));
      return [callView(call.name, call.arguments), h("li", { class: "field" }, label, areas[i])];
    });
    const button = h("button", { type: "submit", class: "primary" }, icon("play"), t("playground.sendResults"));
    return h("li", {}, h("form", { class: "result-form", onsubmit: send }, h("ul", { class: "calls" }, rows), button));
  }

  private goOn(choice: Choice, results: string[]): void {
    const { calls, text } = choice;
    this.turns.push({ role: "assistant", content: text === "" ? null : text, calls });
    calls.forEach((call, i) => this.turns.push({ role: "tool", content: results[i]!, callId: call.id }));
    replace(
      this.past,
      this.turns.map((turn) => turnView(turn)),
    );
    void this.ask();
  }
}

function callView(name: string, text: string): HTMLElement {
  return h("li", { class: "call" }, h("code", { class: "call-name" }, name), h("code", {}, pretty(text)));
}

/** Arguments as they are, or indented when they are JSON. */
function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 1).replace(/\n\s*/g, " ");
  } catch {
    return text;
  }
}

function turnView(turn: Turn): HTMLElement {
  if (turn.role === "tool") {
    return h("div", { class: "turn tool" }, h("small", {}, t("playground.toolSaid")), h("code", {}, turn.content));
  }
  const calls = (turn.calls ?? []).map((call) => callView(call.name, call.arguments));
  return h("div", { class: "turn" }, turn.content && h("p", {}, turn.content), h("ul", { class: "calls" }, calls));
}
