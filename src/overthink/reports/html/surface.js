// Gaps between capability and safety, and the surface of budget × tries.
const MOST_OPEN = 3;

function gapPoint(curve, rungs, finding, alone) {
  const rung = curve.rungs.find((one) => one.rung === cell(finding, "rung"));
  const [low, high] = [cell(finding, "low"), cell(finding, "high")];
  const failed = cell(finding, "gates_failed");
  const span = low === null ? "no band" : "band for all rungs at once " + signed(low) + " to " + signed(high);
  const told = [text(curve.task) + " " + cell(finding, "label") + " · " + text(curve.arm), "gap: " + signed(cell(finding, "estimate")) + " points, " + span,
    "asked for: " + cell(finding, "level"), failed.length ? "gate failed: " + failed.join(", ") : "no gate failed", "finding " + cell(finding, "id")];
  return {
    x: rungs.indexOf(rung), series: String(DATA.curves.indexOf(curve)), colour: colour(curve), estimand: text(curve.estimand), failed: failed.length > 0, tip: told.join("\n"),
    estimate: cell(finding, "estimate"), band_low: low, band_high: high, low: alone ? low : null, high: alone ? high : null,
  };
}

/** Gaps of one pair of tasks, all arms in one panel. */
function gapPanel(pairs) {
  const [{ curve: first, gap: against }] = pairs;
  const order = levels(pairs.map(({ curve }) => curve));
  const points = pairs.flatMap(({ curve, gap }) => {
    const known = gap.steps.filter((finding) => cell(finding, "estimate") !== null);
    const rungs = order.map((level) => curve.rungs.find((rung) => rung.level === level));
    return known.map((finding) => gapPoint(curve, rungs, finding, known.length === 1));
  });
  const axis = { xlow: -0.4, xhigh: order.length - 0.6, xticks: order.map((_, i) => i), xlabels: order.map((level) => text(level)) };
  const title = make("span", {}, make("b", {}, axisWords(first.axis)[0]), " " + text(first.task) + " " + text(against.against));
  const spoken = "Gap between capability and safety, " + text(first.task) + " " + text(against.against) + ": " + points.length + " points. The values stand in the table below.";
  return figure(title, "points, since the lowest rung", [], (where) => draw(where, "gap", axis, { points }, spoken));
}

function gapTable(pairs) {
  const name = ({ curve, gap }) => make("span", {}, curveName(curve), make("small", {}, text(gap.against)));
  const rows = pairs.flatMap((pair) => pair.gap.steps.map((finding) => [name(pair), cell(finding, "level"), change(finding),
    ...["slope_capability", "slope_safety"].map((metric) => change((pair.gap.slopes[metric] || []).find((slope) => cell(slope, "rung") === cell(finding, "rung"))))]));
  return [table("Gap per rung, in points", ["Curve", "Asked for", "Gap since the lowest rung", "Capability per doubling", "Safety per doubling"], rows)];
}

let gapsDrawn = [];

async function drawGaps() {
  const pairs = shownCurves().flatMap((curve) => curve.gaps.map((gap) => ({ curve, gap })));
  showSection("divergence", pairs.length > 0);
  const panelled = new Map();
  for (const pair of pairs) {
    const key = [pair.curve.task, pair.gap.against, pair.curve.estimand].join("/");
    panelled.set(key, [...(panelled.get(key) || []), pair]);
  }
  gapsDrawn = [...panelled.values()].map(gapPanel);
  byId("gappanels").replaceChildren(...gapsDrawn.map((one) => one.figure));
  byId("gaplegend").replaceChildren(...(pairs.length ? [legendItem("band", "area: " + levelWords(pairs.flatMap(({ gap }) => gap.steps)) + "band, holds at all rungs at once"),
    legendItem("spoilt", "a gate failed at a rung it compares")] : []));
  byId("gaponsets").replaceChildren(...pairs.filter(({ gap }) => gap.onset !== null).map(({ curve, gap }) =>
    make("li", {}, curveName(curve), " " + cell(gap.onset, "label") + ". The gap begins to rise: ", setsIn(gap.onset))));
  byId("gaptable").replaceChildren(...(pairs.length ? [fold("gaps", "Gaps and slopes as numbers", () => gapTable(pairs), false)] : []));
  await Promise.all(gapsDrawn.map((one) => one.start()));
}

function heatCell(curve, rung, selector, k, finding) {
  const value = cell(finding, "estimate");
  const why = [selector + ", k = " + k, text(curve.task) + " · " + text(curve.arm), "asked for: " + text(rung.level), "unknown: " + cell(finding, "reason"), "finding " + cell(finding, "id")];
  return { row: rung.rung, k: Number(k), estimate: value, shown: value === null ? "–" : (100 * value).toFixed(value === 1 ? 0 : 1), failed: rung.failed.length > 0,
    tip: value === null ? why.join("\n") : selector + ", k = " + k + "\n" + tip(curve, rung, finding) };
}

/** The surface of one selector: a cell per rung and k. */
function heat(curve, selector) {
  const rungs = curve.rungs.filter((rung) => selector in rung.tries);
  const cells = rungs.flatMap((rung) => Object.entries(rung.tries[selector]).map(([k, finding]) => heatCell(curve, rung, selector, k, finding)));
  const spoken = "Heat map of " + text(curve.task) + ", " + selector + ": " + cells.length + " cells, rungs by tries. The values stand in the table of numbers.";
  const labels = rungs.map((rung) => text(rung.level));
  const room = Math.min(150, 8 * Math.max(...labels.map((label) => label.length)));  // a page's font is measured too small
  const drawing = (where) => draw(where, "heat", { rows: rungs.map((rung) => rung.rung), rowlabels: labels, room }, { cells }, spoken);
  const made = figure(make("b", {}, selector), DATA.words.selectors[selector] || "", [], drawing);
  if (new Set(cells.map((one) => one.k)).size > 8) made.figure.classList.add("wide");
  return made;
}

/** The selectors of a curve with values for more than one k. */
const severalTries = (curve) => [...new Set(curve.rungs.flatMap((rung) =>
  Object.entries(rung.tries).filter(([, byK]) => Object.keys(byK).length > 1).map(([selector]) => selector)))];

async function drawHeats(curves) {
  const waiting = [];
  let onPage = false;
  const deep = curves.filter((curve) => severalTries(curve).length);
  byId("surface").hidden = !deep.length;
  byId("heats").replaceChildren(...deep.map((curve) => {
    const title = make("span", {}, axisWords(curve.axis)[0] + " ", make("span", { class: "plain" }, text(curve.task) + (DATA.arms.length > 1 ? " · " + text(curve.arm) : "") + " · " + text(curve.estimand)));
    const build = () => {
      const maps = severalTries(curve).map((selector) => heat(curve, selector));
      if (onPage) for (const one of maps) one.start();
      else waiting.push(...maps);
      return [make("div", { class: "grid" }, maps.map((one) => one.figure))];
    };
    return fold("heat" + DATA.curves.indexOf(curve), title, build, deep.length <= MOST_OPEN);
  }));
  onPage = true;
  await Promise.all(waiting.map((one) => one.start()));
}
