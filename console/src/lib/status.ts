// The line at the foot: which server this is and whether it answers.
import { getJson, ApiError } from "./api";
import { h, replace } from "./dom";
import { t } from "./i18n";
import { Poll } from "./poll";
import { Status } from "./types";

export class StatusLine {
  readonly element = h("footer", { class: "status" });
  private readonly poll: Poll;

  constructor() {
    this.show("waiting", t("status.connecting"));
    this.poll = new Poll(
      10_000,
      (signal) => this.ask(signal),
      (error) => this.fail(error),
    );
  }

  dispose(): void {
    this.poll.stop();
  }

  private async ask(signal: AbortSignal): Promise<void> {
    const status = await getJson<Status>("/v1/maru/status", signal);
    const facts = [
      status.version ? `Maru ${status.version}` : "Maru",
      status.isa,
      status.threads === undefined ? null : t("status.threads", { n: status.threads }),
    ];
    this.show("up", facts.filter(Boolean).join(" · "));
  }

  private fail(error: unknown): void {
    const silent = error instanceof ApiError && error.status !== 0;
    this.show(silent ? "waiting" : "down", t(silent ? "status.refused" : "status.down"));
  }

  private show(state: string, text: string): void {
    replace(this.element, h("span", { class: `lamp ${state}`, "aria-hidden": "true" }), h("span", {}, text));
  }
}
