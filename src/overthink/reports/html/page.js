// Data, words and small builders shared by the other parts. Text reaches the page by textContent only.
const [DATA, CHARTS] = [given("data"), given("charts")];
const COLUMN = Object.fromEntries(DATA.columns.map((name, place) => [name, place]));
const TEXT_COLUMNS = new Set([
  "id", "kind", "metric", "axis", "task", "arm", "estimand", "level", "selector", "test", "label", "reason",
]);
const LIST_COLUMNS = new Set(["gates_failed", "limits"]);
const text = (index) => (index === null || index === undefined ? "" : DATA.strings[index]);

/** One cell of a finding: text resolved, null where unknown. */
function cell(finding, column) {
  if (finding === null || finding === undefined) return null;
  const value = DATA.rows[finding][COLUMN[column]];
  if (TEXT_COLUMNS.has(column)) return text(value);
  return LIST_COLUMNS.has(column) ? value.map(text) : value;
}

const byId = (id) => document.getElementById(id);

/** An element with attributes and children; a string child becomes text, null is left out. */
function make(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "checked" || name === "disabled" || name === "hidden" || name === "value") element[name] = value;
    else if (value !== null) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

const percent = (value) => (100 * value).toFixed(1) + "%";
const compact = (value) => {
  if (value >= 1e6) return +(value / 1e6).toPrecision(3) + "M";
  return value >= 1000 ? +(value / 1000).toPrecision(3) + "k" : String(+value.toPrecision(3));
};
const whole = (value) => (value >= 10 ? Math.round(value).toLocaleString("en") : String(+value.toPrecision(2)));
/** Three significant digits, never rounded down: a K shown is a K that reaches its rung. */
const upTo3 = (value) => {
  const unit = 10 ** (Math.floor(Math.log10(value)) - 2);
  return +(Math.ceil(value / unit - 1e-6) * unit).toPrecision(3);
};

/** A number that leads to its finding in the table of numbers. */
function number(finding, shown) {
  const id = cell(finding, "id");
  return make("a", { class: "n", href: "#find=" + encodeURIComponent(id), "data-finding": id, title: "finding " + id }, shown);
}

/** What leads to the samples behind the rung of a finding; the text alone where no log of theirs is known. */
function toSamples(finding, shown) {
  const [id, kind, rung] = ["id", "kind", "rung"].map((column) => cell(finding, column));
  const place = id === null ? undefined : (DATA.samples[id.split("/" + kind + "/")[0]] || {})[rung];
  return place === undefined ? shown : make("a", { href: "#samples-" + place, "data-samples": String(place), title: "samples and transcripts" }, shown);
}

/** An estimate with its interval, or why there is none. */
function estimate(finding) {
  if (finding === null || finding === undefined) return make("span", { class: "faint" }, "–");
  const value = cell(finding, "estimate");
  if (value === null) return make("span", { class: "faint", title: cell(finding, "reason") }, number(finding, "unknown"));
  const [low, high] = [cell(finding, "low"), cell(finding, "high")];
  const span = low === null || high === null ? "no interval" : (100 * low).toFixed(1) + "–" + percent(high);
  return make("span", {}, number(finding, percent(value)), " ", make("small", {}, span));
}

const signed = (value) => (value < 0 ? "−" : "+") + Math.abs(100 * value).toFixed(1);

/** A difference in points with its interval, or why there is none. */
function change(finding) {
  const value = cell(finding, "estimate");
  if (value === null) return estimate(finding);
  const [low, high] = [cell(finding, "low"), cell(finding, "high")];
  const span = low === null || high === null ? "no interval" : signed(low) + " to " + signed(high);
  return make("span", {}, number(finding, signed(value)), " ", make("small", {}, span));
}

function table(caption, head, rows) {
  return make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    make("table", {}, make("caption", {}, caption),
      make("thead", {}, make("tr", {}, head.map((name) => make("th", { scope: "col" }, name)))),
      make("tbody", {}, rows.map((cells) => make("tr", {}, cells.map((inner, place) =>
        make(place ? "td" : "th", place ? {} : { scope: "row" }, inner)))))));
}

/** Shows or hides a section, and the link to it. */
function showSection(id, shown) {
  byId(id).hidden = !shown;
  const link = document.querySelector("nav a[href='#" + id + "']");
  if (link) link.hidden = !shown;
}

const unfolded = new Set();
const folds = new Map();
addEventListener("beforeprint", () => folds.forEach((fill) => fill()));  // on paper nothing can be opened

/** A fold whose content is built when it is first opened; it stays open when the page is drawn again. */
function fold(name, title, build, open) {
  const box = make("details", {}, make("summary", {}, title));
  let built = false;
  const fill = () => {
    if (built) return;
    built = true;
    box.append(...[build()].flat());
  };
  folds.set(name, fill);
  box.addEventListener("toggle", () => {
    unfolded[box.open ? "add" : "delete"](name);
    if (box.open) fill();
  });
  if (open || unfolded.has(name)) {
    box.open = true;
    fill();
  }
  return box;
}

const axisWords = (axis) => DATA.words.axes[text(axis)] || [text(axis), "value", "value in [0, 1]"];
const axisOrder = Object.keys(DATA.words.axes);

// What the reader chose. Kept in the address, so that a view can be shared.
const state = { arms: DATA.shown_arms.slice(), K: null, k: null, rung: null, x: null, find: "" };

const shownCurves = () => DATA.curves.filter((curve) => state.arms.includes(curve.arm) && curve.rungs.length);
const attempt = (rung) => cell(rung.tokens.attempt_tokens, "estimate");
/** K of a rung; null without a reference, without a count, and for a direct answer, which is no multiple of thinking. */
const budgetK = (curve, rung) => (curve.reference > 0 && rung.thinking > 0 ? rung.thinking / curve.reference : null);

/** A curve's colour: by arm where several are shown, else by axis. */
function colour(curve) {
  const slot = state.arms.length > 1 ? state.arms.indexOf(curve.arm) : Math.max(0, axisOrder.indexOf(text(curve.axis)));
  return "var(--s" + slot + ")";
}
const swatch = (curve) => make("span", { class: "swatch c" + colour(curve).replace(/\D/g, ""), "aria-hidden": "true" });

function writeAddress() {
  const parts = new URLSearchParams();
  for (const name of ["K", "k", "rung", "x", "find"]) if (state[name] !== null && state[name] !== "") parts.set(name, state[name]);
  if (String(state.arms) !== String(DATA.shown_arms)) parts.set("arms", state.arms.map((arm) => DATA.arms.indexOf(arm)).join("."));
  history.replaceState(null, "", "#" + parts);
}

function readAddress() {
  const parts = new URLSearchParams(location.hash.slice(1));
  const positive = (name) => (Number(parts.get(name)) > 0 ? Number(parts.get(name)) : state[name]);
  state.K = positive("K");
  state.k = positive("k");
  if (/^\d+$/.test(parts.get("rung") || "")) state.rung = Number(parts.get("rung"));
  if (["tokens", "K", "level"].includes(parts.get("x"))) state.x = parts.get("x");
  const arms = (parts.get("arms") || "").split(".").filter((place) => place in DATA.arms).map((place) => DATA.arms[place]);
  if (arms.length) state.arms = [...new Set(arms)].slice(0, DATA.most_arms);
  state.find = parts.get("find") || "";
}
