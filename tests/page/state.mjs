// The key, and the state of the page in its address.

import assert from "node:assert/strict";

import { SETTLED, opened, test, world } from "./world.mjs";

/** Sets a control as a person does. */
const set = (name, value) =>
  `(() => { const one = document.getElementById("control-${name}"); one.value = ${JSON.stringify(value)}; one.dispatchEvent(new Event("change", { bubbles: true })); })()`;

const search = (tab) => tab.value("location.search");

test("the key leaves the address, and stays in the tab", async () => {
  const { key } = await world();
  const tab = await opened();
  assert.equal(await tab.value("location.hash"), "");
  assert.equal(await tab.value('sessionStorage.getItem("aig-key")'), key);
  assert.equal(await tab.value("localStorage.length + document.cookie.length"), 0);
  await tab.go(`${tab.front.address}/?range=24h`);
  await tab.until(SETTLED, "every panel, with the key of before");
  await tab.close();
});

test("without a key, or with a wrong one, the page asks for it", async () => {
  const { key } = await world();
  const tab = await opened({ key: "aig_wrong", settled: false });
  await tab.until('document.querySelector("#key[open] p")?.textContent.includes("not known")', "a word about the key");
  await tab.value('document.getElementById("key-text").focus()');
  await tab.send("Input.insertText", { text: key });
  // Another question that the key fails takes away nothing of what is typed.
  await tab.value('dispatchEvent(new CustomEvent("key-refused", { detail: "the key is not known" }))');
  await tab.press("Enter");
  await tab.until(`${SETTLED} && document.querySelectorAll(".failed").length === 0 && !document.querySelector("dialog[open]")`);
  await tab.close();
});

test("what is set stands in the address, and back leads to what was before", async () => {
  const tab = await opened();
  const before = await search(tab);
  await tab.value(set("model", "gpt-5-mini"));
  await tab.until('new URLSearchParams(location.search).get("model") === "gpt-5-mini"');
  await tab.until(SETTLED);
  const rows = 'document.querySelectorAll("#models tbody tr").length';
  await tab.until(`${rows} === 1`, "one model");
  await tab.value("history.back()");
  await tab.until(`${rows} > 3`, "all models");
  assert.equal(await search(tab), before);
  assert.equal(await tab.value('document.getElementById("control-model").value'), "");
  await tab.value("history.forward()");
  await tab.until(`${rows} === 1 && document.getElementById("control-model").value === "gpt-5-mini"`);
  assert.deepEqual(tab.complaints, []);
  await tab.close();
});

test("a copied link has instants and a zone, and shows the same", async () => {
  const tab = await opened({ search: "range=24h&model=gpt-5-mini&live=60" });
  await tab.value('navigator.clipboard.writeText = async (text) => { window.copied = text; }');
  await tab.value('[...document.querySelectorAll("#buttons button")].find((one) => one.textContent === "Copy link").click()');
  await tab.until("window.copied");
  const members = new URL(await tab.value("window.copied")).searchParams;
  assert.match(members.get("range"), /^\d{4}-\d\d-\d\dT[\d:]+Z\.\.\d{4}-/);
  assert.deepEqual([members.get("model"), members.get("tz"), members.get("live")], ["gpt-5-mini", "Europe/Berlin", null]);
  await tab.close();
});

test("a panel alone is a state, and Escape ends it", async () => {
  const tab = await opened();
  await tab.value('document.querySelector("#models .tools button:last-child").click()');
  const shown = '[...document.querySelectorAll(".panel")].filter((one) => one.offsetHeight > 0).map((one) => one.id).join()';
  await tab.until(`${shown} === "models"`);
  assert.match(await search(tab), /full=models/);
  await tab.press("Escape");
  await tab.until('[...document.querySelectorAll(".panel")].every((one) => one.offsetHeight > 0)');
  await tab.close();
});

test("a number leads to the lines behind it, and a line opens", async () => {
  const tab = await opened();
  await tab.value('document.querySelector("#models tbody a").click()');
  await tab.until('document.activeElement.id === "evidence-title"');
  await tab.until(`document.querySelector("#evidence .chips").textContent.includes("model = ") && ${SETTLED}`);
  const model = await tab.value('document.querySelector("#models tbody a").textContent');
  const named = await tab.value('[...document.querySelectorAll("#evidence tbody td:nth-child(2) small")].map((one) => one.textContent.trim())');
  assert.ok(named.length > 5 && named.every((name) => name === model), `${model}: ${named}`);
  await tab.value('document.querySelector("#evidence .opener").click()');
  await tab.until('document.querySelector("#evidence .opened .pairs + .pairs")', "the fields of a line");
  const told = await tab.value('document.querySelector("#evidence .opened").textContent');
  assert.match(told, /gateway/);
  assert.match(told, /metadata\.team/);
  assert.deepEqual(tab.complaints, []);
  await tab.close();
});

test("a live page asks again", async () => {
  const tab = await opened({ search: "range=1h&live=5" });
  const before = tab.front.asked.length;
  await new Promise((resolve) => setTimeout(resolve, 6_500));
  assert.ok(tab.front.asked.length > before + 10, `${tab.front.asked.length - before} questions`);
  await tab.close();
});
