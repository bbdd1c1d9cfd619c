// The chat: streaming, stopping, errors, keys, modes.
import assert from "node:assert/strict";
import { answer, browser, complaints, finished, recorded, say, server, test, url, visit } from "./page.mjs";
import { Browser, Key } from "./webdriver.mjs";

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
  const spoken = await browser.run(
    "return [...document.querySelectorAll('#speech p')].map((p) => p.textContent).join(' ')",
  );
  assert.equal(spoken, await answer());
  assert.match(
    await browser.text(".stats"),
    /^35 tokens · [\d.]+ tokens\/s · first after [\d.]+ s · 21 in the prompt$/,
  );
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
  assert.deepEqual(body.messages, [
    { role: "system", content: "Answer in one word." },
    { role: "user", content: "hello" },
  ]);
  const { model, temperature, top_p, max_tokens, seed, stream, stream_options } = body;
  assert.deepEqual(
    { model, temperature, top_p, max_tokens, seed, stream, stream_options },
    {
      model: "docs-ko",
      temperature: 0.3,
      top_p: 0.95,
      max_tokens: 256,
      seed: 7,
      stream: true,
      stream_options: { include_usage: true },
    },
  );
});

recorded("a value out of range is marked and not sent", async () => {
  await visit("chat");
  await browser.click("#open-settings");
  await browser.run("document.querySelector('#set-temperature').select()");
  await browser.type("#set-temperature", "9");
  assert.equal(
    await browser.run("return document.querySelector('#set-temperature').getAttribute('aria-invalid')"),
    "true",
  );
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
    for (let i = 0; server.state.aborted === before && i < 50; i++)
      await new Promise((resolve) => setTimeout(resolve, 40));
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

recorded("errors are shown in words for people, the server's own behind them, and trying again works", async () => {
  const expected = {
    "[fail]": [/answering as many as it can/, /The queue is full: 32 of 32/],
    "[late error]": [/Something went wrong on the server/, /out of pages/],
    "[cut]": [/connection ended before/, null],
  };
  for (const [prompt, [words, detail]] of Object.entries(expected)) {
    await visit("chat");
    await browser.click("#new-conversation");
    await say(prompt);
    await browser.until("document.querySelector('.problem')");
    assert.match(await browser.text(".problem[role=alert]"), words);
    if (detail === null) assert.equal(await browser.text(".problem-detail"), null);
    else {
      assert.doesNotMatch(await browser.text(".problem[role=alert]"), detail);
      await browser.click(".problem-detail summary");
      assert.match(await browser.text(".problem-detail"), detail);
    }
    const asked = server.state.requests.length;
    await browser.click(".problem button.quiet");
    await browser.until("document.querySelector('.problem')");
    assert.equal(server.state.requests.length, asked + 1);
    assert.equal(server.state.requests[asked].body.messages.length, 1);
  }
});

recorded("a Korean page says errors in Korean", async () => {
  await visit("chat");
  await browser.run("localStorage.setItem('maru.language', 'ko')");
  await browser.open("about:blank");
  await browser.open(`${url}/#/chat`);
  await browser.until("document.documentElement.lang === 'ko' && document.querySelector('.send')");
  await say("[fail]");
  await browser.until("document.querySelector('.problem')");
  assert.match(await browser.text(".problem"), /잠시 뒤 다시 시도/);
  assert.doesNotMatch(await browser.text(".problem"), /queue/);
  await browser.run("localStorage.removeItem('maru.language')");
});

recorded("a long answer scrolls in its thread; header and composer stay where they are", async () => {
  await visit("chat");
  await browser.click("#new-conversation");
  for (let i = 0; i < 2; i++) {
    await say("[long]");
    await finished();
  }
  const frame = await browser.run(`
    const box = (one) => document.querySelector(one).getBoundingClientRect();
    const page = document.scrollingElement;
    return { overflow: page.scrollHeight - page.clientHeight,
      main: document.querySelector('main').scrollHeight - box('main').height,
             top: box('.chat-bar').top, bottom: innerHeight - box('.composer').bottom,
             thread: document.querySelector('.thread').scrollHeight > 3 * box('.thread').height }`);
  assert.ok(frame.thread, "the answers are long");
  assert.ok(frame.overflow <= 0 && frame.main <= 1, JSON.stringify(frame));
  assert.ok(frame.top >= 0 && frame.bottom >= -1, JSON.stringify(frame));
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
  assert.equal(await answer(), "<script>window.hacked = 1</script><img src=x onerror='window.hacked = 2'> 끝");
  assert.equal(await browser.text(".message.user .text"), "[markup] <b id=mine>x</b>");
  assert.equal(
    await browser.run(
      "return window.hacked ?? document.querySelectorAll('.thread script, .thread img, #mine, #speech img').length",
    ),
    0,
  );
});

recorded("answer again, copy, keep, and begin anew", async () => {
  await browser.tell("Browser.grantPermissions", { permissions: ["clipboardReadWrite"] });
  await visit("chat");
  await say("hello");
  await finished();
  await browser.click(".regenerate");
  await browser.until("document.querySelector('.writing')");
  await finished();
  assert.deepEqual(
    server.state.requests.map((one) => one.body.messages.length),
    [1, 1],
  );
  await browser.click(".message.assistant .message-foot button");
  await browser.until("document.querySelector('.message.assistant .message-foot button').textContent === 'Copied'");
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
  assert.equal(await browser.run("return document.activeElement.id"), "composer", "the keyboard is still there");
  await browser.press("글");
  await browser.click("label[for=mode-chat]");
  assert.equal(await browser.run("return document.querySelector('#composer').value"), "글", "what was written stays");
  await visit("chat/docs-ko-base");
  assert.equal(await browser.run("return document.querySelector('#mode-chat').checked"), true);
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
