// The playground: options, forms, tools, probabilities, two models, and the request as code.
import assert from "node:assert/strict";
import { browser, complaints, fill, recorded, server, test, url, visit, visitInKorean } from "./page.mjs";
import { Key } from "./webdriver.mjs";

const ended = (n = 1) => browser.until(`document.querySelectorAll('.choice .stats').length === ${n}`, 40_000);
const openParts = () =>
  browser.run("document.querySelectorAll('.playground details').forEach((one) => (one.open = true))");
const bodies = () => server.state.requests.map((one) => one.body);
const texts = (css) =>
  browser.run("return [...document.querySelectorAll(arguments[0])].map((one) => one.textContent)", css);

async function enter(prompt = "[echo] 안녕", korean = false) {
  await (korean ? visitInKorean("playground") : visit("playground"));
  await browser.until("document.querySelector('#pg-prompt')");
  await fill("#pg-prompt", prompt);
  await openParts();
}

test("a prompt is answered, by whatever server", async () => {
  await enter("Hello");
  await fill("#pg-max_tokens", "8");
  await browser.click("#pg-run");
  await ended();
  assert.ok((await browser.text(".answer-text")).length > 0);
  assert.match(await browser.text(".figures"), /\d+ (token|piece)s?/);
  assert.deepEqual(await complaints(), []);
});

recorded("every option reaches the request, an empty one does not, and all outlast the page", async () => {
  await enter();
  const options = {
    temperature: 0.3,
    top_p: 0.9,
    top_k: 40,
    min_p: 0.05,
    presence_penalty: -1,
    frequency_penalty: 1.5,
  };
  Object.assign(options, { repetition_penalty: 1.1, seed: -7, max_tokens: 99, min_tokens: 3, n: 2 });
  for (const [name, value] of Object.entries(options)) await fill(`#pg-${name}`, String(value));
  await fill("#pg-stop", "끝\n\\n");
  await fill("#pg-logit_bias", '{"17": -100}');
  await browser.click("#pg-ignore_eos");
  await fill("#pg-system", "짧게.");
  await visit("playground");
  await browser.until("document.querySelector('#pg-prompt')");
  await browser.type("#pg-prompt", Key.Control + Key.Enter);
  await ended(2);
  const { stream, stream_options, model, messages, ...rest } = bodies()[0];
  assert.deepEqual(rest, { ...options, stop: ["끝", "\n"], logit_bias: { 17: -100 }, ignore_eos: true });
  assert.equal(model, "docs-ko");
  assert.deepEqual(
    messages.map((one) => one.role),
    ["system", "user"],
  );
  assert.deepEqual(await texts(".choice h3"), ["Answer 1", "Answer 2"]);
  assert.deepEqual(await texts(".answer-text"), ["[echo] 안녕", "[echo] 안녕"]);
  await openParts();
  await fill("#pg-temperature", "");
  await fill("#pg-top_p", "7");
  assert.equal(await browser.run("return document.querySelector('#pg-top_p').getAttribute('aria-invalid')"), "true");
  await browser.click("#pg-run");
  await browser.until("document.querySelectorAll('.choice .stats').length === 2");
  await browser.until("!document.querySelector('.column[aria-busy]')");
  assert.equal(bodies()[1].temperature, undefined);
  assert.equal(bodies()[1].top_p, 0.9, "a value out of range is not sent");
});

recorded("a schema is checked as it is written, and not sent while it is wrong", async () => {
  await enter();
  await browser.click("label[for=pg-form-json_schema]");
  await openParts();
  await browser.until("document.querySelector('#pg-schema')?.value.includes('properties')");
  await fill("#pg-schema", '{\n  "type": "object",\n  "properties": {"a": {}},\n}');
  await browser.until("document.querySelector('#pg-schema-fault').textContent.startsWith('Line 4, column 1')");
  await browser.click("#pg-run");
  assert.equal(server.state.requests.length, 0);
  assert.equal(await browser.run("return document.activeElement.id"), "pg-schema");
  await fill("#pg-schema", '{"type": "object"}');
  await browser.until("document.querySelector('#pg-schema-fault').textContent === ''");
  await browser.click("#pg-run");
  await ended();
  assert.deepEqual(bodies()[0].response_format, {
    type: "json_schema",
    json_schema: { name: "answer", schema: { type: "object" }, strict: true },
  });
});

recorded("calls of tools are shown; with their results the model goes on", async () => {
  await enter();
  await browser.click("#pg-tools-example");
  await openParts();
  await browser.click("#pg-run");
  await browser.until("document.querySelector('.result-form')");
  assert.deepEqual(await texts(".result-form .call"), Array(2).fill('get_weather{ "city": "서울" }'));
  await browser.type("#pg-model-result-0", "맑음");
  await browser.type("#pg-model-result-1", "흐림");
  await browser.click(".result-form button");
  await browser.until("document.querySelector('.answer-text')?.textContent === '결과: 흐림'");
  await ended();
  const call = (id) => ({ id, type: "function", function: { name: "get_weather", arguments: '{"city": "서울"}' } });
  assert.deepEqual(bodies()[1].messages.slice(1), [
    { role: "assistant", content: null, tool_calls: [call("call_0"), call("call_1")] },
    { role: "tool", tool_call_id: "call_0", content: "맑음" },
    { role: "tool", tool_call_id: "call_1", content: "흐림" },
  ]);
  assert.match(await browser.text(".past"), /맑음[\s\S]*흐림/);
  await fill("#pg-tools", "[{}]");
  assert.match(await browser.text("#pg-tools-fault"), /^Tool 1/);
});

recorded("tokens have the colour of their probability; pointer and keys read the alternatives", async () => {
  await enter("hello");
  await browser.click("#pg-logprobs");
  await browser.click("#pg-run");
  await ended();
  assert.equal(bodies()[0].top_logprobs, 5);
  assert.equal(await browser.run("return document.querySelectorAll('.tokens .token').length"), 35);
  assert.ok(await browser.run("return document.querySelector('.tokens .token').className.includes('band-4')"));
  await browser.run("document.querySelector('.tokens').focus()");
  const reading = () => browser.run("return document.querySelector('.tokens').getAttribute('aria-valuetext')");
  assert.match(await reading(), /^안녕하 98%, 그 36.1%, ␣저 13.3%, ⏎ 4.9%$/);
  await browser.press(Key.Right);
  assert.match(await reading(), /^세요! 62.5%/);
  await browser.press(Key.End);
  assert.match(await reading(), /^요\. /);
  const [x, y] = await browser.run(`
    const box = document.querySelectorAll('.tokens .token')[3].getBoundingClientRect();
    return [box.left + 4, box.top + box.height / 2]`);
  await browser.tell("Input.dispatchMouseEvent", { type: "mouseMoved", x, y });
  await browser.until("document.querySelectorAll('.tokens .token')[3].classList.contains('at')");
  assert.equal((await texts(".token-reading li")).length, 4);
  const perplexity = /Perplexity of this answer: ([\d.]+)/.exec(await browser.text(".token-view"))[1];
  assert.ok(Math.abs(perplexity - Math.exp(0.02 + 0.45 * 3)) < 0.05, perplexity);
});

recorded("completions have their probabilities too", async () => {
  await enter("문서를");
  await browser.click("label[for=pg-kind-complete]");
  await openParts();
  await browser.click("#pg-logprobs");
  await browser.click("#pg-run");
  await ended();
  assert.equal(server.state.requests[0].path, "/v1/completions");
  assert.equal(bodies()[0].logprobs, 5);
  assert.equal(await browser.run("return document.querySelectorAll('.tokens .token').length"), 35);
  assert.equal(await browser.run("return document.querySelector('#pg-tools')"), null);
});

recorded("two models answer the same prompt side by side; Escape stops both", async () => {
  await enter("[echo] 둘 다");
  await browser.click("#pg-compare");
  await browser.click("#pg-run");
  await ended(2);
  const [first, second] = bodies();
  assert.deepEqual([first.model, second.model].sort(), ["docs-ko", "docs-ko-base"]);
  assert.deepEqual({ ...first, model: "" }, { ...second, model: "" });
  const tops = await browser.run(
    "return [...document.querySelectorAll('.column')].map((one) => one.getBoundingClientRect().top)",
  );
  assert.equal(tops[0], tops[1]);
  await fill("#pg-prompt", "[endless]");
  const before = server.state.aborted;
  await browser.click("#pg-run");
  await browser.until(
    "[...document.querySelectorAll('.answer-text')].filter((one) => one.textContent.length > 5).length === 2",
  );
  await browser.press(Key.Escape);
  await ended(2);
  for (let i = 0; server.state.aborted < before + 2 && i < 50; i++)
    await new Promise((resolve) => setTimeout(resolve, 40));
  assert.equal(server.state.aborted, before + 2);
});

recorded("an error is said in its column, and trying again works", async () => {
  await enter("[fail]");
  await browser.click("#pg-run");
  await browser.until("document.querySelector('.column .problem')");
  assert.match(await browser.text(".column .problem"), /answering as many as it can/);
  await browser.click(".column .problem button.quiet");
  await browser.until("document.querySelector('.column .problem')");
  assert.equal(server.state.requests.length, 2);
});

recorded("the request is given as code that holds no key, and the curl command asks the same", async () => {
  await browser.tell("Browser.grantPermissions", { permissions: ["clipboardReadWrite"] });
  await browser.run("sessionStorage.setItem('maru.key', 's3cret')");
  await enter("it's");
  await browser.until("document.querySelector('#pg-part-code pre').textContent.startsWith('curl')");
  for (const [kind, part] of Object.entries({
    python: "client.chat.completions.create(",
    javascript: "new OpenAI",
    json: '"messages"',
    curl: "curl",
  })) {
    await browser.click(`label[for=pg-code-${kind}]`);
    await browser.until(`document.querySelector('#pg-part-code pre').textContent.includes('${part}')`);
    assert.ok(!(await browser.text("#pg-part-code pre")).includes("s3cret"));
  }
  await browser.click("#pg-copy");
  await browser.until("document.querySelector('#pg-copy').textContent === 'Copied'");
  const copied = await browser.run("return navigator.clipboard.readText()");
  assert.ok(copied.includes(`${url}/v1/chat/completions`));
  const { execFile } = await import("node:child_process");
  await new Promise((resolve, reject) =>
    execFile("bash", ["-c", copied], (error) => (error ? reject(error) : resolve())),
  );
  assert.equal(bodies()[0].messages[0].content, "it's");
});

recorded("in Korean: options, faults, calls, probabilities", async () => {
  await enter("[echo] 안녕", true);
  assert.equal(await browser.text("h1"), "실험실");
  await fill("#pg-logit_bias", "{");
  assert.equal(await browser.text("#pg-logit_bias-fault"), "1행 2열: 큰따옴표로 싼 이름이 와야 합니다.");
  await fill("#pg-logit_bias", "");
  await browser.click("#pg-logprobs");
  await browser.click("#pg-run");
  await ended();
  assert.match(await browser.text(".token-view"), /이 답변의 혼란도/);
  assert.match(await browser.text(".choice .stats"), /끝난 까닭: stop/);
  await browser.click("#pg-tools-example");
  await openParts();
  await browser.click("#pg-run");
  await browser.until("document.querySelector('.result-form')");
  assert.match(await browser.text(".result-form"), /get_weather의 결과[\s\S]*결과를 보내고 계속/);
});

recorded("on a phone the playground fits, with everything open", async () => {
  await browser.viewport(360, 720, true);
  await enter("hello");
  await browser.run("document.querySelector('#pg-logprobs').click(); document.querySelector('#pg-compare').click()");
  await browser.run("document.querySelector('#pg-run').click()");
  await ended(2);
  const wide = await browser.run(`
    const inside = (e) => !e.closest('pre, .offscreen, textarea, .tokens');
    return [...document.querySelectorAll('.playground *')].filter(inside)
      .filter((e) => e.getBoundingClientRect().right > innerWidth + 0.5).map((e) => e.outerHTML.slice(0, 90))`);
  assert.deepEqual(wide, []);
});
