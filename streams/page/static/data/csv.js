// The figures of a panel as CSV, for a spreadsheet: raw numbers, times in ISO 8601, and no cell that it would run.

import { fields, figures, series, title } from "./frames.js";
import { say } from "./words.js";

export function csv(panel, answers) {
  return rows(panel, answers).map((row) => row.map(cell).join(",")).join("\r\n") + "\r\n";
}

function rows(panel, answers) {
  if (panel.type === "timeseries") {
    const { times, series: all } = series(panel, answers);
    const body = times.map((time, row) => [iso(time), ...all.map(({ values }) => values[row])]);
    return [[say("Time"), ...all.map(({ name }) => name)], ...body];
  }
  if (panel.type !== "table") return [[say("Name"), say("Value")], ...figures(panel, answers).map(({ name, value }) => [name, value])];
  const columns = fields(panel, answers[0]).filter(({ config }) => !config.custom?.hidden);
  const value = ({ kind, values }, row) => (kind === "time" && values[row] !== null ? iso(values[row]) : values[row]);
  return [columns.map(title), ...[...columns[0].values.keys()].map((row) => columns.map((column) => value(column, row)))];
}

function iso(ms) {
  return new Date(ms).toISOString();
}

function cell(value) {
  if (value === null || value === undefined) return "";
  if (typeof value === "number") return String(value);
  const harmless = /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

export function save(name, text) {
  const address = URL.createObjectURL(new Blob(["\ufeff", text], { type: "text/csv;charset=utf-8" }));
  const link = Object.assign(document.createElement("a"), { href: address, download: `${name.replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "")}.csv` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
}
