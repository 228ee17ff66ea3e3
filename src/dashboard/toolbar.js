// The controls above the panels. Each shows a part of the state, and changes it.

import { h, note, show } from "./dom.js";
import * as range from "./range.js";
import { current, go } from "./router.js";

const ZONES = ["UTC", "Europe/Berlin", "Europe/London", "America/New_York", "America/Los_Angeles", "Asia/Kolkata", "Asia/Tokyo", "Australia/Sydney"];

const COMPARED = [["prev", "time before"], ["week", "week before"], ["none", "nothing"]];
const STEPS = [["", "usual"], ["minute", "minutes"], ["hour", "hours"], ["day", "days"]];
const LIVE = [["", "off"], ["5", "every 5 s"], ["60", "every minute"]];
const THEMES = [["", "system"], ["light", "light"], ["dark", "dark"]];

/** Fields with suggestions: the part of the state, its label, and the column of the answer that suggests. */
const FILTERS = [["org", "Org", "organization"], ["gw", "Gateway", "gateway"], ["provider", "Provider", "provider"], ["model", "Model", "model"]];

/** Fills the toolbar with the state of the view. What is being written stays. */
export function toolbar(view) {
  const place = document.getElementById("controls");
  if (place.querySelector("label") === null) build(place);
  const { state } = view;
  fill("range", rangesWith(state.range, view), state.range);
  fill("tz", zonesWith(view), state.tz);
  for (const field of place.querySelectorAll("[name]")) {
    if (field !== document.activeElement || field.tagName === "SELECT") field.value = state[field.name];
  }
}

/** What is used most stands first. Where there is little room, the rest is behind a button. */
function build(place) {
  const more = h("button", { type: "button", class: "more-controls", "aria-expanded": "false" }, "More filters");
  more.addEventListener("click", () => more.setAttribute("aria-expanded", String(place.classList.toggle("all"))));
  const all = controls();
  place.append(...all.slice(0, FIRST), more, ...all.slice(FIRST));
}

const FIRST = 4;

function controls() {
  return [
    select("range", "Range", []), select("cmp", "Compare with", COMPARED), field("key", "Split by", "team"), field("value", "Value", "all", true),
    ...FILTERS.map(([name, label]) => field(name, label, `all ${label.toLowerCase()}s`, true)),
    field("user", "User", "all"), field("budget", "Month's budget", "USD"), select("step", "Steps", STEPS), select("tz", "Time zone", []),
    select("live", "Refresh", LIVE), select("theme", "Theme", THEMES),
  ];
}

function select(name, label, options) {
  const control = h("select", { name, id: `control-${name}`, on: { change: (event) => go({ [name]: event.target.value, ...cleared(name) }) } });
  fillOptions(control, options);
  return h("label", {}, h("span", {}, label), control);
}

/** Another range takes away what narrows lines by time. */
const cleared = (name) => (name === "range" ? { where: current().where.filter(([field]) => field !== "at"), step: "" } : {});

function field(name, label, placeholder, suggests) {
  const list = suggests ? `suggestions-${name}` : null;
  const control = h("input", {
    name, id: `control-${name}`, placeholder, list, autocomplete: "off", spellcheck: "false",
    on: { change: (event) => go({ [name]: event.target.value.trim() }) },
  });
  return h("label", {}, h("span", {}, label), control, list && h("datalist", { id: list }));
}

function fill(name, options, value) {
  const control = document.getElementById(`control-${name}`);
  fillOptions(control, options);
  control.value = value;
}

function fillOptions(control, options) {
  const texts = JSON.stringify(options);
  if (control.dataset.options === texts) return;
  control.dataset.options = texts;
  control.replaceChildren(...options.map(([value, text]) => h("option", { value }, text)));
}

function rangesWith(text, view) {
  if (range.RANGES.some(([value]) => value === text)) return range.RANGES;
  const short = new Intl.DateTimeFormat("en-US", { timeZone: view.zone, month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  return [[text, `${short.format(view.start)} – ${short.format(view.end)}`], ...range.RANGES];
}

function zonesWith(view) {
  const own = ["", range.ownZone()];
  const others = view.state.tz && !ZONES.includes(view.state.tz) ? [view.state.tz] : [];
  return [own, ...[...others, ...ZONES].map((zone) => [zone, zone])];
}

/** Suggests what the answers to a question hold. */
export function suggest(view, filters, values) {
  for (const [name, , column] of FILTERS) offer(name, filters.rows.map((row) => row[column]));
  offer("value", values.rows.map((row) => row[view.field]));
}

function offer(name, texts) {
  const known = [...new Set(texts.filter((text) => text !== null))].sort().slice(0, 200);
  const list = document.getElementById(`suggestions-${name}`);
  const before = JSON.stringify(known);
  if (list.dataset.known === before) return;
  list.dataset.known = before;
  list.replaceChildren(...known.map((value) => h("option", { value })));
}

/** Asks for the key, or for another one. Who is asked already goes on typing: each question that the key fails says so. */
export function askForKey(reason, use) {
  const dialog = document.getElementById("key");
  if (dialog.open) return;
  const input = h("input", { type: "password", id: "key-text", name: "key", required: true, autocomplete: "off", placeholder: "aig_…" });
  const form = h(
    "form", { method: "dialog" },
    h("h2", { id: "key-title" }, "Key"),
    h("p", {}, reason),
    h("label", {}, h("span", {}, "A key with the scope query"), input),
    note("aig-logs keys create --db aig-logs.sqlite --scopes query makes one. This tab keeps it until it is closed."),
    h("p", { class: "buttons" }, h("button", { type: "submit" }, "Use this key")),
  );
  form.addEventListener("submit", () => use(input.value.trim()));
  show(dialog, form);
  dialog.showModal();
  input.focus();
}
