// Servers for the clients of npm, as server.py starts them for Python's: a tiny random model, encoders beside it, or a
// model that says what it is told in Hermes's words for calls and with <think> for reasoning.
import { spawn } from "node:child_process";
import path from "node:path";
import { fileURLToPath } from "node:url";

import { firstLine } from "../reference/first_line.mjs";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const build = process.env.MARU_BUILD ?? path.join(root, "build/release");
const encoders = `encoders=${path.join(root, "tests/golden/encoders")}`;

export const call = '<tool_call>\n{"name": "weather", "arguments": {"city": "서울 \\"강남\\"", "days": 3}}\n</tool_call>';
export const callArguments = { city: '서울 "강남"', days: 3 };

// Keys and addresses of services that a client would ask instead.
for (const name of Object.keys(process.env)) if (/^(OPENAI|ANTHROPIC)_/.test(name)) delete process.env[name];

/** A server that listens: its url, its model's name, and how to stop it (which fails unless it ends as it should). */
export async function serve(say) {
  const speaks = ["tool_parser=hermes", "reasoning_parser=think_tags", `say=${say}`];
  const program = path.join(build, "tests/reference/serve_tool");
  const server = spawn(program, say === undefined ? [encoders] : speaks, { stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise((resolve) => server.on("exit", resolve));
  const stop = async () => {
    server.kill("SIGTERM");
    const code = await ended;
    if (code !== 0) throw new Error(`the server ended with ${code}`);
  };
  return { ...JSON.parse(await firstLine(server.stdout)), stop };
}
