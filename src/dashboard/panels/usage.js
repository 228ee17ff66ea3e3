// 9: usage of this month by org and SKU, sign-ins that failed, and who comes back.

import { note } from "../dom.js";
import * as format from "../format.js";
import * as range from "../range.js";
import { table } from "../table.js";
import { question, template } from "../view.js";
import { soFar } from "./figures.js";

/** Failures are read row by row, and their rows are most of a database. */
const lastDay = (view) => Math.max(view.start, view.end - 86_400_000);

/** Cohorts of days, or of weeks where the range is long. */
const periodOf = (view) => (view.end - view.start > 21 * 86_400_000 ? "week" : "day");

export const usage = {
  id: "usage",
  number: 9,
  title: "Usage, sign-ins, cohorts",
  firsts: ["failures"],
  parts: ["usage", "failures", "cohorts"],
  questions: (view) => ({
    usage: plain(view, "/billing/usage", { limit: 200 }, soFar(view)),
    failures: template(view, "auth-failures", { start: range.iso(lastDay(view)), end: range.iso(view.end) }, 10),
    cohorts: plain(view, "/metrics/cohorts", { period: periodOf(view), limit: 1_000 }, view),
  }),
  draw(view, { usage, failures, cohorts }) {
    return [
      part(usage, "Usage", "No event of this month has a quantity. Send events with usage.sku and usage.quantity.", () => usageTable(usage.rows)),
      part(failures, "Sign-ins", "No sign-in failed in the last day of this range.", () => failureTable(view, failures.rows)),
      part(cohorts, "Who comes back", "No user was first seen in this range, so nobody can come back.", () => cohortTable(view, cohorts.rows)),
      note("This panel is about all events of the org: the other filters do not narrow it."),
    ];
  },
};

/** A table, or why there is none. */
function part({ rows, failed }, name, none, draw) {
  if (failed) return note(`${name}: no answer. ${failed}`);
  return rows.length > 0 ? draw() : note(none);
}

/** A question without the filters of the page. */
function plain(view, path, members, span) {
  const asked = question({ ...view, state: { org: view.state.org } }, members, span);
  return { path, body: asked.body };
}

function usageTable(rows) {
  const columns = [
    { title: "org", of: (row) => row.organizationId },
    { title: "SKU", of: (row) => row.sku ?? "(no SKU)", where: (row) => [["sku", row.sku], ["organization", row.organizationId]] },
    { title: "quantity", of: (row) => row.quantity, show: format.count },
    { title: "unit", of: (row) => row.unit ?? "–" },
    { title: "events", of: (row) => row.events, show: format.count },
    { title: "cost", of: (row) => row.cost, show: format.usd },
  ];
  return table("Usage of this month", columns, rows, { most: 6 });
}

function failureTable(view, rows) {
  const columns = [
    { title: "at", of: (row) => row.at, show: (at) => format.instant(at, view.zone) },
    { title: "user", of: (row) => row.user ?? "(no user)", where: (row) => [["name", row.name], ["user", row.user]] },
    { title: "address", of: (row) => row.address ?? "–" },
    { title: "reason", of: (row) => row.error ?? row.name },
  ];
  return table("Sign-ins that failed in the last day, the latest", columns, rows, { most: 5 });
}

/** A row for each cohort, and a column for each period since. */
function cohortTable(view, rows) {
  const byCohort = new Map();
  for (const row of rows) {
    if (!byCohort.has(row.cohort)) byCohort.set(row.cohort, { cohort: row.cohort, size: row.size, kept: [] });
    byCohort.get(row.cohort).kept[row.period] = row.retention;
  }
  const periods = Math.min(8, Math.max(...rows.map((row) => row.period + 1)));
  const unit = periodOf(view);
  const columns = [
    { title: `${unit} first seen`, of: (row) => row.cohort, show: (at) => format.day(at, view.zone) },
    { title: "users", of: (row) => row.size, show: format.count },
    ...Array.from({ length: periods }, (_, at) => ({
      title: `+${at}`, about: `Share that comes ${at} ${unit}s later`, of: (row) => row.kept[at] ?? null, show: format.percent, share: (row) => row.kept[at],
    })),
  ];
  return table("Who comes back", columns, [...byCohort.values()], { most: 6 });
}
