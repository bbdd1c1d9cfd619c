// The playground and the server's page without a browser: requests, code that asks the same, answers, metrics.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { checkJson } from "../../console/src/lib/json_check";
import { letterOf } from "../../console/src/lib/keys";
import { addBuckets, bucketsBetween, parseExposition, quantile } from "../../console/src/live/exposition";
import { History, between, stateOf, total } from "../../console/src/live/history";
import { Answer, bandOf, shownToken } from "../../console/src/playground/answer";
import { requestOf, stopsOf } from "../../console/src/playground/request";
import { snippet } from "../../console/src/playground/snippets";
import { kBlank, kSchemaExample, kToolsExample } from "../../console/src/playground/state";
import { calm, exposition } from "./mock_data.mjs";

test("JSON: what JSON.parse takes is taken, and the first mistake has its place", () => {
  for (const text of ['{"a":[1,-2.5e3,"x\\n",true,null,{}],"b":{}}', " [ ] ", '"가"', "0", "[[[]],{}]"])
    assert.deepEqual(checkJson(text), { value: JSON.parse(text) });
  for (const [text, line, column, expected] of [
    ["", 1, 1, "value"],
    ["{", 1, 2, "name"],
    ["{a:1}", 1, 2, "name"],
    ['{"a" 1}', 1, 6, "colon"],
    ['{"a":}', 1, 6, "value"],
    ['{\n "a": 1\n "b": 2}', 3, 2, "commaOrEnd"],
    ["[1,]", 1, 4, "value"],
    ['{"a":1,}', 1, 8, "name"],
    ["[01]", 1, 2, "number"],
    ["[1.]", 1, 2, "number"],
    ['"a\nb"', 1, 3, "string"],
    ['"\\x"', 1, 2, "string"],
    ["[1] x", 1, 5, "end"],
    ["[1}", 1, 3, "commaOrEnd"],
    ["tru", 1, 1, "value"],
  ])
    assert.deepEqual(checkJson(text), { line, column, expected }, text);
});

test("JSON: every broken form of a text is refused, as JSON.parse does", () => {
  const text = '{"a": [1, "b\\u00e9", {"c": null}], "d": -0.5e-3}';
  for (let at = 0; at < text.length; at++) {
    for (const broken of [
      text.slice(0, at),
      text.slice(0, at) + text.slice(at + 1),
      `${text.slice(0, at)}}${text.slice(at)}`,
    ]) {
      let parsed = true;
      try {
        JSON.parse(broken);
      } catch {
        parsed = false;
      }
      assert.equal("value" in checkJson(broken), parsed, broken);
    }
  }
  assert.ok("value" in checkJson("[".repeat(5000) + "]".repeat(5000)));
});

test("Keys mean the same under a Korean layout", () => {
  assert.equal(letterOf("ㅜ", "KeyN"), "n");
  assert.equal(letterOf("N", "KeyN"), "n");
  assert.equal(letterOf("?", "Slash"), "?");
  assert.equal(letterOf("r", "KeyN"), "r", "the layout of the user counts, not the key's place");
  assert.equal(letterOf("Enter", "Enter"), "Enter");
});

const state = (more) => ({ ...kBlank, prompt: "안녕", ...more });

test("Requests: only what was chosen, each field in its form", () => {
  assert.deepEqual(requestOf(state({ numbers: {} }), "m"), {
    path: "/v1/chat/completions",
    body: { model: "m", messages: [{ role: "user", content: "안녕" }] },
    faults: [],
  });
  const { body, faults } = requestOf(
    state({
      system: "s",
      numbers: { temperature: 0, top_k: -1, n: 2, seed: 0 },
      stop: "a\n\\n\\n",
      logit_bias: '{"5": -100}',
      ignore_eos: true,
      logprobs: true,
      top_logprobs: 3,
      form: "json_schema",
      schema: kSchemaExample,
      tools: kToolsExample,
      tool_choice: "required",
    }),
    "m",
  );
  assert.deepEqual(faults, []);
  assert.deepEqual(body.messages[0], { role: "system", content: "s" });
  const { temperature, top_k, n, seed, stop, logit_bias, ignore_eos, logprobs, top_logprobs, tool_choice } = body;
  assert.deepEqual(
    { temperature, top_k, n, seed, stop, logit_bias, ignore_eos, logprobs, top_logprobs, tool_choice },
    {
      temperature: 0,
      top_k: -1,
      n: 2,
      seed: 0,
      stop: ["a", "\n\n"],
      logit_bias: { 5: -100 },
      ignore_eos: true,
      logprobs: true,
      top_logprobs: 3,
      tool_choice: "required",
    },
  );
  assert.equal(body.response_format.json_schema.schema.type, "object");
  assert.equal(body.tools[0].function.name, "get_weather");
  assert.deepEqual(stopsOf("\\\\n\n\n"), ["\\n"]);
});

test("Requests: completions have a prompt, a number of log-probabilities, and no tools", () => {
  const { path, body } = requestOf(state({ kind: "complete", logprobs: true, tools: kToolsExample, numbers: {} }), "m");
  assert.equal(path, "/v1/completions");
  assert.deepEqual(body, { model: "m", prompt: "안녕", logprobs: 5 });
});

test("Requests: calls and their results are turns", () => {
  const calls = [{ id: "c1", name: "f", arguments: "{}" }];
  const turns = [
    { role: "assistant", content: null, calls },
    { role: "tool", content: "맑음", callId: "c1" },
  ];
  assert.deepEqual(requestOf(state({}), "m", turns).body.messages.slice(1), [
    {
      role: "assistant",
      content: null,
      tool_calls: [{ id: "c1", type: "function", function: { name: "f", arguments: "{}" } }],
    },
    { role: "tool", tool_call_id: "c1", content: "맑음" },
  ]);
});

test("Requests: what is wrong is said by its field", () => {
  const faults = (more) => requestOf(state(more), "m").faults.map(({ field, key }) => `${field} ${key}`);
  assert.deepEqual(faults({ form: "json_schema", schema: "{" }), ["schema json.name"]);
  assert.deepEqual(faults({ form: "json_schema", schema: "[]" }), ["schema playground.badSchema"]);
  assert.deepEqual(faults({ tools: "{}" }), ["tools playground.badTools"]);
  assert.deepEqual(faults({ tools: '[{"type":"function","function":{}}]' }), ["tools playground.badTool"]);
  assert.deepEqual(faults({ logit_bias: '{"a": 1}' }), ["logit_bias playground.badBias"]);
  assert.deepEqual(faults({ logit_bias: '{"1": 101}' }), ["logit_bias playground.badBias"]);
  assert.deepEqual(faults({ stop: "a\n".repeat(17) }), ["stop playground.manyStops"]);
});

const kTrying = `it's "quoted" \\ $HOME \`id\` \${x} %s {y}\n한글 😀 </script>\u2028`;
const trying = () =>
  requestOf(
    state({
      system: kTrying,
      prompt: kTrying,
      numbers: { top_k: 5, min_p: 0.1, temperature: 0.5 },
      ignore_eos: true,
      tools: kToolsExample,
    }),
    "m'\"",
  );

/** Runs a program with a folder of its own; answers its JSON. */
function runs(files, command, ...args) {
  const folder = mkdtempSync(join(tmpdir(), "maru-snippet-"));
  try {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(join(folder, name, ".."), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
    const env = { ...process.env, MARU_API_KEY: "k", PYTHONPATH: folder, PATH: `${folder}/bin:${process.env.PATH}` };
    return JSON.parse(execFileSync(command, args, { cwd: folder, env, encoding: "utf8" }));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("Code: a shell runs the curl command as it stands", () => {
  const { path, body } = trying();
  const text = snippet("curl", "http://h:1", path, body);
  const print = "import json, sys; print(json.dumps(sys.argv[1:]))";
  const fake = `#!/bin/sh\nexec python3 -c '${print}' "$@"\n`;
  const given = runs({ "bin/curl": fake, "run.sh": `chmod +x bin/curl\n${text}` }, "bash", "run.sh");
  assert.equal(given[0], "http://h:1/v1/chat/completions");
  assert.ok(given.includes("Authorization: Bearer k"));
  assert.deepEqual(JSON.parse(given[given.length - 1]), body);
});

test("Code: Python calls the client with the same fields, those that it does not know in extra_body", () => {
  const stub = `
import json
class _Create:
    def create(self, **fields): return _Answer(fields)
class _Answer:
    def __init__(self, fields): self.fields = fields
    def model_dump_json(self, indent): return json.dumps({"client": OpenAI.given, "fields": self.fields})
class OpenAI:
    def __init__(self, **given):
        OpenAI.given = given
        self.completions = _Create()
        self.chat = self
`;
  const { path, body } = trying();
  const given = runs({ "openai.py": stub, "run.py": snippet("python", "http://h:1", path, body) }, "python3", "run.py");
  assert.deepEqual(given.client, { base_url: "http://h:1/v1", api_key: "k" });
  const { extra_body, ...fields } = given.fields;
  assert.deepEqual(extra_body, { top_k: 5, min_p: 0.1, ignore_eos: true });
  assert.deepEqual({ ...fields, ...extra_body }, body);
});

test("Code: JavaScript calls the client with the same fields", () => {
  const stub = `export default class OpenAI {
    constructor(given) { this.given = given; this.completions = { create: () => null };
      this.chat = { completions: { create: async (fields) => ({ client: given, fields }) } }; } }`;
  const { path, body } = trying();
  const files = {
    "node_modules/openai/package.json": '{"name": "openai", "type": "module", "exports": "./index.js"}',
    "node_modules/openai/index.js": stub,
    "run.mjs": snippet("javascript", "http://h:1", path, body),
  };
  const given = runs(files, "node", "run.mjs");
  assert.deepEqual(given, { client: { baseURL: "http://h:1/v1", apiKey: "k" }, fields: body });
  const old = snippet("javascript", "http://h:1", "/v1/completions", { prompt: "a" });
  assert.match(old, /client\.completions\.create/);
});

test("Answers: choices, reasoning, calls in pieces, probabilities of both forms", () => {
  const answer = new Answer();
  const call = (part) => ({ choices: [{ index: 1, delta: { tool_calls: [{ index: 0, ...part }] } }] });
  answer.take({ choices: [{ index: 1, delta: { role: "assistant", content: "" } }], warnings: ["w"] });
  answer.take({ choices: [{ index: 0, delta: { reasoning: "r", reasoning_content: "r" } }] });
  answer.take({
    choices: [
      {
        index: 0,
        delta: { content: "가" },
        logprobs: { content: [{ token: "가", logprob: -1, top_logprobs: [{ token: "나", logprob: -2 }] }] },
      },
    ],
  });
  answer.take(call({ id: "c1", type: "function", function: { name: "f", arguments: "" } }));
  answer.take(call({ function: { arguments: '{"a"' } }));
  answer.take(call({ function: { arguments: ": 1}" } }));
  assert.deepEqual(answer.take({ choices: [{ index: 1, delta: {}, finish_reason: "tool_calls" }] }), [1]);
  assert.deepEqual(answer.take({ choices: [], usage: {} }), []);
  assert.deepEqual(answer.choices[0], {
    text: "가",
    reasoning: "r",
    calls: [],
    tokens: [{ token: "가", logprob: -1, top: [{ token: "나", logprob: -2 }] }],
    finish: null,
  });
  assert.deepEqual(answer.choices[1].calls, [{ id: "c1", name: "f", arguments: '{"a": 1}' }]);
  assert.equal(answer.choices[1].finish, "tool_calls");
  assert.deepEqual(answer.warnings, ["w"]);
  const old = new Answer();
  const logprobs = {
    tokens: ["a", "b"],
    token_logprobs: [null, -1],
    top_logprobs: [null, { c: -3, b: -1 }],
    text_offset: [0, 1],
  };
  old.take({ choices: [{ index: 0, text: "ab", logprobs }] });
  assert.deepEqual(
    old.choices[0].tokens[1].top.map((one) => one.token),
    ["b", "c"],
  );
});

test("Tokens: bands by probability, blanks by signs", () => {
  assert.deepEqual(
    [0, 0.04, 0.05, 0.3, 0.5, 0.9, 1].map((p) => bandOf(Math.log(p))),
    [0, 0, 1, 2, 3, 4, 4],
  );
  assert.equal(shownToken(" a\n\t"), "␣a⏎⇥");
  assert.equal(shownToken(""), "∅");
});

test("Metrics: labels with every escape, infinities, comments, and lines that are none", () => {
  const text =
    '# HELP a b\n# TYPE a gauge\na 1\na{m="x\\"y\\\\z\\n,}",n="2"} 2.5 1700000000\n\n' +
    'b{le="+Inf"} +Inf\nbad line here\nc NaN\n';
  const samples = parseExposition(text);
  assert.deepEqual(samples.slice(0, 3), [
    { name: "a", labels: {}, value: 1 },
    { name: "a", labels: { m: 'x"y\\z\n,}', n: "2" }, value: 2.5 },
    { name: "b", labels: { le: "+Inf" }, value: Infinity },
  ]);
  assert.equal(samples.length, 4);
});

test("Quantiles: linear within a bucket, as Prometheus has them", () => {
  const buckets = { bounds: [0.1, 1, 10, Infinity], counts: [10, 90, 100, 100] };
  assert.equal(quantile(0.5, buckets), 0.1 + 0.9 * 0.5);
  assert.equal(quantile(0.05, buckets), 0.05);
  assert.equal(quantile(0.95, buckets), 1 + 9 * 0.5);
  assert.equal(quantile(0.99, { bounds: [1, Infinity], counts: [1, 100] }), 1, "beyond the last bound: that bound");
  assert.equal(quantile(0.5, { bounds: [1, Infinity], counts: [0, 0] }), null);
  assert.equal(quantile(0.5, { bounds: [], counts: [] }), null);
});

test("Between two states: counters that fell began anew", () => {
  const early = { bounds: [1, Infinity], counts: [5, 9] };
  const late = { bounds: [1, Infinity], counts: [7, 12] };
  assert.deepEqual(bucketsBetween(early, late).counts, [2, 3]);
  assert.deepEqual(bucketsBetween(late, early).counts, [5, 9]);
  assert.deepEqual(addBuckets(early, late).counts, [12, 21]);
  const at = (seconds, load) => stateOf(parseExposition(exposition({ ...calm, ...load })), seconds);
  const step = between(at(10, {}), at(12, { prompt: 1200, generated: 700, reused: 300, preempted: 2 }), null);
  assert.deepEqual([step.promptRate, step.generatedRate, step.hits, step.preemptions], [100, 100, 0.25, 2]);
  assert.equal(between(at(10, {}), at(12, { generated: 40 }), null).generatedRate, 20, "a server that began anew");
  assert.equal(between(at(10, {}), at(12, {}), null).hits, null);
  assert.equal(total(at(0, { running: 3 }), null).running, 3);
  assert.equal(total(at(0, { running: 3 }), "docs-ko-base").running, 0);
  assert.equal(total(at(0, {}), null).firstToken.counts.length, 5);
});

test("History: the last minutes only, curves in seconds before now, delays of what was answered lately", () => {
  const history = new History(60);
  for (let i = 0; i <= 50; i++)
    history.add(stateOf(parseExposition(exposition({ ...calm, generated: 10 * i, slow: i > 45 ? 100 : 0 })), 2 * i));
  const curves = history.curves("docs-ko");
  assert.equal(curves.running.x.length, 30);
  assert.deepEqual([curves.running.x[0], curves.running.x[29]], [-58, 0]);
  assert.ok(curves.generatedRate.y.every((rate) => rate === 5));
  assert.ok(Number.isNaN(curves.firstP50.y[0]), "nothing was answered");
  assert.ok(curves.firstP50.y[29] > 0.01 && curves.firstP50.y[29] <= 0.1);
  assert.ok(curves.kvUse.y.every((use) => use === 0.12));
  assert.deepEqual(history.models, ["docs-ko", "docs-ko-base"]);
});
