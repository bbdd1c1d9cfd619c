// The head of a training run: state, progress, time left and the latest figures.
import { h } from "../lib/dom";
import { duration, format, t, tName } from "../lib/i18n";
import { KnownRun, MetricsRow } from "../lib/types";
import { explanation } from "./explain";
import { bar, tile, tiles } from "./parts";
import { kValidation, Progress, progressOf } from "./progress";

export function statePill(state: string | undefined): HTMLElement | null {
  return state ? h("span", { class: `pill state-${state}` }, tName("state", state)) : null;
}

export function runSummary(run: KnownRun, rows: readonly MetricsRow[]): HTMLElement {
  const progress = progressOf(run, rows);
  const terms = explanation(["loss", "bits", "mfu", "norm"]);
  return h("div", { class: "run-summary" }, progressLine(run, progress), figures(progress, run), terms);
}

function progressLine(run: KnownRun, progress: Progress): HTMLElement | null {
  if (progress.fraction === null) return null;
  if (run.state === "finished")
    return h("p", { class: "progress-line" }, t("run.done", { steps: format().whole(run.steps) }));
  const { step, fraction, secondsLeft } = progress;
  const steps = t("run.steps", { step: format().whole(step), steps: format().whole(run.steps) });
  const left =
    secondsLeft === null ? null : h("span", { class: "time-left" }, t("run.left", { time: duration(secondsLeft) }));
  const line = h("div", { class: "progress-line" }, h("span", {}, `${steps} · ${format().percent(fraction, 0)}`), left);
  const named = { role: "progressbar", "aria-valuemin": 0, "aria-valuemax": 100, "aria-label": t("run.progress") };
  return h("div", { ...named, "aria-valuenow": Math.round(fraction * 100) }, line, bar(fraction));
}

/** How well it does on what was held out: of text, of pairs of answers, or at earning rewards. */
function heldOut(progress: Progress, run: KnownRun): HTMLElement {
  const latest = (name: string) => progress.lastValidation?.[kValidation + name] ?? progress.lastTraining?.[name];
  const accuracy = latest("accuracy");
  if (accuracy !== undefined) return tile(t("run.accuracy"), format().percent(accuracy));
  const reward = latest("reward");
  if (reward !== undefined) return tile(tName("figure", "reward"), format().fixed(reward, 3));
  const bits = latest("bits_per_byte") ?? run.validation_bits_per_byte;
  const best = progress.bestBits === null ? null : t("run.best", { value: format().significant(progress.bestBits, 4) });
  return tile(t("curves.bits"), format().fixed(bits, 3), best);
}

function figures(progress: Progress, run: KnownRun): HTMLElement {
  const row = progress.lastTraining;
  return tiles(
    tile(t("curves.loss"), format().fixed(row?.loss ?? run.loss, 3)),
    heldOut(progress, run),
    tile(t("curves.speed"), format().compact(row?.tokens_per_second)),
    tile(t("series.mfu"), format().percent(row?.mfu)),
    tile(t("run.tokens"), format().compact(row?.tokens)),
    tile(t("run.elapsed"), duration(row?.seconds)),
  );
}
