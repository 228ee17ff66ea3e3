// The frame of a panel: its title, its CSV, its questions, full screen, and what it says while there is no answer.

import { NoAnswer } from "./api.js";
import { csv } from "./csv.js";
import { copy, h, keep, note, show } from "./dom.js";
import { current, go } from "./router.js";

/** Makes the section of a panel, and gives it `refresh`, which asks and draws, and `tables`, which the CSV has. */
export function panel(definition) {
  const { id, number, title } = definition;
  const body = h("div", { class: "body" }, note("Not asked yet."));
  const heading = h("h2", { id: `${id}-title`, tabindex: "-1" }, title);
  const section = h("section", { id, class: `panel ${definition.width ?? ""}`, "aria-labelledby": `${id}-title` });
  const frame = { definition, section, body, asked: [], tables: [], answered: null };
  const button = (text, label, click) => h("button", { type: "button", "aria-label": `${label}: ${title}`, title: label, on: { click } }, text);
  const full = button("Full", "Full screen", () => go({ full: current().full === id ? "" : id }));
  const tools = h(
    "div", { class: "tools" },
    button("CSV", "Save as CSV", () => keep(`${id}.csv`, "text/csv", asCsv(frame.tables))),
    button("{ }", "The question as JSON", () => showQuestions(title, frame.asked)),
    full,
  );
  section.append(h("header", {}, h("span", { class: "place", "aria-hidden": "true" }, String(number)), heading, tools), body);
  frame.refresh = (view, asking) => refresh(frame, view, asking);
  frame.setFull = (isFull) => {
    section.classList.toggle("full", isFull);
    full.setAttribute("aria-pressed", String(isFull));
  };
  return frame;
}

async function refresh(frame, view, asking) {
  const { definition, section, body } = frame;
  const turn = (frame.turn = {});
  section.setAttribute("aria-busy", "true");
  if (!frame.answered) show(body, note("Asking…"));
  try {
    const questions = definition.questions(view);
    frame.asked = Object.values(questions).filter(Boolean);
    const answers = await all(questions, definition.parts ?? [], asking);
    if (frame.turn !== turn || asking.isStopped) return;
    draw(frame, view, answers);
  } catch (error) {
    if (frame.turn !== turn || asking.isStopped) return;
    frame.answered = null;
    frame.tables = [];
    section.dataset.state = "failed";
    show(body, failed(frame, error, view, asking));
    if (error.status === 401) dispatchEvent(new CustomEvent("key-refused", { detail: error.message }));
    if (!(error instanceof NoAnswer)) console.error(error);
  } finally {
    if (frame.turn === turn) section.removeAttribute("aria-busy");
  }
}

/** The answers by their names. A part without an answer fails alone: it has no rows, and `failed` says why. */
async function all(questions, parts, asking) {
  const alone = (error) => {
    if (!(error instanceof NoAnswer) || error.status === 401) throw error;
    return { rows: [], meta: {}, failed: error.message };
  };
  const answer = (name) => (parts.includes(name) ? asking.ask(questions[name]).catch(alone) : asking.ask(questions[name]));
  const names = Object.keys(questions);
  const answers = await Promise.all(names.map((name) => (questions[name] ? answer(name) : null)));
  return Object.fromEntries(names.map((name, at) => [name, answers[at]]));
}

/** Draws the answers, unless the same stand there already. */
function draw(frame, view, answers) {
  const { definition, section, body } = frame;
  const rows = JSON.stringify([view.state, view.step, Object.values(answers).map((answer) => answer && { ...answer, meta: null })]);
  if (rows === frame.answered) return;
  const content = [definition.draw(view, answers)].flat(Infinity).filter(Boolean);
  frame.answered = rows;
  frame.tables = content.map((element) => element.table).filter(Boolean);
  section.dataset.state = "shown";
  show(body, content, truncated(frame, answers));
}

/** Whether rows are missing that were wanted: who asks for the first ones wants no others. */
function truncated({ definition }, answers) {
  const cut = Object.entries(answers).some(([name, answer]) => answer?.meta?.truncated && !definition.firsts?.includes(name));
  return cut ? note("There are more rows than are shown: narrow the range or set a filter.") : null;
}

function failed(frame, error, view, asking) {
  const text = error instanceof NoAnswer ? error.message : "The answer could not be shown.";
  const again = h("button", { type: "button", data: { focus: "again" }, on: { click: () => refresh(frame, view, asking) } }, "Ask again");
  return h("p", { class: "failed", role: "alert" }, h("strong", {}, "No answer: "), text, " ", again);
}

/** The tables of a panel as one CSV; from the second on each has a line with its name before it. */
export function asCsv(tables) {
  return tables.map(({ name, columns, rows }, at) => (at > 0 ? `\r\n${csv([name], [])}` : "") + csv(columns, rows)).join("");
}

/** Shows questions, to be asked again with curl. */
function showQuestions(title, asked) {
  const dialog = document.getElementById("questions");
  const texts = asked.map(curl);
  show(
    dialog,
    h("h2", { id: "questions-title" }, `Questions: ${title}`),
    note("Paste them into a shell. $KEY is a key with the scope query."),
    texts.map((text) => h("pre", { tabindex: "0" }, text)),
    h(
      "p", { class: "buttons" },
      h("button", { type: "button", on: { click: () => copy(texts.join("\n\n"), "The questions are copied.") } }, "Copy"),
      h("button", { type: "button", on: { click: () => dialog.close() } }, "Close"),
    ),
  );
  dialog.showModal();
}

function curl({ path, body }) {
  const head = `curl ${location.origin}${path} -H "authorization: Bearer $KEY"`;
  return body ? `${head} -d '${JSON.stringify(body, null, 1).replaceAll("'", "'\\''")}'` : head;
}
