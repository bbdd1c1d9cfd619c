// Prometheus' text format (version 0.0.4), as far as a reader of gauges, counters and histograms needs it. Pure.

export interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

const kLine = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})?[ \t]+(\S+)(?:[ \t]+-?\d+)?[ \t]*$/;
const kLabel = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"[ \t]*,?[ \t]*/y;
const kEscapes: Record<string, string> = { n: "\n", '"': '"', "\\": "\\" };

function labelsOf(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  kLabel.lastIndex = 0;
  for (let found = kLabel.exec(text); found; found = kLabel.exec(text)) {
    labels[found[1]!] = found[2]!.replace(/\\(.)/g, (all, c: string) => kEscapes[c] ?? all);
  }
  return labels;
}

function valueOf(text: string): number {
  if (/^[+]?Inf$/i.test(text)) return Infinity;
  return /^-Inf$/i.test(text) ? -Infinity : Number(text);
}

/** A line that is no sample is passed over. */
export function parseExposition(text: string): Sample[] {
  const samples: Sample[] = [];
  for (const line of text.split("\n")) {
    const found = line.startsWith("#") ? null : kLine.exec(line);
    if (found) samples.push({ name: found[1]!, labels: labelsOf(found[2] ?? ""), value: valueOf(found[3]!) });
  }
  return samples;
}

/** Cumulative counts by upper bound, rising, +Inf last. */
export interface Buckets {
  bounds: number[];
  counts: number[];
}

export const kNoBuckets: Buckets = { bounds: [], counts: [] };

/** What was observed between two states. Smaller counts: the server began anew, and all of the later state counts. */
export function bucketsBetween(before: Buckets, after: Buckets): Buckets {
  const same = before.bounds.length === after.bounds.length && before.bounds.every((one, i) => one === after.bounds[i]);
  const restarted = after.counts.some((count, i) => count < (before.counts[i] ?? 0));
  if (!same || restarted) return after;
  return { bounds: after.bounds, counts: after.counts.map((count, i) => count - before.counts[i]!) };
}

export function addBuckets(a: Buckets, b: Buckets): Buckets {
  if (a.bounds.length === 0) return b;
  if (b.bounds.length !== a.bounds.length) return a;
  return { bounds: a.bounds, counts: a.counts.map((count, i) => count + b.counts[i]!) };
}

/**
 * The value below which a share of observations lies: linear within its bucket, as Prometheus' histogram_quantile; the
 * highest finite bound when it lies beyond. Null: nothing was observed.
 */
export function quantile(share: number, { bounds, counts }: Buckets): number | null {
  const total = counts[counts.length - 1] ?? 0;
  if (total <= 0) return null;
  const rank = share * total;
  const at = counts.findIndex((count) => count >= rank);
  const high = bounds[at]!;
  if (!Number.isFinite(high)) return bounds[at - 1] ?? null;
  const low = at === 0 ? 0 : bounds[at - 1]!;
  const below = at === 0 ? 0 : counts[at - 1]!;
  const inside = counts[at]! - below;
  return inside === 0 ? high : low + ((high - low) * (rank - below)) / inside;
}
