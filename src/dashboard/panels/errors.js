// 7: errors by status, their rate, and the requests over a limit apart.

import { chart, series } from "../chart.js";
import { note } from "../dom.js";
import * as format from "../format.js";
import { numbers, table } from "../table.js";
import { question, shared, stepTimes } from "../view.js";

/** Too many requests: a limit, and no failure of a model. */
const OVER_LIMIT = 429;

const FAILED = [{ field: "success", op: "eq", values: [false] }];

export const errors = {
  id: "errors",
  number: 7,
  title: "Errors by status",
  questions: (view) => ({
    steps: shared.steps(view),
    byStep: question(view, { dataset: "logs", groupBy: [view.step, "status"], metrics: ["count"], filters: FAILED, limit: 10_000 }),
    byStatus: question(view, { dataset: "logs", groupBy: "status", metrics: ["count"], filters: FAILED, orderBy: "-count" }),
  }),
  draw(view, { steps, byStep, byStatus }) {
    const calls = steps.rows.reduce((sum, row) => sum + row.count, 0);
    if (byStatus.rows.length === 0) {
      return note(calls > 0 ? `None of ${format.count(calls)} calls failed.` : "No log lies in this range, so nothing failed.");
    }
    const times = stepTimes(steps.rows, view.step);
    const failed = byStep.rows.filter((row) => row.status !== OVER_LIMIT);
    const bars = series(failed, times, view.step, "status", "count");
    const limited = byStep.rows.filter((row) => row.status === OVER_LIMIT);
    if (limited.length) bars.push({ ...series(limited, times, view.step, "status", "count")[0], name: "429 (over a limit)" });
    const lines = [{ name: "error rate", right: true, values: steps.rows.map((row) => (row.count ? row.errorRate : null)), tone: "text" }];
    const all = byStatus.rows.reduce((sum, row) => sum + row.count, 0);
    const columns = [
      { title: "status", of: (row) => row.status ?? "(no status)", where: (row) => [["status", row.status], ["success", "false"]] },
      { title: "errors", of: (row) => row.count, show: format.count },
      { title: "share", of: (row) => row.count / all, show: format.percent, share: (row) => row.count / all },
    ];
    const ofSteps = [
      { title: view.step, of: (row) => row[view.step] },
      { title: "errors", of: (row) => row.errors, show: format.count },
      { title: "error rate", of: (row) => row.errorRate, show: format.percent },
    ];
    return [
      chart({ name: "Errors", view, times, bars, lines, show: format.count }),
      numbers("Errors over time", ofSteps, steps.rows),
      table("By status", columns, byStatus.rows, { most: 6 }),
      note("The API does not tell which failures a fallback rescued: the view aig_attempts does."),
    ];
  },
};
