// The state of the page. All of it is in the address, so that a link shows the same to someone else.

import * as range from "./range.js";

/** Each part of the state, and what it is if the address does not say. */
const USUAL = {
  range: "7d",
  cmp: "prev",
  tz: "",
  step: "",
  org: "",
  gw: "",
  provider: "",
  model: "",
  key: "team",
  value: "",
  user: "",
  budget: "",
  live: "",
  theme: "",
  full: "",
};

/** What narrows the lines of panel 12 alone: a field and its value; null: the value is not there. */
const WHERE = "w";

/** The state in an address. */
export function read(address = location.search) {
  const members = new URLSearchParams(address);
  const state = {};
  for (const [name, usual] of Object.entries(USUAL)) state[name] = members.get(name) ?? usual;
  if (!range.read(state.range, Date.now())) state.range = USUAL.range;
  state.where = members.getAll(WHERE).map((text) => {
    const at = text.indexOf(":");
    return at < 0 ? [text, null] : [text.slice(0, at), text.slice(at + 1)];
  });
  return state;
}

/** The address of a state. */
export function write(state) {
  const members = new URLSearchParams();
  for (const [name, usual] of Object.entries(USUAL)) {
    if (state[name] !== usual) members.set(name, state[name]);
  }
  for (const [field, value] of state.where) members.append(WHERE, value === null ? field : `${field}:${value}`);
  const text = members.toString();
  return text ? `?${text}` : location.pathname;
}

/** The address of a state that someone else sees in the same way, whenever they look. */
export function lasting(state, view) {
  const { start, end } = view;
  const text = write({ ...state, range: range.write(start, end), tz: view.zone, live: "", theme: "" });
  return location.origin + location.pathname + text;
}
