// A conversation as a tree: each message knows the one before it, so an edited question or another answer is a branch
// beside the first, and what several tabs add never overwrites anything. Pure.
import type { Stats } from "./generate";
import type { Mode } from "./settings";

export interface Attachment {
  name: string;
  bytes: number;
  encoding: string; // that the file was read as
  text: string;
}

export interface Message {
  id: string;
  conversation: string;
  parent: string | null; // null: a beginning
  role: "user" | "assistant";
  content: string;
  created: number; // ms since 1970
  reasoning?: string;
  attachments?: Attachment[];
  model?: string; // that answered
  stats?: Stats;
  stopped?: boolean;
  unfinished?: boolean; // was being written when it was kept
}

/** What the list knows of a conversation; its messages are kept apart. */
export interface Entry {
  id: string;
  title: string;
  named: boolean; // by the user
  mode: Mode;
  created: number;
  updated: number;
  leaf: string | null; // the end of the branch that was looked at last
  deleted?: number; // when; it is gone for good once it cannot be undone any more
}

/** 128 random bits. Not crypto.randomUUID, which plain HTTP beyond this machine does not have. */
export function newId(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

export class Tree {
  private readonly byId = new Map<string, Message>();
  private readonly byParent = new Map<string | null, Message[]>();

  constructor(messages: readonly Message[] = []) {
    messages.forEach((one) => this.add(one));
  }

  get size(): number {
    return this.byId.size;
  }

  all(): Message[] {
    return [...this.byId.values()];
  }

  get(id: string | null): Message | undefined {
    return id === null ? undefined : this.byId.get(id);
  }

  /** Adds a message, or takes a newer state of one that is here. */
  add(message: Message): void {
    const known = this.byId.get(message.id);
    if (known) return void Object.assign(known, message);
    this.byId.set(message.id, message);
    const children = this.byParent.get(message.parent) ?? [];
    children.push(message);
    children.sort((a, b) => a.created - b.created || (a.id < b.id ? -1 : 1));
    this.byParent.set(message.parent, children);
  }

  /** From the beginning to `leaf`. */
  pathTo(leaf: string | null): Message[] {
    const path: Message[] = [];
    const seen = new Set<string>(); // a damaged import may go in circles
    for (let at = this.get(leaf); at && !seen.has(at.id); at = this.get(at.parent)) {
      seen.add(at.id);
      path.unshift(at);
    }
    return path;
  }

  /** The message and what else was said in its place, oldest first. */
  siblings(message: Message): Message[] {
    return this.byParent.get(message.parent) ?? [message];
  }

  /** Down from `id` along the newest. */
  newestLeaf(id: string | null): string | null {
    let at = id;
    for (const seen = new Set<string | null>(); !seen.has(at);) {
      seen.add(at);
      const children = this.byParent.get(at);
      if (children && children.length > 0) at = children[children.length - 1]!.id;
    }
    return at;
  }
}

const kTitleLength = 60;

/** The first line that says something, cut at a word. */
export function titleOf(text: string): string {
  const line = text.split("\n").find((one) => one.trim() !== "") ?? "";
  const words = line.replace(/\s+/g, " ").trim();
  const letters = [...words];
  if (letters.length <= kTitleLength) return words;
  const cut = letters.slice(0, kTitleLength).join("");
  const space = cut.lastIndexOf(" ");
  return `${space > kTitleLength / 2 ? cut.slice(0, space) : cut}…`;
}

/** What the model is given for a message: the files first, each in a fence that nothing in it can close. */
export function contentFor(message: Pick<Message, "content" | "attachments">): string {
  const files = (message.attachments ?? []).map(({ name, text }) => {
    const fence = "`".repeat(1 + Math.max(2, ...(text.match(/`+/g) ?? []).map((run) => run.length)));
    return `[${name}]\n${fence}\n${text}\n${fence}`;
  });
  return [...files, message.content].filter((part) => part !== "").join("\n\n");
}

/** Text as searched: without case, and composed, since files from a Mac spell Hangul in letters. */
export function folded(text: string): string {
  return text.normalize("NFC").toLowerCase();
}

/** A line around the first place where `words` stand; null: nowhere. `words` are folded. */
export function excerptOf(text: string, words: string): string | null {
  const at = folded(text).indexOf(words);
  if (at < 0) return null;
  const from = Math.max(0, at - 24);
  const cut = text.slice(from, at + words.length + 40).replace(/\s+/g, " ");
  return `${from > 0 ? "…" : ""}${cut}${at + words.length + 40 < text.length ? "…" : ""}`;
}
