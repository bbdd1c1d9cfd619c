// Models, training and data; and that every view keeps to its own server.
import assert from "node:assert/strict";
import { metricsRows } from "./mock_data.mjs";
import { browser, complaints, recorded, rooms, server, settled, test, url, visit } from "./page.mjs";
import { Key } from "./webdriver.mjs";

test("every view opens, asks only its own server, and nothing is refused or broken", async () => {
  for (const room of rooms) {
    await visit(room);
    await settled();
    assert.match(await browser.run("return document.title"), / · Maru$/);
  }
  const foreign = (await browser.requests()).filter(
    (one) => !one.startsWith(`${url}/`) && !/^(about|data|chrome):/.test(one),
  );
  assert.deepEqual(foreign, []);
  assert.deepEqual(await complaints(), []);
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
  assert.ok(
    asked[0].includes("position=0&") && asked.slice(1).every((one) => /position=(404-400|454-450)&/.test(one)),
    `${asked}`,
  );
  assert.equal(await browser.run("return document.querySelectorAll('.chart').length"), 6);
});

recorded("a chart can be read with keys and as a table, and on a logarithmic scale", async () => {
  await visit("training");
  await browser.until("document.querySelector('.plot .curve')");
  assert.match(
    await browser.run("return document.querySelector('.plot').getAttribute('aria-label')"),
    /^Loss\. training: from [\d.]+ to [\d.]+, lowest/,
  );
  await browser.run("document.querySelector('.plot').focus()");
  const reading = () => browser.run("return document.querySelector('.plot').getAttribute('aria-valuetext')");
  await browser.press(Key.Home);
  assert.match(await reading(), /training [\d.]+.*step 1$/);
  await browser.press(Key.Right);
  assert.match(await reading(), /step 5$/);
  assert.equal(
    await browser.run("return document.querySelectorAll('.plot')[0].querySelectorAll('.crosshair line').length"),
    1,
  );
  await browser.press(Key.Escape);
  assert.equal(await browser.run("return document.querySelectorAll('.crosshair line').length"), 0);
  await browser.click(".numbers summary");
  await browser.until("document.querySelectorAll('.numbers[open] tbody tr').length > 20");
  const gaps = () =>
    browser.run(`
    const lines = [...document.querySelector('.plot .grid').querySelectorAll('line')];
    const y = lines.map((line) => Number(line.getAttribute('y1')));
    return y.slice(1).map((one, i) => y[i] - one)`);
  const even = (list) => Math.max(...list) - Math.min(...list) < 0.5;
  assert.ok(even(await gaps()), "linear: lines at even distances");
  await browser.click(".curve-controls input[type=checkbox]");
  assert.ok(!even(await gaps()), "logarithmic: at uneven ones");
});

recorded("a pointer over a chart reads it", async () => {
  await visit("training");
  await browser.until("document.querySelector('.plot .curve')");
  const box = await browser.run(
    "const r = document.querySelector('.plot').getBoundingClientRect(); return [r.left + r.width / 2, r.top + 80]",
  );
  await browser.tell("Input.dispatchMouseEvent", { type: "mouseMoved", x: box[0], y: box[1] });
  await browser.until("document.querySelector('.plot .crosshair line')");
  const step = Number(/step (\d+)/.exec(await browser.text(".legend"))[1]);
  assert.ok(step > 150 && step < 220, `middle of 400: ${step}`);
});

recorded("a key can be written while the view asks again and again", async () => {
  server.state.key = "s3cret";
  await browser.open("about:blank");
  await browser.open(`${url}/#/training`);
  await browser.type("#problem-key", "s3cr");
  await new Promise((resolve) => setTimeout(resolve, 5000)); // a poll or two
  await browser.type("#problem-key", "et" + Key.Enter);
  await browser.until("document.querySelector('.plot .curve')");
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
  for (const part of [
    "docs-ko",
    "12.6M",
    "1,024 tokens",
    "bf16",
    "1.412",
    "xz -9e",
    "1.873",
    "zstd -19 --long=31",
    "64.2%",
    "62.1% – 66.2%",
    "2,000 samples",
  ]) {
    assert.ok(text.includes(part), part);
  }
  await browser.click(".model-manifest summary");
  assert.match(await browser.text(".manifest"), /0\.1\.0\+fd6d494/);
  assert.equal(await browser.run("return document.querySelector('.hash code').title.length"), 64);
  await browser.click(".model a.button");
  await browser.until("location.hash === '#/chat/docs-ko'");
});

recorded("models are listed; what they are, whether they are good, and what to do next is said", async () => {
  await visit("models");
  await browser.until("document.querySelectorAll('.model .evaluation').length === 2");
  const cards = await browser.run("return [...document.querySelectorAll('.model')].map((one) => one.innerText)");
  assert.equal(cards.length, 3, "two served, one that only lies in the home");
  assert.match(cards[0], /served now/);
  assert.match(cards[0], /needs 25% fewer bits for this text than xz -9e/);
  assert.match(cards[1], /base model/);
  assert.match(cards[1], /Let it continue a text/);
  assert.doesNotMatch(cards[1], /Talk to it/);
  assert.match(cards[2], /maru serve five-minutes/);
  assert.match(cards[2], /Not good yet: xz -9e.* needs 22% fewer bits/);
  assert.match(cards[2], /train longer/);
  assert.match(cards[2], /no better than guessing/);
  await browser.run("document.querySelectorAll('.model details').forEach((one) => (one.open = true))");
  assert.match(await browser.text(".model .explanation"), /equally likely tokens/);
});

recorded("a finished run has no bars, and few steps have whole ticks", async () => {
  await visit("training/done");
  await browser.until("document.querySelector('.plot .curve')");
  const tracks = "return document.querySelectorAll('[data-run=done] .track, .run-summary .track').length";
  assert.equal(await browser.run(tracks), 0);
  assert.match(await browser.text(".run-summary"), /500 steps, all done/);
  assert.equal(await browser.run("return document.querySelectorAll('[data-run=docs-ko] .track').length"), 1);
  const ticks = await browser.run(
    "return [...document.querySelectorAll('.plot .grid text[text-anchor=middle]')].map((one) => one.textContent)",
  );
  assert.ok(ticks.length > 0 && ticks.every((one) => /^\d+$/.test(one)), `${ticks}`);
  await browser.run("document.querySelector('.run-summary details').open = true");
  assert.match(await browser.text(".run-summary .explanation"), /measured arithmetic/);
});

recorded("the data report shows every step, its reasons and samples as text", async () => {
  await visit("data");
  await browser.until("document.querySelectorAll('.funnel-row').length === 9");
  await browser.run("document.querySelectorAll('.funnel details').forEach((one) => (one.open = true))");
  const text = await browser.text(".data-report");
  for (const part of [
    "4,310",
    "2,480",
    "57.5%",
    "−743",
    "another language · 743 documents",
    "Willkommen",
    "too new to translate",
    "same as help/ko/b.html",
    "e-mail address 31",
    "Korean (ko)",
    "97.8%",
    "held out",
    "<img src=x onerror=alert(1)>",
  ])
    assert.ok(text.includes(part), part);
  assert.ok(!text.includes("resident"), "what did not happen is not listed");
  assert.equal(await browser.run("return document.querySelectorAll('.data-report img').length"), 0);
});

recorded("a run that was resumed from a checkpoint shows the rows that count now", async () => {
  await visit("training/docs-ko");
  await browser.until("document.querySelector('.chart:first-child .legend')?.innerText.includes('step 400')");
  server.state.rows = metricsRows(300); // killed at 400, resumed from 300
  await browser.until("document.querySelector('.chart:first-child .legend').innerText.includes('step 300')", 10_000);
  server.state.rows = metricsRows(310);
  await browser.until("document.querySelector('.chart:first-child .legend').innerText.includes('step 310')", 6000);
});
