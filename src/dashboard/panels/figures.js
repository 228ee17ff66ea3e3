// 1: six numbers, each with its change and a line.

import { h, note } from "../dom.js";
import * as format from "../format.js";
import * as range from "../range.js";
import { evidence } from "../router.js";
import { sparkline } from "../sparkline.js";
import { question, shared, withoutCost } from "../view.js";

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
    month: question(view, { dataset: "logs", metrics: ["cost", "count"] }, soFar(view)),
  }),
  draw(view, { now, before, steps, models, month }) {
    const [is, was, soFarRow] = [now.rows[0], before?.rows[0], month.rows[0]];
    const line = (name) => sparkline(steps.rows.map((row) => row[name]));
    const free = withoutCost(models.rows);
    const compared = (text) => (was ? text : "not compared");
    const tiles = [
      tile("Spend", atLeast(free, format.usd(is.cost)), compared(format.change(is.cost, was?.cost)), line("cost"), is.cost, [], hintOf(free)),
      monthTile(view, soFarRow.cost, free),
      tile("Requests", format.count(is.count), compared(format.change(is.count, was?.count)), line("count"), is.count, []),
      tile("Errors", format.percent(is.errorRate), compared(format.points(is.errorRate, was?.errorRate)), line("errorRate"), is.errorRate, [["success", "false"]]),
      tile("p95 latency", format.duration(is.p95), compared(format.change(is.p95, was?.p95)), line("p95"), is.p95, []),
      tile("Saved", format.NONE, "not told", null, null, null, "Questions have no field for cached answers."),
    ];
    const list = h("dl", { class: "tiles" }, tiles);
    list.table = {
      name: "Six numbers",
      columns: ["number", "now", "before"],
      rows: [
        ["spend USD", is.cost, was?.cost], ["month so far USD", soFarRow.cost, null], ["requests", is.count, was?.count],
        ["error rate", is.errorRate, was?.errorRate], ["p95 ms", is.p95, was?.p95],
      ],
    };
    return [list, note("The API does not tell the first byte's time, nor what caches save: the views aig_latency_by_hour and aig_cache do.")];
  },
};

/** The month in which the view ends, up to there. */
export function soFar(view) {
  const { start } = range.month(view.end - 1, view.zone);
  return { start, end: view.end };
}

const atLeast = (free, text) => (free.calls > 0 ? `≥ ${text}` : text);

const hintOf = ({ calls, models }) =>
  calls > 0 ? `${format.count(calls)} calls of ${models} models have no cost at all: perhaps they have no price.` : null;

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
function monthTile(view, cost, free) {
  const { start, end } = range.month(view.end - 1, view.zone);
  const passed = (view.end - start) / (end - start);
  const pace = passed > 0 ? cost / passed : null;
  const isOver = view.budget !== null && pace > view.budget;
  const budget = view.budget === null ? "" : ` of ${format.usd(view.budget)}`;
  const text = `→ ${format.usd(pace)} at this pace${isOver ? " (!) over the budget" : ""}`;
  const bar = h("div", { class: "meter", "aria-hidden": "true" });
  bar.style.setProperty("--share", `${Math.min(1, view.budget ? cost / view.budget : passed) * 100}%`);
  return h(
    "div", { class: "tile", title: hintOf(free) },
    h("dt", {}, "Month so far"),
    h("dd", { class: "big", data: { value: cost } }, atLeast(free, format.usd(cost)), h("small", {}, budget)),
    h("dd", { class: isOver ? "change bad" : "change" }, text),
    h("dd", {}, bar),
  );
}
