// The self-contained report of a run: the same panels as the console, drawn once from the data in the page.
import { mountAnnouncer } from "./lib/announce";
import { Child, h, mark, replace } from "./lib/dom";
import { Language, language, rememberLanguage, startLanguage, t } from "./lib/i18n";
import { startTheme } from "./lib/theme";
import { ReportData } from "./lib/types";
import { Curves } from "./panels/curves";
import { comparisonPanel } from "./panels/comparison";
import { dataReport } from "./panels/data_report";
import { evaluationPanel, sampleList } from "./panels/evaluation";
import { manifestPanel } from "./panels/manifest";
import { emptyState, jsonBlock } from "./panels/parts";
import { runSummary, statePill } from "./panels/run_summary";

declare global {
  interface Window {
    maruReport: ReportData | null;
  }
}

let curves: Curves | null = null;

function section(id: string, title: string, ...children: Child[]): HTMLElement {
  return h("section", { id, "aria-labelledby": `${id}-title` }, h("h2", { id: `${id}-title` }, title), ...children);
}

function head(data: ReportData): HTMLElement {
  const other: Language = language() === "ko" ? "en" : "ko";
  const swap = h(
    "button",
    { type: "button", class: "quiet", id: "language", lang: other },
    other === "ko" ? "한국어" : "English",
  );
  swap.addEventListener("click", () => {
    rememberLanguage(other);
    draw();
    document.getElementById("language")?.focus();
  });
  const print = h("button", { type: "button", class: "quiet", onclick: () => window.print() }, t("report.print"));
  const name = data.run?.id ?? data.manifest?.name ?? "";
  return h(
    "header",
    { class: "report-head" },
    h("p", { class: "brand" }, mark(), h("span", {}, "Maru"), h("small", {}, t("report.title"))),
    h("div", { class: "preferences" }, swap, print),
    h("div", { class: "run-head" }, h("h1", {}, name), statePill(data.run?.state)),
    data.run?.model ? h("p", { class: "lead" }, t("training.makes", { model: data.run.model })) : null,
  );
}

function curvesSection(data: ReportData): HTMLElement | null {
  const rows = data.metrics ?? [];
  if (rows.length === 0) return null;
  curves = new Curves();
  curves.update(rows);
  return section("training", t("report.training"), runSummary(data.run ?? { id: "" }, rows), curves.element);
}

function sections(data: ReportData): Child[] {
  const { dataset_report: dataset, evaluation, manifest, recipe } = data;
  const samples = evaluation?.samples ?? [];
  const changed = comparisonPanel(data.comparison, data.metrics ?? [], manifest);
  return [
    curvesSection(data),
    changed && section("changed", t("report.changed"), changed),
    dataset && section("data", t("report.data"), dataReport(dataset)),
    evaluation &&
      section("evaluation", t("report.evaluation"), h("div", { class: "card" }, evaluationPanel(evaluation))),
    samples.length > 0 && section("samples", t("report.samples"), h("div", { class: "card" }, sampleList(samples))),
    recipe !== undefined && recipe !== null && section("recipe", t("report.recipe"), jsonBlock(recipe)),
    manifest &&
      section(
        "manifest",
        t("report.manifest"),
        h("div", { class: "card" }, manifestPanel(recipe ? { ...manifest, recipe: null } : manifest)),
      ),
  ];
}

function draw(): void {
  const root = document.getElementById("report")!;
  curves?.dispose();
  const data = window.maruReport;
  if (data === null) return replace(root, emptyState(t("report.empty"), t("report.emptyNote")));
  document.title = `${data.run?.id ?? ""} · Maru`;
  replace(root, head(data), h("main", {}, sections(data)));
}

/** On paper nothing can be opened: closed parts are opened for printing and closed again after. */
function openForPrint(): void {
  let opened: HTMLDetailsElement[] = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll<HTMLDetailsElement>("details:not([open]):not(.numbers)")];
    opened.forEach((part) => (part.open = true));
  });
  addEventListener("afterprint", () => opened.forEach((part) => (part.open = false)));
}

startLanguage();
startTheme();
mountAnnouncer();
openForPrint();
draw();
