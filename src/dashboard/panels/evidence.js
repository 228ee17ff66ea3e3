// 12: the logs and events behind the numbers. The API groups rows, so a line stands for those that are alike in a minute.

import { h, note, show } from "../dom.js";
import * as format from "../format.js";
import * as range from "../range.js";
import { link } from "../router.js";
import { scroll } from "../table.js";
import { question } from "../view.js";

const HOUR = 3_600_000;

/** What makes a line, beside its minute. */
const FIELDS = ["source", "name", "subject", "user", "organization", "status", "success"];

/** What an opened line tells further. */
const FURTHER = [["session", "provider", "model", "gateway"], ["sku", "unit"]];

/** Fields that only logs have. */
const OF_LOGS = ["provider", "model", "gateway"];

const LINES = 50;

let asking = null;

/** Questions of opened lines go where the last ones went. */
export const askWith = (one) => (asking = one);

export const evidence = {
  id: "evidence",
  number: 12,
  title: "Logs and events",
  firsts: ["lines"],
  width: "wide",
  questions: (view) => {
    const span = spanOf(view);
    const unit = unitOf(span);
    return {
      lines: question(view, {
        dataset: datasetOf(view), groupBy: [unit, ...FIELDS], metrics: ["count", "avg", "cost", "tokensIn", "tokensOut"], orderBy: `-${unit}`,
        limit: LINES, filters: filtersOf(view),
      }, span),
    };
  },
  draw(view, { lines }) {
    const span = spanOf(view);
    const unit = unitOf(span);
    const nothing = lines.rows.length === 0 && note("No log or event fits. Look at an earlier time, or take filters away.");
    const table = lines.rows.length > 0 && linesTable(view, unit, lines.rows);
    return [head(view, span), nothing, table, lines.meta.truncated ? note(`These are the newest ${LINES} lines of this time.`) : null];
  },
};

/** The time that the lines are of: what the address says, or the last day of the range. */
function spanOf(view) {
  const at = view.state.where.find(([field]) => field === "at")?.[1];
  const named = at && range.read(at, view.now);
  return named || { start: Math.max(view.start, view.end - 24 * HOUR), end: view.end };
}

const unitOf = (span) => (span.end - span.start <= 48 * HOUR ? "minute" : "hour");

/** A question that names what only logs have is about logs alone, and the filters of the page count as well. */
function datasetOf(view) {
  const { where, gw, provider, model } = view.state;
  const source = where.find(([field]) => field === "source")?.[1];
  if (source === "events" || source === "logs") return source;
  return gw || provider || model || where.some(([field]) => OF_LOGS.includes(field)) ? "logs" : "all";
}

function filtersOf(view) {
  return view.state.where.filter(([field]) => field !== "at").map(([field, value]) => filter(field, value));
}

/** Values in an address are texts, and some fields are none. */
function filter(field, value) {
  if (value === null) return { field, op: "exists", values: [false] };
  const typed = field === "status" ? Number(value) : field === "success" ? value === "true" : value;
  return { field, op: "eq", values: [typed] };
}

/** Which lines are shown, each condition with a way to take it away, and the ways to other times. */
function head(view, span) {
  const { where } = view.state;
  const conditions = where.filter(([field]) => field !== "at");
  const chips = conditions.map(([field, value]) =>
    link({ where: where.filter((one) => one[0] !== field) }, { class: "chip", "aria-label": `Take away: ${field} is ${value ?? "absent"}`, data: { focus: `chip ${field}` } },
      `${field} = ${value ?? "(none)"} ✕`));
  const length = span.end - span.start;
  const at = (start) => ({ where: [...conditions, ["at", range.write(start, start + length)]] });
  const ways = [
    link(at(span.start - length), { class: "chip", data: { focus: "earlier" } }, "← Earlier"),
    span.end < view.end && link(at(span.end), { class: "chip", data: { focus: "later" } }, "Later →"),
    where.length > conditions.length && link({ where: conditions }, { class: "chip", data: { focus: "latest" } }, "Latest"),
  ];
  const time = `${format.instant(span.start, view.zone)} to ${format.instant(span.end, view.zone)}`;
  return h("div", { class: "chips" }, h("span", {}, time), ways.filter(Boolean), chips);
}

function linesTable(view, unit, rows) {
  const titles = ["time", "what", "user", "status", "count", "latency", "tokens", "cost"];
  const body = h("tbody", {}, rows.map((row, place) => line(view, unit, row, place)));
  const head = h("tr", {}, titles.map((title, at) => h("th", { scope: "col", class: at > 3 ? "number" : null }, title)));
  const element = h("table", {}, h("caption", {}, "Logs and events"), h("thead", {}, head), body);
  const scroller = scroll("Logs and events", element);
  const columns = [unit, ...FIELDS, "count", "avg", "cost", "tokensIn", "tokensOut"];
  scroller.table = { name: "Logs and events", columns, rows: rows.map((row) => columns.map((name) => row[name])) };
  return scroller;
}

function line(view, unit, row, place) {
  const at = format.instant(row[unit], view.zone);
  const opener = h("button", { type: "button", class: "opener", "aria-expanded": "false", data: { focus: `line ${place}` } }, at);
  const tokens = row.tokensIn || row.tokensOut ? `${format.compact(row.tokensIn)} → ${format.compact(row.tokensOut)}` : format.NONE;
  const status = h("td", { class: row.success === false ? "up" : null }, `${row.success === false ? "✗ " : ""}${row.status ?? format.NONE}`);
  const number = (text, value) => h("td", { class: "number", data: { value: value ?? "" } }, text);
  const element = h(
    "tr", {},
    h("th", { scope: "row" }, opener),
    h("td", {}, row.name ?? format.NONE, row.subject === null ? "" : h("small", {}, ` ${row.subject}`)),
    h("td", {}, row.user ?? format.NONE), status,
    number(format.count(row.count), row.count), number(format.duration(row.avg), row.avg), number(tokens, row.tokensIn), number(format.usd(row.cost), row.cost),
  );
  opener.addEventListener("click", () => toggle(opener, element, view, unit, row));
  return element;
}

/** Opens a line, or closes it. */
async function toggle(opener, element, view, unit, row) {
  const isOpen = opener.getAttribute("aria-expanded") === "true";
  opener.setAttribute("aria-expanded", String(!isOpen));
  if (isOpen) return element.nextElementSibling.remove();
  const place = h("td", { colspan: "8" }, note("Asking…"));
  element.after(h("tr", { class: "opened" }, place));
  try {
    const answers = await Promise.all(detailQuestions(view, unit, row).map((one) => asking.ask(one)));
    show(place, details(row, answers));
  } catch (error) {
    show(place, note(error.message));
  }
}

function detailQuestions(view, unit, row) {
  const start = Date.parse(row[unit]);
  const span = { start, end: start + range.length(unit) };
  const filters = FIELDS.filter((field) => field !== "source").map((field) => filter(field, row[field] === null ? null : String(row[field])));
  const metrics = ["count", "avg", "max", "quantity", "cost", "tokensIn", "tokensOut"];
  const bare = { ...view, state: { org: view.state.org } };
  return [...FURTHER, [view.field]].map((fields) => question(bare, { dataset: row.source, groupBy: fields, metrics, filters, limit: 20 }, span));
}

/** What an opened line tells: its own fields, and each group of the further ones. */
function details(row, answers) {
  const pairs = (entries) => h("dl", { class: "pairs" }, entries.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, String(value)))));
  const known = (one) => Object.entries(one).filter(([, value]) => value !== null && value !== 0);
  const isNamed = (one) => known(one).some(([name]) => FURTHER.flat().includes(name) || name.startsWith("metadata."));
  const groups = answers.flatMap(({ rows }) => rows.filter(isNamed).map((one) => pairs(known(one))));
  return [pairs(known(row)), groups, note("The API groups rows: it does not tell a row's id, its whole metadata or other tries. aig-logs explain ID does.")];
}
