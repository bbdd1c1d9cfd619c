// A small client of the W3C WebDriver protocol for Chromium through its chromedriver: no packages needed.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const kElement = "element-6066-11e4-a52e-4f735466cecf";
const kArguments = [
  "--headless=new",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-dev-shm-usage",
  "--no-first-run",
  "--disable-quic",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export const Key = {
  Enter: "\uE007",
  Escape: "\uE00C",
  Tab: "\uE004",
  Shift: "\uE008",
  Left: "\uE012",
  Right: "\uE014",
  Up: "\uE013",
  Down: "\uE015",
  Home: "\uE011",
  End: "\uE010",
  Space: " ",
  Backspace: "\uE003",
  Control: "\uE009",
};

const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Starts chromedriver on a free port; resolves with its address. */
function startDriver() {
  const child = spawn(process.env.CHROMEDRIVER ?? "chromedriver", ["--port=0"], { stdio: ["ignore", "pipe", "pipe"] });
  return new Promise((resolve, reject) => {
    let said = "";
    const onData = (bytes) => {
      said += bytes;
      const port = /started successfully on port (\d+)/.exec(said)?.[1];
      if (port) resolve({ child, url: `http://127.0.0.1:${port}` });
    };
    child.stdout.on("data", onData);
    child.on("error", reject);
    child.on("exit", (code) => reject(new Error(`chromedriver ended with ${code}: ${said}`)));
  });
}

async function call(url, method, body) {
  const options = method === "GET" || method === "DELETE" ? { method } : { method, body: JSON.stringify(body ?? {}) };
  const answer = await (await fetch(url, options)).json();
  if (answer.value?.error) throw new Error(`${answer.value.error}: ${answer.value.message.split("\n")[0]}`);
  return answer.value;
}

export class Browser {
  static async start({ language = "en-US", dark = false } = {}) {
    const browser = new Browser();
    browser.profile = mkdtempSync(join(tmpdir(), "maru-console-"));
    browser.driver = await startDriver();
    const args = [
      ...kArguments,
      `--user-data-dir=${browser.profile}`,
      `--lang=${language}`,
      `--accept-lang=${language}`,
      ...(dark ? ["--force-dark-mode"] : []),
    ];
    const chrome = {
      args,
      binary: process.env.CHROMIUM ?? "/usr/bin/chromium",
      prefs: { "intl.accept_languages": language },
    };
    const wanted = {
      browserName: "chrome",
      "goog:chromeOptions": chrome,
      "goog:loggingPrefs": { browser: "ALL", performance: "ALL" },
    };
    const session = await call(`${browser.driver.url}/session`, "POST", { capabilities: { alwaysMatch: wanted } });
    browser.base = `${browser.driver.url}/session/${session.sessionId}`;
    return browser;
  }

  async stop() {
    await call(this.base, "DELETE").catch(() => undefined); // a crashed browser has no session to end
    this.driver.child.removeAllListeners("exit");
    this.driver.child.kill();
    rmSync(this.profile, { recursive: true, force: true, maxRetries: 5 });
  }

  open(url) {
    return call(`${this.base}/url`, "POST", { url });
  }
  reload() {
    return call(`${this.base}/refresh`, "POST");
  }

  /** Runs the body of a function in the page. */
  run(script, ...args) {
    return call(`${this.base}/execute/sync`, "POST", { script, args });
  }

  /** A command of the DevTools protocol. */
  tell(cmd, params = {}) {
    return call(`${this.base}/goog/cdp/execute`, "POST", { cmd, params });
  }

  async find(css) {
    const found = await call(`${this.base}/element`, "POST", { using: "css selector", value: css });
    return found[kElement];
  }

  async click(css) {
    await this.until(`document.querySelector(${JSON.stringify(css)})`);
    return call(`${this.base}/element/${await this.find(css)}/click`, "POST");
  }

  async type(css, text) {
    await this.until(`document.querySelector(${JSON.stringify(css)})`);
    return call(`${this.base}/element/${await this.find(css)}/value`, "POST", { text });
  }

  /** Presses keys where the focus is; the last of several held together. */
  async press(...keys) {
    const held = keys.slice(0, -1);
    const last = keys[keys.length - 1];
    const down = (value) => ({ type: "keyDown", value });
    const up = (value) => ({ type: "keyUp", value });
    const actions = [...held.map(down), down(last), up(last), ...held.reverse().map(up)];
    await call(`${this.base}/actions`, "POST", { actions: [{ type: "key", id: "keyboard", actions }] });
  }

  /** Opens a second tab and looks at it; answers how to close it and look at the first again. */
  async newTab() {
    const first = await call(`${this.base}/window`, "GET");
    const { handle } = await call(`${this.base}/window/new`, "POST", { type: "tab" });
    const look = (at) => call(`${this.base}/window`, "POST", { handle: at });
    await look(handle);
    const close = () => call(`${this.base}/window`, "DELETE").then(() => look(first));
    return { first: () => look(first), second: () => look(handle), close: () => look(handle).then(close) };
  }

  text(css) {
    return this.run("return document.querySelector(arguments[0])?.innerText ?? null", css);
  }

  /** Waits until an expression is truthy in the page; answers its value. */
  async until(expression, timeoutMs = 8000) {
    const end = Date.now() + timeoutMs;
    for (;;) {
      const value = await this.run(`return (${expression})`);
      if (value) return value;
      if (Date.now() > end) throw new Error(`Not within ${timeoutMs} ms: ${expression}`);
      await wait(40);
    }
  }

  log(type) {
    return call(`${this.base}/se/log`, "POST", { type });
  }

  /** Network requests since the last call, by address. */
  async requests() {
    const events = (await this.log("performance")).map((entry) => JSON.parse(entry.message).message);
    return events
      .filter((event) => event.method === "Network.requestWillBeSent")
      .map((event) => event.params.request.url);
  }

  viewport(width, height, mobile = false) {
    return this.tell("Emulation.setDeviceMetricsOverride", {
      width,
      height,
      deviceScaleFactor: mobile ? 2 : 1,
      mobile,
    });
  }

  media(features) {
    const list = Object.entries(features).map(([name, value]) => ({ name, value }));
    return this.tell("Emulation.setEmulatedMedia", { features: list });
  }

  screenshot() {
    return call(`${this.base}/screenshot`, "GET");
  }
}
