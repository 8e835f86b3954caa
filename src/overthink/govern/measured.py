"""From findings to the curves of a statement. Nothing is estimated here: numbers are looked up and arranged."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, get_args

from overthink.core.compute import budget_multiple
from overthink.core.finding import At, Finding
from overthink.core.record import Estimand
from overthink.errors import InputError
from overthink.govern.statement_curve import (
    Curve,
    Gate,
    Judge,
    K,
    Number,
    Plateau,
    Point,
    Reference,
    Selector,
    Shape,
    Test,
    Tries,
)
from overthink.plan import HIGH_WORDS, Plan

TOKENS_REFERENCE = "one attempt at the lowest rung of this curve, thinking and answer"
TRIES_REFERENCE = "one try; this curve has no token counts"
VALUE_METRICS = {"pass": "pass_at_k", "majority": "majority_at_k", "best": "best_at_k", "worst": "worst_at_k"}
"""By selector of several tries: the metric of its values."""

_Index = Mapping[tuple[str, str], Sequence[Finding]]


def curves(findings: Sequence[Finding], plan: Plan) -> tuple[Curve, ...]:
    """Every curve that the findings describe, in their order.

    Args:
        findings: All findings of a study.
        plan: Its plan.

    Raises:
        InputError: There is no value of any curve.
    """
    grouped: dict[str, list[Finding]] = {}
    for finding in findings:
        grouped.setdefault(curve_id(finding), []).append(finding)
    made = tuple(_curve(name, group, plan) for name, group in grouped.items() if _at(group, "value", "mean"))
    if not made:
        raise InputError("the findings hold no value of any curve (kind value, metric mean), so nothing can be claimed")
    return made


def curve_id(finding: Finding) -> str:
    """The start of the finding's id: the name of its curve."""
    return finding.id[: finding.id.rindex(f"/{finding.kind}/{finding.metric}")]


def number(finding: Finding, *, unit: str = "share") -> Number:
    """A finding's number as a statement holds it."""
    return Number.model_validate(
        {name: getattr(finding, name) for name in ("estimate", "low", "high", "level", "simultaneous", "reason")}
        | {"unit": unit, "finding": finding.id}
    )


def cost_of(curve: Curve, point: Point, tries: int) -> K:
    """K of so many tries at a rung: in tokens where they are known, else in tries."""
    return point.cost.model_copy(update={"value": tries * point.cost.value})


def as_test(finding: Finding) -> Test | None:
    """The finding's test."""
    told = finding.test
    return None if told is None else Test(name=told.name, p=told.p, p_adjusted=told.p_adjusted, mde=told.mde)


def _curve(name: str, found: Sequence[Finding], plan: Plan) -> Curve:
    index: dict[tuple[str, str], list[Finding]] = {}
    for finding in found:
        index.setdefault((finding.kind, finding.metric), []).append(finding)
    first = found[0]
    values = sorted(index["value", "mean"], key=lambda one: one.at.rung or 0)
    ref = _reference(index, values[0].at)
    return Curve.model_validate(
        {
            "id": name,
            **{field: getattr(first, field) for field in ("axis", "task", "arm", "scorer", "estimand")},
            "value_1_means": HIGH_WORDS[first.axis][0],
            "raw_high_means": _raw_high(first, plan),
            "n_questions": max(one.n_questions for one in values),
            "n_draws": max(one.n_draws for one in values),
            "points": tuple(_point(index, value, ref, _asked(value, plan)) for value in values),
            "plateau": _plateau(index, values, plan),
            "extreme": next((one.metric for one in found if one.kind == "extreme"), None),
            "effort_moved": None if first.estimand != "effort" else not index.get(("no_op", "effort")),
            "judge": _judge(index, values[-1].at, plan),
        }
    )


def _asked(value: Finding, plan: Plan) -> dict[str, Any]:
    """What was asked for at a rung; at a checkpoint of a loop, turns or tokens and no thinking budget or level."""
    at, loop = value.at, plan.checkpoints
    if loop is not None and value.estimand == Estimand.CHECKPOINT and at.effort in loop.labels:
        count = loop.at[loop.labels.index(at.effort)]
        field = "turns" if loop.unit == "turns" else "loop_tokens"
        return {"requested_tokens": None, "effort": None, field: count}
    return {"requested_tokens": at.requested_tokens, "effort": at.effort}


def _raw_high(finding: Finding, plan: Plan) -> str:
    """What a high raw score means, from the plan: a polarity is never guessed."""
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


def _reference(index: _Index, at: At) -> Reference:
    attempt = _one(index, "tokens", "attempt_tokens", at)
    if attempt is None or not attempt.estimate:
        return Reference(value=1.0, unit="tries", means=TRIES_REFERENCE)
    return Reference(value=attempt.estimate, unit="generated tokens per attempt", means=TOKENS_REFERENCE)


def _point(index: _Index, value: Finding, ref: Reference, asked: Mapping[str, Any]) -> Point:
    at = value.at
    names = ("thinking_tokens", "answer_tokens", "attempt_tokens")
    tokens: dict[str, Any] = {metric: _tokens(index, metric, at) for metric in names}
    cost = _cost(ref, tokens["attempt_tokens"].estimate)
    band, corrected = _one(index, "band", "mean", at), _one(index, "value", "corrected_mean", at)
    gates = {
        one.metric: one for (kind, _), some in index.items() if kind == "gate" for one in some if _same(one.at, at)
    }
    ended = gates.get("natural_end")
    known = ended is not None and ended.estimate is not None
    return Point(
        rung=at.rung or 0,
        **asked,
        **tokens,
        quantiles=_quantiles(index, at),
        cost=cost,
        n_questions=value.n_questions,
        n_draws=value.n_draws,
        value=number(value),
        band=None if band is None else number(band),
        corrected=None if corrected is None else number(corrected),
        tries=tuple(_tries(index, at, cost)),
        limit_hit_rate=1 - ended.estimate if ended is not None and ended.estimate is not None else None,
        limit_hit_reason=None if known else _why(ended),
        gates={name: Gate(result=_label(one), estimate=one.estimate) for name, one in gates.items()},
    )


def _why(ended: Finding | None) -> str:
    return (ended.reason if ended is not None else None) or "the findings do not say whether traces ended by themselves"


def _quantiles(index: _Index, at: At) -> dict[str, float]:
    found = {f"0.{q}": _one(index, "tokens", f"thinking_tokens_p{q}0", at) for q in (1, 5, 9)}
    return {level: one.estimate for level, one in found.items() if one is not None and one.estimate is not None}


def _tokens(index: _Index, metric: str, at: At) -> Number:
    found = _one(index, "tokens", metric, at)
    if found is not None:
        return number(found, unit="tokens")
    return Number(
        estimate=None, low=None, high=None, level=None, simultaneous=False, unit="tokens",
        reason="the findings hold no such count", finding=f"none: {metric}",
    )  # fmt: skip


def _cost(ref: Reference, attempt: float | None) -> K:
    if ref.unit == "tries" or not attempt:
        return K(basis="samples", ref=Reference(value=1.0, unit="tries", means=TRIES_REFERENCE), value=1.0)
    return K(basis="tokens", ref=ref, value=float(budget_multiple(attempt, reference=ref.value)))


def _tries(index: _Index, at: At, cost: K) -> list[Tries]:
    made = []
    for metric in VALUE_METRICS.values():
        for one in index.get(("value", metric), ()):
            if _same(one.at, at) and one.at.k is not None:
                spent = cost.model_copy(update={"value": one.at.k * cost.value})
                fields: dict[str, Any] = {"selector": one.at.selector, "k": one.at.k, "cost": spent}
                made.append(Tries(**fields, value=number(one)))
    return made


def _plateau(index: _Index, values: Sequence[Finding], plan: Plan) -> Plateau:
    shapes = tuple(
        Shape.model_validate(
            {
                "metric": one.metric,
                "verdict": one.label,
                "change": number(one, unit="difference of shares"),
                "test": as_test(one),
                "gates_failed": one.gates_failed,
            }
        )
        for metric in ("regimes", "max_t", "corrected_regimes", "corrected_max_t")
        for one in index.get(("shape", metric), ())
    )
    step = None
    if len(values) > 1:
        top, below = values[-1].at.rung, values[-2].at.rung
        steps = index.get(("difference", "mean"), ())
        step = next((one for one in steps if (one.at.rung, one.at.from_rung) == (top, below)), None)
    return Plateau(
        tested=any(one.test is not None and one.test.p is not None for one in shapes),
        shown=any(one.verdict in ("flat", "saturating") for one in shapes),
        margin=_margin(index, plan),
        top_step=None if step is None else number(step, unit="difference of shares"),
        shapes=shapes,
    )


def _margin(index: _Index, plan: Plan) -> float:
    """The margin that the verdicts were tested with, as they say it: an analysis may have been told another."""
    limits = [
        limit for metric in ("regimes", "max_t") for one in index.get(("shape", metric), ()) for limit in one.limits
    ]
    told = [re.match(r"margin (\d+(?:\.\d+)?) points", limit) for limit in limits]
    return next((float(found[1]) / 100 for found in told if found is not None), plan.margin)


def _judge(index: _Index, top: At, plan: Plan) -> Judge:
    drift = next(iter(index.get(("gate", "judge_drift"), ())), None)
    sensitivity, specificity = (_one(index, "judge", metric, top) for metric in ("sensitivity", "specificity"))
    corrected = any(one.estimate is not None for one in index.get(("value", "corrected_mean"), ()))
    return Judge(
        grader=plan.grader,
        corrected=corrected,
        drift_gate=None if drift is None else _label(drift),
        sensitivity=None if sensitivity is None else number(sensitivity),
        specificity=None if specificity is None else number(specificity),
        reason=None if corrected else "no human labels: the scorer's own errors are not measured and not corrected",
    )


def _label(gate: Finding) -> Any:
    return "unknown" if gate.label is None else gate.label


def _one(index: _Index, kind: str, metric: str, at: At) -> Finding | None:
    return next((one for one in index.get((kind, metric), ()) if _same(one.at, at)), None)


def _at(found: Sequence[Finding], kind: str, metric: str) -> bool:
    return any((one.kind, one.metric) == (kind, metric) for one in found)


def _same(one: At, other: At) -> bool:
    return one.rung == other.rung and one.from_rung is None


def selectors(found: Sequence[Curve]) -> tuple[Selector, ...]:
    """Every selector with a value, in the order of the product."""
    seen = {tries.selector for curve in found for point in curve.points for tries in point.tries} | {"single"}
    return tuple(name for name in get_args(Selector) if name in seen)
