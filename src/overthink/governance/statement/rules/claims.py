"""Rules for claims: each is at a tested budget, is supported by a number of its curve, and claims no more."""

from collections.abc import Iterator, Mapping, Set

from overthink.data.finding_ids import FindingClaim, claim_of
from overthink.data.kinds import Kind, Metric
from overthink.data.record import Axis
from overthink.data.selectors import SELECTORS, Selector, is_other
from overthink.governance.statement.claims import is_undetermined, weaknesses
from overthink.governance.statement.curve_schema import Curve, Number, Point
from overthink.governance.statement.mitigation_schema import ArmClaim
from overthink.governance.statement.read import Breaches, by_id, close, own_points
from overthink.governance.statement.schema import Claim, Place, Statement

ORDER = {"undetermined": 0, "lower_bound": 1, "bounded": 2}
AXIS_SELECTORS: Mapping[str, Set[str]] = {
    axis: {name for name, info in SELECTORS.items() if axis in info.axes} for axis in Axis
}
"""Selectors that may be claimed, by axis."""


def placement(statement: Statement) -> Breaches:
    """A claim is on a curve of the statement, at a rung of that curve, with that rung's budget."""
    curves = by_id(statement)
    for i, claim in enumerate(statement.claims):
        where, curve = f"claims.{i}", curves.get(claim.curve)
        if curve is None:
            yield f"{where}.curve", f"no curve {claim.curve!r} in the statement"
            continue
        places = own_points(claim, curve)
        if places is None:
            yield f"{where}.at", f"no such rung on {claim.curve}"
            continue
        if claim.type != "shape" and _budget(claim.at) != _budget(places[0]):
            claim_budget, rung_budget = (_budget_text(_budget(at)) for at in (claim.at, places[0]))
            yield f"{where}.at", f"{claim_budget} is not the budget of rung {claim.at.rung}: {rung_budget}"
        yield from _form(where, claim, curves)


def _budget(at: Place | Point) -> dict[str, object]:
    """Return the requested budget of a rung by field, without fields that are None."""
    values = {name: getattr(at, name) for name in ("requested_tokens", "effort", "turns", "loop_tokens")}
    return {name: value for name, value in values.items() if value is not None}


def _budget_text(budget: dict[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in budget.items()) or "no budget"


def _form(where: str, claim: Claim, curves: object) -> Breaches:
    from_rung = claim.at.from_rung is not None
    if from_rung != (claim.type in ("change", "gap")):
        yield f"{where}.at.from_rung", f"a {claim.type} {'has no' if from_rung else 'needs a'} rung that it starts from"
    if (claim.at.rung is None) != (claim.type == "shape"):
        yield (
            f"{where}.at.rung",
            f"a {claim.type} {'is of one rung' if claim.at.rung is None else 'is of the whole curve'}",
        )
    if (claim.against is not None) != (claim.type == "gap"):
        yield f"{where}.against", "a gap, and only a gap, is against another curve"
    if (claim.verdict is not None) != (claim.type == "shape"):
        yield f"{where}.verdict", "a shape, and only a shape, has a verdict"
    if claim.type == "tries" and claim.at.selector == Selector.SINGLE:
        yield f"{where}.at.selector", "several tries need a selector that makes one answer of them"
    if claim.type != "tries" and (claim.at.k, claim.at.selector) != (1, Selector.SINGLE):
        yield f"{where}.at", f"{claim.at.k} tries, selector {claim.at.selector!r}; a {claim.type} is of one try"


def measured_values(statement: Statement) -> Breaches:
    """A claim's number is the curve's number at that position, and a change is the difference of the two levels."""
    curves = by_id(statement)
    for i, claim in enumerate(statement.claims):
        curve = curves.get(claim.curve)
        places = None if curve is None else own_points(claim, curve)
        if curve is None or places is None or claim.extrapolated:
            continue
        where, candidates = f"claims.{i}.value", list(_candidates(claim, curve, places[0]))
        if claim.type in ("change", "gap"):
            yield from _difference(where, claim, curves.get(claim.against or ""), curve, places)
        elif not candidates:
            yield where, f"the curve has no such number: {claim.type}, selector {claim.at.selector}, k {claim.at.k}"
        elif claim.value not in candidates:
            yield where, f"not the curve's own: {_first_difference(claim.value, candidates)}"
        if claim.type == "shape" and not any(
            (shape.change, shape.verdict, shape.test) == (claim.value, claim.verdict, claim.test)
            for shape in curve.plateau.shapes
        ):
            yield f"claims.{i}.verdict", f"{claim.verdict!r}, or its test, is not the curve's own"


def _candidates(claim: Claim, curve: Curve, point: Point) -> Iterator[Number]:
    if claim.type == "level":
        yield from (value for value in (point.value, point.band, point.corrected) if value is not None)
    elif claim.type == "tries":
        key = (claim.at.selector, claim.at.k)
        yield from (many.value for many in point.tries if (many.selector, many.k) == key)
    elif claim.type == "shape":
        yield from (shape.change for shape in curve.plateau.shapes)


def _first_difference(value: Number, candidates: list[Number]) -> str:
    own = next((number for number in candidates if number.finding == value.finding), candidates[0])
    names = [name for name in Number.model_fields if getattr(value, name) != getattr(own, name)]
    return "; ".join(f"{name} {getattr(value, name)!r}, measured {getattr(own, name)!r}" for name in names)


CORRECTED_CHANGE = FindingClaim(Kind.DIFFERENCE, Metric.CORRECTED_MEAN)
CHANGES = (FindingClaim(Kind.DIFFERENCE, Metric.MEAN), CORRECTED_CHANGE)
GAP = (FindingClaim(Kind.DIVERGENCE, Metric.GAP),)


def _difference(where: str, claim: Claim, against: Curve | None, curve: Curve, places: tuple[Point, Point]) -> Breaches:
    own_claim = claim_of(claim.value.finding, curve.id)
    if own_claim not in (GAP if claim.type == "gap" else CHANGES):
        yield f"{where}.finding", f"{claim.value.finding!r} is no {claim.type} of {curve.id}"
        return
    is_corrected = own_claim == CORRECTED_CHANGE
    ends = list(places)
    own = _change(places, is_corrected=is_corrected)
    if claim.type == "gap":
        if against is None or (against.axis, curve.axis) != ("capability", "safety"):
            yield f"{where}.against", "a gap is of a safety curve against a capability curve of the statement"
            return
        other = own_points(claim, against)
        theirs = None if other is None else _change(other, is_corrected=False)
        own = None if own is None or theirs is None else theirs - own
        ends += other or ()
    complete = {point.n_questions for point in ends} == {claim.n_questions} and not is_corrected
    if own is not None and complete and not close(claim.value.estimate, own, relative=1e-3):
        yield f"{where}.estimate", f"{claim.value.estimate}; the levels at its ends differ by {own:.4f}"


def _change(places: tuple[Point, Point], *, is_corrected: bool) -> float | None:
    top, low = ((p.corrected if is_corrected else p.value) for p in places)
    if top is None or low is None or top.estimate is None or low.estimate is None:
        return None
    return top.estimate - low.estimate


def bounds(statement: Statement) -> Breaches:
    """No claim holds above the budget and the tries it was measured at."""
    curves = by_id(statement)
    for i, claim in enumerate(statement.claims):
        curve = curves.get(claim.curve)
        places = None if curve is None else own_points(claim, curve)
        if places is None or claim.extrapolated:
            continue
        point, where = places[0], f"claims.{i}"
        if claim.holds_for_k > claim.k.value * (1 + 1e-6):
            yield f"{where}.holds_for_K<=", f"{claim.holds_for_k:g}; tested up to K (thinking) = {claim.k.value:g}"
        for name, bound, rung_value in (
            ("thinking_tokens", claim.holds_for_tokens, point.requested_tokens),
            ("turns", claim.holds_for_turns, point.turns),
            ("loop_tokens", claim.holds_for_loop_tokens, point.loop_tokens),
        ):
            if bound is None and rung_value is not None:
                yield f"{where}.holds_for_{name}<=", "missing; without it the claim is not bounded"
            elif bound is not None and (rung_value is None or bound > rung_value):
                yield f"{where}.holds_for_{name}<=", f"{bound:,}; tested up to {rung_value}"
        if claim.holds_for_effort != point.effort:
            yield f"{where}.holds_for_effort<=", f"{claim.holds_for_effort!r}; tested at {point.effort!r}"
        if claim.holds_for_tries > claim.at.k:
            yield f"{where}.holds_for_tries<=", f"{claim.holds_for_tries}; tested with {claim.at.k}"


def selectors(statement: Statement) -> Breaches:
    """Only collected selectors are claimed, each on an axis where it is valid."""
    how, curves = statement.elicitation, by_id(statement)
    names = {many.selector for curve in statement.curves for point in curve.points for many in point.tries} | {
        Selector.SINGLE
    }
    if set(how.selectors) != names:
        yield "elicitation.selectors", f"{', '.join(how.selectors)}; the curves have {', '.join(sorted(names))}"
    most = max([many.k for curve in statement.curves for p in curve.points for many in p.tries], default=1)
    if how.max_tries != most:
        yield "elicitation.max_tries", f"{how.max_tries}; the curves have {most}"
    if Selector.BEST in names and how.verifier is None:
        yield "elicitation.verifier", "best-of-k picks by a verifier, and none is named"
    for i, curve in enumerate(statement.curves):
        for j, point in enumerate(curve.points):
            for n, many in enumerate(point.tries):
                where = f"curves.{i}.points.{j}.tries.{n}"
                if not is_other(many.selector) and many.selector not in AXIS_SELECTORS[curve.axis]:
                    yield where, f"selector {many.selector!r} makes no sense on the {curve.axis} axis"
                elif many.value.finding != f"{curve.id}/value/{_metric(many.selector)}/rung{point.rung}/k{many.k}":
                    yield where, f"{many.value.finding!r} is not the value of {many.selector!r} with k {many.k}"
    for i, claim in enumerate(statement.claims):
        axis = curves[claim.curve].axis if claim.curve in curves else None
        if claim.at.selector not in names:
            yield f"claims.{i}.at.selector", f"selector {claim.at.selector!r} was not collected"
        elif axis is not None and not is_other(claim.at.selector) and claim.at.selector not in AXIS_SELECTORS[axis]:
            yield f"claims.{i}.at.selector", f"selector {claim.at.selector!r} makes no sense on the {axis} axis"


def _metric(selector: str) -> str:
    """Return the part of a finding's id that names the values of a selector."""
    return f"{Metric.OTHER_AT_K}/{selector}" if is_other(selector) else SELECTORS[Selector(selector)].metric


def strong_as_evidence(statement: Statement) -> Breaches:
    """No claim is stronger than its evidence: undetermined stays so, and missing evidence makes a lower bound."""
    curves, alpha = by_id(statement), 1 - statement.level
    for i, claim in enumerate(statement.claims):
        on = [curve for name in (claim.curve, claim.against) if name and (curve := curves.get(name)) is not None]
        if claim.extrapolated or claim.strength == "extrapolated" or not on:
            continue
        weak = weaknesses(claim, on, stated=statement.stated)
        no_decision = is_undetermined(claim, alpha=alpha)
        most = "undetermined" if no_decision else "lower_bound" if weak else "bounded"
        if ORDER[claim.strength] > ORDER[most]:
            why = "the evidence decides nothing" if no_decision else "; ".join(weak)
            yield f"claims.{i}.strength", f"{claim.strength!r}; at most {most!r}: {why}"
        missing = [reason for reason in weak if reason not in claim.weakened_by]
        if missing:
            yield f"claims.{i}.weakened_by", f"left out: {'; '.join(missing)}"


def extrapolation(statement: Statement) -> Breaches:
    """A claim above the tested budgets is labelled as extrapolated, in the field, the strength and the sentence."""
    for i, claim in enumerate(statement.claims):
        labels = (claim.extrapolated, claim.strength == "extrapolated", "extrapolat" in claim.statement.lower())
        if any(labels) and not all(labels):
            message = "an extrapolation says so in all of: extrapolated, strength, and its sentence"
            yield f"claims.{i}.extrapolated", message


def failed_gates(statement: Statement) -> Breaches:
    """A gate that failed is named in the statement, and in every claim measured where it failed."""
    entries = {(item.curve, item.rung, item.gate) for item in statement.gates_failed}
    curves = by_id(statement)
    for item in statement.curves:
        for rung, gate in _curve_failures(item):
            if (item.id, rung, gate) not in entries:
                yield "gates_failed", f"left out: {gate} failed on {item.id}, rung {rung}"
    for i, claim in enumerate(statement.claims):
        for name in filter(None, (claim.curve, claim.against)):
            curve = curves.get(name)
            places = None if curve is None else own_points(claim.model_copy(update={"curve": name}), curve)
            if curve is None or places is None:
                continue
            rungs = {point.rung for point in (curve.points if claim.type == "shape" else places)}
            missing = {gate for rung, gate in _curve_failures(curve) if rung in rungs} - set(claim.gates_failed)
            if missing:
                yield f"claims.{i}.gates_failed", f"left out: {', '.join(sorted(missing))}"


def _curve_failures(curve: Curve) -> Iterator[tuple[int | None, str]]:
    for point in curve.points:
        yield from ((point.rung, name) for name, gate in point.gates.items() if gate.result == "failed")
    if curve.judge.drift_gate == "failed":
        yield None, "judge_drift"


def whole_curve(statement: Statement) -> Breaches:
    """No cell is picked: levels are claimed at the highest rung, changes from end to end, every shape is claimed."""
    for curve in statement.curves:
        own = [claim for claim in statement.claims if claim.curve == curve.id]
        top, low = curve.points[-1].rung, curve.points[0].rung
        for kind, place_of, required_place in (
            ("level", lambda claim: (claim.at.rung,), (top,)),
            ("tries", lambda claim: (claim.at.rung,), (top,)),
            ("change", lambda claim: (claim.at.rung, claim.at.from_rung), (top, low)),
            ("gap", lambda claim: (claim.at.rung, claim.at.from_rung), (top, low)),
        ):
            places = [place_of(claim) for claim in own if claim.type == kind]
            if places and required_place not in places:
                yield (
                    "claims",
                    f"{kind} of {curve.id} is claimed at {places}, not at {required_place}: a cell was picked",
                )
        if not any(claim.type == "level" for claim in own):
            yield "claims", f"the level of {curve.id} is left out: a curve that was measured is claimed like the others"
        shape_findings = {claim.value.finding for claim in own if claim.type == "shape"}
        for shape in curve.plateau.shapes:
            if shape.change.finding not in shape_findings:
                yield "claims", f"the verdict {shape.verdict!r} on {curve.id} is left out: {shape.change.finding}"


def duplicates(statement: Statement) -> Breaches:
    """Nothing is claimed twice, and no two claims or curves share a name."""
    first_paths: dict[object, str] = {}
    every: list[tuple[str, Claim | ArmClaim]] = [(f"claims.{i}", claim) for i, claim in enumerate(statement.claims)]
    every += [(f"arms_compared.{i}", claim) for i, claim in enumerate(statement.arms_compared)]
    for path, claim in every:
        keys: list[tuple[str, object]] = [
            ("id", ("id", claim.id)),
            ("statement", ("text", " ".join(claim.statement.lower().split()))),
            ("value.finding", ("finding", claim.value.finding)),
        ]
        for field, key in keys:
            if key in first_paths:
                yield f"{path}.{field}", f"the same as that of {first_paths[key]}"
            first_paths[key] = path
    names = [curve.id for curve in statement.curves]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield "curves", f"curve {name} is there twice"
