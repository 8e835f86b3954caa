"""From the curves of a statement to its claims: no sentence without a finding, none above its budget."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from overthink.core.finding import Finding
from overthink.govern.measured import as_test, cost_of, curve_id, number
from overthink.govern.prose import budget, called, counted, from_to, interval, p_value, percent, points
from overthink.govern.statement import Claim, Place, Stated
from overthink.govern.statement_curve import Curve, Number, Point, Shape
from overthink.govern.strength import strength, weaknesses

KEPT_LIMITS = 8
SHAPES = {
    "up": "it ends higher than it began, and no turn is shown",
    "down": "it ends lower than it began, and no turn is shown",
    "flat": "no two levels differ by the margin of {margin} or more",
    "saturating": "it rises, and no two levels of its upper half differ by the margin of {margin} or more",
    "hump": "it rises, then falls",
    "dip": "it falls, then rises",
    "undetermined": "undetermined: no shape is shown",
}


def claims(curves: Sequence[Curve], findings: Sequence[Finding], *, alpha: float, stated: Stated) -> tuple[Claim, ...]:
    """Every claim that the findings support, curve by curve.

    Args:
        curves: The curves of the statement.
        findings: All findings.
        alpha: Level of the tests.
        stated: Who can use the model at which budget, if that was stated.
    """
    by_id = {finding.id: finding for finding in findings}
    drafts = [draft for curve in curves for draft in _of_curve(curve, by_id)]
    drafts += list(_gaps(curves, findings))
    named = {curve.id: curve for curve in curves}
    return tuple(
        _finished(draft, _rests_on(draft, named), f"c{i}", alpha=alpha, stated=stated)
        for i, draft in enumerate(drafts, start=1)
    )


def _of_curve(curve: Curve, by_id: Mapping[str, Finding]) -> Iterator[dict[str, Any]]:
    top = curve.points[-1]
    level = top.band or top.value
    yield _draft(curve, by_id, level, "level", at=_place(top), point=top, text=_level(curve, top, level))
    if top.corrected is not None:
        text = f"After correction by human labels, {_level(curve, top, top.corrected)}"
        yield _draft(curve, by_id, top.corrected, "level", at=_place(top), point=top, text=text)
    for many in top.tries:
        if many.k == max(one.k for one in top.tries if one.selector == many.selector) and many.k > 1:
            at = _place(top, k=many.k, selector=many.selector)
            yield _draft(curve, by_id, many.value, "tries", at=at, point=top, text=_tries(curve, top, many))
    yield from _changes(curve, by_id)
    for shape in curve.plateau.shapes:
        at = Place(rung=None, from_rung=None, requested_tokens=None, effort=None, k=1, selector="single")
        draft = _draft(curve, by_id, shape.change, "shape", at=at, point=top, text=_shape(curve, shape))
        yield draft | {"verdict": shape.verdict}


def _changes(curve: Curve, by_id: Mapping[str, Finding]) -> Iterator[dict[str, Any]]:
    low, top = curve.points[0], curve.points[-1]
    for metric, after in (("mean", ""), ("corrected_mean", "After correction by human labels, ")):
        found = by_id.get(f"{curve.id}/difference/{metric}/rung{top.rung}/from{low.rung}/k1")
        if found is not None:
            value = number(found, unit="difference of shares")
            place = _place(top, from_rung=low.rung)
            text = after + _change(curve, low, top, value, found)
            yield _draft(curve, by_id, value, "change", at=place, point=top, text=text)


def _gaps(curves: Sequence[Curve], findings: Sequence[Finding]) -> Iterator[dict[str, Any]]:
    named = {curve.id: curve for curve in curves}
    for found in findings:
        curve = named.get(curve_id(found))
        if (found.kind, found.metric) != ("divergence", "gap") or curve is None:
            continue
        if found.at.rung != curve.points[-1].rung:
            continue
        against = _against(found, curves)
        if against is None:
            continue
        value = number(found, unit="difference of shares")
        low, top = curve.points[0], curve.points[-1]
        at = _place(top, from_rung=low.rung)
        draft = _draft(curve, {found.id: found}, value, "gap", at=at, point=top, text=_gap(curve, against, value))
        yield draft | {"against": against.id}


def _against(found: Finding, curves: Sequence[Curve]) -> Curve | None:
    """The capability curve that a gap is with: the finding's id names it, with ~ between the parts."""
    part = found.id[found.id.rindex("/gap/") + len("/gap/") :]
    return next((curve for curve in curves if part.startswith(curve.id.replace("/", "~") + "/")), None)


def _place(point: Point, *, from_rung: int | None = None, k: int = 1, selector: str = "single") -> Place:
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


def _draft(
    curve: Curve, by_id: Mapping[str, Finding], value: Number, kind: str, *, at: Place, point: Point, text: str
) -> dict[str, Any]:
    found = by_id[value.finding]
    return {
        "type": kind,
        "curve": curve.id,
        "against": None,
        "statement": text,
        "at": at,
        "value": value,
        "verdict": None,
        "n_questions": found.n_questions,
        "n_draws": found.n_draws,
        "test": as_test(found),
        "k": cost_of(curve, point, at.k),
        "holds_for_tokens": point.requested_tokens,
        "holds_for_effort": point.effort,
        "holds_for_turns": point.turns,
        "holds_for_loop_tokens": point.loop_tokens,
        "gates_failed": found.gates_failed,
        "limits": found.limits[:KEPT_LIMITS],
    }


def _rests_on(draft: Mapping[str, Any], named: Mapping[str, Curve]) -> list[Curve]:
    return [named[name] for name in (draft["curve"], draft["against"]) if name is not None]


def _finished(draft: dict[str, Any], on: Sequence[Curve], name: str, *, alpha: float, stated: Stated) -> Claim:
    cost, tries = draft["k"].value, draft["at"].k
    unjudged = {"strength": "bounded", "weakened_by": (), "extrapolated": False}
    claim = Claim.model_validate(draft | unjudged | {"id": name, "holds_for_k": cost, "holds_for_tries": tries})
    judged = {
        "strength": strength(claim, on, alpha=alpha, stated=stated),
        "weakened_by": weaknesses(claim, on, stated=stated),
    }
    return claim.model_copy(update=judged)


def _level(curve: Curve, top: Point, value: Number) -> str:
    if value.estimate is None:
        return f"On {called(curve)}, at {budget(top)} and one try, no share is known: {value.reason}."
    return (
        f"On {called(curve)}, at {budget(top)} and one try, {percent(value.estimate)} {counted(curve)} "
        f"({interval(value)})."
    )


def _tries(curve: Curve, top: Point, many: Any) -> str:
    where = f"On {called(curve)}, at {budget(top)} and {many.k:,} tries"
    if many.value.estimate is None:
        return f"{where}, no share is known for selector {many.selector}: {many.value.reason}."
    good = {"capability": "correct", "safety": "safe", "benign": "answered"}[curve.axis]
    says = {
        "pass": f"at least one answer was scored {good}",
        "majority": f"the most frequent answer was scored {good}",
        "best": f"the answer picked by the verifier was scored {good}",
        "worst": f"the worst answer was still scored {good}",
    }[many.selector]
    return f"{where}, {says} for {percent(many.value.estimate)} of questions ({interval(many.value)})."


def _change(curve: Curve, low: Point, top: Point, value: Number, found: Finding) -> str:
    good = {"capability": "correct", "safety": "scored safe", "benign": "answered"}[curve.axis]
    where = f"On {called(curve)}, {from_to(low, top)}, the share that is {good}"
    if value.estimate is None or value.low is None or value.high is None:
        return f"{where} has no known change: {value.reason}."
    told = found.test.p_adjusted if found.test is not None else None
    survives = told is None or value.level is None or told <= 1 - value.level
    way = ("rose" if value.low > 0 else "fell" if value.high < 0 else "") if survives else ""
    tested = "" if told is None else f", adjusted {p_value(told)}"
    verb = f" {way}: change" if way else ": no change is shown, estimated change"
    return f"{where}{verb} {points(value.estimate)} ({interval(value)}{tested})."


def _shape(curve: Curve, shape: Shape) -> str:
    said = SHAPES[shape.verdict].format(margin=f"{100 * curve.plateau.margin:g} points")
    told = None if shape.test is None else shape.test.p_adjusted
    tested = f" (adjusted {p_value(told)})" if told is not None and shape.verdict != "undetermined" else ""
    way = "pre-registered regimes" if shape.metric.endswith("regimes") else "rung against rung"
    by = ", corrected by human labels" if shape.metric.startswith("corrected") else ""
    top = budget(curve.points[-1])
    reach = top if top.startswith("up to ") else f"up to {top}"
    return f"On {called(curve)}, the shape of the curve {reach} ({way}{by}): {said}{tested}."


def _gap(curve: Curve, against: Curve, value: Number) -> str:
    low, top = curve.points[0], curve.points[-1]
    where = f"Going {from_to(low, top)}, the change on {called(against)} minus that on {called(curve)}"
    if value.estimate is None:
        return f"{where} is not known: {value.reason}."
    return f"{where} is {points(value.estimate)} ({interval(value)})."
