// Lanes below a curve, one per threshold on training compute. What K* is, the page was told; here it gets a place.
const LANE = 0.15;
const BAR = 0.68;  // where in its lane a bar stands, from above
const LETTER = 6.2;  // pixels, about
const BEYOND = "beyond what was tested";

/** The marks of a panel; none where K has no place in it. */
const marksIn = (curves) => DATA.thresholds.marks.filter((mark) => mark.curves.some((place) => curves.includes(DATA.curves[place])));

function lane(mark, number, axis, tested, width) {
  const high = mark.high ?? Infinity;
  const where = high <= tested ? "" : (mark.low > tested ? " · " : " · partly ") + BEYOND;
  const said = mark.label + " · K* " + mark.said;
  const [from, to] = [mark.low, high];
  const arrow = to > axis.xhigh ? " ▸" : "";
  const told = said + (width > 460 ? where : "") + arrow;
  const common = { lane: -LANE * (number + BAR), tip: said + " (" + mark.how + ")" + where + "\n" + DATA.thresholds.label, zone: false, bar: false, beyond: false, side: "", text: "" };
  if (from >= axis.xhigh) return [{ ...common, x: axis.xhigh, x2: axis.xhigh, side: "left", text: told }];
  if (to <= axis.xlow) return [{ ...common, x: axis.xlow, x2: axis.xlow, side: "right", text: "◂ " + told }];
  const [low, end] = [Math.max(from, axis.xlow), Math.min(to, axis.xhigh)];
  const edge = Math.min(Math.max(tested, low), end);
  const [left, right] = [low, end].map((x) => Math.log(x / axis.xlow) / Math.log(axis.xhigh / axis.xlow));
  const room = LETTER * (told.length + 3) / width;
  const inside = room < 1 ? Math.min(Math.max((left + right) / 2, room / 2), 1 - room / 2) : 0.5;
  const middle = axis.xlow * (axis.xhigh / axis.xlow) ** inside;
  const [side, at] = 1 - right >= room ? ["right", end] : left >= room ? ["left", low] : ["middle", middle];
  const parts = [{ x: low, x2: edge, beyond: false }, { x: edge, x2: end, beyond: true }].filter((part) => part.x < part.x2);
  return [{ ...common, x: low, x2: end, zone: true }, ...parts.map((part) => ({ ...common, ...part, bar: true })), { ...common, x: at, x2: at, side, text: told }];
}

/** Rows of the data set, and how far the share axis goes below 0 for them. */
function lanes(curves, axis, width) {
  const seen = curves.flatMap((curve) => curve.rungs.filter((rung) => rung.mean !== null).map((rung) => budgetK(curve, rung))).filter((K) => K !== null);
  if (state.x !== "K" || axis.scale !== "log" || !seen.length) return { rows: [], floor: 0 };
  const mine = marksIn(curves);
  const tested = Math.max(...seen);
  return { rows: mine.flatMap((mark, number) => lane(mark, number, axis, tested, width)), floor: -LANE * mine.length };
}

/** Why a panel has no lanes although there are thresholds; null where it has them, or there are none. */
function lanesMissing(curves) {
  return marksIn(curves).length && state.x !== "K" ? "thresholds stand on the K axis: choose " + DATA.k_name : null;
}

/** What the lanes mean, for the legend. */
function lanesLegend(curves) {
  const mine = marksIn(curves);
  if (!mine.length || state.x !== "K") return [];
  const how = [...new Set(mine.map((mark) => mark.how))].join("; ");
  return [legendItem("law", "K* (training trade) of thresholds on training compute (" + how + "), dashed beyond what was tested. " + DATA.thresholds.label)];
}
