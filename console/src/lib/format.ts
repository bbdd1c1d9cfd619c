// Numbers for people, in the language of the page. Every function answers "–" for what is not a number.

export const kMissing = "–";

export type MaybeNumber = number | null | undefined;

function isNumber(value: MaybeNumber): value is number {
  return typeof value === "number" && Number.isFinite(value);
}

export class Format {
  constructor(private readonly locale: string) {}

  whole(value: MaybeNumber): string {
    return isNumber(value) ? new Intl.NumberFormat(this.locale, { maximumFractionDigits: 0 }).format(value) : kMissing;
  }

  /** At most `digits` significant digits; very small and very large values in scientific notation. */
  significant(value: MaybeNumber, digits = 4): string {
    if (!isNumber(value)) return kMissing;
    const size = Math.abs(value);
    if (size !== 0 && (size < 1e-3 || size >= 1e7)) return trimExponent(value.toExponential(Math.min(digits - 1, 2)));
    return new Intl.NumberFormat(this.locale, { maximumSignificantDigits: digits }).format(value);
  }

  fixed(value: MaybeNumber, digits: number): string {
    if (!isNumber(value)) return kMissing;
    const options = { minimumFractionDigits: digits, maximumFractionDigits: digits };
    return new Intl.NumberFormat(this.locale, options).format(value);
  }

  percent(value: MaybeNumber, digits = 1): string {
    if (!isNumber(value)) return kMissing;
    return new Intl.NumberFormat(this.locale, { style: "percent", maximumFractionDigits: digits }).format(value);
  }

  /** 12345678 → "12.3M": the field's own short form, the same in every language. */
  compact(value: MaybeNumber): string {
    return isNumber(value) ? new Intl.NumberFormat("en", compactOptions).format(value) : kMissing;
  }

  bytes(value: MaybeNumber): string {
    if (!isNumber(value)) return kMissing;
    const units = ["B", "kB", "MB", "GB", "TB", "PB"];
    const power = value < 1000 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(value) / 3));
    return `${this.significant(value / 1000 ** power, 3)} ${units[power]}`;
  }
}

const compactOptions: Intl.NumberFormatOptions = { notation: "compact", maximumSignificantDigits: 3 };

function trimExponent(text: string): string {
  return text.replace(/\.?0+e/, "e").replace("e+", "e");
}

export interface DurationParts {
  days: number;
  hours: number;
  minutes: number;
  seconds: number;
}

export function splitDuration(seconds: number): DurationParts {
  const whole = Math.max(0, Math.round(seconds));
  return {
    days: Math.floor(whole / 86400),
    hours: Math.floor(whole / 3600) % 24,
    minutes: Math.floor(whole / 60) % 60,
    seconds: whole % 60,
  };
}
