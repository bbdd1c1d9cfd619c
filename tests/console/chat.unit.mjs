// Conversations without a browser: the tree, what is kept and how it is merged, files in and out.
import assert from "node:assert/strict";
import { test } from "node:test";
import { MemoryStore, merged } from "../../console/src/chat/store";
import { Shelf, newEntry } from "../../console/src/chat/shelf";
import { Tree, contentFor, excerptOf, folded, newId, titleOf } from "../../console/src/chat/tree";
import { exportJson, exportMarkdown, fileName, missingOf, readImport } from "../../console/src/chat/transfer";
import { decodeText } from "../../console/src/lib/decode_text";

delete globalThis.BroadcastChannel; // an open one would keep these tests from ending

const message = (id, parent, role = "user", content = id, created = 0) => ({
  id,
  conversation: "c",
  parent,
  role,
  content,
  created,
});
const entry = (more = {}) => ({ ...newEntry("chat"), id: "c", title: "제목", ...more });
const ids = (list) => list.map((one) => one.id);

test("A tree: paths, siblings, the newest leaf, and no endless circles", () => {
  const tree = new Tree([
    message("q", null, "user", "q", 1),
    message("a2", "q", "assistant", "a", 3),
    message("a1", "q", "assistant", "a", 2),
    message("q2", "a1", "user", "q", 4),
  ]);
  assert.deepEqual(ids(tree.pathTo("q2")), ["q", "a1", "q2"]);
  assert.deepEqual(ids(tree.siblings(tree.get("a2"))), ["a1", "a2"]);
  assert.equal(tree.newestLeaf("q"), "a2");
  assert.equal(tree.newestLeaf("a1"), "q2");
  assert.equal(tree.newestLeaf(null), "a2");
  tree.add(message("a1", "q", "assistant", "longer", 2));
  assert.equal(tree.get("a1").content, "longer");
  assert.equal(tree.size, 4);
  const circle = new Tree([message("x", "y"), message("y", "x")]);
  assert.equal(circle.pathTo("x").length, 2);
  assert.ok(["x", "y"].includes(circle.newestLeaf("x")));
});

test("Titles, excerpts and ids", () => {
  assert.equal(titleOf("\n  안녕   하세요 \n둘째"), "안녕 하세요");
  assert.ok([...titleOf("가".repeat(200))].length <= 61);
  assert.equal(titleOf("word ".repeat(30)).endsWith(" …"), false);
  assert.equal(excerptOf("앞".repeat(50) + "Find ME" + "뒤".repeat(90), folded("find me")).includes("Find ME"), true);
  assert.equal(excerptOf("한글", folded("한글".normalize("NFD"))), "한글", "Hangul in letters is found");
  assert.equal(excerptOf("a", "b"), null);
  assert.match(newId(), /^[0-9a-f]{32}$/);
});

test("Files stand before the message in a fence that they cannot close", () => {
  const attachments = [{ name: "a.md", bytes: 3, encoding: "UTF-8", text: "x\n````\ny" }];
  assert.equal(contentFor({ content: "무엇?", attachments }), "[a.md]\n`````\nx\n````\ny\n`````\n\n무엇?");
  assert.equal(contentFor({ content: "a" }), "a");
  assert.equal(contentFor({ content: "", attachments: [] }), "");
});

test("Two tabs: titles by hand stay, the later time counts, what goes on is not deleted", () => {
  const change = (fields, messages = []) => ({ entry: entry(), fields, messages });
  assert.equal(merged(entry({ title: "mine", named: true }), change({ title: "auto" })).title, "mine");
  assert.equal(merged(entry({ title: "mine", named: true }), change({ title: "new", named: true })).title, "new");
  assert.equal(merged(entry({ updated: 9 }), change({ updated: 5 })).updated, 9);
  assert.equal(merged(entry({ deleted: 5 }), change({ updated: 5 }, [message("m", null)])).deleted, undefined);
  assert.equal(merged(entry(), change({ deleted: 7 })).deleted, 7);
});

test("Messages are never written over by shorter states, nor by an import that borrows their ids", async () => {
  const store = new MemoryStore();
  const put = (one, id = "c") => store.apply([{ entry: entry({ id }), fields: {}, messages: [one] }]);
  await put({ ...message("m", null), content: "ab", unfinished: true });
  await put({ ...message("m", null), content: "abc" });
  await put({ ...message("m", null), content: "ab", unfinished: true });
  assert.equal((await store.messages("c"))[0].content, "abc");
  await put({ ...message("m", null), conversation: "d", content: "stolen" }, "d");
  assert.equal((await store.messages("c"))[0].content, "abc");
  assert.deepEqual([...(await store.search("abc")).keys()], ["c"]);
});

/** A store that refuses as a browser without room does, while `full`. */
class FullStore extends MemoryStore {
  lasting = true;
  full = true;
  async apply(changes) {
    if (this.full) throw Object.assign(new Error("no room"), { name: "QuotaExceededError" });
    await super.apply(changes);
  }
}

const soon = () => new Promise((resolve) => setTimeout(resolve, 5));

test("Without room nothing is lost: it waits, is said, and is kept when there is room again", async () => {
  const store = new FullStore();
  const shelf = new Shelf(async () => store);
  shelf.put(entry(), { title: "a" }, [message("m1", null)]);
  shelf.put(entry(), { leaf: "m2" }, [message("m2", "m1")]);
  await soon();
  assert.equal(shelf.trouble, "full");
  assert.equal(shelf.unkept, 2);
  assert.deepEqual(ids(await shelf.messages("c")), ["m1", "m2"], "still there to read");
  store.full = false;
  await shelf.flush();
  assert.equal(shelf.trouble, null);
  assert.equal(shelf.unkept, 0);
  assert.deepEqual(ids(await store.messages("c")), ["m1", "m2"]);
  assert.equal((await store.entries())[0].leaf, "m2");
});

test("A browser that keeps nothing says so", async () => {
  const shelf = new Shelf(async () => new MemoryStore());
  await shelf.ready;
  assert.equal(shelf.trouble, "refused");
});

test("Deleting can be undone, and what was deleted long ago is gone", async () => {
  const store = new MemoryStore();
  store.lasting = true;
  await store.apply([{ entry: entry({ id: "old", deleted: 1 }), fields: {}, messages: [] }]);
  const shelf = new Shelf(async () => store);
  shelf.put(entry(), { title: "a" }, [message("m1", null)]);
  await soon();
  assert.deepEqual(ids(await store.entries()), ["c"]);
  const undo = shelf.remove("c");
  await soon();
  assert.equal(shelf.entry("c"), undefined);
  assert.ok((await store.entries())[0].deleted > 0);
  undo();
  await soon();
  assert.equal(shelf.entry("c").title, "a");
  assert.equal((await store.entries())[0].deleted, undefined);
  assert.equal((await store.messages("c")).length, 1);
});

test("JSON goes out and comes in again, and nothing that is here is written over", () => {
  const said = [message("q", null), { ...message("a", "q", "assistant"), model: "m", reasoning: "r", stopped: true }];
  said[0].attachments = [{ name: "f.txt", bytes: 2, encoding: "CP949", text: "가" }];
  const [read] = readImport(exportJson([{ entry: entry({ leaf: "a" }), messages: said }]));
  assert.deepEqual(read.messages, said);
  assert.equal(read.entry.title, "제목");
  assert.equal(read.entry.leaf, "a");
  assert.deepEqual(ids(missingOf(read, [said[0]])), ["a"]);
});

test("OpenAI's messages are read too", () => {
  const list = [
    { role: "system", content: "s" },
    { role: "user", content: "안녕" },
    { role: "assistant", content: "네" },
  ];
  for (const file of [list, { messages: list }]) {
    const [{ entry: one, messages }] = readImport(JSON.stringify(file));
    assert.deepEqual(
      messages.map((m) => m.content),
      ["안녕", "네"],
    );
    assert.equal(messages[1].parent, messages[0].id);
    assert.equal(one.title, "안녕");
  }
});

test("A wrong file is refused with the place of what is wrong", () => {
  const file = (conversations) => JSON.stringify({ format: "maru-conversations", version: 1, conversations });
  const good = { id: "c", title: "t", messages: [] };
  for (const [text, place] of [
    ["", "file"],
    ["{", "file"],
    ["3", "file"],
    ["{}", "format"],
    ['{"format":"maru-conversations","version":2}', "version"],
    [file(3), "conversations"],
    [file([good, 3]), "conversations[1]"],
    [file([{ ...good, title: 3 }]), "conversations[0].title"],
    [
      file([{ ...good, messages: [{ id: "m", parent: null, role: "root", content: "" }] }]),
      "conversations[0].messages[0].role",
    ],
    [
      file([{ ...good, messages: [{ id: "m", parent: "x", role: "user", content: "" }] }]),
      "conversations[0].messages[0].parent",
    ],
    [JSON.stringify([{ role: "user", content: [] }]), "file[0].content"],
    [JSON.stringify([{ role: "system", content: "s" }]), "file"],
  ])
    assert.throws(() => readImport(text), { place }, text);
});

test("Markdown for people, of the branch that is looked at; names for files", () => {
  const messages = [
    message("q", null, "user", "물음"),
    message("a", "q", "assistant", "답"),
    message("b", "q", "assistant", "다른 답"),
  ];
  const words = { you: "나", model: "모델", file: "붙인 파일: {name}" };
  const text = exportMarkdown({ entry: entry({ leaf: "a" }), messages }, words);
  assert.equal(text, "# 제목\n\n## 나\n\n물음\n\n## 모델\n\n답\n");
  assert.equal(fileName("a/b: c?\n", "md"), "a b c.md");
  assert.equal(fileName("...", "json"), "maru.json");
});

test("Files: UTF-8, UTF-16, CP949; what is no text, or another encoding, is refused", () => {
  const bytes = (...list) => new Uint8Array(list);
  const utf8 = (text) => new TextEncoder().encode(text);
  assert.deepEqual(decodeText(utf8("안녕\r\n하세요\r")), { text: "안녕\n하세요\n", encoding: "UTF-8" });
  assert.deepEqual(decodeText(utf8("\uFEFF가")), { text: "가", encoding: "UTF-8" });
  assert.deepEqual(decodeText(bytes(0xff, 0xfe, 0x00, 0xac)), { text: "가", encoding: "UTF-16LE" });
  assert.deepEqual(decodeText(bytes(0xfe, 0xff, 0xac, 0x00)), { text: "가", encoding: "UTF-16BE" });
  assert.deepEqual(decodeText(bytes(0xbe, 0xc8, 0xb3, 0xe7, 0x20, 0x61)), { text: "안녕 a", encoding: "CP949" });
  assert.deepEqual(decodeText(bytes(0x63, 0x61, 0x66, 0xe9, 0x20)), { refused: "encoding" }, "Latin-1");
  assert.deepEqual(
    decodeText(bytes(0x82, 0xb1, 0x82, 0xf1, 0x82, 0xc9, 0x82, 0xbf)),
    { refused: "encoding" },
    "Shift-JIS",
  );
  assert.deepEqual(decodeText(bytes(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)), { refused: "binary" });
  assert.deepEqual(decodeText(bytes(0x61, 0x00, 0x62)), { refused: "binary" });
  assert.deepEqual(decodeText(bytes()), { refused: "empty" });
  assert.deepEqual(decodeText(utf8(" \n")), { refused: "empty" });
});
