// What all tests share: a server with simulated events and logs, and a browser. Each tab has a front of its own.

import { spawn } from "node:child_process";
import { setTimeout as wait } from "node:timers/promises";

import { Browser, found } from "./browser.mjs";
import { front } from "./front.mjs";

const HOUR = 3_600_000;

/** Every panel has its answer, or says why it has none. */
export const SETTLED =
  'document.querySelectorAll(".panel").length === 12 && [...document.querySelectorAll(".panel")].every((panel) => panel.dataset.state && !panel.ariaBusy)';

/** The tests of all files. */
export const tests = [];
export const test = (name, run) => tests.push([name, run]);

/** How many tests run at once: most of the time they wait. */
export const AT_ONCE = 3;

let made;

/** The world, made once. */
export const world = () => (made ??= make());

async function make() {
  const browser = found();
  if (!browser) throw new Error("Install Chromium, or name its program in AIG_LOGS_CHROMIUM.");
  if (!process.env.AIG_LOGS_BIN) throw new Error("Name the built program in AIG_LOGS_BIN.");
  const server = spawn(process.env.AIG_LOGS_BIN, ["serve", "--demo", "--listen", "127.0.0.1:0"], { stdio: ["ignore", "pipe", "pipe"] });
  const { address, key } = await told(server);
  const one = { server, api: address, key, browser: new Browser(browser) };
  // The last hours change while simulated logs arrive. Three zones ahead of UTC, the range begins and ends inside a day.
  const now = Math.floor(Date.now() / HOUR) * HOUR;
  one.range = `${iso(now - 60 * HOUR)}..${iso(now - 2 * HOUR)}`;
  one.count = await steady(one);
  return one;
}

const iso = (at) => new Date(at).toISOString().replace(".000Z", "Z");

/** The address and the key that a server prints. */
function told(server) {
  return new Promise((resolve, reject) => {
    let text = "";
    const read = (part) => {
      text += part;
      const [address, key] = [/http:\/\/127\.0\.0\.1:\d+/.exec(text)?.[0], /aig_[\w-]{20,}/.exec(text)?.[0]];
      if (address && key) resolve({ address, key });
    };
    server.stdout.on("data", read);
    server.stderr.on("data", read);
    server.once("exit", (code) => reject(new Error(`the server ended with ${code}: ${text}`)));
  });
}

/** Waits until the past of the simulated gateway is copied. */
async function steady({ api, key, range }) {
  const [start, end] = range.split("..");
  let before = -1;
  for (let turn = 0; turn < 60; turn++) {
    const { rows } = await asked(api, key, { path: "/query", body: { start, end, dataset: "logs", metrics: ["count"] } });
    if (rows[0].count > 500 && rows[0].count === before) return before;
    before = rows[0].count;
    await wait(1_000);
  }
  throw new Error("the simulated past is never copied");
}

/** The answer of the API itself. */
export async function asked(api, key, { path, body }) {
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  const response = await fetch(api + path, { method: body ? "POST" : "GET", headers, body: body && JSON.stringify(body) });
  return response.json();
}

/** Those of tests that failed are still open at the end. */
const fronts = [];

/** A tab with the page, when all panels are there. `change` is what the front makes of answers. */
export async function opened({ search = "", change = null, settled = true, key, ...options } = {}) {
  const one = await world();
  const tab = await one.browser.tab(options);
  tab.front = await front(one.api, change);
  fronts.push(tab.front);
  const members = new URLSearchParams({ range: one.range });
  for (const [name, value] of new URLSearchParams(search)) members.set(name, value);
  await tab.go(`${tab.front.address}/?${members}#key=${key ?? one.key}`);
  if (settled) await tab.until(SETTLED, "every panel");
  return tab;
}

export async function ended() {
  if (!made) return;
  const { server, browser } = await made;
  await browser.close();
  await Promise.all(fronts.map((one) => one.close()));
  const end = new Promise((resolve) => server.once("exit", resolve));
  server.kill("SIGTERM");
  await end;
}
