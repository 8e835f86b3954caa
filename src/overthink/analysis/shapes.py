"""Shape verdicts of a curve, with its regimes and its onset of change."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from overthink.analysis.request import CONTROL_ESTIMANDS, CurveContext
from overthink.data.finding import At, Finding, FindingTest
from overthink.data.kinds import Kind, Metric, ShapeLabel
from overthink.data.record import ON_TRACE
from overthink.stats.curve import REQUESTED_TOKENS, Ladder, ladder_of
from overthink.stats.gates import had_ended
from overthink.stats.multiplier_bootstrap import SIGN_RESAMPLES
from overthink.stats.regimes import Onset, Regime
from overthink.stats.shape import MAX_T, REGIMES, ShapeTest, ShapeVerdict, shape_of_cells
from overthink.stats.testing import holm, paired_differences

AFTERWARDS = "the regimes were named after the data were collected: the test is not pre-registered"
ENDS = "the estimate is the highest rung minus the lowest, whatever the shape between"

SEARCHED = "the widest of all pairs of rungs, so its estimate is too high on average; its interval allows for that"

RESAMPLE_FACTOR = 15
"""Resamples per curve of the family and per 1/α: the smallest p-value, about 5/resamples, is a third of the need."""

MOST_RESAMPLES = 40_000


@dataclass(frozen=True, slots=True)
class Withheld:
    """A failed gate and the reason why trends of a curve are withheld."""

    gate: str
    reason: str


def shapes(context: CurveContext, *, rng: np.random.Generator, withheld: Withheld | None = None) -> Iterator[Finding]:
    """Yield the verdicts on one curve: on the pre-registered regimes if there are any, and on any rise and fall."""
    if context.rungs < 2:
        return
    yield from shape_verdicts(context, context.cells, name="", rng=rng, withheld=withheld)


def shape_verdicts(
    context: CurveContext,
    cells: NDArray[np.float64],
    *,
    name: str,
    rng: np.random.Generator,
    withheld: Withheld | None = None,
) -> Iterator[Finding]:
    """Yield the verdicts on cells whose mean over questions is the curve.

    Args:
        context: The curve.
        cells: (question, rung).
        name: Start of the metric: "" for the curve itself, "corrected_" for a corrected one.
        rng: Source of randomness.
        withheld: Why no trend may be claimed; None where it may.
    """
    ladder = ladder_of(context.table)
    if context.analysis.hypothesis is not None:
        yield from _verdict(context, cells, ladder, metric=Metric(f"{name}regimes"), rng=rng, withheld=withheld)
    yield from _verdict(context, cells, ladder, metric=Metric(f"{name}max_t"), rng=rng, withheld=withheld)


def adjust_family(findings: Iterable[Finding], *, alpha: float) -> Iterator[Finding]:
    """Yield all findings, with p-values of shape verdicts adjusted over all curves; lost verdicts are undetermined.

    The family is declared before the data are seen: every curve of the report, one verdict each. Verdicts on
    regimes, on any shape, on corrected curves and on controls are families of their own.
    """
    results = list(findings)
    families: dict[tuple[str, bool], list[int]] = {}
    for i, finding in enumerate(results):
        if finding.kind == Kind.SHAPE and finding.test is not None and finding.test.p is not None:
            is_control = finding.estimand in CONTROL_ESTIMANDS or (finding.scorer or "").endswith(ON_TRACE)
            families.setdefault((finding.metric, is_control), []).append(i)
    for members in families.values():
        p_adjusted = holm([_p(results[i]) for i in members])
        for i, p in zip(members, p_adjusted, strict=True):
            results[i] = _with_adjusted_p(results[i], float(p), n=len(members), alpha=alpha)
    yield from results


def _p(finding: Finding) -> float:
    return float("nan") if finding.test is None or finding.test.p is None else finding.test.p


def _with_adjusted_p(finding: Finding, p: float, *, n: int, alpha: float) -> Finding:
    assert finding.test is not None
    result = replace(finding, test=replace(finding.test, p_adjusted=p))
    if n > 1:
        result = replace(result, limits=(*result.limits, f"adjusted over the verdicts of {n} curves (Holm)"))
    if finding.label == ShapeLabel.UNDETERMINED or p <= alpha:
        return result
    reason = f"{finding.label} alone (p = {_p(finding):.2g}), but not among {n} curves (adjusted p = {p:.2g})"
    return replace(result, label=ShapeLabel.UNDETERMINED, reason=reason)


def _verdict(
    context: CurveContext,
    cells: NDArray[np.float64],
    ladder: Ladder,
    *,
    metric: Metric,
    rng: np.random.Generator,
    withheld: Withheld | None,
) -> Iterator[Finding]:
    analysis = context.analysis
    hypothesis = analysis.hypothesis if metric.endswith("regimes") else None
    limits = [f"margin {100 * analysis.margin:g} points: smaller differences count as none", ENDS]
    if hypothesis is not None and not analysis.registered:
        limits.append(AFTERWARDS)
    if ladder.unit != REQUESTED_TOKENS:
        limits.append(f"rungs are placed by {ladder.unit}")
    finding = _ends(context, cells, metric, withheld)
    try:
        spec = ShapeTest(analysis.margin, analysis.alpha, hypothesis, resamples=_resamples(context))
        verdict = shape_of_cells(cells, ladder.budgets, spec, rng=rng)
    except ValueError as error:  # a regime has no rung, so the hypothesis cannot be tested
        test = FindingTest(REGIMES if hypothesis is not None else MAX_T)
        yield replace(finding, label=ShapeLabel.UNDETERMINED, test=test, reason=str(error), limits=tuple(limits))
        return
    verdict, ended = without_equal_ends(verdict, ladder.budgets, had_ended(context.table))
    limits.extend(ended)
    label, reason = verdict.label, verdict.reason
    if withheld is not None:
        label, reason = ShapeLabel.UNDETERMINED, withheld.reason
    yield replace(
        finding, label=label, test=verdict.test, reason=reason, n_questions=verdict.n_questions, limits=tuple(limits)
    )
    if withheld is None:
        if metric == Metric.MAX_T:
            yield from _sizes(context, verdict)
        yield from _regimes(context, verdict, metric)
        if verdict.onset is not None:
            yield _onset(context, verdict, verdict.onset, ladder, metric)


def _sizes(context: CurveContext, verdict: ShapeVerdict) -> Iterator[Finding]:
    """Yield the largest rise and the largest fall, with intervals that hold for the search over all pairs of rungs."""
    for metric, size in ((Metric.RISE, verdict.rise), (Metric.DRAWDOWN, verdict.drawdown)):
        if size is None:
            continue
        finding = context.finding(Kind.SHAPE, metric, At())  # its id does not depend on the widest pair
        gates = context.failed_gates(range(context.rungs))
        finding = replace(
            finding,
            at=context.between(size.rung, size.from_rung),
            estimate=size.estimate,
            n_questions=verdict.n_questions,
            n_draws=int(context.draws.min()),
            level=context.level,
            simultaneous=True,
            gates_failed=gates,
            limits=(SEARCHED,),
        )
        if np.isnan(size.low):
            yield replace(finding, level=None, simultaneous=False, reason="no interval: too few questions differ")
        else:
            yield replace(finding, low=size.low, high=size.high)


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
    where = f"over half of the traces had ended by themselves by {budgets[ended.argmax()]:g} tokens"
    p = dict(verdict.claims)
    if verdict.label == ShapeLabel.FLAT:
        reason = f"had ended: {where}, and equal answers above that show nothing of longer thoughts"
        return replace(verdict, label=ShapeLabel.UNDETERMINED, onset=None, reason=reason), ()
    test = replace(verdict.test, p=p[ShapeLabel.UP])
    limit = f"had ended: {where}; that the curve is level above shows nothing of longer thoughts"
    return replace(verdict, label=ShapeLabel.UP, test=test), (limit,)


def _resamples(context: CurveContext) -> int:
    """Return a number of resamples whose smallest possible p-value survives the adjustment over all curves."""
    return min(max(SIGN_RESAMPLES, int(RESAMPLE_FACTOR * context.family / context.analysis.alpha)), MOST_RESAMPLES)


def _ends(context: CurveContext, cells: NDArray[np.float64], metric: Metric, withheld: Withheld | None) -> Finding:
    """Return the finding with the change from the lowest to the highest rung."""
    top = context.rungs - 1
    change = paired_differences(cells, pairs=[(top, 0)], level=context.level).intervals
    finding = context.estimate(Kind.SHAPE, metric, At(), change, (0,), unknown="no question has a value at both ends")
    gates = (*context.failed_gates(range(context.rungs)), *(() if withheld is None else (withheld.gate,)))
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
    if onset.reason is not None:
        return replace(finding, reason=onset.reason)
    return replace(finding, low=onset.low, high=onset.high, reason="a place between two rungs: no single number")
