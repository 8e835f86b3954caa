"""Curves of a statement, assembled from findings. Nothing is estimated here."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from overthink.analysis.hypotheses import ALL_PARTS
from overthink.analysis.k_scale import KScale, rung_thinking
from overthink.cost.units import budget_multiple
from overthink.data.finding import At, Finding
from overthink.data.hypothesis_text import STATED_AFTERWARDS
from overthink.data.kinds import Kind, Metric, ShapeLabel
from overthink.data.record import Estimand
from overthink.data.selectors import CLAIMED_SELECTORS, SELECTORS, Selector
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
_Index = Mapping[tuple[str, str], Sequence[Finding]]


def curves(findings: Sequence[Finding], plan: Plan, scale: KScale) -> tuple[Curve, ...]:
    """Return every curve of the findings, in their order.

    Args:
        findings: All findings of a study.
        plan: Plan of the study.
        scale: The one reference of K (thinking) of the study.

    Raises:
        InputError: The findings contain no value of any curve.
    """
    by_curve: dict[str, list[Finding]] = {}
    for finding in findings:
        by_curve.setdefault(curve_id(finding), []).append(finding)
    result = tuple(
        _curve(name, group, plan, scale) for name, group in by_curve.items() if _has(group, Kind.VALUE, Metric.MEAN)
    )
    if not result:
        raise InputError("the findings hold no value of any curve (kind value, metric mean), so nothing can be claimed")
    return result


def curve_id(finding: Finding) -> str:
    """Return the id of a finding's curve: the start of the finding's id."""
    return finding.id[: finding.id.rindex(f"/{finding.kind}/{finding.metric}")]


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


def _curve(name: str, findings: Sequence[Finding], plan: Plan, scale: KScale) -> Curve:
    index: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        index.setdefault((finding.kind, finding.metric), []).append(finding)
    first = findings[0]
    values = sorted(index[Kind.VALUE, Metric.MEAN], key=lambda row: row.at.rung or 0)
    ref = _reference(scale, first.arm)
    return Curve.model_validate(
        {
            "id": name,
            **{field: getattr(first, field) for field in ("axis", "task", "arm", "scorer", "estimand")},
            "value_1_means": HIGH_WORDS[first.axis][0],
            "raw_high_means": _raw_high(first, plan),
            "n_questions": max(row.n_questions for row in values),
            "n_draws": max(row.n_draws for row in values),
            "points": tuple(_point(index, value, ref, _budget_fields(value, plan)) for value in values),
            "plateau": _plateau(index, values, plan),
            "hypothesis": _hypothesis(index),
            "extreme": next((row.metric for row in findings if row.kind == Kind.EXTREME), None),
            "effort_moved": None if first.estimand != "effort" else not index.get((Kind.NO_OP, Metric.EFFORT)),
            "judge": _judge(index, values[-1].at, plan),
        }
    )


def _budget_fields(value: Finding, plan: Plan) -> dict[str, Any]:
    """Return the budget fields of a rung; at a checkpoint of a loop, turns or tokens instead of budget or effort."""
    at, loop = value.at, plan.checkpoints
    if loop is not None and value.estimand == Estimand.CHECKPOINT and at.effort in loop.labels:
        count = loop.at[loop.labels.index(at.effort)]
        field = "turns" if loop.unit == "turns" else "loop_tokens"
        return {"requested_tokens": None, "effort": None, field: count}
    return {"requested_tokens": at.requested_tokens, "effort": at.effort}


def _raw_high(finding: Finding, plan: Plan) -> str:
    """Return the meaning of a high raw score, from the plan: a polarity is never guessed."""
    own = [task for task in plan.tasks if task.axis == finding.axis]
    own = [task for task in own if task.task == finding.task] or own
    exact = [task for task in own if ".".join(filter(None, (task.scorer, task.key))) == (finding.scorer or "")]
    words = {task.high for task in exact or own}
    if len(words) != 1:
        raise InputError(
            f"the plan does not say what a high score of {finding.task}, scorer {finding.scorer}, means on the "
            f"{finding.axis} axis; needed: one task of that axis and name in plan.json"
        )
    return words.pop()


def _reference(scale: KScale, arm: str) -> Reference:
    tokens = scale.reference.get(arm)
    if tokens is None or scale.means is None:
        return Reference(value=1.0, unit="tries", means=TRIES_REFERENCE)
    return Reference.model_validate({"value": tokens, "unit": scale.unit, "means": scale.means})


def _point(index: _Index, value: Finding, ref: Reference, budget: Mapping[str, Any]) -> Point:
    at = value.at
    names = ("thinking_tokens", "answer_tokens", "attempt_tokens")
    tokens: dict[str, Any] = {metric: _tokens(index, metric, at) for metric in names}
    thinking, generated = (tokens[name].estimate for name in ("thinking_tokens", "attempt_tokens"))
    cost = _cost(ref, rung_thinking(at, value.estimand, thinking=thinking, generated=generated).tokens)
    band, corrected_value = (
        _finding_at(index, Kind.BAND, Metric.MEAN, at),
        _finding_at(index, Kind.VALUE, Metric.CORRECTED_MEAN, at),
    )
    gates: dict[str, Finding] = {
        finding.metric: finding
        for (kind, _), some in index.items()
        if kind == Kind.GATE
        for finding in some
        if _same_rung(finding.at, at)
    }
    natural_end = gates.get("natural_end")
    has_rate = natural_end is not None and natural_end.estimate is not None
    return Point(
        rung=at.rung or 0,
        **budget,
        **tokens,
        quantiles=_quantiles(index, at),
        cost=cost,
        n_questions=value.n_questions,
        n_draws=value.n_draws,
        value=number(value),
        band=None if band is None else number(band),
        corrected=None if corrected_value is None else number(corrected_value),
        tries=tuple(_tries(index, at, cost)),
        limit_hit_rate=1 - natural_end.estimate
        if natural_end is not None and natural_end.estimate is not None
        else None,
        limit_hit_reason=None if has_rate else _missing_rate_reason(natural_end),
        gates={name: Gate(result=_label(finding), estimate=finding.estimate) for name, finding in gates.items()},
    )


def _missing_rate_reason(natural_end: Finding | None) -> str:
    return (
        natural_end.reason if natural_end is not None else None
    ) or "the findings do not say whether traces ended by themselves"


def _quantiles(index: _Index, at: At) -> dict[str, float]:
    by_level = {f"0.{q}": _finding_at(index, Kind.TOKENS, f"thinking_tokens_p{q}0", at) for q in (1, 5, 9)}
    return {
        level: finding.estimate
        for level, finding in by_level.items()
        if finding is not None and finding.estimate is not None
    }


def _tokens(index: _Index, metric: str, at: At) -> Number:
    finding = _finding_at(index, Kind.TOKENS, metric, at)
    if finding is not None:
        return number(finding, unit="tokens")
    return Number(
        estimate=None, low=None, high=None, level=None, simultaneous=False, unit="tokens",
        reason="the findings hold no such count", finding=f"none: {metric}",
    )  # fmt: skip


def _cost(ref: Reference, thinking: float | None) -> K:
    if ref.unit == "tries" or thinking is None:
        return K(basis="samples", ref=Reference(value=1.0, unit="tries", means=TRIES_REFERENCE), value=1.0)
    return K(basis="tokens", ref=ref, value=float(budget_multiple(thinking, reference=ref.value)))


def _tries(index: _Index, at: At, cost: K) -> list[Tries]:
    results = []
    for selector in CLAIMED_SELECTORS[1:]:
        for finding in index.get((Kind.VALUE, SELECTORS[selector].metric), ()):
            if _same_rung(finding.at, at) and finding.at.k is not None:
                own = _of_tries(cost, finding.at.k)
                fields: dict[str, Any] = {"selector": finding.at.selector, "k": finding.at.k, "cost": own}
                results.append(Tries(**fields, value=number(finding)))
    return results


def _plateau(index: _Index, values: Sequence[Finding], plan: Plan) -> Plateau:
    shapes = tuple(
        Shape.model_validate(
            {
                "metric": finding.metric,
                "verdict": finding.label,
                "change": number(finding, unit="difference of shares"),
                "test": as_test(finding),
                "gates_failed": finding.gates_failed,
            }
        )
        for metric in ("regimes", "max_t", "corrected_regimes", "corrected_max_t")
        for finding in index.get((Kind.SHAPE, metric), ())
    )
    step = None
    if len(values) > 1:
        top, below = values[-1].at.rung, values[-2].at.rung
        steps = index.get((Kind.DIFFERENCE, Metric.MEAN), ())
        step = next((finding for finding in steps if (finding.at.rung, finding.at.from_rung) == (top, below)), None)
    return Plateau(
        tested=any(finding.test is not None and finding.test.p is not None for finding in shapes),
        shown=any(finding.verdict in (ShapeLabel.FLAT, ShapeLabel.SATURATING) for finding in shapes),
        margin=_margin(index, plan),
        top_step=None if step is None else number(step, unit="difference of shares"),
        shapes=shapes,
        rise=_turn_size(index, Metric.RISE),
        drawdown=_turn_size(index, Metric.DRAWDOWN),
    )


def _turn_size(index: _Index, metric: Metric) -> TurnSize | None:
    finding = next(iter(index.get((Kind.SHAPE, metric), ())), None)
    if finding is None or finding.at.rung is None or finding.at.from_rung is None:
        return None
    size = number(finding, unit="difference of shares")
    return TurnSize(from_rung=finding.at.from_rung, rung=finding.at.rung, size=size)


def _hypothesis(index: _Index) -> Hypothesis | None:
    whole = next(iter(index.get((Kind.HYPOTHESIS, Metric.WHOLE), ())), None)
    if whole is None:
        return None
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
        for finding in index.get((Kind.HYPOTHESIS, Metric.PART), ())
    ]
    return Hypothesis.model_validate(
        {
            "claim": whole.claim,
            "registered": STATED_AFTERWARDS not in whole.limits,
            "verdict": whole.label,
            "reason": None if whole.reason == ALL_PARTS else whole.reason,
            "finding": whole.id,
            "test": as_test(whole),
            "parts": tuple(parts),
        }
    )


def _margin(index: _Index, plan: Plan) -> float:
    """Return the margin that the verdicts were tested with, from their limits: an analysis may override the plan's."""
    limits = [
        limit
        for metric in ("regimes", "max_t")
        for finding in index.get((Kind.SHAPE, metric), ())
        for limit in finding.limits
    ]
    matches = [re.match(r"margin (\d+(?:\.\d+)?) points", limit) for limit in limits]
    return next((float(match[1]) / 100 for match in matches if match is not None), plan.margin)


def _judge(index: _Index, top: At, plan: Plan) -> Judge:
    drift = next(iter(index.get((Kind.GATE, Metric.JUDGE_DRIFT), ())), None)
    sensitivity, specificity = (
        _finding_at(index, Kind.JUDGE, metric, top) for metric in ("sensitivity", "specificity")
    )
    is_corrected = any(finding.estimate is not None for finding in index.get((Kind.VALUE, Metric.CORRECTED_MEAN), ()))
    return Judge(
        grader=plan.grader,
        corrected=is_corrected,
        drift_gate=None if drift is None else _label(drift),
        sensitivity=None if sensitivity is None else number(sensitivity),
        specificity=None if specificity is None else number(specificity),
        reason=None if is_corrected else "no human labels: the scorer's own errors are not measured and not corrected",
    )


def _label(gate: Finding) -> Any:
    return "unknown" if gate.label is None else gate.label


def _finding_at(index: _Index, kind: str, metric: str, at: At) -> Finding | None:
    return next((finding for finding in index.get((kind, metric), ()) if _same_rung(finding.at, at)), None)


def _has(findings: Sequence[Finding], kind: str, metric: str) -> bool:
    return any((finding.kind, finding.metric) == (kind, metric) for finding in findings)


def _same_rung(a: At, b: At) -> bool:
    return a.rung == b.rung and a.from_rung is None


def selectors(curves: Sequence[Curve]) -> tuple[Selector, ...]:
    """Return every selector with a value, in the order of :data:`~overthink.data.selectors.CLAIMED_SELECTORS`."""
    names = {tries.selector for curve in curves for point in curve.points for tries in point.tries} | {Selector.SINGLE}
    return tuple(name for name in CLAIMED_SELECTORS if name in names)
