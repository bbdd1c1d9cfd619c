// Training runs: the list, and the curves of one of them as they grow.
import { getJson } from "../lib/api";
import { h, replace } from "../lib/dom";
import { problemOf, problemPanel } from "../lib/failure";
import { format, t } from "../lib/i18n";
import { Poll } from "../lib/poll";
import { Run } from "../lib/types";
import { View } from "../lib/view";
import { Curves } from "../panels/curves";
import { bar, emptyState } from "../panels/parts";
import { RunFollower } from "../panels/run_follower";
import { runSummary, statePill } from "../panels/run_summary";

const kPeriodMs = 2000;

export class TrainingView implements View {
  readonly title = t("nav.training");
  readonly element = h("section", { class: "page wide" }, h("h1", { tabindex: -1 }, this.title));
  private readonly trouble = h("div", {});
  private readonly list = h("nav", { class: "picker", "aria-label": t("training.runs") });
  private readonly detail = h("div", { class: "run-detail", "aria-busy": "true" });
  private readonly summary = h("div", {});
  private curves: Curves | null = null;
  private follower: RunFollower | null = null;
  private shownRun = ""; // what is drawn: the same again is not drawn again
  private shownList = "";
  private shownTrouble = "";
  private poll: Poll;

  constructor(private readonly wanted: string | null) {
    this.element.append(this.trouble, this.list, this.detail);
    this.poll = this.startPoll();
  }

  dispose(): void {
    this.poll.stop();
    this.curves?.dispose();
  }

  private startPoll(): Poll {
    return new Poll(
      kPeriodMs,
      (signal) => this.ask(signal),
      (error) => this.showTrouble(error),
    );
  }

  private async ask(signal: AbortSignal): Promise<void> {
    const { data } = await getJson<{ data?: Run[] }>("/v1/maru/runs", signal);
    const runs = data ?? [];
    const run = runs.find((one) => one.id === this.wanted) ?? (this.wanted === null ? chooseRun(runs) : undefined);
    this.showList(runs, run);
    if (run) await this.followRun(run, signal);
    else this.showNone();
    this.detail.removeAttribute("aria-busy");
    this.shownTrouble = "";
    replace(this.trouble);
  }

  private async followRun(run: Run, signal: AbortSignal): Promise<void> {
    if (this.follower?.id !== run.id) this.openRun(run);
    const grew = await this.follower!.ask(signal);
    const state = JSON.stringify(run);
    if (grew || state !== this.shownRun) replace(this.summary, head(run), runSummary(run, this.follower!.rows));
    if (grew) this.curves?.update(this.follower!.rows);
    this.shownRun = state;
  }

  private showNone(): void {
    this.follower = null;
    replace(this.detail, noRun(this.wanted));
  }

  private openRun(run: Run): void {
    this.curves?.dispose();
    this.curves = new Curves();
    this.follower = new RunFollower(run.id);
    this.shownRun = "";
    replace(this.detail, this.summary, this.curves.element);
  }

  /** The same trouble again changes nothing: the user may be writing a key into its field. */
  private showTrouble(error: unknown): void {
    const problem = problemOf(error);
    const shown = problem.message + problem.detail;
    if (shown === this.shownTrouble) return;
    this.shownTrouble = shown;
    replace(
      this.trouble,
      problemPanel(problem, () => this.retry()),
    );
  }

  private retry(): void {
    this.shownTrouble = "";
    this.poll.stop();
    this.poll = this.startPoll();
  }

  private showList(runs: Run[], current: Run | undefined): void {
    const state = JSON.stringify([runs, current?.id]);
    if (state === this.shownList) return;
    this.shownList = state;
    const focused = (document.activeElement as HTMLElement | null)?.dataset.run;
    replace(
      this.list,
      runs.map((run) => runLink(run, run.id === current?.id)),
    );
    if (focused) this.list.querySelector<HTMLElement>(`[data-run="${CSS.escape(focused)}"]`)?.focus();
  }
}

/** The one that is running, else the first. */
function chooseRun(runs: Run[]): Run | undefined {
  return runs.find((run) => run.state === "running") ?? runs[0];
}

function noRun(wanted: string | null): HTMLElement {
  if (wanted !== null) return emptyState(t("training.unknown", { id: wanted }), t("training.unknownNote"));
  return emptyState(t("training.none"), t("training.noneNote"), "./maru up");
}

function head(run: Run): HTMLElement {
  const model = run.model ? h("span", { class: "note" }, t("training.makes", { model: run.model })) : null;
  return h("header", { class: "run-head" }, h("h2", {}, run.id), statePill(run.state), model);
}

function runLink(run: Run, current: boolean): HTMLElement {
  const fraction = run.steps ? (run.step ?? 0) / run.steps : 0;
  const loss =
    run.loss === undefined || run.loss === null ? null : t("training.loss", { value: format().fixed(run.loss, 3) });
  const properties = {
    href: `#/training/${encodeURIComponent(run.id)}`,
    "data-run": run.id,
    "aria-current": current && "true",
  };
  return h(
    "a",
    { class: "pick", ...properties },
    h("span", { class: "pick-head" }, h("b", {}, run.id), statePill(run.state)),
    run.state !== "finished" && bar(fraction),
    h("span", { class: "note" }, [format().percent(fraction, 0), loss].filter(Boolean).join(" · ")),
  );
}
