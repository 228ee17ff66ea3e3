// 4: who spends, by the value of the key, and the users who cost most.

import { note } from "../dom.js";
import * as format from "../format.js";
import { table } from "../table.js";
import { question, shared } from "../view.js";

export const who = {
  id: "who",
  number: 4,
  title: "Who",
  firsts: ["users"],
  questions: (view) => ({
    total: shared.total(view),
    values: shared.values(view),
    before: view.previous && shared.values(view, view.previous),
    users: question(view, { dataset: "logs", groupBy: "user", metrics: ["cost", "count"], orderBy: "-cost", limit: 20 }),
  }),
  draw(view, { total, values, before, users }) {
    if (total.rows[0].count === 0) return note("No log lies in this range. Choose a longer range, or take filters away.");
    const rows = [...values.rows];
    // Its absence says that every call has one.
    if (!rows.some((row) => row[view.field] === null) && !view.state.value) rows.push({ [view.field]: null, cost: 0, count: 0 });
    const was = before && new Map(before.rows.map((row) => [row[view.field], row.cost]));
    const named = (field, none) => ({ of: (row) => row[field] ?? none, where: (row) => [[field, row[field]]] });
    const numbersOf = [
      { title: "cost", of: (row) => row.cost, show: format.usd },
      { title: "share", of: (row) => ratio(row.cost, total.rows[0].cost), show: format.percent, share: (row) => ratio(row.cost, total.rows[0].cost) },
      { title: "calls", of: (row) => row.count, show: format.count },
      { title: "$/1,000", about: "Cost of 1,000 calls", of: (row) => ratio(row.cost * 1_000, row.count), show: format.usd },
    ];
    const change = { title: "Δ", about: "Change of the cost", of: (row) => row.cost - (was.get(row[view.field]) ?? 0), show: (_, row) => format.change(row.cost, was.get(row[view.field]) ?? 0) };
    const hint = rows.length === 1 && rows[0][view.field] === null ? note(`No log has the metadata key ${view.key}. Name another key in “Split by”.`) : null;
    return [
      table(`By ${view.key}`, [{ title: view.key, ...named(view.field, `(no ${view.key})`) }, ...numbersOf, ...(was ? [change] : [])], rows, { most: 9 }),
      hint,
      table("Users who cost most", [{ title: "user", ...named("user", "(no user)") }, ...numbersOf], users.rows, { most: 5 }),
    ];
  },
};

const ratio = (part, whole) => (whole ? part / whole : null);
