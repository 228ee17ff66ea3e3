// Charts over time: stacked bars and lines, drawn by uPlot. Each has words, a legend and the keyboard beside its picture.

import uPlot from "uplot";

import { h } from "./dom.js";
import * as format from "./format.js";
import * as range from "./range.js";
import { go } from "./router.js";

const HEIGHT = 240;

/** The colour that a variable of the style has now, in this theme. */
function css(name) {
  const probe = h("span", { hidden: true });
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

const color = (place) => css(`--series-${place % 8}`);

const charts = new Set();

/** Draws all charts again, with the colours of now. */
export const redraw = () => charts.forEach((chart) => chart.draw());

/**
 * A chart. `bars` are stacked from the first up, `lines` are drawn over them: each has a `name` and `values`, a line perhaps a
 * `dash` and `right` (its own axis in per cent). `show` writes a value.
 */
export function chart({ name, view, times, bars = [], lines = [], show, unit = view.step, narrows = true, height = HEIGHT }) {
  const host = h("div", { class: "plot" });
  const readout = h("p", { class: "readout", "aria-live": "polite" }, " ");
  const figure = h(
    "div",
    { class: "chart", tabindex: "0", role: "group", "aria-label": words(name, times, bars, lines, show, view, narrows), data: { focus: name } },
    host, readout,
  );
  const drawn = { host, readout, view, times, bars, lines, show, unit, narrows, height, plot: null, draw: () => draw(drawn) };
  figure.addEventListener("keydown", (event) => keys(drawn, event));
  if (narrows) host.addEventListener("click", () => narrow(drawn));
  whileThere(drawn);
  return [figure, legend(bars, lines, show)];
}

/** Draws it whenever its place has another width, and lets it go with its place. */
function whileThere(drawn) {
  charts.add(drawn);
  let width = 0;
  const observer = new ResizeObserver(() => {
    if (!drawn.host.isConnected) {
      observer.disconnect();
      charts.delete(drawn);
      drawn.plot?.destroy();
    } else if (drawn.host.clientWidth !== width && drawn.host.clientWidth > 0) {
      width = drawn.host.clientWidth;
      drawn.draw();
    }
  });
  observer.observe(drawn.host);
}

/** What a chart says, for those who do not see it. */
function words(name, times, bars, lines, show, view, narrows) {
  const most = [...bars, ...lines].map(({ name, values, right }) => {
    const known = values.filter((value) => value !== null);
    const write = right ? format.percent : show;
    return known.length ? `${name}: at most ${write(Math.max(...known))}` : `${name}: nothing`;
  });
  const time = times.length ? `${format.instant(times[0], view.zone)} to ${format.instant(times.at(-1), view.zone)}` : "no time";
  const keysSay = `Left and right arrow keys read it${narrows ? ", Enter narrows the range" : ""}.`;
  return `${name}, ${time}. ${most.slice(0, 8).join(", ")}. ${keysSay}`;
}

function legend(bars, lines, show) {
  const sum = (values) => values.reduce((all, value) => all + (value ?? 0), 0);
  const mark = (place, line) => {
    const swatch = h("span", { class: line ? `swatch line ${lineStyle(line.dash)}` : "swatch", "aria-hidden": "true" });
    swatch.style.setProperty("--swatch", `var(--${line?.tone ?? `series-${place % 8}`})`);
    return swatch;
  };
  const items = [
    ...bars.map(({ name, values }, place) => h("li", {}, mark(place), `${name} `, h("b", {}, show(sum(values))))),
    ...lines.map((line, place) => h("li", {}, mark(bars.length + place, line), line.name)),
  ];
  return h("ul", { class: "legend" }, items);
}

const lineStyle = (dash) => (!dash ? "" : dash[0] > dash[1] ? "dashed" : "dotted");

/** Bars from the lowest up: the sum of a bar and those below it. */
function stacked(bars, length) {
  const sums = new Array(length).fill(0);
  return bars.map(({ values }) => values.map((value, at) => (sums[at] += value ?? 0)));
}

function draw(drawn) {
  const { host, view, times, bars, lines, unit } = drawn;
  drawn.plot?.destroy();
  const sums = stacked(bars, times.length);
  // The highest sum is drawn first, and the lower ones over it.
  const order = bars.map((_, place) => place).reverse();
  const path = uPlot.paths.bars({ size: [0.85, 60], align: 1 });
  const barSeries = order.map((place) => ({ paths: path, fill: color(place), stroke: css("--panel"), width: bars.length > 1 ? 0.5 : 0, points: { show: false } }));
  const lineSeries = lines.map((line, place) => ({
    scale: line.right ? "share" : "y", stroke: line.tone ? css(`--${line.tone}`) : color(bars.length + place), width: 2, dash: line.dash,
    spanGaps: false, points: { show: bars.length === 0 && line.values.length < 40, size: 5 },
  }));
  const data = [times.map((at) => at / 1_000), ...order.map((place) => sums[place]), ...lines.map(({ values }) => values)];
  drawn.plot = new uPlot(options(drawn, [{}, ...barSeries, ...lineSeries], host.clientWidth, unit, view), data, host);
}

function options(drawn, series, width, unit, view) {
  const axis = { stroke: css("--soft"), grid: { stroke: css("--line"), width: 1 }, ticks: { stroke: css("--line"), width: 1 }, font: "12px system-ui, sans-serif" };
  const seconds = range.length(unit) / 1_000;
  const axes = [
    { ...axis, space: 70, size: 44, values: (_, splits) => splits.map((at, place) => label(at * 1_000, splits[place - 1] * 1_000, view)) },
    { ...axis, size: 64, values: (_, splits) => splits.map((value) => drawn.show(value)) },
  ];
  if (drawn.lines.some((line) => line.right)) {
    axes.push({ ...axis, scale: "share", side: 1, size: 56, grid: { show: false }, values: (_, splits) => splits.map((value) => format.percent(value)) });
  }
  const floor = (_, low, high) => [0, high > 0 ? high * 1.08 : 1];
  const ends = (_, low, high) => (drawn.bars.length ? [low, high + seconds] : low === high ? [low - seconds, high + seconds] : [low, high]);
  return {
    width, height: drawn.host.closest(".full") ? Math.max(drawn.height, innerHeight * 0.6) : drawn.height, series, axes, legend: { show: false }, tzDate: (at) => uPlot.tzDate(new Date(at * 1_000), view.zone),
    scales: { x: { time: true, range: ends }, y: { range: floor }, share: { range: floor } },
    cursor: { drag: { x: false, y: false }, points: { show: drawn.bars.length === 0 }, y: false },
    hooks: { setCursor: [(plot) => say(drawn, plot.cursor.idx)] },
  };
}

/** What stands under the axis: the hour, and the day where a new one begins. */
function label(at, before, view) {
  const [clock, day] = [format.clock(at, view.zone), format.day(at, view.zone).replace(/^\w+, /, "")];
  if (clock === "00:00") return day;
  return before > 0 ? clock : `${clock}\n${day}`;
}

/** Writes the values of a step under the chart. */
function say(drawn, at) {
  drawn.at = at ?? drawn.at;
  if (at === null || at === undefined) return;
  const { bars, lines, times, show, unit, view } = drawn;
  const sum = bars.reduce((all, { values }) => all + (values[at] ?? 0), 0);
  const some = bars.filter(({ values }) => values[at]).map(({ name, values }) => `${name} ${show(values[at])}`);
  const rest = lines.map((line) => `${line.name} ${(line.right ? format.percent : show)(line.values[at])}`);
  const total = bars.length > 1 ? [`all ${show(sum)}`] : [];
  drawn.readout.textContent = `${format.step(times[at], unit, view.zone)}: ${[...total, ...some.reverse(), ...rest].join(" · ") || "nothing"}`;
}

function keys(drawn, event) {
  const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (by) {
    const last = drawn.times.length - 1;
    const at = drawn.at === undefined ? (by > 0 ? 0 : last) : Math.max(0, Math.min(last, drawn.at + by));
    event.preventDefault();
    drawn.at = at;
    const { plot } = drawn;
    plot?.setCursor({ left: plot.valToPos(drawn.times[at] / 1_000, "x"), top: 20 }, false);
    say(drawn, at);
  } else if (event.key === "Enter" && drawn.narrows) {
    narrow(drawn);
  }
}

/** Makes the range the step under the cursor. */
function narrow({ at, times, unit, view }) {
  if (at === undefined || unit === "minute" || times.length < 2) return;
  const start = Math.max(times[at], view.start);
  const end = Math.min(times[at + 1] ?? view.end, view.end);
  if (start < end) go({ range: range.write(start, end), step: "" });
}

/** The most series of a stack: further ones are added up. */
const MOST = 7;

/**
 * Rows of a step, a name and a number as series over `times`, the largest first. The rest are one series. A null is a name of
 * its own.
 */
export function series(rows, times, unit, field, metric, none = `(no ${field})`) {
  const place = new Map(times.map((at, index) => [at, index]));
  const byName = new Map();
  for (const row of rows) {
    const name = row[field] === null ? none : String(row[field]);
    if (!byName.has(name)) byName.set(name, { name, values: new Array(times.length).fill(0), sum: 0 });
    const one = byName.get(name);
    one.values[place.get(Date.parse(row[unit]))] += row[metric];
    one.sum += row[metric];
  }
  const all = [...byName.values()].sort((one, other) => other.sum - one.sum);
  if (all.length <= MOST + 1) return all;
  const rest = all.slice(MOST);
  const values = times.map((_, at) => rest.reduce((sum, one) => sum + one.values[at], 0));
  return [...all.slice(0, MOST), { name: `${rest.length} others`, values, sum: 0 }];
}
