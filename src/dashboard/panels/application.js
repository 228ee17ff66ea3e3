// 8: what the application says of itself: events, tools, active users.

import { chart } from "../chart.js";
import { note } from "../dom.js";
import * as format from "../format.js";
import { numbers, table } from "../table.js";
import { hasLogFilters, question, stepTimes } from "../view.js";

const METRICS = ["count", "errors", "errorRate", "p95"];

/** Users are counted by hours and days, not by minutes. */
const unitOf = (view) => (view.step === "minute" ? "minute" : view.end - view.start <= 2 * 86_400_000 ? "hour" : "day");

export const application = {
  id: "application",
  number: 8,
  title: "Application",
  parts: ["users", "sessions"],
  questions: (view) => ({
    names: question(view, { dataset: "events", groupBy: "name", metrics: METRICS, orderBy: "-count", limit: 50 }),
    tools: question(view, {
      dataset: "events", groupBy: "subject", metrics: ["count", "errors", "errorRate", "p95"], orderBy: "-count", limit: 50,
      filters: [{ field: "name", op: "contains", values: ["tool"] }],
    }),
    // Users of days are counted beforehand, and sessions are not.
    users: question(view, { dataset: "events", groupBy: unitOf(view), metrics: ["users"], limit: 10_000 }),
    sessions: question(view, { dataset: "events", groupBy: unitOf(view), metrics: ["sessions"], limit: 10_000 }),
  }),
  draw(view, { names, tools, users, sessions }) {
    const apart = hasLogFilters(view) ? note("Events have no gateway, provider or model: those filters do not narrow them.") : null;
    if (names.rows.length === 0) {
      return [note("No event lies in this range. Applications send events to POST /events."), apart];
    }
    const columns = [
      { title: "event", of: (row) => row.name, where: (row) => [["source", "events"], ["name", row.name]] },
      { title: "count", of: (row) => row.count, show: format.count },
      { title: "errors", of: (row) => row.errorRate, show: format.percent, where: (row) => (row.errors ? [["name", row.name], ["success", "false"]] : null) },
      { title: "p95", of: (row) => row.p95, show: format.duration },
    ];
    const ofTools = [
      { title: "tool", of: (row) => row.subject ?? "(no name)", where: (row) => [["source", "events"], ["subject", row.subject]] },
      { title: "calls", of: (row) => row.count, show: format.count },
      { title: "errors", of: (row) => row.errorRate, show: format.percent },
      { title: "p95", of: (row) => row.p95, show: format.duration },
    ];
    return [
      apart,
      table("Events by name", columns, names.rows, { most: 8 }),
      tools.rows.length > 0 && table("Tools", ofTools, tools.rows, { most: 6 }),
      people(view, { users, sessions }),
    ];
  },
};

/** Active users and sessions over time: those that there is an answer about. */
function people(view, answers) {
  const unit = unitOf(view);
  const known = Object.keys(answers).filter((name) => !answers[name].failed);
  const failures = Object.keys(answers).filter((name) => answers[name].failed).map((name) => note(`No answer about ${name}: ${answers[name].failed}`));
  if (known.length === 0) return failures;
  const { rows } = answers[known[0]];
  const dash = { users: null, sessions: [6, 4] };
  const lines = known.map((name) => ({ name, dash: dash[name], values: answers[name].rows.map((row) => row[name]) }));
  const columns = [
    { title: unit, of: (at) => rows[at][unit] },
    ...known.map((name) => ({ title: name, of: (at) => answers[name].rows[at][name], show: format.count })),
  ];
  const name = "Active users and sessions";
  return [chart({ name, view, times: stepTimes(rows, unit), lines, show: format.count, unit }), numbers(name, columns, rows.map((_, at) => at)), failures];
}
