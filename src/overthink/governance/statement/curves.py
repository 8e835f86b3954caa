"""Curves of a statement, assembled from results. Nothing is estimated here."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from overthink.analysis.k_scale import KScale
from overthink.data.finding import At, Finding
from overthink.data.ids import CurveKey
from overthink.data.kinds import Metric
from overthink.data.phrases import Reason
from overthink.data.record import Estimand
from overthink.data.results.curve import PERCENTILES, CurveResult, HypothesisResult, RungResult, ShapeResult
from overthink.data.results.study import Results
from overthink.data.selectors import CLAIMED_SELECTORS, OtherSelector, Selector, SelectorName, is_other
from overthink.errors import InputError
from overthink.governance.statement.curve_schema import (
    Basis,
    Change,
    Curve,
    Gap,
    Gate,
    Hypothesis,
    Judge,
    KReference,
    Number,
    Plateau,
    Point,
    Shape,
    Test,
    Tries,
    TurnSize,
)
from overthink.governance.statement.schema import Elicitation
from overthink.governance.statement.setting import Setting

NO_COUNT = Reason("the findings hold no such count")


def curves(results: Results, setting: Setting, scale: KScale) -> tuple[Curve, ...]:
    """Return every curve of the results, in their order.

    Args:
        results: Results of a study.
        setting: How its rows were made.
        scale: The one reference of K (thinking) of the study.

    Raises:
        InputError: The results contain no curve.
    """
    if not results.curves:
        raise InputError("the findings hold no value of any curve (kind value, metric mean), so nothing can be claimed")
    ids = {curve.key: curve.id for curve in results.curves}
    gaps: dict[CurveKey, tuple[Gap, ...]] = {}
    for gap in results.gaps:
        if gap.steps:
            fields = _change_fields(gap.steps[-1]) | {"against": ids[gap.capability]}
            gaps[gap.safety] = (*gaps.get(gap.safety, ()), Gap.model_validate(fields))
    return tuple(_curve(curve, setting, scale, gaps.get(curve.key, ())) for curve in results.curves)


def number(finding: Finding, *, unit: str = "share") -> Number:
    """Return a finding's number as a statement number."""
    return Number.model_validate(
        {name: getattr(finding, name) for name in ("estimate", "low", "high", "level", "simultaneous", "reason")}
        | {"unit": unit, "finding": finding.id}
    )


def basis_fields(finding: Finding) -> dict[str, Any]:
    """Return what a claim on a finding rests on, beside its number."""
    names = ("n_questions", "n_draws", "gates_failed")
    fields = {name: getattr(finding, name) for name in names}
    return fields | {"test": as_test(finding), "limits": finding.limits}


def basis(finding: Finding) -> Basis:
    """Return the same as a part of a statement."""
    return Basis.model_validate(basis_fields(finding))


def _change_fields(finding: Finding) -> dict[str, Any]:
    return basis_fields(finding) | {"value": number(finding, unit="difference of shares")}


def _change(finding: Finding | None) -> Change | None:
    return None if finding is None else Change.model_validate(_change_fields(finding))


def as_test(finding: Finding) -> Test | None:
    """Return a finding's test as a statement test."""
    test = finding.test
    return None if test is None else Test(name=test.name, p=test.p, p_adjusted=test.p_adjusted, mde=test.mde)


def _curve(curve: CurveResult, setting: Setting, scale: KScale, gaps: tuple[Gap, ...]) -> Curve:
    key, top = curve.key, curve.rungs[-1]
    level = top.band or top.mean
    assert level is not None
    return Curve.model_validate(
        {
            "id": curve.id,
            **key._asdict(),
            "raw_high_means": setting.raw_high(key),
            "reference": _reference(scale, key.arm),
            "points": tuple(_point(key, rung, setting.elicitation, is_top=rung is top) for rung in curve.rungs),
            "level": basis(level),
            "corrected_level": None if top.corrected_mean is None else basis(top.corrected_mean),
            "change": _change(curve.change),
            "corrected_change": _change(curve.corrected_change),
            "gaps": gaps,
            "plateau": _plateau(curve, setting.elicitation),
            "hypothesis": None if curve.hypothesis is None else _hypothesis(curve.hypothesis),
            "effort_moved": None if key.estimand != Estimand.EFFORT else curve.no_op is None,
            "judge": _judge(curve, setting),
        }
    )


def _budget_fields(key: CurveKey, at: At, how: Elicitation) -> dict[str, Any]:
    """Return the budget fields of a rung; at a checkpoint of a loop, turns or tokens instead of budget or effort."""
    loop = how.checkpoints
    if loop is not None and key.estimand == Estimand.CHECKPOINT and at.effort in loop.labels:
        count = loop.at[loop.labels.index(at.effort)]
        field = "turns" if loop.unit == "turns" else "loop_tokens"
        return {"requested_tokens": None, "effort": None, field: count}
    return {"requested_tokens": at.requested_tokens, "effort": at.effort}


def _reference(scale: KScale, arm: str) -> KReference | None:
    tokens = scale.reference.get(arm)
    if tokens is None or scale.amount is None:
        return None
    fields = {"value": tokens, "unit": scale.unit, "amount": scale.amount, "in_flop": scale.in_flop, "how": scale.how}
    return KReference.model_validate(fields)


def _point(key: CurveKey, rung: RungResult, how: Elicitation, *, is_top: bool) -> Point:
    assert rung.mean is not None
    return Point(
        rung=rung.at.rung or 0,
        **_budget_fields(key, rung.at, how),
        thinking_tokens=_tokens(rung, Metric.THINKING_TOKENS),
        answer_tokens=_tokens(rung, Metric.ANSWER_TOKENS),
        attempt_tokens=_tokens(rung, Metric.ATTEMPT_TOKENS),
        quantiles=_quantiles(rung),
        n_questions=rung.mean.n_questions,
        n_draws=rung.mean.n_draws,
        value=number(rung.mean),
        band=None if rung.band is None else number(rung.band),
        corrected=None if rung.corrected_mean is None else number(rung.corrected_mean),
        tries=tuple(_tries(rung, is_top=is_top)),
        gates={name.value: Gate(estimate=gate.estimate, reason=gate.reason) for name, gate in rung.gates.items()},
    )


def _quantiles(rung: RungResult) -> dict[str, float]:
    findings = ((percent, rung.tokens.get(metric)) for metric, percent in PERCENTILES.items())
    return {
        f"{percent / 100:g}": finding.estimate
        for percent, finding in findings
        if finding is not None and finding.estimate is not None
    }


def _tokens(rung: RungResult, metric: Metric) -> Number:
    finding = rung.tokens.get(metric)
    if finding is not None:
        return number(finding, unit="tokens")
    return Number(
        estimate=None, low=None, high=None, level=None, simultaneous=False, unit="tokens",
        reason=NO_COUNT, finding=f"none: {metric}",
    )  # fmt: skip


def _tries(rung: RungResult, *, is_top: bool) -> Iterator[Tries]:
    for selector in (*CLAIMED_SELECTORS[1:], *filter(is_other, rung.tries)):
        by_k = rung.tries.get(selector, {})
        for k, finding in by_k.items():
            claimed = is_top and is_claimed(selector, k, by_k)
            yield Tries.model_validate(
                {
                    "selector": selector,
                    "k": k,
                    "value": number(finding),
                    "basis": basis(finding) if claimed else None,
                }
            )


def is_claimed(selector: str, k: int, every_k: Collection[int]) -> bool:
    """Return whether the value of k tries is claimed at the highest rung: the most tries of a selector that is known.

    Of a selector from outside no sentence is known that says what it picks.
    """
    return k > 1 and k == max(every_k) and not is_other(selector)


def _plateau(curve: CurveResult, how: Elicitation) -> Plateau:
    shapes = tuple(_shape(shape) for shape in curve.all_shapes)
    ends = None if len(curve.rungs) < 2 else (curve.rungs[-2].at.rung, curve.rungs[-1].at.rung)
    step = next((change for change in curve.changes if (change.at.from_rung, change.at.rung) == ends), None)
    turns = next((shape for shape in curve.shapes if not shape.by_regimes), None)
    return Plateau(
        margin=next((shape.margin for shape in curve.shapes), how.planned_margin),
        top_step=None if step is None else number(step, unit="difference of shares"),
        shapes=shapes,
        rise=None if turns is None else _turn_size(turns.rise),
        drawdown=None if turns is None else _turn_size(turns.drawdown),
    )


def _shape(shape: ShapeResult) -> Shape:
    return Shape.model_validate(
        basis_fields(shape.verdict)
        | {
            "metric": shape.metric,
            "verdict": shape.verdict.label,
            "change": number(shape.verdict, unit="difference of shares"),
        }
    )


def _turn_size(finding: Finding | None) -> TurnSize | None:
    if finding is None or finding.at.rung is None or finding.at.from_rung is None:
        return None
    size = number(finding, unit="difference of shares")
    return TurnSize(from_rung=finding.at.from_rung, rung=finding.at.rung, size=size)


def _hypothesis(hypothesis: HypothesisResult) -> Hypothesis:
    whole = hypothesis.whole
    parts = [
        {
            "claim": finding.claim,
            "verdict": finding.label,
            "from_rung": finding.at.from_rung,
            "rung": finding.at.rung,
            "change": number(finding, unit="difference of shares"),
            "test": as_test(finding),
            **{name: getattr(finding, name) for name in ("reason", "questions_needed", "n_questions", "gates_failed")},
        }
        for finding in hypothesis.tests
    ]
    return Hypothesis.model_validate(
        {
            "claim": whole.claim,
            "registered": hypothesis.is_registered,
            "verdict": whole.label,
            "reason": hypothesis.obstacle,
            "finding": whole.id,
            "test": as_test(whole),
            "parts": tuple(parts),
        }
    )


def _judge(curve: CurveResult, setting: Setting) -> Judge:
    error = curve.rungs[-1].judge
    return Judge(
        grader=setting.grader,
        drift_gate=None if curve.drift is None else _label(curve.drift),
        sensitivity=None if error is None else number(error.sensitivity),
        specificity=None if error is None else number(error.specificity),
    )


def _label(gate: Finding) -> Any:
    return "unknown" if gate.label is None else gate.label


def selectors(curves: Sequence[Curve]) -> tuple[SelectorName, ...]:
    """Return every selector with a value: those of :data:`~overthink.data.selectors.CLAIMED_SELECTORS`, then others."""
    names = {tries.selector for curve in curves for point in curve.points for tries in point.tries} | {Selector.SINGLE}
    others = tuple(OtherSelector(name) for name in sorted(names) if is_other(name))
    return (*(name for name in CLAIMED_SELECTORS if name in names), *others)
