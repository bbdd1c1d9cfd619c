// Where conversations are kept: IndexedDB, or memory where the browser refuses it. A message is a record of its own and
// is only ever added or grown; an entry is changed within one transaction. So tabs cannot overwrite one another.
import { Entry, Message, excerptOf } from "./tree";

/** What changed of one conversation: fields of its entry, and messages. */
export interface Change {
  entry: Entry; // as this tab knows it, for a conversation that is not kept yet
  fields: Partial<Entry>; // what is new
  messages: Message[];
}

export interface Store {
  readonly lasting: boolean;
  entries(): Promise<Entry[]>;
  messages(conversation: string): Promise<Message[]>;
  /** All or nothing. Throws what the browser says, such as a QuotaExceededError. */
  apply(changes: readonly Change[]): Promise<void>;
  remove(conversation: string): Promise<void>;
  /** Conversations with a message that holds `words` (folded), each with the place. */
  search(words: string): Promise<Map<string, string>>;
}

/** The kept entry with a change: a title that the user gave stays; what was deleted elsewhere and goes on is back. */
export function merged(kept: Entry | undefined, change: Change): Entry {
  if (kept === undefined) return { ...change.entry, ...change.fields };
  const entry = { ...kept, ...change.fields, updated: Math.max(kept.updated, change.fields.updated ?? 0) };
  if (kept.named && !change.fields.named) Object.assign(entry, { title: kept.title, named: true });
  if (change.messages.length > 0 || entry.deleted === 0) delete entry.deleted;
  return entry;
}

/** Whether `next` may take the place of `kept`: text only grows, unless it was just being written. */
export function supersedes(next: Message, kept: Message | undefined): boolean {
  if (kept === undefined) return true;
  if (kept.conversation !== next.conversation) return false; // an import that borrowed its id
  return kept.unfinished === true || next.unfinished !== true;
}

export class MemoryStore implements Store {
  readonly lasting = false;
  private readonly kept = new Map<string, Entry>();
  private readonly said = new Map<string, Message>();

  async entries(): Promise<Entry[]> {
    return [...this.kept.values()].map((one) => ({ ...one }));
  }

  async messages(conversation: string): Promise<Message[]> {
    return [...this.said.values()].filter((one) => one.conversation === conversation).map((one) => ({ ...one }));
  }

  async apply(changes: readonly Change[]): Promise<void> {
    for (const change of changes) {
      this.kept.set(change.entry.id, merged(this.kept.get(change.entry.id), change));
      for (const one of change.messages) if (supersedes(one, this.said.get(one.id))) this.said.set(one.id, { ...one });
    }
  }

  async remove(conversation: string): Promise<void> {
    this.kept.delete(conversation);
    for (const one of [...this.said.values()]) if (one.conversation === conversation) this.said.delete(one.id);
  }

  async search(words: string): Promise<Map<string, string>> {
    const found = new Map<string, string>();
    for (const one of this.said.values()) note(found, one, words);
    return found;
  }
}

function note(found: Map<string, string>, message: Message, words: string): void {
  if (found.has(message.conversation)) return;
  const excerpt = excerptOf(message.content, words);
  if (excerpt !== null) found.set(message.conversation, excerpt);
}

const kName = "maru";
const kVersion = 1;

function promised<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function finished(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error ?? new Error("The browser gave the change up."));
    transaction.onerror = () => reject(transaction.error);
  });
}

function openDatabase(): Promise<IDBDatabase> {
  const request = indexedDB.open(kName, kVersion);
  request.onupgradeneeded = () => {
    request.result.createObjectStore("entries", { keyPath: "id" });
    request.result.createObjectStore("messages", { keyPath: "id" }).createIndex("conversation", "conversation");
  };
  return promised(request);
}

class DatabaseStore implements Store {
  readonly lasting = true;

  constructor(private database: IDBDatabase) {
    this.watch();
  }

  /** A page of a later version may need the database for itself. */
  private watch(): void {
    this.database.onversionchange = () => this.database.close();
  }

  /** Browsers close the database at times, after sleep for one: then it is opened again, once. */
  private async transaction(mode: IDBTransactionMode): Promise<IDBTransaction> {
    try {
      return this.database.transaction(["entries", "messages"], mode);
    } catch {
      this.database = await openDatabase();
      this.watch();
      return this.database.transaction(["entries", "messages"], mode);
    }
  }

  async entries(): Promise<Entry[]> {
    const transaction = await this.transaction("readonly");
    return promised(transaction.objectStore("entries").getAll() as IDBRequest<Entry[]>);
  }

  async messages(conversation: string): Promise<Message[]> {
    const transaction = await this.transaction("readonly");
    const index = transaction.objectStore("messages").index("conversation");
    return promised(index.getAll(conversation) as IDBRequest<Message[]>);
  }

  async apply(changes: readonly Change[]): Promise<void> {
    const transaction = await this.transaction("readwrite");
    const done = finished(transaction);
    for (const change of changes) this.write(transaction, change);
    await done;
  }

  /** Reads before it writes, in the same transaction: no other tab can come between. */
  private write(transaction: IDBTransaction, change: Change): void {
    const entries = transaction.objectStore("entries");
    const read = entries.get(change.entry.id) as IDBRequest<Entry | undefined>;
    read.onsuccess = () => entries.put(merged(read.result, change));
    const messages = transaction.objectStore("messages");
    for (const message of change.messages) {
      const kept = messages.get(message.id) as IDBRequest<Message | undefined>;
      kept.onsuccess = () => {
        if (supersedes(message, kept.result)) messages.put(message);
      };
    }
  }

  async remove(conversation: string): Promise<void> {
    const transaction = await this.transaction("readwrite");
    const done = finished(transaction);
    transaction.objectStore("entries").delete(conversation);
    const messages = transaction.objectStore("messages");
    const keys = messages.index("conversation").getAllKeys(conversation);
    keys.onsuccess = () => keys.result.forEach((key) => messages.delete(key));
    await done;
  }

  async search(words: string): Promise<Map<string, string>> {
    const transaction = await this.transaction("readonly");
    const found = new Map<string, string>();
    const cursor = transaction.objectStore("messages").openCursor();
    return new Promise((resolve, reject) => {
      cursor.onerror = () => reject(cursor.error);
      cursor.onsuccess = () => {
        const at = cursor.result;
        if (at === null) return resolve(found);
        note(found, at.value as Message, words);
        at.continue();
      };
    });
  }
}

/** Private windows, and browsers told so, refuse: then what is said lasts as long as the page. */
export async function openStore(): Promise<Store> {
  try {
    return new DatabaseStore(await openDatabase());
  } catch {
    return new MemoryStore();
  }
}
