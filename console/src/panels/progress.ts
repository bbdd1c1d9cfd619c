// Metrics rows as curves, and where a training run stands. Pure.
import { Points } from "../chart/series";
import { KnownRun, MetricsRow } from "../lib/types";

/** Of the keys of what was measured on held-out data. */
export const kValidation = "validation_";

const kTrainingFields = ["step", "tokens", "loss", "lr", "gradient_norm", "tokens_per_second", "mfu", "seconds"];
const kFields = [...kTrainingFields, "bits_per_byte"]; // which have charts and tiles of their own

/** The figures that a method tells beside those of every run, in the order of the alphabet. */
export function figuresOf(rows: readonly MetricsRow[]): string[] {
  const names = new Set<string>();
  for (const row of rows)
    for (const key of Object.keys(row)) names.add(key.startsWith(kValidation) ? key.slice(kValidation.length) : key);
  return [...names].filter((name) => !kFields.includes(name)).sort();
}

/** The (step, value) pairs of the rows that carry `field`. */
export function pointsOf(rows: readonly MetricsRow[], field: string): Points {
  const points: Points = { x: [], y: [] };
  for (const row of rows) {
    const value = row[field];
    if (typeof value !== "number") continue;
    points.x.push(row.step);
    points.y.push(value);
  }
  return points;
}

const kWindow = 50; // rows that tell the present pace

export interface Progress {
  step: number;
  fraction: number | null; // of the planned steps
  secondsLeft: number | null;
  lastTraining: MetricsRow | null;
  lastValidation: MetricsRow | null;
  bestBits: number | null;
}

export function progressOf(run: KnownRun, rows: readonly MetricsRow[]): Progress {
  const training = rows.filter((row) => typeof row.loss === "number");
  const validation = rows.filter((row) => typeof row["validation_loss"] === "number");
  const lastTraining = training[training.length - 1] ?? null;
  const step = Math.max(run.step ?? 0, lastTraining?.step ?? 0);
  const bits = validation.flatMap((row) => row["validation_bits_per_byte"] ?? []);
  return {
    step,
    fraction: run.steps ? Math.min(1, step / run.steps) : null,
    secondsLeft: run.steps && run.state === "running" ? timeLeft(training, run.steps - step) : null,
    lastTraining,
    lastValidation: validation[validation.length - 1] ?? null,
    bestBits: bits.length > 0 ? Math.min(...bits) : null,
  };
}

/** Steps left × seconds per step of the last rows. `seconds` starts anew when a run resumes: such gaps do not count. */
function timeLeft(rows: readonly MetricsRow[], stepsLeft: number): number | null {
  const recent = rows.slice(-kWindow);
  let seconds = 0;
  let steps = 0;
  for (let i = 1; i < recent.length; i++) {
    const spent = (recent[i]!.seconds ?? NaN) - (recent[i - 1]!.seconds ?? NaN);
    if (!(spent > 0)) continue;
    seconds += spent;
    steps += recent[i]!.step - recent[i - 1]!.step;
  }
  return steps > 0 ? Math.max(0, stepsLeft) * (seconds / steps) : null;
}
