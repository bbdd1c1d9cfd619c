// One message of a thread: its text, its files, its branches, what can be done with it.
import { h, icon, replace } from "../lib/dom";
import { format, t } from "../lib/i18n";
import { MarkdownView } from "../lib/markdown/view";
import { copyButton } from "../panels/parts";
import { chip } from "./attach";
import { Conversation } from "./conversation";
import { Piece, Stats } from "./generate";
import { Message } from "./tree";

/** The message that is being written. */
export class GrowingMessage {
  readonly element: HTMLElement;
  private readonly text: HTMLElement;
  private readonly markdown: MarkdownView | null;
  private readonly plain: Text | null;
  private readonly reasoning: Text;
  private readonly reasoningBox: HTMLElement;

  constructor(message: Message, complete: boolean, onDrawn: () => void) {
    this.reasoning = document.createTextNode(message.reasoning ?? "");
    this.reasoningBox = reasoningBox(this.reasoning, true);
    this.reasoningBox.hidden = !message.reasoning;
    this.markdown = complete ? null : new MarkdownView(message.content);
    this.plain = complete ? document.createTextNode(message.content) : null;
    this.markdown?.listen(onDrawn);
    const waiting = message.content === "" && !message.reasoning;
    this.text = h("div", { class: `text writing${waiting ? " waiting" : ""}` }, this.markdown?.element ?? this.plain);
    this.element = h("div", { class: "message assistant" }, speaker(message), this.reasoningBox, this.text);
  }

  grow(piece: Piece): void {
    this.text.classList.remove("waiting");
    this.markdown?.push(piece.text);
    this.plain?.appendData(piece.text);
    if (piece.reasoning === "") return;
    this.reasoningBox.hidden = false;
    this.reasoning.appendData(piece.reasoning);
  }
}

function speaker(message: Message): HTMLElement {
  return h("span", { class: "offscreen" }, t(message.role === "user" ? "chat.you" : "chat.model"));
}

function reasoningBox(text: Text, open: boolean): HTMLElement {
  const summary = h("summary", {}, icon("chevron"), h("span", {}, t("chat.reasoning")));
  return h("details", { class: "disclosure reasoning", open }, summary, h("div", { class: "reasoning-text" }, text));
}

export function messageElement(conversation: Conversation, message: Message, isLast: boolean): HTMLElement {
  return message.role === "user" ? userMessage(conversation, message) : answerMessage(conversation, message, isLast);
}

function userMessage(conversation: Conversation, message: Message): HTMLElement {
  const files = message.attachments ?? [];
  const text = h("div", { class: "text" }, message.content);
  const frame = h("div", { class: "message user" });
  const chat = conversation.mode === "chat";
  const show = () =>
    replace(
      frame,
      speaker(message),
      files.length > 0 &&
        h(
          "ul",
          { class: "chips" },
          files.map((one) => chip(one)),
        ),
      message.content !== "" && text,
      chat &&
        h(
          "div",
          { class: "message-foot" },
          branches(conversation, message),
          editButton(() => edit()),
        ),
      !chat && branches(conversation, message),
    );
  const edit = () => {
    const form = editForm(conversation, message, () => {
      show();
      frame.querySelector<HTMLElement>(".edit")?.focus();
    });
    replace(frame, speaker(message), form);
    form.querySelector("textarea")!.focus();
  };
  show();
  return frame;
}

function editButton(run: () => void): HTMLElement {
  return h(
    "button",
    { type: "button", class: "quiet icon-only edit", title: t("chat.edit"), onclick: run },
    icon("edit"),
    h("span", { class: "offscreen" }, t("chat.edit")),
  );
}

function editForm(conversation: Conversation, message: Message, cancel: () => void): HTMLElement {
  const area = h("textarea", { rows: 3, value: message.content, "aria-label": t("chat.edit") });
  const send = () => {
    if (area.value.trim() !== "" || message.attachments) conversation.edit(message, area.value.trim());
  };
  area.addEventListener("keydown", (event) => {
    if (event.isComposing || event.keyCode === 229) return;
    if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      cancel();
    } else if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      send();
    }
  });
  const submit = (event: Event) => {
    event.preventDefault();
    send();
  };
  return h(
    "form",
    { class: "edit-form", onsubmit: submit },
    area,
    h("button", { type: "submit", class: "primary" }, t("chat.sendEdit")),
    h("button", { type: "button", class: "quiet", onclick: cancel }, t("action.cancel")),
  );
}

/** ‹ 1/2 ›: what else was said in this place. */
function branches(conversation: Conversation, message: Message): HTMLElement | null {
  const all = conversation.siblings(message);
  if (all.length < 2) return null;
  const at = all.findIndex((one) => one.id === message.id);
  const step = (by: number, name: "back" | "chevron", key: "chat.branchBack" | "chat.branchNext") => {
    const to = all[at + by];
    const go = () => {
      conversation.show(to!);
      const again = document.querySelector<HTMLElement>(`[data-branch="${to!.id}"] button:not(:disabled)`);
      again?.focus();
    };
    return h(
      "button",
      { type: "button", class: "quiet icon-only", title: t(key), disabled: !to || conversation.busy, onclick: go },
      icon(name),
      h("span", { class: "offscreen" }, t(key)),
    );
  };
  return h(
    "span",
    { class: "branches", role: "group", "data-branch": message.id, "aria-label": t("chat.branches") },
    step(-1, "back", "chat.branchBack"),
    h("span", {}, `${at + 1}/${all.length}`),
    step(1, "chevron", "chat.branchNext"),
  );
}

function answerMessage(conversation: Conversation, message: Message, isLast: boolean): HTMLElement {
  const plain = conversation.mode === "complete";
  const text = h("div", { class: "text" }, plain ? message.content : new MarkdownView(message.content).end().element);
  const thought = message.reasoning ? reasoningBox(document.createTextNode(message.reasoning), false) : null;
  return h("div", { class: "message assistant" }, speaker(message), thought, text, foot(conversation, message, isLast));
}

function foot(conversation: Conversation, message: Message, isLast: boolean): HTMLElement {
  const again = () => conversation.regenerate();
  const extend = () => conversation.extend();
  const canExtend = isLast && conversation.mode === "complete" && message.content !== "";
  return h(
    "div",
    { class: "message-foot" },
    copyButton(() => textToCopy(conversation, message), t("action.copy")),
    isLast &&
      h(
        "button",
        { type: "button", class: "quiet icon-only regenerate", title: t("chat.again"), onclick: again },
        icon("again"),
        h("span", { class: "offscreen" }, t("chat.again")),
      ),
    branches(conversation, message),
    canExtend &&
      h("button", { type: "button", class: "quiet extend", onclick: extend }, icon("send"), t("chat.extend")),
    h("span", { class: "stats" }, statsText(message)),
  );
}

function textToCopy(conversation: Conversation, message: Message): string {
  const prompt = conversation.mode === "complete" ? (conversation.messages[0]?.content ?? "") : "";
  return prompt + message.content;
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
