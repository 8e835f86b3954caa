// Panels: one per axis and task, all on the same compute axis. The template comes with the page; here it gets data.

/** Curves sorted into panels, in the order of the page. */
function panels(curves) {
  const sorted = new Map();
  for (const curve of curves) {
    const key = curve.axis + "/" + curve.task;
    if (!sorted.has(key)) sorted.set(key, []);
    sorted.get(key).push(curve);
  }
  return [...sorted.values()];
}

function levels(curves) {
  const first = new Map();
  for (const curve of curves) for (const rung of curve.rungs) {
    first.set(rung.level, Math.min(rung.rung, first.get(rung.level) ?? rung.rung));
  }
  return [...first.keys()].sort((a, b) => first.get(a) - first.get(b));
}

/** Where a rung stands on x, or null where it has no place there. */
function place(curve, rung, order) {
  if (state.x === "level") return order.indexOf(rung.level);
  return state.x === "K" ? budgetK(curve, rung) : attempt(rung);
}

/** Round ticks between two bounds of a log scale: 1-2-5 per decade, fewer where the span is wide. */
function logTicks(low, high) {
  const decades = Math.log10(high / low);
  const steps = decades > 5 ? [1] : decades > 3 ? [1, 3] : [1, 2, 5];
  if (decades < 0.8) steps.splice(0, 3, 1, 2, 3, 4, 5, 6, 7, 8, 9);
  const ticks = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power += 1) {
    for (const step of steps) ticks.push(step * 10 ** power);
  }
  return ticks.filter((tick) => tick >= low && tick <= high);
}

function powers(low, high) {
  const base = Math.log2(high / low) > 24 ? 16 : Math.log2(high / low) > 9 ? 4 : 2;
  const ticks = [];
  for (let power = -40; power <= 40; power += 1) ticks.push(base ** power);
  return ticks.filter((tick) => tick >= low && tick <= high);
}

/** Scale, bounds and ticks: shared by all panels, but for levels, which each panel has of its own. */
function axisOf(curves) {
  const order = levels(curves);
  if (state.x === "level") {
    return { order, scale: "linear", xlow: -0.4, xhigh: order.length - 0.6, xticks: order.map((_, i) => i), xlabels: order.map((level) => text(level)) };
  }
  const seen = curves.flatMap((curve) => curve.rungs.map((rung) => place(curve, rung, order))).filter((x) => x !== null);
  const [low, high] = [Math.min(...seen), Math.max(...seen)];
  const show = state.x === "K" ? (tick) => "K=" + compact(tick) : compact;
  if (low <= 0) {
    const ticks = [0, ...logTicks(1, Math.max(high, 10))];
    return { order, scale: "symlog", xlow: -0.3, xhigh: Math.max(high, 1) * 1.2, xticks: ticks, xlabels: ticks.map(show) };
  }
  const room = low === high ? 2 : 1.18;
  const ticks = state.x === "K" ? powers(low / room, high * room) : logTicks(low / room, high * room);
  return { order, scale: "log", xlow: low / room, xhigh: high * room, xticks: ticks, xlabels: ticks.map(show) };
}

function counted(finding, noun) {
  const number = cell(finding, noun + "s");
  return number + " " + noun + (String(number) === "1" ? "" : "s");
}

function tip(curve, rung, finding, band) {
  const [low, high] = [cell(finding, "low"), cell(finding, "high")];
  const K = budgetK(curve, rung);
  return [
    axisWords(curve.axis)[0] + " · " + text(curve.task) + " · " + text(curve.arm),
    axisWords(curve.axis)[1] + ": " + percent(cell(finding, "estimate")) + (low === null || high === null ? ", no interval" : ", interval " + percent(low) + " to " + percent(high)),
    ...(band === undefined || cell(band, "low") === null ? [] : ["band for all rungs at once: " + percent(cell(band, "low")) + " to " + percent(cell(band, "high"))]),
    "asked for: " + text(rung.level),
    "tokens per attempt: " + (attempt(rung) === null ? "unknown" : whole(attempt(rung))) + (K === null ? "" : "; " + DATA.k_name + " = " + compact(K)),
    "estimand: " + text(curve.estimand) + "; " + counted(finding, "question") + " × " + counted(finding, "draw"),
    rung.failed.length ? "gate failed: " + rung.failed.map(text).join(", ") : "no gate failed",
    "finding " + cell(finding, "id"),
  ].join("\n");
}

/** The planted truth of a simulated model at a rung, or null. */
const planted = (curve, rung) => DATA.planted[DATA.curves.indexOf(curve)]?.[rung.rung] ?? null;

function point(curve, rung, finding, x, series, ink, band) {
  return {
    planted: planted(curve, rung),
    x, series, colour: ink, estimand: text(curve.estimand), failed: rung.failed.length > 0, tip: tip(curve, rung, finding, band),
    estimate: cell(finding, "estimate"), low: cell(finding, "low"), high: cell(finding, "high"),
    band_low: cell(band, "low"), band_high: cell(band, "high"),
  };
}

/** Draws one of the report's templates. */
const draw = (element, chart, ...filled) => embed(element, CHARTS[chart], ...filled);

/** A chart with its caption. It is drawn when started: an element must be on the page to have a width. */
function figure(title, faint, notes, drawing) {
  const where = make("div", { class: "view" });
  const caption = make("figcaption", {}, title, " ", make("span", { class: "faint" }, faint));
  return { figure: make("figure", { class: "panel" }, caption, where, notes.length ? make("p", { class: "note" }, notes.join(" · ")) : null), start: () => drawing(where) };
}

/** Where the chosen K stands in a panel: on the K axis itself, on that of tokens at the rungs that are read. */
function marksOf(curves) {
  if (state.K === null || state.x === "level") return [];
  if (state.x === "K") return [{ x: state.K, colour: "var(--mark)" }];
  const read = curves.map((curve) => [curve, rungAt(curve).rung]).filter(([, rung]) => rung && attempt(rung) !== null);
  return read.map(([curve, rung]) => ({ x: attempt(rung), colour: read.length > 1 ? colour(curve) : "var(--mark)" }));
}

/** Thinking tokens above the K axis of a panel whose curves share one reference. */
function secondAxis(axis, curves) {
  const references = new Set(curves.map((curve) => curve.reference));
  const [reference] = references;
  if (state.x !== "K" || references.size > 1 || !(reference > 0) || axis.scale !== "log") return axis;
  const tokens = logTicks(axis.xlow * reference, axis.xhigh * reference);
  return { ...axis, kticks: tokens.map((count) => count / reference), klabels: tokens.map(compact) };
}

function panel(curves, axis) {
  const [points, corrected] = [[], []];
  let [unplaced, unknown] = [0, 0];
  for (const curve of curves) for (const rung of curve.rungs) {
    if (rung.mean === null) continue;
    const x = place(curve, rung, axis.order);
    if (cell(rung.mean, "estimate") === null) unknown += 1;
    else if (x === null) unplaced += 1;
    else points.push(point(curve, rung, rung.mean, x, String(DATA.curves.indexOf(curve)), colour(curve), rung.band ?? undefined));
    if (x === null || cell(rung.corrected, "estimate") === null) continue;
    const one = point(curve, rung, rung.corrected, x, "", colour(curve));
    corrected.push({ ...one, tip: "corrected by human labels\n" + one.tip });
  }
  const [name, , meaning] = axisWords(curves[0].axis);
  const notes = curves.flatMap((curve) => curve.about.map((finding) => [
    state.arms.length > 1 ? text(curve.arm) + ": " : "", cell(finding, "metric"), ": ", cell(finding, "label") || cell(finding, "reason")].join("")));
  if (unplaced) notes.push(unplaced + (state.x === "K" ? " not placed: a direct answer, or thinking that is not counted" : " not placed: no token count; choose “level asked for”"));
  if (unknown) notes.push(unknown + " without an estimate: see the table of numbers");
  const spoken = name + ", " + text(curves[0].task) + ": " + points.length + " points. The values stand in the table of numbers.";
  const missing = lanesMissing(curves);
  if (missing) notes.push(missing);
  const placed = secondAxis(axis, curves);
  const start = (where) => {
    const { rows, floor } = lanes(curves, placed, where.clientWidth - 45);
    return draw(where, axis.scale, { ...placed, floor }, { points, corrected, marks: marksOf(curves), thresholds: rows }, spoken);
  };
  return {
    ...figure(make("span", {}, make("b", {}, name), " " + text(curves[0].task)), meaning, notes, start),
    curves,
  };
}

let drawn = [];

async function drawCurves() {
  const curves = shownCurves().filter((curve) => curve.rungs.some((rung) => rung.mean !== null));
  const shared = axisOf(curves);
  drawn = panels(curves).map((group) => panel(group, state.x === "level" ? axisOf(group) : shared));
  byId("panels").replaceChildren(...drawn.map((one) => one.figure));
  byId("xcaption").textContent = {
    tokens: "Tokens one attempt decodes, thinking and answer, as realised; log scale.",
    K: DATA.k_name + ": the thinking of a rung, requested where there is a budget, divided by the one reference of this report; log scale. Above each panel: its tokens.",
    level: "The level asked for, in order; distances mean nothing.",
  }[state.x];
  byId("legend").replaceChildren(...legend(curves));
  await Promise.all(drawn.map(async (one) => { one.view = await one.start(); }));
}

const legendItem = (kind, said) => make("li", {}, make("span", { class: "key " + kind, "aria-hidden": "true" }), said);

/** The levels of the intervals of some findings, as "95% ". */
const levelWords = (findings) => [...new Set(findings.map((finding) => cell(finding, "confidence")))]
  .filter((level) => level !== null).map((level) => +(100 * level).toFixed(2) + "% ").join("and ");

function legend(curves) {
  const rungs = curves.flatMap((curve) => curve.rungs);
  const ranged = (name) => rungs.map((rung) => rung[name]).filter((finding) => cell(finding, "low") !== null);
  const [means, bands, corrected] = [ranged("mean"), ranged("band"), ranged("corrected")];
  const items = [];
  if (bands.length) items.push(legendItem("band", "area: " + levelWords(bands) + "band, holds at all rungs of its curve at once"));
  if (means.length) items.push(legendItem("whisker", "line at a point: " + levelWords(means) + (means.some((finding) => !cell(finding, "simultaneous")) ? "pointwise" : "simultaneous") + " interval"));
  if (corrected.length) items.push(legendItem("diamond", "corrected by human labels, beside the judge's value; " + levelWords(corrected) + "pointwise interval"));
  if (rungs.some((rung) => rung.failed.length)) items.push(legendItem("spoilt", "a gate failed at this rung"));
  for (const estimand of new Set(curves.map((curve) => text(curve.estimand)))) {
    items.push(legendItem("e-" + (estimand in DATA.words.estimands ? estimand : "other"), estimand + ": " + (DATA.words.estimands[estimand] || "")));
  }
  if (curves.some((curve) => curve.rungs.some((rung) => planted(curve, rung) !== null))) items.push(legendItem("planted", "planted truth of the simulated model: expected, not measured"));
  if (state.K !== null && state.x !== "level") items.push(legendItem("mark", "the chosen " + DATA.k_name));
  items.push(...lanesLegend(curves));
  return items;
}

function moveMarks() {
  for (const one of drawn) if (one.view) one.view.data("marks", marksOf(one.curves)).runAsync();
}
