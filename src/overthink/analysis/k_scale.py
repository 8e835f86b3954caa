"""K (thinking): the thinking of a rung over one reference for all curves of a study.

The thinking of a rung is its requested budget where there is one, so that rungs of one K think alike on every axis.
Provider levels and free thinking have the mean of their realised thinking tokens, loops of tool calls their generated
tokens. A direct answer thinks nothing and stands at no K.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from overthink.cost.units import Unit, figure
from overthink.data.finding import At
from overthink.data.ids import CurveKey
from overthink.data.kinds import Metric
from overthink.data.record import Estimand
from overthink.data.results.curve import CurveResult, RungResult
from overthink.plan.analysis import Analysis
from overthink.plan.k_reference import OPTION, reference_fault

FLOP_PER_PARAMETER = 2
"""FLOP per active parameter and thinking token; attention is left out, so that K is proportional to thinking."""

THINKING, LOOP = "thinking tokens", "generated tokens of a loop"
"""What K multiplies: loops of tool calls have no thinking budget, and are counted by all that they generate."""

NO_COUNT = "no curve has a thinking budget or a count of thinking tokens"
NO_THINKING = "every rung is a direct answer, which thinks nothing"
MIXED = "loops of tool calls and thinking budgets have no common unit"
UNCOUNTED = "the thinking is not known at the lowest level that all curves have"
NO_SIZE = "FLOP of thinking need the size of a model, which --model-shape states"


STATED = f"stated with {OPTION}"
LOWEST_BUDGET = "the lowest budget above 0 that all curves have"
LOWEST_LEVEL = "the most of any curve at the lowest level that all have"
K_CHOICES = (STATED, LOWEST_BUDGET, LOWEST_LEVEL)
"""How K = 1 was chosen."""


@dataclass(frozen=True, slots=True)
class KScale:
    """One reference of K for all curves of a study.

    Attributes:
        reference: Tokens of thinking at K = 1, by arm; equal for all arms unless the study counts FLOP. Empty without
            a K axis. An arm without a size has none where FLOP are counted.
        unit: What K multiplies, :data:`THINKING` or :data:`LOOP`.
        means: K = 1 in words; None without a K axis.
        reason: Why there is no K axis; None with one.
        amount: Thinking at K = 1, in tokens or in FLOP; None without a K axis.
        in_flop: Whether it is in FLOP.
        how: How it was chosen, one of :data:`K_CHOICES`; None without a K axis.
    """

    reference: Mapping[str, float] = field(default_factory=dict)
    unit: str = THINKING
    means: str | None = None
    reason: str | None = None
    amount: float | None = None
    in_flop: bool = False
    how: str | None = None

    @property
    def name(self) -> str:
        """Printed name of K, apart from k (tries) and from K (training trade)."""
        return "K (loop tokens)" if self.unit == LOOP else "K (thinking)"


class RungThinking(NamedTuple):
    """Thinking at one rung of a curve: what was requested, else what was realised; None if neither is known."""

    at: At
    tokens: float | None
    is_requested: bool


def rung_thinking(key: CurveKey, rung: RungResult) -> RungThinking:
    """Return the thinking of a rung of a curve.

    Example:
        >>> key = CurveKey("safety", "secrets", "base", "refusal", "forced")
        >>> rung_thinking(key, RungResult(At(rung=1, requested_tokens=64))).tokens
        64.0
    """
    if rung.at.requested_tokens is not None:
        return RungThinking(rung.at, float(rung.at.requested_tokens), is_requested=True)
    metric = Metric.ATTEMPT_TOKENS if key.estimand == Estimand.CHECKPOINT else Metric.THINKING_TOKENS
    finding = rung.tokens.get(metric)
    realised = None if finding is None else finding.estimate
    tokens = realised if realised is not None and math.isfinite(realised) else None
    return RungThinking(rung.at, tokens, is_requested=False)


def k_scale(curves: Iterable[CurveResult], analysis: Analysis) -> KScale:
    """Return the scale of K of a study. Controls beside a curve do not decide on it.

    Args:
        curves: All curves of the study.
        analysis: Its analysis: the stated reference, the unit, and the models of the arms.

    Returns:
        The scale; without a K axis its reason, such as a stated reference beyond the ladder.
    """
    rungs = _rungs(curves)
    counted = {key: there for key, there in rungs.items() if any(rung.tokens for rung in there)}
    thinking = {key: [rung for rung in there if rung.tokens != 0] for key, there in counted.items()}
    if not thinking:
        known = any(rung.tokens is not None for there in rungs.values() for rung in there)
        return KScale(reason=NO_THINKING if known else NO_COUNT)
    loops = {key.estimand == Estimand.CHECKPOINT for key in thinking}
    if len(loops) > 1:
        return KScale(reason=MIXED)
    unit = LOOP if loops == {True} else THINKING
    sizes = _per_token({key.arm for key in thinking}, analysis)
    if not sizes:
        return KScale(reason=NO_SIZE)
    in_flop = analysis.unit is Unit.FLOP
    if analysis.k_reference is not None:
        top = max(r.tokens * sizes.get(c.arm, 0) for c, there in thinking.items() for r in there if r.tokens)
        unit_words = f"FLOP of {unit}" if in_flop else unit
        fault = reference_fault(analysis.k_reference, top=top, unit=unit_words, least=min(sizes.values()))
        if fault is not None:
            return KScale(reason=fault)
        amount, how = analysis.k_reference, STATED
    else:
        tokens, how = _lowest_common(thinking)
        if tokens is None:
            return KScale(reason=how)
        amount = tokens * max(sizes.values())
    means = reference_text(amount, unit, in_flop=in_flop, how=how)
    reference = {arm: amount / size for arm, size in sizes.items()}
    return KScale(reference, unit, means, amount=amount, in_flop=in_flop, how=how)


def reference_text(amount: float, unit: str, *, in_flop: bool, how: str) -> str:
    """Return K = 1 in words.

    Example:
        >>> reference_text(64.0, THINKING, in_flop=False, how=LOWEST_BUDGET)
        '64 thinking tokens, the lowest budget above 0 that all curves have'
    """
    of = f"FLOP, {FLOP_PER_PARAMETER} per active parameter for each of the {unit}" if in_flop else unit
    return f"{figure(amount, Unit.FLOP if in_flop else Unit.TOKENS)} {of}, {how}"


def _rungs(curves: Iterable[CurveResult]) -> dict[CurveKey, list[RungThinking]]:
    """Return the rungs of every curve that is no control, lowest first; controls where there is nothing else."""
    every = list(curves)
    results = [curve for curve in every if not curve.key.is_control] or every
    return {curve.key: [rung_thinking(curve.key, rung) for rung in curve.rungs] for curve in results}


def _lowest_common(curves: Mapping[CurveKey, Sequence[RungThinking]]) -> tuple[float | None, str]:
    """Return the lowest thinking that all curves have, and how it was chosen; else None and why there is none."""
    levels = {curve: {_level(rung): rung for rung in rungs} for curve, rungs in curves.items()}
    first = next(iter(levels.values()))
    common = [level for level in first if all(level in other for other in levels.values())]
    if not common:
        return None, _disjoint(levels)
    uncounted = next((curve for curve, mine in levels.items() if mine[common[0]].tokens is None), None)
    if uncounted is not None:
        return (
            None,
            f"{UNCOUNTED}, which is {common[0]} ({uncounted.task}/{uncounted.arm}); {OPTION} states a reference",
        )
    at_lowest = [mine[common[0]] for mine in levels.values()]
    if at_lowest[0].is_requested:
        return at_lowest[0].tokens, LOWEST_BUDGET
    tokens = max(rung.tokens or 0.0 for rung in at_lowest)
    return tokens, LOWEST_LEVEL


def _level(rung: RungThinking) -> str:
    if rung.is_requested:
        return f"{rung.tokens:,.0f}"
    return rung.at.effort if rung.at.effort is not None else f"rung {rung.at.rung}"


def _disjoint(levels: Mapping[CurveKey, Mapping[str, RungThinking]]) -> str:
    ladders = {", ".join(mine): f"{curve.task}/{curve.arm}" for curve, mine in reversed(list(levels.items()))}
    shown = [f"{name} has {ladder}" for ladder, name in reversed(list(ladders.items()))][:2]
    return f"the curves have no thinking budget in common ({'; '.join(shown)}); {OPTION} states a reference"


def _per_token(arms: Iterable[str], analysis: Analysis) -> dict[str, float]:
    """Return the amount of the study's unit that one token takes, by arm: 1, or FLOP; arms without a size have none."""
    if analysis.unit is not Unit.FLOP:
        return dict.fromkeys(sorted(arms), 1.0)
    roles = {
        arm: analysis.parties[arm].model.shape.active_parameters for arm in sorted(arms) if arm in analysis.parties
    }
    return {arm: FLOP_PER_PARAMETER * size for arm, size in roles.items() if size}
