// The page: which dashboard is shown, for which time and values, kept in the address as Grafana does, and kept fresh.

import * as api from "./api.js";
import * as controls from "./controls.js";
import { el } from "./dom.js";
import * as panels from "./panels/panels.js";
import { setNames } from "./data/colours.js";
import { dateTime, setZone } from "./data/units.js";
import { say, translateDocument } from "./data/words.js";

const at = (id) => document.getElementById(id);
const MS = { s: 1000, m: 60000, h: 3600000 };
const NOTHING = "There are no events yet: send them to the topics events, engagement and checkout, or run maalstrom replay; docs/ says how";
const AWAY = "The database does not answer; the figures come back by themselves when it does. For whoever runs it";
const PATIENCE = 30000; // ms that an answer may take
let listed = [];
let shown = null; // the dashboard
let described = []; // its variables, as the server last told
let span = [Date.now() - 86400000, Date.now()]; // the time shown, as the server last told
let stale = false; // whether figures of before are shown, because new ones are not to be had
let asking = null;
let timer;

function uid() {
  const [, found] = /^\/d\/([^/]+)/.exec(location.pathname) ?? [];
  return found ? decodeURIComponent(found) : listed[0]?.uid;
}

function state() {
  const query = new URLSearchParams(location.search);
  const { time = {}, refresh = "" } = shown;
  return { from: query.get("from") ?? time.from ?? "now-6h", to: query.get("to") ?? time.to ?? "now", refresh: query.get("refresh") ?? refresh, compare: query.get("compare") === "1" };
}

function go(changes) {
  const query = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(changes)) {
    query.delete(name);
    [value].flat().forEach((each) => query.append(name, each));
  }
  const search = query.size ? `?${query}` : "";
  history.pushState(null, "", `/d/${encodeURIComponent(shown.uid)}${search}`);
  update();
}

function update() {
  controls.times(at("times"), state(), go, refresh, () => span);
  refresh();
}

function words(text) {
  return text.replace(/\$\{(\w+)(?::\w+)?\}|\$(\w+)/g, (all, braced, bare) => {
    const variable = described.find(({ name }) => name === (braced ?? bare));
    if (!variable) return all;
    if (variable.chosen.includes(controls.ALL)) return say("All");
    const texts = new Map(variable.options);
    return variable.chosen.map((value) => texts.get(value) ?? value).join(", ");
  });
}

function question({ from, to } = state()) {
  const query = new URLSearchParams(location.search);
  ["refresh", "compare"].forEach((name) => query.delete(name));
  query.set("from", from);
  query.set("to", to);
  query.set("width", String(at("panels").clientWidth));
  return query;
}

async function refresh() {
  clearTimeout(timer);
  asking?.abort();
  const own = (asking = new AbortController());
  const patience = setTimeout(() => own.abort("slow"), PATIENCE);
  const waiting = setTimeout(() => (at("progress").hidden = false), 300);
  try {
    stale = false;
    await api.data(shown.uid, question(), own.signal, hear);
    if (state().compare) await api.data(shown.uid, question(before(span)), own.signal, (line) => line.panel !== undefined && panels.compare(line));
    if (stale) return void (asking === own && again());
    at("updated").textContent = `${say("Figures of")} ${dateTime(Date.now(), true)}`;
    at("updated").dateTime = new Date().toISOString();
  } catch (error) {
    if (own.signal.reason !== "slow" && own.signal.aborted) return;
    banner(own.signal.aborted ? say("maalstrom takes long to answer; trying again.") : trouble(error));
  } finally {
    clearTimeout(waiting);
    clearTimeout(patience);
    if (asking === own) at("progress").hidden = true;
  }
  if (asking === own) again();
}

function again() {
  const [, count, unit] = /^(\d+)([smh])$/.exec(state().refresh) ?? [];
  clearTimeout(timer);
  if (count) timer = setTimeout(() => document.hidden || refresh(), Number(count) * MS[unit]);
}

// As long a time, just before.
function before([start, end]) {
  return { from: String(start - (end - start) - 1), to: String(start - 1) };
}

function trouble(error) {
  if (!(error instanceof TypeError)) return error.message;
  const since = at("updated").textContent;
  return `${say("maalstrom does not answer; is it running?")}${since ? ` ${since} ${say("are shown")}.` : ""}`;
}

function hear(line) {
  if (line.marks) return panels.mark(line.marks);
  if (line.panel !== undefined) {
    const kept = panels.show(line) && !stale;
    if (kept) stale = true;
    if (kept) banner(`${reason(line)}. ${at("updated").textContent} ${say("are shown")}.`);
    else if (line.away && !stale) banner(reason(line));
    return;
  }
  span = line.range;
  setZone(line.zone);
  setNames(line.names);
  if (!line.error || !described.length) {
    described = line.variables;
    controls.variables(at("variables"), described, (name, values) => go({ [`var-${name}`]: values }));
  }
  document.title = [words("${goal:text}"), shown.title, "maalstrom"].filter((part) => part && !part.includes("$")).join(" - ");
  panels.within({ span: line.range, zoom: (from, to) => go({ from, to }), words, known: described.length > 0, trouble: line.error });
  const unknown = described.filter((each) => each.unknown.length).map(({ label, unknown }) => `${label} ${say("has no")} ${unknown.join(", ")} ${say("(any more)")}`);
  banner([line.empty ? say(NOTHING) : "", line.error && reason(line), ...unknown].filter(Boolean).join(". "));
}

// Why there are no figures, in the reader's words; what follows for whoever runs the database is as it was said.
function reason({ error, away }) {
  const words = away ? `${say(AWAY)}: ${error}` : say(error);
  return words[0].toUpperCase() + words.slice(1);
}

function banner(message) {
  const place = at("banner");
  place.hidden = !message;
  if (place.textContent !== message) place.textContent = message;
}

async function open() {
  const wanted = uid();
  if (shown?.uid !== wanted) {
    shown = await api.dashboard(wanted);
    described = [];
    document.title = `${shown.title} - maalstrom`;
    await languages();
    at("dashboards").replaceChildren(...listed.map(tab));
    at("variables").replaceChildren();
    delete at("variables").dataset.shown;
    at("title").textContent = shown.title;
    panels.build(at("panels"), shown.panels);
  }
  update();
}

let onScreen = "light";

function paper(theme, printing) {
  const root = document.documentElement;
  if (printing) onScreen = root.dataset.theme;
  root.dataset.theme = theme;
  root.classList.toggle("printing", printing);
  at("printed").textContent = `${shown?.title ?? ""}: ${span.map((ms) => dateTime(ms)).join(` ${say("to")} `)}`;
  panels.redraw();
}

// The tabs are in the language of what is shown; the same dashboard in another language is a link away.
async function languages() {
  const own = ({ uid }) => uid === shown.uid;
  if (!listed.some(own)) listed = await api.dashboards(/-nb$/.test(shown.uid) ? "nb" : "en");
  const { language = "en", others = {} } = listed.find(own) ?? {};
  document.documentElement.lang = language;
  at("languages").replaceChildren(...Object.entries(others).map(inLanguage));
  at("language").hidden = Object.keys(others).length > 0; // one way to the other language is enough
}

function inLanguage([name, uid]) {
  const link = el("a", { href: `/d/${encodeURIComponent(uid)}${location.search}` }, name);
  link.addEventListener("click", () => (localStorage.lang = /-nb$/.test(uid) ? "nb" : "en"));
  return link;
}

function tab({ uid: own, title }) {
  const link = el("a", { href: elsewhere(own), "aria-current": own === shown.uid ? "page" : undefined }, title);
  link.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    history.pushState(null, "", elsewhere(own));
    scrollTo(0, 0);
    start();
  });
  return link;
}

// Another dashboard, for the same time and with the values that are chosen here.
function elsewhere(uid) {
  const query = new URLSearchParams(location.search);
  return `/d/${encodeURIComponent(uid)}${query.size ? `?${query}` : ""}`;
}

async function start() {
  try {
    if (!listed.length) listed = await api.dashboards();
    if (!listed.length) return banner(say("There is no dashboard; grafana/dashboards is empty."));
    await open();
  } catch (error) {
    banner(trouble(error));
  }
}

async function greet() {
  const { name, role, ends } = await api.viewer();
  at("viewer").hidden = !name;
  at("viewer").title = `${name} (${role})`;
  at("viewer").querySelector("button").hidden = !ends;
  at("viewer").querySelector("span").textContent = name;
}

greet().catch(() => {});
translateDocument();
controls.language(at("language"));
controls.theme(at("theme"), () => panels.redraw());
at("variables").addEventListener("submit", (event) => event.preventDefault());
at("times").addEventListener("submit", (event) => event.preventDefault());
addEventListener("popstate", start);
// On paper: light, each panel as high as it needs, charts as wide as the sheet.
addEventListener("beforeprint", () => paper("light", true));
addEventListener("afterprint", () => paper(onScreen, false));
document.addEventListener("visibilitychange", () => document.hidden || (shown && state().refresh && refresh()));
start();
