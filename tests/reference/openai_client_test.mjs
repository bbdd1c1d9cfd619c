// The official openai JavaScript client against the server. Run by node --test; the module `openai` is found through
// NODE_PATH-like resolution from this file or from MARU_NODE_MODULES. The server is serve_tool or MARU_SERVE_COMMAND,
// as in openai_client_test.py.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import path from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

import { firstLine } from "./first_line.mjs";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const modules = process.env.MARU_NODE_MODULES ?? path.join(root, "node_modules");
const { default: OpenAI } = createRequire(path.join(modules, "x.js"))("openai");

const build = process.env.MARU_BUILD ?? path.join(root, "build/release");
const command = process.env.MARU_SERVE_COMMAND ?? path.join(build, "tests/reference/serve_tool");
const messages = [{ role: "user", content: "안녕하세요" }];

let server, client, model, url;

before(async () => {
  server = spawn(command, { shell: true, detached: true, stdio: ["ignore", "pipe", "inherit"] });
  ({ url, model } = JSON.parse(await firstLine(server.stdout)));
  client = new OpenAI({ baseURL: `${url}/v1`, apiKey: "none", maxRetries: 0, timeout: 60_000 });
});

after(async () => {
  const ended = new Promise((resolve) => server.on("exit", resolve));
  process.kill(-server.pid, "SIGTERM");
  await ended;
});

const ask = (more = {}, options = {}) =>
  client.chat.completions.create({ model, messages, max_tokens: 24, seed: 7, ignore_eos: true, ...more }, options);

test("lists models", async () => {
  const ids = [];
  for await (const entry of client.models.list()) ids.push(entry.id);
  assert.deepEqual(ids, [model]);
});

test("answers a chat", async () => {
  const answer = await ask();
  assert.equal(answer.object, "chat.completion");
  assert.equal(answer.choices[0].message.role, "assistant");
  assert.equal(answer.choices[0].finish_reason, "length");
  assert.equal(answer.usage.completion_tokens, 24);
  assert.match(answer._request_id, /^chatcmpl-/);
});

test("streams what it would answer whole", async () => {
  const whole = await ask();
  let text = "";
  let usage = null;
  for await (const chunk of await ask({ stream: true, stream_options: { include_usage: true } })) {
    text += chunk.choices[0]?.delta.content ?? "";
    usage = chunk.usage ?? usage;
  }
  assert.equal(text, whole.choices[0].message.content);
  assert.deepEqual(usage, whole.usage);
});

test("gives log-probabilities", async () => {
  const { content } = (await ask({ logprobs: true, top_logprobs: 2, temperature: 0 })).choices[0].logprobs;
  assert.equal(content.length, 24);
  assert.equal(content[0].top_logprobs.length, 2);
  assert.equal(content[0].top_logprobs[0].logprob, content[0].logprob);
});

test("gives several choices and repeats them", async () => {
  const [first, second] = [await ask({ n: 3 }), await ask({ n: 3 })];
  const texts = (answer) => answer.choices.map((choice) => choice.message.content);
  assert.deepEqual(texts(first), texts(second));
  assert.equal(new Set(texts(first)).size, 3);
});

test("completes text", async () => {
  const answer = await client.completions.create({
    model, prompt: "가나", max_tokens: 4, echo: true, seed: 1, ignore_eos: true,
  });
  assert.ok(answer.choices[0].text.startsWith("가나"));
  assert.equal(answer.usage.completion_tokens, 4);
});

test("stops at a stop string", async () => {
  const text = (await ask()).choices[0].message.content;
  const stop = text.slice(4, 6);
  const cut = (await ask({ stop })).choices[0];
  assert.equal(cut.message.content, text.slice(0, text.indexOf(stop)));
  assert.equal(cut.finish_reason, "stop");
});

test("names what is wrong", async () => {
  await assert.rejects(ask({ model: "gpt-4" }), (error) => {
    assert.ok(error instanceof OpenAI.NotFoundError);
    return error.code === "model_not_found" && error.param === "model";
  });
  await assert.rejects(ask({ temperature: "hot" }), (error) => {
    assert.ok(error instanceof OpenAI.BadRequestError);
    return error.param === "temperature";
  });
  const messages = [{ role: "user", content: "x".repeat(9000) }];
  await assert.rejects(ask({ messages }), { code: "context_length_exceeded" });
  await assert.rejects(ask({ temprature: 1 }), /did you mean 'temperature'/);
});

test("an aborted stream frees its work", async () => {
  const stream = await ask({ stream: true, max_tokens: 8000 });
  for await (const chunk of stream) {
    assert.ok(chunk.id);
    break;
  }
  stream.controller.abort();
  for (let i = 0; i < 200; i += 1) {
    const status = await (await fetch(`${url}/v1/maru/status`)).json();
    if (status.choices_running === 0 && status.kv_pages_used === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.fail("still running");
});
