// Tables of what was found: verdicts on shapes, gaps, reliability, flips, the judge, controls.
const withRungs = (wanted) => shownCurves().flatMap((curve) => curve.rungs.filter(wanted).map((rung) => [curve, rung]));
const dash = () => make("span", { class: "faint" }, "–");
const pValue = (finding, column) => {
  const p = cell(finding, column);
  return p === null ? dash() : number(finding, p < 0.001 ? "< 0.001" : String(+p.toPrecision(2)));
};
const list = (items) => (items.length ? make("ul", { class: "bare" }, items.map((item) => make("li", {}, item))) : dash());

/** Between which budgets a change sets in, or why that is not known. */
function setsIn(finding) {
  if (finding === null) return dash();
  const [low, high] = [cell(finding, "low"), cell(finding, "high")];
  const unit = cell(finding, "limits").join("; ");
  if (low === null) return number(finding, cell(finding, "reason"));
  return make("span", {}, number(finding, "between " + whole(low) + " and " + whole(high)), make("small", {}, unit));
}

function shapeCell({ shape, withheld }) {
  const label = withheld ? "withheld" : cell(shape, "label") || "undetermined";
  return make("span", {}, number(shape, make("b", { class: "verdict " + (label in DATA.words.shapes ? label : "") }, label)), make("small", {}, (cell(shape, "reason") || "").replace(/^withheld: /, "")),
    ...cell(shape, "limits").filter((limit) => limit.endsWith(DATA.words.left_out)).map((limit) => make("small", {}, limit)));
}

function verdictRow(curve, verdict) {
  const { shape, onset, regimes } = verdict;
  const metric = cell(shape, "metric");
  const corrected = metric.startsWith("corrected_");
  const detects = cell(shape, "detects");
  return [
    curveName(curve),
    make("span", { title: cell(shape, "test") || "" }, DATA.words.tests[metric.replace("corrected_", "")] || metric, corrected ? make("small", {}, "corrected by human labels") : null),
    shapeCell(verdict), make("span", {}, change(shape), verdict === curve.verdicts[0] ? list(curve.sizes.map((size) => number(size.finding, text(size.text)))) : null), pValue(shape, "p"), pValue(shape, "p_adjusted"),
    detects === null ? dash() : number(shape, (100 * detects).toFixed(1)),
    setsIn(onset),
    cell(shape, "gates_failed").map((gate) => gate.replaceAll("_", " ")).join(", ") || dash(),
    list(regimes.map((finding) => make("span", {}, make("i", {}, cell(finding, "label")), " ", estimate(finding)))),
  ];
}

function drawVerdicts() {
  const told = shownCurves().flatMap((curve) => curve.verdicts.map((verdict) => [curve, verdict]));
  showSection("verdicts", told.length > 0);
  const head = ["Curve", "Test", "Shape", "Change, points", "p", "Adjusted p", "Detects, points", "Sets in", "Gates failed", "Regimes"];
  const columns = told.some(([, { regimes }]) => regimes.length) ? head.length : head.length - 1;
  byId("verdicttable").replaceChildren(table("Verdicts, for the arms shown", head.slice(0, columns),
    told.map(([curve, verdict]) => verdictRow(curve, verdict).slice(0, columns))));
  const stated = shownCurves().filter((curve) => curve.hypothesis.length);
  byId("hypotheses").replaceChildren(...stated.map((curve) => make("li", {}, curveName(curve), ": ",
    ...curve.hypothesis.flatMap((piece) => [piece.finding === null ? text(piece.text) : number(piece.finding, text(piece.text)), " "]))));
  const seen = new Set(told.map(([, { shape }]) => cell(shape, "label")));
  byId("shapewords").replaceChildren(...Object.entries(DATA.words.shapes).filter(([label]) => seen.has(label)).map(([label, said]) =>
    make("li", {}, make("b", {}, label), ": " + said)));
}

/** All k tries good: of its own on the capability axis, the worst of k on the others. */
const allOf = (rung, k) => rung.all_of_k[k] ?? (rung.tries.worst || {})[k];

function reliabilityTable() {
  const rungs = withRungs((rung) => rung.mean !== null);
  const several = [...new Set(rungs.flatMap(([, rung]) => [...Object.keys(rung.all_of_k), ...Object.keys(rung.tries.worst || {})].map(Number)))].filter((k) => k > 1).sort((a, b) => a - b);
  return table("Reliability per rung, for the arms shown", ["Curve", "Asked for", "One try", ...several.map((k) => "All of " + k), "Draws disagree", "Settled"],
    rungs.map(([curve, rung]) => [curveName(curve), text(rung.level), estimate(rung.mean), ...several.map((k) => estimate(allOf(rung, k))),
      estimate(rung.steady.disagreement), estimate(rung.steady.settled)]));
}

function flipTable(curves) {
  const rows = curves.flatMap((curve) => {
    const name = (rung) => text((curve.rungs.find((one) => one.rung === rung) || {}).level) || "rung " + rung;
    const steps = new Map();
    for (const finding of curve.flips) {
      const [from, to] = [cell(finding, "from_rung"), cell(finding, "rung")];
      const key = from === null ? "whole ladder" : name(from) + " → " + name(to);
      steps.set(key, { ...steps.get(key), [cell(finding, "metric")]: finding });
    }
    return [...steps].map(([step, by]) => [curveName(curve), step, estimate(by.lost ?? by.lost_and_regained), estimate(by.gained ?? by.gained_and_lost)]);
  });
  return [make("p", {}, "Share of traces that changed sides from one rung to another: the same trace, read twice. Over the whole ladder: changed sides and came back."),
    table("Flips, for the arms shown", ["Curve", "From → to", "Lost (whole ladder: lost and regained)", "Gained (whole ladder: gained and lost)"], rows)];
}

function drawSteadiness() {
  const curves = shownCurves().filter((curve) => curve.flips.length);
  const known = withRungs((rung) => Object.keys(rung.all_of_k).length + Object.keys(rung.steady).length > 0).length > 0;
  showSection("steadiness", known || curves.length > 0);
  byId("steadytables").replaceChildren(...[
    known ? fold("reliability", "Reliability per rung", reliabilityTable, shownCurves().length <= 6) : null,
    curves.length ? fold("flips", "Flips: traces that changed sides", () => flipTable(curves), false) : null,
  ].filter(Boolean));
}

function drawCommitment() {
  const curves = shownCurves().filter((curve) => curve.commitment.findings.length);
  showSection("commitment", curves.length > 0);
  byId("commitmentlist").replaceChildren(...curves.map((curve) =>
    make("li", {}, curveName(curve), " ", number(curve.commitment.findings[0], text(curve.commitment.text)))));
}

function judgeTable(curve) {
  const labelled = (finding) => make("span", {}, estimate(finding), make("small", {}, cell(finding, "label") || ""));
  return table("The judge of " + text(curve.task) + ", " + text(curve.arm), ["Asked for", "Sensitivity", "Specificity", "By the judge", "Corrected", "Rogan–Gladen"],
    curve.rungs.filter((rung) => Object.keys(rung.judge).length).map((rung) => [text(rung.level), labelled(rung.judge.sensitivity), labelled(rung.judge.specificity),
      estimate(rung.mean), labelled(rung.corrected), estimate(rung.judge.rogan_gladen)]));
}

function drawJudge() {
  const curves = shownCurves().filter((curve) => curve.rungs.some((rung) => Object.keys(rung.judge).length));
  showSection("judge", curves.length > 0);
  byId("judgetables").replaceChildren(...curves.flatMap((curve) => [
    curve.drift === null ? null : make("p", {}, curveName(curve), " Does the judge err alike at all rungs? ",
      number(curve.drift, make("b", { class: cell(curve.drift, "label") === "failed" ? "bad" : "" }, cell(curve.drift, "reason"))), "."),
    judgeTable(curve),
  ].filter(Boolean)));
}

function drawControls() {
  const rows = [];
  for (const curve of shownCurves()) {
    if (Object.keys(curve.controls).length) rows.push([curve, "all", curve.controls]);
    for (const rung of curve.rungs) if (Object.keys(rung.controls).length) rows.push([curve, text(rung.level), rung.controls]);
  }
  const used = Object.keys(DATA.words.controls).filter((name) => rows.some(([, , controls]) => name in controls));
  showSection("controls", rows.length > 0);
  byId("controltable").replaceChildren(table("Controls, for the arms shown", ["Curve", "Asked for", ...used.map((name) => name.replaceAll("_", " "))],
    rows.map(([curve, level, controls]) => [curveName(curve), level, ...used.map((name) => (name.endsWith("_difference") ? change : estimate)(controls[name]))])));
  const judges = new Set(rows.flatMap(([curve, , controls]) => "good_good" in controls
    ? cell(controls.good_good, "limits").filter((limit) => limit.startsWith("the thinking is judged by ")).map((limit) => text(curve.task) + ": " + limit) : []));
  byId("controlwords").replaceChildren(...used.map((name) => make("li", {}, make("b", {}, name.replaceAll("_", " ")), ": " + DATA.words.controls[name])),
    ...[...judges].map((words) => make("li", {}, words)));
}
