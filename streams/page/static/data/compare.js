// Figures of the period before beside those of the time shown.

import { el } from "../dom.js";
import { grouped } from "./units.js";
import { say } from "./words.js";

const SHARES = { percentunit: 100, percent: 1 }; // by unit: what makes hundredths of it

// How much more or less, as a text; null where there is nothing to compare with. Between shares it is points: a return
// that falls from 30 % to -13 % is 43 points less.
export function change(now, before, unit) {
  if (typeof now !== "number" || typeof before !== "number") return null;
  if (SHARES[unit]) return `${signed(SHARES[unit] * (now - before))} ${say("points")}`;
  if (before === 0) return null;
  const share = (100 * (now - before)) / Math.abs(before);
  if (Math.abs(share) >= 1000) return `× ${grouped(now / before, 0)}`;
  return `${signed(share)}\u00a0%`;
}

function signed(number) {
  return `${Math.round(number) > 0 ? "+" : ""}${grouped(number, 0)}`;
}

// An element that says it, or null.
export function changed(now, before, unit) {
  const text = change(now, before, unit);
  return text === null ? null : el("span", { class: "change", title: say("Against the period before") }, text);
}

// For each row of a table the one of before that is about the same: their first texts are, or, where several rows begin
// alike, all of them. Other texts may be figures in words.
export function sameRows(columns, before) {
  const texts = columns.filter(({ kind }) => kind === "string");
  const first = columns.findIndex(({ kind }) => kind !== "string");
  const leading = first > 0 ? columns.slice(0, first) : texts;
  const [now, then] = [keys(columns, leading), keys(before, leading)];
  if (isUnique(now) && isUnique(then)) return now.map((key) => place(then, key));
  const all = keys(before, texts);
  return keys(columns, texts).map((key) => place(all, key));
}

function keys(columns, wanted) {
  const found = wanted.map(({ name }) => columns.find((each) => each.name === name)?.values ?? []);
  return (columns[0]?.values ?? []).map((_, row) => found.map((values) => values[row]).join("\u0000"));
}

const isUnique = (keys) => new Set(keys).size === keys.length;

function place(keys, key) {
  const found = keys.lastIndexOf(key);
  return found < 0 ? undefined : found;
}
