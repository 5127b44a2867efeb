// The grid of panels: their frames, titles and states. What is inside is drawn by a module for each type.

import * as bargauge from "./bargauge.js";
import { el, icon } from "./dom.js";
import { isEmpty } from "./frames.js";
import * as series from "./series.js";
import * as stat from "./stat.js";
import * as table from "./table.js";
import * as prose from "./text.js";

const DRAWERS = { stat, bargauge, table, timeseries: series };
const made = new Map(); // id to {panel, section, body, title, note, answers, tabular}

export function build(main, panels) {
  made.forEach(({ body }) => series.release(body));
  made.clear();
  main.replaceChildren(...panels.map(frame));
}

function frame(panel) {
  const { x, y, w, h } = panel.gridPos;
  const heading = el("h2", { id: `title-${panel.id}` }, panel.title || "");
  if (panel.type === "row") return placed(el("div", { class: "row" }, heading), x, y, w, 1);
  const note = el("span", { class: "note" });
  const body = el("div", { class: "body" });
  const entry = { panel, body, heading, note, answers: null, tabular: false };
  const head = el("div", { class: "head" }, heading, note, ...buttons(entry));
  const section = el("section", { class: `panel ${panel.type}`, "aria-labelledby": heading.id }, head, body);
  section.dataset.panel = panel.id;
  body.append(el("div", { class: "waiting", "aria-hidden": "true" }));
  made.set(panel.id, entry);
  return placed(section, x, y, w, h);
}

function placed(element, x, y, w, h) {
  element.style.setProperty("--column", `${x + 1} / span ${w}`);
  element.style.setProperty("--row", `${y + 1} / span ${h}`);
  element.style.setProperty("--height", h);
  return element;
}

function buttons(entry) {
  const { panel } = entry;
  const found = [];
  if (panel.type === "timeseries") found.push(switcher(entry));
  if (panel.description) found.push(...explained(panel));
  return found;
}

function switcher(entry) {
  const button = el("button", { type: "button", class: "quiet", "aria-pressed": "false", title: "Show as a table" }, icon("table"));
  button.setAttribute("aria-label", `${entry.panel.title}: show as a table`);
  button.addEventListener("click", () => {
    entry.tabular = !entry.tabular;
    button.setAttribute("aria-pressed", String(entry.tabular));
    if (entry.answers) fill(entry);
  });
  return button;
}

function explained(panel) {
  const note = el("div", { id: `about-${panel.id}`, class: "about", popover: "auto" }, panel.description);
  const button = el("button", { type: "button", class: "quiet", title: panel.description, popovertarget: note.id }, icon("info"));
  button.setAttribute("aria-label", `About ${panel.title}`);
  note.addEventListener("toggle", () => {
    const { bottom, right } = button.getBoundingClientRect();
    note.style.top = `${Math.min(bottom + 4, innerHeight - note.offsetHeight - 8)}px`;
    note.style.left = `${Math.max(8, right - note.offsetWidth)}px`;
  });
  return [button, note];
}

// `context`: {span, zoom, words}, where `words` puts the values of variables into a text.
let context = {};

export function within(given) {
  context = given;
  for (const { panel, body, heading } of made.values()) {
    heading.textContent = context.words(panel.title ?? "");
    panel.shownTitle = heading.textContent;
    if (panel.type === "text") prose.draw(body, panel, context.words(panel.options?.content ?? ""));
    else if (!DRAWERS[panel.type]) say(body, "empty", `The page does not draw panels of type ${panel.type}; Grafana does.`);
    else if (panel.transformations?.length) say(body, "empty", "The page does not transform results; Grafana does.");
    else if (!panel.targets.length) say(body, "empty", "This panel asks nothing.");
  }
}

export function show({ panel: id, error, elsewhere, frames }) {
  const entry = made.get(id);
  if (!entry || !DRAWERS[entry.panel.type] || entry.panel.transformations?.length) return;
  entry.answers = frames ?? null;
  if (frames) return fill(entry);
  series.release(entry.body);
  say(entry.body, error ? "error" : "empty", sentence(error ?? elsewhere));
}

function sentence(text) {
  return text[0].toUpperCase() + text.slice(1) + ".";
}

function fill({ panel, body, note, answers, tabular }) {
  note.textContent = answers.some(({ frame }) => frame.note) ? "this worker" : "";
  note.title = answers.map(({ frame }) => frame.note).find(Boolean) ?? "";
  if (isEmpty(answers)) {
    series.release(body);
    return say(body, "empty", panel.fieldConfig?.defaults?.noValue?.replace(/^[-0]$/, "") || "Nothing in this time");
  }
  const titled = { ...panel, title: panel.shownTitle };
  if (tabular) series.asTable(body, titled, answers);
  else DRAWERS[panel.type].draw(body, titled, answers, context);
}

function say(body, kind, message) {
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
