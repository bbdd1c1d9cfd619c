// The shapes that the server sends. Every field that a server may leave out is optional: views draw what came.

export interface ModelFacts {
  parameters?: number;
  context_length?: number;
  dtype?: string;
  chat?: boolean; // false: a base model that completes text and has not learnt turns
}

/** A model of the home, served or not. */
export interface HomeModel {
  id: string;
  facts?: ModelFacts;
}

export interface Model {
  id: string;
  owned_by?: string;
  maru?: ModelFacts;
}

export interface BitsPerByte {
  value: number | null; // null: no text was held out
  bytes?: number;
  tokens?: number;
  perplexity?: number;
  baselines?: Record<string, number>;
}

export interface TaskScore {
  name: string;
  metric: string;
  value: number;
  low?: number;
  high?: number;
  samples?: number;
  chance?: number; // what always giving one answer reaches
}

export interface TextSample {
  prompt: string;
  completion: string;
}

export interface Evaluation {
  bits_per_byte?: Record<string, BitsPerByte>;
  tasks?: TaskScore[];
  samples?: TextSample[];
}

export interface ManifestEntry {
  role?: string;
  path: string;
  sha256: string;
  bytes?: number;
}

export interface Manifest {
  format?: number;
  kind?: string;
  name?: string;
  code_version?: string;
  seed?: number;
  recipe?: unknown;
  inputs?: ManifestEntry[];
  files?: ManifestEntry[];
  notes?: unknown;
}

export type RunState = "running" | "stopped" | "finished";

export interface Run {
  id: string;
  state?: RunState;
  step?: number;
  steps?: number;
  loss?: number | null;
  validation_bits_per_byte?: number | null;
  model?: string | null;
}

/** One line of metrics.jsonl: a training row has `loss`, a validation row `validation_loss`. */
export interface MetricsRow {
  step: number;
  tokens?: number;
  loss?: number | null;
  lr?: number | null;
  gradient_norm?: number | null;
  tokens_per_second?: number | null;
  mfu?: number | null;
  seconds?: number;
  validation_loss?: number | null;
  validation_bits_per_byte?: number | null;
}

/** Rows of a run behind a position. */
export interface RowsAnswer {
  rows?: MetricsRow[];
  position?: string; // what the next question gives
  restarted?: boolean; // the file was written anew: these are its first rows
  more?: boolean; // there are more rows by now
}

export interface DatasetEntry {
  id: string;
  documents_out?: number;
  bytes_out?: number;
}

export interface DropSample {
  source?: string;
  text: string;
  duplicate_of?: string; // the source that was kept
}

export interface DropReason {
  reason: string;
  documents: number;
  samples?: DropSample[];
}

export interface DataStep {
  name: string;
  documents_in: number;
  documents_out: number;
  bytes_in?: number;
  bytes_out?: number;
  reasons?: DropReason[];
  changes?: Record<string, number>;
}

export interface LanguageShare {
  language: string;
  documents: number;
  bytes: number;
}

export interface Split {
  name: string;
  documents: number;
  bytes: number;
}

export interface DataReport {
  documents_in?: number;
  bytes_in?: number;
  documents_out?: number;
  bytes_out?: number;
  steps?: DataStep[];
  languages?: LanguageShare[];
  splits?: Split[];
}

export interface Status {
  version?: string;
  isa?: string;
  threads?: number;
  model?: string | null;
  uptime_seconds?: number;
}

/** What `maru report` writes into the report page. */
export interface ReportData {
  run?: Run;
  recipe?: unknown;
  metrics?: MetricsRow[];
  dataset_report?: DataReport | null;
  evaluation?: Evaluation | null;
  manifest?: Manifest | null;
}
