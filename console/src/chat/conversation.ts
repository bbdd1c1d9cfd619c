// A conversation and the generation that is under way: knows nothing of the page, which listens. Lives as long as the
// page, so that leaving the view or changing the language does not stop an answer.
import { StreamSpeaker } from "../lib/announce";
import { Problem, problemOf } from "../lib/failure";
import { Piece, StatsCounter, generate } from "./generate";
import { Mode, Settings, samplingOf } from "./settings";
import { Shelf } from "./shelf";
import { Attachment, Entry, Message, Tree, contentFor, newId, titleOf } from "./tree";

export interface Listener {
  onChange(): void; // messages came, went, or ended
  onPiece(piece: Piece): void; // more of the last message
}

const kKeepMs = 2000; // between two states of an answer that is being written

/** The messages of a request: the system prompt first when there is one; empty answers are left out. */
export function requestMessages(
  system: string,
  messages: ReadonlyArray<Pick<Message, "role" | "content" | "attachments">>,
): Array<{ role: string; content: string }> {
  const turns = messages.map((one) => ({ role: one.role as string, content: contentFor(one) }));
  const said = turns.filter((one) => one.content !== "");
  return system.trim() === "" ? said : [{ role: "system", content: system }, ...said];
}

export class Conversation {
  problem: Problem | null = null;
  private readonly tree: Tree;
  private leaf: string | null;
  private growing: Message | null = null;
  private abort: AbortController | null = null;
  private listener: Listener | null = null;
  private keptAt = 0;
  private readonly speaker = new StreamSpeaker();

  constructor(
    readonly entry: Entry,
    messages: readonly Message[],
    private readonly settings: Settings,
    private readonly shelf: Shelf,
  ) {
    this.tree = new Tree(messages);
    const known = this.tree.get(entry.leaf) ? entry.leaf : null;
    this.leaf = known ?? this.tree.newestLeaf(null);
  }

  get mode(): Mode {
    return this.entry.mode;
  }

  get busy(): boolean {
    return this.abort !== null;
  }

  get empty(): boolean {
    return this.tree.size === 0 && this.growing === null;
  }

  /** Those of the branch that is looked at, the one that is being written last. */
  get messages(): Message[] {
    const path = this.tree.pathTo(this.leaf);
    return this.growing && !this.tree.get(this.growing.id) ? [...path, this.growing] : path;
  }

  all(): Message[] {
    return this.tree.all();
  }

  siblings(message: Message): Message[] {
    return this.tree.siblings(message);
  }

  listen(listener: Listener | null): void {
    this.listener = listener;
  }

  /** In complete mode each text begins anew, beside the earlier ones. */
  send(text: string, attachments: Attachment[] = []): void {
    if (!this.busy) this.ask(this.mode === "complete" ? null : this.leaf, text, attachments);
  }

  /** Asks otherwise: a branch beside `message`, with its files. */
  edit(message: Message, text: string): void {
    if (!this.busy) this.ask(message.parent, text, message.attachments ?? []);
  }

  /** Another answer beside the one at the end. */
  regenerate(): void {
    if (this.busy) return;
    const last = this.tree.get(this.leaf);
    if (last?.role === "assistant") this.leaf = last.parent;
    if (this.tree.get(this.leaf)?.role === "user") void this.answer();
  }

  /** Complete mode: the text so far becomes the prompt. */
  extend(): void {
    const [prompt, text] = this.messages;
    if (!this.busy && prompt && text) this.ask(null, prompt.content + text.content, []);
  }

  /** Looks at the branch that goes through `message`. */
  show(message: Message): void {
    if (this.busy) return;
    this.leaf = this.tree.newestLeaf(message.id);
    this.problem = null;
    this.keep([]);
    this.listener?.onChange();
  }

  stop(): void {
    this.abort?.abort();
  }

  /** What another tab said here. It is looked at when it goes on from where this tab is and has its answer. */
  merge(messages: readonly Message[]): void {
    const before = this.tree.size;
    for (const one of messages) if (one.id !== this.growing?.id) this.tree.add(one);
    if (this.busy || (this.tree.size === before && messages.length === 0)) return;
    const next = this.tree.get(this.tree.newestLeaf(this.leaf));
    if (next?.role === "assistant" && !next.unfinished) this.leaf = next.id;
    this.listener?.onChange();
  }

  private ask(parent: string | null, text: string, attachments: Attachment[]): void {
    const message = this.make("user", parent, text);
    if (attachments.length > 0) message.attachments = attachments;
    const first = this.tree.size === 0;
    this.tree.add(message);
    this.leaf = message.id;
    this.keep([message], first ? { title: titleOf(text) || titleOf(attachments[0]?.name ?? "") } : {});
    void this.answer();
  }

  private make(role: "user" | "assistant", parent: string | null, content: string): Message {
    return { id: newId(), conversation: this.entry.id, parent, role, content, created: Date.now() };
  }

  private async answer(): Promise<void> {
    const abort = new AbortController();
    const counter = new StatsCounter(performance.now());
    const { path, body } = this.request();
    const message = { ...this.make("assistant", this.leaf, ""), model: this.settings.model };
    this.begin(abort, message);
    try {
      await generate(path, body, abort.signal, counter, (piece) => this.grow(message, piece));
    } catch (error) {
      if (abort.signal.aborted) message.stopped = true;
      else this.problem = problemOf(error);
    }
    message.stats = counter.stats();
    this.end(message);
  }

  private request(): { path: string; body: object } {
    const { model, system } = this.settings;
    const sampling = samplingOf(this.settings);
    const messages = this.tree.pathTo(this.leaf);
    if (this.mode === "complete") {
      return { path: "/v1/completions", body: { model, prompt: messages[0]?.content ?? "", ...sampling } };
    }
    return { path: "/v1/chat/completions", body: { model, messages: requestMessages(system, messages), ...sampling } };
  }

  private begin(abort: AbortController, message: Message): void {
    this.abort = abort;
    this.problem = null;
    this.growing = message;
    this.speaker.begin();
    this.listener?.onChange();
  }

  private grow(message: Message, piece: Piece): void {
    message.content += piece.text;
    if (piece.reasoning !== "") message.reasoning = (message.reasoning ?? "") + piece.reasoning;
    this.speaker.add(piece.text);
    this.listener?.onPiece(piece);
    const now = Date.now();
    if (now - this.keptAt < kKeepMs) return;
    this.keptAt = now;
    this.keep([{ ...message, unfinished: true, stopped: true }]);
  }

  /** An answer that never began leaves nothing. */
  private end(message: Message): void {
    this.abort = null;
    this.growing = null;
    if (message.content !== "" || message.reasoning !== undefined || this.problem === null) {
      this.tree.add(message);
      this.leaf = message.id;
      this.keep([message]);
    }
    this.speaker.end();
    this.listener?.onChange();
  }

  /** When it was deleted elsewhere, all of it is kept anew. */
  private keep(messages: readonly Message[], fields: Partial<Entry> = {}): void {
    const gone = this.shelf.entry(this.entry.id) === undefined;
    if (gone && this.tree.size === 0) return;
    const all = gone ? new Map([...this.tree.all(), ...messages].map((one) => [one.id, one])) : null;
    const now = { ...fields, leaf: this.leaf, ...(messages.length > 0 ? { updated: Date.now() } : {}) };
    Object.assign(this.entry, now);
    this.shelf.put(this.entry, now, all ? [...all.values()] : messages);
  }
}
