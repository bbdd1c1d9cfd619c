// How good a model is: bits per byte beside general compressors, accuracy with its interval, samples of its text.
import { h } from "../lib/dom";
import { format, t, tName } from "../lib/i18n";
import { BitsPerByte, Figures, TaskScore, TextSample } from "../lib/types";
import { explanation } from "./explain";
import { bar } from "./parts";
import { verdictOf } from "./verdict";

export function evaluationPanel(evaluation: Figures): HTMLElement {
  const bits = Object.entries(evaluation.bits_per_byte ?? {});
  const tasks = evaluation.tasks ?? [];
  return h(
    "div",
    { class: "evaluation" },
    bits.map(([name, one]) => bitsBlock(name, one)),
    tasks.length > 0 && h("div", { class: "tasks" }, h("h4", {}, t("eval.tasks")), tasks.map(taskRow)),
  );
}

function bitsBlock(name: string, one: BitsPerByte): HTMLElement {
  const title = h("h4", {}, t("eval.bits", { split: tName("split", name) }));
  if (one.value === null) return h("div", {}, title, h("p", { class: "note" }, t("eval.noText")));
  const worse = verdictOf(one)?.kind === "worse";
  const rows: Array<[string, number, string]> = [[t("eval.thisModel"), one.value, worse ? "own worse" : "own"]];
  for (const [peer, value] of Object.entries(one.baselines ?? {})) rows.push([peer, value, ""]);
  const most = Math.max(...rows.map(([, value]) => value));
  const note = t("eval.bitsNote", {
    bytes: format().bytes(one.bytes),
    perplexity: format().significant(one.perplexity, 4),
  });
  return h(
    "div",
    {},
    title,
    h(
      "ul",
      { class: "bars" },
      rows.map(([label, value, kind]) => bitsRow(label, value, most, kind)),
    ),
    h("p", { class: "note" }, note),
    verdictText(one),
    explanation(["bits", "perplexity"]),
  );
}

function verdictText(one: BitsPerByte): HTMLElement {
  const verdict = verdictOf(one);
  if (verdict === null) return h("p", { class: "note" }, t("verdict.alone"));
  const words = t(`verdict.${verdict.kind}`, { peer: verdict.peer, share: format().percent(verdict.share, 0) });
  const next = t(verdict.kind === "better" ? "verdict.nextBetter" : "verdict.next");
  return h("p", { class: `verdict ${verdict.kind}` }, h("strong", {}, words), " ", next);
}

function bitsRow(label: string, value: number, most: number, kind: string): HTMLElement {
  return h(
    "li",
    { class: kind },
    h("span", { class: "bar-name" }, label),
    bar(value / most, kind === "own" ? 1 : 6),
    h("span", { class: "bar-value" }, format().fixed(value, 3)),
  );
}

function taskRow(task: TaskScore): HTMLElement {
  const f = format();
  const hasRange = task.low !== undefined && task.high !== undefined;
  const range = hasRange ? t("eval.interval", { low: f.percent(task.low), high: f.percent(task.high) }) : "";
  const samples = task.samples === undefined ? "" : t("eval.samples", { n: f.whole(task.samples) });
  const chance = task.chance === undefined ? "" : t("eval.chance", { value: f.percent(task.chance) });
  const verdict =
    task.chance === undefined || task.low === undefined
      ? ""
      : t(task.low > task.chance ? "eval.aboveChance" : "eval.atChance");
  return h(
    "div",
    { class: "task" },
    h("p", {}, h("b", {}, task.name), ` ${tName("metric", task.metric)} `, h("strong", {}, f.percent(task.value))),
    whisker(task),
    h("p", { class: "note" }, [verdict, chance, range, samples].filter(Boolean).join(" · ")),
  );
}

/** The interval as a band on a track from 0 to 1, the value as a mark within it. */
function whisker(task: TaskScore): HTMLElement {
  const band = h("span", { class: "band" });
  band.style.left = `${100 * (task.low ?? task.value)}%`;
  band.style.width = `${100 * ((task.high ?? task.value) - (task.low ?? task.value))}%`;
  const point = h("span", { class: "point" });
  point.style.left = `${100 * task.value}%`;
  return h("span", { class: "track whisker", "aria-hidden": "true" }, band, point);
}

export function sampleList(samples: TextSample[]): HTMLElement {
  return h(
    "ul",
    { class: "samples" },
    samples.map((one) =>
      h("li", { class: "sample" }, h("span", { class: "sample-prompt" }, one.prompt), h("span", {}, one.completion)),
    ),
  );
}
