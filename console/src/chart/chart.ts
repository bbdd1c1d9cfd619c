// A line chart in SVG: axes with round ticks, a crosshair that follows pointer and arrow keys, a legend that doubles
// as the readout, a spoken summary, and a table of the same numbers. To a screen reader the plot is a slider whose
// value is the reading under the crosshair.
import { h, icon, replace, s } from "../lib/dom";
import { format, t } from "../lib/i18n";
import { Extent, Scale, domainFor, extentOf, wholeTicks } from "./scale";
import { Points, decimate, nearestIndex, sampleRows, summarise } from "./series";

export interface Series {
  name: string;
  tone: number; // 1…5, a colour of the palette
  points: Points;
  faint?: Points; // the same curve before smoothing
  dots?: boolean;
}

export interface ChartOptions {
  title: string;
  note?: string;
  formatY: (value: number) => string; // for the axis
  formatValue?: (value: number) => string; // for readings, where the axis is too coarse
  zero?: boolean;
  formatX?: (value: number) => string; // else x counts steps
  columnX?: string; // what x is, over the table
}

const kHeight = 220;
const kMargin = { top: 10, right: 14, bottom: 26, left: 54 };

interface Axes {
  x: Scale;
  y: Scale;
}

export class Chart {
  readonly element: HTMLElement;
  private readonly plot: SVGSVGElement;
  private readonly legend = h("ul", { class: "legend" });
  private readonly table = h("div", { class: "table-scroll", tabindex: 0 });
  private readonly crosshair = s("g", { class: "crosshair" });
  private readonly observer: ResizeObserver;
  private series: Series[] = [];
  private log = false;
  private width = 480;
  private axes: Axes | null = null;
  private cursor: number | null = null; // index into the first series

  constructor(private readonly options: ChartOptions) {
    this.plot = this.makePlot();
    this.element = this.makeFrame();
    this.observer = new ResizeObserver((entries) => this.resize(entries[0]?.contentRect.width ?? this.width));
    this.observer.observe(this.plot);
  }

  setData(series: Series[], log: boolean): void {
    this.series = series.filter((one) => one.points.x.length > 0);
    this.log = log;
    this.draw();
  }

  dispose(): void {
    this.observer.disconnect();
  }

  private makePlot(): SVGSVGElement {
    const plot = s("svg", { class: "plot", role: "slider", tabindex: 0, height: kHeight });
    plot.addEventListener("pointermove", (event) => this.follow(event));
    plot.addEventListener("pointerdown", (event) => this.follow(event));
    plot.addEventListener("pointerleave", () => this.setCursor(null));
    plot.addEventListener("keydown", (event) => this.onKey(event));
    plot.addEventListener("blur", () => this.setCursor(null));
    return plot;
  }

  private makeFrame(): HTMLElement {
    const note = this.options.note ? h("p", { class: "note" }, this.options.note) : null;
    const head = h("div", { class: "chart-head" }, h("h3", {}, this.options.title), this.legend);
    const numbers = h("details", { class: "numbers" }, h("summary", {}, icon("chevron"), t("chart.table")), this.table);
    numbers.addEventListener("toggle", () => this.drawTable(numbers.open));
    return h("figure", { class: "chart card" }, head, note, this.plot, numbers);
  }

  private resize(width: number): void {
    if (width < 50 || Math.abs(width - this.width) < 1) return;
    this.width = width;
    this.draw();
  }

  private draw(): void {
    this.axes = this.makeAxes();
    this.plot.setAttribute("viewBox", `0 0 ${this.width} ${kHeight}`);
    if (this.axes === null) replace(this.plot, this.emptyNote());
    else
      replace(
        this.plot,
        this.grid(this.axes),
        this.series.map((one) => this.curve(one, this.axes!)),
        this.crosshair,
      );
    this.plot.setAttribute("aria-label", this.spokenSummary());
    this.drawCursor();
    this.drawTable((this.table.parentElement as HTMLDetailsElement | null)?.open ?? false);
  }

  private emptyNote(): SVGElement {
    return s("text", { class: "empty", x: this.width / 2, y: kHeight / 2 }, t("chart.empty"));
  }

  private makeAxes(): Axes | null {
    const xs = extentOf(this.series.flatMap((one) => [one.points.x[0]!, one.points.x[one.points.x.length - 1]!]));
    const ys = this.extentY();
    if (xs === null || ys === null) return null;
    const wide: Extent = xs.high > xs.low ? xs : { low: xs.low - 1, high: xs.high + 1 };
    const log = this.log && ys.low > 0;
    const zero = this.options.zero ?? false;
    return {
      x: new Scale(wide, kMargin.left, this.width - kMargin.right),
      y: new Scale(domainFor(ys, { zero, log }), kHeight - kMargin.bottom, kMargin.top, log),
    };
  }

  private extentY(): Extent | null {
    const values = this.series.flatMap((one) => decimate(one.faint ?? one.points, 600).y);
    return extentOf(this.log ? values.filter((value) => value > 0) : values);
  }

  private grid(axes: Axes): SVGElement {
    const group = s("g", { class: "grid", "aria-hidden": "true" });
    for (const tick of axes.y.ticks(5)) group.append(...this.tickY(tick, axes.y.map(tick)));
    const { low, high } = axes.x.domain;
    for (const tick of wholeTicks(low, high, Math.max(2, Math.floor(this.width / 110)))) {
      const words = this.options.formatX?.(tick) ?? format().compact(tick);
      group.append(s("text", { x: axes.x.map(tick), y: kHeight - 8, "text-anchor": "middle" }, words));
    }
    return group;
  }

  private tickY(tick: number, y: number): SVGElement[] {
    return [
      s("line", { x1: kMargin.left, x2: this.width - kMargin.right, y1: y, y2: y }),
      s("text", { x: kMargin.left - 8, y: y + 4, "text-anchor": "end" }, this.options.formatY(tick)),
    ];
  }

  private curve(one: Series, axes: Axes): SVGElement {
    const group = s("g", { class: `curve tone-${one.tone}` });
    if (one.faint) group.append(s("path", { class: "faint", d: this.pathOf(one.faint, axes) }));
    group.append(s("path", { d: this.pathOf(one.points, axes) }));
    if (one.dots || one.points.x.length === 1) group.append(...this.dots(one.points, axes));
    return group;
  }

  private pathOf(points: Points, axes: Axes): string {
    const drawn = decimate(points, Math.ceil(this.width));
    let path = "";
    let pen = "M";
    drawn.x.forEach((x, i) => {
      const y = axes.y.map(drawn.y[i]!);
      if (Number.isFinite(y)) path += `${pen}${axes.x.map(x).toFixed(1)} ${y.toFixed(1)}`;
      pen = Number.isFinite(y) ? "L" : "M";
    });
    return path;
  }

  private dots(points: Points, axes: Axes): SVGElement[] {
    return points.x
      .map((x, i) => [axes.x.map(x), axes.y.map(points.y[i]!)] as const)
      .filter(([, y]) => Number.isFinite(y))
      .map(([cx, cy]) => s("circle", { cx, cy, r: 2.5 }));
  }

  private follow(event: PointerEvent): void {
    if (this.axes === null) return;
    const box = this.plot.getBoundingClientRect();
    const pixel = ((event.clientX - box.left) / box.width) * this.width;
    this.setCursor(nearestIndex(this.series[0]!.points.x, this.axes.x.invert(pixel)));
  }

  private onKey(event: KeyboardEvent): void {
    const last = (this.series[0]?.points.x.length ?? 0) - 1;
    if (last < 0) return;
    const target = targetOfKey(event.key, this.cursor ?? last, last);
    if (target === undefined) return;
    event.preventDefault();
    this.setCursor(target);
  }

  private setCursor(index: number | null): void {
    if (index === this.cursor) return;
    this.cursor = index;
    this.drawCursor();
  }

  private drawCursor(): void {
    const first = this.series[0]?.points;
    const last = first ? first.x.length - 1 : 0;
    const index = Math.min(this.cursor ?? last, last);
    const x = first?.x[index];
    replace(this.legend, x === undefined ? null : this.readout(x));
    replace(this.crosshair);
    if (x !== undefined && this.axes && this.cursor !== null) this.drawCrosshair(x, this.axes);
    this.describe(index, last, x);
  }

  private drawCrosshair(x: number, axes: Axes): void {
    const at = axes.x.map(x);
    this.crosshair.append(s("line", { x1: at, x2: at, y1: kMargin.top, y2: kHeight - kMargin.bottom }));
    for (const one of this.series) {
      const i = nearestIndex(one.points.x, x);
      const y = axes.y.map(one.points.y[i]!);
      if (!Number.isFinite(y)) continue;
      this.crosshair.append(s("circle", { class: `tone-${one.tone}`, cx: axes.x.map(one.points.x[i]!), cy: y, r: 4 }));
    }
  }

  private readout(x: number): Node[] {
    const step = h("li", { class: "at" }, this.options.formatX?.(x) ?? t("chart.step", { step: format().whole(x) }));
    const values = this.series.map((one) => {
      const value = one.points.y[nearestIndex(one.points.x, x)]!;
      return h("li", {}, h("span", { class: `swatch tone-${one.tone}` }), `${one.name} `, h("b", {}, this.say(value)));
    });
    return [...values, step];
  }

  private describe(index: number, last: number, x: number | undefined): void {
    const reading =
      x === undefined ? t("chart.empty") : [...this.legend.children].map((item) => item.textContent).join(", ");
    const attributes = { "aria-valuemin": 0, "aria-valuemax": last, "aria-valuenow": index, "aria-valuetext": reading };
    for (const [name, value] of Object.entries(attributes)) this.plot.setAttribute(name, String(value));
  }

  private spokenSummary(): string {
    const sentences = this.series.map((one) => {
      const told = summarise(one.points);
      if (told === null) return "";
      const values = { first: told.first, last: told.last, low: told.low, high: told.high };
      const said = Object.fromEntries(Object.entries(values).map(([key, value]) => [key, this.say(value)]));
      if (this.options.formatX) return t("chart.summaryOf", { ...said, name: one.name });
      return t("chart.summary", { ...said, name: one.name, at: format().whole(told.lowAt) });
    });
    return [this.options.title, ...sentences].join(". ");
  }

  private say(value: number): string {
    return (this.options.formatValue ?? this.options.formatY)(value);
  }

  private drawTable(open: boolean): void {
    if (!open) return;
    replace(
      this.table,
      this.series.map((one) => this.tableOf(one)),
    );
  }

  private tableOf(one: Series): HTMLElement {
    const head = h(
      "tr",
      {},
      h("th", { scope: "col" }, this.options.columnX ?? t("chart.stepColumn")),
      h("th", { scope: "col" }, one.name),
    );
    const rows = sampleRows(one.points, 50).map(([x, y]) =>
      h("tr", {}, h("td", {}, this.options.formatX?.(x) ?? format().whole(x)), h("td", {}, this.say(y))),
    );
    return h("table", {}, h("caption", {}, one.name), h("thead", {}, head), h("tbody", {}, rows));
  }
}

/** Where a key moves the crosshair; undefined for a key that means nothing here, null to hide it. */
function targetOfKey(key: string, at: number, last: number): number | null | undefined {
  const stride = Math.max(1, Math.round(last / 100));
  const moves: Record<string, number> = {
    ArrowLeft: at - stride,
    ArrowDown: at - stride,
    ArrowRight: at + stride,
    ArrowUp: at + stride,
    PageDown: at - 10 * stride,
    PageUp: at + 10 * stride,
    Home: 0,
    End: last,
  };
  if (key === "Escape") return null;
  const target = moves[key];
  return target === undefined ? undefined : Math.min(last, Math.max(0, target));
}
