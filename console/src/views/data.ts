// Datasets and the report of one of them.
import { getJson, pathOf } from "../lib/api";
import { h, replace } from "../lib/dom";
import { problemOf, problemPanel } from "../lib/failure";
import { format, t } from "../lib/i18n";
import { DatasetEntry, DatasetReport } from "../lib/types";
import { View } from "../lib/view";
import { dataReport } from "../panels/data_report";
import { emptyState } from "../panels/parts";

export class DataView implements View {
  readonly title = t("nav.data");
  readonly element = h("section", { class: "page wide" }, h("h1", { tabindex: -1 }, this.title));
  private readonly list = h("nav", { class: "picker", "aria-label": t("data.datasets") });
  private readonly detail = h("div", { "aria-busy": "true" });
  private readonly abort = new AbortController();

  constructor(private readonly wanted: string | null) {
    this.element.append(this.list, this.detail);
    void this.load();
  }

  dispose(): void {
    this.abort.abort();
  }

  private async load(): Promise<void> {
    try {
      const { data } = await getJson<{ data?: DatasetEntry[] }>("/v1/maru/datasets", this.abort.signal);
      await this.show(data ?? []);
    } catch (error) {
      if (!this.abort.signal.aborted)
        replace(
          this.detail,
          problemPanel(problemOf(error), () => void this.load()),
        );
    }
    this.detail.removeAttribute("aria-busy");
  }

  private async show(datasets: DatasetEntry[]): Promise<void> {
    const current = this.wanted ?? datasets[0]?.id;
    replace(
      this.list,
      datasets.map((one) => datasetLink(one, one.id === current)),
    );
    if (current === undefined) return replace(this.detail, emptyState(t("data.none"), t("data.noneNote"), "./maru up"));
    const report = await getJson<DatasetReport>(pathOf("maru", "datasets", current, "report"), this.abort.signal);
    replace(this.detail, h("header", { class: "run-head" }, h("h2", {}, current)), dataReport(report));
  }
}

function datasetLink(one: DatasetEntry, current: boolean): HTMLElement {
  const documents = t("data.documents", { n: format().whole(one.documents_out) });
  return h(
    "a",
    { class: "pick", href: `#/data/${encodeURIComponent(one.id)}`, "aria-current": current && "true" },
    h("span", { class: "pick-head" }, h("b", {}, one.id)),
    h("span", { class: "note" }, `${documents} · ${format().bytes(one.bytes_out)}`),
  );
}
