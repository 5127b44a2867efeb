// Results as fields: a name, a kind, values, and the configuration that the dashboard gives them.

const TIME = /^(Nullable\()?(DateTime|Date)/;
const NUMBER = /^(Nullable\(|LowCardinality\()*(U?Int|Float|Decimal|BFloat)/;

export function fields(panel, { ref, frame }) {
  return frame.meta.map(({ name, type }) => {
    const kind = TIME.test(type) ? "time" : NUMBER.test(type) ? "number" : "string";
    const raw = frame.data[name] ?? [];
    const values = kind === "time" ? raw.map(moment) : raw;
    return { name, kind, ref, values, config: configured(panel, { name, kind, ref }) };
  });
}

// Seconds since 1970, or a date as text; null stays.
function moment(value) {
  if (value === null) return null;
  return /^\d{4}-\d\d-\d\d$/.test(value) ? Date.parse(value) : Number(value) * 1000;
}

function configured(panel, field) {
  const { defaults = {}, overrides = [] } = panel.fieldConfig ?? {};
  const config = structuredClone(defaults);
  for (const { matcher, properties } of overrides) {
    if (matches(matcher, field)) for (const { id, value } of properties) set(config, id.split("."), value);
  }
  return config;
}

function matches({ id, options }, { name, kind, ref }) {
  if (id === "byName") return name === options;
  if (id === "byType") return kind === options;
  if (id === "byFrameRefID") return ref === options;
  if (id === "byRegexp") return new RegExp(options.replace(/^\/(.*)\/$/, "$1")).test(name);
  return false;
}

function set(config, path, value) {
  const [first, ...rest] = path;
  if (rest.length) set((config[first] ??= {}), rest, value);
  else config[first] = value;
}

export function title(field) {
  return field.config.displayName || field.name;
}

// Long rows (time, labels, values) as series over one axis of times; each is {name, values, config}.
export function series(panel, answers) {
  const found = answers.flatMap((answer) => split(panel, fields(panel, answer)));
  const times = [...new Set(found.flatMap((one) => one.times))].sort((a, b) => a - b);
  const place = new Map(times.map((time, index) => [time, index]));
  const drawn = found.map(({ name, times: own, values, config }) => {
    const aligned = new Array(times.length).fill(null);
    own.forEach((time, index) => (aligned[place.get(time)] = values[index]));
    return { name, values: aligned, config };
  });
  return { times, series: drawn.filter(({ config }) => !config.custom?.hideFrom?.viz) };
}

function split(panel, all) {
  const time = all.find(({ kind }) => kind === "time");
  const numbers = all.filter(({ kind }) => kind === "number");
  const labels = all.filter(({ kind }) => kind === "string");
  if (!time) return [];
  return numbers.flatMap((number) => {
    const groups = new Map();
    time.values.forEach((at, row) => {
      const label = labels.map(({ values }) => values[row]).join(", ");
      if (!groups.has(label)) groups.set(label, { label, times: [], values: [] });
      groups.get(label).times.push(at);
      groups.get(label).values.push(number.values[row]);
    });
    return [...groups.values()].map(({ label, times, values }) => {
      const name = !label ? number.name : numbers.length > 1 ? `${number.name} ${label}` : label;
      const config = label ? configured(panel, { name, kind: "number", ref: number.ref }) : number.config;
      return { name: config.displayName || name, times, values, config: { ...number.config, ...config } };
    });
  });
}

const REDUCERS = {
  lastNotNull: (values) => values.at(-1),
  last: (values) => values.at(-1),
  firstNotNull: (values) => values[0],
  first: (values) => values[0],
  sum: (values) => values.reduce((a, b) => a + b, 0),
  mean: (values) => values.reduce((a, b) => a + b, 0) / values.length,
  min: (values) => Math.min(...values),
  max: (values) => Math.max(...values),
  count: (values) => values.length,
};

// What a stat or a bar gauge shows: [{name, value, config}], one for each row or one for each number.
export function figures(panel, answers) {
  const { values: every = false, calcs = ["lastNotNull"] } = panel.options?.reduceOptions ?? {};
  const all = answers.map((answer) => fields(panel, answer));
  if (every) return all.flatMap(rows);
  const reduce = REDUCERS[calcs[0]] ?? REDUCERS.lastNotNull;
  return all.flatMap((own) => own.filter(shown(panel, own)).map((field) => {
    const there = field.values.filter((value) => value !== null);
    return { name: title(field), value: there.length ? reduce(there) : null, config: field.config };
  }));
}

// Numbers; without any, the first text.
function shown(panel, own) {
  const wanted = panel.options?.reduceOptions?.fields;
  if (wanted) return ({ name }) => new RegExp(wanted.replace(/^\/(.*)\/$/, "$1")).test(name);
  return own.some(({ kind }) => kind === "number") ? ({ kind }) => kind === "number" : (field) => field === own.find(({ kind }) => kind !== "time");
}

function rows(own) {
  const label = own.find(({ kind }) => kind === "string");
  const numbers = own.filter(({ kind }) => kind === "number");
  return (own[0]?.values ?? []).flatMap((_, row) =>
    numbers.map((number) => {
      const name = label ? label.values[row] : title(number);
      return { name: numbers.length > 1 && label ? `${name} ${title(number)}` : name, label: name, value: number.values[row], config: number.config };
    }),
  );
}

// Whether there is nothing, or nothing but times.
export function isEmpty(answers) {
  return answers.every(({ frame }) => frame.meta.every(({ name, type }) => TIME.test(type) || !frame.data[name]?.length));
}
