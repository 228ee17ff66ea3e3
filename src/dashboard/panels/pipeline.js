// 11: the hours of the last seven days, with the logs that arrived of each.

import { h, note } from "../dom.js";
import * as format from "../format.js";
import * as range from "../range.js";
import { evidence } from "../router.js";
import { scroll } from "../table.js";

const DAYS = 7;

export const pipeline = {
  id: "pipeline",
  number: 11,
  title: "Pipeline: logs by hour",
  width: "wide",
  questions: (view) => ({
    hours: {
      path: "/query",
      body: {
        start: range.iso(firstDay(view)), end: range.iso(view.end), dataset: "logs", groupBy: "hour", metrics: ["count"], timeZone: view.zone,
        limit: 10_000, ...(view.state.org ? { organizationId: view.state.org } : {}),
      },
    },
  }),
  draw(view, { hours }) {
    const told = note(
      "The API does not tell which hours are proven, counting or short. ", h("code", {}, "aig-logs status"), " tells it, ",
      h("code", {}, "aig-logs verify"), " counts again at the source and copies what is missing. An hour without logs may also be one without calls.",
    );
    if (!hours.rows.some((row) => row.count > 0)) {
      return [note("No log arrived in these seven days. Is the poller running?"), told];
    }
    const most = Math.max(...hours.rows.map((row) => row.count));
    const empty = hours.rows.filter((row) => row.count === 0).length;
    const grid = scroll("Logs by hour", gridOf(view, hours.rows, most));
    grid.table = { name: "Logs by hour", columns: ["hour", "logs"], rows: hours.rows.map((row) => [row.hour, row.count]) };
    return [grid, note(`${hours.rows.length - empty} of ${hours.rows.length} hours have logs; at most ${format.count(most)} in an hour.`), told];
  },
};

const firstDay = (view) => range.dayStart(view.end - 1, view.zone, 1 - DAYS);

function gridOf(view, rows, most) {
  const byDay = new Map();
  for (const row of rows) {
    const date = row.hour.slice(0, 10);
    if (!byDay.has(date)) byDay.set(date, []);
    byDay.get(date).push(row);
  }
  const hours = Array.from({ length: 24 }, (_, hour) => String(hour).padStart(2, "0"));
  const head = h("tr", {}, h("th", { scope: "col" }, "day"), hours.map((hour) => h("th", { scope: "col" }, hour)));
  const lines = [...byDay.values()].map((ofDay) => {
    const cells = hours.map((hour) => cell(ofDay.filter((row) => row.hour.slice(11, 13) === hour), view, most));
    return h("tr", {}, h("th", { scope: "row" }, format.day(ofDay[0].hour, view.zone)), cells);
  });
  return h("table", { class: "hours" }, h("caption", {}, "Logs by hour"), h("thead", {}, head), h("tbody", {}, lines));
}

/** An hour of the wall clock: none, one, or the two of a night in which a zone repeats it. */
function cell(rows, view, most) {
  if (rows.length === 0) return h("td", { class: "future" });
  const count = rows.reduce((sum, row) => sum + row.count, 0);
  const start = Date.parse(rows[0].hour);
  const at = range.write(start, start + rows.length * 3_600_000);
  const text = count > 0 ? format.compact(count) : "·";
  const title = `${format.instant(start, view.zone)}: ${count > 0 ? `${format.count(count)} logs` : "no logs"}`;
  const inner = count > 0 ? evidence([["source", "logs"], ["at", at]], title, text) : text;
  const element = h("td", { class: count > 0 ? "some" : "none", title, data: { value: count } }, inner);
  element.style.setProperty("--share", `${Math.round(4 + (count / most) * 31)}%`);
  return element;
}
