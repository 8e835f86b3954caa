"""Rules for what must not be left out: tries, gaps, changes, shapes, quantiles, limits, and what each number rests on.

A checker without the study cannot know everything that was measured, but what a statement holds says what else it must.
"""

from collections.abc import Iterator, Mapping, Set

from overthink.data.ids import CurveKey, FindingClaim, claim_of, curve_ids
from overthink.data.kinds import Kind, Metric
from overthink.data.record import Axis
from overthink.data.results.curve import PERCENTILES
from overthink.data.selectors import SELECTORS, Selector, is_other
from overthink.governance.statement.curve_schema import Curve, Number, Point, Shape
from overthink.governance.statement.curves import is_claimed
from overthink.governance.statement.read import Breaches, bases
from overthink.governance.statement.schema import Statement

AXIS_SELECTORS: Mapping[str, Set[str]] = {
    axis: {name for name, info in SELECTORS.items() if axis in info.axes} for axis in Axis
}
"""Selectors that may be claimed, by axis."""


def limits(statement: Statement) -> Breaches:
    """Everything that a claim rests on says what it does not cover."""
    for where, basis in bases(statement):
        if not basis.limits or not all(limit.strip() for limit in basis.limits):
            yield f"{where}.limits", "empty; needed: what the number does not cover"


def quantiles(statement: Statement) -> Breaches:
    """Where consumption is known, so are its quantiles, which rise with their levels."""
    levels = [f"{percent / 100:g}" for percent in sorted(PERCENTILES.values())]
    for i, curve in enumerate(statement.curves):
        for j, point in enumerate(curve.points):
            where, known = f"curves.{i}.points.{j}.quantiles", point.thinking_tokens.estimate is not None
            if sorted(point.quantiles) != (levels if known else []):
                yield where, f"{', '.join(sorted(point.quantiles)) or 'none'}; needed: {', '.join(levels)}"
            values = [point.quantiles[level] for level in sorted(point.quantiles)]
            if values != sorted(values) or any(value < 0 for value in values):
                yield where, f"{values} do not rise with their levels from 0"


def tries(statement: Statement) -> Breaches:
    """Values of several tries are of selectors of their axis, and are there at every rung alike.

    On safety, where several tries were drawn, worst-of-k is there.
    """
    for i, curve in enumerate(statement.curves):
        for j, point in enumerate(curve.points):
            where = f"curves.{i}.points.{j}.tries"
            yield from _of_rung(where, curve, point, is_top=j == len(curve.points) - 1)
            have, first = _selectors(point), _selectors(curve.points[0])
            if have != first:
                yield (
                    where,
                    f"not those of the lowest rung: {len(have)} selectors and numbers of tries, {len(first)} there",
                )
            if [many.k for many in point.tries if many.selector == Selector.WORST] != _grid(curve, point):
                yield where, "worst-of-k is left out, or some number of tries"
            if (
                point.n_draws > 1
                and max((many.k for many in point.tries), default=1) == 1
                and not _key(curve).is_control
            ):
                yield where, f"left out: {point.n_draws} draws give the value of several tries"


def _selectors(point: Point) -> set[tuple[str, int]]:
    return {(many.selector, many.k) for many in point.tries}


def _grid(curve: Curve, point: Point) -> list[int]:
    """Return every number of tries that worst-of-k must have at a rung, by what its other selectors have."""
    return [] if curve.axis == Axis.CAPABILITY.value else sorted({many.k for many in point.tries})


def _of_rung(where: str, curve: Curve, point: Point, *, is_top: bool) -> Breaches:
    by_selector: dict[str, list[int]] = {}
    for many in point.tries:
        by_selector.setdefault(many.selector, []).append(many.k)
    for n, many in enumerate(point.tries):
        here = f"{where}.{n}"
        if not is_other(many.selector) and many.selector not in AXIS_SELECTORS[curve.axis]:
            yield here, f"selector {many.selector!r} makes no sense on the {curve.axis} axis"
        elif many.value.finding != f"{curve.id}/value/{_metric(many.selector)}/rung{point.rung}/k{many.k}":
            yield here, f"{many.value.finding!r} is not the value of {many.selector!r} with k {many.k}"
        claimed = is_top and is_claimed(many.selector, many.k, by_selector[many.selector])
        if (many.basis is not None) != claimed:
            yield f"{here}.basis", f"{'needed: it is' if claimed else 'there, and it is not'} claimed"
    for selector, every in by_selector.items():
        if len(set(every)) < len(every):
            yield where, f"the same number of tries twice for {selector!r}"


def _metric(selector: str) -> str:
    """Return the part of a finding's id that names the values of a selector."""
    return f"{Metric.OTHER_AT_K}/{selector}" if is_other(selector) else SELECTORS[Selector(selector)].metric


def changes(statement: Statement) -> Breaches:
    """A curve of several rungs has a band, a change, its highest step and a verdict on its shape; corrected, twice."""
    for i, curve in enumerate(statement.curves):
        where, several, top = f"curves.{i}", len(curve.points) > 1, curve.points[-1]
        if several != (curve.change is not None):
            yield f"{where}.change", "missing" if several else "there, with one rung"
        if several != (curve.plateau.top_step is not None):
            yield f"{where}.plateau.top_step", "missing" if several else "there, with one rung"
        metrics = [shape.metric for shape in curve.plateau.shapes]
        if len(set(metrics)) < len(metrics) or (several and not _key(curve).is_control and Metric.MAX_T not in metrics):
            yield f"{where}.plateau.shapes", f"{', '.join(metrics) or 'none'}; needed: each once, and {Metric.MAX_T}"
        # A curve with human labels may have its trends withheld, and one of unlike runs has.
        may_claim = curve.judge.sensitivity is None and not _has_unlike_runs(curve)
        tested = may_claim and any(_has_p(shape) for shape in curve.plateau.shapes)
        if tested and None in (curve.plateau.rise, curve.plateau.drawdown):
            yield f"{where}.plateau", "the largest rise or the largest fall is left out"
        has_bands = {point.band is not None for point in curve.points}
        if len(has_bands) > 1 or (has_bands == {True} and not several):
            yield f"{where}.points", "a band holds for all rungs of a curve at once, and some have none"
        corrected = {point.corrected is not None for point in curve.points}
        if len(corrected) > 1 or (top.corrected is not None) != (curve.corrected_level is not None):
            yield f"{where}.corrected_level", "levels are corrected at every rung, or at none"
        if (curve.corrected_change is not None) != (several and top.corrected is not None):
            yield f"{where}.corrected_change", "missing, or there without corrected levels"
        if (curve.judge.sensitivity is None) != (top.corrected is None) or (curve.judge.specificity is None) != (
            top.corrected is None
        ):
            yield f"{where}.judge", "the judge's sensitivity and specificity belong to corrected levels"


def _has_unlike_runs(curve: Curve) -> bool:
    gates = (point.gates.get(Metric.COMPARABILITY) for point in curve.points)
    return any(gate is not None and bool(gate.estimate) for gate in gates)


def _has_p(shape: Shape) -> bool:
    return shape.metric == Metric.MAX_T.value and shape.test is not None and shape.test.p is not None


def gaps(statement: Statement) -> Breaches:
    """Every capability and safety curve of one arm and ladder have their gap, once."""
    for i, curve in enumerate(statement.curves):
        named = [gap.against for gap in curve.gaps]
        needed = [other.id for other in statement.curves if _share_a_ladder(other, curve)]
        if sorted(named) != sorted(needed):
            yield f"curves.{i}.gaps", f"{len(named)}; {len(needed)} capability curves share its arm and ladder"


def _share_a_ladder(capability: Curve, safety: Curve) -> bool:
    ladders = [[(p.rung, p.requested_tokens, p.effort, p.turns) for p in c.points] for c in (capability, safety)]
    return (
        (capability.axis, safety.axis) == (Axis.CAPABILITY, Axis.SAFETY)
        and (capability.arm, capability.estimand) == (safety.arm, safety.estimand)
        and not (_key(capability).is_control or _key(safety).is_control)
        and len(capability.points) > 1
        and ladders[0] == ladders[1]
    )


def _key(curve: Curve) -> CurveKey:
    return CurveKey(curve.axis, curve.task, curve.arm, curve.scorer or "", curve.estimand)


def names(statement: Statement) -> Breaches:
    """A curve is called by its own names, and its numbers are findings of it, each of its kind."""
    keys = [_key(curve) for curve in statement.curves]
    if len(set(keys)) < len(keys):
        yield "curves", "two curves have the same names"
        return
    for i, (curve, name) in enumerate(zip(statement.curves, curve_ids(keys), strict=True)):
        if curve.id != name:
            yield f"curves.{i}.id", f"its names make it {name}"
        for j, point in enumerate(curve.points):
            if point.value.finding != f"{curve.id}/value/mean/rung{point.rung}/k1":
                yield f"curves.{i}.points.{j}.value.finding", f"{point.value.finding!r} is not of rung {point.rung}"
        for where, number, claims in _named(curve):
            if claim_of(number.finding, curve.id) not in claims:
                yield f"curves.{i}.{where}.finding", f"{number.finding!r} is no such finding of {curve.id}"


def _named(curve: Curve) -> Iterator[tuple[str, Number, tuple[FindingClaim, ...]]]:
    for j, point in enumerate(curve.points):
        if point.band is not None:
            yield f"points.{j}.band", point.band, (FindingClaim(Kind.BAND, Metric.MEAN),)
    difference = (FindingClaim(Kind.DIFFERENCE, Metric.MEAN),)
    if curve.change is not None:
        yield "change.value", curve.change.value, difference
    if curve.corrected_change is not None:
        corrected = (FindingClaim(Kind.DIFFERENCE, Metric.CORRECTED_MEAN),)
        yield "corrected_change.value", curve.corrected_change.value, corrected
    if curve.plateau.top_step is not None:
        yield "plateau.top_step", curve.plateau.top_step, difference
    for n, gap in enumerate(curve.gaps):
        yield f"gaps.{n}.value", gap.value, (FindingClaim(Kind.DIVERGENCE, Metric.GAP),)


def notes(statement: Statement) -> Breaches:
    """A note is about a claim of the statement."""
    unknown = sorted(statement.stated.notes.keys() - statement.claim_ids)
    if unknown:
        yield f"stated.notes.{unknown[0]}", "no claim has this id"
