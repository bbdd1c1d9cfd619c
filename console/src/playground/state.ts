// What the playground asks: the fields of a request as the user writes them, kept in the browser. Pure but for that.
import { readObject, writeObject } from "../lib/storage";

export type Kind = "chat" | "complete";
export type Form = "text" | "json_object" | "json_schema";
export type ToolChoice = "auto" | "none" | "required";

export interface NumberOption {
  name: keyof Numbers;
  min: number;
  max: number;
  step: number; // 1: whole numbers
  unset: string; // what the server takes without it
}

export interface Numbers {
  temperature: number;
  top_p: number;
  top_k: number;
  min_p: number;
  presence_penalty: number;
  frequency_penalty: number;
  repetition_penalty: number;
  seed: number;
  max_tokens: number;
  min_tokens: number;
  n: number;
}

/** In the server's ranges: api/openai/types.h. */
export const kNumbers: readonly NumberOption[] = [
  { name: "temperature", min: 0, max: 100, step: 0.05, unset: "1" },
  { name: "top_p", min: 0, max: 1, step: 0.05, unset: "1" },
  { name: "top_k", min: -1, max: 2 ** 30, step: 1, unset: "0" },
  { name: "min_p", min: 0, max: 1, step: 0.01, unset: "0" },
  { name: "presence_penalty", min: -2, max: 2, step: 0.1, unset: "0" },
  { name: "frequency_penalty", min: -2, max: 2, step: 0.1, unset: "0" },
  { name: "repetition_penalty", min: 0.01, max: 100, step: 0.05, unset: "1" },
  { name: "seed", min: -(2 ** 53) + 1, max: 2 ** 53 - 1, step: 1, unset: "–" },
  { name: "max_tokens", min: 1, max: 2 ** 30, step: 1, unset: "–" },
  { name: "min_tokens", min: 0, max: 2 ** 30, step: 1, unset: "0" },
  { name: "n", min: 1, max: 16, step: 1, unset: "1" },
];

export interface State {
  kind: Kind;
  model: string;
  other: string; // the second model
  compare: boolean;
  system: string;
  prompt: string;
  numbers: Partial<Numbers>;
  stop: string; // one per line; \n and \t as such
  logit_bias: string; // JSON
  ignore_eos: boolean;
  logprobs: boolean;
  top_logprobs: number;
  form: Form;
  schema: string; // JSON
  tools: string; // JSON
  tool_choice: ToolChoice;
}

export const kBlank: State = {
  kind: "chat",
  model: "",
  other: "",
  compare: false,
  system: "",
  prompt: "",
  numbers: { temperature: 0.8, max_tokens: 256 },
  stop: "",
  logit_bias: "",
  ignore_eos: false,
  logprobs: false,
  top_logprobs: 5,
  form: "text",
  schema: "",
  tools: "",
  tool_choice: "auto",
};

export function loadState(): State {
  const state = readObject("playground", kBlank);
  return { ...state, numbers: { ...state.numbers } };
}

export function saveState(state: State): void {
  writeObject("playground", state);
}

export const kSchemaExample = JSON.stringify(
  {
    type: "object",
    properties: { name: { type: "string" }, age: { type: "integer" } },
    required: ["name", "age"],
    additionalProperties: false,
  },
  null,
  2,
);

export const kToolsExample = JSON.stringify(
  [
    {
      type: "function",
      function: {
        name: "get_weather",
        description: "Today's weather of a city",
        parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
      },
    },
  ],
  null,
  2,
);
