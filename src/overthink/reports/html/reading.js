// The controls: which arms, which K, how many tries; and every value read at that point.
const hasK = () => shownCurves().some((curve) => curve.rungs.some((rung) => budgetK(curve, rung) !== null));
const allK = () => [...new Set(shownCurves().flatMap((curve) => curve.rungs.map((rung) => budgetK(curve, rung))))]
  .filter((K) => K !== null && K > 0).map(upTo3).sort((a, b) => a - b);
const allTries = () => [...new Set(shownCurves().flatMap((curve) => curve.rungs.flatMap((rung) =>
  Object.values(rung.tries).flatMap((byK) => Object.keys(byK).map(Number)))))].sort((a, b) => a - b);
const rungNumbers = () => [...new Set(shownCurves().flatMap((curve) => curve.rungs.map((rung) => rung.rung)))].sort((a, b) => a - b);

/** Thinking budgets that all shown curves of one reference were given: only there do they think alike. */
function commonBudgets(curve) {
  const asked = (other) => other.rungs.filter((rung) => rung.requested && budgetK(other, rung) !== null).map((rung) => rung.thinking);
  const peers = shownCurves().filter((other) => !other.control && other.reference === curve.reference).map(asked).filter((budgets) => budgets.length);
  return peers.length ? peers[0].filter((budget) => peers.every((budgets) => budgets.includes(budget))) : asked(curve);
}

/** The rung that thinks as much as K times the reference allows every shown curve; else why there is none. */
function rungAt(curve) {
  if (!hasK()) {
    const rung = curve.rungs.find((one) => one.rung === state.rung);
    return rung ? { rung } : { why: "no such rung" };
  }
  if (curve.rungs.every((rung) => rung.thinking === 0)) return { why: "a direct answer stands at no K" };
  if (!(curve.reference > 0)) return { why: "no reference here: FLOP need a size" };
  const counted = curve.rungs.filter((rung) => budgetK(curve, rung) !== null);
  if (!counted.length) return { why: "thinking is not counted here" };
  const within = (rungs) => rungs.filter((rung) => budgetK(curve, rung) <= state.K * (1 + 1e-9)).pop();
  const free = within(counted.filter((rung) => !rung.requested));
  const asked = counted.filter((rung) => rung.requested);
  if (!asked.length) return free ? { rung: free } : { why: "no rung at or below" };
  const common = commonBudgets(curve);
  if (!common.length) return { why: "no thinking budget in common with the other curves" };
  const budget = Math.max(...common.filter((tokens) => tokens / curve.reference <= state.K * (1 + 1e-9)));
  if (budget === -Infinity) return { why: "no common budget at or below" };
  const rung = asked.find((one) => one.thinking === budget);
  return rung ? { rung } : { why: "not run at " + whole(budget) + " tokens" };
}

/** What the rows read do not share: realised thinking of levels may differ, and then it is said. */
function unlikeThinking(curves) {
  const read = curves.filter((curve) => !curve.control).map((curve) => rungAt(curve).rung).filter((rung) => rung && rung.thinking > 0);
  const tokens = read.map((rung) => rung.thinking);
  if (tokens.length < 2 || Math.max(...tokens) <= 1.1 * Math.min(...tokens)) return "";
  return "These rows do not think alike: " + whole(Math.min(...tokens)) + " to " + whole(Math.max(...tokens)) + " tokens.";
}

function curveName(curve) {
  const several = shownCurves().some((other) => other !== curve && other.axis === curve.axis && other.task === curve.task && other.arm === curve.arm);
  return make("span", {}, swatch(curve), make("b", {}, axisWords(curve.axis)[0]), " " + text(curve.task),
    make("small", {}, [DATA.arms.length > 1 ? text(curve.arm) : "", several ? text(curve.estimand) : ""].filter(Boolean).join(" · ")));
}

function readingRow(curve) {
  const { rung, why } = rungAt(curve);
  if (!rung) return [curveName(curve), make("span", { class: "faint" }, why), "", ""];
  const K = budgetK(curve, rung);
  const tries = Object.entries(rung.tries).filter(([, byK]) => state.k in byK);
  return [
    curveName(curve),
    make("span", {}, text(rung.level), make("small", {},
      (attempt(rung) === null ? "tokens unknown" : whole(attempt(rung)) + " tokens") + (K === null ? "" : ", K = " + compact(K))),
      rung.failed.length ? make("small", { class: "bad" }, "gate failed: " + rung.failed.map(text).join(", ")) : null),
    estimate(rung.mean),
    tries.length ? make("ul", { class: "bare" }, tries.map(([selector, byK]) => make("li", {}, make("i", {}, selector), " ", estimate(byK[state.k]))))
      : make("span", { class: "faint" }, "no value at k=" + state.k),
  ];
}

function read() {
  const byK = hasK();
  const where = byK ? DATA.k_name + " = " + compact(state.K) : "rung " + state.rung;
  const rows = shownCurves().filter((curve) => curve.rungs.some((rung) => rung.mean !== null || Object.keys(rung.tries).length));
  const head = ["Curve", "Rung", "One try", state.k === null ? "Tries" : "k = " + state.k];
  byId("reading").replaceChildren(table("Values at " + where + (state.k === null ? "" : " and k = " + state.k + " tries"), head,
    rows.map((curve) => (state.k === null ? readingRow(curve).slice(0, 3).concat("–") : readingRow(curve)))));
  byId("unlike").textContent = byK ? unlikeThinking(rows) : "";
  byId("unlike").hidden = !byId("unlike").textContent;
  byId("kvalue").value = byK ? state.K : state.rung;
  if (byK) byId("krange").value = Math.log2(state.K);
  byId("trange").value = allTries().indexOf(state.k);
  byId("tvalue").textContent = state.k === null ? "–" : state.k;
}

/** Puts K, k and rung on values that exist for what is shown. */
function settle() {
  const [budgets, tries, rungs] = [allK(), allTries(), rungNumbers()];
  if (budgets.length && state.K === null) state.K = budgets[budgets.length - 1];
  if (!budgets.length) state.K = null;
  if (!tries.includes(state.k)) state.k = tries.length ? tries[tries.length - 1] : null;
  if (!rungs.includes(state.rung)) state.rung = rungs.length ? rungs[rungs.length - 1] : null;
  const placed = shownCurves().some((curve) => curve.rungs.some((rung) => attempt(rung) !== null));
  if (state.x === null || (state.x === "tokens" && !placed) || (state.x === "K" && !budgets.length)) state.x = placed ? "tokens" : "level";
  byId("byk").hidden = !budgets.length;
  byId("byrung").hidden = budgets.length > 0;
  byId("klabel").textContent = budgets.length ? DATA.k_name + ", times the reference" : "Rung";
  byId("krange").hidden = !budgets.length;
  if (budgets.length) {
    byId("krange").min = Math.min(Math.log2(budgets[0]), Math.log2(state.K));
    byId("krange").max = Math.max(Math.log2(budgets[budgets.length - 1]), Math.log2(state.K));
  }
  byId("trange").max = Math.max(0, tries.length - 1);
  byId("tries-control").hidden = !tries.length;
  for (const radio of document.querySelectorAll("input[name=x]")) {
    radio.checked = radio.value === state.x;
    radio.disabled = (radio.value === "tokens" && !placed) || (radio.value === "K" && !budgets.length);
  }
}

/** One step up or down: to the next K (or rung) at which a value changes. */
function stepK(direction) {
  const stops = hasK() ? allK() : rungNumbers();
  const now = hasK() ? state.K : state.rung;
  const next = direction > 0 ? stops.find((stop) => stop > now * (1 + 1e-9)) : stops.filter((stop) => stop < now * (1 - 1e-9)).pop();
  if (next !== undefined) moveTo(next);
}

function moveTo(value) {
  if (hasK()) state.K = value > 0 ? value : state.K;
  else state.rung = rungNumbers().includes(value) ? value : state.rung;
  writeAddress();
  read();
  moveMarks();
}

function stepTries(direction) {
  const tries = allTries();
  const next = tries[tries.indexOf(state.k) + direction];
  if (next === undefined) return;
  state.k = next;
  writeAddress();
  read();
  moveTryMarks();
}

/** The arm picker: chips, the first ones only where there are many; a filter finds the rest. */
function pickArms() {
  if (DATA.arms.length < 2) return;
  byId("arms").hidden = false;
  byId("armfilter").hidden = DATA.arms.length <= 8;
  const wanted = byId("armfilter").value.toLowerCase();
  const matching = DATA.arms.filter((arm) => !state.arms.includes(arm) && text(arm).toLowerCase().includes(wanted));
  const full = state.arms.length >= DATA.most_arms;
  const chip = (arm) => {
    const on = state.arms.includes(arm);
    return make("label", { class: "chip" }, make("input", {
      type: "checkbox", checked: on, disabled: on ? state.arms.length === 1 : full, onchange: () => chooseArm(arm, !on),
    }), on ? make("span", { class: "swatch c" + state.arms.indexOf(arm) }) : null, text(arm));
  };
  byId("armlist").replaceChildren(...state.arms.map(chip), ...matching.slice(0, 40).map(chip));
  const hidden = matching.length - Math.min(40, matching.length);
  byId("armnote").textContent = (full && DATA.arms.length > state.arms.length ? DATA.most_arms + " arms at most: take one away to add another. " : "")
    + (hidden ? hidden + " more: type to filter." : "");
}

function chooseArm(arm, on) {
  state.arms = on ? [...state.arms, arm] : state.arms.filter((other) => other !== arm);
  state.k = allTries().includes(state.k) ? state.k : null;
  writeAddress();
  showAll();
}

// ---- curves by tries ----
let triesDrawn = [];

/** The colour of a selector, as the charts have it; the page's policy allows no style attribute. */
function selectorSwatch(selector) {
  const one = make("span", { class: "swatch", "aria-hidden": "true" });
  one.style.background = DATA.words.colours[selector];
  return one;
}

async function drawTries() {
  const tries = allTries();
  showSection("tries", tries.length > 0);
  if (!tries.length) return;
  const arms = state.arms.filter((arm) => shownCurves().some((curve) => curve.arm === arm));
  const chosen = arms.includes(Number(byId("triesarm").value)) ? Number(byId("triesarm").value) : arms[0];
  byId("triesarm").replaceChildren(...arms.map((arm) => make("option", { value: arm }, text(arm))));
  byId("triesarm").value = chosen;
  byId("triesarm").parentElement.hidden = arms.length < 2;
  const curves = shownCurves().filter((curve) => curve.arm === chosen);
  const rungs = [...new Map(curves.flatMap((curve) => curve.rungs.map((rung) => [rung.rung, text(rung.level)])))];
  byId("triesrung").replaceChildren(...rungs.map(([number, name]) => make("option", { value: number }, "rung " + number + ": " + name)));
  byId("triesrung").value = rungs.some(([number]) => number === state.rung) ? state.rung : rungs[rungs.length - 1][0];
  const ticks = tries.length <= 12 ? tries : powers(1, tries[tries.length - 1]);
  const axis = { scale: "log", xlow: tries[0] / 1.12, xhigh: tries[tries.length - 1] * 1.12, xticks: ticks, xlabels: ticks.map(String) };
  const seen = new Set();
  triesDrawn = curves.map((curve) => {
    const rung = curve.rungs.find((one) => String(one.rung) === byId("triesrung").value);
    const points = Object.entries(rung ? rung.tries : {}).flatMap(([selector, byK]) => Object.entries(byK).filter(([, finding]) => cell(finding, "estimate") !== null)
      .map(([k, finding]) => {
        seen.add(selector);
        const one = point(curve, rung, finding, Number(k), selector, DATA.words.colours[selector]);
        return { ...one, tip: selector + ", k = " + k + "\n" + one.tip };
      }));
    if (!points.length) return null;
    const [name] = axisWords(curve.axis);
    return figure(make("span", {}, make("b", {}, name), " " + text(curve.task)), text(curve.estimand), [], (where) =>
      draw(where, axis.scale, axis, { points, corrected: [], marks: [{ x: state.k, colour: "var(--mark)" }], thresholds: [] }, name + " by tries: " + points.length + " points"));
  }).filter(Boolean);
  byId("triespanels").replaceChildren(...(triesDrawn.length ? triesDrawn.map((one) => one.figure) : [make("p", {}, "No value by tries at this rung.")]));
  byId("trieslegend").replaceChildren(...[...seen].map((selector) => make("li", {}, selectorSwatch(selector), DATA.words.selectors[selector])),
    legendItem("whisker", "pointwise interval"));
  await Promise.all([...triesDrawn.map(async (one) => { one.view = await one.start(); }), drawHeats(curves)]);
}

function moveTryMarks() {
  for (const one of triesDrawn) if (one.view) one.view.data("marks", [{ x: state.k, colour: "var(--mark)" }]).runAsync();
}
