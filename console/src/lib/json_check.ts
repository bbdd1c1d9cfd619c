// JSON with the place of its first mistake, which JSON.parse does not say the same way in any two browsers. Pure.

export type JsonExpected = "value" | "name" | "colon" | "commaOrEnd" | "string" | "number" | "end";
export type JsonChecked = { value: unknown } | { line: number; column: number; expected: JsonExpected };

class Mistake {
  constructor(
    readonly at: number,
    readonly expected: JsonExpected,
  ) {}
}

const kBlanks = /[ \t\r\n]*/y;
const kNumber = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?/y;
const kString = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const kStringBegin = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*/y;
const kWord = /true|false|null/y;

/** Walks the text without recursion: depth is the writer's choice. `open` holds { and [ that wait for their end. */
class Checker {
  private at = 0;
  private readonly open: string[] = [];

  constructor(private readonly text: string) {}

  check(): void {
    do {
      this.value();
      while (this.open.length > 0 && this.closes());
    } while (this.open.length > 0);
    this.match(kBlanks);
    if (this.at < this.text.length) throw new Mistake(this.at, "end");
  }

  private match(pattern: RegExp): boolean {
    pattern.lastIndex = this.at;
    if (!pattern.test(this.text)) return false;
    this.at = pattern.lastIndex;
    return true;
  }

  private next(): string {
    this.match(kBlanks);
    return this.text[this.at] ?? "";
  }

  /** One value, or the beginning of one up to its first value within. */
  private value(): void {
    for (let c = this.next(); c === "{" || c === "["; c = this.next()) {
      this.at++;
      this.open.push(c);
      if (this.next() === (c === "{" ? "}" : "]")) return;
      if (c === "{") this.name();
    }
    if (this.text[this.at] === '"') return this.string();
    if (/[-\d]/.test(this.text[this.at] ?? "")) return this.number();
    if (!this.match(kWord)) throw new Mistake(this.at, "value");
  }

  private string(): void {
    if (this.match(kString)) return;
    this.match(kStringBegin);
    throw new Mistake(this.at, "string");
  }

  private number(): void {
    const from = this.at;
    if (!this.match(kNumber) || /[\w.+-]/.test(this.text[this.at] ?? "")) throw new Mistake(from, "number");
  }

  private name(): void {
    if (this.next() !== '"') throw new Mistake(this.at, "name");
    this.string();
    if (this.next() !== ":") throw new Mistake(this.at, "colon");
    this.at++;
  }

  /** Behind a value. True: an object or a list ended too; false: another value comes. */
  private closes(): boolean {
    const around = this.open[this.open.length - 1];
    const c = this.next();
    if (c === (around === "{" ? "}" : "]")) {
      this.at++;
      this.open.pop();
      return true;
    }
    if (c !== ",") throw new Mistake(this.at, "commaOrEnd");
    this.at++;
    if (around === "{") this.name();
    return false;
  }
}

export function checkJson(text: string): JsonChecked {
  try {
    new Checker(text).check();
    return { value: JSON.parse(text) as unknown };
  } catch (error) {
    if (!(error instanceof Mistake)) throw error;
    const before = text.slice(0, error.at).split("\n");
    return { line: before.length, column: before[before.length - 1]!.length + 1, expected: error.expected };
  }
}
