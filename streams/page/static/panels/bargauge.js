// Bars beside each other, with their names and values: a list, so that it reads as one.

import { css, mapping, ofName, ofValue, sign } from "../data/colours.js";
import { changed } from "../data/compare.js";
import { el } from "../dom.js";
import { figures } from "../data/frames.js";
import { signed } from "./stat.js";
import { text } from "../data/units.js";

const BEYOND = 1.25; // a value beyond the panel's maximum is drawn, up to this

export function draw(body, panel, answers, { before }) {
  const found = figures(panel, answers);
  const earlier = new Map((before ? figures(panel, before) : []).map(({ name, value }) => [name, value]));
  const top = found.reduce((most, { value }) => Math.max(most, value ?? 0), 0);
  body.replaceChildren(el("ul", { class: "bars" }, ...found.map((one) => row(one, top, earlier.get(one.name)))));
}

function row({ name, value, config }, top, before) {
  const low = config.min ?? 0;
  const high = config.max === undefined || config.max === null ? top : Math.min(Math.max(config.max, top), config.max * BEYOND);
  const share = (at) => Math.max(0, Math.min(1, (at - low) / (high - low || 1)));
  const own = config.color?.mode === "fixed" ? ofName(name) : null;
  const colour = css(own ?? ofValue(value, config) ?? "c0");
  const bar = el("span", { class: "bar", style: { width: `${100 * share(value ?? low)}%`, background: colour } });
  const track = el("span", { class: "track", "aria-hidden": "true" }, bar);
  if (config.max !== undefined && high > config.max) track.append(el("span", { class: "target", style: { left: `${100 * share(config.max)}%` } }));
  const mark = sign(value, config);
  const shown = mapping(value, config.mappings)?.text ?? text(value, config);
  return el("li", {}, el("span", { class: "name", title: name }, name), track, el("span", { class: "value" }, mark ? signed(mark) : null, shown, changed(value, before, config.unit)));
}
