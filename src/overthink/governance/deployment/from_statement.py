"""A policy from a statement: the highest budget at which its claims hold becomes the budget of the deployment."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from overthink.errors import InputError
from overthink.governance.deployment.policy import Budget, Policy, Rule, Tries
from overthink.governance.statement.curve_schema import Curve
from overthink.governance.statement.schema import Statement

_ESTIMANDS = ("forced", "truncated", "effort")
"""Estimands whose top rung is a budget that a request can ask for."""
T = TypeVar("T")


def compile_policy(statement: Statement, *, models: Sequence[str] = (), budgets: Sequence[Budget] = ()) -> Policy:
    """Return the policy that holds a deployment to what a statement evaluated.

    Of every arm the lowest top rung of its curves counts, so that no curve ends below it; of all arms the highest.

    Args:
        statement: A statement that was checked.
        models: Names by which the model is called; none for its own, with and without its provider.
        budgets: Amounts per window and for life, which no statement has.

    Raises:
        InputError: It names no model, or its ladder is one of loops, whose turns no request shows.
    """
    how = statement.elicitation
    if how.checkpoints is not None:
        raise InputError(
            f"the statement holds for {how.checkpoints.labels[-1]} of a loop of tool calls, and a gateway sees "
            "requests, not loops; needed: a statement of thinking budgets or efforts"
        )
    if statement.model is None and not models:
        raise InputError("the statement names no model; name it with --model")
    curves = [curve for curve in statement.curves if curve.estimand in _ESTIMANDS]
    if not curves:
        raise InputError(
            "no curve of the statement has a budget that a request can ask for; needed: forced budgets, caps or efforts"
        )
    thinking = max(_least(curves, lambda curve: curve.points[-1].requested_tokens), default=None)
    efforts = max(_common_efforts(curves), key=len, default=None)
    unknown = {}
    if thinking is None:
        unknown["thinking_tokens"] = "the statement's ladder is one of efforts, which have no number of tokens"
    if efforts is None:
        unknown["efforts"] = "the statement's ladder is one of budgets; a request that names an effort is refused"
    if how.answer_tokens is None:
        unknown["output_tokens"] = "no plan says how long an answer could be"
    rule = Rule(
        models=tuple(dict.fromkeys(models)) or _names(statement.model or ""),
        thinking_tokens=thinking,
        output_tokens=how.answer_tokens,
        efforts=efforts,
        tries=Tries(per_key=max(_least(curves, _most_tries), default=1)),
        budgets=tuple(budgets),
    )
    return Policy(
        statement=statement.id,
        active_parameters=statement.stated.active_parameters,
        rules=(rule,),
        unknown=unknown,
    )


def _names(model: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys((model, model.partition("/")[2] or model)))


def _by_arm(curves: Sequence[Curve]) -> Iterator[list[Curve]]:
    for arm in dict.fromkeys(curve.arm for curve in curves):
        yield [curve for curve in curves if curve.arm == arm]


def _least(curves: Sequence[Curve], number: Callable[[Curve], int | None]) -> list[int]:
    """Return for every arm whose curves all have a number the least of them."""
    numbers = [[number(curve) for curve in of_arm] for of_arm in _by_arm(curves)]
    return [min(n for n in of_arm if n is not None) for of_arm in numbers if None not in of_arm]


def _common_efforts(curves: Sequence[Curve]) -> list[tuple[str, ...]]:
    """Return for every arm the efforts that all its curves have, in their order; arms without any are left out."""
    common = []
    for of_arm in _by_arm(curves):
        first, *rest = [[point.effort for point in curve.points if point.effort is not None] for curve in of_arm]
        common.append(tuple(effort for effort in first if all(effort in other for other in rest)))
    return [efforts for efforts in common if efforts]


def _most_tries(curve: Curve) -> int:
    return max((tries.k for tries in curve.points[-1].tries if tries.value.estimate is not None), default=1)


def excesses(policy: Policy, own: Policy) -> dict[str, str]:
    """Return every limit that is looser than the statement, with what the statement has, by its path.

    Args:
        policy: The policy.
        own: What the statement gives.
    """
    limit = own.rules[0]
    paths: dict[str, str] = {}
    for number, rule in enumerate(policy.rules):
        rows: list[tuple[str, bool, object]] = [
            ("models", not set(rule.models) <= set(limit.models), ", ".join(limit.models)),
            ("thinking_tokens", _is_more(rule.thinking_tokens, limit.thinking_tokens), limit.thinking_tokens),
            ("output_tokens", _is_more(rule.output_tokens, limit.output_tokens), limit.output_tokens),
            ("tries.per_key", _is_more(rule.tries.per_key, limit.tries.per_key), limit.tries.per_key),
            (
                "tries.window_seconds",
                rule.tries.window_seconds is not None and limit.tries.window_seconds is None,
                "tries for life",
            ),
            ("tries.scope", rule.tries.scope == "principal", "tries of an organisation"),
            ("efforts", not set(rule.efforts or ()) <= set(limit.efforts or ()), ", ".join(limit.efforts or ("none",))),
        ]
        paths |= {f"rules.{number}.{field}": str(value) for field, is_looser, value in rows if is_looser}
    return paths


def require_no_excess(policy: Policy, own: Policy, name: str) -> None:
    """Raise an error unless a policy stays within the statement, or says by whom and why it does not.

    Args:
        policy: The policy.
        own: What the statement gives.
        name: Name of the policy's file in messages.

    Raises:
        InputError: It is of another statement, or a limit is looser without a deviation that names it.
    """
    if policy.statement != own.statement:
        raise InputError(f"{name} is for statement {policy.statement}; needed: one for {own.statement}")
    names = {deviation.field for deviation in policy.deviations}
    looser = {path: limit for path, limit in excesses(policy, own).items() if path not in names}
    if looser:
        raise InputError(
            f"{name} is looser than the statement; needed: its limits, or an entry of deviations that names by whom "
            "and why:",
            *(f"  {path}: the statement has {limit}" for path, limit in looser.items()),
        )


def _is_more(value: int | None, limit: int | None) -> bool:
    return limit is not None and (value is None or value > limit)
