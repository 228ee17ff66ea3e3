// 0: whether the numbers can be trusted: how new they are, and what is not known.

import { h, show } from "./dom.js";
import * as format from "./format.js";
import * as range from "./range.js";
import { proven, shared } from "./view.js";

const HOUR = 3_600_000;

/** A log that is older is late, if there were any in the hour. */
const LATE_SECONDS = 600;

/** Asks and writes the line. */
export async function trust(view, asking) {
  const place = document.getElementById("trust");
  const recent = { start: range.iso(view.now - HOUR), end: range.iso(Math.floor(view.now / 1_000) * 1_000) };
  const minutes = { ...recent, dataset: "logs", groupBy: "minute", metrics: ["count"], limit: 100 };
  try {
    const [logs, now, steps, models, hours] = await Promise.all([
      asking.ask({ path: "/query", body: minutes }), asking.ask({ path: "/metrics/realtime" }), asking.ask(shared.steps(view)),
      asking.ask(shared.models(view)), asking.ask(shared.hours()).catch(() => ({ rows: [] })),
    ]);
    if (!asking.isStopped) write(place, view, { logs, now, steps, models, hours });
  } catch (error) {
    if (asking.isStopped) return;
    place.className = "trust bad";
    show(place, h("strong", {}, "DATA: "), `not known. ${error.message}`);
  }
}

/** Adds what a warehouse has read for the page, if one has. */
export function tellRead(bytes) {
  if (bytes === null) return;
  const place = document.getElementById("read") ?? document.getElementById("trust").appendChild(h("span", { id: "read" }));
  show(place, ` · ${format.bytes(bytes)} read in BigQuery`);
}

function write(place, view, { logs, now, steps, models, hours }) {
  const last = logs.rows.findLast((row) => row.count > 0);
  // The minute tells only when the log was at the latest.
  const age = last && Math.max(0, (view.now - Date.parse(last.minute) - 60_000) / 1_000);
  const isLate = !last || age > LATE_SECONDS;
  const [calls, unpriced] = ["count", "unpriced"].map((name) => models.rows.reduce((sum, row) => sum + row[name], 0));
  const { from, exact, completeThrough } = steps.meta;
  const standing = proven(hours.rows);
  // Who asks for one org is not told.
  const letters = hours.rows.some((row) => row.rejected !== null) && hours.rows.reduce((sum, row) => sum + row.rejected, 0);
  const parts = [
    last ? `newest log of ${format.clock(last.minute, view.zone)}${age > 0 ? ` (${format.span(age)} ago)` : " (this minute)"}` : "no log in the last hour",
    completeThrough.logs ? `logs complete to ${format.clock(completeThrough.logs, view.zone)}` : null,
    completeThrough.events ? `events complete to ${format.clock(completeThrough.events, view.zone)}` : null,
    `${format.count(now.total_requests)} events in the last ${now.window_seconds / 60} min`,
    unpriced ? `${format.percent(unpriced / calls)} of calls unpriced` : "no call unpriced",
    exact === true ? `exact numbers (${from === "rollup" ? "counted hours" : "all rows read"})` : `percentiles within ${exact.error * 100} %`,
    standing.counted ? `${standing.proven} of ${standing.counted} hours proven` : "hours not proven here",
    standing.counted && letters !== false ? `${format.count(letters)} dead letters in 7 days` : null,
  ];
  place.className = isLate ? "trust bad" : "trust";
  show(place, h("strong", {}, isLate ? "DATA (late): " : "DATA: "), parts.filter(Boolean).join(" · "));
}
