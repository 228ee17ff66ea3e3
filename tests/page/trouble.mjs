// A slow, a failing and an empty API, and texts that want to be more than texts.

import assert from "node:assert/strict";
import { setTimeout as wait } from "node:timers/promises";

import { SETTLED, opened, test } from "./world.mjs";

const FAILED = '[...document.querySelectorAll(".panel[data-state=failed]")].map((one) => one.id)';

test("while the API is slow, panels say that they ask, and then show what came", async () => {
  const tab = await opened({ change: () => wait(250), settled: false });
  await tab.until('document.querySelectorAll(".panel[aria-busy]").length === 12');
  const said = await tab.value('[...document.querySelectorAll(".panel .body")].map((one) => one.textContent)');
  assert.deepEqual(new Set(said), new Set(["Asking…"]));
  await tab.until(SETTLED);
  assert.deepEqual(await tab.value(FAILED), []);
  assert.deepEqual(tab.complaints, []);
  await tab.close();
});

test("a panel that fails says so alone, and asks again when it is told to", async () => {
  let isAway = true;
  const tab = await opened({ change: (path, answer, question) => (isAway && question?.template === "cost-anomalies" ? 503 : null) });
  assert.deepEqual(await tab.value(FAILED), ["unusual"]);
  assert.match(await tab.value('document.querySelector("#unusual .failed").textContent'), /No answer: the store is away/);
  isAway = false;
  await tab.value('document.querySelector("#unusual .failed button").click()');
  await tab.until('document.querySelector("#unusual").dataset.state === "shown"');
  await tab.close();
});

test("a part of a panel that fails leaves its other parts alone", async () => {
  const tab = await opened({ change: (path, answer, question) => (question?.template === "auth-failures" || question?.metrics?.[0] === "sessions" ? 422 : null) });
  assert.deepEqual(await tab.value(FAILED), []);
  const text = (id) => tab.value(`document.querySelector("#${id} .body").textContent`);
  assert.match(await text("usage"), /Sign-ins: no answer\. the store is away/);
  assert.match(await text("usage"), /chat-large/);
  assert.match(await text("application"), /No answer about sessions: the store is away/);
  await tab.close();
});

test("if everything fails, every panel and the trust bar say so", async () => {
  const tab = await opened({ change: () => 503 });
  assert.equal((await tab.value(FAILED)).length, 11);
  assert.match(await tab.value('document.querySelector("#usage .body").textContent'), /Usage: no answer/);
  assert.match(await tab.value('document.getElementById("trust").textContent'), /not known\. the store is away/);
  // Failed answers stand in the console of a browser by themselves; the page adds none.
  assert.deepEqual(tab.complaints.filter((one) => !one.includes("503")), []);
  await tab.close();
});

/** An answer as if there were nothing. */
function emptied(path, answer) {
  if (!answer.rows) return { ...answer, total_requests: 0, error_count: 0, avg_response_time: null };
  const isCounted = answer.rows.length > 0 && "count" in answer.rows[0];
  const zero = (row) => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, typeof value !== "number" ? value : /^(avg|max|p\d+)$/.test(name) ? null : 0]));
  // Without groups there is one row of zeros, and with steps alone one for each.
  const fields = ["model", "user", "name", "status", "subject", "gateway", "source", "metadata.team"];
  const isGrouped = !isCounted || fields.some((field) => field in answer.rows[0]);
  return { ...answer, rows: isGrouped ? [] : answer.rows.map(zero) };
}

test("if there is nothing, each panel says why and what to do", async () => {
  const tab = await opened({ change: emptied });
  assert.deepEqual(await tab.value(FAILED), []);
  for (const id of ["spend", "changes", "who", "models", "latency", "errors", "application", "usage", "unusual", "pipeline", "evidence"]) {
    const text = await tab.value(`document.querySelector("#${id} .body").textContent`);
    assert.match(text, /\w+\./, `${id}: ${text}`);
    assert.equal(await tab.value(`document.querySelectorAll("#${id} tbody tr").length`), 0, `${id}: ${text}`);
  }
  assert.equal(await tab.value('document.querySelector("#figures .big").textContent'), "$0.00");
  assert.doesNotMatch(await tab.value("document.body.innerText"), /NaN|undefined|Infinity|\[object/);
  assert.match(await tab.value('document.getElementById("trust").className'), /bad/);
  assert.deepEqual(tab.complaints, []);
  await tab.close();
});

/** An answer as a warehouse gives it. */
const ofWarehouse = (path, answer) =>
  answer.meta ? { ...answer, meta: { ...answer.meta, bytesRead: 1_000_000, completeThrough: { logs: null, events: null } } } : answer;

test("over a warehouse the page says how much was read, and claims nothing of completeness", async () => {
  const tab = await opened({ change: ofWarehouse });
  await tab.until('document.getElementById("read")');
  const text = await tab.value('document.getElementById("trust").textContent');
  assert.match(text, /· \d\d MB read in BigQuery$/);
  assert.doesNotMatch(text, /complete to/);
  assert.deepEqual(await tab.value(FAILED), []);
  assert.deepEqual(tab.complaints, []);
  await tab.close();
});

const EVIL = `<img src=x onerror="window.xss=1"><script>window.xss=1</script>"'><svg onload=window.xss=1>`;

/** What is no text of an event, but of the API. */
const OWN = /^(minute|hour|day|week|month|at|cohort|source)$/;

function evil(path, answer, question) {
  if (!answer.rows) return null;
  const turned = (row) => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, OWN.test(name) || typeof value !== "string" ? value : EVIL]));
  const made = { "cost-anomalies": [{ organization: EVIL, user: EVIL, cost: 9, ownDays: 9, ownAverage: 1, ownP95: 2 }], "auth-failures": [{ at: "2026-11-01T00:00:00Z", name: EVIL, user: EVIL, address: EVIL, error: EVIL }] };
  return { ...answer, rows: made[question?.template] ?? answer.rows.map(turned) };
}

test("every text of an event is shown as text", async () => {
  const tab = await opened({ change: evil });
  await tab.value('document.querySelectorAll("details").forEach((one) => { one.open = true; })');
  await tab.value('document.querySelector("#evidence .opener").click()');
  await tab.until('document.querySelector("#evidence .opened .pairs")');
  for (const id of ["spend", "changes", "who", "models", "application", "usage", "unusual", "evidence"]) {
    await tab.until(`document.querySelector("#${id}").textContent.includes(${JSON.stringify(EVIL)})`, `${id} shows it`);
  }
  await tab.value('document.querySelector("#unusual tbody a").click()');
  await tab.until(`document.querySelector("#evidence .chips").textContent.includes("onerror") && ${SETTLED}`);
  await tab.value('document.querySelector("#evidence .tools button:nth-child(2)").click()');
  assert.equal(await tab.value('document.querySelectorAll("img, svg, main script, dialog script, iframe, object").length'), 0);
  assert.equal(await tab.value("window.xss ?? null"), null);
  assert.deepEqual(tab.complaints, []);
  await tab.close();
});

test("texts of the address are shown as text", async () => {
  const members = new URLSearchParams({ key: EVIL, model: EVIL, full: EVIL, tz: EVIL, theme: EVIL });
  members.append("w", `user:${EVIL}`);
  const tab = await opened({ search: String(members) });
  assert.equal(await tab.value('document.querySelectorAll("img, svg, main script").length'), 0);
  assert.equal(await tab.value("window.xss ?? null"), null);
  assert.deepEqual(tab.complaints.filter((one) => !one.includes("400")), []);
  await tab.close();
});
