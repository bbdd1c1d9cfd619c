// The registered models: what they are, how good they are, what they were made from.
import { getJson, ApiError, pathOf } from "../lib/api";
import { h, icon, replace } from "../lib/dom";
import { problemOf, problemPanel } from "../lib/failure";
import { format, t } from "../lib/i18n";
import { Evaluation, Manifest, Model } from "../lib/types";
import { View } from "../lib/view";
import { evaluationPanel, sampleList } from "../panels/evaluation";
import { manifestPanel } from "../panels/manifest";
import { disclosure, emptyState } from "../panels/parts";

export class ModelsView implements View {
  readonly title = t("nav.models");
  readonly element = h("section", { class: "page" }, h("h1", { tabindex: -1 }, this.title));
  private readonly list = h("div", { class: "model-list", "aria-busy": "true" });
  private readonly abort = new AbortController();

  constructor() {
    this.element.append(h("p", { class: "lead" }, t("models.lead")), this.list);
    void this.load();
  }

  dispose(): void {
    this.abort.abort();
  }

  private async load(): Promise<void> {
    try {
      const { data } = await getJson<{ data?: Model[] }>("/v1/models", this.abort.signal);
      this.show(data ?? []);
    } catch (error) {
      if (!this.abort.signal.aborted)
        replace(
          this.list,
          problemPanel(problemOf(error), () => void this.load()),
        );
    }
    this.list.removeAttribute("aria-busy");
  }

  private show(models: Model[]): void {
    if (models.length === 0) return replace(this.list, emptyState(t("models.none"), t("models.noneNote"), "./maru up"));
    replace(
      this.list,
      models.map((model) => this.modelCard(model)),
    );
  }

  private modelCard(model: Model): HTMLElement {
    const facts = model.maru ?? {};
    const chat = h(
      "a",
      { class: "button", href: `#/chat/${encodeURIComponent(model.id)}` },
      icon("chat"),
      t("models.chat"),
    );
    const evaluation = this.part<Evaluation>(model, "evaluation", evaluationParts);
    const manifest = this.part<Manifest>(model, "manifest", (one) => [
      disclosure(t("manifest.title"), manifestPanel(one)),
    ]);
    return h(
      "article",
      { class: "card model" },
      h("header", {}, h("h2", {}, model.id), chat),
      h(
        "dl",
        { class: "facts" },
        fact(t("models.parameters"), format().compact(facts.parameters)),
        fact(
          t("models.context"),
          facts.context_length ? t("models.tokens", { n: format().whole(facts.context_length) }) : "–",
        ),
        fact(t("models.dtype"), facts.dtype ?? "–"),
      ),
      evaluation,
      manifest,
    );
  }

  /** A part of the card that comes with a request of its own. 404: the model has none, which is no error. */
  private part<T>(model: Model, name: string, draw: (value: T) => HTMLElement[]): HTMLElement {
    const place = h("div", { class: `model-${name}` });
    const load = async () => {
      try {
        replace(place, draw(await getJson<T>(pathOf("maru", "models", model.id, name), this.abort.signal)));
      } catch (error) {
        if (this.abort.signal.aborted || (error instanceof ApiError && error.status === 404)) return;
        replace(
          place,
          problemPanel(problemOf(error), () => void load()),
        );
      }
    };
    void load();
    return place;
  }
}

function fact(name: string, value: string): HTMLElement {
  return h("div", {}, h("dt", {}, name), h("dd", {}, value));
}

function evaluationParts(evaluation: Evaluation): HTMLElement[] {
  const samples = evaluation.samples ?? [];
  const parts = [evaluationPanel(evaluation)];
  if (samples.length > 0) parts.push(disclosure(t("eval.sampleTexts", { n: samples.length }), sampleList(samples)));
  return parts;
}
