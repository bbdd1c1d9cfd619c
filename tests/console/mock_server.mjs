// A server that answers as `maru serve` does, from mock_data.mjs and the bundled site. Certain prompts bring certain
// answers (see `scripts`), and `server.state` shows a test what reached it.
//   node mock_server.mjs SITE_FOLDER [PORT]
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as data from "./mock_data.mjs";

const kTypes = {
  "/": "text/html",
  "/app.js": "text/javascript",
  "/app.css": "text/css",
  "/favicon.svg": "image/svg+xml",
};
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const kAnswer =
  "안녕하세요! 저는 이 컴퓨터에서 학습한 작은 모델입니다. 문서 작성에 관한 질문에 답할 수 있어요. " +
  "표를 넣으려면 삽입 메뉴에서 표를 고르고, 행과 열의 수를 정한 다음 확인을 누르세요.";

const kMarkdown = [
  "## 표 넣기\n\n**'삽입'** 메뉴에서 *표*를 고릅니다. [도움말](https://example.com/help) 참고.\n\n",
  "1. 행을 정합니다\n   - 안쪽 항목\n2. 열을 정합니다\n\n| 이름 | 값 |\n|:--|--:|\n| `a|b` | 1 |\n| 둘 | 22 |\n\n",
  '```python\ndef table(rows):\n    return "<table>" * rows\n```\n\n> 인용한 글\n\n$x_1 * y_2$ 는 그대로.\n\n',
  "![그림](https://example.com/p.png) [나쁨](javascript:alert(1)) <b>굵게</b> 끝",
].join("");

// The part of a prompt that asks for a special answer.
const scripts = {
  "[markdown]": { text: kMarkdown, delayMs: 2 },
  "[half]": { text: `앞\n\n\`\`\`js\n${"let a = 1;\n".repeat(20)}let b`, delayMs: 25 },
  "[huge]": { text: `${"가나다라 마바사 **아자** 차카타 `파하`.\n".repeat(5)}\n`.repeat(700), delayMs: 0, size: 64 },
  "[reason]": { reasoning: "먼저 생각합니다. 그리고 정합니다.", text: "답입니다.", delayMs: 8 },
  "[echo]": { echo: true },
  "[markup]": { text: "<script>window.hacked = 1</script><img src=x onerror='window.hacked = 2'> **끝**" },
  "[endless]": { endless: true },
  "[long]": { text: kAnswer.repeat(60), delayMs: 0 },
  "[slow]": { text: kAnswer, delayMs: 40 },
  "[fail]": { status: 429, message: "The queue is full: 32 of 32 requests wait." },
  "[cut]": { text: "여기까지", cut: true },
  "[late error]": { text: "시작은 했지만", lateError: "The engine stopped: out of pages." },
};

function scriptFor(prompt) {
  const name = Object.keys(scripts).find((key) => prompt.includes(key));
  return name ? scripts[name] : { text: kAnswer };
}

/** Pieces of about three characters: what tokens of Korean look like. */
const pieces = (text, size = 3) => text.match(new RegExp(`[\\s\\S]{1,${size}}`, "gu")) ?? [];

/** Probabilities as a model might give them: the first token is sure, the others less and less. */
function scored(token, at, top) {
  const logprob = -0.02 - 0.45 * (at % 7);
  const others = ["그", " 저", "\n"].map((other, i) => ({ token: other, logprob: logprob - 1 - i, bytes: null }));
  return { token, logprob, bytes: null, top_logprobs: [{ token, logprob }, ...others].slice(0, top) };
}

function sendJson(response, status, value) {
  response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(value));
}

function sendError(response, status, message, code = null) {
  sendJson(response, status, { error: { message, type: "invalid_request_error", param: null, code } });
}

async function readBody(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

/** As the server answers: a position is a number of rows and what the last of them was. */
function rowsBehind(rows, position) {
  const at = (end) => (end === 0 ? "0" : `${end}-${rows[end - 1].step}`);
  const from = parseInt(position);
  const known = from <= rows.length && at(from) === position;
  return { rows: rows.slice(known ? from : 0), position: at(rows.length), restarted: !known, more: false, damaged: 0 };
}

class MockServer {
  constructor(site) {
    this.site = site;
    this.reset(data.metricsRows(400));
    this.http = createServer((request, response) =>
      this.handle(request, response).catch((error) => response.destroy(error)),
    );
  }

  /** Forgets what came, and answers as at first; `rows` are the metrics of the running run. */
  reset(rows) {
    this.state = { requests: [], asked: [], aborted: 0, key: null, down: false, rows, load: data.calm };
  }

  listen(port = 0) {
    return new Promise((resolve) =>
      this.http.listen(port, "127.0.0.1", () => {
        this.url = `http://127.0.0.1:${this.http.address().port}`;
        resolve(this);
      }),
    );
  }

  close() {
    this.http.closeAllConnections();
    return new Promise((resolve) => this.http.close(resolve));
  }

  async handle(request, response) {
    const url = new URL(request.url, "http://localhost");
    if (kTypes[url.pathname]) return this.asset(url.pathname, response);
    if (this.state.down) return response.destroy();
    if (this.state.key && request.headers.authorization !== `Bearer ${this.state.key}`) {
      return sendError(response, 401, "This server asks for an API key.", "invalid_api_key");
    }
    if (request.method === "POST")
      return this.generate(url.pathname, JSON.parse(await readBody(request)), request, response);
    this.state.asked.push(request.url);
    if (url.pathname === "/metrics")
      return response.writeHead(200, { "Content-Type": "text/plain" }).end(data.exposition(this.state.load));
    const answer = this.lookUp(url);
    return answer ? sendJson(response, 200, answer) : sendError(response, 404, `There is nothing at ${url.pathname}.`);
  }

  asset(path, response) {
    const file = path === "/" ? "index.html" : path.slice(1);
    response
      .writeHead(200, { "Content-Type": `${kTypes[path]}; charset=utf-8` })
      .end(readFileSync(join(this.site, file)));
  }

  lookUp(url) {
    const position = url.searchParams.get("position");
    const rows = this.state.rows;
    const step = rows[rows.length - 1].step;
    const table = {
      "/v1/models": { object: "list", data: data.models },
      "/v1/maru/status": { version: "0.1.0", isa: "avx512-bf16", threads: 2, model: "docs-ko", uptime_seconds: 12 },
      "/v1/maru/runs": { data: data.runs.map((run, i) => (i === 0 ? { ...run, step } : run)) },
      "/v1/maru/runs/docs-ko/metrics": rowsBehind(rows, position),
      "/v1/maru/runs/first-try/metrics": rowsBehind(data.metricsRows(120), position),
      "/v1/maru/runs/done/metrics": rowsBehind(data.metricsRows(3), position),
      "/v1/maru/datasets": { data: data.datasets },
      "/v1/maru/datasets/docs-ko/report": data.dataReport,
      "/v1/maru/models": { data: data.homeModels },
      "/v1/maru/models/docs-ko/evaluation": data.evaluation,
      "/v1/maru/models/five-minutes/evaluation": data.poorEvaluation,
      "/v1/maru/models/docs-ko/manifest": data.manifest,
    };
    return table[url.pathname];
  }

  async generate(path, body, request, response) {
    this.state.requests.push({ path, body });
    const last = body.messages?.[body.messages.length - 1];
    const prompt = path === "/v1/completions" ? body.prompt : last.content;
    const script = this.scriptOf(body, last, prompt);
    if (script.status) return sendError(response, script.status, script.message, "exhausted");
    response.on("close", () => {
      if (!response.writableFinished) this.state.aborted++;
    });
    if (!body.stream) return sendJson(response, 200, { object: "chat.completion", choices: [] });
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    await this.stream(path === "/v1/completions", script, body, response);
    return undefined;
  }

  /** A model with tools calls the first of them, twice, and then tells what came back. */
  scriptOf(body, last, prompt) {
    if (last?.role === "tool") return { text: `결과: ${last.content}` };
    const tool = body.tools?.[0]?.function.name;
    if (tool && body.tool_choice !== "none") return { text: "", calls: [tool, tool] };
    const script = scriptFor(prompt);
    return script.echo ? { text: prompt } : script;
  }

  async stream(completion, script, body, response) {
    const send = (value) => response.write(`data: ${JSON.stringify(value)}\n\n`);
    const top = completion ? body.logprobs : body.logprobs ? body.top_logprobs : undefined;
    let count = 0;
    for (const text of pieces(script.reasoning ?? ""))
      send({ choices: [{ index: 0, delta: { reasoning: text, reasoning_content: text }, finish_reason: null }] });
    for (const text of this.texts(script)) {
      if (response.destroyed) return;
      for (let index = 0; index < (body.n ?? 1); index++)
        send({
          choices: [choiceOf(completion, index, text, null, top === undefined ? null : [count, top])],
          usage: null,
        });
      count++;
      await wait(script.delayMs ?? 8);
    }
    for (const [i, name] of (script.calls ?? []).entries()) sendCall(send, i, name);
    if (script.cut) return response.end();
    if (script.lateError)
      send({ error: { message: script.lateError, type: "server_error", param: null, code: "internal" } });
    else
      for (let index = 0; index < (body.n ?? 1); index++)
        send({ choices: [choiceOf(completion, index, "", script.calls ? "tool_calls" : "stop", null)], usage: null });
    send({ choices: [], usage: { prompt_tokens: 21, completion_tokens: count, total_tokens: 21 + count } });
    response.end("data: [DONE]\n\n");
  }

  *texts(script) {
    if (!script.endless) return yield* pieces(script.text, script.size);
    for (let i = 0; ; i++) yield `${i} `;
  }
}

/** `scores`: the token's number and how many alternatives are asked for; null: none. */
function choiceOf(completion, index, text, finish_reason, scores) {
  const one = scores && scored(text, ...scores);
  if (completion) {
    const tops = one && [Object.fromEntries(one.top_logprobs.map((other) => [other.token, other.logprob]))];
    const logprobs = one && { tokens: [text], token_logprobs: [one.logprob], top_logprobs: tops, text_offset: [0] };
    return { index, text, finish_reason, logprobs };
  }
  return { index, delta: text === "" ? {} : { content: text }, finish_reason, logprobs: one && { content: [one] } };
}

/** As the server sends a call: its name, then pieces of its arguments. */
function sendCall(send, index, name) {
  const delta = (call) =>
    send({ choices: [{ index: 0, delta: { tool_calls: [{ index, ...call }] }, finish_reason: null }] });
  delta({ id: `call_${index}`, type: "function", function: { name, arguments: "" } });
  for (const text of pieces('{"city": "서울"}')) delta({ function: { arguments: text } });
}

export function startMockServer(site, port) {
  return new MockServer(site).listen(port);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const server = await startMockServer(process.argv[2], Number(process.argv[3] ?? 8100));
  console.log(server.url);
}
