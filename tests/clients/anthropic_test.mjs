// The official anthropic JavaScript client (@anthropic-ai/sdk) against the server.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import Anthropic from "@anthropic-ai/sdk";

import { call, callArguments, serve } from "./server.mjs";

const messages = [{ role: "user", content: "안녕하세요" }];
const properties = { city: { type: "string" }, days: { type: "integer" } };
const tools = [{ name: "weather", description: "d", input_schema: { type: "object", properties } }];

let server, speaker, client, speaking;

const clientOf = (of) => new Anthropic({ baseURL: of.url, apiKey: "none", maxRetries: 0, timeout: 60_000 });
// Sampling stands in no type of this client any more; who has set it for years sends it all the same.
const ask = (more = {}) =>
  client.messages.create({ model: server.model, messages, max_tokens: 16, temperature: 0, ...more });

before(async () => {
  server = await serve();
  speaker = await serve(`<think>\n음\n</think>\n\n보자 ${call}`);
  [client, speaking] = [clientOf(server), clientOf(speaker)];
});

after(() => Promise.all([server.stop(), speaker.stop()]));

test("smoke: answers", async () => {
  const got = await ask({ system: "친절하게" });
  assert.equal(got.type, "message");
  assert.equal(got.model, server.model);
  assert.ok(["max_tokens", "end_turn"].includes(got.stop_reason));
  assert.equal(got.content[0].type, "text");
  assert.ok(got.usage.output_tokens > 0 && got.usage.output_tokens <= 16);
});

test("streams what it would answer whole", async () => {
  const whole = await ask();
  const stream = client.messages.stream({ model: server.model, messages, max_tokens: 16, temperature: 0 });
  let text = "";
  stream.on("text", (piece) => (text += piece));
  const last = await stream.finalMessage();
  assert.equal(text, whole.content[0].text);
  assert.deepEqual(last.content, [{ type: "text", text }]);
  assert.equal(last.stop_reason, whole.stop_reason);
  assert.equal(last.usage.output_tokens, whole.usage.output_tokens);
});

test("stops at a stop sequence", async () => {
  const text = (await ask()).content[0].text;
  const got = await ask({ stop_sequences: [text[3]] });
  assert.equal(got.content[0].text, text.slice(0, text.indexOf(text[3])));
  assert.deepEqual([got.stop_reason, got.stop_sequence], ["stop_sequence", text[3]]);
});

test("counts tokens", async () => {
  const counted = await client.messages.countTokens({ model: server.model, messages, tools });
  assert.equal(counted.input_tokens, (await ask({ tools })).usage.input_tokens);
});

test("calls tools, whole, streamed and back", async () => {
  const asked = { model: speaker.model, messages, tools, max_tokens: 1000 };
  const thinking = { type: "enabled", budget_tokens: 1024 };
  const got = await speaking.messages.create({ ...asked, max_tokens: 2000, thinking });
  assert.deepEqual(got.content.map((block) => block.type), ["thinking", "text", "tool_use"]);
  assert.equal(got.content[0].thinking, "음");
  assert.deepEqual(got.content[2].input, callArguments);
  assert.equal(got.stop_reason, "tool_use");
  const streamed = await speaking.messages.stream(asked).finalMessage();
  assert.deepEqual(streamed.content.map((block) => block.type), ["text", "tool_use"]);
  assert.deepEqual(streamed.content[1].input, callArguments);
  const result = { type: "tool_result", tool_use_id: got.content[2].id, content: [{ type: "text", text: "맑음" }] };
  const history = [...messages, { role: "assistant", content: got.content }, { role: "user", content: [result] }];
  const again = await speaking.messages.create({ ...asked, messages: history });
  assert.ok(again.usage.input_tokens > got.usage.input_tokens);
});

test("runs tools by itself", async () => {
  const seen = [];
  const weather = { ...tools[0], run: (input) => (seen.push(input), "맑음"), parse: (input) => input };
  const asked = { model: speaker.model, messages, tools: [weather], max_tokens: 1000, max_iterations: 2 };
  await speaking.beta.messages.toolRunner(asked).runUntilDone();
  assert.deepEqual(seen, [callArguments, callArguments]);
});

test("keeps to a schema", async () => {
  const only = { properties: { ok: { type: "boolean" } }, required: ["ok"], additionalProperties: false };
  const schema = { type: "object", ...only };
  const got = await ask({ max_tokens: 200, output_config: { format: { type: "json_schema", schema } } });
  assert.deepEqual(Object.keys(JSON.parse(got.content[0].text)), ["ok"]);
});

test("lists models", async () => {
  const ids = [];
  for await (const model of client.models.list()) ids.push(model.id);
  assert.deepEqual(ids, ["tiny", "mean", "rank"]);
  assert.equal((await client.models.retrieve("tiny")).id, "tiny");
});

test("refusals have the client's own types", async () => {
  await assert.rejects(ask({ model: "no-such" }), Anthropic.NotFoundError);
  await assert.rejects(ask({ max_tokens: 0 }), Anthropic.BadRequestError);
  await assert.rejects(ask({ messages: [{ role: "user", content: "x".repeat(9000) }] }), Anthropic.BadRequestError);
  const source = { type: "base64", media_type: "image/png", data: "iVBORw0KGgo=" };
  await assert.rejects(ask({ messages: [{ role: "user", content: [{ type: "image", source }] }] }), /image/);
});
