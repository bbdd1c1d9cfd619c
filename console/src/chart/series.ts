// Curves as two arrays of numbers, x rising. Pure.

export interface Points {
  x: number[];
  y: number[];
}

/**
 * Exponential moving average, corrected for its start (so that the first values are not pulled to zero).
 * weight 0 changes nothing; values that are not finite are passed over.
 */
export function smooth(values: readonly number[], weight: number): number[] {
  let sum = 0;
  let mass = 0;
  return values.map((value) => {
    if (!Number.isFinite(value)) return value;
    sum = weight * sum + (1 - weight) * value;
    mass = weight * mass + (1 - weight);
    return sum / mass;
  });
}

/** At most about 2 × buckets points: the lowest and highest of each bucket, so that no spike disappears. */
export function decimate(points: Points, buckets: number): Points {
  const n = points.x.length;
  if (n <= 2 * buckets) return points;
  const keep = new Set<number>([0, n - 1]);
  for (let b = 0; b < buckets; b++) {
    keepExtremes(points.y, Math.floor((b * n) / buckets), Math.floor(((b + 1) * n) / buckets), keep);
  }
  const order = [...keep].sort((a, b) => a - b);
  return { x: order.map((i) => points.x[i]!), y: order.map((i) => points.y[i]!) };
}

function keepExtremes(y: readonly number[], begin: number, end: number, keep: Set<number>): void {
  let low = begin;
  let high = begin;
  for (let i = begin; i < end; i++) {
    if (y[i]! < y[low]!) low = i;
    if (y[i]! > y[high]!) high = i;
  }
  keep.add(low);
  keep.add(high);
}

/** Index of the x nearest to `x`; -1 when there are none. */
export function nearestIndex(xs: readonly number[], x: number): number {
  let low = 0;
  let high = xs.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (xs[middle]! < x) low = middle + 1;
    else high = middle;
  }
  if (low > 0 && x - xs[low - 1]! < xs[low]! - x) return low - 1;
  return Math.min(low, xs.length - 1);
}

export interface Summary {
  first: number;
  last: number;
  low: number;
  high: number;
  lowAt: number;
}

/** What a curve says in a sentence; null when it has no finite value. */
export function summarise(points: Points): Summary | null {
  const finite = points.y.map((y, i) => [points.x[i]!, y] as const).filter(([, y]) => Number.isFinite(y));
  const first = finite[0];
  const last = finite[finite.length - 1];
  if (!first || !last) return null;
  const lowest = finite.reduce((a, b) => (b[1] < a[1] ? b : a));
  const highest = finite.reduce((a, b) => (b[1] > a[1] ? b : a));
  return { first: first[1], last: last[1], low: lowest[1], high: highest[1], lowAt: lowest[0] };
}

/** About `rows` points spread evenly, always with the last: for a table. */
export function sampleRows(points: Points, rows: number): Array<[number, number]> {
  const n = points.x.length;
  const step = Math.max(1, Math.ceil(n / rows));
  const picked: Array<[number, number]> = [];
  for (let i = (n - 1) % step; i < n; i += step) picked.push([points.x[i]!, points.y[i]!]);
  return picked;
}
