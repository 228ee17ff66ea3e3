// 6: percentiles of latency, with gaps where there are too few calls for them.

import { chart } from "../chart.js";
import { note } from "../dom.js";
import * as format from "../format.js";
import { numbers } from "../table.js";
import { shared, stepTimes } from "../view.js";

/** With fewer calls a percentile says little. */
const LEAST = 20;

const LINES = [["p50", null], ["p95", [8, 4]], ["p99", [2, 3]]];

export const latency = {
  id: "latency",
  number: 6,
  title: "Latency",
  questions: (view) => ({ steps: shared.steps(view) }),
  draw(view, { steps }) {
    const { rows } = steps;
    if (!rows.some((row) => row.count >= LEAST)) {
      return note(`No ${view.step} of this range has ${LEAST} calls, which percentiles need. Choose longer steps, or a longer range.`);
    }
    const lines = LINES.map(([name, dash]) => ({ name, dash, values: rows.map((row) => (row.count < LEAST ? null : row[name])) }));
    const columns = [
      { title: view.step, of: (row) => row[view.step] },
      { title: "calls", of: (row) => row.count, show: format.count },
      ...LINES.map(([name]) => ({ title: `${name} ms`, of: (row) => row[name], show: format.duration })),
    ];
    return [
      chart({ name: "Latency", view, times: stepTimes(rows, view.step), lines, show: format.duration, height: 340 }),
      note(`${view.step === "hour" ? "An" : "A"} ${view.step} with fewer than ${LEAST} calls is a gap.`),
      numbers("Latency", columns, rows),
    ];
  },
};
