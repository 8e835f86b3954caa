"""Cost of an attempt of a curve, in the unit of the analysis, with its limitations."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from overthink.cost.amounts import noun
from overthink.cost.bill import attempt_cost, verifier_cost
from overthink.cost.charges import STATED
from overthink.cost.units import Cost, ModelRoles, Unit
from overthink.stats.curve import question_means
from overthink.analysis.request import Analysis
from overthink.data.outcomes import Outcomes

Array = NDArray[np.float64]

ATTEMPT_UNCOUNTED = "the source does not count the tokens of an attempt"

OTHER_MODELS = (
    "guards and step verifiers are other models: a token of theirs may be cheaper or dearer than one of the model's"
)
TIMED = "seconds are those of this run: how busy its server was, and how many it served at once, is in them"


@dataclass(frozen=True, slots=True, eq=False)
class CurvePrice:
    """Cost of an attempt at each rung of a curve.

    Attributes:
        unit: Unit of the cost.
        cells: (question, rung) mean over draws; NaN where unknown.
        unknown: Reasons why costs are unknown.
        notes: Parts left out of the cost, so that it is a lower bound, and its assumptions.
        sizeless: Models whose missing sizes make the cost unknown.
    """

    unit: Unit
    cells: Array
    unknown: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    sizeless: tuple[str, ...] = ()

    @property
    def reason(self) -> str:
        """Reason why a rung has no cost."""
        return unknown_reason([self])


def attempt_price(table: Outcomes, analysis: Analysis, *, prompts: bool) -> CurvePrice:
    """Return the cost of one separate attempt: decoding, guards, step verifiers, and optionally its prompt.

    Args:
        table: The curve.
        analysis: Gives the unit and the model roles of the curve's arm.
        prompts: Whether the prompt is counted.
    """
    roles, unit = analysis.parties.get(table.arm), analysis.unit
    cost = attempt_cost(table, roles, unit, prompts=prompts, flop_per_byte=analysis.flop_per_byte)
    return _price_of_cost(cost, roles, unit)


def verifier_price(table: Outcomes, analysis: Analysis) -> CurvePrice:
    """Return the cost of scoring the answer of one attempt by a verifier."""
    roles, unit = analysis.parties.get(table.arm), analysis.unit
    return _price_of_cost(verifier_cost(table, roles, unit, flop_per_byte=analysis.flop_per_byte), roles, unit)


def unknown_reason(prices: Sequence[CurvePrice]) -> str:
    """Return why costs are unknown at some rung, and the options that would make them known.

    >>> unknown_reason([CurvePrice(Unit.FLOP, np.array([]), ("size of model a",), sizeless=("a",))])
    'FLOP unknown: size of model a; state it with --model-shape a=parameters:8e9 or the like'
    """
    unknown = tuple(dict.fromkeys(reason for price in prices for reason in price.unknown))
    unit = prices[0].unit
    if unit is Unit.TOKENS or not unknown:
        return ATTEMPT_UNCOUNTED
    names = dict.fromkeys(name for price in prices for name in price.sizeless)
    options = " ".join(f"--model-shape {name}=parameters:8e9" for name in names)
    remedy = f"; state {'them' if len(names) > 1 else 'it'} with {options} or the like" if options else ""
    return f"{noun(unit)} unknown: {'; '.join(unknown)}{remedy}"


def compute_definition(unit: Unit, *, prompts: bool) -> tuple[str, ...]:
    """Return the definition of total compute in words.

    >>> compute_definition(Unit.TOKENS, prompts=False)[0].partition(": ")[2]
    'tokens of one attempt, decoded ones, those of guards and step verifiers; prompts are not'
    """
    if unit is Unit.SECONDS:
        return ("total compute: wall-clock seconds of one attempt", TIMED)
    parts = "decoded ones, those of guards and step verifiers"
    if unit is not Unit.TOKENS:
        parts = "of what it decodes, of guards and step verifiers"
    prompt = ", and its prompt" if prompts else "; prompts are not"
    text = f"total compute: {noun(unit)} of one attempt, {parts}{prompt}"
    return (text, OTHER_MODELS) if unit is Unit.TOKENS else (text,)


def _price_of_cost(cost: Cost, roles: ModelRoles | None, unit: Unit) -> CurvePrice:
    sizeless = _sizeless(cost.unknown, roles) if unit in (Unit.FLOP, Unit.EFFECTIVE_FLOP) else ()
    unknown = tuple(reason.removesuffix(f" {STATED}") for reason in cost.unknown) if sizeless else cost.unknown
    return CurvePrice(unit, question_means(cost.amount), unknown, cost.limits, sizeless)


def _sizeless(unknown: tuple[str, ...], roles: ModelRoles | None) -> tuple[str, ...]:
    """Return the models named in ``unknown`` whose number of parameters is unknown."""
    if roles is None:
        return ()
    models = (roles.model, *roles.guards, *roles.step_verifiers, *roles.verifiers)
    names = dict.fromkeys(model.name for model in models if model.shape.active_parameters is None)
    return tuple(name for name in names if any(name in why for why in unknown))
