"""FLOP-matched comparison: the multiple of a larger model's inference FLOP at which a smaller one is as good."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from overthink.analysis.arm_pairs import tasks_with_arms
from overthink.analysis.frontier import BUDGETS
from overthink.analysis.options import (
    CROSS_FITTED,
    STOPPED,
    AllocationCandidates,
    bootstrap_and_folds,
    budget_definition,
    can_choose,
    candidate_options,
    no_frontier_reason,
    pool_arms,
    shared_questions,
)
from overthink.analysis.request import POINTWISE, CurveContext
from overthink.cost.allocation import log_budgets, option_budgets
from overthink.cost.flop_matched import Match, flop_matched, served_below
from overthink.cost.frontier import Frontier, frontier
from overthink.cost.units import Unit, amount
from overthink.data.finding import At, Finding
from overthink.data.kinds import Kind, Metric
from overthink.data.record import Axis

KIND = Kind.FLOP_MATCHED

MAX_SMALL_BUDGETS = 40
"""Maximum number of budgets of the smaller model; crossings between two of them are not resolved."""

MULTIPLE = (
    "inference FLOP of the smaller model over those of the larger one; among the rungs and tries that were run, costs "
    "as measured; an end that is null lies beyond them"
)
TRAINING = (
    "6·N FLOP per token of pre-training and 2·N per token served, N the active parameters, each model trained on as "
    "many tokens; a token served is one that the larger model decodes"
)
CHEAPER = "the smaller model takes no more inference than the larger one: it costs less however much is served"


@dataclass(frozen=True, slots=True, eq=False)
class _Side:
    """A model with its arms.

    Attributes:
        name: Name of the model.
        size: Active parameters.
        candidates: Allocations of all its arms.
    """

    name: str
    size: float
    candidates: AllocationCandidates


def flop_matches(contexts: Sequence[CurveContext], *, rng: np.random.Generator) -> Iterator[Finding]:
    """Yield the FLOP multiple at which a smaller model is as good, for every budget of a larger model.

    Also yields the break-even number of served tokens when training FLOP count. Requires arms of several models and
    FLOP as the unit. The safety axis is skipped: there an attacker spends the budget and prefers the worse model.

    Args:
        contexts: The curves; controls are left out.
        rng: Source of randomness in the same state as for :func:`~overthink.analysis.frontier.frontiers`, so
            that the folds are the same.
    """
    seed = int(rng.integers(2**63))
    for group in tasks_with_arms(contexts):
        analysis = group[0].analysis
        mine = [context for context in group if can_choose(context)]
        several = any(context.table.arm in analysis.other_models for context in mine)
        if analysis.unit is not Unit.FLOP or not several or group[0].table.axis is Axis.SAFETY:
            continue
        unknown = _unknown(mine)
        if unknown is not None:
            yield replace(_empty_finding(mine), reason=unknown)
            continue
        sides = _sides(mine)
        for small, large in combinations(sides, 2):
            yield from _model_pair(small, large, seed)


def _unknown(contexts: Sequence[CurveContext]) -> str | None:
    """Return the reason why the larger model is unknown; None where all sizes are known."""
    roles = contexts[0].analysis.parties
    nameless = [context.table.arm for context in contexts if context.table.arm not in roles]
    if nameless:
        return f"which model {', '.join(nameless)} is of is not stated"
    models = (roles[context.table.arm].model for context in contexts)
    sizeless = dict.fromkeys(model.name for model in models if model.shape.active_parameters is None)
    if sizeless:
        options = " ".join(f"--model-shape {name}=parameters:8e9" for name in sizeless)
        return f"unknown how big {' and '.join(sizeless)} is; state it with {options} or the like"
    return None


def _empty_finding(contexts: Sequence[CurveContext]) -> Finding:
    """Return a finding without an estimate, of the first arm of another model."""
    other = next(context for context in contexts if context.table.arm in context.analysis.other_models)
    return replace(other.finding(KIND, Metric.MULTIPLE, At(unit=Unit.FLOP.value)), level=other.level)


def _sides(contexts: Sequence[CurveContext]) -> list[_Side]:
    """Return the models, smallest first, models of one size by name."""
    by_model: dict[tuple[float, str], list[CurveContext]] = {}
    for context in contexts:
        model = context.analysis.parties[context.table.arm].model
        by_model.setdefault((model.shape.active_parameters or np.nan, model.name), []).append(context)
    models = sorted(by_model)
    groups = [(f"all arms of {model[1]}", by_model[model]) for model in models]
    pooled_arms = iter(pool_arms([(name, group) for name, group in groups if len(group) > 1]))
    all_candidates = (
        AllocationCandidates.of_curve(group[0]) if len(group) == 1 else next(pooled_arms) for _, group in groups
    )
    return [_Side(name, size, candidates) for (size, name), candidates in zip(models, all_candidates, strict=True)]


def _model_pair(small: _Side, large: _Side, seed: int) -> Iterator[Finding]:
    context = small.candidates.context
    other_id = large.candidates.context.prefix.replace("/", ".")
    empty = context.finding(KIND, Metric.MULTIPLE, At(unit=Unit.FLOP.value), part=other_id)
    empty = replace(empty, level=context.level, label=f"against {large.name}")
    if small.size == large.size:
        same = f"{small.name} and {large.name} have {small.size:.3g} active parameters each: neither is the larger one"
        yield replace(empty, reason=same)
        return
    if small.candidates.stops_at_success or large.candidates.stops_at_success:
        yield replace(empty, reason=STOPPED)
        return
    questions = shared_questions([*small.candidates.tables, *large.candidates.tables])
    all_options = [candidate_options(side.candidates, side.candidates.tables, questions) for side in (small, large)]
    reason = next((why for why in map(no_frontier_reason, all_options) if why is not None), None)
    if reason is not None:
        yield replace(empty, reason=reason)
        return
    frontiers = []
    for options, budgets in zip(
        all_options,
        (option_budgets(all_options[0], MAX_SMALL_BUDGETS), log_budgets(all_options[1], BUDGETS)),
        strict=True,
    ):
        weights, rng = bootstrap_and_folds(seed, len(questions))  # both models use the same folds
        frontiers.append(frontier(options, budgets, weights=weights, level=context.level, rng=rng))
    ratio = large.size / small.size
    limits = dict.fromkeys(
        (*all_options[0].limits, *all_options[1].limits, CROSS_FITTED, budget_definition(Unit.FLOP), POINTWISE)
    )
    sizes = f"{large.name} has {ratio:.3g} times the active parameters, {large.size:.3g} against {small.size:.3g}"
    matches = flop_matched(*frontiers, weights=weights, level=context.level, margin=context.analysis.margin)
    for match in matches:
        finding = _at_budget(empty, match, frontiers, (small, large))
        finding = replace(finding, limits=(sizes, MULTIPLE, *limits))
        yield from _numbers(finding, match, ratio, context.analysis.margin)


def _at_budget(empty: Finding, match: Match, frontiers: Sequence[Frontier], sides: tuple[_Side, _Side]) -> Finding:
    """Return the finding at a budget of the larger model, with both allocations and their failed gates."""
    budget = float(frontiers[1].budgets[match.budget])
    label = f"{empty.label}, within {amount(budget, Unit.FLOP)}"
    gates: list[str] = []
    places = ((": ", match.budget), ("; as good by ", match.small_budget))
    for side, side_frontier, (words, index) in zip(reversed(sides), reversed(frontiers), places, strict=True):
        choice = None if index is None else side_frontier.choices[0][index]
        if choice is not None:
            label += words + side.candidates.describe(choice)
            gates += side.candidates.contexts[choice.arm].failed_gates([choice.rung])
    return replace(
        empty,
        id=f"{empty.id}/{np.format_float_positional(budget, trim='-')}flop",
        at=At(total=budget, unit=Unit.FLOP.value),
        label=label,
        gates_failed=tuple(dict.fromkeys(gates)),
    )


def _numbers(finding: Finding, match: Match, ratio: float, margin: float) -> Iterator[Finding]:
    """Yield the estimated multiple, the multiple shown by the interval, and the break-even tokens served."""
    low, high = match.over_large(match.low_cost), match.over_large(match.high_cost)
    multiple = match.multiple
    reason = match.reason if multiple is None else None
    yield replace(finding, estimate=multiple, low=low, high=high, reason=reason)
    shown_multiple = _with_metric(finding, Metric.MULTIPLE_SHOWN)
    within = f"no worse than δ = {margin:g}, by the lower end of the interval"
    number = match.over_large(match.shown_cost)
    reason = match.reason if number is None else "no interval: it is itself what an interval shows"
    yield replace(shown_multiple, estimate=number, reason=reason, limits=(within, *shown_multiple.limits))
    tokens_served = replace(_with_metric(finding, Metric.TOKENS_SERVED), limits=(TRAINING, *finding.limits))
    if multiple is None:
        yield replace(tokens_served, reason=match.reason, high=_finite(low, ratio))
    elif multiple <= 1:
        yield replace(tokens_served, reason=CHEAPER, low=_finite(high, ratio))
    else:
        estimate = served_below(multiple, ratio)
        yield replace(tokens_served, estimate=estimate, low=_finite(high, ratio), high=_finite(low, ratio))


def _with_metric(finding: Finding, metric: Metric) -> Finding:
    return replace(finding, metric=metric, id=finding.id.replace(f"/{KIND}/multiple/", f"/{KIND}/{metric}/", 1))


def _finite(multiple: float | None, ratio: float) -> float | None:
    """Return the tokens served at an end of the interval of the multiple; None where that end is open or infinite."""
    below = np.inf if multiple is None else served_below(multiple, ratio)
    return float(below) if np.isfinite(below) else None
