// Calls to the server that this page came from. Every failure is an ApiError with a message for people: the server's
// own where it sent OpenAI's error JSON.
import { apiKey } from "./storage";
import { readEvents } from "./sse";

export class ApiError extends Error {
  constructor(
    message: string,
    readonly status: number, // 0: no answer came
    readonly code: string | null = null,
  ) {
    super(message);
  }
}

function headers(): Record<string, string> {
  const key = apiKey();
  return key === "" ? {} : { Authorization: `Bearer ${key}` };
}

/** The message and code of an OpenAI error body; null for anything else. */
export function readErrorBody(text: string): { message: string; code: string | null } | null {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return null; // a proxy's HTML page, say
  }
  const error = (body as { error?: { message?: unknown; code?: unknown } } | null)?.error;
  if (typeof error?.message !== "string") return null;
  return { message: error.message, code: typeof error.code === "string" ? error.code : null };
}

async function failureOf(response: Response): Promise<ApiError> {
  const told = readErrorBody(await response.text());
  const message = told?.message ?? `HTTP ${response.status} ${response.statusText}`.trim();
  return new ApiError(message, response.status, told?.code ?? null);
}

async function request(path: string, init: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(path, { ...init, headers: { ...headers(), ...(init.headers as Record<string, string>) } });
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new ApiError("", 0, "unreachable");
  }
  if (!response.ok) throw await failureOf(response);
  return response;
}

export async function getJson<T>(path: string, signal?: AbortSignal): Promise<T> {
  const response = await request(path, signal ? { signal } : {});
  return (await response.json()) as T;
}

export async function getText(path: string, signal: AbortSignal): Promise<string> {
  return (await request(path, { signal })).text();
}

/** POSTs `body` and yields the JSON of each event until `[DONE]`. Throws when the stream ends without it. */
export async function* postStream<T>(path: string, body: object, signal: AbortSignal): AsyncGenerator<T> {
  const response = await request(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
    signal,
  });
  if (response.body === null) throw new ApiError("", 0, "cut_off");
  for await (const data of readEvents(response.body)) {
    if (data === "[DONE]") return;
    yield parseEvent<T>(data);
  }
  throw new ApiError("", 0, "cut_off");
}

function parseEvent<T>(data: string): T {
  const told = readErrorBody(data);
  if (told) throw new ApiError(told.message, 200, told.code);
  return JSON.parse(data) as T;
}

export function pathOf(...parts: string[]): string {
  return "/v1/" + parts.map(encodeURIComponent).join("/");
}
