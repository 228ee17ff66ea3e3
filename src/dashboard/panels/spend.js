// 2: spend by step, stacked by model, with the time before as a dashed line.

import { chart, series } from "../chart.js";
import { note } from "../dom.js";
import * as format from "../format.js";
import * as range from "../range.js";
import { numbers } from "../table.js";
import { question, shared, stepTimes } from "../view.js";

export const spend = {
  id: "spend",
  number: 2,
  title: "Spend over time, by model",
  questions: (view) => ({
    steps: shared.steps(view),
    models: question(view, { dataset: "logs", groupBy: [view.step, "model"], metrics: ["cost"], limit: 10_000 }),
    before: view.previous && shared.before(view),
  }),
  draw(view, { steps, models, before }) {
    if (!steps.rows.some((row) => row.count > 0)) {
      return note("No log lies in this range. Choose a longer range, or take filters away.");
    }
    const times = stepTimes(steps.rows, view.step);
    const bars = series(models.rows, times, view.step, "model", "cost");
    const lines = [];
    if (before) lines.push({ name: "before", values: times.map((_, at) => before.rows[at]?.cost ?? null), dash: [6, 5], tone: "text" });
    if (view.budget) lines.push({ name: "budget", values: budget(view, times), dash: [2, 3], tone: "bad" });
    const columns = [
      { title: view.step, of: (at) => steps.rows[at][view.step] },
      { title: "cost USD", of: (at) => steps.rows[at].cost, show: format.usd },
      ...bars.map(({ name, values }) => ({ title: name, of: (at) => values[at], show: format.usd })),
      ...(before ? [{ title: "before USD", of: (at) => before.rows[at]?.cost ?? null, show: format.usd }] : []),
    ];
    const places = times.map((_, at) => at);
    return [chart({ name: "Spend", view, times, bars, lines, show: format.usd }), numbers("Spend", columns, places)];
  },
};

/** The part of the month's budget that falls on each step. */
function budget(view, times) {
  return times.map((at) => {
    const { start, end } = range.month(at, view.zone);
    return (view.budget * range.length(view.step)) / (end - start);
  });
}
