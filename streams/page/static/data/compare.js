// Figures of the period before beside those of the time shown.

import { el } from "../dom.js";
import { grouped } from "./units.js";
import { say } from "./words.js";

// How much more or less, as a text; null where there is nothing to compare with.
export function change(now, before) {
  if (typeof now !== "number" || typeof before !== "number" || before === 0) return null;
  const share = (100 * (now - before)) / Math.abs(before);
  if (Math.abs(share) >= 1000) return `× ${grouped(now / before, 0)}`;
  return `${share > 0 ? "+" : ""}${grouped(share, 0)}\u00a0%`;
}

// An element that says it, or null.
export function changed(now, before) {
  const text = change(now, before);
  return text === null ? null : el("span", { class: "change", title: say("Against the period before") }, text);
}

// Rows of a table of before, by the texts in its row.
export function byTexts(columns) {
  const texts = columns.filter(({ kind }) => kind === "string");
  const rows = new Map();
  (columns[0]?.values ?? []).forEach((_, row) => rows.set(key(texts, row), row));
  return rows;
}

export function key(texts, row) {
  return texts.map(({ values }) => values[row]).join("\u0000");
}
