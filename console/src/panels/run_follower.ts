// The rows of one run as they grow: asks for what lies behind the position of the last answer.
import { getJson, pathOf } from "../lib/api";
import { MetricsRow, RowsAnswer } from "../lib/types";

const kPoints = 4000; // rows of a long run to begin with: more than a chart has pixels
const kMostRows = 4 * kPoints; // a page that has watched this many asks for fewer of all of them

type Get = (path: string, signal: AbortSignal) => Promise<RowsAnswer>;

export class RunFollower {
  rows: MetricsRow[] = [];
  private position = "0";
  private changed = false;

  constructor(
    readonly id: string,
    private readonly get: Get = getJson,
  ) {}

  /** True when the rows changed since the last time it said so. */
  async ask(signal: AbortSignal): Promise<boolean> {
    if (this.rows.length > kMostRows) this.restart();
    while (this.take(await this.get(this.path(), signal)));
    const { changed } = this;
    this.changed = false;
    return changed;
  }

  private path(): string {
    return `${pathOf("maru", "runs", this.id, "metrics")}?position=${this.position}&points=${kPoints}`;
  }

  /** True when there is more to ask for. A run that resumes from a checkpoint drops the rows behind it. */
  private take({ rows = [], position = this.position, restarted, more }: RowsAnswer): boolean {
    if (restarted) this.restart();
    const moved = position !== this.position;
    this.position = position;
    this.rows.push(...rows);
    this.changed ||= rows.length > 0;
    return more === true && moved;
  }

  private restart(): void {
    this.rows = [];
    this.position = "0";
    this.changed = true;
  }
}
