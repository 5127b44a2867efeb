// Colours that people who see no red or green can tell apart, in both themes; after Okabe and Ito.

const NAMED = { green: "good", red: "bad", orange: "warn", yellow: "warn", blue: "c0", purple: "c3", text: "text" };
const SIGNS = { good: ["✓", "good"], warn: ["!", "take note"], bad: ["✕", "bad"] };
const SERIES = 12;

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

export function ofSeries(index) {
  return `c${index % SERIES}`;
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
