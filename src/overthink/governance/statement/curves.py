"""Curves of a statement, assembled from results. Nothing is estimated here."""

from collections.abc import Iterator, Sequence
from typing import Any

from overthink.analysis.k_scale import KScale, rung_thinking
from overthink.cost.units import budget_multiple
from overthink.data.curve_key import CurveKey
from overthink.data.finding import At, Finding
from overthink.data.kinds import Metric, ShapeLabel
from overthink.data.phrases import Reason
from overthink.data.record import Estimand
from overthink.data.results.curve import PERCENTILES, CurveResult, HypothesisResult, RungResult, ShapeResult
from overthink.data.results.study import Results
from overthink.data.selectors import CLAIMED_SELECTORS, OtherSelector, Selector, SelectorName, is_other
from overthink.errors import InputError
from overthink.governance.statement.curve_schema import (
    Curve,
    Gate,
    Hypothesis,
    Judge,
    K,
    Number,
    Plateau,
    Point,
    Reference,
    Shape,
    Test,
    Tries,
    TurnSize,
)
from overthink.plan.study import HIGH_WORDS, Plan

TRIES_REFERENCE = "one try; this study has no reference of thinking"

ENDS_NOT_SAID = Reason("the findings do not say whether traces ended by themselves")
NO_COUNT = Reason("the findings hold no such count")
NO_LABELS = Reason("no human labels: the scorer's own errors are not measured and not corrected")


def curves(results: Results, plan: Plan, scale: KScale) -> tuple[Curve, ...]:
    """Return every curve of the results, in their order.

    Args:
        results: Results of a study.
        plan: Plan of the study.
        scale: The one reference of K (thinking) of the study.

    Raises:
        InputError: The results contain no curve.
    """
    if not results.curves:
        raise InputError("the findings hold no value of any curve (kind value, metric mean), so nothing can be claimed")
    return tuple(_curve(curve, plan, scale) for curve in results.curves)


def number(finding: Finding, *, unit: str = "share") -> Number:
    """Return a finding's number as a statement number."""
    return Number.model_validate(
        {name: getattr(finding, name) for name in ("estimate", "low", "high", "level", "simultaneous", "reason")}
        | {"unit": unit, "finding": finding.id}
    )


def cost_of(curve: Curve, point: Point, tries: int) -> K:
    """Return K at a rung: of thinking it is that of each try; without a reference of thinking it counts tries."""
    return _of_tries(point.cost, tries)


def _of_tries(k: K, tries: int) -> K:
    return k if k.basis == "tokens" else k.model_copy(update={"value": float(tries)})


def as_test(finding: Finding) -> Test | None:
    """Return a finding's test as a statement test."""
    test = finding.test
    return None if test is None else Test(name=test.name, p=test.p, p_adjusted=test.p_adjusted, mde=test.mde)


def _curve(curve: CurveResult, plan: Plan, scale: KScale) -> Curve:
    key, means = curve.key, [rung.mean for rung in curve.rungs if rung.mean is not None]
    ref = _reference(scale, key.arm)
    return Curve.model_validate(
        {
            "id": curve.id,
            **key._asdict(),
            "value_1_means": HIGH_WORDS[key.axis][0],
            "raw_high_means": _raw_high(key, plan),
            "n_questions": max(mean.n_questions for mean in means),
            "n_draws": max(mean.n_draws for mean in means),
            "points": tuple(_point(key, rung, ref, plan) for rung in curve.rungs),
            "plateau": _plateau(curve, plan),
            "hypothesis": None if curve.hypothesis is None else _hypothesis(curve.hypothesis),
            "extreme": None if curve.extreme is None else curve.extreme.metric,
            "effort_moved": None if key.estimand != Estimand.EFFORT else curve.no_op is None,
            "judge": _judge(curve, plan),
        }
    )


def _budget_fields(key: CurveKey, at: At, plan: Plan) -> dict[str, Any]:
    """Return the budget fields of a rung; at a checkpoint of a loop, turns or tokens instead of budget or effort."""
    loop = plan.checkpoints
    if loop is not None and key.estimand == Estimand.CHECKPOINT and at.effort in loop.labels:
        count = loop.at[loop.labels.index(at.effort)]
        field = "turns" if loop.unit == "turns" else "loop_tokens"
        return {"requested_tokens": None, "effort": None, field: count}
    return {"requested_tokens": at.requested_tokens, "effort": at.effort}


def _raw_high(key: CurveKey, plan: Plan) -> str:
    """Return the meaning of a high raw score, from the plan: a polarity is never guessed."""
    own = [task for task in plan.tasks if task.axis == key.axis]
    own = [task for task in own if task.task == key.task] or own
    exact = [task for task in own if ".".join(filter(None, (task.scorer, task.key))) == key.scorer]
    words = {task.high for task in exact or own}
    if len(words) != 1:
        raise InputError(
            f"the plan does not say what a high score of {key.task}, scorer {key.scorer}, means on the "
            f"{key.axis} axis; needed: one task of that axis and name in plan.json"
        )
    return words.pop()


def _reference(scale: KScale, arm: str) -> Reference:
    tokens = scale.reference.get(arm)
    if tokens is None or scale.means is None:
        return Reference(value=1.0, unit="tries", means=TRIES_REFERENCE)
    return Reference.model_validate({"value": tokens, "unit": scale.unit, "means": scale.means})


def _point(key: CurveKey, rung: RungResult, ref: Reference, plan: Plan) -> Point:
    cost = _cost(ref, rung_thinking(key, rung).tokens)
    natural_end = rung.gates.get(Metric.NATURAL_END)
    rate = None if natural_end is None or natural_end.estimate is None else 1 - natural_end.estimate
    assert rung.mean is not None
    return Point(
        rung=rung.at.rung or 0,
        **_budget_fields(key, rung.at, plan),
        thinking_tokens=_tokens(rung, Metric.THINKING_TOKENS),
        answer_tokens=_tokens(rung, Metric.ANSWER_TOKENS),
        attempt_tokens=_tokens(rung, Metric.ATTEMPT_TOKENS),
        quantiles=_quantiles(rung),
        cost=cost,
        n_questions=rung.mean.n_questions,
        n_draws=rung.mean.n_draws,
        value=number(rung.mean),
        band=None if rung.band is None else number(rung.band),
        corrected=None if rung.corrected_mean is None else number(rung.corrected_mean),
        tries=tuple(_tries(rung, cost)),
        limit_hit_rate=rate,
        limit_hit_reason=None if rate is not None else _missing_rate_reason(natural_end),
        gates={name.value: Gate(result=_label(gate), estimate=gate.estimate) for name, gate in rung.gates.items()},
    )


def _missing_rate_reason(natural_end: Finding | None) -> str:
    return (natural_end.reason if natural_end is not None else None) or ENDS_NOT_SAID


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


def _cost(ref: Reference, thinking: float | None) -> K:
    if ref.unit == "tries" or thinking is None:
        return K(basis="samples", ref=Reference(value=1.0, unit="tries", means=TRIES_REFERENCE), value=1.0)
    return K(basis="tokens", ref=ref, value=float(budget_multiple(thinking, reference=ref.value)))


def _tries(rung: RungResult, cost: K) -> Iterator[Tries]:
    for selector in (*CLAIMED_SELECTORS[1:], *filter(is_other, rung.tries)):
        for k, finding in rung.tries.get(selector, {}).items():
            fields: dict[str, Any] = {"selector": selector, "k": k, "cost": _of_tries(cost, k)}
            yield Tries(**fields, value=number(finding))


def _plateau(curve: CurveResult, plan: Plan) -> Plateau:
    shapes = tuple(_shape(shape) for shape in curve.all_shapes)
    ends = None if len(curve.rungs) < 2 else (curve.rungs[-2].at.rung, curve.rungs[-1].at.rung)
    step = next((change for change in curve.changes if (change.at.from_rung, change.at.rung) == ends), None)
    turns = next((shape for shape in curve.shapes if not shape.by_regimes), None)
    return Plateau(
        tested=any(shape.test is not None and shape.test.p is not None for shape in shapes),
        shown=any(shape.verdict in (ShapeLabel.FLAT, ShapeLabel.SATURATING) for shape in shapes),
        margin=next((shape.margin for shape in curve.shapes), plan.margin),
        top_step=None if step is None else number(step, unit="difference of shares"),
        shapes=shapes,
        rise=None if turns is None else _turn_size(turns.rise),
        drawdown=None if turns is None else _turn_size(turns.drawdown),
    )


def _shape(shape: ShapeResult) -> Shape:
    return Shape.model_validate(
        {
            "metric": shape.metric,
            "verdict": shape.verdict.label,
            "change": number(shape.verdict, unit="difference of shares"),
            "test": as_test(shape.verdict),
            "gates_failed": shape.verdict.gates_failed,
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


def _judge(curve: CurveResult, plan: Plan) -> Judge:
    error = curve.rungs[-1].judge
    corrected = (rung.corrected_mean for rung in curve.rungs)
    is_corrected = any(finding is not None and finding.estimate is not None for finding in corrected)
    return Judge(
        grader=plan.grader,
        corrected=is_corrected,
        drift_gate=None if curve.drift is None else _label(curve.drift),
        sensitivity=None if error is None else number(error.sensitivity),
        specificity=None if error is None else number(error.specificity),
        reason=None if is_corrected else NO_LABELS,
    )


def _label(gate: Finding) -> Any:
    return "unknown" if gate.label is None else gate.label


def selectors(curves: Sequence[Curve]) -> tuple[SelectorName, ...]:
    """Return every selector with a value: those of :data:`~overthink.data.selectors.CLAIMED_SELECTORS`, then others."""
    names = {tries.selector for curve in curves for point in curve.points for tries in point.tries} | {Selector.SINGLE}
    others = tuple(OtherSelector(name) for name in sorted(names) if is_other(name))
    return (*(name for name in CLAIMED_SELECTORS if name in names), *others)
