// 3: what changed since the time before, by the value of the key and by model.

import { note } from "../dom.js";
import * as format from "../format.js";
import { table } from "../table.js";
import { question } from "../view.js";

const asked = (view, span) =>
  question(view, { dataset: "logs", groupBy: [view.field, "model"], metrics: ["cost", "count"], orderBy: "-cost", limit: 5_000 }, span);

export const changes = {
  id: "changes",
  number: 3,
  title: "What changed",
  questions: (view) => (view.previous ? { now: asked(view), before: asked(view, view.previous) } : {}),
  draw(view, { now, before }) {
    if (!now) return note("Nothing is compared: choose what to compare with above.");
    const rows = differences(view, now.rows, before.rows);
    if (rows.length === 0) return note("Both times have the same costs, or no logs.");
    const columns = [
      { title: `${view.key} × model`, of: (row) => `${row.value ?? `(no ${view.key})`} × ${row.model ?? "(no model)"}`, where: (row) => [[view.field, row.value], ["model", row.model]] },
      { title: "Δ cost", of: (row) => row.cost, show: (value) => (value > 0 ? "+" : "") + format.usd(value), tone: (row) => (row.cost > 0 ? "up" : "down") },
      { title: "calls", of: (row) => row.calls, show: format.times },
      { title: "$/call", of: (row) => row.perCall, show: format.times },
    ];
    return table("What changed", columns, rows, { most: 9 });
  },
};

/** The groups of both times, those first that changed most. */
function differences(view, now, before) {
  const name = (row) => JSON.stringify([row[view.field], row.model]);
  const [is, was] = [now, before].map((rows) => new Map(rows.map((row) => [name(row), row])));
  const none = { cost: 0, count: 0 };
  const all = [...new Set([...is.keys(), ...was.keys()])].map((key) => {
    const [one, other] = [is.get(key) ?? none, was.get(key) ?? none];
    const [value, model] = JSON.parse(key);
    const perCall = one.count && other.count && other.cost ? one.cost / one.count / (other.cost / other.count) : null;
    return { value, model, cost: one.cost - other.cost, calls: other.count ? one.count / other.count : Infinity, perCall };
  });
  return all.filter((row) => row.cost !== 0).sort((one, other) => Math.abs(other.cost) - Math.abs(one.cost));
}
