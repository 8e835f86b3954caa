"""What an attempt of a curve takes, in the unit that the evaluator chose, and what must be said of that number."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from overthink.core.amounts import noun
from overthink.core.bills import attempt_cost, verifier_cost
from overthink.core.charges import STATED
from overthink.core.costing import Cost, Parties, Unit
from overthink.core.curve import question_means
from overthink.core.findings.page import Analysis
from overthink.core.outcomes import Outcomes

Array = NDArray[np.float64]

UNCOUNTED = "the source does not count the tokens of an attempt"

OTHER_MODELS = (
    "guards and step verifiers are other models: a token of theirs may be cheaper or dearer than one of the model's"
)
TIMED = "seconds are those of this run: how busy its server was, and how many it served at once, is in them"


@dataclass(frozen=True, slots=True, eq=False)
class Priced:
    """What an attempt at each rung of a curve takes.

    Attributes:
        unit: What is counted.
        cells: (question, rung) mean over draws; NaN where unknown.
        unknown: Why something is unknown.
        notes: What is left out of the number, so that it is a lower bound, and what it takes for granted.
        sizeless: Models whose sizes would make it known.
    """

    unit: Unit
    cells: Array
    unknown: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    sizeless: tuple[str, ...] = ()

    @property
    def reason(self) -> str:
        """Why a rung has no number."""
        return why_unknown([self])


def attempt_price(table: Outcomes, analysis: Analysis, *, prompts: bool) -> Priced:
    """One attempt, made by itself: what it decodes, its guards and step verifiers, and its prompt if asked.

    Args:
        table: The curve.
        analysis: Says the unit, and who works for the curve's arm.
        prompts: Whether the prompt is counted.
    """
    parties, unit = analysis.parties.get(table.arm), analysis.unit
    cost = attempt_cost(table, parties, unit, prompts=prompts, flop_per_byte=analysis.flop_per_byte)
    return _priced(cost, parties, unit)


def verifier_price(table: Outcomes, analysis: Analysis) -> Priced:
    """What a verifier takes to score the answer of one attempt."""
    parties, unit = analysis.parties.get(table.arm), analysis.unit
    return _priced(verifier_cost(table, parties, unit, flop_per_byte=analysis.flop_per_byte), parties, unit)


def why_unknown(prices: Sequence[Priced]) -> str:
    """Why curves have no number at some rung, and which options would give them one.

    >>> why_unknown([Priced(Unit.FLOP, np.array([]), ("size of model a",), sizeless=("a",))])
    'FLOP unknown: size of model a; state it with --model-shape a=parameters:8e9 or the like'
    """
    unknown = tuple(dict.fromkeys(one for price in prices for one in price.unknown))
    unit = prices[0].unit
    if unit is Unit.TOKENS or not unknown:
        return UNCOUNTED
    names = dict.fromkeys(name for price in prices for name in price.sizeless)
    options = " ".join(f"--model-shape {name}=parameters:8e9" for name in names)
    remedy = f"; state {'them' if len(names) > 1 else 'it'} with {options} or the like" if options else ""
    return f"{noun(unit)} unknown: {'; '.join(unknown)}{remedy}"


def counted(unit: Unit, *, prompts: bool) -> tuple[str, ...]:
    """What total compute counts, in words.

    >>> counted(Unit.TOKENS, prompts=False)[0].partition(": ")[2]
    'tokens of one attempt, decoded ones, those of guards and step verifiers; prompts are not'
    """
    if unit is Unit.SECONDS:
        return ("total compute: wall-clock seconds of one attempt", TIMED)
    parts = "decoded ones, those of guards and step verifiers"
    if unit is not Unit.TOKENS:
        parts = "of what it decodes, of guards and step verifiers"
    prompt = ", and its prompt" if prompts else "; prompts are not"
    said = f"total compute: {noun(unit)} of one attempt, {parts}{prompt}"
    return (said, OTHER_MODELS) if unit is Unit.TOKENS else (said,)


def _priced(cost: Cost, parties: Parties | None, unit: Unit) -> Priced:
    sizeless = _sizeless(cost.unknown, parties) if unit in (Unit.FLOP, Unit.EFFECTIVE_FLOP) else ()
    why = tuple(one.removesuffix(f" {STATED}") for one in cost.unknown) if sizeless else cost.unknown
    return Priced(unit, question_means(cost.amount), why, cost.limits, sizeless)


def _sizeless(unknown: tuple[str, ...], parties: Parties | None) -> tuple[str, ...]:
    """Models that are named as unknown, and whose number of parameters is."""
    if parties is None:
        return ()
    everybody = (parties.model, *parties.guards, *parties.step_verifiers, *parties.verifiers)
    names = dict.fromkeys(one.name for one in everybody if one.shape.active_parameters is None)
    return tuple(name for name in names if any(name in why for why in unknown))
