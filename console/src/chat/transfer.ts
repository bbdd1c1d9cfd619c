// Conversations as files: JSON that this page reads again, Markdown for people. Pure.
import { fill } from "../lib/i18n";
import type { Mode } from "./settings";
import { Attachment, Entry, Message, Tree, newId, titleOf } from "./tree";

export const kFormat = "maru-conversations";
export const kVersion = 1;
export const kMaxImportBytes = 64 * 1024 * 1024;

export interface Kept {
  entry: Entry;
  messages: Message[];
}

/** What is wrong with a file, and where: `conversations[2].messages[0].role`. */
export class ImportError extends Error {
  constructor(
    readonly place: string,
    readonly expected: string,
  ) {
    super(`${place}: expected ${expected}`);
  }
}

export function exportJson(list: readonly Kept[]): string {
  const conversations = list.map(({ entry, messages }) => ({
    ...entry,
    messages: messages.map(({ conversation: _, ...message }) => message),
  }));
  return `${JSON.stringify({ format: kFormat, version: kVersion, conversations }, null, 1)}\n`;
}

/** The branch that is looked at. `words` are those of the page's language. */
export function exportMarkdown(kept: Kept, words: { you: string; model: string; file: string }): string {
  const parts = [`# ${kept.entry.title}`];
  for (const message of new Tree(kept.messages).pathTo(kept.entry.leaf)) {
    const who = message.role === "user" ? words.you : message.model || words.model;
    const files = (message.attachments ?? []).map(({ name }) => `*${fill(words.file, { name })}*`);
    parts.push(`## ${who}`, ...files, message.content.trim());
  }
  return `${parts.join("\n\n")}\n`;
}

/** A name that every file system takes. */
export function fileName(title: string, ending: string): string {
  const clean = title
    .replace(/[\\/:*?"<>|\u0000-\u001f]+/g, " ")
    .replace(/\s+/g, " ")
    .trim();
  return `${
    [...clean]
      .slice(0, 50)
      .join("")
      .replace(/^\.+|\.+$/g, "") || "maru"
  }.${ending}`;
}

type Fields = Record<string, unknown>;

function fieldsAt(value: unknown, place: string): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new ImportError(place, "an object");
  return value as Fields;
}

function textAt(value: unknown, place: string): string {
  if (typeof value !== "string") throw new ImportError(place, "text");
  return value;
}

function listAt(value: unknown, place: string): unknown[] {
  if (!Array.isArray(value)) throw new ImportError(place, "a list");
  return value;
}

function timeAt(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) ? value : Date.now();
}

/**
 * Reads what exportJson wrote, or a list of OpenAI's messages ([{role, content}], also as {messages}).
 * Throws ImportError with the place of the first thing that is wrong.
 */
export function readImport(text: string): Kept[] {
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch (error) {
    throw new ImportError("file", `JSON (${(error as Error).message})`);
  }
  if (Array.isArray(value)) return [plain(value, "file")];
  const file = fieldsAt(value, "file");
  if (file.format === undefined && file.messages !== undefined) return [plain(file.messages, "messages")];
  if (file.format !== kFormat) throw new ImportError("format", `"${kFormat}"`);
  if (file.version !== kVersion) throw new ImportError("version", String(kVersion));
  return listAt(file.conversations, "conversations").map((one, i) => keptAt(one, `conversations[${i}]`));
}

function keptAt(value: unknown, place: string): Kept {
  const from = fieldsAt(value, place);
  const id = textAt(from.id, `${place}.id`);
  const messages = listAt(from.messages, `${place}.messages`).map((one, i) =>
    messageAt(one, id, `${place}.messages[${i}]`),
  );
  const ids = new Set(messages.map((one) => one.id));
  messages.forEach((one, i) => {
    if (one.parent !== null && !ids.has(one.parent))
      throw new ImportError(`${place}.messages[${i}].parent`, "the id of a message");
  });
  const mode: Mode = from.mode === "complete" ? "complete" : "chat";
  const leaf = typeof from.leaf === "string" && ids.has(from.leaf) ? from.leaf : new Tree(messages).newestLeaf(null);
  const entry = {
    id,
    title: textAt(from.title, `${place}.title`),
    named: from.named === true,
    mode,
    created: timeAt(from.created),
    updated: timeAt(from.updated),
    leaf,
  };
  return { entry, messages };
}

function roleAt(value: unknown, place: string): "user" | "assistant" {
  if (value === "user" || value === "assistant") return value;
  throw new ImportError(place, `"user" or "assistant"`);
}

function messageAt(value: unknown, conversation: string, place: string): Message {
  const from = fieldsAt(value, place);
  const message: Message = {
    id: textAt(from.id, `${place}.id`),
    conversation,
    parent: from.parent === null ? null : textAt(from.parent, `${place}.parent`),
    role: roleAt(from.role, `${place}.role`),
    content: textAt(from.content, `${place}.content`),
    created: timeAt(from.created),
  };
  if (typeof from.reasoning === "string") message.reasoning = from.reasoning;
  if (typeof from.model === "string") message.model = from.model;
  if (from.stopped === true) message.stopped = true;
  if (from.attachments !== undefined)
    message.attachments = listAt(from.attachments, `${place}.attachments`).map((one, i) =>
      attachmentAt(one, `${place}.attachments[${i}]`),
    );
  return message;
}

function attachmentAt(value: unknown, place: string): Attachment {
  const from = fieldsAt(value, place);
  const text = textAt(from.text, `${place}.text`);
  const bytes = typeof from.bytes === "number" ? from.bytes : text.length;
  const encoding = typeof from.encoding === "string" ? from.encoding : "UTF-8";
  return { name: textAt(from.name, `${place}.name`), bytes, encoding, text };
}

/** A chain of messages; those of other roles than the user's and the assistant's are left out. */
function plain(value: unknown, place: string): Kept {
  const id = newId();
  const messages: Message[] = [];
  const now = Date.now();
  listAt(value, place).forEach((one, i) => {
    const from = fieldsAt(one, `${place}[${i}]`);
    if (from.role === "system" || from.role === "developer" || from.role === "tool") return;
    const role = roleAt(from.role, `${place}[${i}].role`);
    const content = textAt(from.content, `${place}[${i}].content`);
    const parent = messages[messages.length - 1]?.id ?? null;
    messages.push({ id: newId(), conversation: id, parent, role, content, created: now + i });
  });
  const last = messages[messages.length - 1];
  if (!last) throw new ImportError(place, "a message of the user");
  const title = titleOf(messages[0]!.content);
  const entry: Entry = { id, title, named: false, mode: "chat", created: now, updated: now, leaf: last.id };
  return { entry, messages };
}

/** What of an import is not here yet; an id that is here keeps its message, so nothing can be written over. */
export function missingOf(imported: Kept, here: readonly Message[]): Message[] {
  const known = new Set(here.map((one) => one.id));
  return imported.messages.filter((one) => !known.has(one.id));
}
