"""Cost of an attempt, of scoring its answer, and of a row of the pool, in tokens, FLOP, USD or seconds.

Cost of the tokens and the work of the model under test and of the other roles, in FLOP or USD.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from overthink.cost.attempt import (
    answer_verifier_tokens,
    attempt_overhead,
    attempt_prompt,
    attempt_tokens,
    attempt_work,
    output_excludes_reasoning,
)
from overthink.cost.estimate import Rates
from overthink.cost.flop import Work
from overthink.cost.ledger import paid_work
from overthink.cost.units import Cost, ModelInfo, ModelRoles, Unit
from overthink.data.arrays import Array
from overthink.data.blocks import is_unknown
from overthink.data.outcomes import Outcomes
from overthink.data.record import Category, Estimand
from overthink.data.tokens import increments, sum_verifier_tokens

NO_HARDWARE = "no FLOP per byte of the hardware are stated: --flop-per-byte"
NO_COUNT = "the source does not count the tokens"
NO_DISCOUNT = "no prompt token is priced as a cached one"
STATED = "(--model-shape)"
SINGLE_SEQUENCE = "every sequence is decoded alone, so that each token reads all weights"


def counted_cost(outcomes: Outcomes, amount: Array, reason: str) -> Cost:
    """An amount as a cost, with the reason if it is unknown for some row."""
    return Cost(amount, (reason,) if (np.isnan(amount) & outcomes.observed).any() else ())


def flop_cost(outcomes: Outcomes, model: ModelInfo, work: Work, unit: Unit, *, flop_per_byte: float | None) -> Cost:
    """FLOP of the model under test; without its layers or width the weights alone, which is a lower bound."""
    shape, effective = model.shape, unit is Unit.EFFECTIVE_FLOP
    missing = work.missing if effective else ("active parameters",) if shape.active_parameters is None else ()
    if (effective and flop_per_byte is None) or missing:
        reason = f"size of model {model.name}: {', '.join(missing)} {STATED}" if missing else NO_HARDWARE
        return Cost(np.full(work.flop.shape, np.nan), (reason,))
    if effective and flop_per_byte is not None:
        flop = work.effective_flop(flop_per_byte=flop_per_byte)
        return replace(
            counted_cost(outcomes, flop, NO_COUNT),
            at_least=work.left_out,
            assumptions=(*work.assumptions, SINGLE_SEQUENCE),
        )
    if shape.attention_flop_per_position is None:
        left_out = (f"attention of model {model.name}", *work.left_out)
        return replace(counted_cost(outcomes, work.matmul, NO_COUNT), at_least=left_out, assumptions=work.assumptions)
    return replace(counted_cost(outcomes, work.flop, NO_COUNT), at_least=work.left_out, assumptions=work.assumptions)


def usd_cost(outcomes: Outcomes, model: ModelInfo, *, n_read: Array, n_cached: Array, n_decoded: Array) -> Cost:
    """Price of the tokens of the model under test; cached tokens count as 0 where unknown."""
    rates = model.rates
    if model.free:
        return Cost(np.where(outcomes.observed, 0.0, np.nan))
    if rates is None:
        return Cost(np.full(n_read.shape, np.nan), (f"price of model {model.name}",))
    from_cache = np.minimum(np.nan_to_num(n_cached), np.nan_to_num(n_read))
    bill = rates.prompt * (n_read - from_cache) + rates.cached * from_cache + rates.decoded * n_decoded
    cache_unknown = rates.cached != rates.prompt and (np.isnan(n_cached) & (n_read > 0)).any()
    assumptions = (_price_source(rates), *((NO_DISCOUNT,) if cache_unknown else ()))
    return replace(counted_cost(outcomes, bill, NO_COUNT), assumptions=assumptions)


def role_cost(name: str, models: Sequence[ModelInfo], tokens: Array, unit: Unit) -> Cost:
    """Cost of another role. Prompt and decoded tokens are not distinguished: each costs as much as a prompt token.

    Args:
        name: Name of the role, such as "guard".
        models: Its models.
        tokens: Prompt and decoded tokens together; uncounted ones are 0.
        unit: Unit of the cost.
    """
    if unit is Unit.TOKENS or not tokens.any():
        return Cost(tokens)
    label = f"{name} {', '.join(party.name for party in models)}"
    prices = {_token_cost(party, unit) for party in models}
    price = next(iter(prices), None)
    if len(prices) == 1 and price is not None:
        return Cost(tokens * price, (), *_role_notes(models[0], unit, label)) if price else Cost(tokens * price)
    quantity, option_hint = ("price", "") if unit is Unit.USD else ("size", f" {STATED}")
    reason = (
        f"{quantity} of {label}{option_hint}" if models else f"{quantity} of the {name}s: who they are is not stated"
    )
    if len(prices) > 1:
        reason = f"{quantity} of {label}: they differ, and their tokens are told in one sum"
    return Cost(np.where(tokens == 0, 0.0, np.nan), unknown=(reason,))


def _token_cost(model: ModelInfo, unit: Unit) -> float | None:
    """Minimum cost of a token of a model."""
    if unit is Unit.USD:
        price = None if model.rates is None else min(model.rates.prompt, model.rates.decoded)
        return 0.0 if model.free else price
    return None if model.shape.active_parameters is None else 2 * model.shape.active_parameters


def _role_notes(model: ModelInfo, unit: Unit, label: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What the cost of another role leaves out, and its assumptions."""
    if unit is Unit.USD:
        prices = () if model.rates is None else (_price_source(model.rates),)
        return (f"the price of what {label} wrote over what it read",), (*prices, NO_DISCOUNT)
    traffic = (f"memory traffic of {label}",) if unit is Unit.EFFECTIVE_FLOP else ()
    return (f"attention of {label}", *traffic), (f"no token of {label} came from a cache",)


def _price_source(rates: Rates) -> str:
    return f"the prices of {rates.source}"


NO_SIZE = "no model size is stated: --model-shape"
NO_PRICE = "no price is known: who works for the arm is not stated"
NO_TIME = "nobody took the time"
NO_PROMPT = "the reading of prompts, whose tokens are not counted"
NO_REASONING = "reasoning, which the provider leaves out of its output tokens"


def attempt_cost(
    outcomes: Outcomes, roles: ModelRoles | None, unit: Unit, *, prompts: bool, flop_per_byte: float | None
) -> Cost:
    """Cost of one attempt by itself: its decoded tokens, guards and step verifiers, and on request its prompt.

    Judges and verifiers of answers are excluded: judges only measure, and answer verifiers are a cost of best-of-k
    alone (:func:`verifier_cost`). In tokens it is :func:`~overthink.cost.attempt.strategy_tokens`, plus the prompt.

    Args:
        outcomes: The curve.
        roles: Models of its arm by role; None where unknown. Tokens and seconds need none.
        unit: Unit of the cost.
        prompts: Whether reading the prompt is included. Decoded tokens attend to the prompt in any case.
            Seconds are those of the whole attempt, always.
        flop_per_byte: Peak FLOP/s of the hardware over its bandwidth; None leaves effective FLOP unknown.

    Example:
        >>> from overthink.cost.model_shape import ModelShape
        >>> from overthink.data.outcomes import from_records
        >>> from overthink.data.record import Axis, RungRecord
        >>> row = RungRecord("s", "a", Axis.CAPABILITY, "t", "m", "q", 0, 0, Estimand.EFFORT, thinking_tokens=7,
        ...     answer_tokens=3, generated_tokens=10, prompt_tokens=5)
        >>> roles = ModelRoles(ModelInfo("small", ModelShape(1e9, 1e9)))
        >>> cost = attempt_cost(*from_records([row]), roles, Unit.FLOP, prompts=True, flop_per_byte=None)
        >>> cost.amount.item(), cost.at_least
        (30000000000.0, ('attention of model small',))
    """
    if unit is Unit.SECONDS:
        return counted_cost(outcomes, outcomes.attempt_seconds, NO_TIME)
    if unit is Unit.TOKENS:
        n_decoded = attempt_tokens(outcomes)
        model_cost = counted_cost(outcomes, n_decoded + attempt_prompt(outcomes) if prompts else n_decoded, NO_COUNT)
    elif roles is None:
        return _unknown_models(outcomes, unit)
    elif unit is Unit.USD:
        n_read = attempt_prompt(outcomes) if prompts else np.zeros(outcomes.observed.shape)
        n_cached, n_decoded = np.full_like(n_read, np.nan), attempt_tokens(outcomes)
        model_cost = usd_cost(outcomes, roles.model, n_read=n_read, n_cached=n_cached, n_decoded=n_decoded)
    else:
        reading, decoding = attempt_work(outcomes, roles.model.shape)
        work = reading + decoding if prompts else decoding
        model_cost = flop_cost(outcomes, roles.model, work, unit, flop_per_byte=flop_per_byte)
    overhead = (attempt_overhead(outcomes, category) for category in (Category.GUARD, Category.VERIFIER))
    role_tokens = _trace_role_tokens(roles, *overhead)
    return _add_role_costs(outcomes, model_cost, role_tokens, unit)


def verifier_cost(outcomes: Outcomes, roles: ModelRoles | None, unit: Unit, *, flop_per_byte: float | None) -> Cost:
    """Cost of scoring the answer of one attempt: the cost of best-of-k for each of its tries.

    Args:
        outcomes: The curve.
        roles: Models of its arm by role; None where unknown.
        unit: Unit of the cost. Seconds of verifiers are not recorded separately.
        flop_per_byte: As for :func:`attempt_cost`.
    """
    tokens = answer_verifier_tokens(outcomes)
    tokens_cost = counted_cost(outcomes, tokens, NO_COUNT)
    if unit is Unit.TOKENS:
        return tokens_cost
    if unit is Unit.SECONDS:
        return counted_cost(
            outcomes, np.where(tokens == 0, 0.0, np.nan), "the time of answer verifiers is not told apart"
        )
    if unit is Unit.EFFECTIVE_FLOP and flop_per_byte is None:
        return counted_cost(outcomes, np.where(tokens == 0, 0.0, np.nan), NO_HARDWARE)
    if roles is None:
        return counted_cost(outcomes, np.where(tokens == 0, 0.0, np.nan), NO_PRICE if unit is Unit.USD else NO_SIZE)
    score_cost = role_cost("answer verifier", roles.verifiers, np.nan_to_num(tokens), unit)
    return replace(
        score_cost, amount=score_cost.amount + 0 * tokens, unknown=(*tokens_cost.unknown, *score_cost.unknown)
    )


def paid_cost(outcomes: Outcomes, roles: ModelRoles | None, unit: Unit, *, flop_per_byte: float | None) -> Cost:
    """Cost of the new tokens of every row, over all roles: the model under test, guards, verifiers and judges.

    Args:
        outcomes: The curve.
        roles: Models of its arm by role; None where unknown.
        unit: Unit of the cost. FLOP are a lower bound for these tokens (:func:`~overthink.cost.ledger.paid_work`).
            Seconds leave judges out.
        flop_per_byte: As for :func:`attempt_cost`.
    """
    if unit is Unit.SECONDS:
        return counted_cost(outcomes, outcomes.seconds, NO_TIME)
    n_decoded = outcomes.generated_tokens
    if unit is Unit.TOKENS:
        model_cost = counted_cost(outcomes, n_decoded + np.nan_to_num(outcomes.prompt_tokens), NO_COUNT)
    elif roles is None:
        return _unknown_models(outcomes, unit)
    elif unit is Unit.USD:
        n_read = np.nan_to_num(outcomes.prompt_tokens)
        model_cost = usd_cost(
            outcomes, roles.model, n_read=n_read, n_cached=outcomes.cached_tokens, n_decoded=n_decoded
        )
    else:
        reading, decoding = paid_work(outcomes, roles.model.shape)
        model_cost = flop_cost(outcomes, roles.model, reading + decoding, unit, flop_per_byte=flop_per_byte)
    if unit is not Unit.USD or not (roles and roles.model.free):
        model_cost = replace(model_cost, at_least=(*model_cost.at_least, *_uncounted_parts(outcomes)))
    guard_tokens, step_tokens = increments(outcomes.guard_tokens), increments(outcomes.step_verifier_tokens)
    verifiers, judges = (roles.verifiers, roles.judges) if roles else ((), ())
    # A source that records step verifier tokens alone has no answer verifier.
    answer_tokens = (
        outcomes.verifier_tokens if verifiers else sum_verifier_tokens(outcomes.verifier_tokens, 0 * step_tokens)
    )
    others = [
        *_trace_role_tokens(roles, guard_tokens, step_tokens),
        ("answer verifier", verifiers, answer_tokens),
        ("judge", judges, outcomes.judge_tokens),
    ]
    return _add_role_costs(outcomes, model_cost, others, unit)


def _uncounted_parts(outcomes: Outcomes) -> Iterator[str]:
    """The parts of the model's own tokens that rows do not record."""
    if (np.isnan(outcomes.prompt_tokens) & outcomes.observed & (outcomes.generated_tokens != 0)).any():
        yield NO_PROMPT
    if outcomes.estimand is Estimand.EFFORT and output_excludes_reasoning(outcomes):
        yield NO_REASONING


_RoleTokens = list[tuple[str, tuple[ModelInfo, ...], Array]]
"""By role: its name, its models, and their tokens, prompt and decoded together."""


def _trace_role_tokens(roles: ModelRoles | None, guard_tokens: Array, step_tokens: Array) -> _RoleTokens:
    """Tokens of guards and step verifiers; a role without models and without known tokens is not used."""
    guards, verifiers = (roles.guards, roles.step_verifiers) if roles else ((), ())
    role_tokens = [("guard", guards, guard_tokens), ("step verifier", verifiers, step_tokens)]
    return [
        (name, models, tokens if models else np.nan_to_num(tokens))
        for name, models, tokens in role_tokens
        if models or not is_unknown(tokens)
    ]


def _add_role_costs(outcomes: Outcomes, model_cost: Cost, role_tokens: _RoleTokens, unit: Unit) -> Cost:
    """The model's own cost plus that of the other roles; uncounted tokens of theirs make it a lower bound."""
    for name, models, tokens in role_tokens:
        some_unknown = (np.isnan(tokens) & outcomes.observed).any()
        left_out = (f"the part of {name}s, whose tokens are not counted",) if some_unknown else ()
        model_cost = model_cost + replace(
            cost := role_cost(name, models, np.nan_to_num(tokens), unit), at_least=left_out + cost.at_least
        )
    return model_cost


def _unknown_models(outcomes: Outcomes, unit: Unit) -> Cost:
    unknown = np.broadcast_to(np.nan, outcomes.observed.shape)
    return Cost(unknown, (NO_PRICE if unit is Unit.USD else NO_SIZE,))
