"""All results of an analysis, and from them the list of findings in ``findings.json``: its order is known only here.

The findings of most results stand in the order of their fields; those of a curve stand claim by claim, over all rungs.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass

from overthink.data.finding import Finding
from overthink.data.results.arms import ArmResults
from overthink.data.results.beside import CommitmentResult, DisagreementResult, GapResult, TwoByTwoResult
from overthink.data.results.budgets import (
    FlopMatchResult,
    FrontierResult,
    LedgerResult,
    SteeringDepthResult,
    SupervisionResult,
)
from overthink.data.results.curve import PERCENTILES, CurveResult, FlipResult, ShapeResult
from overthink.data.results.oversight import OversightResults


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Results:
    """All results of an analysis, claim by claim.

    Attributes:
        curves: Every curve by itself, sorted by its names.
        gaps: Divergence of capability and safety.
        controls: Comparisons of readings of the same traces.
        commitments: Traces that commit.
        frontiers: Best allocations of a total compute.
        flop_matches: Smaller models with more inference against larger ones.
        arms: Arms against their reference and against their placebos.
        supervision: Process against outcome supervision.
        ledgers: What was paid, and what one attempt takes.
        steering_depths: How many early steps must be steered.
        oversight: What monitors see of the traces.
    """

    curves: tuple[CurveResult, ...] = ()
    gaps: tuple[GapResult, ...] = ()
    controls: tuple[DisagreementResult | TwoByTwoResult, ...] = ()
    commitments: tuple[CommitmentResult, ...] = ()
    frontiers: tuple[FrontierResult, ...] = ()
    flop_matches: tuple[FlopMatchResult, ...] = ()
    arms: ArmResults = field(default_factory=ArmResults)
    supervision: tuple[SupervisionResult, ...] = ()
    ledgers: tuple[LedgerResult, ...] = ()
    steering_depths: tuple[SteeringDepthResult, ...] = ()
    oversight: OversightResults = field(default_factory=OversightResults)

    def __repr__(self) -> str:
        numbers = {each.name: len(getattr(self, each.name)) for each in fields(self) if "tuple" in str(each.type)}
        return f"Results({', '.join(f'{number} {name}' for name, number in numbers.items() if number)})"


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
    yield from findings_of(results.gaps)
    for control in results.controls:
        yield from _disagreement(control) if isinstance(control, DisagreementResult) else findings_of(control)
    yield from findings_of((results.commitments, results.frontiers, results.flop_matches))
    yield from arm_findings(results.arms)
    yield from findings_of(results.supervision)
    for ledger in results.ledgers:
        yield from ledger_findings(ledger)
    yield from findings_of(results.steering_depths)
    yield from findings_of(results.oversight)


def findings_of(result: object) -> Iterator[Finding]:
    """Yield every finding of a result once: field after field, into tuples, values of mappings and parts of results.

    Args:
        result: A result, or a tuple or list of results; what holds no finding yields nothing.

    Example:
        >>> from overthink.data.finding import At
        >>> mean, tries = (Finding(name, "value", "safety", "t", "a", "forced", name, At()) for name in ("mean", "k"))
        >>> [finding.id for finding in findings_of((mean, {10: (tries, None)}, "a name"))]
        ['mean', 'k']
    """
    if isinstance(result, Finding):
        yield result
    elif is_dataclass(result):
        for field in fields(result):
            yield from findings_of(getattr(result, field.name))
    elif isinstance(result, Mapping):
        yield from findings_of(tuple(result.values()))
    elif isinstance(result, tuple | list):
        for part in result:
            yield from findings_of(part)


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
    yield from findings_of((curve.adaptive, curve.budget_control, curve.within))


def _known(*findings: Finding | None) -> Iterator[Finding]:
    yield from (finding for finding in findings if finding is not None)


def _values(curve: CurveResult) -> Iterator[Finding]:
    yield from _known(*(rung.mean for rung in curve.rungs))
    for selector in dict.fromkeys(name for rung in curve.rungs for name in rung.tries):
        for rung in curve.rungs:
            yield from rung.tries.get(selector, {}).values()
    yield from _known(*(rung.band for rung in curve.rungs))


def _shape(shape: ShapeResult) -> Iterator[Finding]:
    yield from findings_of((shape.hypothesis, shape.verdict, shape.rise, shape.drawdown, shape.regimes, shape.onset))


def _judge(curve: CurveResult) -> Iterator[Finding]:
    yield from _known(curve.drift)
    yield from findings_of([rung.judge for rung in curve.rungs])
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


def _disagreement(result: DisagreementResult) -> Iterator[Finding]:
    yield from _alternating(result.shares, result.differences)


def arm_findings(arms: ArmResults) -> Iterator[Finding]:
    """Yield the findings of arms against their reference and their placebos: claim by claim, over all arms."""
    yield from findings_of((arms.totals, arms.paired, arms.differences))
    yield from findings_of([tax.at_budget for tax in arms.taxes])
    yield from findings_of([tax.at_compute for tax in arms.taxes])
    yield from findings_of([tax.compute for tax in arms.taxes])
    for result in arms.mitigations:
        thinking = (result.reference_thinking, result.arm_thinking)
        yield from _known(result.verdict, result.degradation, result.residual, *thinking, result.equal_realised)
    yield from findings_of((arms.readings, [result.price for result in arms.mitigations]))


def ledger_findings(ledger: LedgerResult) -> Iterator[Finding]:
    """Yield the findings of one ledger: tokens by rung, then costs by unit."""
    yield from findings_of([amounts.tokens for rung in ledger.rungs for amounts in (rung.paid, rung.attempt)])
    for unit in dict.fromkeys(unit for rung in ledger.rungs for unit in rung.paid.costs):
        yield from (rung.paid.costs[unit].finding for rung in ledger.rungs)
        yield from (rung.attempt.costs[unit].finding for rung in ledger.rungs)


def _alternating(first: Iterable[Finding], second: Iterable[Finding]) -> Iterator[Finding]:
    for both in zip(first, second, strict=True):
        yield from both
