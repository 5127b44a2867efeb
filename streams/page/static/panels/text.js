// The little of Markdown that dashboards use, made into elements and never into HTML.

import { el } from "../dom.js";

const INLINE = /\*\*(.+?)\*\*|\*(.+?)\*|`(.+?)`|\[([^\]]+)\]\(([^)\s]+)\)/;

export function draw(body, panel, content) {
  body.replaceChildren(el("div", { class: "prose" }, ...blocks(content)));
}

function blocks(content) {
  const made = [];
  for (const line of content.split("\n")) {
    const [, hashes, heading] = /^(#{1,4})\s+(.*)$/.exec(line) ?? [];
    const [, item] = /^\s*[-*]\s+(.*)$/.exec(line) ?? [];
    if (heading) made.push(el(`h${Math.min(6, hashes.length + 2)}`, {}, ...inline(heading)));
    else if (item && made.at(-1)?.tagName === "UL") made.at(-1).append(el("li", {}, ...inline(item)));
    else if (item) made.push(el("ul", {}, el("li", {}, ...inline(item))));
    else if (!line.trim()) made.push(null);
    else if (made.at(-1)?.tagName === "P") made.at(-1).append(" ", ...inline(line));
    else made.push(el("p", {}, ...inline(line)));
  }
  return made.filter(Boolean);
}

function inline(line) {
  const found = INLINE.exec(line);
  if (!found) return [line];
  const [all, strong, emphasis, code, label, address] = found;
  const made = strong ? el("strong", {}, ...inline(strong)) : emphasis ? el("em", {}, ...inline(emphasis)) : code ? el("code", {}, code) : link(label, address);
  return [line.slice(0, found.index), made, ...inline(line.slice(found.index + all.length))];
}

function link(label, address) {
  const safe = /^(https?:\/\/|\/(?!\/)|#)/.test(address);
  return safe ? el("a", { href: address, rel: "noreferrer" }, label) : label;
}
