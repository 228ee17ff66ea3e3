// The time that the page is about: a relative range becomes two instants, once for all panels.

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const UNITS = { m: 60_000, h: HOUR, d: DAY, w: 7 * DAY };

/** The longest range that the API answers. */
const LONGEST = 760 * DAY;

export const RANGES = [
  ["1h", "Last hour"],
  ["24h", "Last 24 hours"],
  ["7d", "Last 7 days"],
  ["30d", "Last 30 days"],
  ["90d", "Last 90 days"],
];

/** The first and the last instant of a range, such as 7d, or two instants with .. between; null: it is none. */
export function read(text, now) {
  const relative = /^(\d{1,4})([mhdw])$/.exec(text);
  if (relative) {
    const length = Number(relative[1]) * UNITS[relative[2]];
    const end = Math.floor(now / 1_000) * 1_000;
    return length > 0 && length <= LONGEST ? { start: end - length, end } : null;
  }
  const [start, end, ...more] = text.split("..").map((part) => Date.parse(part));
  const isRange = more.length === 0 && start < end && end - start <= LONGEST;
  return isRange ? { start, end } : null;
}

/** Two instants as a range. */
export const write = (start, end) => `${iso(start)}..${iso(end)}`;

export const iso = (at) => new Date(at).toISOString().replace(".000Z", "Z");

/** The step in which charts show a range, if the address does not say. */
export function step(start, end, wanted) {
  const length = end - start;
  const usual = length <= 3 * HOUR ? "minute" : length <= 8 * DAY ? "hour" : "day";
  const isFine = (wanted === "minute" && length > 48 * HOUR) || (wanted === "hour" && length > 100 * DAY);
  return ["minute", "hour", "day"].includes(wanted) && !isFine ? wanted : usual;
}

/** The length of a step in milliseconds. A day of a zone may be an hour longer or shorter. */
export const length = (unit) => ({ minute: 60_000, hour: HOUR, day: DAY })[unit];

/** The range to compare with; null: none. */
export function compared(start, end, mode) {
  if (mode === "none") return null;
  const distance = mode === "week" ? Math.max(7 * DAY, Math.ceil((end - start) / (7 * DAY)) * 7 * DAY) : end - start;
  return { start: start - distance, end: end - distance };
}

/** The parts of an instant in a zone. */
function parts(at, zone) {
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone: zone, hourCycle: "h23", year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric",
    second: "numeric",
  });
  return Object.fromEntries(format.formatToParts(new Date(at)).map(({ type, value }) => [type, Number(value)]));
}

/** How far a zone is ahead of UTC at an instant. */
function offset(at, zone) {
  const { year, month, day, hour, minute, second } = parts(at, zone);
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(at / 1_000) * 1_000;
}

/** The first instant of a day of a zone; days and months beyond their ends count on. */
export function midnight(year, month, day, zone) {
  const local = Date.UTC(year, month - 1, day);
  const guess = local - offset(local, zone);
  return local - offset(guess, zone);
}

/** The month of an instant in a zone, from its first instant to its last. */
export function month(at, zone) {
  const { year, month } = parts(at, zone);
  return { start: midnight(year, month, 1, zone), end: midnight(year, month + 1, 1, zone) };
}

/** The first instant of the day of an instant, some days later. */
export function dayStart(at, zone, later = 0) {
  const { year, month, day } = parts(at, zone);
  return midnight(year, month, day + later, zone);
}

/** The zone of this browser. */
export function ownZone() {
  return zone(Intl.DateTimeFormat().resolvedOptions().timeZone) ?? "UTC";
}

/** The name of a zone, if the browser knows it. */
export function zone(name) {
  try {
    return name && new Intl.DateTimeFormat("en-US", { timeZone: name }) ? name : null;
  } catch {
    return null;
  }
}
