// The registered models: what they are, how good they are, what they were made from.
import { getJson, ApiError, pathOf } from "../lib/api";
import { h, icon, replace } from "../lib/dom";
import { problemOf, problemPanel } from "../lib/failure";
import { format, t } from "../lib/i18n";
import { Figures, HomeModel, Manifest, ModelCard, ModelFacts } from "../lib/types";
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
      const [served, home] = await Promise.all([
        getJson<{ data?: ModelCard[] }>("/v1/models", this.abort.signal),
        getJson<{ data?: HomeModel[] }>("/v1/maru/models", this.abort.signal),
      ]);
      this.show(listOf(served.data ?? [], home.data ?? []));
    } catch (error) {
      if (!this.abort.signal.aborted)
        replace(
          this.list,
          problemPanel(problemOf(error), () => void this.load()),
        );
    }
    this.list.removeAttribute("aria-busy");
  }

  private show(models: Listed[]): void {
    if (models.length === 0) return replace(this.list, emptyState(t("models.none"), t("models.noneNote"), "./maru up"));
    replace(
      this.list,
      models.map((model) => this.modelCard(model)),
    );
  }

  private modelCard(model: Listed): HTMLElement {
    const { facts } = model;
    const evaluation = this.part<Figures>(model, "evaluation", evaluationParts);
    const manifest = this.part<Manifest>(model, "manifest", (one) => [
      disclosure(t("manifest.title"), manifestPanel(one)),
    ]);
    return h(
      "article",
      { class: "card model" },
      h("header", {}, h("h2", {}, model.id), model.served && use(model)),
      kindNote(facts),
      !model.served && howToServe(model),
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
  private part<T>(model: Listed, name: string, draw: (value: T) => HTMLElement[]): HTMLElement {
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

/** A model of the home or of the server, or of both. */
interface Listed {
  id: string;
  served: boolean;
  facts: ModelFacts;
}

/** Those that answer now, then the others of the home. */
function listOf(served: ModelCard[], home: HomeModel[]): Listed[] {
  const now = new Set(served.map((model) => model.id));
  return [
    ...served.map(({ id, maru }) => ({ id, served: true, facts: maru ?? {} })),
    ...home.filter(({ id }) => !now.has(id)).map(({ id, facts }) => ({ id, served: false, facts: facts ?? {} })),
  ];
}

function use(model: Listed): HTMLElement {
  const words = t(model.facts.chat === false ? "models.complete" : "models.chat");
  const link = h("a", { class: "button", href: `#/chat/${encodeURIComponent(model.id)}` }, icon("chat"), words);
  return h("span", { class: "model-use" }, h("span", { class: "pill state-running" }, t("models.served")), link);
}

function kindNote(facts: ModelFacts): HTMLElement | null {
  if (facts.chat === undefined) return null;
  return h("p", { class: "note" }, t(facts.chat ? "models.tuned" : "models.base"));
}

function howToServe(model: Listed): HTMLElement {
  return h("p", { class: "note" }, t("models.notServed"), " ", h("code", {}, `maru serve ${model.id}`));
}

function fact(name: string, value: string): HTMLElement {
  return h("div", {}, h("dt", {}, name), h("dd", {}, value));
}

function evaluationParts(evaluation: Figures): HTMLElement[] {
  const samples = evaluation.samples ?? [];
  const parts = [evaluationPanel(evaluation)];
  if (samples.length > 0) parts.push(disclosure(t("eval.sampleTexts", { n: samples.length }), sampleList(samples)));
  return parts;
}
