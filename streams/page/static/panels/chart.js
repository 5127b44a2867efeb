// A chart: uPlot with stacks, a tooltip, a cursor that follows the arrow keys, and a range chosen by dragging.

import { resolved, thresholdLines } from "../data/colours.js";
import { el } from "../dom.js";
import { areDays, clock, date, dateTime, text, zoneName } from "../data/units.js";
import { say } from "../data/words.js";

const DAY = 86400;
const LEAST_DRAG = 8; // px
// Steps of an axis that people count in, where it is not in tens: seconds and bytes.
const STEPS = {
  s: [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 10800, 21600, 43200, ...[1, 2, 5, 10, 20, 50, 100, 200, 500].map((days) => days * DAY)],
  bytes: [...Array(45).keys()].map((power) => 2 ** power),
};

export class Chart {
  constructor(panel, found, range, zoom, hidden) {
    this.panel = panel;
    this.hidden = hidden;
    this.range = range;
    this.zoom = zoom;
    this.found = found;
    const custom = panel.fieldConfig?.defaults?.custom ?? {};
    this.bars = custom.drawStyle === "bars";
    this.stacked = ["normal", "percent"].includes(custom.stacking?.mode);
    this.spoken = el("span", { class: "unseen", "aria-live": "polite" });
    this.tip = el("div", { class: "tip", hidden: true });
    this.place = el("div", { class: "plot", tabindex: "0", role: "group", onkeydown: (event) => this.key(event) });
    this.place.setAttribute("aria-roledescription", "chart");
    this.place.addEventListener("blur", () => this.moveTo(null));
    this.root = el("div", { class: "chart" }, this.place, this.tip, this.spoken);
  }

  mount() {
    this.plot = new uPlot(this.options(), this.data(), this.place);
    this.describe();
    this.resizing = new ResizeObserver(() => this.resize());
    this.resizing.observe(this.place);
  }

  destroy() {
    this.resizing?.disconnect();
    this.plot?.destroy();
  }

  // When it is: a day alone where every figure is one of a day.
  when(ms) {
    return areDays(this.found.times) ? date(ms) : dateTime(ms);
  }

  feed(found, range) {
    [this.found, this.range] = [found, range];
    this.plot.setData(this.data(), false);
    this.plot.redraw(true, true);
    this.resize();
    this.plot.setScale("x", { min: range[0] / 1000, max: range[1] / 1000 });
    this.describe();
  }

  toggle(name) {
    const shown = this.hidden.has(name);
    if (shown) this.hidden.delete(name);
    else this.hidden.add(name);
    this.plot.setData(this.data(), false);
    this.found.series.forEach((one, index) => this.plot.setSeries(index + 1, { show: !this.hidden.has(one.name) }));
    this.plot.setScale("x", { min: this.range[0] / 1000, max: this.range[1] / 1000 });
    return shown;
  }

  highlight(name) {
    this.found.series.forEach((one, index) => (this.plot.series[index + 1].alpha = name === null || one.name === name ? 1 : 0.15));
    this.plot.redraw(false, false);
  }

  describe() {
    const { times, series } = this.found;
    this.place.setAttribute("aria-label", `${this.panel.title}: ${summary(series, times)}.${told(this.found.marks)} ${say("Arrow keys read the figures.")}`);
  }

  // A stack is sums from the last series up: the first one is the highest, is drawn first, and the others lie on it.
  data() {
    const { times, series } = this.found;
    const seconds = times.map((ms) => ms / 1000);
    if (!this.stacked) return [seconds, ...series.map(({ values }) => values)];
    const sum = new Array(times.length).fill(0);
    const stacked = series.toReversed().map(({ name, values }) =>
      values.map((value, row) => (value === null || this.hidden.has(name) ? null : (sum[row] += value))),
    );
    return [seconds, ...stacked.toReversed()];
  }

  size() {
    return { width: Math.max(80, this.place.clientWidth), height: Math.max(80, this.place.clientHeight) };
  }

  resize() {
    const { width, height } = this.size();
    if (width !== this.plot.width || height !== this.plot.height) this.plot.setSize({ width, height });
  }

  options() {
    return {
      ...this.size(),
      padding: [10, 8, 0, 0],
      legend: { show: false },
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), zoneName()),
      series: [{}, ...this.found.series.map((one) => this.serie(one))],
      axes: [this.timeAxis(), this.valueAxis()],
      scales: { x: { min: this.range[0] / 1000, max: this.range[1] / 1000, range: (u, low, high) => [low, high] }, y: { range: (u, low, high) => this.extent(low, high) } },
      cursor: { drag: { x: true, y: false, setScale: false, dist: LEAST_DRAG }, points: { size: 7 }, y: false },
      hooks: {
        setCursor: [(u) => this.showTip(u)],
        setSelect: [(u) => this.select(u)],
        drawAxes: [(u) => this.drawThresholds(u), (u) => this.drawMarks(u)],
        draw: [(u) => this.drawBefore(u)],
      },
    };
  }

  serie({ name, colour, config }) {
    const { fillOpacity = 0, lineWidth = 1, spanNulls = false, lineInterpolation } = config.custom ?? {};
    const line = resolved(colour);
    const shade = Math.round(((this.bars ? Math.max(fillOpacity, 80) : fillOpacity) / 100) * 255).toString(16).padStart(2, "0");
    const { bars, linear, spline, stepped } = uPlot.paths;
    const smooth = lineInterpolation === "smooth" ? spline() : lineInterpolation?.startsWith("step") ? stepped({ align: 1 }) : linear();
    return {
      label: name,
      show: !this.hidden.has(name),
      stroke: line,
      width: this.bars ? 0 : lineWidth,
      fill: this.bars && this.stacked ? line : line + shade,
      spanGaps: Boolean(spanNulls),
      paths: this.bars ? bars({ size: [0.82, 40], align: 1, gap: 1 }) : smooth,
      points: { show: this.bars ? false : undefined, size: 5 },
    };
  }

  extent(low, high) {
    const { min, max } = this.panel.fieldConfig?.defaults ?? {};
    const lines = this.lines().map(({ value }) => value);
    const top = Math.max(high ?? 0, ...lines, ...(this.found.before?.values ?? []));
    const [from, to] = uPlot.rangeNum(Math.min(low ?? 0, this.bars ? 0 : Infinity), top || 1, { min: { pad: 0.08, soft: 0, mode: 1 }, max: { pad: 0.08, soft: 0, mode: 1 } });
    return [min ?? from, max ?? (to > (min ?? from) ? to : (min ?? from) + 1)];
  }

  lines() {
    return thresholdLines(this.panel.fieldConfig?.defaults ?? {});
  }

  timeAxis() {
    const values = (u, splits, axis, space, step) => {
      let day = "";
      return splits.map((seconds) => {
        const ms = seconds * 1000;
        if (step >= 28 * DAY) return clock(ms, "month");
        if (step >= DAY) return clock(ms, "day");
        const before = day;
        day = clock(ms, "day");
        const time = clock(ms, step < 60 ? "seconds" : "time");
        return day === before || (!before && this.range[1] - this.range[0] <= DAY * 1000) ? time : `${time}\n${day}`;
      });
    };
    const size = (u, labels) => (labels?.some((label) => label.includes("\n")) ? 40 : 26);
    return { ...this.axis(), values, space: 70, size };
  }

  valueAxis() {
    const { unit, decimals } = this.panel.fieldConfig?.defaults ?? {};
    const values = (u, splits, axis, space, step) => {
      const scale = unit === "percentunit" ? step * 100 : step;
      const needed = Math.max(0, -Math.floor(Math.log10(scale) + 1e-9));
      const own = ["s", "ms", "bytes", "decbytes", "short"].includes(unit) ? undefined : Math.min(needed, 6);
      const config = { unit, decimals: own ?? (unit === "short" ? Math.min(needed, decimals ?? 6) : undefined) };
      return splits.map((value) => (value === null ? "" : text(value, config)));
    };
    const size = (u, labels) => 14 + 7 * Math.max(3, ...(labels ?? []).map((label) => label.length));
    return { ...this.axis(), values, size, space: 34, ...(STEPS[unit] ? { incrs: STEPS[unit] } : {}) };
  }

  axis() {
    const stroke = resolved("muted");
    return { stroke, font: `11px ${getComputedStyle(document.body).fontFamily}`, grid: { stroke: resolved("grid"), width: 1 }, ticks: { show: false }, gap: 6 };
  }

  drawThresholds(u) {
    for (const { value, colour } of this.lines()) {
      const y = Math.round(u.valToPos(value, "y", true));
      u.ctx.save();
      u.ctx.strokeStyle = resolved(colour);
      u.ctx.lineWidth = 1.5 * devicePixelRatio;
      u.ctx.setLineDash([6 * devicePixelRatio, 5 * devicePixelRatio]);
      u.ctx.beginPath();
      u.ctx.moveTo(u.bbox.left, y);
      u.ctx.lineTo(u.bbox.left + u.bbox.width, y);
      u.ctx.stroke();
      u.ctx.restore();
    }
  }

  // Lines at what happened, with as much of the text as fits; all of it is in the tooltip and for readers of the screen.
  drawMarks(u) {
    const { ctx, bbox } = u;
    ctx.save();
    Object.assign(ctx, { strokeStyle: resolved("muted"), fillStyle: resolved("muted"), lineWidth: devicePixelRatio, font: `${10 * devicePixelRatio}px sans-serif`, textBaseline: "top", textAlign: "left" });
    ctx.setLineDash([2 * devicePixelRatio, 3 * devicePixelRatio]);
    let free = -Infinity;
    for (const [seconds, text] of together(this.found.marks)) {
      const x = Math.round(u.valToPos(seconds, "x", true));
      if (x < bbox.left || x > bbox.left + bbox.width) continue;
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
      const room = bbox.left + bbox.width - x - 6 * devicePixelRatio;
      const width = ctx.measureText(text).width;
      if (x < free || width > room) continue;
      ctx.fillText(text, x + 3 * devicePixelRatio, bbox.top);
      free = x + width + 8 * devicePixelRatio;
    }
    ctx.restore();
  }

  // The period before, as a dashed line of its sums.
  drawBefore(u) {
    if (!this.found.before) return;
    const { times, values } = this.found.before;
    const { ctx, bbox } = u;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    Object.assign(ctx, { strokeStyle: resolved("text"), lineWidth: 1.5 * devicePixelRatio });
    ctx.setLineDash([5 * devicePixelRatio, 4 * devicePixelRatio]);
    ctx.beginPath();
    times.forEach((ms, row) => ctx[row ? "lineTo" : "moveTo"](u.valToPos(ms / 1000, "x", true), u.valToPos(values[row], "y", true)));
    ctx.stroke();
    ctx.restore();
  }

  select(u) {
    const { left, width } = u.select;
    if (width < LEAST_DRAG) return;
    const [from, to] = [u.posToVal(left, "x"), u.posToVal(left + width, "x")].map((at) => Math.round(at * 1000));
    u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    this.zoom(from, to);
  }

  figuresAt(index) {
    const seen = this.found.series.map((one) => ({ ...one, value: one.values[index] })).filter(({ name, value }) => !this.hidden.has(name) && value !== null && value !== undefined);
    return this.panel.options?.tooltip?.sort === "desc" ? seen.sort((a, b) => b.value - a.value) : seen;
  }

  showTip(u) {
    const { idx, left } = u.cursor;
    const seen = idx === null || idx === undefined || left < 0 ? [] : this.figuresAt(idx);
    this.tip.hidden = !seen.length;
    if (!seen.length) return;
    const rows = seen.map(({ name, value, colour, config }) => el("tr", {}, el("td", {}, el("span", { class: "marker", style: { background: `var(--${colour})` } }), name), el("td", {}, text(value, config))));
    const marks = this.marksAt(idx).map((text) => el("div", { class: "mark" }, text));
    this.tip.replaceChildren(el("div", { class: "when" }, this.when(this.found.times[idx])), ...marks, el("table", {}, ...rows));
    const over = u.over.getBoundingClientRect();
    const right = left > over.width / 2;
    Object.assign(this.tip.style, right ? { left: "auto", right: `${this.root.clientWidth - (u.over.offsetLeft + left) + 12}px` } : { right: "auto", left: `${u.over.offsetLeft + left + 12}px` });
  }

  marksAt(index) {
    const [start, end] = [this.found.times[index], this.found.times[index + 1] ?? this.range[1]];
    return this.found.marks.filter(([seconds]) => seconds * 1000 >= start && seconds * 1000 < end).map(([, text]) => text);
  }

  key(event) {
    const last = this.found.times.length - 1;
    const at = this.plot.cursor.idx ?? null;
    const moves = { ArrowLeft: at === null ? last : Math.max(0, at - 1), ArrowRight: at === null ? 0 : Math.min(last, at + 1), Home: 0, End: last, Escape: null };
    if (!(event.key in moves)) return;
    event.preventDefault();
    this.moveTo(moves[event.key]);
  }

  moveTo(index) {
    if (index === null || index < 0) return this.plot?.setCursor({ left: -10, top: -10 });
    const left = this.plot.valToPos(this.found.times[index] / 1000, "x");
    this.plot.setCursor({ left, top: 0 });
    const said = this.figuresAt(index).map(({ name, value, config }) => `${name} ${text(value, config)}`);
    this.spoken.textContent = `${this.when(this.found.times[index])}: ${[...this.marksAt(index), ...said].join("; ") || say("no figures")}`;
  }
}

// Marks of one moment as one: the first text, and how many more.
function together(marks) {
  const moments = new Map();
  for (const [seconds, text] of marks) moments.set(seconds, [...(moments.get(seconds) ?? []), text]);
  return [...moments].map(([seconds, [first, ...more]]) => [seconds, more.length ? `${first} (+${more.length})` : first]);
}

function told(marks) {
  return marks.length ? ` ${say("Marks")}: ${marks.map(([seconds, text]) => `${dateTime(seconds * 1000)} ${text}`).join("; ")}.` : "";
}

// What a reader of the screen hears of a chart: the newest figure of each series.
function summary(all, times) {
  if (!times.length) return say("no figures");
  const last = (values) => values.filter((value) => value !== null).at(-1) ?? null;
  return all.map(({ name, values, config }) => `${name} ${text(last(values), config)}`).join("; ");
}
