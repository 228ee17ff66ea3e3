// The state of the page now, and the ways to another one: links, and back and forward.

import { h } from "./dom.js";
import { read, write } from "./state.js";

let state = read();
const listeners = [];

export const current = () => state;

/** Calls a listener with each new state. */
export const onChange = (listener) => listeners.push(listener);

/** Goes to a state that differs in some parts. With `replace` the way back skips the state before. */
export function go(changes, replace = false) {
  const next = { ...state, ...changes };
  const address = write(next);
  if (address === write(state)) return;
  const before = state;
  state = next;
  history[replace ? "replaceState" : "pushState"](null, "", address);
  listeners.forEach((listener) => listener(state, before));
}

addEventListener("popstate", () => {
  const before = state;
  state = read();
  listeners.forEach((listener) => listener(state, before));
});

/** A link to a state that differs in some parts. */
export function link(changes, attributes, ...children) {
  const { then, ...others } = attributes;
  const click = (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button > 0) return;
    event.preventDefault();
    go(changes);
    then?.();
  };
  return h("a", { href: write({ ...state, ...changes }), ...others, on: { click } }, ...children);
}

/** A link to the lines behind a number: pairs of a field and its value. */
export function evidence(where, focus, ...children) {
  const then = () => {
    const heading = document.getElementById("evidence-title");
    heading.scrollIntoView();
    heading.focus({ preventScroll: true });
  };
  return link({ where, full: "" }, { data: { focus }, title: "Show the logs and events behind it", then }, ...children);
}
