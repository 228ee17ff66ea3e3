// 10: users whose day costs more than their days usually do.

import { note } from "../dom.js";
import * as format from "../format.js";
import * as range from "../range.js";
import { table } from "../table.js";
import { template } from "../view.js";

const DAY = 86_400_000;

/** The day of UTC in which the range ends. */
const dayOf = (view) => new Date(view.end - 1).toISOString().slice(0, 10);

export const unusual = {
  id: "unusual",
  number: 10,
  title: "Unusual costs of the last day",
  width: "wide",
  questions: (view) => ({
    rows: template(view, "cost-anomalies", { start: range.iso(Date.parse(dayOf(view)) - 28 * DAY), end: range.iso(view.end) }, 50),
  }),
  draw(view, { rows: { rows } }) {
    const day = dayOf(view);
    if (rows.length === 0) {
      return note(`Nobody's cost of ${day} (UTC) is more than twice the p95 of their own days. A user needs seven days with costs in the 28 days before.`);
    }
    const at = `${day}T00:00:00Z..${range.iso(Date.parse(day) + DAY)}`;
    const columns = [
      { title: "who", of: (row) => row.user, where: (row) => [["user", row.user], ["organization", row.organization], ["at", at]] },
      { title: "org", of: (row) => row.organization },
      { title: "day", of: () => day },
      { title: "cost", of: (row) => row.cost, show: format.usd },
      { title: "usual (p95)", of: (row) => row.ownP95, show: format.usd },
      { title: "×", of: (row) => row.cost / row.ownP95, show: format.times, tone: () => "up" },
    ];
    return [table("Unusual costs", columns, rows, { most: 8 }), note("Of logs and events of the org: more than twice the usual. The other filters do not narrow it.")];
  },
};
