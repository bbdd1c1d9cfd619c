// The server as it runs: what it does now, its last minutes as curves, and each model beside the others.
import { Chart, ChartOptions } from "../chart/chart";
import { getJson, getText } from "../lib/api";
import { h, replace } from "../lib/dom";
import { problemOf, problemPanel } from "../lib/failure";
import { duration, format, t } from "../lib/i18n";
import { MaybeNumber } from "../lib/format";
import { Poll } from "../lib/poll";
import { Status } from "../lib/types";
import { View } from "../lib/view";
import { card, table, tile, tiles } from "../panels/parts";
import { parseExposition, quantile } from "./exposition";
import { Curve, History, Interval, kNothing, stateOf, total } from "./history";

const kPeriodMs = 2000;
const kSeconds = 300;

// Lives as long as the page, so that a look at another view leaves no more than a gap.
const history = new History(kSeconds);

export class LiveView implements View {
  readonly title = t("nav.live");
  readonly element = h("section", { class: "live page wide" }, h("h1", { tabindex: -1 }, this.title));
  private readonly trouble = h("div", {});
  private readonly now = h("div", { class: "live-now", "aria-busy": "true" });
  private readonly picker = h("select", { id: "live-model" });
  private readonly perModel = h("div", {});
  private readonly perKey = h("div", {});
  private readonly charts: Array<{ chart: Chart; curves: Array<[Curve, string, number]> }>;
  private readonly poll: Poll;
  private status: Status | null = null;
  private known = "";

  constructor() {
    this.charts = makeCharts();
    this.picker.addEventListener("change", () => this.draw());
    const label = h("label", { for: "live-model" }, t("live.of"));
    this.element.append(
      h("p", { class: "lead" }, t("live.lead")),
      this.trouble,
      this.now,
      h("div", { class: "live-pick" }, label, this.picker),
      h(
        "div",
        { class: "chart-grid" },
        this.charts.map(({ chart }) => chart.element),
      ),
      this.perModel,
      this.perKey,
    );
    this.poll = new Poll(
      kPeriodMs,
      (signal) => this.ask(signal),
      (error) => this.fail(error),
    );
  }

  dispose(): void {
    this.poll.stop();
    this.charts.forEach(({ chart }) => chart.dispose());
  }

  private async ask(signal: AbortSignal): Promise<void> {
    const [status, text] = await Promise.all([getJson<Status>("/v1/maru/status", signal), getText("/metrics", signal)]);
    this.status = status;
    history.add(stateOf(parseExposition(text), performance.now() / 1000));
    replace(this.trouble);
    this.draw();
  }

  /** A key that is being written is left alone. */
  private fail(error: unknown): void {
    this.now.removeAttribute("aria-busy");
    if (this.trouble.contains(document.activeElement)) return;
    replace(
      this.trouble,
      problemPanel(problemOf(error), () => this.poll.soon()),
    );
  }

  private draw(): void {
    const last = history.last;
    if (last === null) return;
    this.now.removeAttribute("aria-busy");
    this.drawPicker();
    const model = this.picker.value === "" ? null : this.picker.value;
    this.drawNow(model);
    const curves = history.curves(model);
    for (const one of this.charts) {
      one.chart.setData(
        one.curves.map(([curve, name, tone]) => ({ name, tone, points: curves[curve] })),
        false,
      );
    }
    const scrolled = this.perModel.querySelector(".table-scroll")?.scrollLeft ?? 0;
    replace(this.perModel, card(t("live.models"), this.modelTable()));
    this.perModel.querySelector(".table-scroll")!.scrollLeft = scrolled;
    const keys = [...last.keys].sort(([a, x], [b, y]) => y - x || a.localeCompare(b));
    replace(this.perKey, keys.length > 0 ? card(t("live.keys"), keyTable(keys)) : []);
  }

  private drawPicker(): void {
    const names = history.models;
    const known = JSON.stringify(names);
    if (known === this.known) return;
    this.known = known;
    const chosen = this.picker.value;
    replace(
      this.picker,
      h("option", { value: "" }, t("live.all")),
      names.map((name) => h("option", { value: name }, name)),
    );
    this.picker.value = names.includes(chosen) ? chosen : "";
  }

  private drawNow(model: string | null): void {
    const f = format();
    const now = total(history.last!, model);
    const step = history.now(model) ?? kNothing;
    const span = history.span(model) ?? kNothing;
    const use = now.pages > 0 ? now.pagesUsed / now.pages : null;
    const up = this.status ? t("live.up", { time: duration(this.status.uptime_seconds) }) : "";
    replace(
      this.now,
      tiles(
        tile(t("live.running"), f.whole(now.running), t("live.waiting", { n: f.whole(now.waiting) })),
        tile(
          t("live.out"),
          f.significant(step.generatedRate, 3),
          t("live.in", { n: f.significant(step.promptRate, 3) }),
        ),
        tile(t("live.firstToken"), seconds(quantile(0.5, span.firstToken)), p95(span, "firstToken")),
        tile(t("live.nextToken"), seconds(quantile(0.5, span.nextToken)), p95(span, "nextToken")),
        tile(t("live.kv"), f.percent(use), t("live.pages", { used: f.whole(now.pagesUsed), all: f.whole(now.pages) })),
        tile(t("live.hits"), f.percent(span.hits), t("live.hitsNote")),
        tile(t("live.preemptions"), f.whole(span.preemptions), t("live.sinceStart", { n: f.whole(now.preemptions) })),
        tile(t("live.tenants"), f.whole(now.tenants), up),
      ),
    );
  }

  private modelTable(): HTMLElement {
    const f = format();
    const heads = [
      "model",
      "running",
      "waiting",
      "inRate",
      "outRate",
      "firstToken",
      "nextToken",
      "kv",
      "hits",
      "preemptions",
    ];
    const rows = history.models.map((name) => {
      const now = total(history.last!, name);
      const step = history.now(name) ?? kNothing;
      const span = history.span(name) ?? kNothing;
      return [
        name,
        f.whole(now.running),
        f.whole(now.waiting),
        f.significant(step.promptRate, 3),
        f.significant(step.generatedRate, 3),
        pair(span, "firstToken"),
        pair(span, "nextToken"),
        f.percent(now.pages > 0 ? now.pagesUsed / now.pages : null),
        f.percent(span.hits),
        f.whole(now.preemptions),
      ];
    });
    return table(
      t("live.models"),
      heads.map((head) => t(`live.column.${head}` as "live.column.model")),
      rows,
    );
  }
}

function keyTable(keys: Array<[string, number]>): HTMLElement {
  const rows = keys.map(([key, choices]) => [key, format().whole(choices)]);
  return table(t("live.keys"), [t("live.column.key"), t("live.column.choices")], rows);
}

function seconds(value: MaybeNumber): string {
  if (typeof value !== "number") return format().whole(null);
  return value < 1
    ? t("live.ms", { n: format().significant(value * 1000, 3) })
    : t("live.s", { n: format().significant(value, 3) });
}

function p95(span: Interval, of: "firstToken" | "nextToken"): string {
  return t("live.p95", { time: seconds(quantile(0.95, span[of])) });
}

function pair(span: Interval, of: "firstToken" | "nextToken"): string {
  return `${seconds(quantile(0.5, span[of]))} / ${seconds(quantile(0.95, span[of]))}`;
}

/** Charts over the last minutes; x is in seconds before now. */
function makeCharts(): Array<{ chart: Chart; curves: Array<[Curve, string, number]> }> {
  const common = {
    formatX: (x: number) => (x === 0 ? t("live.nowTick") : t("live.ago", { s: format().whole(-x) })),
    columnX: t("live.agoColumn"),
    zero: true,
  };
  const plain = (v: number) => format().significant(v, 3);
  const share = (v: number) => format().percent(v);
  const make = (options: Omit<ChartOptions, "formatX" | "columnX">, ...curves: Array<[Curve, string, number]>) => ({
    chart: new Chart({ ...options, ...common }),
    curves,
  });
  return [
    make(
      { title: t("live.tokens"), formatY: plain },
      ["generatedRate", t("live.series.out"), 1],
      ["promptRate", t("live.series.in"), 2],
    ),
    make(
      { title: t("live.requests"), formatY: plain },
      ["running", t("live.series.running"), 1],
      ["waiting", t("live.series.waiting"), 2],
    ),
    make({ title: t("live.firstToken"), formatY: seconds }, ["firstP50", "p50", 1], ["firstP95", "p95", 2]),
    make({ title: t("live.nextToken"), formatY: seconds }, ["nextP50", "p50", 1], ["nextP95", "p95", 2]),
    make({ title: t("live.kv"), formatY: share }, ["kvUse", t("live.series.kv"), 3]),
    make({ title: t("live.hits"), formatY: share }, ["hits", t("live.series.hits"), 4]),
  ];
}
