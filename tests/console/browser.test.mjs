// The page in Chromium: against the server of recorded answers, or against $MARU_URL (then tests that need certain
// answers are skipped). $MARU_CONSOLE is the folder that console/bundle.cmake wrote.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, beforeEach, test as nodeTest } from "node:test";
import { pathToFileURL } from "node:url";
import { metricsRows, reportData } from "./mock_data.mjs";
import { startMockServer } from "./mock_server.mjs";
import { Browser, Key } from "./webdriver.mjs";

const folder = process.env.MARU_CONSOLE;
const realUrl = process.env.MARU_URL?.replace(/\/$/, "");
const rooms = ["chat", "models", "training", "data"];
let server;
let browser;
let url;

/** A test for any server; `recorded` ones need the recorded answers. */
const test = (name, body) => nodeTest(name, { timeout: 60_000 }, body);
const recorded = (name, body) => nodeTest(name, { timeout: 60_000, skip: realUrl ? "needs recorded answers" : false }, body);

before(async () => {
  server = realUrl ? null : await startMockServer(join(folder, "site"));
  url = realUrl ?? server.url;
  browser = await Browser.start();
});

after(async () => {
  await browser?.stop();
  await server?.close();
});

beforeEach(async () => {
  if (server) Object.assign(server.state, { requests: [], asked: [], aborted: 0, key: null, rows: metricsRows(400), down: false });
  await browser.viewport(1280, 800);
  await browser.media({});
  await browser.open(`${url}/favicon.svg`); // same origin, none of our code
  await browser.run("localStorage.clear(); sessionStorage.clear()");
  await browser.log("browser");
  await browser.log("performance");
});

async function visit(room) {
  await browser.open("about:blank");
  await browser.open(`${url}/#/${room}`);
  await browser.until("document.querySelector('main > section')");
  if (room.startsWith("chat")) await browser.until("document.querySelector('#model-picker option')");
}

async function say(text) {
  await browser.type("#composer", text + Key.Enter);
}

const finished = (n = 1) =>
  browser.until(`document.querySelectorAll('.message.assistant .message-foot').length >= ${n} && !document.querySelector('.writing')`, 30_000);
const answer = () => browser.run("return [...document.querySelectorAll('.message.assistant .text')].pop()?.textContent ?? ''");

/** What the browser complained of, but for answers with an error status that a test asked for. */
async function complaints() {
  const entries = await browser.log("browser");
  return entries.filter((entry) => entry.level === "SEVERE" && !/status of (401|404|429)|ERR_EMPTY_RESPONSE/.test(entry.message))
    .map((entry) => entry.message);
}

test("every view opens, asks only its own server, and nothing is refused or broken", async () => {
  for (const room of rooms) {
    await visit(room);
    await browser.until("!document.querySelector('[aria-busy=true]')");
    assert.match(await browser.run("return document.title"), / · Maru$/);
  }
  const foreign = (await browser.requests()).filter((one) => !one.startsWith(`${url}/`) && !/^(about|data|chrome):/.test(one));
  assert.deepEqual(foreign, []);
  assert.deepEqual(await complaints(), []);
});

test("chat streams an answer and shows its figures", async () => {
  await visit("chat");
  await say("문서에 표를 넣으려면 어떻게 하나요?");
  await browser.until("document.querySelector('.message.user')");
  await finished();
  assert.equal(await browser.text(".message.user .text"), "문서에 표를 넣으려면 어떻게 하나요?");
  assert.ok((await answer()).length > 0);
  assert.match(await browser.text(".stats"), /\d+ (token|piece)s?/);
  assert.deepEqual(await complaints(), []);
});

recorded("text appears while it is written, and is spoken by the sentence", async () => {
  await visit("chat");
  await say("[slow]");
  await browser.until("document.querySelector('.message.assistant .text')?.textContent.length > 5");
  const early = (await answer()).length;
  assert.equal(await browser.run("return document.querySelector('.thread').getAttribute('aria-busy')"), "true");
  await browser.until(`document.querySelector('.message.assistant .text').textContent.length > ${early}`);
  await browser.until("document.querySelectorAll('#speech p').length === 2");
  assert.ok(await browser.run("return document.querySelector('.writing') !== null"), "speech came before the end");
  await finished();
  assert.ok((await answer()).endsWith("확인을 누르세요."));
  const spoken = await browser.run("return [...document.querySelectorAll('#speech p')].map((p) => p.textContent).join(' ')");
  assert.equal(spoken, await answer());
  assert.match(await browser.text(".stats"), /^35 tokens · [\d.]+ tokens\/s · first after [\d.]+ s · 21 in the prompt$/);
});

recorded("settings reach the request and outlast the page", async () => {
  await visit("chat");
  await browser.click("#open-settings");
  await browser.type("#set-system", "Answer in one word.");
  await browser.run("document.querySelector('#set-temperature').select()");
  await browser.type("#set-temperature", "0.3");
  await browser.type("#set-seed", "7");
  await browser.press(Key.Escape);
  await browser.until("!document.querySelector('dialog[open]')");
  assert.equal(await browser.run("return document.activeElement.id"), "open-settings");
  await visit("chat");
  await say("hello");
  await finished();
  const { path, body } = server.state.requests[0];
  assert.equal(path, "/v1/chat/completions");
  assert.deepEqual(body.messages, [{ role: "system", content: "Answer in one word." }, { role: "user", content: "hello" }]);
  const { model, temperature, top_p, max_tokens, seed, stream, stream_options } = body;
  assert.deepEqual({ model, temperature, top_p, max_tokens, seed, stream, stream_options },
    { model: "docs-ko", temperature: 0.3, top_p: 0.95, max_tokens: 256, seed: 7, stream: true, stream_options: { include_usage: true } });
});

recorded("a value out of range is marked and not sent", async () => {
  await visit("chat");
  await browser.click("#open-settings");
  await browser.run("document.querySelector('#set-temperature').select()");
  await browser.type("#set-temperature", "9");
  assert.equal(await browser.run("return document.querySelector('#set-temperature').getAttribute('aria-invalid')"), "true");
  await browser.press(Key.Escape);
  await say("hello");
  await finished();
  assert.ok(server.state.requests[0].body.temperature <= 2);
});

recorded("stop ends the request at once and keeps the text", async () => {
  for (const stop of [() => browser.click(".send.stop"), () => browser.press(Key.Escape)]) {
    const before = server.state.aborted;
    await visit("chat");
    await browser.click("#new-conversation");
    await say("[endless]");
    await browser.until("document.querySelector('.message.assistant .text')?.textContent.length > 10");
    await stop();
    await finished();
    assert.match(await answer(), /^0 1 2 /);
    assert.match(await browser.text(".stats"), /stopped/);
    assert.equal(await browser.text(".problem"), null);
    for (let i = 0; server.state.aborted === before && i < 50; i++) await new Promise((resolve) => setTimeout(resolve, 40));
    assert.equal(server.state.aborted, before + 1, "the server noticed");
  }
});

recorded("an answer goes on while the user looks elsewhere", async () => {
  await visit("chat");
  await say("[slow]");
  await browser.until("document.querySelector('.message.assistant .text')?.textContent.length > 3");
  await browser.click("[data-room=models]");
  await browser.until("document.querySelector('.model')");
  await browser.click("[data-room=chat]");
  await finished();
  assert.ok((await answer()).endsWith("확인을 누르세요."));
});

recorded("errors are shown in the server's words, and trying again works", async () => {
  const expected = { "[fail]": /The queue is full: 32 of 32/, "[late error]": /out of pages/, "[cut]": /connection ended before/ };
  for (const [prompt, words] of Object.entries(expected)) {
    await visit("chat");
    await browser.click("#new-conversation");
    await say(prompt);
    await browser.until("document.querySelector('.problem')");
    assert.match(await browser.text(".problem[role=alert]"), words);
    const asked = server.state.requests.length;
    await browser.click(".problem button");
    await browser.until("document.querySelector('.problem')");
    assert.equal(server.state.requests.length, asked + 1);
    assert.equal(server.state.requests[asked].body.messages.length, 1);
  }
});

recorded("a server that went away is said to be away", async () => {
  await visit("chat");
  server.state.down = true;
  await say("hello");
  await browser.until("document.querySelector('.problem')");
  assert.match(await browser.text(".problem"), /does not answer/);
  server.state.down = false;
  await browser.click(".problem button");
  await finished();
  assert.ok((await answer()).length > 0);
});

recorded("a server that asks for a key gets one, kept in this tab only", async () => {
  server.state.key = "s3cret";
  await browser.open("about:blank");
  await browser.open(`${url}/#/chat`);
  await browser.type("#problem-key", "wrong" + Key.Enter);
  await browser.until("document.querySelector('#problem-key')?.value === 'wrong'");
  await browser.run("document.querySelector('#problem-key').select()");
  await browser.type("#problem-key", "s3cret" + Key.Enter);
  await browser.until("document.querySelector('#model-picker option')");
  await say("hello");
  await finished();
  assert.ok(!(await browser.run("return JSON.stringify(localStorage)")).includes("s3cret"));
});

recorded("markup from a model stays text", async () => {
  await visit("chat");
  await say("[markup] <b id=mine>x</b>");
  await finished();
  assert.equal(await answer(), "<script>window.hacked = 1</script><img src=x onerror='window.hacked = 2'> **끝**");
  assert.equal(await browser.text(".message.user .text"), "[markup] <b id=mine>x</b>");
  assert.equal(await browser.run("return window.hacked ?? document.querySelectorAll('.thread script, .thread img, #mine, #speech img').length"), 0);
});

recorded("answer again, copy, keep, and begin anew", async () => {
  await browser.tell("Browser.grantPermissions", { permissions: ["clipboardReadWrite"] });
  await visit("chat");
  await say("hello");
  await finished();
  await browser.click(".regenerate");
  await browser.until("document.querySelector('.writing')");
  await finished();
  assert.deepEqual(server.state.requests.map((one) => one.body.messages.length), [1, 1]);
  await browser.click(".message.assistant .message-foot button");
  await browser.until("document.querySelector('.message-foot button').textContent === 'Copied'");
  await browser.click("#composer");
  await browser.press(Key.Control, "v");
  assert.equal(await browser.run("return document.querySelector('#composer').value"), await answer());
  await visit("chat");
  await finished();
  assert.equal(await browser.run("return document.querySelectorAll('.message').length"), 2);
  await browser.click("#new-conversation");
  await visit("chat");
  assert.equal(await browser.run("return document.querySelectorAll('.message').length"), 0);
});

recorded("complete mode continues a text, and goes on from where it stopped", async () => {
  await visit("chat");
  await browser.click("label[for=mode-complete]");
  await say("문서를 저장하려면");
  await finished();
  const first = await answer();
  assert.equal(server.state.requests[0].path, "/v1/completions");
  assert.equal(server.state.requests[0].body.prompt, "문서를 저장하려면");
  await browser.click(".extend");
  await browser.until("document.querySelector('.writing')");
  await finished();
  assert.equal(server.state.requests[1].body.prompt, "문서를 저장하려면" + first);
});

recorded("a base model opens in complete mode unless the user chose", async () => {
  await visit("chat/docs-ko-base");
  await browser.until("document.querySelector('#mode-complete').checked");
  await browser.click("label[for=mode-chat]");
  await visit("chat/docs-ko-base");
  assert.equal(await browser.run("return document.querySelector('#mode-chat').checked"), true);
});

test("the language switches, stays, and covers every view", async () => {
  await visit("chat");
  assert.equal(await browser.run("return document.documentElement.lang"), "en");
  await browser.click("#language");
  await browser.until("document.documentElement.lang === 'ko'");
  assert.equal(await browser.run("return document.activeElement.id"), "language");
  for (const [room, title] of Object.entries({ models: "모델", training: "학습", data: "데이터" })) {
    await visit(room);
    assert.equal(await browser.text("h1"), title);
    assert.equal(await browser.run("return document.documentElement.lang"), "ko");
  }
});

test("a Korean browser gets Korean at first", async () => {
  const korean = await Browser.start({ language: "ko-KR" });
  try {
    await korean.open(`${url}/`);
    await korean.until("document.documentElement.lang === 'ko'");
    assert.equal(await korean.text("[data-room=chat]"), "대화");
  } finally {
    await korean.stop();
  }
});

test("dark and light follow the system, or the choice", async () => {
  const ground = () => browser.run("return getComputedStyle(document.body).backgroundColor");
  await visit("models");
  const light = await ground();
  await browser.media({ "prefers-color-scheme": "dark" });
  await browser.until(`getComputedStyle(document.body).backgroundColor !== '${light}'`);
  const dark = await ground();
  await browser.click("#theme");
  assert.equal(await ground(), light, "light chosen on a dark system");
  await browser.click("#theme");
  await browser.media({ "prefers-color-scheme": "light" });
  assert.equal(await ground(), dark, "dark chosen on a light system");
});

test("with the keyboard alone: skip, move between views, write, stop at nothing", async () => {
  await visit("models");
  await browser.press(Key.Tab);
  assert.equal(await browser.run("return document.activeElement.className"), "skip");
  await browser.press(Key.Enter);
  assert.equal(await browser.run("return document.activeElement.id"), "main");
  await browser.press(Key.Shift, Key.Tab);
  for (let i = 0; i < 12; i++) {
    if (await browser.run("return document.activeElement.dataset.room === 'training'")) break;
    await browser.press(Key.Shift, Key.Tab);
  }
  const ring = await browser.run("const s = getComputedStyle(document.activeElement); return s.outlineStyle + ' ' + parseFloat(s.outlineWidth)");
  assert.equal(ring, "solid 2", "the focus is visible");
  await browser.press(Key.Enter);
  await browser.until("location.hash === '#/training' && document.activeElement.tagName === 'H1'");
  await visit("chat");
  await browser.until("document.activeElement.id === 'composer'");
  for (const key of "안녕") await browser.press(key);
  await browser.press(Key.Shift, Key.Enter);
  await browser.press("!");
  await browser.press(Key.Enter);
  await finished();
  assert.equal(await browser.run("return document.querySelector('.message.user .text').textContent"), "안녕\n!");
  await browser.press(Key.Shift, Key.Tab);
  assert.notEqual(await browser.run("return document.activeElement.id"), "composer");
});

test("Enter belongs to the input method while it composes a syllable", async () => {
  await visit("chat");
  await browser.type("#composer", "한");
  const sent = await browser.run(`
    const event = new KeyboardEvent('keydown', {key: 'Enter', isComposing: true, bubbles: true, cancelable: true});
    document.querySelector('#composer').dispatchEvent(event);
    return document.querySelectorAll('.message').length`);
  assert.equal(sent, 0);
});

test("everything that can be operated has a name", async () => {
  const roles = new Set(["button", "link", "textbox", "combobox", "checkbox", "radio", "slider", "spinbutton", "progressbar", "dialog"]);
  for (const room of rooms) {
    await visit(room);
    await browser.until("!document.querySelector('[aria-busy=true]')");
    if (room === "chat") await browser.click("#open-settings");
    const { nodes } = await browser.tell("Accessibility.getFullAXTree");
    const operable = nodes.filter((node) => !node.ignored && roles.has(node.role?.value));
    assert.ok(operable.length > 5, `${room}: ${operable.length}`);
    const nameless = operable.filter((node) => !node.name?.value).map((node) => `${room}: ${node.role.value} ${node.backendDOMNodeId}`);
    assert.deepEqual(nameless, []);
    if (room === "chat") await browser.press(Key.Escape);
  }
});

test("on a phone nothing is wider than the screen, and targets are large enough", async () => {
  for (const width of [360, 320]) {
    await browser.viewport(width, 720, true);
    for (const room of rooms) {
      await visit(room);
      await browser.until("!document.querySelector('[aria-busy=true]')");
      const wide = await browser.run(`
        const ends = [...document.querySelectorAll('#app *')].filter((e) => !e.closest('.offscreen, .table-scroll, pre, .skip, dialog'));
        return ends.filter((e) => e.getBoundingClientRect().right > innerWidth + 0.5).map((e) => e.outerHTML.slice(0, 120))`);
      assert.deepEqual(wide, [], `${room} at ${width}`);
      const scrolls = await browser.run("const m = document.querySelector('main'); return m.scrollWidth > m.clientWidth || document.documentElement.scrollWidth > innerWidth");
      assert.equal(scrolls, false, `${room} at ${width}`);
      const small = await browser.run(`
        return [...document.querySelectorAll('button, a, select')].filter((e) => !e.closest('.offscreen, .skip, dialog, .hash'))
          .map((e) => [e.getBoundingClientRect(), e]).filter(([r]) => r.width > 0 && (r.width < 32 || r.height < 24)).map(([, e]) => e.outerHTML.slice(0, 120))`);
      assert.deepEqual(small, [], `${room} at ${width}`);
    }
  }
});

test("nothing moves for those who asked for stillness", async () => {
  await browser.media({ "prefers-reduced-motion": "reduce" });
  await visit("training");
  await browser.until("document.querySelector('.picker *') || document.querySelector('.empty-state')");
  const moving = await browser.run("return document.getAnimations().length");
  assert.equal(moving, 0);
});

recorded("the curve of a run grows while one looks", async () => {
  await visit("training");
  const path = ".chart:first-child .curve.tone-1 path:last-of-type";
  await browser.until(`document.querySelector('${path}')`);
  const before = await browser.run("return document.querySelector(arguments[0]).getAttribute('d')", path);
  assert.match(await browser.text(".progress-line"), /step 400 of 1,000 · 40%\s*10 min \d+ s left/);
  assert.match(await browser.text(".chart:first-child .legend"), /step 400/);
  server.state.rows = metricsRows(450);
  await browser.until("document.querySelector('.chart:first-child .legend').innerText.includes('step 450')", 6000);
  assert.notEqual(await browser.run("return document.querySelector(arguments[0]).getAttribute('d')", path), before);
  assert.match(await browser.text(".progress-line"), /step 450 of 1,000/);
  const asked = server.state.asked.filter((one) => one.includes("/metrics"));
  assert.ok(asked[0].endsWith("after=0") && asked.slice(1).every((one) => one.endsWith("after=404") || one.endsWith("after=454")), `${asked}`);
  assert.equal(await browser.run("return document.querySelectorAll('.chart').length"), 6);
});

recorded("a chart can be read with keys and as a table, and on a logarithmic scale", async () => {
  await visit("training");
  await browser.until("document.querySelector('.plot .curve')");
  assert.match(await browser.run("return document.querySelector('.plot').getAttribute('aria-label')"), /^Loss\. training: from [\d.]+ to [\d.]+, lowest/);
  await browser.run("document.querySelector('.plot').focus()");
  const reading = () => browser.run("return document.querySelector('.plot').getAttribute('aria-valuetext')");
  await browser.press(Key.Home);
  assert.match(await reading(), /training [\d.]+.*step 1$/);
  await browser.press(Key.Right);
  assert.match(await reading(), /step 5$/);
  assert.equal(await browser.run("return document.querySelectorAll('.plot')[0].querySelectorAll('.crosshair line').length"), 1);
  await browser.press(Key.Escape);
  assert.equal(await browser.run("return document.querySelectorAll('.crosshair line').length"), 0);
  await browser.click(".numbers summary");
  await browser.until("document.querySelectorAll('.numbers[open] tbody tr').length > 20");
  const gaps = () => browser.run(`
    const y = [...document.querySelector('.plot .grid').querySelectorAll('line')].map((line) => Number(line.getAttribute('y1')));
    return y.slice(1).map((one, i) => y[i] - one)`);
  const even = (list) => Math.max(...list) - Math.min(...list) < 0.5;
  assert.ok(even(await gaps()), "linear: lines at even distances");
  await browser.click(".curve-controls input[type=checkbox]");
  assert.ok(!even(await gaps()), "logarithmic: at uneven ones");
});

recorded("a pointer over a chart reads it", async () => {
  await visit("training");
  await browser.until("document.querySelector('.plot .curve')");
  const box = await browser.run("const r = document.querySelector('.plot').getBoundingClientRect(); return [r.left + r.width / 2, r.top + 80]");
  await browser.tell("Input.dispatchMouseEvent", { type: "mouseMoved", x: box[0], y: box[1] });
  await browser.until("document.querySelector('.plot .crosshair line')");
  const step = Number(/step (\d+)/.exec(await browser.text(".legend"))[1]);
  assert.ok(step > 150 && step < 220, `middle of 400: ${step}`);
});

recorded("another run can be chosen, and an unknown one is said to be unknown", async () => {
  await visit("training");
  await browser.click("[data-run=first-try]");
  await browser.until("document.querySelector('.run-head h2')?.textContent === 'first-try'");
  await browser.until("document.querySelector('.plot .curve')");
  assert.match(await browser.text(".run-head"), /stopped/);
  await visit("training/gone");
  await browser.until("document.querySelector('.empty-state')");
  assert.match(await browser.text(".empty-state"), /no run named gone/);
});

recorded("models show their facts, evaluation and provenance", async () => {
  await visit("models");
  await browser.until("document.querySelector('.model .manifest') && document.querySelector('.model .evaluation')");
  const text = await browser.text(".model");
  for (const part of ["docs-ko", "12.6M", "1,024 tokens", "bf16", "1.412", "xz -9e", "1.873", "zstd -19 --long=31", "64.2%", "62.1% – 66.2%", "2,000 samples"]) {
    assert.ok(text.includes(part), part);
  }
  await browser.click(".model-manifest summary");
  assert.match(await browser.text(".manifest"), /0\.1\.0\+fd6d494/);
  assert.equal(await browser.run("return document.querySelector('.hash code').title.length"), 64);
  await browser.click(".model a.button");
  await browser.until("location.hash === '#/chat/docs-ko'");
});

recorded("the data report shows every step, its reasons and samples as text", async () => {
  await visit("data");
  await browser.until("document.querySelectorAll('.funnel-row').length === 9");
  await browser.run("document.querySelectorAll('.funnel details').forEach((one) => (one.open = true))");
  const text = await browser.text(".data-report");
  for (const part of ["4,310", "2,480", "57.5%", "−743", "other language · 743 documents", "Willkommen", "many repeated lines",
    "e-mail address 31", "Korean (ko)", "97.8%", "held out", "<img src=x onerror=alert(1)>"]) assert.ok(text.includes(part), part);
  assert.ok(!text.includes("resident"), "what did not happen is not listed");
  assert.equal(await browser.run("return document.querySelectorAll('.data-report img').length"), 0);
});

/** The template with data in it, as `maru report` writes it. */
function writeReport(name, data) {
  const template = readFileSync(join(folder, "report.html"), "utf8");
  assert.equal(template.split("/*MARU_REPORT_DATA*/null").length, 2, "one placeholder");
  const json = JSON.stringify(data).replaceAll("<", "\\u003c");
  const file = join(folder, name);
  writeFileSync(file, template.replace("/*MARU_REPORT_DATA*/null", () => json));
  return pathToFileURL(file).href;
}

async function openReport(address) {
  await browser.open(address);
  await browser.run("localStorage.clear()");
  await browser.open("about:blank");
  await browser.requests();
  await browser.open(address);
  await browser.until("document.querySelector('#report > *')");
}

test("the report opens from a file, whole, without one request", async () => {
  const given = process.env.MARU_REPORT ? pathToFileURL(process.env.MARU_REPORT).href : null;
  const address = given ?? writeReport("full.html", reportData());
  await openReport(address);
  assert.deepEqual((await browser.requests()).filter((one) => one !== address), []);
  const sections = await browser.run("return [...document.querySelectorAll('section[id]')].map((one) => one.id)");
  for (const id of ["training", "data", "recipe", "manifest"]) assert.ok(sections.includes(id), id);
  assert.equal(await browser.run("return document.querySelectorAll('.plot .curve').length >= 5"), true);
  assert.deepEqual(await complaints(), []);
  const lang = await browser.run("return document.documentElement.lang");
  await browser.click("#language");
  await browser.until(`document.documentElement.lang !== '${lang}'`);
});

test("hostile text in a report stays text", async () => {
  const data = reportData();
  const hostile = "</script><script>window.hacked = 1</script><!--<img src=x onerror='window.hacked = 2'>\u2028$&";
  data.run.id = hostile;
  data.evaluation.samples = [{ prompt: hostile, completion: hostile }];
  data.recipe = { [hostile]: hostile };
  data.dataset_report.steps[0].reasons[0].samples[0] = { source: hostile, text: hostile };
  await openReport(writeReport("hostile.html", data));
  assert.equal(await browser.run("return document.querySelector('h1').textContent"), hostile);
  assert.equal(await browser.run("return window.hacked ?? document.querySelectorAll('img').length"), 0);
  assert.equal(await browser.run("return document.querySelector('.sample').textContent"), hostile + hostile);
});

test("a report with little in it, and the empty template, still open", async () => {
  await openReport(writeReport("small.html", { run: { id: "r", state: "stopped", step: 1, steps: 9 }, metrics: [{ step: 1, loss: 3 }] }));
  assert.equal(await browser.text("h1"), "r");
  await openReport(pathToFileURL(join(folder, "report.html")).href);
  assert.match(await browser.text("#report"), /empty/);
  assert.deepEqual(await complaints(), []);
});

test("a printed report shows its closed parts and whole hashes", async () => {
  await openReport(writeReport("print.html", reportData()));
  const { data } = await browser.tell("Page.printToPDF", { printBackground: true });
  assert.equal(Buffer.from(data, "base64").subarray(0, 5).toString(), "%PDF-");
  await browser.tell("Emulation.setEmulatedMedia", { media: "print" });
  await browser.run("dispatchEvent(new Event('beforeprint'))");
  assert.equal(await browser.run("return getComputedStyle(document.querySelector('.hash-rest')).display"), "inline");
  assert.equal(await browser.run("return document.querySelectorAll('details:not([open]):not(.numbers)').length"), 0);
  await browser.run("dispatchEvent(new Event('afterprint'))");
  assert.ok((await browser.run("return document.querySelectorAll('details:not([open]):not(.numbers)').length")) > 0);
  await browser.tell("Emulation.setEmulatedMedia", { media: "" });
});
