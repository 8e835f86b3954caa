"""Values of a curve at every rung for one try and for k tries, its band, and differences between rungs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from overthink.analysis.adaptive import wave_limit
from overthink.analysis.request import POINTWISE, CurveContext
from overthink.data.finding import Finding, FindingTest
from overthink.data.kinds import Kind, Metric
from overthink.data.outcomes import VERDICTS
from overthink.data.phrases import Limit, Reason
from overthink.data.record import Estimand, Verdict
from overthink.data.selectors import SCORED_SELECTORS, SELECTORS, Selector, SelectorName
from overthink.stats.bands import simultaneous_bands
from overthink.stats.curve import SelectorCurve, outside_curve, parallel_curves, single_curve
from overthink.stats.first_success import STOPPED, STOPPING_INFERRED
from overthink.stats.testing import TEST_NAME, Differences, holm, paired_differences
from overthink.stats.weighted_vote import weighted_majority_curve

MONTE_CARLO = Limit("averaged over random orders of the tries: Monte Carlo standard error up to {error:.2g}")
OVER_THE_CURVE = Limit("the band holds for all rungs of the curve at once")
HOLM = Limit("adjusted p-value (Holm) over the comparisons of this curve")
FEWER_QUESTIONS = Limit("only {n:d} of {total:d} questions have {k:d} draws here")

NO_VALUE = Reason("no value is known at this rung")
NO_TURN = Reason("no loop had finished a turn within this many tokens")
TOO_FEW_DRAWS = Reason("no question has {k:d} draws with a value here")
TOO_FEW_TRIES = Reason("some question was sampled fewer than {k:d} times without a success")
NOT_AT_BOTH = Reason("no question has a value at both rungs")


@dataclass(frozen=True, slots=True, eq=False)
class CurveValues:
    """Values of a curve.

    Attributes:
        single: The value of one try, by rung.
        tries: Values of k tries, by selector, rung and k.
        band: The value of one try with a simultaneous band, by rung; empty with one rung.
        changes: Differences between rungs.
    """

    single: tuple[Finding, ...]
    tries: Mapping[SelectorName, tuple[Mapping[int, Finding], ...]]
    band: tuple[Finding, ...]
    changes: tuple[Finding, ...]


def values(context: CurveContext, *, rng: np.random.Generator, withheld: tuple[str, ...] = ()) -> CurveValues:
    """Return the values of one try and of k tries, the band of the curve, and differences between rungs.

    Args:
        context: The curve.
        rng: Source of randomness.
        withheld: Gates of the whole curve that failed, which invalidate all differences between rungs.
    """
    mean = single_curve(context.cells, context.weights, level=context.level)
    curves = parallel_curves(context.table, context.weights, level=context.level, batch=context.batch)
    tries = [_surface(context, curve) for curve in curves]
    vote = _weighted_vote(context, rng)
    return CurveValues(
        single=tuple(by_k[1] for by_k in _surface(context, mean).rungs),
        tries={surface.selector: surface.rungs for surface in (*tries, *vote, *_outside(context))},
        band=tuple(_band(context, mean, rng)),
        changes=tuple(differences(context, paired_changes(context, mean), metric=Metric.MEAN, withheld=withheld)),
    )


def paired_changes(context: CurveContext, mean: SelectorCurve) -> Differences | None:
    """Return differences of every rung to the lowest and to the one below; None where there is one rung."""
    pairs = ladder_comparisons(context.rungs)
    if not pairs:
        return None
    return paired_differences(mean.cells[:, :, 0], pairs=pairs, level=context.level)


def ladder_comparisons(rungs: int) -> list[tuple[int, int]]:
    """Return the declared comparisons as (rung, from_rung): with the lowest rung, then with the rung below."""
    return [(rung, 0) for rung in range(1, rungs)] + [(rung, rung - 1) for rung in range(2, rungs)]


def differences(
    context: CurveContext, change: Differences | None, *, metric: Metric, withheld: tuple[str, ...] = ()
) -> Iterator[Finding]:
    """Yield a finding per comparison, p-values adjusted over all of them.

    Args:
        context: The curve.
        change: The comparisons; None for none.
        metric: Metric of the findings.
        withheld: Gates of the whole curve that failed.
    """
    if change is None:
        return
    holm_p = holm(change.p)
    for i, (rung, below) in enumerate(change.pairs):
        at = replace(context.between(rung, below), k=1, selector=Selector.SINGLE)
        finding = context.estimate(Kind.DIFFERENCE, metric, at, change.intervals, (i,), unknown=NOT_AT_BOTH)
        p, p_adjusted = float(change.p[i]), float(holm_p[i])
        yield replace(
            finding,
            n_draws=int(min(context.all_draws[rung], context.all_draws[below])),
            test=None if np.isnan(p) else FindingTest(TEST_NAME, p=p, p_adjusted=p_adjusted),
            gates_failed=(*context.failed_gates([below, rung]), *withheld),
            limits=(*finding.limits, POINTWISE, HOLM) if len(change.pairs) > 1 else (*finding.limits, POINTWISE),
        )


class _Surface(NamedTuple):
    """Values by rung and k, and the selector that they are named after."""

    selector: SelectorName
    rungs: tuple[dict[int, Finding], ...]


def _weighted_vote(context: CurveContext, rng: np.random.Generator) -> Iterator[_Surface]:
    (vote_rng,) = rng.spawn(1)  # keeps the band of a study the same with and without scores
    result = (
        weighted_majority_curve(context.table, context.weights, level=context.level, rng=vote_rng)
        if context.batch is None
        else None
    )
    if result is not None:
        curve, error = result
        yield _surface(context, curve, MONTE_CARLO.text(error=error))


def _outside(context: CurveContext) -> Iterator[_Surface]:
    """Yield the values under selectors from outside, which need draws that were not chosen by their outcome."""
    for selector in context.selectors if context.batch is None else ():
        curve = outside_curve(context.table, selector, context.weights, level=context.level)
        if curve is not None:
            yield _surface(context, curve)


def _surface(context: CurveContext, curve: SelectorCurve, *notes: str) -> _Surface:
    single = curve.selector == Selector.SINGLE
    by_scores = curve.selector in SCORED_SELECTORS
    selector, metric = _named(context, curve.selector)
    part = str(selector) if metric is Metric.OTHER_AT_K else None
    if by_scores and context.verifier_run is not None:
        notes = (context.verifier_run.text, *notes)
    n_questions = curve.intervals.n_questions
    rungs: tuple[dict[int, Finding], ...] = tuple({} for _ in range(context.rungs))
    for rung, i in np.ndindex(n_questions.shape):
        k = int(curve.k[i])
        fewer = not single and n_questions[rung, i] < n_questions[rung, 0]
        limits = (FEWER_QUESTIONS.text(n=n_questions[rung, i], total=n_questions[rung, 0], k=k),) if fewer else ()
        reason = _why_unknown(context, rung) if single else TOO_FEW_DRAWS.text(k=k)
        if context.whole.waves is not None:
            limits = (*limits, wave_limit(context.whole.waves, single=single))
        if context.batch is not None:
            inferred = STOPPING_INFERRED if context.analysis.stopping is None else ""
            limits = (STOPPED.text(batch=context.batch, inferred=inferred),)
            reason = TOO_FEW_TRIES.text(k=k)
        at = replace(context.at(rung), k=k, selector=selector)
        finding = context.estimate(Kind.VALUE, metric, at, curve.intervals, (rung, i), unknown=reason, part=part)
        rungs[rung][k] = replace(
            finding,
            n_draws=int(context.all_draws[rung] if single else context.draws[rung]),
            gates_failed=context.failed_gates([rung]),
            limits=(*finding.limits, POINTWISE, *limits, *notes),
        )
    return _Surface(selector, rungs)


def _named(context: CurveContext, selector: SelectorName) -> tuple[SelectorName, Metric]:
    """Return the name and the metric of a selector's values; those of an oracle's scores are called so."""
    if not isinstance(selector, Selector):
        return selector, Metric.OTHER_AT_K
    name = (SELECTORS[selector].oracle if context.is_oracle else None) or selector
    return name, SELECTORS[name].metric


def _why_unknown(context: CurveContext, rung: int) -> str:
    """Return why a rung has no value: a loop that was cut before its first turn ended has no state to score."""
    codes = context.table.verdicts[:, :, rung][context.table.observed[:, :, rung]]
    cut = codes.size > 0 and bool((codes == VERDICTS.index(Verdict.TRUNCATED)).all())
    if cut and context.table.estimand is Estimand.CHECKPOINT:
        return NO_TURN
    return NO_VALUE


def _band(context: CurveContext, mean: SelectorCurve, rng: np.random.Generator) -> Iterator[Finding]:
    if context.rungs < 2 or not len(mean.cells):
        return
    band = simultaneous_bands(mean.cells[:, :, 0], level=context.level, rng=rng)
    for rung in range(context.rungs):
        at = replace(context.at(rung), k=1, selector=Selector.SINGLE)
        finding = context.estimate(Kind.BAND, Metric.MEAN, at, band, (rung,), unknown=NO_VALUE)
        yield replace(
            finding,
            simultaneous=True,
            n_draws=int(context.all_draws[rung]),
            gates_failed=context.failed_gates([rung]),
            limits=(*finding.limits, OVER_THE_CURVE),
        )
