// The numbers of each panel are those that the API gives to the questions that the panel shows.

import assert from "node:assert/strict";

import { asked, opened, test, world } from "./world.mjs";

const sum = (rows, name) => rows.reduce((all, row) => all + row[name], 0);

/** What each panel's CSV must hold, made of the API's answers with plain loops. */
const EXPECTED = {
  figures: ([now, before, , models, month]) => [
    ["spend USD", now.rows[0].cost, before.rows[0].cost], ["month so far USD", month.rows[0].cost, null],
    ["requests", now.rows[0].count, before.rows[0].count], ["error rate", now.rows[0].errorRate, before.rows[0].errorRate],
    ["p95 ms", now.rows[0].p95, before.rows[0].p95],
    ["saved USD", models.rows.reduce((all, { cached, count, cost }) => all + (count > cached ? cached * (cost / (count - cached)) : 0), 0), null],
  ],
  spend: ([steps]) => steps.rows.map((row) => [row.hour, row.cost]),
  changes: ([now, before]) => changed(now.rows, before.rows),
  who: ([total, values, before]) =>
    values.rows.map((row) => [
      row["metadata.team"] ?? "(no team)", row.cost, row.cost / total.rows[0].cost, row.count, (row.cost * 1_000) / row.count,
      row.cost - (before.rows.find((one) => one["metadata.team"] === row["metadata.team"])?.cost ?? 0),
    ]),
  models: ([models]) =>
    models.rows.map((row) => [row.model, row.cost, row.count, row.tokensIn, row.tokensCached, row.tokensOut, (row.cost / (row.tokensIn + row.tokensOut)) * 1e6, row.p95, row.errorRate, row.unpriced]),
  latency: ([steps]) => steps.rows.map((row) => [row.hour, row.count, row.p50, row.p95, row.p99]),
  errors: ([steps, , byStatus]) => [
    ...steps.rows.map((row) => [row.hour, row.errors, row.errorRate]), [], ["By status"], ["status", "errors", "share"],
    ...byStatus.rows.map((row) => [row.status, row.count, row.count / sum(byStatus.rows, "count")]),
  ],
  application: ([names, tools, users, sessions]) => [
    ...names.rows.map((row) => [row.name, row.count, row.errorRate, row.p95]), [], ["Tools"],
    ["tool", "calls", "errors", "p95"], ...tools.rows.map((row) => [row.subject, row.count, row.errorRate, row.p95]),
    [], ["Active users and sessions"], ["day", "users", "sessions"],
    ...users.rows.map((row, at) => [row.day, row.users, sessions.rows[at].sessions]),
  ],
  usage: ([usage, failures]) => [
    ...usage.rows.map((row) => [row.organizationId, row.sku, row.quantity, row.unit, row.events, row.cost]), [],
    ["Sign-ins that failed in the last day, the latest"], ["at", "user", "address", "reason"],
    ...failures.rows.map((row) => [row.at, row.user, row.address ?? "–", row.error ?? row.name]),
  ],
  unusual: ([{ rows }]) => rows.map((row) => [row.user, row.organization]),
  pipeline: ([standing, hours]) => {
    const verdicts = new Map(standing.rows.map((row) => [Date.parse(row.hour), row.verdict]));
    return hours.rows.map((row) => [row.hour, row.count, verdicts.get(Math.floor(Date.parse(row.hour) / 3_600_000) * 3_600_000) ?? null]);
  },
  evidence: ([lines]) => lines.rows.map((row) => Object.values(row)),
};

/** The groups that cost more or less than before, the largest change first. */
function changed(now, before) {
  const groups = new Map();
  const add = (row, part) => {
    const name = `${row["metadata.team"] ?? "(no team)"} × ${row.model}`;
    const group = groups.get(name) ?? { now: null, before: null };
    groups.set(name, { ...group, [part]: row });
  };
  now.forEach((row) => add(row, "now"));
  before.forEach((row) => add(row, "before"));
  const rows = [...groups].map(([name, group]) => [name, (group.now?.cost ?? 0) - (group.before?.cost ?? 0)]);
  return rows.filter(([, change]) => change !== 0).sort((one, other) => Math.abs(other[1]) - Math.abs(one[1]));
}

/** A text of CSV as rows of cells. */
function parsed(text) {
  const rows = text.split("\r\n").slice(0, -1);
  return rows.map((row) => [...row.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain));
}

/** The CSV of a panel, taken where the browser would keep it. */
async function csvOf(tab, id) {
  return tab.value(`(async () => {
    let blob;
    const [make, click] = [URL.createObjectURL, HTMLAnchorElement.prototype.click];
    URL.createObjectURL = (one) => { blob = one; return "blob:none"; };
    HTMLAnchorElement.prototype.click = () => {};
    document.querySelector("#${id} .tools button").click();
    URL.createObjectURL = make;
    HTMLAnchorElement.prototype.click = click;
    return blob.text();
  })()`);
}

/** The questions of a panel, as it shows them. */
async function questionsOf(tab, id) {
  await tab.value(`document.querySelector("#${id} .tools button:nth-child(2)").click()`);
  const texts = await tab.value('[...document.querySelectorAll("#questions pre")].map((one) => one.textContent)');
  await tab.value('document.getElementById("questions").close()');
  return texts.map((text) => {
    const [, path, body] = /^curl http:\/\/[^/]+(\/\S+) -H "authorization: Bearer \$KEY"(?: -d '(.*)')?$/s.exec(text);
    return { path, body: body && JSON.parse(body) };
  });
}

function same(shown, expected, id) {
  assert.ok(shown.length >= expected.length, `${id}: ${shown.length} rows, not ${expected.length}`);
  expected.forEach((row, at) =>
    row.forEach((value, place) => {
      const cell = shown[at][place];
      const where = `${id}, row ${at}, column ${place}: ${cell}, not ${value}`;
      if (typeof value === "number") assert.ok(cell !== "" && Math.abs(Number(cell) - value) <= 1e-9 * Math.max(1, Math.abs(value)), where);
      // What a spreadsheet would take for a formula has a ' before it.
      else assert.equal(cell, String(value ?? "").replace(/^(?=[=+\-@])/, "'"), where);
    }));
}

test("each panel shows what the API answers", async () => {
  const { api, key } = await world();
  const tab = await opened();
  for (const [id, expected] of Object.entries(EXPECTED)) {
    const questions = await questionsOf(tab, id);
    const answers = await Promise.all(questions.map((question) => asked(api, key, question)));
    assert.ok(answers.every(({ rows }) => Array.isArray(rows)), id);
    same(parsed(await csvOf(tab, id)).slice(1), expected(answers), id);
  }
  await tab.close();
});

test("cells show the values that they have", async () => {
  const tab = await opened();
  const cells = await tab.value(`[...document.querySelectorAll("#models tbody tr, #who tbody tr, #application tbody tr")].flatMap((row) =>
    [...row.cells].filter((cell) => cell.dataset.value && cell.className.includes("number")).map((cell) => [cell.textContent, cell.dataset.value]))`);
  assert.ok(cells.length > 80);
  for (const [text, value] of cells.filter(([text]) => !/[▲▼=?]|new/.test(text))) {
    const units = { "%": 0.01, ms: 1, s: 1_000, K: 1e3, M: 1e6 };
    const [, number, unit] = /^\$?([\d.,]+) ?(\S*)$/.exec(text);
    const read = Number(number.replaceAll(",", "")) * (units[unit] ?? 1);
    assert.ok(Math.abs(read - Number(value)) <= 0.06 * Math.abs(Number(value)) + 0.006, `${text}: ${value}`);
  }
  await tab.close();
});

test("the same numbers hold for a filter and another key", async () => {
  const { api, key } = await world();
  const tab = await opened({ search: "key=env&provider=openai&cmp=none&tz=Asia/Kolkata" });
  for (const id of ["figures", "models", "spend", "latency"]) {
    const questions = await questionsOf(tab, id);
    assert.ok(questions.every(({ body }) => JSON.stringify(body.filters) === '[{"field":"provider","op":"eq","values":["openai"]}]'), id);
    const answers = await Promise.all(questions.map((question) => asked(api, key, question)));
    const shown = parsed(await csvOf(tab, id)).slice(1);
    if (id === "models") same(shown, EXPECTED.models(answers), id);
    if (id === "spend") same(shown, EXPECTED.spend(answers), id);
    if (id === "latency") same(shown, EXPECTED.latency(answers), id);
    if (id === "figures") assert.equal(Number(shown[0][1]), answers[0].rows[0].cost);
  }
  await tab.close();
});
