// The shapes that the server sends: those of its field tables, and what is put together from them.
import type { Comparison, DatasetReport, Figures, Manifest, ManifestFile, ManifestInput } from "./types_generated";
import type { Run, RunRows, TrainingRow, ValidationRow } from "./types_generated";

export * from "./types_generated";

export type ManifestEntry = ManifestFile & Partial<ManifestInput>;

/**
 * One line of metrics.jsonl: a training row has `loss`, a validation row `validation_loss`. Both have figures of the
 * method beside their fields: `accuracy`, `validation_bits_per_byte`, ...
 */
export type MetricsRow = Pick<TrainingRow, "step"> &
  Partial<TrainingRow> &
  Partial<ValidationRow> & { [figure: string]: number | undefined };

/** Rows of a run behind a position. */
export type RowsAnswer = Omit<RunRows, "rows"> & { rows: MetricsRow[] };

/** A run as far as it is known: a report knows its name alone. */
export type KnownRun = Pick<Run, "id"> & Partial<Run>;

/** What `maru report` writes into the report page: files of the home as they are stored; null: there is none. */
export interface ReportData {
  run?: KnownRun;
  recipe?: unknown;
  metrics?: MetricsRow[];
  comparison?: Comparison | null;
  dataset_report?: DatasetReport | null;
  evaluation?: Figures | null;
  manifest?: Manifest | null;
}
