// Server-sent events from a byte stream (WHATWG HTML, "Server-sent events"): the parser keeps whatever is not yet a
// whole event, so chunks may end anywhere, inside a character or between the two bytes of a line break.

export class SseParser {
  private decoder = new TextDecoder("utf-8"); // drops a byte order mark
  private line = "";
  private data: string[] = [];
  private afterCarriageReturn = false;

  /** Takes the next bytes; returns the data of each event they complete. */
  push(bytes: Uint8Array): string[] {
    return this.feed(this.decoder.decode(bytes, { stream: true }));
  }

  private feed(text: string): string[] {
    const events: string[] = [];
    let start = 0;
    for (let at = 0; at < text.length; at++) {
      const c = text[at];
      const secondHalf = c === "\n" && this.afterCarriageReturn;
      this.afterCarriageReturn = c === "\r";
      if (c !== "\n" && c !== "\r") continue;
      if (!secondHalf) this.endLine(this.line + text.slice(start, at), events);
      this.line = "";
      start = at + 1;
    }
    this.line += text.slice(start);
    return events;
  }

  private endLine(line: string, events: string[]): void {
    if (line === "") return this.endEvent(events);
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    if (field !== "data") return; // comments, event names, ids: not used by this protocol
    const value = colon < 0 ? "" : line.slice(colon + 1);
    this.data.push(value.startsWith(" ") ? value.slice(1) : value);
  }

  private endEvent(events: string[]): void {
    if (this.data.length > 0) events.push(this.data.join("\n"));
    this.data = [];
  }
}

/** The data of each event of a response body, as it arrives. */
export async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = body.getReader();
  const parser = new SseParser();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      for (const event of parser.push(value)) yield event;
    }
  } finally {
    reader.cancel().catch(() => undefined); // the connection may be gone already
  }
}
