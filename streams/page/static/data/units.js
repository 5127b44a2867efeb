// Numbers as people read them: units by Grafana's names, thousands apart, times in the zone of the dashboard.

import { LOCALES, say } from "./words.js";

const APART = "\u202f"; // a thin space that no line breaks at
const SPACE = "\u00a0";
const SECONDS = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"], [1e-3, "ms"], [1e-6, "µs"]];
const BYTES = ["B", "KiB", "MiB", "GiB", "TiB"];
const DECIMAL_BYTES = ["B", "kB", "MB", "GB", "TB"];
const LARGE = [[1e9, "billion"], [1e6, "million"]];
const PER_SECOND = new Set(["cps", "ops", "reqps", "rps", "eps", "recps", "wps"]);
const TO_SECONDS = { ns: 1e-9, µs: 1e-6, ms: 1e-3, s: 1, m: 60, h: 3600, d: 86400, dtdurations: 1, dtdurationms: 1e-3 };
const SYMBOLS = { USD: "$", EUR: "€", GBP: "£", JPY: "¥" };
let zone = "UTC"; // the catalogue's

export function setZone(name) {
  zone = name || "UTC";
}

export function zoneName() {
  return zone;
}

// The parts of a moment as a clock in the zone shows them.
function parts(ms) {
  const options = { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23", timeZone: zone };
  return Object.fromEntries(new Intl.DateTimeFormat("en-GB", options).formatToParts(ms).map(({ type, value }) => [type, value]));
}

// The day of a moment as an input of dates has it, and the moment at which a day begins.
export function day(ms) {
  const { year, month, day: number } = parts(ms);
  return `${year}-${month}-${number}`;
}

export function dayStart(text) {
  const noon = Date.parse(`${text}T12:00:00Z`);
  const { year, month, day: number, hour, minute, second } = parts(noon);
  const ahead = Date.UTC(year, month - 1, number, hour, minute, second) - noon;
  return Date.parse(`${text}T00:00:00Z`) - ahead;
}

// Whether all moments are starts of days, so that their time says nothing.
export function areDays(times) {
  return times.length > 0 && times.every((ms) => /^00:00/.test(clock(ms, "time")));
}

export function date(ms) {
  return dateTime(ms).split(" ")[0];
}

export function grouped(value, decimals) {
  const [whole, rest] = Math.abs(value).toFixed(decimals).split(".");
  const spaced = whole.length > 3 ? whole.replace(/\B(?=(\d{3})+$)/g, APART) : whole;
  const negative = value < 0 && /[1-9]/.test(whole + (rest ?? ""));
  return (negative ? "\u2212" : "") + spaced + (rest ? LOCALES.point + rest : "");
}

function plain(value, decimals) {
  return grouped(value, decimals ?? ownDecimals(value));
}

// Three figures that matter, and none behind a whole number.
function ownDecimals(value) {
  if (Number.isInteger(value) || value === 0) return 0;
  return Math.min(6, Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value)))));
}

function duration(seconds, decimals) {
  if (seconds === 0) return "0" + SPACE + "s";
  const [size, name] = SECONDS.find(([size]) => Math.abs(seconds) >= size) ?? SECONDS.at(-1);
  return plain(seconds / size, decimals) + SPACE + say(name);
}

function scaled(value, decimals, base, names) {
  let step = 0;
  while (Math.abs(value) >= base && step < names.length - 1) [value, step] = [value / base, step + 1];
  return plain(value, step ? decimals ?? 1 : decimals) + SPACE + names[step];
}

function short(value, decimals) {
  const [size, name] = LARGE.find(([size]) => Math.abs(value) >= size) ?? [1, ""];
  return name ? grouped(value / size, 2) + SPACE + say(name) : plain(value, decimals);
}

export function dateTime(ms, withSeconds = false) {
  const options = { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  if (withSeconds) options.second = "2-digit";
  return new Intl.DateTimeFormat(LOCALES.date, { ...options, timeZone: zone }).format(ms).replace(", ", " ");
}

export function clock(ms, part) {
  const options = {
    time: { hour: "2-digit", minute: "2-digit", hourCycle: "h23" },
    seconds: { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" },
    day: { day: "numeric", month: "short" },
    weekday: { weekday: "short", day: "numeric", month: "short" },
    month: { month: "short", year: "numeric" },
  }[part];
  return new Intl.DateTimeFormat(LOCALES.clock, { ...options, timeZone: zone }).format(ms);
}

export function fromNow(ms, now = Date.now()) {
  const seconds = (ms - now) / 1000;
  const units = [["year", 31536000], ["month", 2592000], ["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
  const [unit, size] = units.find(([, size]) => Math.abs(seconds) >= size) ?? units.at(-1);
  return new Intl.RelativeTimeFormat(LOCALES.relative, { numeric: "auto" }).format(Math.round(seconds / size), unit);
}

function withUnit(value, unit, decimals) {
  if (unit === "percent") return plain(value, decimals) + SPACE + "%";
  if (unit === "percentunit") return plain(value * 100, decimals) + SPACE + "%";
  if (unit in TO_SECONDS) return duration(value * TO_SECONDS[unit], decimals);
  if (PER_SECOND.has(unit)) return plain(value, decimals) + SPACE + "/s";
  if (unit === "bytes") return scaled(value, decimals, 1024, BYTES);
  if (unit === "decbytes") return scaled(value, decimals, 1000, DECIMAL_BYTES);
  if (unit === "short") return short(value, decimals);
  if (unit === "dateTimeFromNow") return fromNow(value);
  if (unit.startsWith("dateTime")) return dateTime(value, true);
  return affixed(value, unit, decimals);
}

function affixed(value, unit, decimals) {
  const number = plain(value, decimals);
  const [kind, text] = /^(suffix|prefix|currency):?(.*)$/.exec(unit)?.slice(1) ?? [];
  if (kind === "suffix") return number + SPACE + text.trim();
  if (kind === "prefix") return text + number;
  if (kind === "currency") return SYMBOLS[text] ? SYMBOLS[text] + number : number + SPACE + text.trim();
  return number;
}

// The text of a value: `config` is a field's configuration in a dashboard.
export function text(value, config = {}) {
  if (value === null || value === undefined || value === "") return config.noValue ?? "-";
  if (typeof value === "object") return Array.isArray(value) ? value.join(", ") : JSON.stringify(value);
  if (typeof value !== "number") return String(value);
  const known = config.unit && config.unit !== "none" && config.unit !== "locale" ? config.unit : "";
  return withUnit(value, known, config.decimals ?? undefined);
}
