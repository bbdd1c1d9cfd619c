// Which key was meant. Pure.

/** The letter or sign; under a Korean layout the Latin letter of the same key, so that "ㅜ" is n. */
export function letterOf(key: string, code: string): string {
  if (key.length === 1 && key.charCodeAt(0) < 128) return key.toLowerCase();
  const letter = /^Key([A-Z])$/.exec(code)?.[1];
  return letter && key !== "Dead" ? letter.toLowerCase() : key;
}
