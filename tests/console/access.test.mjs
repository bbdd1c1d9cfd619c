// Language, theme, keyboard, names for screen readers, phones, stillness.
import assert from "node:assert/strict";
import { browser, finished, rooms, settled, test, url, visit } from "./page.mjs";
import { Browser, Key } from "./webdriver.mjs";

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
  const ring = await browser.run(
    "const s = getComputedStyle(document.activeElement); return s.outlineStyle + ' ' + parseFloat(s.outlineWidth)",
  );
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

test("everything that can be operated has a name", async () => {
  const roles = new Set([
    "button",
    "link",
    "textbox",
    "combobox",
    "checkbox",
    "radio",
    "slider",
    "spinbutton",
    "progressbar",
    "dialog",
  ]);
  for (const room of rooms) {
    await visit(room);
    await settled();
    if (room === "chat") await browser.click("#open-settings");
    const { nodes } = await browser.tell("Accessibility.getFullAXTree");
    const operable = nodes.filter((node) => !node.ignored && roles.has(node.role?.value));
    assert.ok(operable.length > 5, `${room}: ${operable.length}`);
    const nameless = operable
      .filter((node) => !node.name?.value)
      .map((node) => `${room}: ${node.role.value} ${node.backendDOMNodeId}`);
    assert.deepEqual(nameless, []);
    if (room === "chat") await browser.press(Key.Escape);
  }
});

/** Runs in the page: what reaches beyond the right edge of the screen. */
const kTooWide = `
  const visible = (e) => !e.closest('.offscreen, .table-scroll, pre, .skip, dialog');
  const beyond = (e) => e.getBoundingClientRect().right > innerWidth + 0.5;
  return [...document.querySelectorAll('#app *')].filter(visible).filter(beyond).map((e) => e.outerHTML.slice(0, 120))`;

/** Runs in the page: controls too small for a finger. */
const kTooSmall = `
  const counts = (e) => !e.closest('.offscreen, .skip, dialog, .hash') && e.getBoundingClientRect().width > 0;
  const small = (e) => e.getBoundingClientRect().width < 32 || e.getBoundingClientRect().height < 24;
  const found = [...document.querySelectorAll('button, a, select')].filter(counts).filter(small);
  return found.map((e) => e.outerHTML.slice(0, 120))`;

const kScrollsSideways = `
  const main = document.querySelector('main');
  return main.scrollWidth > main.clientWidth || document.documentElement.scrollWidth > innerWidth`;

test("on a phone nothing is wider than the screen, and targets are large enough", async () => {
  for (const width of [360, 320]) {
    await browser.viewport(width, 720, true);
    for (const room of rooms) {
      await visit(room);
      await settled();
      assert.deepEqual(await browser.run(kTooWide), [], `${room} at ${width}`);
      assert.equal(await browser.run(kScrollsSideways), false, `${room} at ${width}`);
      assert.deepEqual(await browser.run(kTooSmall), [], `${room} at ${width}`);
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
