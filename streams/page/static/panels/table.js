// Tables that sort by a click on a heading; numbers stand under each other.

import { css, mapping, ofValue } from "../data/colours.js";
import { changed, sameRows } from "../data/compare.js";
import { address } from "../data/links.js";
import { el } from "../dom.js";
import { fields, title } from "../data/frames.js";
import { dateTime, text } from "../data/units.js";
import { say } from "../data/words.js";

const sorted = new WeakMap(); // a panel's body to the column it is sorted by, kept over refreshes

export function draw(body, panel, answers, { before }) {
  fill(body, panel.title, fields(panel, answers[0]), before && fields(panel, before[0]));
}

// On a phone a row is a card (display: block), which stays a row to screen readers by its role.
// `columns` are fields: {name, kind, values, config}.
export function fill(body, caption, every, before) {
  const columns = every.filter(({ config }) => !config.custom?.hidden);
  const earlier = before ? sameRows(every, before) : [];
  const order = [...(columns[0]?.values.keys() ?? [])];
  const by = sorted.get(body);
  const column = by && columns.find(({ name }) => name === by.name);
  if (column) order.sort((a, b) => by.direction * compare(column.values[a], column.values[b]));
  const sort = (field) => {
    const first = field.kind === "string" ? 1 : -1;
    sorted.set(body, { name: field.name, direction: by?.name === field.name ? -by.direction : first });
    fill(body, caption, every, before);
    body.querySelectorAll("th button")[columns.indexOf(field)].focus();
  };
  const heads = columns.map((field) => head(field, by, () => sort(field)));
  const largest = new Map(columns.map((field) => [field, Math.max(0, ...field.values.filter((value) => typeof value === "number"))]));
  const rows = order.map((row) => {
    const values = Object.fromEntries(every.map(({ name, values }) => [name, values[row]]));
    const then = earlier[row];
    const old = (field) => (then === undefined ? undefined : before.find(({ name }) => name === field.name)?.values[then]);
    return el("tr", { role: "row" }, ...columns.map((field) => cell(field, values, largest.get(field), old(field))));
  });
  const table = el("table", { role: "table" }, el("caption", { class: "unseen" }, caption), el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, ...heads)), el("tbody", { role: "rowgroup" }, ...rows));
  const scrolled = body.querySelector(".scroll");
  const [top, left] = [scrolled?.scrollTop ?? 0, scrolled?.scrollLeft ?? 0];
  const box = el("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": `${caption}, ${say("scrolls")}` }, table);
  body.replaceChildren(box);
  [box.scrollTop, box.scrollLeft] = [top, left];
}

export function compare(a, b) {
  if (a === null || b === null) return (a === null) - (b === null);
  return typeof a === "number" && typeof b === "number" ? a - b : yearFirst(a).localeCompare(yearFirst(b));
}

// A day as it is written in Norwegian goes by its year, too.
const yearFirst = (value) => String(value).replace(/^(\d\d)\.(\d\d)\.(\d{4})/, "$3-$2-$1");

function head(field, by, sort) {
  const own = by?.name === field.name;
  const direction = own ? (by.direction > 0 ? "ascending" : "descending") : undefined;
  const button = el("button", { type: "button", onclick: sort }, title(field));
  return el("th", { scope: "col", role: "columnheader", class: side(field), "aria-sort": direction }, button);
}

function side({ kind, config }) {
  const wanted = config.custom?.align;
  return wanted && wanted !== "auto" ? wanted : kind === "number" ? "right" : "left";
}

function cell(field, row, largest, before) {
  const { kind, config, name } = field;
  const value = row[name];
  const mapped = mapping(value, config.mappings);
  const shown = mapped?.text ?? (kind === "time" && value !== null ? dateTime(value) : text(value, config));
  const follow = address(config.links?.[0], value, row);
  const inside = follow ? el("a", { href: follow, title: config.links[0].title }, shown) : shown;
  const made = el("td", { role: "cell", class: `${side(field)}${String(shown).length < 17 ? " short" : ""}${value === null || value === "" ? " none" : ""}`, "data-column": title(field) }, inside, kind === "number" ? changed(value, before, config.unit) : null);
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
  made.replaceChildren(el("span", { class: "inside" }, el("span", { class: "track", "aria-hidden": "true" }, bar), el("span", {}, ...made.childNodes)));
}
