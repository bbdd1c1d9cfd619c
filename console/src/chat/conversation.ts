// A conversation and the generation that is under way: knows nothing of the page, which listens. Lives as long as the
// page, so that leaving the view or changing the language does not stop an answer.
import { StreamSpeaker } from "../lib/announce";
import { Problem, problemOf } from "../lib/failure";
import { readObject, writeObject } from "../lib/storage";
import { Stats, StatsCounter, generate } from "./generate";
import { Mode, Settings, samplingOf } from "./settings";

export interface Message {
  role: "user" | "assistant";
  content: string;
  stats?: Stats;
  stopped?: boolean;
}

export interface Listener {
  onChange(): void; // messages came, went, or ended
  onText(text: string): void; // more of the last message
}

/** The messages of a request: the system prompt first when there is one; empty answers are left out. */
export function requestMessages(
  system: string,
  messages: readonly Message[],
): Array<{ role: string; content: string }> {
  const turns = messages.filter((one) => one.content !== "").map(({ role, content }) => ({ role, content }));
  return system.trim() === "" ? turns : [{ role: "system", content: system }, ...turns];
}

export class Conversation {
  messages: Message[];
  problem: Problem | null = null;
  private abort: AbortController | null = null;
  private listener: Listener | null = null;
  private readonly speaker = new StreamSpeaker();

  constructor(
    readonly mode: Mode,
    private readonly settings: Settings,
  ) {
    this.messages = readObject<{ messages: Message[] }>(`conversation.${mode}`, { messages: [] }).messages;
  }

  get busy(): boolean {
    return this.abort !== null;
  }

  listen(listener: Listener | null): void {
    this.listener = listener;
  }

  /** In complete mode each text starts anew. */
  send(text: string): void {
    if (this.busy) return;
    if (this.mode === "complete") this.messages = [];
    this.messages.push({ role: "user", content: text });
    void this.answer();
  }

  /** Answers the last user message again. */
  regenerate(): void {
    if (this.busy) return;
    if (this.last()?.role === "assistant") this.messages.pop();
    if (this.last()?.role === "user") void this.answer();
  }

  /** Complete mode: the text so far becomes the prompt. */
  extend(): void {
    const [prompt, text] = this.messages;
    if (this.busy || !prompt || !text) return;
    this.messages = [{ role: "user", content: prompt.content + text.content }];
    void this.answer();
  }

  stop(): void {
    this.abort?.abort();
  }

  clear(): void {
    this.stop();
    this.messages = [];
    this.problem = null;
    this.changed();
  }

  private last(): Message | undefined {
    return this.messages[this.messages.length - 1];
  }

  private async answer(): Promise<void> {
    const abort = new AbortController();
    const counter = new StatsCounter(performance.now());
    const { path, body } = this.request();
    const message: Message = { role: "assistant", content: "" };
    this.begin(abort, message);
    try {
      await generate(path, body, abort.signal, counter, (text) => this.grow(message, text));
    } catch (error) {
      if (abort.signal.aborted) message.stopped = true;
      else this.problem = problemOf(error);
    }
    message.stats = counter.stats();
    this.end(abort, message);
  }

  private request(): { path: string; body: object } {
    const { model, system } = this.settings;
    const sampling = samplingOf(this.settings);
    if (this.mode === "complete") {
      return { path: "/v1/completions", body: { model, prompt: this.messages[0]?.content ?? "", ...sampling } };
    }
    return {
      path: "/v1/chat/completions",
      body: { model, messages: requestMessages(system, this.messages), ...sampling },
    };
  }

  private begin(abort: AbortController, message: Message): void {
    this.abort = abort;
    this.problem = null;
    this.messages.push(message);
    this.speaker.begin();
    this.changed();
  }

  private grow(message: Message, text: string): void {
    message.content += text;
    this.speaker.add(text);
    if (this.last() === message) this.listener?.onText(text);
  }

  private end(abort: AbortController, message: Message): void {
    if (this.abort === abort) this.abort = null;
    if (message.content === "" && this.problem && this.last() === message) this.messages.pop();
    this.speaker.end();
    this.changed();
  }

  private changed(): void {
    writeObject(`conversation.${this.mode}`, { messages: this.messages });
    this.listener?.onChange();
  }
}
