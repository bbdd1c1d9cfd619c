// The curves of a training run, live in the console and at rest in the report.
import { Chart, Series } from "../chart/chart";
import { smooth } from "../chart/series";
import { h } from "../lib/dom";
import { format, t, tName } from "../lib/i18n";
import { readObject, writeObject } from "../lib/storage";
import { MetricsRow } from "../lib/types";
import { figuresOf, kValidation, pointsOf } from "./progress";

const kThreeDecimals = (value: number) => format().fixed(value, 3);

interface ViewSettings {
  log: boolean;
  smoothing: number; // weight of the moving average, 0…0.99
}

export class Curves {
  readonly element: HTMLElement;
  private readonly settings: ViewSettings = readObject("curves", { log: false, smoothing: 0.6 });
  private rows: readonly MetricsRow[] = [];
  private readonly loss = new Chart({
    title: t("curves.loss"),
    note: t("curves.lossNote"),
    formatY: (v) => format().significant(v),
    formatValue: kThreeDecimals,
  });
  private readonly bits = new Chart({
    title: t("curves.bits"),
    note: t("curves.bitsNote"),
    formatY: (v) => format().significant(v),
    formatValue: kThreeDecimals,
  });
  private readonly rate = new Chart({
    title: t("curves.rate"),
    formatY: (v) => format().significant(v, 3),
    zero: true,
  });
  private readonly speed = new Chart({ title: t("curves.speed"), formatY: (v) => format().compact(v), zero: true });
  private readonly mfu = new Chart({
    title: t("curves.mfu"),
    note: t("curves.mfuNote"),
    formatY: (v) => format().percent(v),
    zero: true,
  });
  private readonly norm = new Chart({ title: t("curves.norm"), formatY: (v) => format().significant(v, 3) });
  private readonly figures = new Map<string, Chart>(); // what the method tells beside
  private readonly grid: HTMLElement;

  constructor() {
    this.grid = h("div", { class: "chart-grid" }, this.charts().map((chart) => chart.element));
    this.element = h("div", { class: "curves" }, this.controls(), this.grid);
  }

  update(rows: readonly MetricsRow[]): void {
    this.rows = rows;
    const { log } = this.settings;
    const validation = { name: t("series.validation"), tone: 2, dots: true, points: pointsOf(rows, "validation_loss") };
    this.loss.setData([this.smoothed("loss", t("series.training"), 1), validation], log);
    this.bits.setData([this.plain("validation_bits_per_byte", t("series.bits"), 2, true)], log);
    this.rate.setData([this.plain("lr", t("series.rate"), 3, false)], false);
    this.speed.setData([this.smoothed("tokens_per_second", t("series.speed"), 4)], false);
    this.mfu.setData([this.smoothed("mfu", t("series.mfu"), 5)], false);
    this.norm.setData([this.smoothed("gradient_norm", t("series.norm"), 3)], log);
    const names = figuresOf(rows);
    for (const name of names) this.updateFigure(name);
    this.bits.element.hidden = names.length > 0 && !rows.some((row) => row["validation_bits_per_byte"] !== undefined);
  }

  dispose(): void {
    this.charts().forEach((chart) => chart.dispose());
  }

  private charts(): Chart[] {
    return [this.loss, this.bits, this.rate, this.speed, this.mfu, this.norm, ...this.figures.values()];
  }

  private updateFigure(name: string): void {
    let chart = this.figures.get(name);
    if (chart === undefined) {
      chart = new Chart({ title: tName("figure", name), formatY: (v) => format().significant(v, 3) });
      this.figures.set(name, chart);
      this.grid.append(chart.element);
    }
    const series = [
      this.smoothed(name, t("series.training"), 1),
      this.plain(kValidation + name, t("series.validation"), 2, true),
    ];
    chart.setData(series.filter((one) => one.points.x.length > 0), false);
  }

  private plain(field: string, name: string, tone: number, dots: boolean): Series {
    return { name, tone, dots, points: pointsOf(this.rows, field) };
  }

  private smoothed(field: string, name: string, tone: number): Series {
    const raw = pointsOf(this.rows, field);
    if (this.settings.smoothing === 0) return { name, tone, points: raw };
    return { name, tone, faint: raw, points: { x: raw.x, y: smooth(raw.y, this.settings.smoothing) } };
  }

  private controls(): HTMLElement {
    const log = h("input", { type: "checkbox", checked: this.settings.log });
    log.addEventListener("change", () => this.change({ log: log.checked }));
    const smoothing = h("input", { type: "range", min: 0, max: 0.98, step: 0.02, value: this.settings.smoothing });
    smoothing.addEventListener("input", () => this.change({ smoothing: Number(smoothing.value) }));
    return h(
      "div",
      { class: "curve-controls" },
      h("label", {}, log, t("curves.log")),
      h("label", {}, t("curves.smoothing"), smoothing),
    );
  }

  private change(changed: Partial<ViewSettings>): void {
    Object.assign(this.settings, changed);
    writeObject("curves", this.settings);
    this.update(this.rows);
  }
}
