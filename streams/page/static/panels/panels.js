// The grid of panels: their frames, titles and states. What is inside is drawn by a module for each type.

import * as bargauge from "./bargauge.js";
import { el, icon } from "../dom.js";
import { csv, save } from "../data/csv.js";
import { isEmpty } from "../data/frames.js";
import { say } from "../data/words.js";
import * as series from "./series.js";
import * as stat from "./stat.js";
import * as table from "./table.js";
import * as prose from "./text.js";

const DRAWERS = { stat, bargauge, table, timeseries: series };
const made = new Map(); // id to {panel, section, body, title, note, answers, tabular}

export function build(main, panels) {
  made.forEach(({ body }) => series.release(body));
  made.clear();
  const texts = panels.filter(({ type }) => type === "text");
  const height = (y) => Math.max(0, ...texts.filter(({ gridPos }) => gridPos.y < y && gridPos.w === 24).map(({ gridPos }) => gridPos.h));
  const shown = panels.filter(({ type }) => type !== "text").map((panel) => ({ ...panel, gridPos: { ...panel.gridPos, y: panel.gridPos.y - height(panel.gridPos.y) } }));
  document.getElementById("texts").replaceChildren(...texts.map(explanation));
  main.replaceChildren(...shown.map(frame));
}

// A text explains what is below it: closed and at the top, whole when it is opened.
function explanation(panel) {
  const body = el("div", { class: "body" });
  const heading = el("summary", {}, panel.title);
  made.set(panel.id, { panel, body, heading, answers: null });
  return el("details", { class: "explanation" }, heading, body);
}

function frame(panel) {
  const { x, y, w, h } = panel.gridPos;
  const heading = el("h2", { id: `title-${panel.id}` }, withoutVariables(panel.title));
  if (panel.type === "row") return placed(el("div", { class: "row" }, heading), x, y, w, 1);
  const note = el("span", { class: "note" });
  const body = el("div", { class: "body" });
  const entry = { panel, body, heading, note, answers: null, before: null, tabular: false, named: [] };
  const head = el("div", { class: "head" }, heading, note, ...buttons(entry));
  const section = el("section", { class: `panel ${panel.type}`, "aria-labelledby": heading.id }, head, body);
  section.dataset.panel = panel.id;
  body.append(el("div", { class: "waiting", "aria-hidden": "true" }));
  made.set(panel.id, entry);
  return placed(section, x, y, w, h);
}

// A title before the values of variables are known.
function withoutVariables(text = "") {
  return text.replace(/[:,]?\s*\$(\{[^}]*\}|\w+)/g, "");
}

function placed(element, x, y, w, h) {
  element.style.setProperty("--column", `${x + 1} / span ${w}`);
  element.style.setProperty("--row", `${y + 1} / span ${h}`);
  element.style.setProperty("--height", h);
  element.classList.toggle("half", w <= 12);
  element.classList.toggle("narrow", w < 6);
  return element;
}

function buttons(entry) {
  const { panel } = entry;
  const found = [];
  if (panel.type === "timeseries") found.push(switcher(entry));
  found.push(saver(entry));
  if (panel.description) found.push(...explained(entry));
  return found;
}

function switcher(entry) {
  const button = el("button", { type: "button", class: "quiet", "aria-pressed": "false", title: say("Show as a table") }, icon("table"));
  naming(entry, button, (title) => `${title}: ${say("show as a table")}`);
  button.addEventListener("click", () => {
    entry.tabular = !entry.tabular;
    button.setAttribute("aria-pressed", String(entry.tabular));
    if (entry.answers) fill(entry);
  });
  return button;
}

// Gives a button its name, now and whenever the title changes.
function naming(entry, button, name) {
  entry.named.push((title) => button.setAttribute("aria-label", name(title)));
  button.setAttribute("aria-label", name(withoutVariables(entry.panel.title)));
}

function saver(entry) {
  const button = el("button", { type: "button", class: "quiet save", title: say("Save the figures as CSV") }, icon("save"));
  naming(entry, button, (title) => `${title}: ${say("save the figures as CSV")}`);
  button.addEventListener("click", () => entry.answers && save(entry.heading.textContent, csv(entry.panel, entry.answers)));
  return button;
}

function explained(entry) {
  const { panel } = entry;
  const note = el("div", { id: `about-${panel.id}`, class: "about", popover: "auto" }, withoutVariables(panel.description));
  const button = el("button", { type: "button", class: "quiet", title: say("What this shows"), popovertarget: note.id }, icon("info"));
  naming(entry, button, (title) => `${say("About")} ${title}`);
  entry.note_ = note;
  note.addEventListener("toggle", () => {
    const { bottom, right } = button.getBoundingClientRect();
    note.style.top = `${Math.min(bottom + 4, innerHeight - note.offsetHeight - 8)}px`;
    note.style.left = `${Math.max(8, right - note.offsetWidth)}px`;
  });
  return [button, note];
}

// `context`: {span, zoom, words, known, trouble, marks}, where `words` puts the values of variables into a text, if they
// are `known`, and `trouble` is what is told above all panels already.
let context = {};

function worded(text = "") {
  return context.known ? context.words(text) : withoutVariables(text);
}

export function within(given) {
  context = { ...given, marks: [] };
  for (const entry of made.values()) {
    const { panel, body, heading } = entry;
    heading.textContent = worded(panel.title);
    panel.shownTitle = heading.textContent;
    entry.before = null;
    entry.named?.forEach((name) => name(heading.textContent));
    if (entry.note_) entry.note_.textContent = worded(panel.description);
    if (panel.type === "text") prose.draw(body, panel, worded(panel.options?.content));
    else if (!DRAWERS[panel.type]) tell(body, "empty", `The page does not draw panels of type ${panel.type}; Grafana does.`);
    else if (panel.transformations?.length) tell(body, "empty", "The page does not transform results; Grafana does.");
    else if (!panel.targets.length) tell(body, "empty", "This panel asks nothing.");
  }
}

// Marks on the time axis: [seconds, text] each.
export function mark(marks) {
  context.marks = marks;
  made.forEach((entry) => entry.panel.type === "timeseries" && entry.answers && fill(entry));
}

// The answer of the period before, of panels that follow the time shown.
export function compare({ panel: id, frames }) {
  const entry = made.get(id);
  if (!entry?.panel.follows || entry.panel.options?.compare === false || !entry.answers || !frames) return;
  entry.before = frames;
  fill(entry);
}

// Returns whether figures of before stay, because the new ones are not to be had.
export function show({ panel: id, error, away, elsewhere, frames }) {
  const entry = made.get(id);
  if (!entry || !DRAWERS[entry.panel.type] || entry.panel.transformations?.length) return false;
  if (error && entry.answers) return true;
  entry.answers = frames ?? null;
  if (frames) return fill(entry);
  series.release(entry.body);
  const told = error && (away || error === context.trouble);
  tell(entry.body, error && !told ? "error" : "empty", sentence(say(told ? "no figures" : error ?? elsewhere)));
  return false;
}

function sentence(text) {
  return text[0].toUpperCase() + text.slice(1) + ".";
}

function fill({ panel, body, note, answers, before, tabular }) {
  note.textContent = answers.some(({ frame }) => frame.note) ? say("this worker") : "";
  note.title = answers.map(({ frame }) => frame.note).find(Boolean) ?? "";
  if (isEmpty(answers)) {
    series.release(body);
    tell(body, "empty", panel.fieldConfig?.defaults?.noValue?.replace(/^[-0]$/, "") || say("Nothing in this time"));
    return false;
  }
  const titled = { ...panel, title: panel.shownTitle };
  if (tabular) series.asTable(body, titled, answers);
  else DRAWERS[panel.type].draw(body, titled, answers, { ...context, before });
  return false;
}

function tell(body, kind, message) {
  const shown = body.firstElementChild;
  if (shown?.dataset.said === message) return;
  const element = el("p", { class: kind, role: kind === "error" ? "alert" : undefined }, message);
  element.dataset.said = message;
  body.replaceChildren(element);
}

// After the theme has changed: charts are painted, not styled.
export function redraw() {
  made.forEach((entry) => entry.answers && fill(entry));
}
