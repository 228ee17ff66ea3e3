// Makes elements. Texts become text nodes, so nothing that an event says is ever read as HTML.

/** An element with these attributes and children. Listeners are under `on`, data attributes under `data`. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "on") {
      for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    } else if (name === "data") {
      Object.assign(element.dataset, value);
    } else {
      element.setAttribute(name, value === true ? "" : value);
    }
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** A paragraph in small letters. */
export const note = (...children) => h("p", { class: "note" }, ...children);

/** Shows children in place of what an element has. The focus stays on what has the same name. */
export function show(element, ...children) {
  const focused = element.contains(document.activeElement) ? document.activeElement.dataset.focus : undefined;
  element.replaceChildren(...children.flat(Infinity).filter(Boolean));
  if (focused === undefined) return;
  for (const candidate of element.querySelectorAll("[data-focus]")) {
    if (candidate.dataset.focus === focused) return candidate.focus({ preventScroll: true });
  }
}

/** Lets the browser keep a text as a file. */
export function keep(name, type, text) {
  const address = URL.createObjectURL(new Blob([text], { type }));
  h("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

/** Tells a screen reader something, and shows it for a moment. */
export function tell(text) {
  const place = document.getElementById("told");
  place.textContent = text;
  clearTimeout(tell.timer);
  tell.timer = setTimeout(() => (place.textContent = ""), 4_000);
}

/** Copies a text, and says so. */
export async function copy(text, told) {
  try {
    await navigator.clipboard.writeText(text);
    tell(told);
  } catch {
    tell("The browser does not let this page copy: select the text and copy it.");
  }
}
