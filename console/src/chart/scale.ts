// Axes: from values to pixels, and the round numbers to label. Pure.

export interface Extent {
  low: number;
  high: number;
}

/** Lowest and highest finite value; null when there is none. */
export function extentOf(values: Iterable<number>): Extent | null {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low <= high ? { low, high } : null;
}

/** 1, 2 or 5 times a power of ten, at least `rough`. */
function niceStep(rough: number): number {
  const power = 10 ** Math.floor(Math.log10(rough));
  const factor = [1, 2, 5, 10].find((f) => f * power >= rough * (1 - 1e-9)) ?? 10;
  return factor * power;
}

/** Multiples of a round step within [low, high], about `count` of them. */
export function niceTicks(low: number, high: number, count: number): number[] {
  if (!(high > low) || count < 1) return Number.isFinite(low) ? [low] : [];
  const step = niceStep((high - low) / count);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => tidy((first + i) * step, step));
}

/** Round whole numbers within [low, high]: for what is counted, such as steps. */
export function wholeTicks(low: number, high: number, count: number): number[] {
  return niceTicks(low, high, Math.min(count, Math.max(1, Math.floor(high - low)))).filter(Number.isInteger);
}

/** Removes the error of binary fractions: 0.30000000000000004 at step 0.1 becomes 0.3. */
function tidy(value: number, step: number): number {
  const decimals = Math.max(0, -Math.floor(Math.log10(step)) + 1);
  return decimals <= 100 ? Number(value.toFixed(Math.min(decimals, 20))) : value;
}

/** Ticks for a logarithmic axis: powers of ten, with 2 and 5 between when few decades show; linear ones within one. */
export function logTicks(low: number, high: number, count: number): number[] {
  if (!(low > 0) || !(high > low)) return [];
  const decades = Math.log10(high / low);
  const factors = decades > count ? [1] : decades > count / 3 ? [1, 3] : [1, 2, 5];
  const ticks: number[] = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
    for (const factor of factors) ticks.push(Number(`${factor}e${power}`));
  }
  const inside = ticks.filter((tick) => tick >= low * (1 - 1e-9) && tick <= high * (1 + 1e-9));
  return inside.length >= 3 ? thin(inside, count) : niceTicks(low, high, count);
}

function thin(ticks: number[], count: number): number[] {
  const every = Math.ceil(ticks.length / (count + 1));
  return ticks.filter((_, i) => i % every === 0);
}

/** A linear or logarithmic axis from [low, high] to pixels [from, to]. */
export class Scale {
  constructor(
    readonly domain: Extent,
    readonly from: number,
    readonly to: number,
    readonly log = false,
  ) {}

  map(value: number): number {
    const { low, high } = this.domain;
    const fraction = this.log ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low);
    return this.from + fraction * (this.to - this.from);
  }

  invert(pixel: number): number {
    const { low, high } = this.domain;
    const fraction = (pixel - this.from) / (this.to - this.from);
    return this.log ? low * (high / low) ** fraction : low + fraction * (high - low);
  }

  ticks(count: number): number[] {
    const { low, high } = this.domain;
    return this.log ? logTicks(low, high, count) : niceTicks(low, high, count);
  }
}

/** A domain with a little air, never empty; from zero where `zero` asks, and positive where the axis is logarithmic. */
export function domainFor(extent: Extent, options: { zero?: boolean; log?: boolean }): Extent {
  const low = options.zero && !options.log ? Math.min(0, extent.low) : extent.low;
  const size = extent.high - low || Math.abs(extent.high) || 1;
  if (options.log) return { low: low / (1 + 0.04 * Math.log(extent.high / low || Math.E)), high: extent.high * 1.03 };
  const air = size * 0.05;
  return { low: low === 0 ? 0 : low - air, high: extent.high + air };
}
