// What the browser tests share: one Chromium and one server per file, a clean page per test, and the steps that most
// tests take. The server gives recorded answers, or is $MARU_URL: then tests that need certain answers are skipped.
// $MARU_CONSOLE is the folder that console/bundle.cmake wrote.
import { join } from "node:path";
import { after, before, beforeEach, test as nodeTest } from "node:test";
import { metricsRows } from "./mock_data.mjs";
import { startMockServer } from "./mock_server.mjs";
import { Browser, Key } from "./webdriver.mjs";

export const folder = process.env.MARU_CONSOLE;
export const rooms = ["chat", "playground", "models", "training", "data", "server"];
export let server = null; // null: a real one
export let browser;
export let url;

const realUrl = process.env.MARU_URL?.replace(/\/$/, "");
const timeout = 60_000;

/** A test for any server. */
export const test = (name, body) => nodeTest(name, { timeout }, body);
/** A test that needs the recorded answers. */
export const recorded = (name, body) =>
  nodeTest(name, { timeout, skip: realUrl ? "needs recorded answers" : false }, body);

before(async () => {
  if (!realUrl) server = await startMockServer(join(folder, "site"));
  url = realUrl ?? server.url;
  browser = await Browser.start();
});

after(async () => {
  await browser?.stop();
  await server?.close();
});

beforeEach(async () => {
  server?.reset(metricsRows(400));
  await browser.viewport(1280, 800);
  await browser.media({});
  await browser.open(`${url}/favicon.svg`); // same origin, none of our code
  await forget();
  await browser.log("browser");
  await browser.log("performance");
});

/** Empties what the page keeps. */
export async function forget() {
  await browser.run(`
    localStorage.clear();
    sessionStorage.clear();
    return new Promise((resolve) => {
      const request = indexedDB.deleteDatabase("maru");
      request.onsuccess = request.onerror = request.onblocked = () => resolve(null);
    })`);
}

export async function visit(room) {
  await browser.open("about:blank");
  await browser.open(`${url}/#/${room}`);
  await browser.until("document.querySelector('main > section')");
  if (room.startsWith("chat")) await browser.until("document.querySelector('#model-picker option')");
}

/** The same page in Korean. */
export async function visitInKorean(room) {
  await browser.run("localStorage.setItem('maru.language', 'ko')");
  await visit(room);
  await browser.until("document.documentElement.lang === 'ko'");
}

/** Sets a field's text, as a paste does: at once. */
export const fill = (css, text) =>
  browser.run(
    `const field = document.querySelector(arguments[0]);
     field.value = arguments[1];
     field.dispatchEvent(new Event("input", { bubbles: true }))`,
    css,
    text,
  );

/** Until everything that a view asks for has come. */
export const settled = () => browser.until("!document.querySelector('[aria-busy=true]')");

export const say = (text) => browser.type("#composer", text + Key.Enter);

/** Until the model has written its answer. */
export const finished = () =>
  browser.until(
    "document.querySelector('.message.assistant .message-foot') && !document.querySelector('.writing')",
    30_000,
  );

export const answer = () =>
  browser.run("return [...document.querySelectorAll('.message.assistant .text')].pop()?.textContent ?? ''");

/** What the browser complained of, but for answers with an error status that a test asked for. */
export async function complaints() {
  const entries = await browser.log("browser");
  const expected = /status of (401|404|429)|ERR_EMPTY_RESPONSE/;
  return entries.filter((one) => one.level === "SEVERE" && !expected.test(one.message)).map((one) => one.message);
}
