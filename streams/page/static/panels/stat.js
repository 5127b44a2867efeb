// One or more large figures.

import { css, mapping, ofValue, sign } from "../data/colours.js";
import { el } from "../dom.js";
import { changed } from "../data/compare.js";
import { figures } from "../data/frames.js";
import { text } from "../data/units.js";
import { say } from "../data/words.js";

export function draw(body, panel, answers, { before }) {
  const found = figures(panel, answers);
  const earlier = new Map((before ? figures(panel, before) : []).map(({ name, value }) => [name, value]));
  const { orientation = "auto", colorMode = "value", textMode = "auto" } = panel.options ?? {};
  const named = textMode !== "value" && (found.length > 1 || textMode === "name" || textMode === "value_and_name");
  const layout = orientation === "horizontal" ? "rows" : "columns";
  const list = el("ul", { class: `stats ${layout}` }, ...found.map((one) => tile(one, colorMode, named, earlier.get(one.name))));
  list.classList.toggle("single", found.length === 1);
  list.style.setProperty("--n", layout === "columns" ? found.length : 2);
  body.replaceChildren(list);
}

function tile({ name, value, config }, colorMode, named, before) {
  const colour = ofValue(value, config);
  const mark = sign(value, config);
  const shown = mapping(value, config.mappings)?.text ?? text(value, config);
  const figure = el("span", { class: "figure" }, mark ? signed(mark) : null, shown, changed(value, before, config.unit));
  const made = el("li", { class: "stat" }, named ? el("span", { class: "name" }, name) : null, figure);
  if (colour && colorMode.startsWith("background")) {
    made.classList.add("filled");
    made.style.setProperty("--fill", css(colour));
  } else if (colour && colorMode !== "none") figure.style.color = css(colour);
  return made;
}

export function signed([glyph, meaning]) {
  return el("span", { class: "sign", role: "img", "aria-label": say(meaning) + ":" }, glyph);
}
