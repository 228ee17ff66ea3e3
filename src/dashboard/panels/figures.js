// 1: six numbers, each with its change and a line.

import { h } from "../dom.js";
import * as format from "../format.js";
import * as range from "../range.js";
import { evidence } from "../router.js";
import { sparkline } from "../sparkline.js";
import { question, shared } from "../view.js";

export const figures = {
  id: "figures",
  number: 1,
  title: "Six numbers",
  width: "wide",
  questions: (view) => ({
    now: shared.total(view),
    before: view.previous && shared.total(view, view.previous),
    steps: shared.steps(view),
    models: shared.models(view),
    month: question(view, { dataset: "logs", metrics: ["cost", "count", "unpriced"] }, soFar(view)),
  }),
  draw(view, { now, before, steps, models, month }) {
    const [is, was, soFarRow] = [now.rows[0], before?.rows[0], month.rows[0]];
    const line = (name) => sparkline(steps.rows.map((row) => row[name]));
    const saved = models.rows.reduce((sum, row) => sum + (row.count > row.cached ? (row.cached * row.cost) / (row.count - row.cached) : 0), 0);
    const share = (part, whole) => format.percent(whole > 0 ? part / whole : 0);
    const compared = (text) => (was ? text : "not compared");
    const tiles = [
      tile("Spend", atLeast(is, format.usd(is.cost)), compared(format.change(is.cost, was?.cost)), line("cost"), is.cost, [], hintOf(is)),
      monthTile(view, soFarRow),
      tile("Requests", format.count(is.count), compared(format.change(is.count, was?.count)), line("count"), is.count, []),
      tile("Errors", format.percent(is.errorRate), compared(format.points(is.errorRate, was?.errorRate)), line("errorRate"), is.errorRate, [["success", "false"]]),
      tile("p95 latency", format.duration(is.p95), compared(format.change(is.p95, was?.p95)), line("p95"), is.p95, []),
      tile("Saved", format.usd(saved), `hit ${share(is.cached, is.count)} · prompt-hit ${share(is.tokensCached, is.tokensIn)}`, null, saved, null, "Cached answers, at what the other calls of their model cost"),
    ];
    const list = h("dl", { class: "tiles" }, tiles);
    list.table = {
      name: "Six numbers",
      columns: ["number", "now", "before"],
      rows: [
        ["spend USD", is.cost, was?.cost], ["month so far USD", soFarRow.cost, null], ["requests", is.count, was?.count],
        ["error rate", is.errorRate, was?.errorRate], ["p95 ms", is.p95, was?.p95], ["saved USD", saved, null],
      ],
    };
    return list;
  },
};

/** The month in which the view ends, up to there. */
export function soFar(view) {
  const { start } = range.month(view.end - 1, view.zone);
  return { start, end: view.end };
}

const atLeast = ({ unpriced }, text) => (unpriced > 0 ? `≥ ${text}` : text);

const hintOf = ({ unpriced }) => (unpriced > 0 ? `${format.count(unpriced)} calls have no cost: is a price missing?` : null);

function tile(name, text, change, line, value, where, hint) {
  const number = where ? evidence(where, `tile ${name}`, text) : text;
  return h(
    "div", { class: "tile", title: hint },
    h("dt", {}, name),
    h("dd", { class: "big", data: { value: value ?? "" } }, number),
    h("dd", { class: "change" }, change),
    line && h("dd", {}, line),
  );
}

/** What the month costs if it goes on as it went until now. */
function monthTile(view, month) {
  const { cost } = month;
  const { start, end } = range.month(view.end - 1, view.zone);
  const passed = (view.end - start) / (end - start);
  const pace = passed > 0 ? cost / passed : null;
  const isOver = view.budget !== null && pace > view.budget;
  const budget = view.budget === null ? "" : ` of ${format.usd(view.budget)}`;
  const text = `→ ${format.usd(pace)} at this pace${isOver ? " (!) over the budget" : ""}`;
  const bar = h("div", { class: "meter", "aria-hidden": "true" });
  bar.style.setProperty("--share", `${Math.min(1, view.budget ? cost / view.budget : passed) * 100}%`);
  return h(
    "div", { class: "tile", title: hintOf(month) },
    h("dt", {}, "Month so far"),
    h("dd", { class: "big", data: { value: cost } }, atLeast(month, format.usd(cost)), h("small", {}, budget)),
    h("dd", { class: isOver ? "change bad" : "change" }, text),
    h("dd", {}, bar),
  );
}
