// Draws the messages of a conversation. What a model wrote is only ever text.
import { h, icon, replace } from "../lib/dom";
import { format, t } from "../lib/i18n";
import { problemPanel } from "../lib/failure";
import { copyButton } from "../panels/parts";
import { Conversation, Message } from "./conversation";
import { Stats } from "./generate";

export class Thread {
  readonly element = h("div", { class: "thread", tabindex: 0, role: "region" });
  private readonly inner = h("div", { class: "thread-inner" });
  private growing: Text | null = null;

  constructor(
    private readonly conversation: Conversation,
    private readonly onExample: (text: string) => void,
  ) {
    this.element.setAttribute("aria-label", t("chat.thread"));
    this.element.append(this.inner);
    this.draw();
  }

  /** Draws everything anew. */
  draw(): void {
    const { messages, problem, busy, mode } = this.conversation;
    this.growing = null;
    const bodies = messages.map((message, i) => this.message(message, i === messages.length - 1));
    const trouble = problem && problemPanel(problem, () => this.conversation.regenerate());
    const empty = messages.length === 0 && !problem ? this.welcome() : null;
    const paper = mode === "complete" && bodies.length > 0 ? h("article", { class: "paper" }, bodies) : bodies;
    replace(this.inner, empty, paper, trouble);
    this.element.setAttribute("aria-busy", String(busy));
    this.scrollToEnd();
  }

  grow(text: string): void {
    const follow = this.atEnd();
    this.growing?.appendData(text);
    this.growing?.parentElement?.classList.remove("waiting");
    if (follow) this.scrollToEnd();
  }

  private atEnd(): boolean {
    const { scrollTop, scrollHeight, clientHeight } = this.element;
    return scrollHeight - scrollTop - clientHeight < 60;
  }

  private scrollToEnd(): void {
    this.element.scrollTop = this.element.scrollHeight;
  }

  private message(message: Message, isLast: boolean): HTMLElement {
    const writing = isLast && this.conversation.busy;
    const text = document.createTextNode(message.content);
    if (writing) this.growing = text;
    const waiting = writing && message.content === "";
    const body = h("div", { class: `text${writing ? " writing" : ""}${waiting ? " waiting" : ""}` }, text);
    const label = h("span", { class: "offscreen" }, t(message.role === "user" ? "chat.you" : "chat.model"));
    const foot = message.role === "assistant" && !writing ? this.foot(message, isLast) : null;
    return h("div", { class: `message ${message.role}` }, label, body, foot);
  }

  private foot(message: Message, isLast: boolean): HTMLElement {
    const again = () => this.conversation.regenerate();
    const extend = () => this.conversation.extend();
    const canExtend = isLast && this.conversation.mode === "complete" && message.content !== "";
    return h(
      "div",
      { class: "message-foot" },
      copyButton(() => this.textToCopy(message), t("action.copy")),
      isLast &&
        h(
          "button",
          { type: "button", class: "quiet icon-only regenerate", title: t("chat.again"), onclick: again },
          icon("again"),
          h("span", { class: "offscreen" }, t("chat.again")),
        ),
      canExtend &&
        h("button", { type: "button", class: "quiet extend", onclick: extend }, icon("send"), t("chat.extend")),
      h("span", { class: "stats" }, statsText(message)),
    );
  }

  private textToCopy(message: Message): string {
    const prompt = this.conversation.mode === "complete" ? (this.conversation.messages[0]?.content ?? "") : "";
    return prompt + message.content;
  }

  private welcome(): HTMLElement {
    const keys =
      this.conversation.mode === "chat"
        ? (["chat.example1", "chat.example2", "chat.example3"] as const)
        : (["complete.example1", "complete.example2", "complete.example3"] as const);
    const examples = keys.map((key) =>
      h("li", {}, h("button", { type: "button", class: "example", onclick: () => this.onExample(t(key)) }, t(key))),
    );
    return h(
      "div",
      { class: "welcome" },
      h("h1", {}, t(this.conversation.mode === "chat" ? "chat.welcome" : "complete.welcome")),
      h("p", {}, t(this.conversation.mode === "chat" ? "chat.welcomeNote" : "complete.welcomeNote")),
      h("ul", { class: "examples" }, examples),
    );
  }
}

function statsText(message: Message): string {
  const parts = message.stats ? figures(message.stats) : [];
  if (message.stopped) parts.push(t("chat.stopped"));
  if (message.stats?.finishReason === "length") parts.push(t("chat.lengthReached"));
  return parts.join(" · ");
}

function figures(stats: Stats): string[] {
  if (stats.completionTokens === 0) return [];
  const count = format().whole(stats.completionTokens);
  const prompt = stats.promptTokens === null ? null : t("chat.promptTokens", { n: format().whole(stats.promptTokens) });
  const rate = stats.tokensPerSecond;
  return [
    t(stats.counted ? "chat.tokens" : "chat.pieces", { n: count }),
    rate === null ? null : t("chat.rate", { n: format().significant(rate, 3) }),
    t("chat.firstToken", { s: format().significant(stats.firstTokenSeconds, 2) }),
    prompt,
  ].filter((part): part is string => part !== null);
}
