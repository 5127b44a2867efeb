// Elements without HTML: whatever comes from data is only ever text.

export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false || value === null) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "style") Object.assign(element.style, value);
    else if (name in element && typeof value !== "string") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

const ICONS = {
  info: "M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13M8 7.2v3.6M8 5v.4",
  table: "M2 3h12v10H2zM2 6.5h12M2 10h12M6.5 6.5V13",
  chart: "M2 2v12h12M4.5 11l3-4 2.500 2.500L14 4",
  refresh: "M13.500 8a5.500 5.500 0 1 1-1.700-4M12 1.500V4.200H9.300",
  sun: "M8 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6M8 1v1.500M8 13.500V15M1 8h1.500M13.500 8H15M3 3l1 1M12 12l1 1M13 3l-1 1M4 12l-1 1",
  moon: "M13 9.800A5.800 5.800 0 0 1 6.200 3a5.800 5.800 0 1 0 6.800 6.800z",
  save: "M8 2v8M4.500 7 8 10.500 11.500 7M2.500 13.500h11",
  compare: "M2 13h4V6H2zM10 13h4V3h-4z",
  auto: "M8 1.500a6.500 6.500 0 1 0 0 13zM8 1.500a6.500 6.500 0 0 1 0 13",
};

export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}
