// A request as a command or a program that asks the same. The key is never in it: it names where to take it from. Pure.

/** Fields that OpenAI's Python client knows by name; the others go through extra_body. */
const kOfOpenAi = new Set(
  (
    "model messages prompt temperature top_p presence_penalty frequency_penalty seed max_tokens n stop logit_bias " +
    "logprobs top_logprobs response_format tools tool_choice stream stream_options"
  ).split(" "),
);

export type Snippet = "json" | "curl" | "python" | "javascript";

type Body = Record<string, unknown>;

export function snippet(kind: Snippet, origin: string, path: string, body: Body): string {
  switch (kind) {
    case "json":
      return `${JSON.stringify(body, null, 2)}\n`;
    case "curl":
      return curl(origin + path, body);
    case "python":
      return python(`${origin}/v1`, path, body);
    case "javascript":
      return javascript(`${origin}/v1`, path, body);
  }
}

/** Within single quotes nothing means anything to a shell but the quote itself. */
function quoted(text: string): string {
  return `'${text.replace(/'/g, `'\\''`)}'`;
}

function curl(url: string, body: Body): string {
  return [
    `curl ${quoted(url)} \\`,
    `  -H 'Content-Type: application/json' \\`,
    `  -H "Authorization: Bearer \${MARU_API_KEY:-none}" \\`,
    `  -d ${quoted(JSON.stringify(body, null, 2))}`,
    "",
  ].join("\n");
}

/** JSON as Python: its strings are Python's too, but for lone surrogates, which JSON escapes as Python does. */
function pythonValue(value: unknown, indent: string): string {
  if (value === null || value === undefined) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value !== "object") return JSON.stringify(value);
  const inner = `${indent}    `;
  if (Array.isArray(value)) {
    if (value.length === 0) return "[]";
    return `[\n${value.map((one) => `${inner}${pythonValue(one, inner)},\n`).join("")}${indent}]`;
  }
  const entries = Object.entries(value);
  if (entries.length === 0) return "{}";
  const lines = entries.map(([name, one]) => `${inner}${JSON.stringify(name)}: ${pythonValue(one, inner)},\n`);
  return `{\n${lines.join("")}${indent}}`;
}

function methodOf(path: string): string {
  return path === "/v1/completions" ? "completions" : "chat.completions";
}

function python(baseUrl: string, path: string, body: Body): string {
  const known = Object.entries(body).filter(([name]) => kOfOpenAi.has(name));
  const others = Object.fromEntries(Object.entries(body).filter(([name]) => !kOfOpenAi.has(name)));
  const lines = known.map(([name, value]) => `    ${name}=${pythonValue(value, "    ")},`);
  if (Object.keys(others).length > 0) lines.push(`    extra_body=${pythonValue(others, "    ")},`);
  return [
    "import os",
    "",
    "from openai import OpenAI",
    "",
    `client = OpenAI(base_url=${JSON.stringify(baseUrl)}, api_key=os.environ.get("MARU_API_KEY", "none"))`,
    `answer = client.${methodOf(path)}.create(`,
    ...lines,
    ")",
    "print(answer.model_dump_json(indent=2))",
    "",
  ].join("\n");
}

function javascript(baseUrl: string, path: string, body: Body): string {
  return [
    'import OpenAI from "openai";',
    "",
    `const client = new OpenAI({ baseURL: ${JSON.stringify(baseUrl)}, apiKey: process.env.MARU_API_KEY ?? "none" });`,
    `const answer = await client.${methodOf(path)}.create(${JSON.stringify(body, null, 2)});`,
    "console.log(JSON.stringify(answer, null, 2));",
    "",
  ].join("\n");
}
