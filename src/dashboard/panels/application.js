// 8: what the application says of itself: events, tools, active users.

import { chart } from "../chart.js";
import { note } from "../dom.js";
import * as format from "../format.js";
import { numbers, table } from "../table.js";
import { hasLogFilters, question, stepTimes } from "../view.js";

const METRICS = ["count", "users", "sessions", "errors", "errorRate", "p95"];

/** Users are counted by hours and days, not by minutes. */
const unitOf = (view) => (view.step === "minute" ? "minute" : view.end - view.start <= 2 * 86_400_000 ? "hour" : "day");

export const application = {
  id: "application",
  number: 8,
  title: "Application",
  questions: (view) => ({
    names: question(view, { dataset: "events", groupBy: "name", metrics: METRICS, orderBy: "-count", limit: 50 }),
    tools: question(view, {
      dataset: "events", groupBy: "subject", metrics: ["count", "errors", "errorRate", "p95"], orderBy: "-count", limit: 50,
      filters: [{ field: "name", op: "contains", values: ["tool"] }],
    }),
    people: question(view, { dataset: "events", groupBy: unitOf(view), metrics: ["users", "sessions"], limit: 10_000 }),
  }),
  draw(view, { names, tools, people }) {
    const apart = hasLogFilters(view) ? note("Events have no gateway, provider or model: those filters do not narrow them.") : null;
    if (names.rows.length === 0) {
      return [note("No event lies in this range. Applications send events to POST /events."), apart];
    }
    const unit = unitOf(view);
    const columns = [
      { title: "event", of: (row) => row.name, where: (row) => [["source", "events"], ["name", row.name]] },
      { title: "count", of: (row) => row.count, show: format.count },
      { title: "users", of: (row) => row.users, show: format.count },
      { title: "sessions", of: (row) => row.sessions, show: format.count },
      { title: "errors", of: (row) => row.errorRate, show: format.percent, where: (row) => (row.errors ? [["name", row.name], ["success", "false"]] : null) },
      { title: "p95", of: (row) => row.p95, show: format.duration },
    ];
    const ofTools = [
      { title: "tool", of: (row) => row.subject ?? "(no name)", where: (row) => [["source", "events"], ["subject", row.subject]] },
      { title: "calls", of: (row) => row.count, show: format.count },
      { title: "errors", of: (row) => row.errorRate, show: format.percent },
      { title: "p95", of: (row) => row.p95, show: format.duration },
    ];
    const lines = [["users", null], ["sessions", [6, 4]]].map(([name, dash]) => ({ name, dash, values: people.rows.map((row) => row[name]) }));
    const ofPeople = [
      { title: unit, of: (row) => row[unit] },
      { title: "users", of: (row) => row.users, show: format.count },
      { title: "sessions", of: (row) => row.sessions, show: format.count },
    ];
    return [
      apart,
      table("Events by name", columns, names.rows, { most: 8 }),
      tools.rows.length > 0 && table("Tools", ofTools, tools.rows, { most: 6 }),
      chart({ name: "Active users and sessions", view, times: stepTimes(people.rows, unit), lines, show: format.count, unit }),
      numbers("Active users and sessions", ofPeople, people.rows),
    ];
  },
};
