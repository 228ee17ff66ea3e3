// Numbers and instants as texts.

const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat("en-US", { notation: "compact", maximumFractionDigits: 1 });
const tenth = new Intl.NumberFormat("en-US", { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const fine = new Intl.NumberFormat("en-US", { maximumSignificantDigits: 3 });

/** What stands where there is no number. */
export const NONE = "–";

const known = (format) => (value) => (value === null || value === undefined || Number.isNaN(value) ? NONE : format(value));

/** 1,234 */
export const count = known((value) => whole.format(value));

/** 1.2M */
export const compact = known((value) => (Math.abs(value) < 10_000 ? fine.format(value) : short.format(value)));

/** 12.3 MB */
export const bytes = known((value) => {
  const unit = value < 1e6 ? ["kB", 1e3] : value < 1e9 ? ["MB", 1e6] : ["GB", 1e9];
  return `${fine.format(value / unit[1])} ${unit[0]}`;
});

/** $1,234.50: more digits where there is little. */
export const usd = known((value) => {
  const size = Math.abs(value);
  const digits = size === 0 || size >= 1 ? 2 : 3;
  const few = size > 0 && size < 0.01;
  const text = few ? fine.format(size) : size.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return `${value < 0 ? "−" : ""}$${text}`;
});

/** 2.1 % */
export const percent = known((share) => `${Math.abs(share) < 0.001 ? fine.format(share * 100) : tenth.format(share * 100)} %`);

/** 45 ms, 6.8 s */
export const duration = known((ms) => (ms < 1_000 ? `${fine.format(ms)} ms` : `${fine.format(ms / 1_000)} s`));

/** ×1.8 */
export const times = known((factor) => (Number.isFinite(factor) ? `×${fine.format(factor)}` : "new"));

/** ▲ 18 %: how a number changed. The arrow says what the colour says. */
export function change(now, before) {
  if (now === null || before === null || before === undefined) return NONE;
  if (now === before) return "= 0 %";
  if (before === 0) return "▲ new";
  const share = now / before - 1;
  return `${share > 0 ? "▲" : "▼"} ${fine.format(Math.abs(share) * 100)} %`;
}

/** ▲ 0.6 pt: how a share changed. */
export function points(now, before) {
  if (now === null || before === null || before === undefined) return NONE;
  const distance = (now - before) * 100;
  return distance === 0 ? "= 0 pt" : `${distance > 0 ? "▲" : "▼"} ${fine.format(Math.abs(distance))} pt`;
}

/** 40 s, 3 min, 2 h: how long something takes. */
export function span(seconds) {
  const units = [[86_400, "d"], [3_600, "h"], [60, "min"]];
  const unit = units.find(([size]) => seconds >= 2 * size);
  return unit ? `${Math.floor(seconds / unit[0])} ${unit[1]}` : `${Math.max(0, Math.round(seconds))} s`;
}

const formats = new Map();

function dates(zone, options) {
  const name = zone + JSON.stringify(options);
  if (!formats.has(name)) {
    formats.set(name, new Intl.DateTimeFormat("en-US", { timeZone: zone, hourCycle: "h23", ...options }));
  }
  return formats.get(name);
}

/** Nov 29, 14:30 */
export const instant = (at, zone) =>
  dates(zone, { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" }).format(new Date(at));

/** Sat, Nov 29 */
export const day = (at, zone) => dates(zone, { weekday: "short", month: "short", day: "numeric" }).format(new Date(at));

/** 14:30 */
export const clock = (at, zone) => dates(zone, { hour: "2-digit", minute: "2-digit" }).format(new Date(at));

/** A step of a chart: a day, or an instant. */
export const step = (at, unit, zone) => (unit === "day" ? day(at, zone) : instant(at, zone));
