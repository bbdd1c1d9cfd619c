// Metrics rows as curves, and where a training run stands. Pure.
import { Points } from "../chart/series";
import { KnownRun, MetricsRow } from "../lib/types";

export type Field = {
  [K in keyof MetricsRow]-?: NonNullable<MetricsRow[K]> extends number ? K : never;
}[keyof MetricsRow];

/** The (step, value) pairs of the rows that carry `field`. */
export function pointsOf(rows: readonly MetricsRow[], field: Field): Points {
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
  const validation = rows.filter((row) => typeof row.validation_loss === "number");
  const lastTraining = training[training.length - 1] ?? null;
  const step = Math.max(run.step ?? 0, lastTraining?.step ?? 0);
  const bits = validation.flatMap((row) => row.validation_bits_per_byte ?? []);
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
