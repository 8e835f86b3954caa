"""Shape verdicts of a curve, with its regimes and its onset of change."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from overthink.analysis.families import CurveFamily, resamples, unadjusted_p
from overthink.analysis.hypotheses import CORRECTED, gates_of_trend, hypothesis_metric, hypothesis_result, tested_parts
from overthink.analysis.request import CurveContext, with_place
from overthink.data.finding import At, Finding, FindingTest
from overthink.data.ids import CurveKey
from overthink.data.kinds import Kind, Metric
from overthink.data.phrases import Limit, Phrase, Reason, one_of, quotation
from overthink.data.results.curve import CurveResult, ShapeResult, Withheld, shape_metric
from overthink.data.verdict_labels import ShapeLabel
from overthink.stats.curve import PLACED_BY, REQUESTED_TOKENS, Ladder, ladder_of
from overthink.stats.gates import had_ended
from overthink.stats.regimes import EMPTY_REGIME, Onset, Regime
from overthink.stats.shape import MAX_T, NOT_SHOWN, REGIMES, ShapeTest, ShapeVerdict, shape_of_cells
from overthink.stats.testing import holm, paired_differences
from overthink.stats.turning_points import TurnSize

MARGIN = Limit("margin {points:g} points: smaller differences count as none")
AFTERWARDS = Limit("the regimes were named after the data were collected: the test is not pre-registered")
ENDS = Limit("the estimate is the highest rung minus the lowest, whatever the shape between")

SEARCHED = "the widest of all pairs of rungs, so its estimate is too high on average; its interval allows for that"

LEFT_OUT = "questions have no value at some rung and are left out"
"""End of the limit that counts them."""

INCOMPLETE = Limit("{n:d} of {total:d} " + LEFT_OUT)

TOO_FEW = Limit("too few questions for any verdict: not counted among the curves of its family")

HAD_ENDED = Phrase("over half of the traces had ended by themselves by {tokens:g} tokens")
NOT_LEVEL = Limit(
    "had ended: {where}; that the curve is level above shows nothing of longer thoughts", where=one_of(HAD_ENDED)
)
NOT_FLAT = Reason(
    "had ended: {where}, and equal answers above that show nothing of longer thoughts", where=one_of(HAD_ENDED)
)
HOPELESS = Reason(
    "too few questions: with {n:d} the smallest possible p-value is about {smallest:.2g}, and at most {needed:.2g} is "
    "needed"
)
LOST = Reason(
    "{verdict} alone (p = {p:.2g}), but not among {n:d} curves (adjusted p = {adjusted:.2g})",
    verdict=one_of(*ShapeLabel),
)
NO_ENDS = Reason("no question has a value at both ends")
NO_SIZE = Reason("no interval: too few questions differ")
UNTESTED = Reason("the test could not be made: {fault}", fault=quotation())


@dataclass(frozen=True, slots=True, eq=False)
class TestedCells:
    """What a shape is tested on.

    Attributes:
        cells: (question, rung); their mean over questions is the curve.
        is_corrected: Whether human labels have corrected them.
        withheld: Why no trend may be claimed; None where it may.
        metric: What the curve measures, where it is no value of the answers: the metric of its findings.
        limits: Limits of its verdicts that hold for no other curve.
        ended: (rung,) where over half of the traces had ended; None for those of the context.
    """

    __test__ = False  # not a pytest class

    cells: NDArray[np.float64]
    is_corrected: bool = False
    withheld: Withheld | None = None
    metric: Metric | None = None
    limits: tuple[str, ...] = ()
    ended: NDArray[np.bool_] | None = None


def shapes(context: CurveContext, tested: TestedCells, *, rng: np.random.Generator) -> tuple[ShapeResult, ...]:
    """Return the verdicts on one curve: on the pre-registered regimes if there are any, and on any rise and fall."""
    if context.rungs < 2:
        return ()
    by_regimes = (False,) if context.analysis.hypothesis is None or tested.metric is not None else (True, False)
    return tuple(_verdict(context, tested, by_regimes=each, rng=rng) for each in by_regimes)


def adjusted_shapes(
    curves: Iterable[CurveResult], families: Mapping[CurveKey, CurveFamily], *, alpha: float
) -> dict[str, Finding]:
    """Return the shape verdicts with p-values adjusted over their family, by id; lost verdicts are undetermined.

    Verdicts on regimes, on any shape and on corrected curves are adjusted apart from each other. Curves that left their
    family for too few questions have no verdict.

    Args:
        curves: All curves.
        families: Family of each curve.
        alpha: Error rate of the family.
    """
    groups: dict[str, list[tuple[Finding, CurveFamily]]] = {}
    for verdict in (shape.verdict for curve in curves for shape in curve.all_shapes):
        if verdict.test is not None and verdict.test.p is not None:
            groups.setdefault(verdict.metric, []).append((verdict, families[verdict.key]))
    new: dict[str, Finding] = {}
    for group in groups.values():
        new |= adjusted_verdicts(group, alpha=alpha)
    return new


def adjusted_verdicts(verdicts: Iterable[tuple[Finding, CurveFamily]], *, alpha: float) -> dict[str, Finding]:
    """Return verdicts of one kind of test with p-values adjusted over each family, by id; without a test, none.

    Args:
        verdicts: Verdicts with their families.
        alpha: Error rate of a family.
    """
    new: dict[str, Finding] = {}
    members: dict[str, list[tuple[Finding, CurveFamily]]] = {}
    for verdict, family in verdicts:
        if verdict.test is None or verdict.test.p is None:
            continue
        if family.is_member:
            members.setdefault(family.name, []).append((verdict, family))
        else:
            new[verdict.id] = _too_few(verdict, family)
    for group in members.values():
        p_values = holm([unadjusted_p(verdict) for verdict, _ in group])
        for (verdict, family), p in zip(group, p_values, strict=True):
            own = replace(family, size=len(group))
            new[verdict.id] = _with_adjusted_p(verdict, float(p), family=own, alpha=alpha)
    return new


def _too_few(finding: Finding, family: CurveFamily) -> Finding:
    """Return the verdict of a curve that no answers could have given one among the others of its family."""
    assert finding.test is not None
    result = replace(finding, test=replace(finding.test, p_adjusted=1.0), limits=(*finding.limits, TOO_FEW))
    if finding.label == ShapeLabel.UNDETERMINED and finding.reason != NOT_SHOWN:
        return result  # another reason, such as a withheld trend, comes first
    reason = HOPELESS.text(n=finding.n_questions, smallest=family.smallest_p, needed=family.needed_p)
    return replace(result, label=ShapeLabel.UNDETERMINED, reason=reason)


def _with_adjusted_p(finding: Finding, p: float, *, family: CurveFamily, alpha: float) -> Finding:
    assert finding.test is not None
    result = replace(finding, test=replace(finding.test, p_adjusted=p))
    if family.size > 1 or family.is_declared:
        result = replace(result, limits=(*result.limits, family.text))
    if finding.label == ShapeLabel.UNDETERMINED or p <= alpha:
        return result
    reason = LOST.text(verdict=finding.label, p=unadjusted_p(finding), n=family.size, adjusted=p)
    return replace(result, label=ShapeLabel.UNDETERMINED, reason=reason)


def _verdict(context: CurveContext, tested: TestedCells, *, by_regimes: bool, rng: np.random.Generator) -> ShapeResult:
    analysis, cells, withheld = context.analysis, tested.cells, tested.withheld
    ladder, ended = ladder_of(context.table), had_ended(context.table) if tested.ended is None else tested.ended
    metric = tested.metric or shape_metric(by_regimes=by_regimes, is_corrected=tested.is_corrected)
    hypothesis = analysis.hypothesis if by_regimes else None
    limits = [MARGIN.text(points=100 * analysis.margin), ENDS, *tested.limits]
    if hypothesis is not None and not analysis.registered:
        limits.append(AFTERWARDS)
    if ladder.unit != REQUESTED_TOKENS:
        limits.append(PLACED_BY.text(unit=ladder.unit))
    n_incomplete = int((np.isnan(cells).any(axis=1) & ~np.isnan(cells).all(axis=1)).sum())
    n_with_value = int((~np.isnan(cells).all(axis=1)).sum())
    left_out = INCOMPLETE.text(n=n_incomplete, total=n_with_value) if n_incomplete else None
    limits += [] if left_out is None else [left_out]
    has_hypothesis = analysis.parts is not None and metric in (tested.metric, hypothesis_metric(context))
    own_limits = [limit for limit in limits if limit not in (ENDS, AFTERWARDS)]
    if metric == Metric.CORRECTED_MAX_T:
        own_limits.append(CORRECTED)
    finding = _ends(context, cells, metric, withheld)
    result = ShapeResult(by_regimes, tested.is_corrected, finding, analysis.margin, withheld, left_out)
    try:
        spec = ShapeTest(
            analysis.margin,
            analysis.alpha,
            hypothesis,
            resamples=resamples(context.family, analysis.alpha),
            family=context.family,
            parts=tested_parts(context, ladder) if has_hypothesis else None,
        )
        verdict = shape_of_cells(cells, ladder.budgets, spec, rng=rng)
    except ValueError as error:  # a regime has no rung, so the hypothesis cannot be tested
        why = str(error) if EMPTY_REGIME.matches(str(error)) else UNTESTED.text(fault=error)
        test = FindingTest(REGIMES if hypothesis is not None else MAX_T)
        untested = replace(finding, label=ShapeLabel.UNDETERMINED, test=test, reason=why, limits=tuple(limits))
        own = hypothesis_result(context, None, ladder, limits=own_limits, reason=why) if has_hypothesis else None
        return replace(result, verdict=untested, withheld=None, hypothesis=own)
    if has_hypothesis:
        parts = hypothesis_result(context, verdict, ladder, limits=own_limits, withheld=withheld, ended=ended)
        result = replace(result, hypothesis=parts)
    verdict, no_equality = without_equal_ends(verdict, ladder.budgets, ended)
    limits.extend(no_equality)
    label, reason = verdict.label, verdict.reason
    if withheld is not None:
        label, reason = ShapeLabel.UNDETERMINED, withheld.reason
    shown = replace(
        finding, label=label, test=verdict.test, reason=reason, n_questions=verdict.n_questions, limits=tuple(limits)
    )
    if withheld is not None:
        return replace(result, verdict=shown)
    has_sizes = metric is Metric.MAX_T
    return replace(
        result,
        verdict=shown,
        rise=_size(context, verdict, verdict.rise, Metric.RISE) if has_sizes else None,
        drawdown=_size(context, verdict, verdict.drawdown, Metric.DRAWDOWN) if has_sizes else None,
        regimes=tuple(_regimes(context, verdict, metric)),
        onset=None if verdict.onset is None else _onset(context, verdict, verdict.onset, ladder, metric),
    )


def _size(context: CurveContext, verdict: ShapeVerdict, size: TurnSize | None, metric: Metric) -> Finding | None:
    """Return the largest rise or fall, with an interval that holds for the search over all pairs of rungs."""
    if size is None:
        return None
    finding = context.finding(Kind.SHAPE, metric, At())  # its id does not depend on the widest pair
    finding = replace(
        finding,
        at=context.between(size.rung, size.from_rung),
        estimate=size.estimate,
        n_questions=verdict.n_questions,
        n_draws=int(context.draws.min()),
        level=context.level,
        simultaneous=True,
        gates_failed=context.failed_gates(range(context.rungs)),
        limits=(SEARCHED,),
    )
    if np.isnan(size.low):
        return replace(finding, level=None, simultaneous=False, reason=NO_SIZE)
    return replace(finding, low=size.low, high=size.high)


def without_equal_ends(
    verdict: ShapeVerdict, budgets: NDArray[np.float64], ended: NDArray[np.bool_]
) -> tuple[ShapeVerdict, tuple[str, ...]]:
    """Return the verdict without claims of equality that rest on traces that had ended, and the limits of that.

    Such a trace has one answer at every higher budget, so that its levels are equal whatever a longer thought would
    do. Where most traces had ended by the lower end of the upper half, "flat" is undetermined, and "saturating" is the
    rise alone.

    Args:
        verdict: The verdict on all rungs.
        budgets: (rung,) of its ladder.
        ended: (rung,) from :func:`~overthink.stats.gates.had_ended`.
    """
    if not ended[len(ended) // 2] or verdict.label not in (ShapeLabel.FLAT, ShapeLabel.SATURATING):
        return verdict, ()
    where = HAD_ENDED.text(tokens=budgets[ended.argmax()])
    p = dict(verdict.claims)
    if verdict.label == ShapeLabel.FLAT:
        reason = NOT_FLAT.text(where=where)
        return replace(verdict, label=ShapeLabel.UNDETERMINED, onset=None, reason=reason), ()
    test = replace(verdict.test, p=p[ShapeLabel.UP])
    limit = NOT_LEVEL.text(where=where)
    return replace(verdict, label=ShapeLabel.UP, test=test), (limit,)


def _ends(context: CurveContext, cells: NDArray[np.float64], metric: Metric, withheld: Withheld | None) -> Finding:
    """Return the finding with the change from the lowest to the highest rung."""
    top = context.rungs - 1
    change = paired_differences(cells, pairs=[(top, 0)], level=context.level).intervals
    finding = context.estimate(Kind.SHAPE, metric, At(), change, (0,), unknown=NO_ENDS)
    gates = gates_of_trend(context, withheld)
    return replace(finding, n_draws=int(context.draws.min()), gates_failed=gates)


def _regimes(context: CurveContext, verdict: ShapeVerdict, metric: Metric) -> Iterator[Finding]:
    for i, regime in enumerate(verdict.regimes):
        finding = context.finding(Kind.REGIME, metric, At(), part=f"regime{i}")
        finding = replace(
            finding, label=_regime_text(regime), n_questions=verdict.n_questions, level=context.level, simultaneous=True
        )
        rungs = f"rungs at {', '.join(f'{budget:g}' for budget in regime.budgets)} tokens"
        if np.isnan(regime.low):
            yield replace(finding, estimate=regime.estimate, reason="no interval", limits=(rungs,))
        else:
            yield replace(finding, estimate=regime.estimate, low=regime.low, high=regime.high, limits=(rungs,))


def _regime_text(regime: Regime) -> str:
    if regime.above is None:
        return f"up to {regime.up_to:,.0f} tokens"
    if regime.up_to is None:
        return f"over {regime.above:,.0f} tokens"
    return f"over {regime.above:,.0f} to {regime.up_to:,.0f} tokens"


def _onset(context: CurveContext, verdict: ShapeVerdict, onset: Onset, ladder: Ladder, metric: Metric) -> Finding:
    """Return the rungs between which the change sets in: an interval without an estimate."""
    finding = context.finding(Kind.ONSET, metric, At())
    finding = replace(
        finding, label=verdict.label, n_questions=verdict.n_questions, level=context.level, limits=(ladder.unit,)
    )
    return with_place(finding, onset, missing=NOT_SHOWN)
