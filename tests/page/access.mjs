// Who can use the page: by keyboard, with a screen reader, on a narrow screen, in the dark, on paper.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

import { SETTLED, opened, test } from "./world.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** The findings of axe-core that matter. */
async function findings(tab) {
  await tab.value(`${AXE}; undefined`);
  const { violations } = await tab.value('axe.run(document, { resultTypes: ["violations"] })');
  const serious = violations.filter(({ impact }) => ["serious", "critical"].includes(impact));
  return serious.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join(" | ")}`);
}

for (const dark of [false, true]) {
  const dress = dark ? "dark" : "light";
  test(`in ${dress} colours and at each width everything has room, and axe-core finds nothing serious`, async () => {
    const tab = await opened({ dark });
    for (const width of [320, 768, 1440]) {
      await tab.resize(width, 900);
      await tab.until(`document.querySelector("#spend canvas").clientWidth < ${width}`);
      assert.equal(await tab.value("document.documentElement.scrollWidth"), width);
      // At a middle width nothing is there that is not at the others, and looking takes seconds.
      if (width !== 768 && !(dark && width === 320)) assert.deepEqual(await findings(tab), []);
      await keep(`${width}-${dress}.png`, () => tab.picture());
    }
    await tab.close();
  });
}

/** Keeps a picture where somebody wants to look at it. */
async function keep(name, take) {
  const folder = process.env.AIG_LOGS_PICTURES;
  if (!folder) return;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, name), await take());
}

test("dialogs, opened lines and tables of charts have no serious finding", async () => {
  const tab = await opened();
  await tab.value('document.querySelectorAll("details").forEach((one) => { one.open = true; })');
  await tab.value('document.querySelector("#evidence .opener").click()');
  await tab.until('document.querySelector("#evidence .opened .pairs")');
  assert.deepEqual(await findings(tab), []);
  await tab.value('document.querySelector("#spend .tools button:nth-child(2)").click()');
  assert.deepEqual(await findings(tab), []);
  await tab.close();
});

const FOCUSED = `(() => { const one = document.activeElement; return one.closest(".panel")?.id ?? (one.className || one.name || one.textContent); })()`;

test("the Tab key goes through everything in the order of the page, and comes out again", async () => {
  const tab = await opened();
  const order = [];
  for (let turn = 0; turn < 600; turn++) {
    await tab.press("Tab");
    const here = await tab.value(FOCUSED);
    if (order.length > 20 && (here === "skip" || (await tab.value("document.activeElement === document.body")))) break;
    if (order.at(-1) !== here) order.push(here);
  }
  const panels = ["figures", "spend", "changes", "who", "models", "latency", "errors", "application", "usage", "unusual", "pipeline", "evidence"];
  assert.equal(order[0], "skip");
  assert.deepEqual(order.slice(1, 5), ["Copy link", "CSV", "Refresh", "Key"]);
  assert.deepEqual(order.slice(5, 9), ["range", "cmp", "key", "value"]);
  assert.deepEqual(order.slice(-12), panels);
  await tab.close();
});

test("a chart is read and narrowed by the keyboard", async () => {
  const tab = await opened();
  await tab.value('document.querySelector("#spend .chart").focus()');
  const words = await tab.value('document.querySelector("#spend .chart").getAttribute("aria-label")');
  assert.match(words, /^Spend, .* to .*: at most \$/);
  await tab.press("ArrowRight");
  const first = await tab.value('document.querySelector("#spend .readout").textContent');
  await tab.press("ArrowRight");
  const second = await tab.value('document.querySelector("#spend .readout").textContent');
  assert.match(first, /\d\d:00: (all \$|nothing)/);
  assert.notEqual(first, second);
  await tab.press("Enter");
  await tab.until(`/range=\\d{4}/.test(location.search) && ${SETTLED}`);
  const [start, end] = (await tab.value('new URLSearchParams(location.search).get("range")')).split("..").map((one) => Date.parse(one));
  assert.equal(end - start, 3_600_000);
  await tab.close();
});

test("a bar that is clicked becomes the range", async () => {
  const tab = await opened();
  const { x, y } = await tab.value('(() => { const { left, top, width, height } = document.querySelector("#spend .u-over").getBoundingClientRect(); return { x: left + width / 2, y: top + height / 2 }; })()');
  await tab.send("Input.dispatchMouseEvent", { type: "mouseMoved", x, y });
  await tab.until('document.querySelector("#spend .readout").textContent.length > 10');
  for (const type of ["mousePressed", "mouseReleased"]) await tab.send("Input.dispatchMouseEvent", { type, x, y, button: "left", clickCount: 1 });
  const range = 'new URLSearchParams(location.search).get("range")';
  const before = await tab.value(range);
  await tab.until(`(() => { const [start, end] = ${range}.split("..").map((one) => Date.parse(one)); return end - start === 3_600_000; })()`, `another range than ${before}`);
  await tab.close();
});

test("another theme is drawn in other colours, and paper is white", async () => {
  const tab = await opened();
  const colour = 'getComputedStyle(document.querySelector(".panel")).backgroundColor';
  const light = await tab.value(colour);
  await tab.value('(() => { const one = document.getElementById("control-theme"); one.value = "dark"; one.dispatchEvent(new Event("change")); })()');
  await tab.until(`${colour} !== ${JSON.stringify(light)}`);
  const { data } = await tab.send("Page.printToPDF", { printBackground: true, preferCSSPageSize: true });
  const paper = Buffer.from(data, "base64");
  await keep("paper.pdf", () => paper);
  const sheets = paper.toString("latin1").match(/\/Type\s*\/Page\b/g).length;
  assert.ok(sheets <= 2, `${sheets} sheets`);
  await tab.close();
});
