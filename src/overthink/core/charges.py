"""What the model under test and others charge for their tokens and their work, in FLOP or USD."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from overthink.core.costing import Cost, Party, Unit
from overthink.core.flop import Work
from overthink.core.outcomes import Outcomes
from overthink.core.spending import Rates

Array = NDArray[np.float64]

NO_HARDWARE = "no FLOP per byte of the hardware are stated: --flop-per-byte"
NO_COUNT = "the source does not count the tokens"
NO_DISCOUNT = "no prompt token is priced as a cached one"
STATED = "(--model-shape)"
ALONE = "every sequence is decoded alone, so that each token reads all weights"


def counted(outcomes: Outcomes, amount: Array, reason: str) -> Cost:
    """An amount, and the reason if some row has none."""
    return Cost(amount, (reason,) if (np.isnan(amount) & outcomes.observed).any() else ())


def flop_cost(outcomes: Outcomes, model: Party, work: Work, unit: Unit, *, flop_per_byte: float | None) -> Cost:
    """FLOP of the model under test; without its layers or width the weights alone, which is a lower bound."""
    shape, effective = model.shape, unit is Unit.EFFECTIVE_FLOP
    missing = work.missing if effective else ("active parameters",) if shape.active_parameters is None else ()
    if (effective and flop_per_byte is None) or missing:
        why = f"size of model {model.name}: {', '.join(missing)} {STATED}" if missing else NO_HARDWARE
        return Cost(np.full(work.flop.shape, np.nan), (why,))
    if effective and flop_per_byte is not None:
        flop = work.effective_flop(flop_per_byte=flop_per_byte)
        return replace(counted(outcomes, flop, NO_COUNT), at_least=work.left_out, assumed=(*work.assumed, ALONE))
    if shape.attention_flop_per_position is None:
        left_out = (f"attention of model {model.name}", *work.left_out)
        return replace(counted(outcomes, work.matmul, NO_COUNT), at_least=left_out, assumed=work.assumed)
    return replace(counted(outcomes, work.flop, NO_COUNT), at_least=work.left_out, assumed=work.assumed)


def usd_cost(outcomes: Outcomes, model: Party, *, read: Array, cached: Array, decoded: Array) -> Cost:
    """The bill of the model under test; where nobody tells what came from a cache, nothing did."""
    rates = model.rates
    if model.free:
        return Cost(np.where(outcomes.observed, 0.0, np.nan))
    if rates is None:
        return Cost(np.full(read.shape, np.nan), (f"price of model {model.name}",))
    from_cache = np.minimum(np.nan_to_num(cached), np.nan_to_num(read))
    bill = rates.prompt * (read - from_cache) + rates.cached * from_cache + rates.decoded * decoded
    untold = rates.cached != rates.prompt and (np.isnan(cached) & (read > 0)).any()
    assumed = (_prices_of(rates), *((NO_DISCOUNT,) if untold else ()))
    return replace(counted(outcomes, bill, NO_COUNT), assumed=assumed)


def role_cost(name: str, who: Sequence[Party], tokens: Array, unit: Unit) -> Cost:
    """What others take. Who reads and who writes of these tokens is not told: each costs what a read one does.

    Args:
        name: What one of them is called, such as "guard".
        who: Who they are.
        tokens: Prompt and decoded tokens together; those that nobody counted are 0.
        unit: What is counted.
    """
    if unit is Unit.TOKENS or not tokens.any():
        return Cost(tokens)
    named = f"{name} {', '.join(party.name for party in who)}"
    each = {_token_cost(party, unit) for party in who}
    one = next(iter(each), None)
    if len(each) == 1 and one is not None:
        return Cost(tokens * one, (), *_of_others(who[0], unit, named)) if one else Cost(tokens * one)
    what, how = ("price", "") if unit is Unit.USD else ("size", f" {STATED}")
    reason = f"{what} of {named}{how}" if who else f"{what} of the {name}s: who they are is not stated"
    if len(each) > 1:
        reason = f"{what} of {named}: they differ, and their tokens are told in one sum"
    return Cost(np.where(tokens == 0, 0.0, np.nan), unknown=(reason,))


def _token_cost(party: Party, unit: Unit) -> float | None:
    """The least that a token of a party costs."""
    if unit is Unit.USD:
        known = None if party.rates is None else min(party.rates.prompt, party.rates.decoded)
        return 0.0 if party.free else known
    return None if party.shape.active_parameters is None else 2 * party.shape.active_parameters


def _of_others(one: Party, unit: Unit, named: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What is left out of the cost of others, and what it takes for granted."""
    if unit is Unit.USD:
        prices = () if one.rates is None else (_prices_of(one.rates),)
        return (f"the price of what {named} wrote over what it read",), (*prices, NO_DISCOUNT)
    traffic = (f"memory traffic of {named}",) if unit is Unit.EFFECTIVE_FLOP else ()
    return (f"attention of {named}", *traffic), (f"no token of {named} came from a cache",)


def _prices_of(rates: Rates) -> str:
    return f"the prices of {rates.source}"
