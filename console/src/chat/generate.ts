// One generation over the OpenAI API, streamed, with its figures.
import { postStream } from "../lib/api";

export interface Stats {
  promptTokens: number | null;
  completionTokens: number;
  counted: boolean; // false: the server sent no usage, so tokens are pieces of the stream
  firstTokenSeconds: number;
  tokensPerSecond: number | null;
  finishReason: string | null;
}

export interface Piece {
  text: string;
  reasoning: string;
}

interface Chunk {
  choices?: Array<{
    delta?: { content?: string | null; reasoning_content?: string | null };
    text?: string;
    finish_reason?: string | null;
  }>;
  usage?: { prompt_tokens?: number; completion_tokens?: number } | null;
}

/** Gathers chunks; `now` in milliseconds is passed in, so that it can be tested. */
export class StatsCounter {
  private pieces = 0;
  private first: number | null = null;
  private last: number;
  private usage: NonNullable<Chunk["usage"]> | null = null;
  private finishReason: string | null = null;

  constructor(private readonly start: number) {
    this.last = start;
  }

  /** Takes a chunk, returns what it says. */
  take(chunk: Chunk, now: number): Piece {
    const choice = chunk.choices?.[0];
    const reasoning = choice?.delta?.reasoning_content ?? "";
    const text = choice?.delta?.content ?? choice?.text ?? "";
    if (text !== "" || reasoning !== "") this.countPiece(now);
    this.usage = chunk.usage ?? this.usage;
    this.finishReason = choice?.finish_reason ?? this.finishReason;
    return { text, reasoning };
  }

  stats(): Stats {
    const tokens = this.usage?.completion_tokens ?? this.pieces;
    const seconds = (this.last - (this.first ?? this.last)) / 1000;
    return {
      promptTokens: this.usage?.prompt_tokens ?? null,
      completionTokens: tokens,
      counted: this.usage?.completion_tokens !== undefined,
      firstTokenSeconds: ((this.first ?? this.last) - this.start) / 1000,
      tokensPerSecond: tokens > 1 && seconds > 0 ? (tokens - 1) / seconds : null, // the first token is prefill's
      finishReason: this.finishReason,
    };
  }

  private countPiece(now: number): void {
    this.pieces++;
    this.first ??= now;
    this.last = now;
  }
}

/** Streams `body` to `path`; calls onPiece for every piece. The counter holds the figures even when this throws. */
export async function generate(
  path: string,
  body: object,
  signal: AbortSignal,
  counter: StatsCounter,
  onPiece: (piece: Piece) => void,
): Promise<void> {
  const request = { ...body, stream: true, stream_options: { include_usage: true } };
  for await (const chunk of postStream<Chunk>(path, request, signal)) {
    const piece = counter.take(chunk, performance.now());
    if (piece.text !== "" || piece.reasoning !== "") onPiece(piece);
  }
}
