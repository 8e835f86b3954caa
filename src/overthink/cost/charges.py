"""Cost of the tokens and the work of the model under test and of the other roles, in FLOP or USD."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from overthink.cost.units import Cost, ModelInfo, Unit
from overthink.cost.flop import Work
from overthink.data.outcomes import Outcomes
from overthink.cost.estimate import Rates

Array = NDArray[np.float64]

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
