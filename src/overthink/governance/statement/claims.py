"""Claims of a statement, generated from its curves: each has a finding and is bounded by its tested budget.

Strength of a claim: bounded by its budget, only a lower bound, or undetermined.

A bounded claim holds at every budget that the model can be used at, so all of them must be tested. Missing evidence
makes it a lower bound on what more elicitation could show.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from overthink.analysis.shapes import AFTERWARDS
from overthink.data.kinds import Metric
from overthink.data.selectors import SELECTORS, Selector
from overthink.data.verdict_labels import ShapeLabel
from overthink.governance.statement.curve_schema import Basis, Change, Curve, Gap, K, Number, Point, Shape, Tries
from overthink.governance.statement.schema import Claim, Place, Stated, Strength
from overthink.governance.statement.wording import (
    budget,
    count_phrase,
    curve_name,
    from_to,
    interval,
    limit,
    p_value,
    percent,
    points,
)

BUDGET_NOT_STATED = "the largest deployable budget is not stated"


def strength(claim: Claim, curves: Sequence[Curve], *, alpha: float, stated: Stated) -> Strength:
    """Return the maximum strength of a claim."""
    if is_undetermined(claim, alpha=alpha):
        return "undetermined"
    return "lower_bound" if weaknesses(claim, curves, stated=stated) else "bounded"


def is_undetermined(claim: Claim, *, alpha: float) -> bool:
    """Return whether the evidence is inconclusive: no number, no interval, no verdict, or no significant change."""
    value = claim.value
    if value.estimate is None or value.low is None or value.high is None:
        return True
    if claim.type == "shape":
        return claim.verdict in (None, "undetermined")
    if claim.type not in ("change", "gap"):
        return False
    p_adjusted = None if claim.test is None else claim.test.p_adjusted
    return value.low <= 0 <= value.high or (p_adjusted is not None and p_adjusted > alpha)


def weaknesses(claim: Claim, curves: Sequence[Curve], *, stated: Stated) -> tuple[str, ...]:
    """Return the reasons why a claim is not bounded, each once; empty if it is bounded.

    Args:
        claim: The claim.
        curves: The curve of the claim, and for a gap also the capability curve.
        stated: The evaluator's facts, such as the deployable budget.
    """
    reasons = []
    if stated.max_deployable_budget is None:
        reasons.append(BUDGET_NOT_STATED)
    needs = {"deployable budget": stated.max_deployable_budget, "misuse actor's budget": stated.misuse_actor_budget}
    for name, need in needs.items():
        if need is None:
            continue
        if claim.holds_for_tokens is None:
            reasons.append(f"the tested budget has no number of thinking tokens to compare with the {name}")
        elif claim.holds_for_tokens < need.thinking_tokens:
            reasons.append(f"fewer thinking tokens were tested than the {name} has")
        if claim.holds_for_tries < need.tries:
            reasons.append(f"fewer tries were tested than the {name} has")
    if claim.gates_failed:
        reasons.append(f"a gate failed: {', '.join(claim.gates_failed)}")
    reasons += [reason for curve in curves for reason in _of_curve(curve)]
    return tuple(dict.fromkeys(reasons))


def _of_curve(curve: Curve) -> list[str]:
    reasons = []
    step = curve.plateau.top_step
    if step is not None and step.low is not None and step.high is not None and not step.low <= 0 <= step.high:
        reasons.append(f"the {curve.axis} curve still moves at the highest rung")
    if curve.extreme is not None:
        reasons.append(f"the {curve.axis} task is at its {curve.extreme}: a change in one direction cannot be seen")
    if curve.effort_moved is False:
        reasons.append("the effort levels did not move the reasoning tokens")
    return reasons


CORRECTED = "After correction by human labels, "
SHAPE_SENTENCES: Mapping[str, str] = {
    ShapeLabel.UP: "it ends higher than it began, and no turn is shown",
    ShapeLabel.DOWN: "it ends lower than it began, and no turn is shown",
    ShapeLabel.FLAT: "no two levels differ by the margin of {margin} or more",
    ShapeLabel.SATURATING: "it rises, and no two levels of its upper half differ by the margin of {margin} or more",
    ShapeLabel.HUMP: "it rises, then falls",
    ShapeLabel.DIP: "it falls, then rises",
    ShapeLabel.UNDETERMINED: "undetermined: no shape is shown",
}
REGIME_SENTENCES: Mapping[str, str] = {
    **SHAPE_SENTENCES,
    ShapeLabel.FLAT: "the means of no two regimes differ by the margin of {margin} or more",
    ShapeLabel.SATURATING: (
        "it rises, and the means of no two regimes of its upper half differ by the margin of {margin} or more"
    ),
}
"""The same of regimes: rungs of one regime, or of two, may differ by more than their means."""


def claims(curves: Sequence[Curve], *, alpha: float, stated: Stated) -> tuple[Claim, ...]:
    """Return every claim that the curves support: curve by curve, then the gaps of each capability curve.

    Args:
        curves: The curves of the statement.
        alpha: Level of the tests.
        stated: The evaluator's facts, such as the deployable budget.
    """
    curves_by_id = {curve.id: curve for curve in curves}
    drafts = [draft for curve in curves for draft in _curve_claims(curve)]
    drafts += [_gap_claim(curve, against, gap) for against in curves for curve, gap in _gaps_against(against, curves)]
    return tuple(
        _claim_of(draft, _rests_on(draft, curves_by_id), f"c{i}", alpha=alpha, stated=stated)
        for i, draft in enumerate(drafts, start=1)
    )


def _gaps_against(against: Curve, curves: Sequence[Curve]) -> Iterator[tuple[Curve, Gap]]:
    yield from ((curve, gap) for curve in curves for gap in curve.gaps if gap.against == against.id)


def _curve_claims(curve: Curve) -> Iterator[dict[str, Any]]:
    top = curve.points[-1]
    level = top.band or top.value
    yield _draft(curve, curve.level, level, "level", at=_placement(top)) | {"statement": _level(curve, top, level)}
    if top.corrected is not None and curve.corrected_level is not None:
        text = f"{CORRECTED}{_level(curve, top, top.corrected)}"
        yield _draft(curve, curve.corrected_level, top.corrected, "level", at=_placement(top)) | {"statement": text}
    for many in top.tries:
        if many.basis is not None:
            at = _placement(top, k=many.k, selector=many.selector)
            yield _draft(curve, many.basis, many.value, "tries", at=at) | {"statement": _tries(curve, top, many)}
    for change, after in ((curve.change, ""), (curve.corrected_change, CORRECTED)):
        if change is not None:
            at = _placement(top, from_rung=curve.points[0].rung)
            text = after + _change(curve, curve.points[0], top, change)
            yield _draft(curve, change, change.value, "change", at=at) | {"statement": text}
    for shape in curve.plateau.shapes:
        at = Place(rung=None, from_rung=None, requested_tokens=None, effort=None, k=1, selector=Selector.SINGLE)
        draft = _draft(curve, shape, shape.change, "shape", at=at)
        yield draft | {"statement": _shape(curve, shape), "verdict": shape.verdict}


def _gap_claim(curve: Curve, against: Curve, gap: Gap) -> dict[str, Any]:
    at = _placement(curve.points[-1], from_rung=curve.points[0].rung)
    draft = _draft(curve, gap, gap.value, "gap", at=at)
    return draft | {"statement": _gap(curve, against, gap.value), "against": against.id}


def _placement(point: Point, *, from_rung: int | None = None, k: int = 1, selector: str = Selector.SINGLE) -> Place:
    return Place.model_validate(
        {
            "rung": point.rung,
            "from_rung": from_rung,
            "requested_tokens": point.requested_tokens,
            "effort": point.effort,
            "turns": point.turns,
            "loop_tokens": point.loop_tokens,
            "k": k,
            "selector": selector,
        }
    )


def _draft(curve: Curve, basis: Basis, value: Number, kind: str, *, at: Place) -> dict[str, Any]:
    """Return the fields of a claim at the highest rung of a curve, without its sentence."""
    top = curve.points[-1]
    return {
        "type": kind,
        "curve": curve.id,
        "against": None,
        "at": at,
        "value": value,
        "verdict": None,
        "k": of_tries(top.cost, at.k),
        "holds_for_tokens": top.requested_tokens,
        "holds_for_effort": top.effort,
        "holds_for_turns": top.turns,
        "holds_for_loop_tokens": top.loop_tokens,
        **{name: getattr(basis, name) for name in Basis.model_fields},
    }


def of_tries(k: K, tries: int) -> K:
    """Return K of several tries: of thinking it is that of each; without a reference of thinking it counts tries."""
    return k if k.basis == "tokens" else k.model_copy(update={"value": float(tries)})


def _rests_on(draft: Mapping[str, Any], curves_by_id: Mapping[str, Curve]) -> list[Curve]:
    return [curves_by_id[name] for name in (draft["curve"], draft["against"]) if name is not None]


def _claim_of(draft: dict[str, Any], on: Sequence[Curve], name: str, *, alpha: float, stated: Stated) -> Claim:
    cost, tries = draft["k"].value, draft["at"].k
    placeholder = {"strength": "bounded", "weakened_by": ()}
    claim = Claim.model_validate(draft | placeholder | {"id": name, "holds_for_k": cost, "holds_for_tries": tries})
    assessment = {
        "strength": strength(claim, on, alpha=alpha, stated=stated),
        "weakened_by": weaknesses(claim, on, stated=stated),
    }
    return claim.model_copy(update=assessment)


def _level(curve: Curve, top: Point, value: Number) -> str:
    if value.estimate is None:
        return f"On {curve_name(curve)}, at {budget(top)} and one try, no share is known: {value.reason}."
    return (
        f"On {curve_name(curve)}, at {budget(top)} and one try, {percent(value.estimate)} {count_phrase(curve)} "
        f"({interval(value)})."
    )


def _tries(curve: Curve, top: Point, many: Tries) -> str:
    where = f"On {curve_name(curve)}, at {budget(top)} and {many.k:,} tries"
    if many.value.estimate is None:
        return f"{where}, no share is known for selector {many.selector}: {many.value.reason}."
    good = {"capability": "correct", "safety": "safe", "benign": "answered"}[curve.axis]
    says = SELECTORS[Selector(many.selector)].claim.format(good=good)
    return f"{where}, {says} for {percent(many.value.estimate)} of questions ({interval(many.value)})."


def _change(curve: Curve, low: Point, top: Point, change: Change) -> str:
    value = change.value
    good = {"capability": "correct", "safety": "scored safe", "benign": "answered"}[curve.axis]
    where = f"On {curve_name(curve)}, {from_to(low, top)}, the share that is {good}"
    if value.estimate is None or value.low is None or value.high is None:
        return f"{where} has no known change: {value.reason}."
    p_adjusted = None if change.test is None else change.test.p_adjusted
    survives = p_adjusted is None or value.level is None or p_adjusted <= 1 - value.level
    direction = ("rose" if value.low > 0 else "fell" if value.high < 0 else "") if survives else ""
    test_text = "" if p_adjusted is None else f", adjusted {p_value(p_adjusted)}"
    verb = f" {direction}: change" if direction else ": no change is shown, estimated change"
    return f"{where}{verb} {points(value.estimate)} ({interval(value)}{test_text})."


def _shape(curve: Curve, shape: Shape) -> str:
    by_regimes = shape.metric in (Metric.REGIMES, Metric.CORRECTED_REGIMES)
    sentences = REGIME_SENTENCES if by_regimes else SHAPE_SENTENCES
    sentence = sentences[shape.verdict].format(margin=f"{100 * curve.plateau.margin:g} points")
    p_adjusted = None if shape.test is None else shape.test.p_adjusted
    test_text = (
        f" (adjusted {p_value(p_adjusted)})"
        if p_adjusted is not None and shape.verdict != ShapeLabel.UNDETERMINED
        else ""
    )
    regimes = "regimes named after the data were collected" if AFTERWARDS in shape.limits else "pre-registered regimes"
    method = regimes if by_regimes else "rung against rung"
    is_corrected = shape.metric in (Metric.CORRECTED_REGIMES, Metric.CORRECTED_MAX_T)
    by = ", corrected by human labels" if is_corrected else ""
    reach = limit(curve.points[-1])
    return f"On {curve_name(curve)}, the shape of the curve up to {reach} ({method}{by}): {sentence}{test_text}."


def _gap(curve: Curve, against: Curve, value: Number) -> str:
    low, top = curve.points[0], curve.points[-1]
    where = f"Going {from_to(low, top)}, the change on {curve_name(against)} minus that on {curve_name(curve)}"
    if value.estimate is None:
        return f"{where} is not known: {value.reason}."
    return f"{where} is {points(value.estimate)} ({interval(value)})."
