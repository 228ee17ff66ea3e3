// Tables of numbers.

import { h } from "./dom.js";
import { evidence } from "./router.js";

/**
 * A table. A column has a `title`, `of` (a row's value), and perhaps `show` (the value's text), `where` (what the value leads
 * to), `share` (a bar behind the text, from 0 to 1), `hint`, and `tone` (the name of a class). The first column names the row.
 * `most` rows are shown.
 */
export function table(name, columns, rows, { most = 12 } = {}) {
  const head = columns.map(({ title, show, about }, at) => h("th", { scope: "col", class: show && at > 0 ? "number" : null, title: about }, title));
  const lines = (some) => some.map((row, place) => h("tr", {}, columns.map((column, at) => cellOf(name, column, row, at, place))));
  const body = h("tbody", {}, lines(rows.slice(0, most)));
  const element = h("table", {}, h("caption", {}, name), h("thead", {}, h("tr", {}, head)), body);
  const scroller = scroll(name, element);
  scroller.table = { name, columns: columns.map(({ title }) => title), rows: rows.map((row) => columns.map(({ of }) => of(row))) };
  if (rows.length <= most) return scroller;
  const whole = h("button", { type: "button", class: "more", data: { focus: `${name}-more` } }, `Show all ${rows.length}`);
  whole.addEventListener("click", () => {
    body.append(...lines(rows).slice(most));
    whole.remove();
  });
  const both = h("div", {}, scroller, whole);
  both.table = scroller.table;
  return both;
}

/** A place that scrolls sideways: by the keyboard, too, where nothing in it takes the focus. */
export function scroll(name, element) {
  const isReached = element.querySelector("a, button") !== null;
  return h("div", isReached ? { class: "scroll" } : { class: "scroll", tabindex: "0", role: "region", "aria-label": name }, element);
}

function cellOf(name, column, row, at, place) {
  const { of, show, where, share, hint, tone } = column;
  const value = of(row);
  const text = show ? show(value, row) : String(value ?? "–");
  const leads = where?.(row);
  const inner = leads ? evidence(leads, `${name} ${place} ${at}`, text) : text;
  const classes = [show && at > 0 ? "number" : "", share ? "share" : "", tone?.(row) ?? ""].filter(Boolean).join(" ");
  const attributes = { class: classes || null, title: hint?.(row), data: { value: value ?? "" } };
  const element = h(at === 0 ? "th" : "td", at === 0 ? { scope: "row", ...attributes } : attributes, inner);
  if (share) element.style.setProperty("--share", `${Math.max(0, Math.min(1, share(row) || 0)) * 100}%`);
  return element;
}

/** The numbers of a chart as a table, made when it is opened. */
export function numbers(name, columns, rows) {
  const details = h("details", { class: "numbers" }, h("summary", { data: { focus: `${name} numbers` } }, "Numbers as a table"));
  details.addEventListener("toggle", () => {
    if (details.open && !details.querySelector("table")) details.append(table(name, columns, rows, { most: 500 }));
  });
  details.table = { name, columns: columns.map(({ title }) => title), rows: rows.map((row) => columns.map(({ of }) => of(row))) };
  return details;
}
