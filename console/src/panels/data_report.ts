// The data report: what each curation step kept and dropped and why, the languages, the splits.
import { h, icon } from "../lib/dom";
import { format, t, tName } from "../lib/i18n";
import { DatasetReport, DataStep, DropReason, DropSample, LanguageShare } from "../lib/types";
import { bar, card, table, tile, tiles } from "./parts";

export function dataReport(report: DatasetReport): HTMLElement {
  const languages = report.languages ?? [];
  const splits = report.splits ?? [];
  return h(
    "div",
    { class: "data-report" },
    totals(report),
    card(t("data.funnel"), h("p", { class: "note" }, t("data.funnelNote")), funnel(report)),
    h(
      "div",
      { class: "two-columns" },
      languages.length > 0 && card(t("data.languages"), languageBars(languages)),
      splits.length > 0 && card(t("data.splits"), splitTable(report)),
    ),
  );
}

function totals(report: DatasetReport): HTMLElement {
  const f = format();
  const kept = ratio(report.documents_out, report.documents_in);
  return tiles(
    tile(t("data.documentsIn"), f.whole(report.documents_in), f.bytes(report.bytes_in)),
    tile(t("data.documentsOut"), f.whole(report.documents_out), f.bytes(report.bytes_out)),
    tile(t("data.kept"), f.percent(kept)),
    tile(t("data.bytesKept"), f.percent(ratio(report.bytes_out, report.bytes_in))),
  );
}

function ratio(part: number | undefined, whole: number | undefined): number | null {
  return part !== undefined && whole ? part / whole : null;
}

function funnel(report: DatasetReport): HTMLElement {
  const steps = report.steps ?? [];
  const most = Math.max(1, report.documents_in ?? 0, ...steps.map((step) => step.documents_in));
  return h(
    "ol",
    { class: "funnel" },
    steps.map((step) => funnelStep(step, most)),
  );
}

function funnelStep(step: DataStep, most: number): HTMLElement {
  const dropped = step.documents_in - step.documents_out;
  const head = [
    h("span", { class: "step-name" }, tName("step", step.name)),
    funnelBar(step, most),
    h("span", { class: "step-out" }, format().whole(step.documents_out)),
    h("span", { class: "step-drop" }, dropped > 0 ? t("data.dropped", { n: format().whole(dropped) }) : ""),
  ];
  const inside = [reasons(step), changes(step)].filter((part) => part !== null);
  if (inside.length === 0) return h("li", { class: "funnel-row plain" }, h("div", { class: "row-head" }, head));
  const summary = h("summary", { class: "row-head" }, icon("chevron"), head);
  return h("li", { class: "funnel-row" }, h("details", {}, summary, h("div", { class: "row-body" }, inside)));
}

function funnelBar(step: DataStep, most: number): HTMLElement {
  const kept = h("span", { class: "fill tone-1" });
  const gone = h("span", { class: "fill gone" });
  kept.style.width = `${(100 * step.documents_out) / most}%`;
  gone.style.width = `${(100 * Math.max(0, step.documents_in - step.documents_out)) / most}%`;
  return h("span", { class: "track", "aria-hidden": "true" }, kept, gone);
}

function reasons(step: DataStep): HTMLElement | null {
  const list = [...(step.reasons ?? [])].sort((a, b) => b.documents - a.documents);
  return list.length === 0 ? null : h("ul", { class: "reasons" }, list.map(reason));
}

function reason(one: DropReason): HTMLElement {
  const head = h("p", {}, h("b", {}, tName("reason", one.reason)), ` · ${documents(one.documents)}`);
  return h("li", {}, head, (one.samples ?? []).map(sample));
}

function documents(n: number): string {
  return t("data.documents", { n: format().whole(n) });
}

function sample(one: DropSample): HTMLElement {
  const other = one.duplicate_of ? t("data.sameAs", { other: one.duplicate_of }) : null;
  const caption = [one.source, other].filter(Boolean).join(" · ");
  return h("figure", { class: "drop-sample" }, h("blockquote", {}, one.text), caption && h("figcaption", {}, caption));
}

function changes(step: DataStep): HTMLElement | null {
  const list = Object.entries(step.changes ?? {}).filter(([, n]) => n > 0);
  if (list.length === 0) return null;
  const chips = list.map(([name, n]) => h("li", {}, `${tName("change", name)} `, h("b", {}, format().whole(n))));
  return h(
    "div",
    { class: "changes" },
    h("p", { class: "note" }, t("data.changes")),
    h("ul", { class: "chips" }, chips),
  );
}

function languageBars(languages: LanguageShare[]): HTMLElement {
  const sorted = [...languages].sort((a, b) => b.bytes - a.bytes);
  const total = sorted.reduce((sum, one) => sum + one.bytes, 0) || 1;
  return h(
    "ul",
    { class: "bars" },
    sorted.map((one) => languageBar(one, total)),
  );
}

function languageBar(one: LanguageShare, total: number): HTMLElement {
  const share = one.bytes / total;
  return h(
    "li",
    {},
    h("span", { class: "bar-name" }, languageName(one.language)),
    bar(share),
    h("span", { class: "bar-value" }, format().percent(share)),
    h("span", { class: "note bar-note" }, `${documents(one.documents)} · ${format().bytes(one.bytes)}`),
  );
}

/** The language's name in the language of the page, with its code; the code alone when the browser knows no name. */
function languageName(code: string): string {
  try {
    const name = new Intl.DisplayNames([document.documentElement.lang || "en"], { type: "language" }).of(code);
    return name && name !== code ? `${name} (${code})` : code;
  } catch {
    return code; // not a language tag, e.g. "unknown!"
  }
}

function splitTable(report: DatasetReport): HTMLElement {
  const rows = (report.splits ?? []).map((split) => [
    tName("split", split.name),
    format().whole(split.documents),
    format().bytes(split.bytes),
    format().percent(ratio(split.bytes, report.bytes_out ?? undefined)),
  ]);
  return table(t("data.splits"), [t("data.split"), t("data.documentsColumn"), t("data.size"), t("data.share")], rows);
}
