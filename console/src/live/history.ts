// The server's last minutes: states as they were read from its metrics, and what happened between them. Pure.
import type { Points } from "../chart/series";
import { Buckets, Sample, addBuckets, bucketsBetween, kNoBuckets, quantile } from "./exposition";

export interface ModelState {
  running: number;
  waiting: number;
  pages: number;
  pagesUsed: number;
  tenants: number;
  promptTokens: number; // this and what follows: since the server began
  generatedTokens: number;
  reusedTokens: number;
  preemptions: number;
  firstToken: Buckets; // seconds
  nextToken: Buckets; // seconds
}

export interface ServerState {
  at: number; // seconds, of any clock that never goes back
  models: Map<string, ModelState>;
  keys: Map<string, number>; // choices that run or wait; the server names those that have asked since it began
}

type Figure = Exclude<keyof ModelState, "firstToken" | "nextToken">;

const kFigures: Record<string, Figure> = {
  maru_choices_running: "running",
  maru_choices_waiting: "waiting",
  maru_kv_pages: "pages",
  maru_kv_pages_used: "pagesUsed",
  maru_tenants: "tenants",
  maru_prompt_tokens_total: "promptTokens",
  maru_generated_tokens_total: "generatedTokens",
  maru_reused_tokens_total: "reusedTokens",
  maru_preemptions_total: "preemptions",
};
const kHistograms = {
  maru_time_to_first_token_seconds_bucket: "firstToken",
  maru_inter_token_seconds_bucket: "nextToken",
} as const;

function noState(): ModelState {
  const none = { running: 0, waiting: 0, pages: 0, pagesUsed: 0, tenants: 0 };
  const counters = { promptTokens: 0, generatedTokens: 0, reusedTokens: 0, preemptions: 0 };
  const empty = () => ({ bounds: [], counts: [] });
  return { ...none, ...counters, firstToken: empty(), nextToken: empty() };
}

/** Metrics without a model, and those of others, are passed over. */
export function stateOf(samples: readonly Sample[], at: number): ServerState {
  const models = new Map<string, ModelState>();
  const keys = new Map<string, number>();
  for (const { name, labels, value } of samples) {
    const figure = kFigures[name];
    const histogram = kHistograms[name as keyof typeof kHistograms];
    const { model, le, key } = labels;
    if (name === "maru_key_choices" && key !== undefined) keys.set(key, value);
    if (model === undefined || (figure === undefined && histogram === undefined)) continue;
    const state = models.get(model) ?? noState();
    models.set(model, state);
    if (figure !== undefined) state[figure] = value;
    else if (le !== undefined) {
      state[histogram].bounds.push(le === "+Inf" ? Infinity : Number(le));
      state[histogram].counts.push(value);
    }
  }
  return { at, models, keys };
}

/** All models as one. */
export function total(state: ServerState, model: string | null): ModelState {
  const parts = [...state.models].filter(([name]) => model === null || name === model).map(([, part]) => part);
  const sum = noState();
  for (const part of parts) {
    for (const figure of Object.values(kFigures)) sum[figure] += part[figure];
    sum.firstToken = addBuckets(sum.firstToken, part.firstToken);
    sum.nextToken = addBuckets(sum.nextToken, part.nextToken);
  }
  return sum;
}

/** Per second; a counter that fell began anew. */
export function rateOf(before: number, after: number, seconds: number): number {
  return seconds > 0 ? (after < before ? after : after - before) / seconds : 0;
}

export interface Interval {
  promptRate: number;
  generatedRate: number;
  hits: number | null; // share of prompt tokens that had been computed before; null: no prompt came
  firstToken: Buckets;
  nextToken: Buckets;
  preemptions: number;
}

export function between(before: ServerState, after: ServerState, model: string | null): Interval {
  const a = total(before, model);
  const b = total(after, model);
  const seconds = after.at - before.at;
  const promptRate = rateOf(a.promptTokens, b.promptTokens, seconds);
  const reused = rateOf(a.reusedTokens, b.reusedTokens, seconds);
  return {
    promptRate,
    generatedRate: rateOf(a.generatedTokens, b.generatedTokens, seconds),
    hits: promptRate > 0 ? Math.min(1, reused / promptRate) : null,
    firstToken: bucketsBetween(a.firstToken, b.firstToken),
    nextToken: bucketsBetween(a.nextToken, b.nextToken),
    preemptions: rateOf(a.preemptions, b.preemptions, seconds) * seconds,
  };
}

export type Curve =
  | "running"
  | "waiting"
  | "promptRate"
  | "generatedRate"
  | "kvUse"
  | "hits"
  | "firstP50"
  | "firstP95"
  | "nextP50"
  | "nextP95";

const kWindow = 30; // seconds: fewer requests than that hold tell little of delays

export class History {
  private states: ServerState[] = [];

  constructor(private readonly seconds: number) {}

  add(state: ServerState): void {
    this.states.push(state);
    this.states = this.states.filter((one) => one.at >= state.at - this.seconds);
  }

  get last(): ServerState | null {
    return this.states[this.states.length - 1] ?? null;
  }

  get models(): string[] {
    return [...(this.last?.models.keys() ?? [])];
  }

  /** From the oldest state to the last; null: only one is known. */
  span(model: string | null): Interval | null {
    const [first] = this.states;
    return first && this.last && first !== this.last ? between(first, this.last, model) : null;
  }

  /** Between the last two. */
  now(model: string | null): Interval | null {
    const before = this.states[this.states.length - 2];
    return before && this.last ? between(before, this.last, model) : null;
  }

  /** x: seconds before the last state, rising to 0. What is not known is NaN. Delays and hits are of kWindow. */
  curves(model: string | null): Record<Curve, Points> {
    const names: Curve[] = ["running", "waiting", "promptRate", "generatedRate", "kvUse", "hits"];
    const all: Curve[] = [...names, "firstP50", "firstP95", "nextP50", "nextP95"];
    const curves = Object.fromEntries(all.map((name) => [name, { x: [], y: [] }])) as unknown as Record<Curve, Points>;
    this.states.slice(1).forEach((state, i) => {
      const values = this.valuesAt(i, state, model);
      for (const name of all) {
        curves[name].x.push(Math.round(state.at - this.last!.at));
        curves[name].y.push(values[name] ?? NaN);
      }
    });
    return curves;
  }

  /** Of the state behind the one at `before`. */
  private valuesAt(before: number, state: ServerState, model: string | null): Record<Curve, number | null> {
    const now = total(state, model);
    const step = between(this.states[before]!, state, model);
    const earlier = this.states.find((one) => one.at >= state.at - kWindow)!;
    const window = earlier === state ? step : between(earlier, state, model);
    return {
      running: now.running,
      waiting: now.waiting,
      promptRate: step.promptRate,
      generatedRate: step.generatedRate,
      kvUse: now.pages > 0 ? now.pagesUsed / now.pages : null,
      hits: window.hits,
      firstP50: quantile(0.5, window.firstToken),
      firstP95: quantile(0.95, window.firstToken),
      nextP50: quantile(0.5, window.nextToken),
      nextP95: quantile(0.95, window.nextToken),
    };
  }
}

export const kNothing: Interval = {
  promptRate: 0,
  generatedRate: 0,
  hits: null,
  firstToken: kNoBuckets,
  nextToken: kNoBuckets,
  preemptions: 0,
};
