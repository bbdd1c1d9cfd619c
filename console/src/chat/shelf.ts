// The conversations of this browser: the list, what of them is not kept yet, and word to and from other tabs.
import { readSetting, removeSetting } from "../lib/storage";
import { Change, Store, openStore } from "./store";
import { Entry, Message, newId, titleOf } from "./tree";
import type { Mode } from "./settings";

/** Why what is said may be lost. */
export type Trouble = "refused" | "full" | "failed";

const kChannel = "maru.conversations";
const kUndoMs = 12_000;

export class Shelf {
  entries: Entry[] = []; // newest first, without the deleted
  trouble: Trouble | null = null;
  readonly ready: Promise<void>;
  private store!: Store;
  private readonly pending = new Map<string, Change>(); // not kept yet
  private writing = false;
  private readonly listeners = new Set<(changed: string | null) => void>();
  private readonly channel = typeof BroadcastChannel === "function" ? new BroadcastChannel(kChannel) : null;

  /** `open`: how to get at the store, for tests. */
  constructor(open: () => Promise<Store> = openStore) {
    this.ready = this.start(open);
    this.channel?.addEventListener("message", (event) => void this.hear(String(event.data)));
    globalThis.addEventListener?.("beforeunload", (event) => {
      if (this.pending.size > 0 && this.trouble !== null) event.preventDefault(); // the browser asks first
    });
  }

  /** `changed`: whose messages came from another tab; null: only the list changed. */
  listen(listener: (changed: string | null) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  get unkept(): number {
    return [...this.pending.values()].reduce((sum, change) => sum + change.messages.length, 0);
  }

  get lasting(): boolean {
    return this.store.lasting;
  }

  entry(id: string): Entry | undefined {
    return this.entries.find((one) => one.id === id);
  }

  async messages(id: string): Promise<Message[]> {
    const kept = await this.store.messages(id);
    return [...kept, ...(this.pending.get(id)?.messages ?? [])];
  }

  search(words: string): Promise<Map<string, string>> {
    return this.store.search(words);
  }

  /** Keeps a change, at once or when there is room again. */
  put(entry: Entry, fields: Partial<Entry>, messages: readonly Message[] = []): void {
    const waiting = this.pending.get(entry.id);
    const byId = new Map((waiting?.messages ?? []).map((one) => [one.id, one]));
    for (const one of messages) byId.set(one.id, { ...one });
    this.pending.set(entry.id, {
      entry: { ...(waiting?.entry ?? entry) },
      fields: { ...waiting?.fields, ...fields },
      messages: [...byId.values()],
    });
    this.show(entry, fields);
    void this.flush();
  }

  rename(id: string, title: string): void {
    const entry = this.entry(id);
    if (entry && title.trim() !== "") this.put(entry, { title: title.trim(), named: true });
  }

  /** Answers how to undo it. For good once that is too late. */
  remove(id: string): () => void {
    const entry = this.entry(id);
    if (!entry) return () => undefined;
    this.put(entry, { deleted: Date.now() });
    const timer = setTimeout(() => void this.purge(id), kUndoMs);
    return () => {
      clearTimeout(timer);
      this.put({ ...entry, deleted: 0 }, { deleted: 0 });
    };
  }

  /** Tries again to keep what waits. */
  async flush(): Promise<void> {
    if (this.writing) return;
    this.writing = true;
    await this.ready;
    for (let failed = false; this.pending.size > 0 && !failed;) failed = !(await this.write());
    this.writing = false;
  }

  private async write(): Promise<boolean> {
    const changes = [...this.pending.values()];
    this.pending.clear();
    try {
      await this.store.apply(changes);
    } catch (error) {
      this.putBack(changes);
      this.setTrouble((error as Error | null)?.name === "QuotaExceededError" ? "full" : "failed");
      return false;
    }
    this.setTrouble(this.store.lasting ? null : "refused");
    changes.forEach((change) => this.channel?.postMessage(change.entry.id));
    return true;
  }

  /** What came meanwhile is newer. */
  private putBack(changes: readonly Change[]): void {
    for (const change of changes) {
      const newer = this.pending.get(change.entry.id);
      const byId = new Map(change.messages.map((one) => [one.id, one]));
      for (const one of newer?.messages ?? []) byId.set(one.id, one);
      const fields = { ...change.fields, ...newer?.fields };
      this.pending.set(change.entry.id, { entry: change.entry, fields, messages: [...byId.values()] });
    }
  }

  private setTrouble(trouble: Trouble | null): void {
    if (this.trouble === trouble && trouble === null) return;
    this.trouble = trouble;
    this.tell(null);
  }

  private async start(open: () => Promise<Store>): Promise<void> {
    this.store = await open();
    this.trouble = this.store.lasting ? null : "refused";
    try {
      await this.load();
      await this.takeOver();
    } catch {
      this.trouble = "failed"; // a damaged profile, say: what is said now is tried to be kept all the same
    }
  }

  private async load(): Promise<void> {
    const all = await this.store.entries();
    const late = all.filter((one) => one.deleted && Date.now() - one.deleted > kUndoMs);
    for (const one of late) await this.store.remove(one.id);
    const waiting = [...this.pending.values()].map(({ entry, fields }) => ({ ...entry, ...fields }));
    const kept = all.filter((one) => !this.pending.has(one.id));
    this.entries = sorted([...kept, ...waiting].filter((one) => !one.deleted));
  }

  /** What an earlier version kept: one conversation of each mode. */
  private async takeOver(): Promise<void> {
    for (const mode of ["chat", "complete"] as const) {
      const name = `conversation.${mode}`;
      const change = changeOf(readSetting(name), mode);
      if (change === null) continue;
      await this.store.apply([change]);
      removeSetting(name);
      await this.load();
    }
  }

  /** Unless it came back meanwhile: by an answer that went on, or an import. */
  private async purge(id: string): Promise<void> {
    if (this.entry(id) !== undefined) return;
    await this.store.remove(id);
    this.channel?.postMessage(id);
  }

  private async hear(id: string): Promise<void> {
    await this.ready;
    await this.load();
    this.tell(id);
  }

  /** The list shows a change before it is kept. */
  private show(entry: Entry, fields: Partial<Entry>): void {
    const known = this.entry(entry.id) ?? entry;
    const next = { ...known, ...fields };
    if (known.named && !fields.named) Object.assign(next, { title: known.title, named: true });
    this.entries = sorted([...this.entries.filter((one) => one.id !== entry.id), ...(next.deleted ? [] : [next])]);
    this.tell(null);
  }

  private tell(changed: string | null): void {
    this.listeners.forEach((listener) => listener(changed));
  }
}

function sorted(entries: Entry[]): Entry[] {
  return entries.sort((a, b) => b.updated - a.updated || (a.id < b.id ? -1 : 1));
}

export function newEntry(mode: Mode): Entry {
  const now = Date.now();
  return { id: newId(), title: "", named: false, mode, created: now, updated: now, leaf: null };
}

/** {messages: [{role, content}]} as a conversation; null: nothing of the kind. */
function changeOf(text: string | null, mode: Mode): Change | null {
  try {
    const { messages } = JSON.parse(text ?? "null") as { messages: Array<Pick<Message, "role" | "content">> };
    const entry = newEntry(mode);
    const chain: Message[] = [];
    for (const { role, content } of messages) {
      const parent = chain[chain.length - 1]?.id ?? null;
      chain.push({ id: newId(), conversation: entry.id, parent, role, content, created: entry.created + chain.length });
    }
    const last = chain[chain.length - 1];
    if (!last) return null;
    return { entry, fields: { title: titleOf(chain[0]!.content), leaf: last.id }, messages: chain };
  } catch {
    return null;
  }
}
