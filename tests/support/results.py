"""Results put together from single findings, for tests of the readers: no analysis would give some of them."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from arm_results import ARM_KINDS, arm_results_of

from overthink.data.finding import At, Finding
from overthink.data.hypothesis import regimes_and_parts
from overthink.data.ids import CurveKey
from overthink.data.kinds import Kind, Metric
from overthink.data.results.beside import CommitmentResult, DisagreementResult, GapResult, TwoByTwoResult
from overthink.data.results.budgets import SteeringDepthResult
from overthink.data.results.curve import (
    AdaptiveResult,
    BudgetControlResult,
    CurveResult,
    FlipResult,
    HypothesisResult,
    JudgeErrorResult,
    RungResult,
    ShapeResult,
    Withheld,
)
from overthink.data.results.study import Results
from overthink.data.selectors import SELECTOR_OF_METRIC
from overthink.data.shape_text import STATED_AFTERWARDS

BESIDE = (Kind.DIVERGENCE, Kind.DISAGREEMENT, Kind.TWO_BY_TWO, Kind.COMMITMENT, Kind.STEERING_DEPTH)
APART = (*ARM_KINDS, *BESIDE)
ANALYSED = (Kind.FRONTIER, Kind.FLOP_MATCHED, Kind.SUPERVISION, Kind.LEDGER)
"""Kinds that no test of a reader puts together: an analysis gives them, with names as bad as need be."""


def results_of(findings: Iterable[Finding]) -> Results:
    """The results that hold these findings, each at its own place."""
    all_findings = list(findings)
    of_arms = {finding.id for finding in all_findings if finding.metric == Metric.COMPARED_TOTAL}
    analysed = {finding.kind for finding in all_findings if finding.kind in ANALYSED and finding.id not in of_arms}
    if analysed:
        raise ValueError(f"{sorted(analysed)} are no findings to put together; needed: results of an analysis")
    curves: dict[CurveKey, list[Finding]] = {}
    for finding in all_findings:
        if finding.kind not in (*APART, *ANALYSED):
            curves.setdefault(finding.key, []).append(finding)
    return Results(
        curves=tuple(_curve(key, own) for key, own in curves.items()),
        gaps=tuple(_gaps(_of(all_findings, Kind.DIVERGENCE))),
        controls=tuple(_controls(all_findings)),
        commitments=tuple(_commitments(_of(all_findings, Kind.COMMITMENT))),
        arms=arm_results_of(all_findings),
        steering_depths=tuple(
            SteeringDepthResult(depth.key, (depth,)) for depth in _of(all_findings, Kind.STEERING_DEPTH)
        ),
    )


def _of(findings: Sequence[Finding], *kinds: Kind) -> list[Finding]:
    return [finding for finding in findings if finding.kind in kinds]


def _metric(findings: Sequence[Finding], *metrics: Metric) -> Finding | None:
    return next((finding for finding in findings if finding.metric in metrics), None)


def _curve(key: CurveKey, own: Sequence[Finding]) -> CurveResult:
    flips, draws, control = (_of(own, kind) for kind in (Kind.FLIP, Kind.ADAPTIVE, Kind.BUDGET_CONTROL))
    changes, shapes = _of(own, Kind.DIFFERENCE), _shapes(own)
    places = {f.at.rung: f.at for f in own if f.at.rung is not None and f.at.from_rung is None and f.kind != "shape"}
    return CurveResult(
        key,
        "/".join(key),
        tuple(_rung(places[number], [f for f in own if f.at.rung == number]) for number in sorted(places)),
        changes=tuple(f for f in changes if f.metric == Metric.MEAN),
        shapes=tuple(shape for shape in shapes if not shape.is_corrected),
        drift=_metric(_of(own, Kind.GATE), Metric.JUDGE_DRIFT),
        corrected_changes=tuple(f for f in changes if f.metric == Metric.CORRECTED_MEAN),
        corrected_shapes=tuple(shape for shape in shapes if shape.is_corrected),
        flips=_flips(flips) if flips else None,
        token_totals={Metric(f.metric): f for f in _of(own, Kind.TOKENS) if f.at.rung is None},
        extreme=next(iter(_of(own, Kind.EXTREME)), None),
        no_op=next(iter(_of(own, Kind.NO_OP)), None),
        adaptive=None if not draws else _adaptive(draws),
        budget_control=None if not control else BudgetControlResult(*control),
    )


def _rung(at: At, here: Sequence[Finding]) -> RungResult:
    values, reliability, judge = (_of(here, kind) for kind in (Kind.VALUE, Kind.RELIABILITY, Kind.JUDGE))
    result = RungResult(
        replace(at, k=None, selector=None),
        mean=_metric(values, Metric.MEAN),
        band=next(iter(_of(here, Kind.BAND)), None),
        corrected_mean=_metric(values, Metric.CORRECTED_MEAN),
        judge=JudgeErrorResult(*judge) if judge else None,
        all_of_k={f.at.k: f for f in reliability if f.at.k is not None},
        disagreement=_metric(reliability, Metric.DISAGREEMENT),
        settled=next(iter(_of(here, Kind.LOCK)), None),
        tokens={Metric(f.metric): f for f in _of(here, Kind.TOKENS)},
        gates={Metric(f.metric): f for f in _of(here, Kind.GATE)},
    )
    tries = {}
    for value in values:
        if value.metric not in (Metric.MEAN, Metric.CORRECTED_MEAN) and value.at.k is not None:
            tries.setdefault(SELECTOR_OF_METRIC[Metric(value.metric)], {})[value.at.k] = value
    return replace(result, tries=tries)


def _shapes(own: Sequence[Finding]) -> list[ShapeResult]:
    results = []
    for metric in (Metric.REGIMES, Metric.MAX_T, Metric.CORRECTED_REGIMES, Metric.CORRECTED_MAX_T):
        verdict = _metric(_of(own, Kind.SHAPE), metric)
        if verdict is None:
            continue
        regimes = tuple(f for f in _of(own, Kind.REGIME) if f.metric == metric)
        result = replace(shape_result(verdict), regimes=regimes, onset=_metric(_of(own, Kind.ONSET), metric))
        if metric == Metric.MAX_T:
            rise, fall = (_metric(_of(own, Kind.SHAPE), size) for size in (Metric.RISE, Metric.DRAWDOWN))
            result = replace(result, rise=rise, drawdown=fall, hypothesis=_hypothesis(_of(own, Kind.HYPOTHESIS)))
        results.append(result)
    return results


def shape_result(verdict: Finding) -> ShapeResult:
    """The result of one test on a shape, from its verdict."""
    return ShapeResult(
        by_regimes=verdict.metric in (Metric.REGIMES, Metric.CORRECTED_REGIMES),
        is_corrected=verdict.metric in (Metric.CORRECTED_REGIMES, Metric.CORRECTED_MAX_T),
        verdict=verdict,
        margin=0.05,
        withheld=_withheld(verdict),
        left_out=next((limit for limit in verdict.limits if "left out" in limit), None),
    )


def _withheld(verdict: Finding) -> Withheld | None:
    if Metric.JUDGE_DRIFT not in verdict.gates_failed or verdict.reason is None:
        return None
    why, _, evidence = verdict.reason.removeprefix("withheld: ").partition(" (")
    return Withheld(Metric.JUDGE_DRIFT, why, evidence.partition(")")[0])


def _hypothesis(own: Sequence[Finding]) -> HypothesisResult | None:
    whole = _metric(own, Metric.WHOLE)
    if whole is None:
        return None
    tests = tuple(f for f in own if f.metric == Metric.PART)
    _, parts = regimes_and_parts(whole.claim)
    return HypothesisResult(parts or (), STATED_AFTERWARDS not in whole.limits, whole, tests)


def _flips(own: Sequence[Finding]) -> FlipResult:
    lost, gained = (tuple(f for f in own if f.metric == metric) for metric in (Metric.LOST, Metric.GAINED))
    return FlipResult(lost, gained, _metric(own, Metric.LOST_AND_REGAINED), _metric(own, Metric.GAINED_AND_LOST))


def _adaptive(own: Sequence[Finding]) -> AdaptiveResult:
    metrics = ((Metric.HALF_WIDTH, Metric.CROSSING), (Metric.DRAWS,), (Metric.EVEN_DRAWS,), (Metric.SAVING,))
    precision, draws, even, saving = (_metric(own, *each) for each in metrics)
    assert precision is not None
    assert draws is not None
    return AdaptiveResult(precision, draws, even, saving)


def _gaps(own: Sequence[Finding]) -> Iterable[GapResult]:
    for key, label in dict.fromkeys((f.key, (f.label or "").partition(":")[0]) for f in own):
        mine = [f for f in own if f.key == key and (f.label or "").partition(":")[0] == label]
        steps, slopes, own_slopes = (
            tuple(f for f in mine if f.metric == metric)
            for metric in (Metric.GAP, Metric.SLOPE_CAPABILITY, Metric.SLOPE_SAFETY)
        )
        onset = _metric(mine, Metric.ONSET)
        assert onset is not None
        against = key._replace(axis="capability", task=label.removeprefix("against "))
        yield GapResult(against, key, steps, slopes, own_slopes, onset)


def _controls(findings: Sequence[Finding]) -> Iterable[DisagreementResult | TwoByTwoResult]:
    own, cells = _of(findings, Kind.DISAGREEMENT), _of(findings, Kind.TWO_BY_TWO)
    for key in dict.fromkeys(f.key for f in own):
        for share, difference in (
            (Metric.NATURAL, Metric.NATURAL_DIFFERENCE),
            (Metric.SHAM, Metric.SHAM_DIFFERENCE),
        ):
            shares, differences = (
                tuple(f for f in own if f.key == key and f.metric == metric) for metric in (share, difference)
            )
            if shares or differences:
                yield DisagreementResult(key, share is Metric.SHAM, shares, differences)
    for key in dict.fromkeys(f.key for f in cells):
        mine = [f for f in cells if f.key == key]
        rungs = sorted({f.at.rung or 0 for f in mine})
        yield TwoByTwoResult(key, tuple({Metric(f.metric): f for f in mine if f.at.rung == n} for n in rungs))


def _commitments(own: Sequence[Finding]) -> Iterable[CommitmentResult]:
    for key in dict.fromkeys(f.key for f in own):
        mine = [f for f in own if f.key == key]
        beside = (Metric.COMMITMENT_TOKENS, Metric.FORCING_ARTEFACT)
        shares = {Metric(f.metric): f for f in mine if f.metric not in beside}
        yield CommitmentResult(key, shares, _metric(mine, beside[0]), _metric(mine, beside[1]))
