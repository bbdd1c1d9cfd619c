// What the browser remembers. Storage may be off (private windows, file:// pages) or full: then nothing is remembered
// and everything else works. The API key lives only as long as the tab.

const kPrefix = "maru.";

function attempt<T>(action: () => T, otherwise: T): T {
  try {
    return action();
  } catch {
    return otherwise; // storage refused: the value stays in memory only
  }
}

export function readSetting(name: string): string | null {
  return attempt(() => localStorage.getItem(kPrefix + name), null);
}

export function writeSetting(name: string, value: string): void {
  attempt(() => localStorage.setItem(kPrefix + name, value), undefined);
}

export function removeSetting(name: string): void {
  attempt(() => localStorage.removeItem(kPrefix + name), undefined);
}

/** As long as this tab lives. */
export function readTabSetting(name: string): string | null {
  return attempt(() => sessionStorage.getItem(kPrefix + name), null);
}

export function writeTabSetting(name: string, value: string): void {
  attempt(() => sessionStorage.setItem(kPrefix + name, value), undefined);
}

/** A stored JSON value merged over `fallback`; a value of another shape or broken text is ignored. */
export function readObject<T extends object>(name: string, fallback: T): T {
  const text = readSetting(name);
  if (text === null) return fallback;
  const value: unknown = attempt(() => JSON.parse(text) as unknown, null);
  if (typeof value !== "object" || value === null || Array.isArray(value)) return fallback;
  const known = Object.entries(value).filter(([key, field]) => sameKind(field, fallback[key as keyof T]));
  return { ...fallback, ...Object.fromEntries(known) };
}

function sameKind(value: unknown, model: unknown): boolean {
  if (Array.isArray(value) !== Array.isArray(model)) return false;
  return typeof value === typeof model || value === null || model === null;
}

export function writeObject(name: string, value: object): void {
  writeSetting(name, JSON.stringify(value));
}

let keyInMemory = "";

export function apiKey(): string {
  return attempt(() => sessionStorage.getItem(kPrefix + "key"), null) ?? keyInMemory;
}

export function setApiKey(key: string): void {
  keyInMemory = key;
  attempt(() => sessionStorage.setItem(kPrefix + "key", key), undefined);
}
