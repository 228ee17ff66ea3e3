// A small line without axes. What it shows stands in words beside it.

import { h } from "./dom.js";

const WIDTH = 120;
const HEIGHT = 28;

export function sparkline(values) {
  const canvas = h("canvas", { class: "spark", width: WIDTH * 2, height: HEIGHT * 2, "aria-hidden": "true" });
  // The colour is known when it stands in the page.
  requestAnimationFrame(() => draw(canvas, values));
  return canvas;
}

function draw(canvas, values) {
  const known = values.filter((value) => value !== null);
  const context = canvas.getContext("2d");
  if (known.length < 2) return;
  const [low, high] = [Math.min(0, ...known), Math.max(...known)];
  const x = (at) => 2 + (at / (values.length - 1)) * (canvas.width - 4);
  const y = (value) => canvas.height - 3 - ((value - low) / (high - low || 1)) * (canvas.height - 6);
  context.strokeStyle = getComputedStyle(canvas).color;
  context.lineWidth = 2.5;
  context.lineJoin = "round";
  context.beginPath();
  let isOpen = false;
  values.forEach((value, at) => {
    if (value === null) return (isOpen = false);
    context[isOpen ? "lineTo" : "moveTo"](x(at), y(value));
    isOpen = true;
  });
  context.stroke();
}
