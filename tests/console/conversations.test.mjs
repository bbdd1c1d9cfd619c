// Conversations: the list, branches, files, what is kept and shared between tabs, and answers in Markdown.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import {
  answer,
  browser,
  complaints,
  fill,
  finished,
  recorded,
  say,
  server,
  url,
  visit,
  visitInKorean,
} from "./page.mjs";
import { Key } from "./webdriver.mjs";

const folder = mkdtempSync(join(tmpdir(), "maru-files-"));
after(() => rmSync(folder, { recursive: true }));

const count = (css) => browser.run("return document.querySelectorAll(arguments[0]).length", css);
const titles = () => browser.run("return [...document.querySelectorAll('.entry-title')].map((one) => one.textContent)");
const asked = () =>
  browser.run("return [...document.querySelectorAll('.message.user .text')].map((one) => one.textContent)");
const lastMessages = () => server.state.requests[server.state.requests.length - 1].body.messages;

/** Says `text` and waits for an answer to it. */
async function talk(text) {
  const before = await count(".message.assistant .message-foot");
  await say(text);
  await browser.until(`document.querySelectorAll('.message.assistant .message-foot').length > ${before}`, 40_000);
  await finished();
}

/** Picks an action of the menu beside the conversation at `index`. */
async function pick(index, action) {
  await browser.click(`.entries li:nth-child(${index + 1}) .menu > button`);
  await browser.click(`.entries li:nth-child(${index + 1}) [role=menuitem]:nth-child(${action + 1})`);
}

recorded("conversations stand in a list, are opened, found, renamed, deleted, and brought back", async () => {
  await visit("chat");
  await talk("첫째 이야기");
  await browser.click("#new-conversation");
  await talk("Second talk");
  assert.deepEqual(await titles(), ["Second talk", "첫째 이야기"]);
  await browser.click(".entries li:nth-child(2) .entry");
  await browser.until("document.querySelector('.message.user .text')?.textContent === '첫째 이야기'");
  await visit("chat");
  await finished();
  assert.deepEqual(await asked(), ["첫째 이야기"], "a reload stays where it was");

  await fill("#search-conversations", "SECOND");
  await browser.until("document.querySelectorAll('.entry').length === 1");
  await fill("#search-conversations", "확인을 누르세요");
  await browser.until("document.querySelectorAll('.entry small').length === 2", 3000); // in the answers
  await fill("#search-conversations", "xyzzy");
  await browser.until("document.querySelector('.shelf-note').textContent === 'Nothing found'");
  await fill("#search-conversations", "");
  await browser.until("document.querySelectorAll('.entry').length === 2");

  await pick(1, 0);
  await browser.run("document.querySelector('#rename').select()");
  await browser.type("#rename", "새 이름" + Key.Enter);
  assert.deepEqual(await titles(), ["Second talk", "새 이름"]);
  await talk("더");
  assert.deepEqual(await titles(), ["새 이름", "Second talk"], "what is said does not rename it");

  await pick(0, 3);
  await browser.until("document.querySelector('.toast')");
  assert.deepEqual(await titles(), ["Second talk"]);
  assert.equal(await count(".message"), 0, "it is not shown any more");
  await browser.click(".toast button");
  await browser.until("document.querySelectorAll('.entry').length === 2");
  await browser.click(".entries li:nth-child(1) .entry");
  await browser.until("document.querySelectorAll('.message.user').length === 2");
  await visit("chat");
  assert.deepEqual(await titles(), ["새 이름", "Second talk"]);
  assert.deepEqual(await complaints(), []);
});

recorded("an edited question and another answer are branches, and the earlier ones stay within reach", async () => {
  await visit("chat");
  await talk("[echo] 하나");
  await talk("[echo] 둘");
  await browser.click(".message.user:nth-child(1) .edit");
  await browser.run("document.querySelector('.edit-form textarea').select()");
  await browser.type(".edit-form textarea", "[echo] 하나 다시" + Key.Enter);
  await browser.until("document.querySelectorAll('.message').length === 2");
  await finished();
  assert.deepEqual(lastMessages(), [{ role: "user", content: "[echo] 하나 다시" }]);
  assert.equal(await browser.text(".message.user .branches > span"), "2/2");
  await browser.click(".message.user .branches button");
  await browser.until("document.querySelectorAll('.message').length === 4");
  assert.deepEqual(await asked(), ["[echo] 하나", "[echo] 둘"]);
  assert.equal(await browser.text(".branches > span"), "1/2");
  assert.ok(
    await browser.run("return document.activeElement.closest('.branches') !== null"),
    "the keyboard is still there",
  );

  await browser.click(".regenerate");
  await browser.until("document.querySelectorAll('.message.assistant .branches').length === 1");
  await finished();
  assert.equal(lastMessages().length, 3);
  await visit("chat");
  await browser.until("document.querySelectorAll('.message').length === 4");
  assert.equal(await browser.text(".message.assistant .branches > span"), "2/2");

  await browser.press(Key.Up);
  await browser.until("document.querySelector('.edit-form textarea')?.value === '[echo] 둘'");
  await browser.press(Key.Escape);
  await browser.until("!document.querySelector('.edit-form')");
  assert.equal(await count(".message"), 4, "Escape changes nothing");
});

recorded(
  "files are read, in UTF-8 and CP949, and go with the message; what is no text is refused by name",
  async () => {
    const write = (name, bytes) => (writeFileSync(join(folder, name), bytes), join(folder, name));
    const utf8 = write("메모.txt", "안녕\r\n```\n끝");
    const cp949 = write(
      "old.txt",
      Buffer.from([0xbe, 0xc8, 0xb3, 0xe7, 0xc7, 0xcf, 0xbc, 0xbc, 0xbf, 0xe4, 0x8c, 0x63]),
    );
    const japanese = write("sjis.txt", Buffer.from([0x82, 0xb1, 0x82, 0xf1, 0x82, 0xc9, 0x82, 0xbf]));
    const picture = write("p.png", Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 1]));
    const large = write("large.txt", "a".repeat(600_000));
    await visit("chat");
    await browser.type("#attach", [utf8, cp949, picture, large, japanese].join("\n"));
    await browser.until("document.querySelectorAll('.attachments .refusal').length === 3");
    const chips = await browser.run("return [...document.querySelectorAll('.file-chip')].map((one) => one.innerText)");
    assert.match(chips[0], /메모\.txt\s*15 B · UTF-8/);
    assert.match(chips[1], /old\.txt\s*12 B · CP949/);
    assert.match(await browser.text(".attachments"), /p\.png is not a text file/);
    assert.match(await browser.text(".attachments"), /large\.txt has 600 kB; a file may have 524 kB/);
    assert.match(await browser.text(".attachments"), /sjis\.txt is neither UTF-8 nor CP949/);
    await talk("무엇인가요?");
    const fence = "````";
    const content = `[메모.txt]\n${fence}\n안녕\n\`\`\`\n끝\n${fence}\n\n[old.txt]\n\`\`\`\n안녕하세요똠\n\`\`\`\n\n무엇인가요?`;
    assert.deepEqual(lastMessages(), [{ role: "user", content }]);
    assert.equal(await count(".message.user .file-chip"), 2);
    assert.equal(await count(".composer .file-chip"), 0);
    await talk("그리고?");
    assert.equal(lastMessages()[0].content, content, "they stay with their message");
  },
);

/** The only file of the folder for downloads, once it is whole. */
async function download(ending) {
  for (let i = 0; i < 100; i++) {
    const name = readdirSync(folder).find((one) => one.endsWith(ending) && one.startsWith("[echo]"));
    if (name) return { name, path: join(folder, name), text: readFileSync(join(folder, name), "utf8") };
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`no ${ending} came: ${readdirSync(folder)}`);
}

recorded("a conversation goes out as Markdown and JSON, and comes in again, once", async () => {
  await browser.tell("Browser.setDownloadBehavior", { behavior: "allow", downloadPath: folder });
  await visit("chat");
  await talk("[echo] 내보내기");
  await browser.click(".regenerate");
  await browser.until("document.querySelector('.branches')");
  await finished();
  await pick(0, 1);
  assert.match((await download(".md")).text, /^# \[echo\] 내보내기\n\n## You\n\n\[echo\] 내보내기\n\n## docs-ko\n\n/);
  await pick(0, 2);
  const { path, text } = await download(".json");
  assert.equal(JSON.parse(text).conversations[0].messages.length, 3, "all branches");
  await browser.type(".shelf-foot input[type=file]", path);
  await browser.until("document.querySelector('.shelf-note').textContent === 'All of it is here already'");
  await pick(0, 3);
  await browser.until("document.querySelectorAll('.entry').length === 0");
  await browser.type(".shelf-foot input[type=file]", path);
  await browser.until("document.querySelectorAll('.entry').length === 1");
  await browser.click(".entry");
  await browser.until("document.querySelectorAll('.message').length === 2");
  assert.equal(await browser.text(".message.assistant .branches > span"), "2/2");
  const wrong = join(folder, "wrong.json");
  writeFileSync(wrong, '{"format":"maru-conversations","version":1,"conversations":[{"id":3}]}');
  await browser.type(".shelf-foot input[type=file]", wrong);
  await browser.until("document.querySelector('.shelf-note').textContent.includes('conversations[0].id')");
});

recorded("two tabs at once: each sees what the other says, and nothing is written over", async () => {
  await visit("chat");
  await talk("[echo] 함께");
  const tabs = await browser.newTab();
  try {
    await browser.viewport(1280, 800);
    await visit("chat");
    await browser.click(".entries li:nth-child(1) .entry");
    await browser.until("document.querySelectorAll('.message').length === 2");
    await tabs.first();
    await say("[slow] 첫 탭");
    await browser.until("document.querySelector('.writing')");
    await tabs.second();
    await say("[echo] 둘째 탭");
    await browser.until(
      "[...document.querySelectorAll('.message.user .text')].some((one) => one.textContent === '[echo] 둘째 탭')",
    );
    await finished();
    await tabs.first();
    await finished();
    assert.ok((await asked()).includes("[slow] 첫 탭"), "this tab stays on its branch");
    assert.equal(await browser.text(".message.user .branches > span"), "1/2");
    await browser.click("#new-conversation");
    await talk("다른 대화");
    await tabs.second();
    await browser.until("document.querySelectorAll('.entry').length === 2");
    await visit("chat");
    await browser.click(".entries li:nth-child(2) .entry");
    await browser.until("document.querySelectorAll('.branches').length > 0");
    const { messages } = await browser.run(`
      return new Promise((resolve) => {
        indexedDB.open("maru").onsuccess = (event) => {
          const all = event.target.result.transaction("messages").objectStore("messages").getAll();
          all.onsuccess = () => { event.target.result.close(); resolve({ messages: all.result }); };
        };
      })`);
    const said = messages.map((one) => one.content);
    for (const text of ["[echo] 함께", "[slow] 첫 탭", "[echo] 둘째 탭", "다른 대화"])
      assert.ok(said.includes(text), text);
    assert.equal(messages.length, 8, "four questions, four answers");
  } finally {
    await tabs.close();
  }
});

/** Runs in a page before its own scripts: while window.noRoom, transactions end as those of a full browser do. */
const kNoRoom = `
  const { put } = IDBObjectStore.prototype;
  IDBObjectStore.prototype.put = function (...given) {
    const request = put.apply(this, given);
    if (window.noRoom) this.transaction.abort();
    return request;
  };
  const { get } = Object.getOwnPropertyDescriptor(IDBTransaction.prototype, "error");
  const full = new DOMException("no room", "QuotaExceededError");
  Object.defineProperty(IDBTransaction.prototype, "error", {
    get() { return window.noRoom ? full : get.call(this); } });`;

recorded("a full browser says so, keeps nothing back silently, and goes on", async () => {
  const { identifier } = await browser.tell("Page.addScriptToEvaluateOnNewDocument", { source: kNoRoom });
  try {
    await visit("chat");
    await talk("[echo] 넉넉할 때");
    await browser.run("window.noRoom = true");
    await talk("[echo] 가득 찼을 때");
    await browser.until("document.querySelector('.notice')?.textContent.includes('2 messages are not kept')");
    assert.match(await browser.text(".notice"), /no room left/);
    assert.equal(await answer(), "[echo] 가득 찼을 때", "the conversation goes on all the same");
    assert.equal(
      await browser.run("return !window.dispatchEvent(new Event('beforeunload', { cancelable: true }))"),
      true,
    );
    await browser.run("window.noRoom = false");
    await browser.click(".notice button:last-child");
    await browser.until("!document.querySelector('.notice')");
    await visit("chat");
    await browser.until("document.querySelectorAll('.message').length === 4");
  } finally {
    await browser.tell("Page.removeScriptToEvaluateOnNewDocument", { identifier });
  }
});

recorded("a browser that keeps nothing says so, and the chat works", async () => {
  const { identifier } = await browser.tell("Page.addScriptToEvaluateOnNewDocument", {
    source: "IDBFactory.prototype.open = () => { throw new DOMException('no', 'SecurityError'); }",
  });
  try {
    await visit("chat");
    await talk("hello");
    await browser.until("document.querySelector('.notice')");
    assert.match(await browser.text(".notice"), /keeps nothing/);
  } finally {
    await browser.tell("Page.removeScriptToEvaluateOnNewDocument", { identifier });
  }
});

recorded("what an earlier version kept is still there", async () => {
  const messages = [
    { role: "user", content: "옛 물음" },
    { role: "assistant", content: "옛 답" },
  ];
  await browser.run("localStorage.setItem('maru.conversation.chat', arguments[0])", JSON.stringify({ messages }));
  await visit("chat");
  await browser.click(".entry");
  await browser.until("document.querySelectorAll('.message').length === 2");
  assert.equal(await answer(), "옛 답");
  await visit("chat");
  assert.deepEqual(await titles(), ["옛 물음"], "once");
});

recorded("answers are Markdown: structure, code to copy, nothing loaded, no markup of theirs", async () => {
  await browser.tell("Browser.grantPermissions", { permissions: ["clipboardReadWrite"] });
  await visit("chat");
  await browser.requests();
  await talk("[markdown]");
  const found = await browser.run(`
    const at = (css) => [...document.querySelectorAll('.markdown ' + css)];
    return {
      heading: at('h4').map((one) => one.textContent), strong: at('strong').map((one) => one.textContent),
      nested: at('ol > li > ul > li').length, cells: at('td').map((one) => one.textContent + one.className),
      code: at('.code pre code')[0].textContent, quote: at('blockquote').length, math: at('.math')[0].textContent,
      links: at('a').map((one) => [one.href, one.rel, one.target]), images: at(':is(img, b, script)').length }`);
  assert.deepEqual(found.heading, ["표 넣기"]);
  assert.deepEqual(found.strong, ["'삽입'"]);
  assert.equal(found.nested, 1);
  assert.deepEqual(found.cells, ["a|bto-left", "1to-right", "둘to-left", "22to-right"]);
  assert.equal(found.code, 'def table(rows):\n    return "<table>" * rows');
  assert.equal(found.quote, 1);
  assert.equal(found.math, "$x_1 * y_2$");
  const rel = "noopener noreferrer nofollow";
  assert.deepEqual(found.links, [
    ["https://example.com/help", rel, "_blank"],
    ["https://example.com/p.png", rel, "_blank"],
  ]);
  assert.equal(found.images, 0);
  assert.deepEqual(
    (await browser.requests()).filter((one) => !one.startsWith(`${url}/`)),
    [],
  );
  await browser.click(".code-head button");
  await browser.until("document.querySelector('.code-head button').textContent === 'Copied'");
  assert.equal(await browser.run("return navigator.clipboard.readText()"), `${found.code}\n`);
});

recorded("a half-written block of code is code from its first line, and grows in place", async () => {
  await visit("chat");
  await say("[half]");
  await browser.until("document.querySelector('.writing .code')");
  await browser.run("document.querySelector('.writing .code').dataset.kept = 'yes'");
  await browser.until("document.querySelector('.writing .code code').textContent.split('let').length > 4");
  assert.equal(await browser.run("return document.querySelector('.writing .code').dataset.kept"), "yes");
  assert.doesNotMatch(await browser.run("return document.querySelector('.writing').textContent"), /`/);
  await finished();
  assert.equal(await browser.text(".code code"), `${"let a = 1;\n".repeat(20)}let b`);
});

recorded("reasoning stands apart from the answer, and is not sent back", async () => {
  await visit("chat");
  await talk("[reason]");
  assert.equal(await answer(), "답입니다.");
  await browser.click(".reasoning summary");
  assert.match(await browser.text(".reasoning"), /먼저 생각합니다/);
  await talk("[echo] 더");
  assert.equal(lastMessages()[1].content, "답입니다.");
});

recorded("an answer of 100 KB costs a page little", async () => {
  await visit("chat");
  await browser.run(`
    window.made = 0;
    const count = (records) => records.forEach((one) => (window.made += one.addedNodes.length));
    new MutationObserver(count).observe(document.querySelector('.chat-main'), { childList: true, subtree: true })`);
  await talk("[huge]");
  assert.ok((await answer()).length > 60_000);
  const [made, lines] = await browser.run("return [window.made, document.querySelectorAll('.markdown br').length]");
  assert.ok(lines > 2500 && made < 20 * lines, `${made} elements for ${lines} lines`); // all anew: hundreds
});

recorded("in Korean: the list, branches, files, notices", async () => {
  await visitInKorean("chat");
  await talk("[echo] 하나");
  await browser.click(".regenerate");
  await browser.until("document.querySelector('.branches')");
  await finished();
  assert.equal(await browser.run("return document.querySelector('.branches button').title"), "이전 갈래");
  assert.equal(await browser.run("return document.querySelector('#search-conversations').placeholder"), "대화 찾기");
  const binary = join(folder, "그림.bin");
  writeFileSync(binary, Buffer.from([0, 1]));
  await browser.type("#attach", binary);
  await browser.until("document.querySelector('.refusal')?.textContent === '그림.bin은(는) 텍스트 파일이 아닙니다.'");
  await browser.click(".entries .menu > button");
  assert.deepEqual(
    await browser.run("return [...document.querySelectorAll('[role=menuitem]')].map((one) => one.textContent)"),
    ["이름 바꾸기", "Markdown으로 저장", "JSON으로 저장", "삭제"],
  );
  await browser.press(Key.Down);
  await browser.press(Key.Escape);
  assert.ok(await browser.run("return document.activeElement.getAttribute('aria-haspopup') === 'menu'"));
  await pick(0, 3);
  await browser.until("document.querySelector('.toast')?.textContent.includes('삭제했습니다')");
});

recorded("keys: the list of them, new, search, rooms; none of it while writing, or when turned off", async () => {
  await visit("models");
  await browser.press("?");
  await browser.until("document.querySelector('dialog.keys[open]')");
  assert.match(await browser.text("dialog.keys"), /New conversation[\s\S]*Playground/);
  await browser.press(Key.Escape);
  await browser.press("g");
  await browser.press("s");
  await browser.until("location.hash === '#/server'");
  await browser.press("n");
  await browser.until("location.hash === '#/chat' && document.activeElement.id === 'composer'");
  await browser.press("n");
  await browser.press("?");
  assert.equal(await browser.run("return document.querySelector('#composer').value"), "n?");
  await browser.run("document.activeElement.blur()");
  await browser.press("/");
  await browser.until("document.activeElement.id === 'search-conversations'");
  await browser.run("document.activeElement.blur()");
  await browser.click("#help");
  await browser.click("#keys-on");
  await browser.press(Key.Escape);
  await browser.run("document.activeElement.blur()");
  await browser.press("g");
  await browser.press("m");
  assert.equal(await browser.run("return location.hash"), "#/chat");
});

recorded("on a phone the list covers the thread and gives the keyboard back", async () => {
  await browser.viewport(360, 720, true);
  await visit("chat");
  await talk("[echo] 하나");
  assert.equal(await browser.run("return document.querySelector('.shelf').offsetParent"), null);
  await browser.click("#toggle-list");
  await browser.until("document.activeElement.id === 'search-conversations'");
  assert.equal(await browser.run("return document.querySelector('.chat-main').inert"), true);
  await browser.press(Key.Escape);
  assert.equal(await browser.run("return document.activeElement.id"), "toggle-list");
  await browser.click("#toggle-list");
  await browser.click(".entry");
  await browser.until("!document.querySelector('.list-open')");
  assert.equal(await count(".message"), 2);
});
