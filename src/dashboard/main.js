// The page: panels in their order, and when they ask.

import { Asking, key, setKey } from "./api.js";
import { redraw } from "./chart.js";
import { copy, h, keep, tell } from "./dom.js";
import { asCsv, panel } from "./panel.js";
import { application } from "./panels/application.js";
import { changes } from "./panels/changes.js";
import { errors } from "./panels/errors.js";
import { askWith, evidence } from "./panels/evidence.js";
import { figures } from "./panels/figures.js";
import { latency } from "./panels/latency.js";
import { models } from "./panels/models.js";
import { pipeline } from "./panels/pipeline.js";
import { spend } from "./panels/spend.js";
import { unusual } from "./panels/unusual.js";
import { usage } from "./panels/usage.js";
import { who } from "./panels/who.js";
import { current, go, onChange } from "./router.js";
import { lasting } from "./state.js";
import { askForKey, suggest, toolbar } from "./toolbar.js";
import { tellRead, trust } from "./trust.js";
import { question, shared, view as viewOf } from "./view.js";

const ALL = [figures, spend, changes, who, models, latency, errors, application, usage, unusual, pipeline, evidence];

const panels = ALL.map(panel);
let view = viewOf(current(), Date.now());
let asking = new Asking();
let timer;

/** A warehouse bills what it reads: it is not asked again sooner. */
const LEAST_READ_SECONDS = 60;

/** Looks at the data anew. Only panels that `concern` names ask, if it is given. */
async function look(concern) {
  clearTimeout(timer);
  if (!key()) return askForKey("The numbers need a key of the events API.", use);
  if (!concern) {
    asking.stop();
    asking = new Asking();
    askWith(asking);
    view = viewOf(current(), Date.now());
  } else {
    view = { ...view, state: current() };
  }
  toolbar(view);
  const mine = asking;
  const wanted = panels.filter(({ definition }) => !concern || definition === concern);
  // The trust bar and what the eye sees first ask first.
  const done = [trust(view, mine), ...wanted.map((one) => one.refresh(view, mine)), suggestions(view, mine)];
  await Promise.allSettled(done);
  if (mine !== asking) return;
  tellRead(mine.bytes);
  next();
}

async function suggestions(view, mine) {
  const everything = { ...view, state: { org: "" } };
  const filters = question(everything, { dataset: "logs", groupBy: ["organization", "gateway", "provider", "model"], metrics: ["count"], limit: 1_000 });
  const [ofFilters, ofValues] = await Promise.all([mine.ask(filters), mine.ask(shared.values({ ...view, state: { ...view.state, value: "" } }))]);
  suggest(view, ofFilters, ofValues);
}

/** Looks again after a while, if the page is live and somebody sees it. */
function next() {
  const wanted = Number(current().live);
  if (!(wanted > 0)) return;
  const seconds = asking.bytes === null ? wanted : Math.max(wanted, LEAST_READ_SECONDS);
  timer = setTimeout(() => (document.hidden ? next() : look()), seconds * 1_000);
}

function use(text) {
  setKey(text);
  look();
}

function dress(state) {
  document.documentElement.dataset.theme = state.theme;
  document.body.classList.toggle("one-panel", panels.some(({ definition }) => definition.id === state.full));
  for (const one of panels) one.setFull(one.definition.id === state.full);
}

/** What changes with a state: the dress alone, the lines of panel 12, or everything. */
function changed(state, before) {
  dress(state);
  const differ = Object.keys(state).filter((name) => JSON.stringify(state[name]) !== JSON.stringify(before[name]));
  if (differ.every((name) => name === "full")) return requestAnimationFrame(redraw);
  if (differ.every((name) => name === "full" || name === "theme")) {
    toolbar({ ...view, state });
    return requestAnimationFrame(redraw);
  }
  look(differ.every((name) => name === "where" || name === "full") ? evidence : undefined);
}

function everything() {
  return panels.map(({ definition, tables }) => `${definition.number}. ${definition.title}\r\n${asCsv(tables)}`).join("\r\n");
}

function buttons() {
  const button = (text, label, click) => h("button", { type: "button", title: label, on: { click } }, text);
  document.getElementById("buttons").append(
    button("Copy link", "Copy a link that shows the same later", () => copy(lasting(current(), view), "The link is copied.")),
    button("CSV", "Save all panels as CSV", () => keep("ai-ledger.csv", "text/csv", everything())),
    button("Refresh", "Ask everything again", () => look()),
    button("Key", "Use another key", () => askForKey("The page uses another key from now on.", use)),
  );
}

/** Paper is white. */
function print(isPrinted) {
  document.documentElement.dataset.theme = isPrinted ? "light" : current().theme;
  redraw();
}

function start() {
  document.getElementById("panels").append(...panels.map(({ section }) => section));
  buttons();
  dress(current());
  onChange(changed);
  addEventListener("key-refused", ({ detail }) => askForKey(detail, use));
  addEventListener("hashchange", () => key() && location.hash === "" && look());
  addEventListener("beforeprint", () => print(true));
  addEventListener("afterprint", () => print(false));
  addEventListener("keydown", (event) => {
    if (event.key === "Escape" && current().full && !document.querySelector("dialog[open]")) go({ full: "" });
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  look().catch((error) => tell(error.message));
}

start();
