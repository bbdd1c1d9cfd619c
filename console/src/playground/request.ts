// The request that the playground's fields make, and what is wrong with them. Pure.
import { checkJson } from "../lib/json_check";
import type { TextKey } from "../lib/i18n";
import { State, kNumbers } from "./state";

export interface Call {
  id: string;
  name: string;
  arguments: string; // as the model wrote them
}

/** A turn behind the prompt. */
export interface Turn {
  role: "assistant" | "tool";
  content: string | null;
  calls?: Call[]; // the assistant's
  callId?: string; // the tool's
}

export interface Fault {
  field: "logit_bias" | "schema" | "tools" | "stop" | "numbers";
  key: TextKey;
  values: Record<string, string | number>;
}

export interface Request {
  path: string;
  body: Record<string, unknown>;
  faults: Fault[];
}

const kMaxStops = 16;

function jsonField(field: Fault["field"], text: string, faults: Fault[]): unknown {
  const checked = checkJson(text);
  if ("value" in checked) return checked.value;
  const { line, column, expected } = checked;
  faults.push({ field, key: `json.${expected}`, values: { line, column } });
  return undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function biasOf(state: State, faults: Fault[]): Record<string, number> | undefined {
  if (state.logit_bias.trim() === "") return undefined;
  const value = jsonField("logit_bias", state.logit_bias, faults);
  if (value === undefined) return undefined;
  const good = (id: string, bias: unknown) => /^\d+$/.test(id) && typeof bias === "number" && Math.abs(bias) <= 100;
  if (isObject(value) && Object.entries(value).every(([id, bias]) => good(id, bias)))
    return value as Record<string, number>;
  faults.push({ field: "logit_bias", key: "playground.badBias", values: {} });
  return undefined;
}

function formOf(state: State, faults: Fault[]): object | undefined {
  if (state.form === "text") return undefined;
  if (state.form === "json_object") return { type: "json_object" };
  const schema = jsonField("schema", state.schema, faults);
  if (schema === undefined) return undefined;
  if (!isObject(schema)) {
    faults.push({ field: "schema", key: "playground.badSchema", values: {} });
    return undefined;
  }
  return { type: "json_schema", json_schema: { name: "answer", schema, strict: true } };
}

function toolsOf(state: State, faults: Fault[]): object[] | undefined {
  if (state.tools.trim() === "") return undefined;
  const value = jsonField("tools", state.tools, faults);
  if (value === undefined) return undefined;
  if (!Array.isArray(value)) {
    faults.push({ field: "tools", key: "playground.badTools", values: {} });
    return undefined;
  }
  const wrong = value.findIndex((one: unknown) => {
    const tool = isObject(one) && one.type === "function" && isObject(one.function) ? one.function : null;
    return typeof tool?.name !== "string" || tool.name === "";
  });
  if (wrong >= 0) faults.push({ field: "tools", key: "playground.badTool", values: { n: wrong + 1 } });
  return value.length === 0 ? undefined : (value as object[]);
}

/** One stop string per line, in which \n and \t stand for what they always do. */
export function stopsOf(text: string): string[] {
  const lines = text.split("\n").filter((line) => line !== "");
  return lines.map((line) => line.replace(/\\(n|t|\\)/g, (_, c: string) => ({ n: "\n", t: "\t" })[c] ?? "\\"));
}

function messageOf(turn: Turn): object {
  if (turn.role === "tool") return { role: "tool", tool_call_id: turn.callId, content: turn.content };
  const calls = (turn.calls ?? []).map(({ id, name, arguments: text }) => ({
    id,
    type: "function",
    function: { name, arguments: text },
  }));
  return { role: "assistant", content: turn.content, ...(calls.length > 0 ? { tool_calls: calls } : {}) };
}

function chatFields(state: State, turns: readonly Turn[], faults: Fault[]): Record<string, unknown> {
  const system = state.system.trim() === "" ? [] : [{ role: "system", content: state.system }];
  const messages = [...system, { role: "user", content: state.prompt }, ...turns.map(messageOf)];
  const tools = toolsOf(state, faults);
  const choice = tools && state.tool_choice !== "auto" ? { tool_choice: state.tool_choice } : {};
  const logprobs = state.logprobs ? { logprobs: true, top_logprobs: state.top_logprobs } : {};
  return { messages, ...(tools ? { tools } : {}), ...choice, ...logprobs };
}

export function requestOf(state: State, model: string, turns: readonly Turn[] = []): Request {
  const faults: Fault[] = [];
  const chat = state.kind === "chat";
  const asked = chat
    ? chatFields(state, turns, faults)
    : { prompt: state.prompt, ...(state.logprobs ? { logprobs: state.top_logprobs } : {}) };
  const body: Record<string, unknown> = { model, ...asked };
  for (const { name } of kNumbers) if (state.numbers[name] !== undefined) body[name] = state.numbers[name];
  const stop = stopsOf(state.stop);
  if (stop.length > kMaxStops) faults.push({ field: "stop", key: "playground.manyStops", values: { n: kMaxStops } });
  if (stop.length > 0) body.stop = stop;
  const bias = biasOf(state, faults);
  if (bias) body.logit_bias = bias;
  if (state.ignore_eos) body.ignore_eos = true;
  const form = formOf(state, faults);
  if (form) body.response_format = form;
  return { path: chat ? "/v1/chat/completions" : "/v1/completions", body, faults };
}
