// An answer as its chunks come: choices with their text, reasoning, calls and the probabilities of their tokens. Pure.
import type { Call } from "./request";

export interface Alternative {
  token: string;
  logprob: number;
}

export interface Token extends Alternative {
  top: Alternative[]; // the likeliest in its place, likeliest first
}

export interface Choice {
  text: string;
  reasoning: string;
  calls: Call[];
  tokens: Token[];
  finish: string | null;
}

interface ChunkCall {
  index?: number;
  id?: string;
  function?: { name?: string; arguments?: string };
}

interface ChatToken extends Alternative {
  top_logprobs?: Alternative[];
}

interface OldLogprobs {
  tokens?: string[];
  token_logprobs?: Array<number | null>;
  top_logprobs?: Array<Record<string, number> | null>;
}

export interface AnswerChunk {
  choices?: Array<{
    index?: number;
    delta?: { content?: string | null; reasoning_content?: string | null; tool_calls?: ChunkCall[] };
    text?: string;
    finish_reason?: string | null;
    logprobs?: ({ content?: ChatToken[] | null } & OldLogprobs) | null;
  }>;
  warnings?: string[];
}

export class Answer {
  readonly choices: Choice[] = [];
  readonly warnings: string[] = [];

  /** Answers the indices of the choices that changed. */
  take(chunk: AnswerChunk): number[] {
    this.warnings.push(...(chunk.warnings ?? []));
    return (chunk.choices ?? []).map((part) => {
      const choice = this.choiceAt(part.index ?? 0);
      choice.text += part.delta?.content ?? part.text ?? "";
      choice.reasoning += part.delta?.reasoning_content ?? "";
      part.delta?.tool_calls?.forEach((call) => takeCall(choice, call));
      if (part.logprobs?.content) choice.tokens.push(...part.logprobs.content.map(chatToken));
      else if (part.logprobs?.tokens) choice.tokens.push(...oldTokens(part.logprobs));
      choice.finish = part.finish_reason ?? choice.finish;
      return part.index ?? 0;
    });
  }

  private choiceAt(index: number): Choice {
    while (this.choices.length <= index)
      this.choices.push({ text: "", reasoning: "", calls: [], tokens: [], finish: null });
    return this.choices[index]!;
  }
}

function takeCall(choice: Choice, part: ChunkCall): void {
  const index = part.index ?? 0;
  const call = (choice.calls[index] ??= { id: "", name: "", arguments: "" });
  call.id += part.id ?? "";
  call.name += part.function?.name ?? "";
  call.arguments += part.function?.arguments ?? "";
}

function chatToken({ token, logprob, top_logprobs }: ChatToken): Token {
  return { token, logprob, top: top_logprobs ?? [] };
}

function oldTokens({ tokens, token_logprobs, top_logprobs }: OldLogprobs): Token[] {
  return (tokens ?? []).map((token, i) => {
    const top = Object.entries(top_logprobs?.[i] ?? {}).map(([name, logprob]) => ({ token: name, logprob }));
    return { token, logprob: token_logprobs?.[i] ?? 0, top: top.sort((a, b) => b.logprob - a.logprob) };
  });
}

/** A probability's band, 0 (below 5 %) to 4 (from 90 %): a colour each. */
export function bandOf(logprob: number): number {
  const probability = Math.exp(logprob);
  return [0.05, 0.25, 0.5, 0.9].filter((bound) => probability >= bound).length;
}

/** A token as it can be read: blanks and what is no text by their signs. */
export function shownToken(token: string): string {
  return token.replace(/ /g, "␣").replace(/\n/g, "⏎").replace(/\t/g, "⇥") || "∅";
}
