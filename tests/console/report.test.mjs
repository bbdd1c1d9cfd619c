// The self-contained report, opened from a file. $MARU_REPORT may name one that `maru report` wrote.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { reportData } from "./mock_data.mjs";
import { browser, complaints, folder, test } from "./page.mjs";

/** The template with data in it, as `maru report` writes it. */
function writeReport(name, data) {
  const template = readFileSync(join(folder, "report.html"), "utf8");
  assert.equal(template.split("/*MARU_REPORT_DATA*/null").length, 2, "one placeholder");
  const json = JSON.stringify(data).replaceAll("<", "\\u003c");
  const file = join(folder, name);
  writeFileSync(
    file,
    template.replace("/*MARU_REPORT_DATA*/null", () => json),
  );
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
  assert.deepEqual(
    (await browser.requests()).filter((one) => one !== address),
    [],
  );
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

test("a tuning's report shows what has changed, and hostile answers stay text", async () => {
  const data = reportData();
  const hostile = "<img src=x onerror='window.hacked = 1'>";
  data.metrics = [{ step: 0, tokens: 0, validation_accuracy: 0.25, validation_reward_low: 1 }, ...data.metrics];
  data.manifest = { ...data.manifest, notes: { validation_accuracy: 0.75, validation_reward_low: 2 } };
  data.comparison = {
    result: "00",
    asked: 2,
    answers: [
      { prompt: "p", expected: "e", before: "b", after: hostile },
      { prompt: "q", expected: "", before: "c", after: "d" },
    ],
  };
  await openReport(writeReport("changed.html", data));
  const cells = await browser.run("return [...document.querySelectorAll('#changed td')].map((c) => c.textContent)");
  assert.deepEqual(cells, ["0.25", "0.75"]);
  const texts = await browser.run("return [...document.querySelectorAll('.compared dd')].map((d) => d.textContent)");
  assert.deepEqual(texts, ["e", "b", hostile, "c", "d"]);
  assert.equal(await browser.run("return document.querySelectorAll('img').length"), 0);
  await openReport(writeReport("unchanged.html", reportData()));
  assert.equal(await browser.run("return document.querySelectorAll('#changed').length"), 0);
});

test("a report with little in it, and the empty template, still open", async () => {
  await openReport(
    writeReport("small.html", {
      run: { id: "r", state: "stopped", step: 1, steps: 9 },
      metrics: [{ step: 1, loss: 3 }],
    }),
  );
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
