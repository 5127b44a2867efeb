// What people choose: values of variables, the time range, how often to refresh, and the theme.

import { el, icon } from "./dom.js";
import { dateTime, day, dayStart } from "./data/units.js";
import { choose, lang, say } from "./data/words.js";

export const ALL = "$__all";
const RANGES = [
  ["now-5m", "Last 5 minutes"], ["now-15m", "Last 15 minutes"], ["now-1h", "Last hour"], ["now-6h", "Last 6 hours"],
  ["now-24h", "Last 24 hours"], ["now/d", "Today"], ["now-2d", "Last 2 days"], ["now-7d", "Last 7 days"], ["now-30d", "Last 30 days"],
  ["now-14d", "Last 2 weeks"], ["now-5w", "Last 5 weeks"], ["now-90d", "Last 90 days"], ["now-1y", "Last year"],
];
const EVERY = [["", "Off"], ["5s", "5 s"], ["10s", "10 s"], ["30s", "30 s"], ["1m", "1 min"], ["5m", "5 min"]];
const THEMES = { auto: ["auto", "Theme: as the system"], light: ["sun", "Theme: light"], dark: ["moon", "Theme: dark"] };

function labelled(label, control) {
  return el("label", { class: "control" }, el("span", {}, say(label)), control);
}

function select(options, chosen, change) {
  const made = el("select", {}, ...options.map(([value, text]) => el("option", { value, selected: value === chosen }, say(text))));
  made.addEventListener("change", () => change(made.value));
  return made;
}

// `described` is the server's word on each variable. Nothing is drawn anew while it stays the same: focus would be lost.
export function variables(form, described, change) {
  const now = JSON.stringify(described);
  if (form.dataset.shown === now || form.contains(document.activeElement) && form.querySelector("details[open]")) return;
  const focused = document.activeElement?.closest?.("#variables [data-name]")?.dataset.name;
  form.dataset.shown = now;
  form.replaceChildren(...described.filter(({ hidden }) => !hidden).map((each) => (each.multi ? several(each, change) : one(each, change))));
  if (focused) form.querySelector(`[data-name="${CSS.escape(focused)}"]`)?.focus();
}

function one({ name, label, options, all, chosen }, change) {
  const offered = all ? [[ALL, "All"], ...options] : options;
  const made = select(offered, chosen[0], (value) => change(name, [value]));
  made.dataset.name = name;
  return labelled(label, made);
}

function several({ name, label, options, all, chosen }, change) {
  const everything = chosen.includes(ALL);
  const shown = inShort(options, chosen);
  const boxes = options.map(([value, text]) => box(value, text, !everything && chosen.includes(value)));
  const allBox = all ? box(ALL, say("All"), everything) : null;
  const list = el("fieldset", {}, el("legend", { class: "unseen" }, label), allBox, ...boxes);
  const details = el("details", { class: "several" }, el("summary", { "aria-label": `${label}: ${shown}` }, shown), list);
  details.firstChild.dataset.name = name;
  list.addEventListener("change", ({ target }) => {
    const inputs = [...list.querySelectorAll("input")];
    const picked = inputs.filter(({ checked, value }) => checked && value !== ALL).map(({ value }) => value);
    const wanted = target.value === ALL || !picked.length ? [ALL] : picked;
    inputs.forEach((input) => (input.checked = wanted.includes(input.value)));
    details.firstChild.textContent = inShort(options, wanted);
    details.firstChild.setAttribute("aria-label", `${label}: ${inShort(options, wanted)}`);
    change(name, wanted);
  });
  details.addEventListener("keydown", (event) => event.key === "Escape" && close(details));
  return el("div", { class: "control" }, el("span", { "aria-hidden": "true" }, label), details);
}

function inShort(options, chosen) {
  if (chosen.includes(ALL)) return say("All");
  const texts = new Map(options);
  return chosen.length > 2 ? `${chosen.length} ${say("chosen")}` : chosen.map((value) => texts.get(value)).join(", ") || say("None");
}

function box(value, text, checked) {
  return el("label", {}, el("input", { type: "checkbox", value, checked }), text);
}

function close(details) {
  details.open = false;
  details.firstChild.focus();
}

document.addEventListener("pointerdown", ({ target }) => {
  document.querySelectorAll("details.several[open]").forEach((details) => details.contains(target) || (details.open = false));
});

export function times(form, { from, to, refresh, compare }, change, refreshNow, span) {
  const given = RANGES.some(([start]) => start === from) && (to === "now" || to === from);
  const own = given ? [] : [["", ranged(from, to)]];
  const range = select([...own, ...RANGES, ["custom", "Choose ..."]], given ? from : "", (start) => {
    if (start === "custom") return custom(form, span(), change);
    change({ from: start, to: start.includes("/") ? start : "now" });
  });
  const every = select(EVERY.some(([value]) => value === refresh) ? EVERY : [...EVERY, [refresh, refresh]], refresh, (value) => change({ refresh: value }));
  const now = el("button", { type: "button", class: "quiet", title: say("Refresh now"), "aria-label": say("Refresh now"), onclick: refreshNow }, icon("refresh"));
  const beside = el("button", { type: "button", class: "quiet", title: say("Compare with the period before"), "aria-label": say("Compare with the period before"), "aria-pressed": String(compare) }, icon("compare"));
  beside.addEventListener("click", () => change({ compare: compare ? [] : "1" }));
  form.replaceChildren(labelled("Time", range), beside, labelled("Refresh", every), now);
}

function ranged(from, to) {
  const shown = (at) => (/^\d+$/.test(at) ? dateTime(Number(at)) : at);
  return `${shown(from)} ${say("to")} ${shown(to)}`;
}

// Whole days of the catalogue's time zone, beginning with those shown.
function custom(form, [from, to], change) {
  const start = el("input", { type: "date", value: day(from), required: true });
  const end = el("input", { type: "date", value: day(to), required: true });
  const apply = el("button", { type: "button" }, say("Show"));
  apply.addEventListener("click", () => {
    end.setCustomValidity(start.value <= end.value ? "" : say("The last day must not be before the first"));
    if (form.reportValidity()) change({ from: String(dayStart(start.value)), to: String(dayStart(dayAfter(end.value)) - 1) });
  });
  const back = el("button", { type: "button", class: "quiet" }, say("Back"));
  back.addEventListener("click", () => change({}));
  form.replaceChildren(labelled("From", start), labelled("Until the end of", end), apply, back);
  start.focus();
}

function dayAfter(text) {
  return new Date(Date.parse(`${text}T00:00:00Z`) + 86400000).toISOString().slice(0, 10);
}

export function theme(button, changed) {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const names = Object.keys(THEMES);
  let chosen = names.includes(localStorage.theme) ? localStorage.theme : "auto";
  const apply = () => {
    document.documentElement.dataset.theme = chosen === "auto" ? (system.matches ? "dark" : "light") : chosen;
    const [glyph, label] = THEMES[chosen];
    button.replaceChildren(icon(glyph));
    button.title = say(label);
    button.setAttribute("aria-label", say(label));
  };
  button.addEventListener("click", () => {
    chosen = localStorage.theme = names[(names.indexOf(chosen) + 1) % names.length];
    apply();
    changed();
  });
  system.addEventListener("change", () => (apply(), changed()));
  apply();
}

// The other language, by its own name.
export function language(button) {
  const [other, name] = lang === "nb" ? ["en", "English"] : ["nb", "Norsk"];
  Object.assign(button, { textContent: name, lang: other });
  button.addEventListener("click", () => choose(other));
}
