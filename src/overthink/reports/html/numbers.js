// Tables: gates, tokens, and every number, a page at a time.
const PAGE = 50;
const listing = { page: 0, sort: null, down: false };

function drawGates() {
  const names = Object.keys(DATA.words.gates);
  const rungs = shownCurves().flatMap((curve) => curve.rungs.filter((rung) => Object.keys(rung.gates).length).map((rung) => [curve, rung]));
  const used = [...names, ...new Set(rungs.flatMap(([, rung]) => Object.keys(rung.gates)))].filter((name, place, all) =>
    all.indexOf(name) === place && rungs.some(([, rung]) => name in rung.gates));
  const verdict = (rung, name) => {
    const finding = rung.gates[name];
    if (finding === undefined) return make("span", { class: "faint" }, "–");
    const [label, value] = [cell(finding, "label") || "unknown", cell(finding, "estimate")];
    const shown = value === null ? "" : name === "manipulation" ? String(+value.toPrecision(3)) : percent(value);
    return make("span", { class: label === "failed" ? "bad" : "", title: cell(finding, "reason") || DATA.words.gates[name] || name },
      (label === "failed" ? "✗ " : label === "passed" ? "✓ " : "") + label, shown ? make("small", {}, number(finding, shown)) : null);
  };
  byId("gatetable").replaceChildren(rungs.length
    ? table("Gates per rung, for the arms shown", ["Curve", "Asked for", ...used.map((name) => name.replace("_", " "))],
      rungs.map(([curve, rung]) => [curveName(curve), toSamples(Object.values(rung.gates)[0], text(rung.level)), ...used.map((name) => verdict(rung, name))]))
    : make("p", {}, "No gate was recorded for the arms shown."));
  byId("gatewords").replaceChildren(...used.filter((name) => name in DATA.words.gates).map((name) =>
    make("li", {}, make("b", {}, name.replace("_", " ")), ": " + DATA.words.gates[name])));
}

function tokenCell(finding) {
  if (finding === undefined) return make("span", { class: "faint" }, "–");
  const value = cell(finding, "estimate");
  return number(finding, value === null ? "unknown" : whole(value));
}

function drawTokens() {
  const curves = shownCurves();
  const traces = curves.flatMap((curve) => curve.rungs.filter((rung) => Object.keys(rung.tokens).length).map((rung) => [
    curveName(curve), text(rung.level), ...["thinking_tokens", "answer_tokens", "attempt_tokens"].map((name) => tokenCell(rung.tokens[name]))]));
  const metrics = [...new Set(DATA.curves.flatMap((curve) => Object.keys(curve.spent)))];
  const spent = DATA.curves.filter((curve) => Object.keys(curve.spent).length && (state.arms.includes(curve.arm) || !curve.rungs.length));
  byId("tokentables").replaceChildren(
    spent.length ? table("Spent in all, by what it was spent on", ["Curve", ...metrics.map((name) => name.replace("spent_", ""))],
      spent.map((curve) => [curveName(curve), ...metrics.map((name) => tokenCell(curve.spent[name]))])) : make("p", {}, "No sum of tokens was recorded."),
    traces.length ? table("Per trace, mean over draws", ["Curve", "Asked for", "thinking", "answer", "attempt (both)"], traces)
      : make("p", {}, "No token count was recorded at any rung."));
}

const SHOWN_COLUMNS = [
  ["id", "finding"], ["kind", "kind"], ["metric", "metric"], ["axis", "axis"], ["task", "task"], ["arm", "arm"], ["level", "asked for"],
  ["k", "k"], ["estimate", "estimate"], ["low", "low"], ["high", "high"], ["estimand", "estimand"], ["selector", "selector"],
  ["rung", "rung"], ["from_rung", "from rung"], ["confidence", "level"], ["simultaneous", "band"], ["questions", "questions"], ["draws", "draws"],
  ["test", "test"], ["p", "p"], ["p_adjusted", "adjusted p"], ["detects", "detects"], ["label", "label"], ["reason", "reason"], ["gates_failed", "gates failed"], ["limits", "limits"], ["claim", "claim"], ["questions_needed", "questions needed"],
];

function shownCell(finding, column) {
  const value = cell(finding, column);
  if (value === null) return "";
  if (column === "simultaneous") return cell(finding, "low") === null ? "" : value ? "simultaneous" : "pointwise";
  if (Array.isArray(value)) return value.join("; ");
  if (typeof value === "number" && !Number.isInteger(value) || column === "estimate" || column === "low" || column === "high") return Math.abs(value) >= 100 ? (+value.toFixed(1)).toLocaleString("en") : String(+value.toPrecision(4));
  return String(value);
}

const haystacks = [];
function haystack(finding) {
  haystacks[finding] ??= [...TEXT_COLUMNS].map((column) => cell(finding, column) ?? "").join(" ").toLowerCase();
  return haystacks[finding];
}

/** Findings that the filter keeps, in the chosen order. An exact id is itself only. */
function kept() {
  const wanted = state.find.trim();
  const all = DATA.rows.map((_, finding) => finding);
  const exact = all.filter((finding) => cell(finding, "id") === wanted);
  const words = wanted.toLowerCase().split(/\s+/);
  const found = exact.length ? exact : wanted ? all.filter((finding) => words.every((word) => haystack(finding).includes(word))) : all;
  if (listing.sort === null) return found;
  const key = new Map(found.map((finding) => [finding, cell(finding, listing.sort)]));
  const side = listing.down ? -1 : 1;
  const empty = (value) => value === null || value === "";
  return found.sort((a, b) => {
    const [left, right] = [key.get(a), key.get(b)];
    if (empty(left) || empty(right)) return empty(left) - empty(right);
    return side * (typeof left === "number" ? left - right : String(left).localeCompare(String(right)));
  });
}

function sortButton([column, name]) {
  const chosen = listing.sort === column;
  return make("th", { scope: "col", "aria-sort": chosen ? (listing.down ? "descending" : "ascending") : "none" },
    make("button", { type: "button", onclick: () => {
      listing.down = chosen && !listing.down;
      listing.sort = column;
      listing.page = 0;
      drawNumbers();
    } }, name, chosen ? (listing.down ? " ▼" : " ▲") : ""));
}

/** Attributes of a cell: its whole text as a title, as the column may be too narrow for it. */
function numberCell(column, place, finding) {
  const shape = { title: shownCell(finding, column) };
  return place ? { ...shape, class: column === "limits" || column === "reason" ? "long" : "" } : { ...shape, scope: "row" };
}

function drawNumbers() {
  const found = kept();
  const pages = Math.max(1, Math.ceil(found.length / PAGE));
  listing.page = Math.max(0, Math.min(listing.page, pages - 1));
  const rows = found.slice(listing.page * PAGE, (listing.page + 1) * PAGE);
  const used = SHOWN_COLUMNS.filter(([column]) => column === "id" || found.some((finding) => shownCell(finding, column) !== ""));
  byId("numbertable").replaceChildren(make("table", {},
    make("thead", {}, make("tr", {}, used.map(sortButton))),
    make("tbody", {}, rows.map((finding) => make("tr", {}, used.map(([column], place) =>
      make(place ? "td" : "th", numberCell(column, place, finding), column === "level" ? toSamples(finding, shownCell(finding, column)) : shownCell(finding, column))))))));
  byId("numbercount").textContent = found.length.toLocaleString("en") + " of " + DATA.rows.length.toLocaleString("en") + " findings; page " + (listing.page + 1) + " of " + pages;
  byId("find").value = state.find;
}

function turn(pages) {
  listing.page += pages;
  drawNumbers();
}
