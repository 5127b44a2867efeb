// Tables that sort by a click on a heading; numbers stand under each other.

import { css, mapping, ofValue } from "./colours.js";
import { el } from "./dom.js";
import { fields, title } from "./frames.js";
import { dateTime, text } from "./units.js";

const sorted = new WeakMap(); // a panel's body to the column it is sorted by, kept over refreshes

export function draw(body, panel, answers) {
  fill(body, panel.title, fields(panel, answers[0]).filter(({ config }) => !config.custom?.hidden));
}

// `columns` are fields: {name, kind, values, config}.
export function fill(body, caption, columns) {
  const order = [...(columns[0]?.values.keys() ?? [])];
  const by = sorted.get(body);
  const column = by && columns.find(({ name }) => name === by.name);
  if (column) order.sort((a, b) => by.direction * compare(column.values[a], column.values[b]));
  const sort = (field) => {
    const first = field.kind === "string" ? 1 : -1;
    sorted.set(body, { name: field.name, direction: by?.name === field.name ? -by.direction : first });
    fill(body, caption, columns);
    body.querySelectorAll("th button")[columns.indexOf(field)].focus();
  };
  const heads = columns.map((field) => head(field, by, () => sort(field)));
  const largest = new Map(columns.map((field) => [field, Math.max(0, ...field.values.filter((value) => typeof value === "number"))]));
  const rows = order.map((row) => el("tr", {}, ...columns.map((field) => cell(field, field.values[row], largest.get(field)))));
  const table = el("table", {}, el("caption", { class: "unseen" }, caption), el("thead", {}, el("tr", {}, ...heads)), el("tbody", {}, ...rows));
  const scrolled = body.querySelector(".scroll");
  const [top, left] = [scrolled?.scrollTop ?? 0, scrolled?.scrollLeft ?? 0];
  const box = el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption }, table);
  body.replaceChildren(box);
  [box.scrollTop, box.scrollLeft] = [top, left];
}

function compare(a, b) {
  if (a === null || b === null) return (a === null) - (b === null);
  return typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b));
}

function head(field, by, sort) {
  const own = by?.name === field.name;
  const direction = own ? (by.direction > 0 ? "ascending" : "descending") : undefined;
  const button = el("button", { type: "button", onclick: sort }, title(field));
  return el("th", { scope: "col", class: side(field), "aria-sort": direction }, button);
}

function side({ kind, config }) {
  const wanted = config.custom?.align;
  return wanted && wanted !== "auto" ? wanted : kind === "number" ? "right" : "left";
}

function cell(field, value, largest) {
  const { kind, config } = field;
  const mapped = mapping(value, config.mappings);
  const shown = mapped?.text ?? (kind === "time" && value !== null ? dateTime(value) : text(value, config));
  const made = el("td", { class: side(field) }, shown);
  const type = config.custom?.cellOptions?.type;
  const colour = value === null ? null : ofValue(value, config);
  if (type === "gauge" && typeof value === "number") gauge(made, value / (config.max || largest || 1), colour ?? "c0");
  else if (colour && type === "color-background") Object.assign(made.style, { background: css(colour), color: "var(--on-fill)" });
  else if (colour && type === "color-text") Object.assign(made.style, { color: css(colour), fontWeight: 600 });
  return made;
}

function gauge(made, share, colour) {
  const width = `${100 * Math.max(0, Math.min(1, share))}%`;
  const bar = el("span", { class: "bar", style: { width, background: css(colour) } });
  made.classList.add("gauge");
  made.replaceChildren(el("span", { class: "inside" }, el("span", { class: "track", "aria-hidden": "true" }, bar), el("span", {}, made.textContent)));
}
