// The page: which dashboard is shown, for which time and values, kept in the address as Grafana does, and kept fresh.

import * as api from "./api.js";
import * as controls from "./controls.js";
import { el } from "./dom.js";
import * as panels from "./panels.js";
import { dateTime, setZone } from "./units.js";

const at = (id) => document.getElementById(id);
const MS = { s: 1000, m: 60000, h: 3600000 };
const PATIENCE = 30000; // ms that an answer may take
let listed = [];
let shown = null; // the dashboard
let described = []; // its variables, as the server last told
let asking = null;
let timer;

function uid() {
  const [, found] = /^\/d\/([^/]+)/.exec(location.pathname) ?? [];
  return found ? decodeURIComponent(found) : listed[0]?.uid;
}

function state() {
  const query = new URLSearchParams(location.search);
  const { time = {}, refresh = "" } = shown;
  return { from: query.get("from") ?? time.from ?? "now-6h", to: query.get("to") ?? time.to ?? "now", refresh: query.get("refresh") ?? refresh };
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
  controls.times(at("times"), state(), go, refresh);
  refresh();
}

function words(text) {
  return text.replace(/\$\{(\w+)(?::\w+)?\}|\$(\w+)/g, (all, braced, bare) => {
    const variable = described.find(({ name }) => name === (braced ?? bare));
    if (!variable) return all;
    if (variable.chosen.includes(controls.ALL)) return "All";
    const texts = new Map(variable.options);
    return variable.chosen.map((value) => texts.get(value) ?? value).join(", ");
  });
}

function question() {
  const query = new URLSearchParams(location.search);
  const { from, to } = state();
  query.delete("refresh");
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
    await api.data(shown.uid, question(), own.signal, hear);
    at("updated").textContent = `Figures of ${dateTime(Date.now(), true)}`;
    at("updated").dateTime = new Date().toISOString();
  } catch (error) {
    if (own.signal.reason !== "slow" && own.signal.aborted) return;
    banner(own.signal.aborted ? "The worker takes long to answer; trying again." : trouble(error));
  } finally {
    clearTimeout(waiting);
    clearTimeout(patience);
    if (asking === own) at("progress").hidden = true;
  }
  const [, count, unit] = /^(\d+)([smh])$/.exec(state().refresh) ?? [];
  if (count && asking === own) timer = setTimeout(() => document.hidden || refresh(), Number(count) * MS[unit]);
}

function trouble(error) {
  if (!(error instanceof TypeError)) return error.message;
  const since = at("updated").textContent;
  return `The worker does not answer; is it running?${since ? ` ${since} are shown.` : ""}`;
}

function hear(line) {
  if (line.panel !== undefined) return panels.show(line);
  described = line.variables;
  controls.variables(at("variables"), described, (name, values) => go({ [`var-${name}`]: values }));
  panels.within({ span: line.range, zoom: (from, to) => go({ from, to }), words });
  const unknown = described.filter((each) => each.unknown.length).map(({ label, unknown }) => `${label} has no ${unknown.join(", ")} (any more)`);
  banner([line.error, ...unknown].filter(Boolean).join(". "));
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
    setZone(shown.timezone);
    document.title = `${shown.title} - maalstrom`;
    at("dashboards").replaceChildren(...listed.map(tab));
    at("variables").replaceChildren();
    delete at("variables").dataset.shown;
    panels.build(at("panels"), shown.panels);
  }
  update();
}

function tab({ uid: own, title }) {
  const link = el("a", { href: `/d/${encodeURIComponent(own)}`, "aria-current": own === shown.uid ? "page" : undefined }, title);
  link.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    history.pushState(null, "", link.href);
    scrollTo(0, 0);
    start();
  });
  return link;
}

async function start() {
  try {
    if (!listed.length) listed = await api.dashboards();
    if (!listed.length) return banner("There is no dashboard; grafana/dashboards is empty.");
    await open();
  } catch (error) {
    banner(trouble(error));
  }
}

controls.theme(at("theme"), () => panels.redraw());
at("variables").addEventListener("submit", (event) => event.preventDefault());
at("times").addEventListener("submit", (event) => event.preventDefault());
addEventListener("popstate", start);
document.addEventListener("visibilitychange", () => document.hidden || (shown && state().refresh && refresh()));
start();
