// The two languages of the page. `t` looks a key up in the current language; TypeScript refuses a key that English
// lacks, and a unit test a key that Korean lacks.
import { en } from "./text_en";
import { ko } from "./text_ko";
import { Format, MaybeNumber, kMissing, splitDuration } from "./format";
import { readSetting, writeSetting } from "./storage";

export type Language = "en" | "ko";
export type TextKey = keyof typeof en;
export const dictionaries: Record<Language, Record<TextKey, string>> = { en, ko };

let current: Language = "en";
let formatter = new Format("en");

export function language(): Language {
  return current;
}

export function setLanguage(next: Language): void {
  current = next;
  formatter = new Format(next);
  document.documentElement.lang = next;
}

export function rememberLanguage(next: Language): void {
  writeSetting("language", next);
  setLanguage(next);
}

/** The stored choice, else the first language of the browser that we speak, else English. */
export function chooseLanguage(stored: string | null, preferred: readonly string[]): Language {
  if (stored === "en" || stored === "ko") return stored;
  const known = preferred.map((tag) => tag.slice(0, 2).toLowerCase()).find((tag) => tag === "ko" || tag === "en");
  return known === "ko" ? "ko" : "en";
}

export function startLanguage(): void {
  setLanguage(chooseLanguage(readSetting("language"), navigator.languages ?? []));
}

type Values = Record<string, string | number>;

/** The text of a key: {name} becomes its argument, {name?thread:threads} the word for one or for another number. */
export function t(key: TextKey, values: Values = {}): string {
  return fill(dictionaries[current][key], values);
}

export function fill(text: string, values: Values): string {
  return text.replace(/\{(\w+)(?:\?([^:}]*):([^}]*))?\}/g, (hole, name: string, one?: string, many?: string) => {
    const value = values[name];
    if (value === undefined) return hole;
    if (one === undefined) return String(value);
    return (String(value) === "1" ? one : many) ?? "";
  });
}

export function hasText(key: string): key is TextKey {
  return Object.prototype.hasOwnProperty.call(en, key);
}

/** For names that come from the server (a step, a reason): our word for it, else the name itself, legibly. */
export function tName(prefix: string, name: string): string {
  const key = `${prefix}.${name}`;
  return hasText(key) ? t(key) : name.replace(/_/g, " ");
}

export function format(): Format {
  return formatter;
}

/** 3700 → "1 h 1 min": the two largest units. */
export function duration(seconds: MaybeNumber): string {
  if (typeof seconds !== "number" || !Number.isFinite(seconds)) return kMissing;
  const parts = splitDuration(seconds);
  if (parts.days > 0) return t("time.daysHours", { d: parts.days, h: parts.hours });
  if (parts.hours > 0) return t("time.hoursMinutes", { h: parts.hours, m: parts.minutes });
  if (parts.minutes > 0) return t("time.minutesSeconds", { m: parts.minutes, s: parts.seconds });
  return t("time.seconds", { s: parts.seconds });
}
