// Draws the messages of a conversation: anew when it changes, and in place while the last one is being written.
import { h, replace } from "../lib/dom";
import { problemPanel } from "../lib/failure";
import { t } from "../lib/i18n";
import { Conversation } from "./conversation";
import { Piece } from "./generate";
import { GrowingMessage, messageElement } from "./message";
import { Message } from "./tree";

export class Thread {
  readonly element = h("div", { class: "thread", tabindex: 0, role: "region" });
  private readonly inner = h("div", { class: "thread-inner" });
  private growing: GrowingMessage | null = null;
  private following = true; // the end of the thread is in sight
  private drawn = new Map<string, { signature: string; element: HTMLElement }>();

  constructor(
    private readonly conversation: Conversation,
    private readonly onExample: (text: string) => void,
  ) {
    this.element.setAttribute("aria-label", t("chat.thread"));
    this.element.append(this.inner);
    this.element.addEventListener("scroll", () => (this.following = this.atEnd()));
    this.draw();
  }

  draw(): void {
    const { messages, problem, busy, mode } = this.conversation;
    this.growing = null;
    const drawn = new Map<string, { signature: string; element: HTMLElement }>();
    const bodies = messages.map((message, i) => this.message(message, i === messages.length - 1, drawn));
    this.drawn = drawn;
    const trouble = problem && problemPanel(problem, () => this.conversation.regenerate());
    const empty = messages.length === 0 && !problem ? this.welcome() : null;
    const paper = mode === "complete" && bodies.length > 0 ? h("article", { class: "paper" }, bodies) : bodies;
    replace(this.inner, empty, paper, trouble);
    this.element.setAttribute("aria-busy", String(busy));
    this.scrollToEnd();
  }

  grow(piece: Piece): void {
    this.growing?.grow(piece);
    if (this.conversation.mode === "complete" || piece.reasoning !== "") this.follow();
  }

  private follow(): void {
    if (this.following) this.scrollToEnd();
  }

  private atEnd(): boolean {
    const { scrollTop, scrollHeight, clientHeight } = this.element;
    return scrollHeight - scrollTop - clientHeight < 60;
  }

  private scrollToEnd(): void {
    this.element.scrollTop = this.element.scrollHeight;
    this.following = true;
  }

  /** A message that is as it was keeps its element: a long thread is not made anew with every turn. */
  private message(message: Message, isLast: boolean, drawn: typeof this.drawn): HTMLElement {
    const { conversation } = this;
    if (isLast && conversation.busy && message.role === "assistant") {
      this.growing = new GrowingMessage(message, conversation.mode === "complete", () => this.follow());
      return this.growing.element;
    }
    const branches = conversation.siblings(message).length;
    const locked = branches > 1 && conversation.busy; // branches cannot be changed then
    const signature = [isLast, branches, locked, message.content.length, message.stopped].join();
    const known = this.drawn.get(message.id);
    const element = known?.signature === signature ? known.element : messageElement(conversation, message, isLast);
    drawn.set(message.id, { signature, element });
    return element;
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
