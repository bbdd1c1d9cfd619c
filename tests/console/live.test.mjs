// The server's page: figures now, curves of the last minutes, models beside one another.
import assert from "node:assert/strict";
import { calm } from "./mock_data.mjs";
import { browser, complaints, recorded, server, settled, test, url, visit, visitInKorean } from "./page.mjs";
import { Key } from "./webdriver.mjs";

const figures = () =>
  browser.run(`return Object.fromEntries([...document.querySelectorAll('.live-now .tile')].map((tile) => {
    const [name, value] = [tile.querySelector('dt'), tile.querySelector('dd')];
    return [name.textContent, value.firstChild.textContent + ' | ' + value.querySelector('small').textContent]; }))`);
const row = (n) =>
  browser.run(
    "return [...document.querySelectorAll('.live tbody tr')[arguments[0]].children].map((one) => one.textContent)",
    n,
  );
const asks = () => server.state.asked.filter((one) => one === "/metrics").length;

/** Until the page has asked `n` times more. */
async function asked(n) {
  const before = asks();
  for (let i = 0; asks() < before + n && i < 200; i++) await new Promise((resolve) => setTimeout(resolve, 50));
  await new Promise((resolve) => setTimeout(resolve, 150)); // for the answer to be drawn
}

test("the page shows figures and draws curves, of whatever server", async () => {
  await visit("server");
  await browser.until("document.querySelectorAll('.live-now .tile').length === 8");
  await browser.until("document.querySelector('.live .chart .curve')", 10_000);
  assert.ok((await browser.run("return document.querySelectorAll('.live tbody tr').length")) >= 1);
  assert.deepEqual(await complaints(), []);
});

recorded("figures: what runs, rates between two looks, delays and hits since the page began to look", async () => {
  await visit("server");
  await settled();
  await asked(1);
  server.state.load = {
    ...calm,
    running: 5,
    waiting: 2,
    used: 42,
    prompt: 3000,
    generated: 1500,
    reused: 1250,
    preempted: 4,
    slow: 100,
  };
  await asked(1);
  const shown = await figures();
  assert.equal(shown["Answers being written"], "5 | 2 waiting");
  assert.match(shown["Tokens out per second"], /^\d{3} \| [\d,]{3,5} read per second$/);
  const [out, read] = shown["Tokens out per second"].match(/[\d,]+/g).map((one) => Number(one.replace(",", "")));
  assert.ok(Math.abs(read / out - 2) < 0.02 && out > 300 && out < 700, `${out} out, ${read} in`);
  assert.equal(shown["Time to first token"], "55 ms | 95 % within 95.5 ms");
  assert.equal(shown["Time per token"], "27.5 ms | 95 % within 47.8 ms");
  assert.equal(shown["KV cache in use"], "21% | 42 of 200 pages");
  assert.equal(shown["Prefix hits"], "50% | of prompt tokens");
  assert.equal(shown["Preemptions"], "4 | 4 since the start");
  assert.match(shown["Tenants with requests"], /^1 \| up for 12 s$/);
  assert.deepEqual((await row(0)).slice(0, 3), ["docs-ko", "5", "2"]);
  assert.deepEqual(await row(2), ["team-a", "7"]);
  assert.deepEqual(await row(3), ["team-b", "0"]);
  assert.equal((await row(0))[5], "55 ms / 95.5 ms");
  assert.deepEqual((await row(1)).slice(0, 9), ["docs-ko-base", "0", "0", "0", "0", "– / –", "– / –", "0%", "–"]);
  await browser.run(`
    const picker = document.querySelector('#live-model');
    picker.value = 'docs-ko';
    picker.dispatchEvent(new Event('change'))`);
  assert.equal((await figures())["KV cache in use"], "42% | 42 of 100 pages");
});

recorded("curves grow, are read with keys, and end now", async () => {
  await visit("server");
  await browser.until("document.querySelectorAll('.live .chart .curve').length >= 5", 15_000);
  await asked(2);
  await browser.run("document.querySelector('.live .plot').focus()");
  await browser.press(Key.Home);
  const reading = () => browser.run("return document.querySelector('.live .plot').getAttribute('aria-valuetext')");
  assert.match(await reading(), /out 0, in 0, \d+ s ago$/);
  await browser.press(Key.End);
  assert.match(await reading(), /, now$/);
  assert.match(
    await browser.run("return document.querySelector('.live .plot').getAttribute('aria-label')"),
    /^Tokens per second\. out: from 0 to 0/,
  );
});

recorded("a server that began anew, or is away for a while, breaks nothing", async () => {
  await visit("server");
  await settled();
  await asked(1);
  server.state.load = { ...calm, prompt: 10, generated: 4, reused: 0, preempted: 0, slow: -80 };
  await asked(1);
  const rate = Number(/^[\d.]+/.exec((await figures())["Tokens out per second"])[0]);
  assert.ok(rate > 0 && rate < 5, `${rate}: what came since, not minus what was before`);
  server.state.down = true;
  await browser.until("document.querySelector('.live .problem')", 10_000);
  assert.match(await browser.text(".live .problem"), /does not answer/);
  server.state.down = false;
  await browser.click(".live .problem button");
  await browser.until("!document.querySelector('.live .problem')");
});

recorded("a key is asked for and can be written while the page asks again", async () => {
  server.state.key = "s3cret";
  await browser.open("about:blank");
  await browser.open(`${url}/#/server`);
  await browser.type("#problem-key", "s3cr");
  await new Promise((resolve) => setTimeout(resolve, 4500)); // a poll or two
  await browser.type("#problem-key", "et" + Key.Enter);
  await browser.until("document.querySelector('.live-now .tile')");
});

recorded("in Korean, in the dark, on a phone", async () => {
  await browser.media({ "prefers-color-scheme": "dark" });
  await browser.viewport(360, 720, true);
  await visitInKorean("server");
  await browser.until("document.querySelectorAll('.live .chart .curve').length >= 4", 15_000);
  assert.equal(await browser.text("h1"), "서버");
  const shown = await figures();
  assert.equal(shown["쓰고 있는 답변"], "1 | 0개 대기");
  assert.equal(shown["KV 캐시 사용"], "6% | 200쪽 가운데 12쪽");
  assert.match(await browser.text(".live .chart .legend"), /내보냄 0/);
  assert.deepEqual(await complaints(), []);
});
