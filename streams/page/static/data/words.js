// The page's own words, in the language of the reader: English, and Norwegian (bokmål) where the browser asks for it.

const NB = {
  "Time": "Tid", "Refresh": "Oppdater", "Refresh now": "Oppdater nå", "Off": "Av", "All": "Alle", "None": "Ingen", "Show": "Vis", "Back": "Tilbake",
  "Choose ...": "Velg ...", "From": "Fra og med", "Until the end of": "Til og med", "to": "til", "chosen": "valgt",
  "Last 5 minutes": "Siste 5 minutter", "Last 15 minutes": "Siste 15 minutter", "Last hour": "Siste time", "Last 6 hours": "Siste 6 timer",
  "Last 24 hours": "Siste døgn", "Today": "I dag", "Last 2 days": "Siste 2 dager", "Last 7 days": "Siste 7 dager", "Last 2 weeks": "Siste 2 uker",
  "Last 30 days": "Siste 30 dager", "Last 5 weeks": "Siste 5 uker", "Last 90 days": "Siste 90 dager", "Last year": "Siste år",
  "Theme: as the system": "Fargetema: som systemet", "Theme: light": "Fargetema: lyst", "Theme: dark": "Fargetema: mørkt",
  "The last day must not be before the first": "Siste dag kan ikke være før den første",
  "Compare with the period before": "Sammenlign med perioden før", "Against the period before": "Mot perioden før",
  "Show as a table": "Vis som tabell", "show as a table": "vis som tabell", "Save the figures as CSV": "Lagre tallene som CSV",
  "save the figures as CSV": "lagre tallene som CSV", "What this shows": "Hva dette viser", "About": "Om", "Show or hide": "Vis eller skjul", "Series": "Serier", "At 0": "På 0", "points": "poeng",
  "Nothing in this time": "Ingenting i denne tiden", "this worker": "denne prosessen", "no figures": "ingen tall", "Marks": "Merker", "scrolls": "kan rulles",
  "Arrow keys read the figures.": "Piltastene leser tallene.", "Figures of": "Tall fra", "are shown": "vises",
  "maalstrom takes long to answer; trying again.": "maalstrom bruker lang tid på å svare; prøver igjen.",
  "maalstrom does not answer; is it running?": "maalstrom svarer ikke; går den?",
  "The database does not answer; the figures come back by themselves when it does. For whoever runs it":
    "Databasen svarer ikke; tallene kommer tilbake av seg selv når den gjør det. For den som drifter den",
  "ClickHouse has no tables yet: a worker makes them when it starts, `maalstrom migrate` makes them now":
    "Databasen har ingen tabeller ennå: en worker lager dem når den starter, `maalstrom migrate` lager dem nå",
  "this took longer than 10 s; choose a shorter time range": "dette tok mer enn 10 s; velg en kortere periode",
  "this has more than 50000 rows; choose a shorter time range or fewer values": "dette har mer enn 50000 rader; velg en kortere periode eller færre verdier",
  "this needs more memory than a panel may use; choose a shorter time range": "dette trenger mer minne enn det får bruke; velg en kortere periode",
  "no worker is watched here: this page shows a database alone": "ingen tjeneste overvåkes her: denne siden viser bare en database",
  "alerts are kept by Prometheus, and Grafana shows them": "varslene ligger i Prometheus, og Grafana viser dem",
  "There is no dashboard; grafana/dashboards is empty.": "Det finnes ingen tavler; grafana/dashboards er tom.",
  "has no": "har ikke", "(any more)": "(lenger)",
  "There are no events yet: send them to the topics events, engagement and checkout, or run maalstrom replay; docs/ says how":
    "Det er ingen hendelser ennå: send dem til emnene events, engagement og checkout, eller kjør maalstrom replay; docs/ sier hvordan",
  "To the figures": "Til tallene", "Log out": "Logg ut", "Dashboards": "Tavler", "When": "Når", "What is shown": "Hva som vises", "Figures": "Tall", "Explanations": "Forklaringer",
  "Name": "Navn", "Value": "Verdi", "h": "t", "good": "bra", "take note": "merk", "bad": "dårlig", "billion": "milliarder", "million": "millioner",
};

// A dashboard in Norwegian is Norwegian as a whole, whatever the browser asks for.
function chosen() {
  const shown = /^\/d\/[^/]+-nb$/.test(location.pathname) ? "nb" : null;
  const asked = new URLSearchParams(location.search).get("lang") ?? shown ?? localStorage.lang ?? navigator.language ?? "en";
  return /^(nb|nn|no)\b/.test(asked) ? "nb" : "en";
}

export const lang = chosen();
export const LOCALES = { en: { clock: "en-GB", relative: "en", date: "sv-SE", point: "." }, nb: { clock: "nb-NO", relative: "nb", date: "nb-NO", point: "," } }[lang];

// The text in the reader's language; one without a translation stays as it is.
export function say(text) {
  return lang === "nb" ? (NB[text] ?? text) : text;
}

// Everything that is to be translated, for the test that holds the table to the scripts.
export const KNOWN = Object.keys(NB);

export function choose(other) {
  localStorage.lang = other;
  const query = new URLSearchParams(location.search);
  query.delete("lang");
  location.assign(`${location.pathname}${query.size ? `?${query}` : ""}`);
}

// What stands in the file that was loaded before the language was known.
export function translateDocument() {
  document.documentElement.lang = lang;
  document.querySelectorAll("[aria-label]").forEach((element) => element.setAttribute("aria-label", say(element.getAttribute("aria-label"))));
  document.querySelectorAll(".skip, #viewer button").forEach((element) => (element.textContent = say(element.textContent)));
}
