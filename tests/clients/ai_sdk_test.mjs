// The Vercel AI SDK against the server: its providers for OpenAI (chats, responses, completions), for servers that are
// compatible with it, and for Anthropic.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import {
  APICallError, embed, embedMany, generateObject, generateText, Output, stepCountIs, streamObject, streamText, tool,
} from "ai";
import { z } from "zod";

import { call, callArguments, serve } from "./server.mjs";

globalThis.AI_SDK_LOG_WARNINGS = false; // that it knows no such model, and what Anthropic's have no use for

const prompt = "안녕하세요";
const verdict = z.object({ fine: z.boolean(), colour: z.enum(["red", "green"]) });
const said = { fine: true, colour: "red" };
const inputSchema = z.object({ city: z.string(), days: z.number() });

let servers;

const openai = (of) => createOpenAI({ baseURL: `${of.url}/v1`, apiKey: "none" });
const all = { includeUsage: true, supportsStructuredOutputs: true };
const compatible = (of) => createOpenAICompatible({ name: "maru", baseURL: `${of.url}/v1`, ...all });
const anthropic = (of) => createAnthropic({ baseURL: `${of.url}/v1`, apiKey: "none" });
const ways = {
  "openai.chat": (of) => openai(of).chat(of.model),
  "openai.responses": (of) => openai(of).responses(of.model),
  compatible: (of) => compatible(of)(of.model),
  anthropic: (of) => anthropic(of)(of.model),
};

before(async () => {
  const [tiny, calls, fine, thinks] = await Promise.all([
    serve(), serve(call), serve(JSON.stringify(said)), serve("<think>\n음\n</think>\n\n네"),
  ]);
  servers = { tiny, calls, fine, thinks };
});

after(() => Promise.all(Object.values(servers).map((server) => server.stop())));

// Of a model of Anthropic's that it does not know, it asks for objects by a tool unless it is told otherwise.
const providerOptions = { anthropic: { structuredOutputMode: "outputFormat" } };
const plain = { prompt, maxOutputTokens: 16, temperature: 0, maxRetries: 0 };
const asked = (model, more = {}) => ({ model, ...plain, providerOptions, ...more });

for (const [name, way] of Object.entries(ways)) {
  test(`smoke: ${name} answers`, async () => {
    const got = await generateText(asked(way(servers.tiny), { system: "친절하게" }));
    assert.ok(got.text);
    assert.ok(["length", "stop"].includes(got.finishReason), got.finishReason);
    assert.ok(got.usage.outputTokens > 0 && got.usage.outputTokens <= 16);
  });

  test(`${name} streams what it would answer whole`, async () => {
    const whole = await generateText(asked(way(servers.tiny)));
    const stream = streamText(asked(way(servers.tiny)));
    const pieces = [];
    for await (const piece of stream.textStream) pieces.push(piece);
    assert.equal(pieces.join(""), whole.text);
    assert.ok(pieces.length > 3);
    assert.equal(await stream.finishReason, whole.finishReason);
    assert.equal((await stream.usage).outputTokens, whole.usage.outputTokens);
  });

  test(`${name} makes an object of a random model's answer`, async () => {
    const got = await generateObject(asked(way(servers.tiny), { schema: verdict, maxOutputTokens: 300 }));
    assert.deepEqual(Object.keys(got.object).sort(), ["colour", "fine"]);
  });

  test(`${name} makes one by a tool where it knows no better`, async () => {
    const got = await generateObject({ model: way(servers.tiny), ...plain, schema: verdict, maxOutputTokens: 300 });
    assert.deepEqual(Object.keys(got.object).sort(), ["colour", "fine"]);
  });

  test(`${name} streams an object`, async () => {
    const stream = streamObject(asked(way(servers.fine), { schema: verdict, maxOutputTokens: 300 }));
    const parts = [];
    for await (const part of stream.partialObjectStream) parts.push(part);
    assert.deepEqual(parts.at(-1), said);
    assert.deepEqual(await stream.object, said);
  });

  test(`${name} runs tools`, async () => {
    const seen = [];
    const execute = (input) => (seen.push(input), "맑음");
    const tools = { weather: tool({ description: "d", inputSchema, execute }) };
    const more = { tools, maxOutputTokens: 400, stopWhen: stepCountIs(2) };
    const got = await generateText(asked(way(servers.calls), more));
    assert.deepEqual(seen, [callArguments, callArguments], "the model calls it again when it has an answer");
    assert.equal(got.steps.length, 2);
    assert.equal(got.finishReason, "tool-calls");
    assert.ok(got.steps[1].usage.inputTokens > got.steps[0].usage.inputTokens);
    const stream = streamText(asked(way(servers.calls), { ...more, stopWhen: stepCountIs(1) }));
    await stream.consumeStream();
    assert.deepEqual((await stream.toolCalls).map((made) => made.input), [callArguments]);
  });

  test(`${name} must call`, async () => {
    const tools = { weather: tool({ inputSchema }) };
    for (const toolChoice of ["required", { type: "tool", toolName: "weather" }]) {
      const got = await generateText(asked(way(servers.calls), { tools, toolChoice, maxOutputTokens: 400 }));
      assert.deepEqual(got.toolCalls.map((made) => [made.toolName, made.input]), [["weather", callArguments]]);
    }
  });

  test(`${name} calls tools, then answers in a form`, async () => {
    const tools = { weather: tool({ inputSchema }) };
    const more = { tools, maxOutputTokens: 400, output: Output.object({ schema: verdict }) };
    const called = await generateText(asked(way(servers.calls), more));
    assert.deepEqual(called.toolCalls.map((made) => made.input), [callArguments]);
    assert.deepEqual((await generateText(asked(way(servers.fine), more))).output, said);
  });

  test(`${name}'s refusals`, async () => {
    const refused = (status) => (error) => APICallError.isInstance(error) && error.statusCode === status;
    await assert.rejects(generateText(asked(way({ ...servers.tiny, model: "no-such" }))), refused(404));
    await assert.rejects(generateText(asked(way(servers.tiny), { prompt: "x".repeat(9000) })), refused(400));
    const image = { type: "image", image: Buffer.from("iVBORw0KGgo=", "base64"), mediaType: "image/png" };
    const messages = [{ role: "user", content: [{ type: "text", text: "what?" }, image] }];
    const { prompt: _, ...more } = asked(way(servers.tiny), { messages });
    await assert.rejects(generateText(more), refused(400));
  });
}

test("reasoning is told apart", async () => {
  const compatibly = await generateText(asked(ways.compatible(servers.thinks), { maxOutputTokens: 300 }));
  assert.deepEqual([compatibly.text, compatibly.reasoningText], ["네", "음"]);
  const streamed = streamText(asked(ways.compatible(servers.thinks), { maxOutputTokens: 300 }));
  await streamed.consumeStream();
  assert.deepEqual([await streamed.text, await streamed.reasoningText], ["네", "음"]);
  // Of responses it reads summaries of reasoning alone, which this server does not write.
  const responded = await generateText(asked(ways["openai.responses"](servers.thinks), { maxOutputTokens: 300 }));
  assert.deepEqual([responded.text, responded.reasoning.length], ["네", 1]);
  const providerOptions = { anthropic: { thinking: { type: "enabled", budgetTokens: 1024 } } };
  const got = await generateText(asked(ways.anthropic(servers.thinks), { maxOutputTokens: 300, providerOptions }));
  assert.deepEqual([got.text, got.reasoningText], ["네", "음"]);
});

test("completes texts", async () => {
  for (const model of [openai(servers.tiny).completion("tiny"), compatible(servers.tiny).completionModel("tiny")]) {
    const whole = (await generateText(asked(model))).text;
    let text = "";
    for await (const piece of streamText(asked(model)).textStream) text += piece;
    assert.ok(whole);
    assert.equal(text, whole);
  }
});

test("embeds", async () => {
  for (const model of [openai(servers.tiny).embedding("mean"), compatible(servers.tiny).embeddingModel("mean")]) {
    const { embeddings, usage } = await embedMany({ model, values: ["how to save a file", "the file"] });
    assert.deepEqual(embeddings.map((vector) => vector.length), [32, 32]);
    assert.ok(usage.tokens > 0);
    assert.deepEqual((await embed({ model, value: "the file" })).embedding, embeddings[1]);
  }
});
