"""From typed results to the list of findings that ``findings.json`` stores: the only place that knows its order."""

from collections.abc import Iterable, Iterator

from overthink.data.finding import Finding
from overthink.data.results.beside import CommitmentResult, DisagreementResult, GapResult, TwoByTwoResult
from overthink.data.results.curve import (
    PERCENTILES,
    AdaptiveResult,
    BudgetControlResult,
    CurveResult,
    FlipResult,
    ShapeResult,
)
from overthink.data.results.study import Results


def flatten(results: Results) -> tuple[Finding, ...]:
    """Return every finding of the results once, in the order of ``findings.json``.

    Example:
        >>> flatten(Results())
        ()
    """
    return tuple(_findings(results))


def _findings(results: Results) -> Iterator[Finding]:
    for curve in results.curves:
        yield from curve_findings(curve)
    for gap in results.gaps:
        yield from _gap(gap)
    for control in results.controls:
        yield from _two_by_two(control) if isinstance(control, TwoByTwoResult) else _disagreement(control)
    for commitment in results.commitments:
        yield from commitment_findings(commitment)
    yield from results.frontiers
    yield from results.flop_matches
    yield from results.arms
    yield from results.supervision
    yield from results.ledgers
    yield from results.steering_depths


def curve_findings(curve: CurveResult) -> Iterator[Finding]:
    """Yield the findings of one curve."""
    yield from _values(curve)
    yield from curve.changes
    for shape in curve.shapes:
        yield from _shape(shape)
    yield from _judge(curve)
    yield from _reliability(curve)
    yield from _tokens(curve)
    for rung in curve.rungs:
        yield from rung.gates.values()
    yield from _known(curve.extreme, curve.no_op)
    if curve.adaptive is not None:
        yield from _adaptive(curve.adaptive)
    if curve.budget_control is not None:
        yield from _budget_control(curve.budget_control)


def _known(*findings: Finding | None) -> Iterator[Finding]:
    yield from (finding for finding in findings if finding is not None)


def _values(curve: CurveResult) -> Iterator[Finding]:
    yield from _known(*(rung.mean for rung in curve.rungs))
    for selector in dict.fromkeys(name for rung in curve.rungs for name in rung.tries):
        for rung in curve.rungs:
            yield from rung.tries.get(selector, {}).values()
    yield from _known(*(rung.band for rung in curve.rungs))


def _shape(shape: ShapeResult) -> Iterator[Finding]:
    if shape.hypothesis is not None:
        yield shape.hypothesis.whole
        yield from shape.hypothesis.tests
    yield shape.verdict
    yield from _known(shape.rise, shape.drawdown)
    yield from shape.regimes
    yield from _known(shape.onset)


def _judge(curve: CurveResult) -> Iterator[Finding]:
    yield from _known(curve.drift)
    for rung in curve.rungs:
        if rung.judge is not None:
            yield from (rung.judge.sensitivity, rung.judge.specificity, rung.judge.rogan_gladen)
    yield from _known(*(rung.corrected_mean for rung in curve.rungs))
    yield from curve.corrected_changes
    for shape in curve.corrected_shapes:
        yield from _shape(shape)


def _reliability(curve: CurveResult) -> Iterator[Finding]:
    for rung in curve.rungs:
        yield from rung.all_of_k.values()
        yield from _known(rung.disagreement)
    if curve.flips is not None:
        yield from _flips(curve.flips)
    yield from _known(*(rung.settled for rung in curve.rungs))


def _flips(flips: FlipResult) -> Iterator[Finding]:
    yield from _alternating(flips.lost, flips.gained)
    yield from _known(flips.lost_and_regained, flips.gained_and_lost)


def _tokens(curve: CurveResult) -> Iterator[Finding]:
    means = [{name: f for name, f in rung.tokens.items() if name not in PERCENTILES} for rung in curve.rungs]
    for metric in dict.fromkeys(name for by_metric in means for name in by_metric):
        yield from (by_metric[metric] for by_metric in means if metric in by_metric)
    for rung in curve.rungs:
        yield from (rung.tokens[name] for name in PERCENTILES if name in rung.tokens)
    yield from curve.token_totals.values()


def _adaptive(result: AdaptiveResult) -> Iterator[Finding]:
    yield from _known(result.precision, result.draws, result.even_draws, result.saving)


def _budget_control(result: BudgetControlResult) -> Iterator[Finding]:
    yield from (result.control, result.scaling, result.performance)


def _gap(gap: GapResult) -> Iterator[Finding]:
    yield from (*gap.steps, *gap.capability_slopes, *gap.safety_slopes, gap.onset)


def _disagreement(result: DisagreementResult) -> Iterator[Finding]:
    yield from _alternating(result.shares, result.differences)


def _two_by_two(result: TwoByTwoResult) -> Iterator[Finding]:
    for by_metric in result.rungs:
        yield from by_metric.values()


def commitment_findings(result: CommitmentResult) -> Iterator[Finding]:
    """Yield the findings of traces that commit."""
    yield from result.shares.values()
    yield from _known(result.tokens, result.artefact)


def _alternating(first: Iterable[Finding], second: Iterable[Finding]) -> Iterator[Finding]:
    for both in zip(first, second, strict=True):
        yield from both
