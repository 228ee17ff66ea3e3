// 11: the hours of the last seven days: the logs that arrived of each, and whether they are all.

import { h, note } from "../dom.js";
import * as format from "../format.js";
import * as range from "../range.js";
import { evidence } from "../router.js";
import { scroll } from "../table.js";
import { proven, shared } from "../view.js";

const DAYS = 7;
const HOUR = 3_600_000;

/** What stands beside the number of an hour that is not proven. */
const MARKS = { unprovable: "?", unknown: "?", counting: "…", short: "!", "no pass": "×" };

export const pipeline = {
  id: "pipeline",
  number: 11,
  title: "Pipeline: logs by hour",
  width: "wide",
  parts: ["standing"],
  questions: (view) => ({
    standing: shared.hours(),
    hours: {
      path: "/query",
      body: {
        start: range.iso(firstDay(view)), end: range.iso(view.end), dataset: "logs", groupBy: "hour", metrics: ["count"], timeZone: view.zone,
        limit: 10_000, ...(view.state.org ? { organizationId: view.state.org } : {}),
      },
    },
  }),
  draw(view, { hours, standing }) {
    const told = toldOf(standing, view);
    if (!hours.rows.some((row) => row.count > 0)) {
      return [note("No log arrived in these seven days. Is the poller running?"), told];
    }
    const byHour = new Map(standing.rows.map((row) => [Date.parse(row.hour), row]));
    const rows = hours.rows.map((row) => ({ ...row, standing: byHour.get(Math.floor(Date.parse(row.hour) / HOUR) * HOUR) }));
    const most = Math.max(...rows.map((row) => row.count));
    const grid = scroll("Logs by hour", gridOf(view, rows, most));
    grid.table = { name: "Logs by hour", columns: ["hour", "logs", "verdict"], rows: rows.map((row) => [row.hour, row.count, row.standing?.verdict ?? null]) };
    return [grid, note(`At most ${format.count(most)} logs in an hour.`), told];
  },
};

/** What the poller has written down of the hours, in a sentence, and the command that mends them. */
function toldOf({ rows, failed }, view) {
  const { counted, proven: all } = proven(rows);
  if (counted === 0) {
    return note(failed ?? "Nothing here tells which hours are proven.", " Ask ", h("code", {}, "aig-logs status"), ".");
  }
  const slowest = rows.reduce((most, row) => (row.lag > (most?.lag ?? 0) ? row : most), null);
  const lag = slowest && ` At most ${format.span(slowest.lag / 1_000)} behind (${format.instant(slowest.hour, view.zone)}).`;
  return note(
    `${all} of ${counted} counted hours are proven. … is not counted yet, ! lacks some, ? cannot be proven, × had no pass.`,
    lag, " ", h("code", {}, "aig-logs verify"), " counts again at the source and copies what is missing.",
  );
}

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
  const at = range.write(start, start + rows.length * HOUR);
  const { verdict, passes } = rows[0].standing ?? {};
  // An hour that no pass comes to is not counted either.
  const state = verdict === "counting" && passes === 0 && start + HOUR <= view.now ? "no pass" : verdict;
  const text = (count > 0 ? format.compact(count) : "·") + (MARKS[state] ?? "");
  const title = [`${format.instant(start, view.zone)}: ${count > 0 ? `${format.count(count)} logs` : "no logs"}`, state].filter(Boolean).join(", ");
  const inner = count > 0 ? evidence([["source", "logs"], ["at", at]], title, text) : text;
  const element = h("td", { class: count > 0 ? "some" : "none", title, data: { value: count } }, inner);
  element.style.setProperty("--share", `${Math.round(4 + (count / most) * 31)}%`);
  return element;
}
