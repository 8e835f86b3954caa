"""A policy from a statement, whose highest budget becomes a deployment's; and usage that goes beyond a statement."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

from overthink.data.ladder import LEVELS
from overthink.errors import InputError
from overthink.governance.deployment.policy import MAX_BUDGETS, MAX_MODELS, Budget, Policy, Rule, Tries, is_name
from overthink.governance.deployment.usage_chain import Entry, chain_ends, missing_end, read_chain
from overthink.governance.statement.curve_schema import Curve
from overthink.governance.statement.read import Fault
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
        InputError: It names no model, its ladder is one of loops, whose turns no request shows, or no request can ask
            for its rungs; or a name or a budget is none that a policy can hold.
    """
    how = statement.elicitation
    names = tuple(dict.fromkeys(models)) or _names(statement.model or "")
    if how.checkpoints is not None:
        raise InputError(
            f"the statement holds for {how.checkpoints.labels[-1]} of a loop of tool calls, and a gateway sees "
            "requests, not loops; needed: a statement of thinking budgets or efforts"
        )
    if statement.model is None and not models:
        raise InputError("the statement names no model; name it with --model")
    _require_names(names)
    _require_budgets(budgets, statement.stated.active_parameters)
    curves = [curve for curve in statement.curves if curve.estimand in _ESTIMANDS]
    if not curves:
        raise InputError(
            "no curve of the statement has a budget that a request can ask for; needed: forced budgets, caps or efforts"
        )
    thinking = max(_least(curves, lambda curve: curve.points[-1].requested_tokens), default=None)
    efforts = max(_common_efforts(curves), key=len, default=None)
    unknown = {}
    if thinking is None and efforts is None:
        raise InputError(
            f"the rungs of the statement are {_rung_words(curves)}, and no request can ask for them; needed: rungs of "
            f"thinking tokens, or of plain efforts ({', '.join(LEVELS)})"
        )
    if thinking is None:
        unknown["thinking_tokens"] = "the statement's ladder is one of efforts, which have no number of tokens"
    if efforts is None:
        unknown["efforts"] = "the statement's ladder has no plain efforts; a request that names an effort is refused"
    if how.answer_tokens is None:
        unknown["output_tokens"] = "no plan says how long an answer could be"
    rule = Rule(
        models=names,
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


def _require_names(names: Sequence[str]) -> None:
    """Raise an error unless a rule can hold these names of models."""
    if len(names) > MAX_MODELS:
        raise InputError(f"--model names {len(names):,} models; needed: at most {MAX_MODELS} names of one model")
    for name in names:
        if not is_name(name):
            raise InputError(
                f"{name[:80]!r} ({len(name):,} characters) is no name of a model that a rule can hold; needed: 1 to "
                "200 characters without a control character; give one with --model"
            )


def _require_budgets(budgets: Sequence[Budget], active_parameters: float | None) -> None:
    """Raise an error unless a rule can hold these budgets."""
    if len(budgets) > MAX_BUDGETS:
        raise InputError(f"--budget is there {len(budgets):,} times; needed: at most {MAX_BUDGETS} budgets of one rule")
    if active_parameters is None and any(budget.unit == "flop" for budget in budgets):
        raise InputError(
            "a budget is in FLOP, and the statement has no active_parameters to count them by; needed: a budget in "
            "tokens, as 100000/1d, or a statement with active_parameters among its facts"
        )


def _by_arm(curves: Sequence[Curve]) -> Iterator[list[Curve]]:
    for arm in dict.fromkeys(curve.arm for curve in curves):
        yield [curve for curve in curves if curve.arm == arm]


def _least(curves: Sequence[Curve], number: Callable[[Curve], int | None]) -> list[int]:
    """Return for every arm whose curves all have a number the least of them."""
    numbers = [[number(curve) for curve in of_arm] for of_arm in _by_arm(curves)]
    return [min(n for n in of_arm if n is not None) for of_arm in numbers if None not in of_arm]


def _common_efforts(curves: Sequence[Curve]) -> list[tuple[str, ...]]:
    """Return for every arm the plain efforts that all its curves have, in their order; arms without any are absent."""
    common = []
    for of_arm in _by_arm(curves):
        first, *rest = map(_plain_efforts, of_arm)
        common.append(tuple(effort for effort in first if all(effort in other for other in rest)))
    return [efforts for efforts in common if efforts]


def _plain_efforts(curve: Curve) -> list[str]:
    """Return the rungs of a curve that are levels of effort and nothing else.

    A label such as "low, at most 4096 tokens" is no effort that a model's server takes; where rungs have a number of
    thinking tokens, that number is the budget, and "none" among them only turns thinking off.
    """
    if any(point.requested_tokens is not None for point in curve.points):
        return []
    return [point.effort for point in curve.points if point.effort in LEVELS]


def _rung_words(curves: Sequence[Curve]) -> str:
    labels = dict.fromkeys(repr(str(point.effort)[:40]) for curve in curves for point in curve.points)
    return ", ".join(list(labels)[:5])


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


BEYOND = "beyond"
"""Rule of what was used beyond what was evaluated."""
CHAIN = "chain"
"""Rule of the lines of a ledger: each follows the one before."""
SHOWN = 40


def audit(
    ledgers: Mapping[str, bytes], statement: str, rule: Rule, heads: Mapping[str, tuple[int, str]] | None = None
) -> tuple[Fault, ...]:
    """Return what went beyond a statement, and every fault of the ledgers themselves.

    Args:
        ledgers: Usage ledgers by name: one of each replica, which add up.
        statement: Id of the statement.
        rule: What it evaluated.
        heads: Where each ledger ended by the gateway's store: by the hash of its first line the number of lines, and
            the hash of the last. None where the store is not at hand.

    Raises:
        InputError: A file is no usage ledger.
    """
    faults: list[Fault] = []
    tries: dict[tuple[str, str], int] = defaultdict(int)
    for name, content in ledgers.items():
        for number, entry in enumerate(_entries(content, name, faults), 1):
            where = f"{name}, entry {number}"
            faults += [Fault(BEYOND, where, reason) for reason in _excess(entry, statement, rule)]
            if entry.family:
                tries[entry.organisation, entry.family] += entry.tries
    faults += [] if heads is None else _missing(ledgers, heads)
    most = rule.tries.per_key
    for (organisation, family), count in sorted(tries.items(), key=lambda item: -item[1]):
        if most is not None and count > most:
            reason = f"{count:,} tries of one request by {organisation}; evaluated: {most:,}"
            faults.append(Fault(BEYOND, family, reason))
    more = len(faults) - SHOWN
    return (*faults[:SHOWN], *([Fault(BEYOND, "the whole", f"and {more:,} more")] if more > 0 else []))


def _missing(ledgers: Mapping[str, bytes], heads: Mapping[str, tuple[int, str]]) -> Iterator[Fault]:
    for name, content in ledgers.items():
        reason = missing_end(content, heads)
        if reason is not None:
            yield Fault(CHAIN, name, reason)
    starts = {chain_ends(content)[0] for content in ledgers.values() if b"\n" in content}
    for start, (lines, _) in heads.items():
        if start not in starts:
            yield Fault(CHAIN, "the store", f"it knows a ledger of {lines:,} lines that is not here ({start[:12]}…)")


def _entries(content: bytes, name: str, faults: list[Fault]) -> Iterator[Entry]:
    for item in read_chain(content, name):
        if isinstance(item, str):
            faults.append(Fault(CHAIN, name, item))
        else:
            yield item


def _excess(entry: Entry, statement: str, rule: Rule) -> Iterator[str]:
    who = f"{entry.principal}, {entry.model}"
    if entry.statement != statement:
        yield f"it is of statement {entry.statement[:40]}; needed: {statement}"
    if entry.end == "refused":
        return
    if rule.thinking_tokens is not None and entry.thinking_tokens > rule.thinking_tokens:
        yield f"{who}: {entry.thinking_tokens:,} thinking tokens of a sample; evaluated: {rule.thinking_tokens:,}"
    most = rule.sample_tokens
    if most is not None and entry.generated_tokens > most * max(1, entry.tries):
        yield (
            f"{who}: {entry.generated_tokens:,} tokens of {max(1, entry.tries)} sample(s); evaluated: {most:,} each, "
            "thinking and answer"
        )
    if entry.effort is not None and entry.effort not in (rule.efforts or ()):
        evaluated = ", ".join(rule.efforts or ("none",))
        yield f"{who}: effort {entry.effort[:40]!r}; evaluated: {evaluated}"
    if entry.end == "uncounted":
        yield f"{who}: it was let through while the store was down, and counted nowhere"
