// The parts of the console that need no browser. esbuild bundles this file with the sources it imports.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { requestMessages } from "../../console/src/chat/conversation";
import { StatsCounter } from "../../console/src/chat/generate";
import { kDefaults, samplingOf } from "../../console/src/chat/settings";
import { Scale, domainFor, extentOf, logTicks, niceTicks, wholeTicks } from "../../console/src/chart/scale";
import { decimate, nearestIndex, sampleRows, smooth, summarise } from "../../console/src/chart/series";
import { takeSentences } from "../../console/src/lib/announce_text";
import { ApiError, pathOf, readErrorBody } from "../../console/src/lib/api";
import { problemOf } from "../../console/src/lib/failure";
import { Format } from "../../console/src/lib/format";
import { chooseLanguage, dictionaries, fill } from "../../console/src/lib/i18n";
import { SseParser } from "../../console/src/lib/sse";
import { figuresOf, pointsOf, progressOf } from "../../console/src/panels/progress";
import { RunFollower } from "../../console/src/panels/run_follower";
import { verdictOf } from "../../console/src/panels/verdict";

const bytes = (text) => new TextEncoder().encode(text);

function parseInChunks(text, size) {
  const parser = new SseParser();
  const all = bytes(text);
  const events = [];
  for (let at = 0; at < all.length; at += size) events.push(...parser.push(all.subarray(at, at + size)));
  return events;
}

test("SSE: the same events whatever the chunks", () => {
  const stream =
    '\uFEFF: hello\r\ndata: {"a":"안녕 🌲"}\r\n\r\nevent: x\rdata:one\rdata: two\r\rid: 4\n\ndata\n\ndata: [DONE]\n\n';
  const expected = ['{"a":"안녕 🌲"}', "one\ntwo", "", "[DONE]"];
  for (let size = 1; size <= bytes(stream).length; size++)
    assert.deepEqual(parseInChunks(stream, size), expected, `chunks of ${size}`);
});

test("SSE: an event is not given before its empty line, and an unfinished one never", () => {
  const parser = new SseParser();
  assert.deepEqual(parser.push(bytes("data: a\n")), []);
  assert.deepEqual(parser.push(bytes("\n")), ["a"]);
  assert.deepEqual(parser.push(bytes("data: b")), []);
});

test("SSE: \\r at the end of a chunk and \\n at the start of the next are one line break", () => {
  const parser = new SseParser();
  assert.deepEqual(parser.push(bytes("data: a\r")), []);
  assert.deepEqual(parser.push(bytes("\ndata: b\r")), []);
  assert.deepEqual(parser.push(bytes("\n\r\n")), ["a\nb"]);
});

test("Ticks are round, rising, within the range, and neither few nor many", () => {
  for (const [low, high] of [
    [0, 1],
    [-3.2, 7.9],
    [0.00021, 0.00024],
    [0, 123456],
    [99.9, 100.1],
    [-5e-9, 5e-9],
    [1e12, 3e12],
  ]) {
    const ticks = niceTicks(low, high, 5);
    assert.ok(ticks.length >= 2 && ticks.length <= 8, `${low}…${high}: ${ticks}`);
    for (const tick of ticks) assert.ok(tick >= low - 1e-12 && tick <= high * (1 + 1e-9), `${tick} in ${low}…${high}`);
    const steps = ticks.slice(1).map((tick, i) => (tick - ticks[i]) / (ticks[1] - ticks[0]));
    for (const step of steps) assert.ok(Math.abs(step - 1) < 1e-6, `even steps: ${ticks}`);
  }
  assert.deepEqual(niceTicks(0, 1, 5), [0, 0.2, 0.4, 0.6, 0.8, 1]);
  assert.deepEqual(niceTicks(0, 0.5, 5), [0, 0.1, 0.2, 0.3, 0.4, 0.5]); // not 0.30000000000000004
  assert.deepEqual(niceTicks(3, 3, 5), [3]);
  assert.deepEqual(niceTicks(NaN, NaN, 5), []);
});

test("Ticks of steps are whole, however few steps there are", () => {
  for (const [low, high] of [
    [1, 2],
    [1, 4],
    [0, 2],
    [1, 3],
    [1, 7],
    [1, 1000],
    [17, 123456],
  ]) {
    const ticks = wholeTicks(low, high, 6);
    assert.ok(ticks.length >= 1 && ticks.length <= 8 && ticks.every(Number.isInteger), `${low}…${high}: ${ticks}`);
  }
  assert.deepEqual(wholeTicks(1, 3, 6), [1, 2, 3]);
});

test("A verdict names the best compressor, and small differences are none", () => {
  const verdict = (value, baselines) => verdictOf({ value, baselines });
  assert.deepEqual(verdict(1.5, { xz: 2, zstd: 2.5 }), { kind: "better", peer: "xz", share: 0.25 });
  assert.deepEqual(verdict(2.5, { zstd: 3, xz: 2 }), { kind: "worse", peer: "xz", share: 1 - 2 / 2.5 });
  assert.equal(verdict(1.99, { xz: 2 }).kind, "level");
  assert.equal(verdict(2.01, { xz: 2 }).kind, "level");
  const unsaid = [
    [1, {}],
    [1, undefined],
    [0, { xz: 1 }],
    [1, { xz: 0 }],
    [null, { xz: 1 }],
  ];
  for (const one of unsaid) assert.equal(verdict(...one), null);
});

test("Errors have words for people whatever the server sends", () => {
  for (const [status, code] of [
    [400, "context_length_exceeded"],
    [400, "no such code"],
    [401, "invalid_api_key"],
    [404, "model_not_found"],
    [418, null],
    [429, null],
    [500, "internal"],
    [503, "toString"],
    [200, "internal"],
    [0, "unreachable"],
  ]) {
    const problem = problemOf(new ApiError("the engine said so", status, code));
    assert.ok(problem.message.length > 10 && !problem.message.includes("engine"), `${status} ${code}`);
    assert.equal(problem.detail, "the engine said so");
    assert.equal(problem.needsKey, status === 401);
  }
  assert.match(problemOf(new TypeError("x is undefined")).message, /this page/);
});

test("Logarithmic ticks: powers over many decades, finer within few, none for what is not positive", () => {
  assert.deepEqual(
    logTicks(1, 1000, 4),
    [1, 3, 10, 30, 100, 300, 1000].filter((_, i) => i % 2 === 0),
  );
  assert.deepEqual(logTicks(1, 10, 5), [1, 2, 5, 10]);
  const wide = logTicks(1e-8, 1e8, 5);
  assert.ok(
    wide.length >= 3 && wide.length <= 6 && wide.every((tick) => Number.isInteger(Math.log10(tick))),
    `${wide}`,
  );
  assert.ok(logTicks(3.1, 3.4, 5).length >= 2);
  assert.deepEqual(logTicks(0, 10, 5), []);
});

test("Scales map there and back", () => {
  for (const log of [false, true]) {
    const scale = new Scale({ low: 2, high: 32 }, 200, 0, log);
    assert.equal(scale.map(2), 200);
    assert.equal(scale.map(32), 0);
    for (const value of [2, 3.7, 8, 31]) assert.ok(Math.abs(scale.invert(scale.map(value)) - value) < 1e-9);
  }
  assert.equal(new Scale({ low: 2, high: 32 }, 0, 100, true).map(8), 50);
});

test("Domains hold their values and are never empty", () => {
  for (const [low, high] of [
    [5, 5],
    [0, 0],
    [-2, 7],
    [1e-4, 1e3],
  ]) {
    for (const options of [{}, { zero: true }, ...(low > 0 ? [{ log: true }] : [])]) {
      const domain = domainFor({ low, high }, options);
      assert.ok(
        domain.low <= low && domain.high >= high && domain.low < domain.high,
        JSON.stringify([low, high, options, domain]),
      );
      if (options.log) assert.ok(domain.low > 0);
    }
  }
  assert.equal(domainFor({ low: 3, high: 9 }, { zero: true }).low, 0);
  assert.deepEqual(extentOf([3, NaN, -1, Infinity]), { low: -1, high: 3 });
  assert.equal(extentOf([NaN]), null);
});

test("Smoothing keeps a constant, follows a step, and weight 0 changes nothing", () => {
  assert.ok(smooth([4, 4, 4, 4], 0.9).every((value) => Math.abs(value - 4) < 1e-12));
  assert.deepEqual(smooth([1, 5, 2], 0), [1, 5, 2]);
  const step = smooth([0, 0, 1, 1, 1, 1, 1, 1], 0.5);
  assert.ok(step[2] > 0.3 && step[2] < 0.7 && step[7] > 0.97);
  assert.ok(Number.isNaN(smooth([1, NaN, 1], 0.5)[1]));
});

test("Thinning out keeps ends and spikes", () => {
  const x = Array.from({ length: 10_000 }, (_, i) => i);
  const y = x.map((i) => (i === 7777 ? 100 : Math.sin(i)));
  const thin = decimate({ x, y }, 200);
  assert.ok(thin.x.length <= 402);
  assert.ok(thin.y.includes(100));
  assert.equal(thin.x[0], 0);
  assert.equal(thin.x[thin.x.length - 1], 9999);
  assert.deepEqual(
    thin.x,
    [...thin.x].sort((a, b) => a - b),
  );
});

test("The nearest point, a summary, and rows for a table", () => {
  assert.deepEqual(
    [-5, 0, 4, 6, 99].map((x) => nearestIndex([0, 5, 10], x)),
    [0, 0, 1, 1, 2],
  );
  assert.equal(nearestIndex([], 3), -1);
  assert.deepEqual(summarise({ x: [1, 2, 3], y: [5, 2, NaN] }), { first: 5, last: 2, low: 2, high: 5, lowAt: 2 });
  assert.equal(summarise({ x: [1], y: [NaN] }), null);
  const rows = sampleRows({ x: [...Array(1000).keys()], y: [...Array(1000).keys()] }, 50);
  assert.ok(rows.length <= 50);
  assert.deepEqual(rows[rows.length - 1], [999, 999]);
});

test("Every text exists in both languages, with the same holes", () => {
  const holes = (text) => [...new Set([...text.matchAll(/\{(\w+)/g)].map((found) => found[1]))].sort();
  assert.deepEqual(Object.keys(dictionaries.ko).sort(), Object.keys(dictionaries.en).sort());
  for (const key of Object.keys(dictionaries.en)) {
    assert.notEqual(dictionaries.ko[key].trim(), "", key);
    assert.deepEqual(holes(dictionaries.ko[key]), holes(dictionaries.en[key]), key);
  }
});

test("Korean is Korean: a text without Hangul is a sign, a name or an abbreviation", () => {
  const allowed = ["data.dropped", "live.ms", "series.mfu", "settings.topP"];
  const foreign = Object.keys(dictionaries.ko).filter((key) => !/[가-힣]/.test(dictionaries.ko[key]));
  assert.deepEqual(foreign.sort(), allowed);
});

test("Holes are filled, words follow the number, and values are not templates", () => {
  assert.equal(fill("{n} {n?token:tokens}", { n: 1 }), "1 token");
  assert.equal(fill("{n} {n?token:tokens}", { n: "2,000" }), "2,000 tokens");
  assert.equal(fill("{id}!", { id: "{id}$&" }), "{id}$&!");
  assert.equal(fill("{unknown}", {}), "{unknown}");
});

test("The language: the stored one, else the browser's first that we speak, else English", () => {
  assert.equal(chooseLanguage("ko", ["en-US"]), "ko");
  assert.equal(chooseLanguage(null, ["ko-KR", "en"]), "ko");
  assert.equal(chooseLanguage(null, ["de", "ko", "en"]), "ko");
  assert.equal(chooseLanguage(null, ["en-GB", "ko"]), "en");
  assert.equal(chooseLanguage("xx", ["fr"]), "en");
});

test("Numbers for people", () => {
  const en = new Format("en");
  assert.equal(en.whole(1234567), "1,234,567");
  assert.equal(en.significant(0.000393, 3), "3.93e-4");
  assert.equal(en.significant(0, 3), "0");
  assert.equal(en.compact(12_582_912), "12.6M");
  assert.deepEqual(
    [0, 999, 1000, 5_012_345].map((n) => en.bytes(n)),
    ["0 B", "999 B", "1 kB", "5.01 MB"],
  );
  for (const value of [null, undefined, NaN, Infinity, "3"]) assert.equal(en.significant(value), "–");
});

test("Errors: OpenAI's form is read, anything else is not", () => {
  assert.deepEqual(readErrorBody('{"error":{"message":"m","type":"t","param":null,"code":"c"}}'), {
    message: "m",
    code: "c",
  });
  assert.deepEqual(readErrorBody('{"error":{"message":"m","code":null}}'), { message: "m", code: null });
  for (const text of ["", "<html>", "null", "[]", '{"error":"x"}', '{"error":{"message":3}}'])
    assert.equal(readErrorBody(text), null);
});

test("Names from the server cannot leave their place in an address", () => {
  assert.equal(
    pathOf("maru", "runs", "../a b?c#d/한", "metrics"),
    "/v1/maru/runs/..%2Fa%20b%3Fc%23d%2F%ED%95%9C/metrics",
  );
});

test("Requests: the system prompt first, empty answers left out, a seed only when chosen", () => {
  const messages = [
    { role: "user", content: "a" },
    { role: "assistant", content: "" },
    { role: "user", content: "b" },
  ];
  assert.deepEqual(
    requestMessages(" ", messages).map((one) => one.content),
    ["a", "b"],
  );
  assert.deepEqual(requestMessages("be kind", messages)[0], { role: "system", content: "be kind" });
  assert.ok(!("seed" in samplingOf(kDefaults)));
  assert.equal(samplingOf({ ...kDefaults, seed: 0 }).seed, 0);
});

test("Reasoning is told from the answer", () => {
  const counter = new StatsCounter(0);
  const take = (delta) => counter.take({ choices: [{ delta }] }, 1);
  const pieces = [{ role: "assistant" }, { reasoning: "so", reasoning_content: "so" }, { content: "Yes" }];
  assert.deepEqual(pieces.map(take), [
    { text: "", reasoning: "" },
    { text: "", reasoning: "so" },
    { text: "Yes", reasoning: "" },
  ]);
  assert.equal(counter.stats().completionTokens, 2);
});

test("Figures: the server's counts, else pieces; the rate leaves out the first token", () => {
  const counter = new StatsCounter(1000);
  const piece = (content) => ({ choices: [{ delta: { content }, finish_reason: null }] });
  counter.take({ choices: [{ delta: { role: "assistant" } }] }, 1050);
  counter.take(piece("가"), 1100);
  counter.take(piece("나"), 1200);
  counter.take({ choices: [{ delta: {}, finish_reason: "length" }] }, 1300);
  assert.deepEqual(counter.stats(), {
    promptTokens: null,
    completionTokens: 2,
    counted: false,
    firstTokenSeconds: 0.1,
    tokensPerSecond: 10,
    finishReason: "length",
  });
  counter.take({ choices: [], usage: { prompt_tokens: 7, completion_tokens: 5 } }, 1301);
  const { promptTokens, completionTokens, counted, tokensPerSecond } = counter.stats();
  assert.deepEqual([promptTokens, completionTokens, counted, tokensPerSecond], [7, 5, true, 40]);
});

test("Speech: whole sentences, in order, and nothing lost", () => {
  const text = "첫 문장입니다. 둘째는 3.5 배입니다! 끝은 아직";
  let rest = "";
  const said = [];
  for (const c of text) {
    const taken = takeSentences(rest + c);
    said.push(...taken.sentences);
    rest = taken.rest;
  }
  assert.deepEqual(said, ["첫 문장입니다.", "둘째는 3.5 배입니다!"]);
  assert.equal(rest.trim(), "끝은 아직");
});

test("Time left: the present pace, and a resume does not count", () => {
  const row = (step, seconds) => ({ step, seconds, loss: 1 });
  const run = { id: "r", state: "running", steps: 100 };
  assert.equal(progressOf(run, [row(1, 2), row(2, 4), row(3, 6)]).secondsLeft, 194);
  assert.equal(progressOf(run, [row(1, 200), row(2, 202), row(3, 1), row(4, 3)]).secondsLeft, 192);
  assert.equal(progressOf(run, [row(1, 2)]).secondsLeft, null);
  assert.equal(progressOf({ ...run, state: "finished" }, [row(1, 2), row(2, 4)]).secondsLeft, null);
  const told = { step: 1, validation_loss: 3, validation_reward: 0.5, validation_bits_per_byte: 1 };
  assert.deepEqual(figuresOf([{ ...row(1, 1), margin: 2 }, told]), ["margin", "reward"]);
  assert.deepEqual(pointsOf([row(1, 1), { step: 1, validation_loss: 3 }, { step: 2, loss: null }], "loss"), {
    x: [1],
    y: [1],
  });
});

/** Relative luminance and contrast as WCAG 2.1 defines them. */
function contrast(a, b) {
  const luminance = (hex) => {
    const [r, g, bl] = [1, 3, 5]
      .map((at) => parseInt(hex.slice(at, at + 2), 16) / 255)
      .map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * bl;
  };
  const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (light + 0.05) / (dark + 0.05);
}

test("Colours: text 4.5 : 1 and curves 3 : 1 on every ground, light and dark", () => {
  const css = readFileSync("console/src/styles/tokens.css", "utf8");
  for (const block of css.split("}").slice(0, 2)) {
    const colour = Object.fromEntries(
      [...block.matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)].map((found) => [found[1], found[2]]),
    );
    const pairs = ["bg", "surface", "sunken"].flatMap((ground) =>
      ["ink", "ink-2", "ink-3"].map((ink) => [ink, ground, 4.5]),
    );
    pairs.push(
      ["on-accent", "accent", 4.5],
      ["accent-ink", "accent-soft", 4.5],
      ["accent-ink", "bg", 4.5],
      ["danger", "danger-soft", 4.5],
      ["warm-ink", "warm-soft", 4.5],
      ["ink", "raised", 4.5],
      ["line-strong", "surface", 3],
      ["accent", "bg", 3],
      ["tone-2", "surface", 4.5],
      ["warm-ink", "surface", 4.5],
      ["bg", "ink", 4.5],
      ...[0, 1, 2, 3, 4].map((n) => ["ink", `band-${n}`, 4.5]),
      ...[1, 2, 3, 4, 5].map((n) => [`tone-${n}`, "surface", 3]),
    );
    for (const [ink, ground, least] of pairs) {
      const measured = contrast(colour[ink], colour[ground]);
      assert.ok(measured >= least, `${ink} on ${ground}: ${measured.toFixed(2)}, expected ${least}`);
    }
  }
});

/** A follower whose questions are answered in turn, and the positions that it asked from. */
function followed(...answers) {
  const asked = [];
  const follower = new RunFollower("a b", (path) => {
    asked.push(/^\/v1\/maru\/runs\/a%20b\/metrics\?position=([^&]*)&points=4000$/.exec(path)[1]);
    const answer = answers.shift();
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  });
  return { follower, asked, steps: () => follower.rows.map((row) => row.step) };
}

const steps = (first, last) => Array.from({ length: last - first + 1 }, (_, i) => ({ step: first + i }));

test("A run is followed from where the last answer ended, at once while there is more", async () => {
  const part = { rows: steps(1, 2), position: "20-a", more: true };
  const end = { rows: steps(3, 3), position: "30-b", more: false };
  const { follower, asked, steps: held } = followed(part, end, { rows: [], position: "30-b" });
  assert.equal(await follower.ask(), true);
  assert.equal(await follower.ask(), false);
  assert.deepEqual(asked, ["0", "20-a", "30-b"]);
  assert.deepEqual(held(), [1, 2, 3]);
});

test("A run that was written anew is held anew, also when nothing of it is left", async () => {
  const {
    follower,
    asked,
    steps: held,
  } = followed(
    { rows: steps(1, 9), position: "90-a" },
    { rows: steps(1, 4), position: "40-b", restarted: true },
    { rows: [], position: "0", restarted: true },
  );
  for (const expected of [9, 4, 0]) {
    assert.equal(await follower.ask(), true);
    assert.equal(held().length, expected);
  }
  assert.deepEqual(asked, ["0", "90-a", "40-b"]);
});

test("Rows that came before a question failed are told of after it", async () => {
  const { follower, steps: held } = followed(
    { rows: steps(1, 2), position: "20-a", more: true },
    new ApiError("", 0, "unreachable"),
    { rows: [], position: "20-a", more: true },
  );
  await assert.rejects(follower.ask());
  assert.equal(await follower.ask(), true);
  assert.deepEqual(held(), [1, 2]);
});

test("Who has watched long asks for the whole run in fewer rows", async () => {
  const {
    follower,
    asked,
    steps: held,
  } = followed({ rows: steps(1, 16_001), position: "160-a" }, { rows: steps(1, 4000), position: "170-b" });
  await follower.ask();
  await follower.ask();
  assert.deepEqual(asked, ["0", "0"]);
  assert.equal(held().length, 4000);
});
