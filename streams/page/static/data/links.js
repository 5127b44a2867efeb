// Links of fields, as Grafana writes them, within this page: the address of another dashboard with a value chosen.

const NOBODY = /^(Not attributed|Suppressed|Channel not known|No campaign|withheld|Ikke tilskrevet|Holdt tilbake|Ukjent kanal|Ingen kampanje)/;

// `row` is the value of each column by its name; null where there is nothing to follow.
export function address(link, value, row) {
  if (!link || NOBODY.test(String(value)) || !String(value)) return null;
  const kept = new URLSearchParams(location.search);
  const own = link.url
    .replace(/\$\{__value\.(?:raw|text)(?::\w+)?\}/g, () => encodeURIComponent(value))
    .replace(/\$\{__data\.fields\.(\w+)(?::\w+)?\}/g, (all, name) => encodeURIComponent(row[name] ?? ""))
    .replace(/\$\{__url_time_range\}/g, () => params(kept, ["from", "to", "compare"]))
    .replace(/\$\{(\w+):queryparam\}/g, (all, name) => params(kept, [`var-${name}`]))
    .replace(/&+(?=&|$)/g, "");
  return /^\/d\/[\w-]+(\?|$)/.test(own) ? own : null;
}

function params(kept, names) {
  const found = new URLSearchParams();
  for (const name of names) kept.getAll(name).forEach((value) => found.append(name, value));
  return String(found);
}
