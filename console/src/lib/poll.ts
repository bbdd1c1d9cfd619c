// Asks again and again while the page is looked at: every `periodMs`, more slowly while it fails, not at all in a
// hidden tab. One request at a time.

const kSlowestMs = 30_000;

export class Poll {
  private timer: ReturnType<typeof setTimeout> | null = null;
  private readonly abort = new AbortController();
  private failures = 0;
  private readonly onVisible = () => this.wake();

  constructor(
    private readonly periodMs: number,
    private readonly ask: (signal: AbortSignal) => Promise<void>,
    private readonly onFailure: (error: unknown) => void,
  ) {
    document.addEventListener("visibilitychange", this.onVisible);
    void this.run();
  }

  stop(): void {
    this.abort.abort();
    if (this.timer !== null) clearTimeout(this.timer);
    document.removeEventListener("visibilitychange", this.onVisible);
  }

  /** Asks now in place of later. */
  soon(): void {
    this.wake();
  }

  private wake(): void {
    if (document.hidden || this.timer === null) return;
    clearTimeout(this.timer);
    void this.run();
  }

  private async run(): Promise<void> {
    this.timer = null;
    if (!document.hidden) await this.attempt();
    if (!this.abort.signal.aborted) this.timer = setTimeout(() => void this.run(), this.delay());
  }

  private async attempt(): Promise<void> {
    try {
      await this.ask(this.abort.signal);
      this.failures = 0;
    } catch (error) {
      if (this.abort.signal.aborted) return;
      this.failures++;
      this.onFailure(error);
    }
  }

  private delay(): number {
    return Math.min(kSlowestMs, this.periodMs * 2 ** Math.min(this.failures, 5));
  }
}
