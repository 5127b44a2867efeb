// A time series panel: the chart, its legend, and the same figures as a table.

import { Chart } from "./chart.js";
import { css, ofSeries, ofValue } from "../data/colours.js";
import { el } from "../dom.js";
import { series } from "../data/frames.js";
import { say } from "../data/words.js";
import { fill } from "./table.js";

const MOST_ROWS = 500;
const drawn = new WeakMap(); // a panel's body to its chart, which is fed anew rather than made anew

export function draw(body, panel, answers, { span, zoom, marks, before }) {
  const found = series(panel, answers);
  const colours = ofSeries(found.series.map(({ name }) => name));
  found.series.forEach((one, index) => (one.colour = ofValue(null, one.config) ?? colours[index]));
  found.marks = marks ?? [];
  found.before = before ? earlier(panel, before, span) : null;
  const own = answers.map(({ frame }) => frame.span).find(Boolean);
  const range = own ? [own[0], own[1]] : span;
  const shape = JSON.stringify([found.series.map((one) => [one.name, one.colour, isStill(one)]), document.documentElement.dataset.theme]);
  let chart = drawn.get(body);
  if (!chart || chart.shape !== shape || !body.contains(chart.root)) {
    chart?.destroy();
    const hidden = chart?.hidden ?? new Set();
    chart = new Chart(panel, found, range, zoom, hidden);
    chart.shape = shape;
    drawn.set(body, chart);
    body.replaceChildren(chart.root, legend(chart, found.series));
    chart.mount();
  } else chart.feed(found, range);
}

export function release(body) {
  drawn.get(body)?.destroy();
  drawn.delete(body);
}

// Series that only ever were 0 are told together: of each alone there is nothing to see.
function isStill({ values }) {
  return values.every((value) => !value);
}

function legend(chart, all) {
  const still = all.filter(isStill);
  const moving = still.length > 1 ? all.filter((one) => !isStill(one)) : all;
  const entries = moving.map(({ name, colour }) => {
    const marker = el("span", { class: "marker", style: { background: css(colour) } });
    const shown = !chart.hidden.has(name);
    const button = el("button", { type: "button", "aria-pressed": String(shown), title: say("Show or hide") }, marker, name);
    button.addEventListener("click", () => button.setAttribute("aria-pressed", String(chart.toggle(name))));
    button.addEventListener("pointerenter", () => chart.highlight(name));
    button.addEventListener("pointerleave", () => chart.highlight(null));
    return el("li", {}, button);
  });
  if (still.length > 1) entries.push(stillOnes(still));
  return el("ul", { class: "legend", "aria-label": say("Series") }, ...entries);
}

function stillOnes(series) {
  const names = series.map(({ name }) => name).join(", ");
  return el("li", { class: "still", title: names }, `${say("At 0")}: ${names}`);
}

// The sums of the period before, moved under the time shown: {times, values} in order.
function earlier(panel, answers, [start, end]) {
  const { times, series: all } = series(panel, answers);
  return { times: times.map((ms) => ms + end - start), values: times.map((_, row) => all.reduce((sum, { values }) => sum + (values[row] ?? 0), 0)) };
}

// The newest rows come first.
export function asTable(body, panel, answers) {
  release(body);
  const { times, series: all } = series(panel, answers);
  const rows = times.map((_, index) => times.length - 1 - index).slice(0, MOST_ROWS);
  const time = { name: say("Time"), kind: "time", values: rows.map((row) => times[row]), config: {} };
  const columns = all.map(({ name, values, config }) => ({ name, kind: "number", values: rows.map((row) => values[row]), config: { ...config, color: undefined } }));
  fill(body, panel.title, [time, ...columns]);
}
