// Colours that people who see no red or green can tell apart, in both themes; after Okabe and Ito.

const NAMED = { green: "good", red: "bad", orange: "warn", yellow: "warn", blue: "c0", purple: "c3", text: "text", "#808080": "grey" };
const SIGNS = { good: ["✓", "good"], warn: ["!", "take note"], bad: ["✕", "bad"] };
const SERIES = 12;
// What is credited to nobody, and the reasons for it.
const GREY = /^(Not attributed|Suppressed|withheld|Consent denied|Buyer not known|Too long before|No engagement seen|Identifier shared|Erased on request|Ikke tilskrevet|Holdt tilbake|Samtykke ikke gitt|Kjøperen er ikke kjent|For lenge før|Ikke noe engasjement|Flere personer bak|Slettet etter ønske)/;
const UNKNOWN = ["Channel not known", "Ukjent kanal"]; // of campaigns that no catalogue has: the last colour
let places = new Map(); // a name to its colour's number

// The name of a colour of ours for one of Grafana's, such as semi-dark-green.
function ours(name) {
  const base = String(name ?? "").replace(/^(super-light|light|semi-dark|dark)-/, "");
  return NAMED[base] ?? "c0";
}

export function css(name) {
  return `var(--${name})`;
}

export function resolved(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

// `names` are lists by kind: channels, networks, campaigns, goals. Each keeps one colour on every panel, another than the
// rest of its kind as far as there are colours.
export function setNames(names) {
  places = new Map();
  UNKNOWN.forEach((name) => places.set(name, SERIES - 1));
  Object.values(names).forEach(setKind);
}

function setKind(list) {
  const fresh = list.filter((name) => !places.has(name));
  const taken = new Set(list.map((name) => places.get(name)));
  const free = [...Array(SERIES).keys()].filter((index) => !taken.has(index));
  fresh.forEach((name, index) => places.set(name, free[index] ?? index % SERIES));
}

function place(name) {
  return places.get(name) ?? places.get(name.replace(/, [A-Z]{3}$/, ""));
}

// The colours of series of these names: a known one's own, the grey of what is nobody's, else one that is still free.
export function ofSeries(names) {
  const taken = new Set(names.map(place));
  const free = [...Array(SERIES).keys()].filter((index) => !taken.has(index));
  return names.map((name) => (GREY.test(name) ? "grey" : `c${place(name) ?? free.shift() ?? 0}`));
}

// The colour of a bar: its name's, where that is a channel, a network or a campaign.
export function ofName(name) {
  const own = place(name);
  return GREY.test(name) ? "grey" : own === undefined ? null : `c${own}`;
}

function step(value, thresholds) {
  const steps = thresholds?.steps ?? [];
  return steps.filter((each) => each.value === null || each.value === undefined || value >= each.value).at(-1);
}

// The colour of a value: what it is mapped to, its threshold's, or the fixed one; null is the text's own.
export function ofValue(value, config) {
  const mapped = mapping(value, config.mappings);
  if (mapped?.color) return ours(mapped.color);
  const mode = config.color?.mode;
  if (mode === "fixed") return ours(config.color.fixedColor);
  if (mode === "thresholds" && typeof value === "number") return ours(step(value, config.thresholds)?.color);
  return null;
}

// What a colour of a threshold says, for those who do not see it.
export function sign(value, config) {
  const several = (config.thresholds?.steps?.length ?? 0) > 1;
  return config.color?.mode === "thresholds" && several && typeof value === "number" ? SIGNS[ofValue(value, config)] : undefined;
}

export function mapping(value, mappings = []) {
  for (const { type, options } of mappings) {
    if (type === "value" && options[String(value)]) return options[String(value)];
    if (type === "range" && typeof value === "number" && value >= (options.from ?? -Infinity) && value <= (options.to ?? Infinity)) return options.result;
    if (type === "special" && options.match?.startsWith("null") && value === null) return options.result;
  }
  return undefined;
}

// Lines that a panel wants at its thresholds.
export function thresholdLines(config) {
  if (!config.custom?.thresholdsStyle || config.custom.thresholdsStyle.mode === "off") return [];
  return (config.thresholds?.steps ?? []).filter((each) => typeof each.value === "number").map((each) => ({ value: each.value, colour: ours(each.color) }));
}
