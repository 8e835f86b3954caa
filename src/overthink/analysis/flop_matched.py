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
from overthink.data.ids import other_curve
from overthink.data.kinds import Kind, Metric
from overthink.data.record import Axis
from overthink.data.results.budgets import FlopMatch, FlopMatchResult

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


def flop_matches(contexts: Sequence[CurveContext], *, rng: np.random.Generator) -> Iterator[FlopMatchResult]:
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
        reason = _unknown(mine)
        if reason is not None:
            yield _unmatched(mine, reason)
            continue
        for small, large in combinations(_sides(mine), 2):
            yield _Pair(small, large).result(seed)


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


def _unmatched(contexts: Sequence[CurveContext], reason: str) -> FlopMatchResult:
    """Return the result where sizes are unknown, of the first arm of another model."""
    other = next(context for context in contexts if context.table.arm in context.analysis.other_models)
    nothing = other.finding(KIND, Metric.MULTIPLE, At(unit=Unit.FLOP.value))
    return FlopMatchResult(other.key, None, unknown=replace(nothing, level=other.level, reason=reason))


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


@dataclass(frozen=True, slots=True, eq=False)
class _Pair:
    """A smaller model and a larger one."""

    small: _Side
    large: _Side

    @property
    def context(self) -> CurveContext:
        """The smaller model's curve, whose findings these are."""
        return self.small.candidates.context

    @property
    def ratio(self) -> float:
        """Active parameters of the larger model over those of the smaller one."""
        return self.large.size / self.small.size

    def result(self, seed: int) -> FlopMatchResult:
        """Return the comparison at every budget of the larger model, or why there is none."""
        obstacle = self._obstacle()
        if obstacle is not None:
            return self._unknown(obstacle)
        sides = (self.small, self.large)
        questions = shared_questions([table for side in sides for table in side.candidates.tables])
        options = [candidate_options(side.candidates, side.candidates.tables, questions) for side in sides]
        reason = next(filter(None, map(no_frontier_reason, options)), None)
        if reason is not None:
            return self._unknown(reason)
        frontiers = []
        budgets = (option_budgets(options[0], MAX_SMALL_BUDGETS), log_budgets(options[1], BUDGETS))
        for side_options, side_budgets in zip(options, budgets, strict=True):
            weights, rng = bootstrap_and_folds(seed, len(questions))  # both models use the same folds
            level = self.context.level
            frontiers.append(frontier(side_options, side_budgets, weights=weights, level=level, rng=rng))
        limits = (*options[0].limits, *options[1].limits, CROSS_FITTED, budget_definition(Unit.FLOP), POINTWISE)
        margin = self.context.analysis.margin
        matches = flop_matched(*frontiers, weights=weights, level=self.context.level, margin=margin)
        rows = tuple(self._match(match, frontiers, limits) for match in matches)
        return FlopMatchResult(self.context.key, self.large.name, rows)

    def _unknown(self, reason: str) -> FlopMatchResult:
        nothing = replace(self._finding(Metric.MULTIPLE), reason=reason)
        return FlopMatchResult(self.context.key, self.large.name, unknown=nothing)

    def _obstacle(self) -> str | None:
        """Return why the two cannot be compared, whatever their allocations."""
        small, large = self.small, self.large
        if small.size == large.size:
            sizes = f"{small.name} and {large.name} have {small.size:.3g} active parameters each"
            return f"{sizes}: neither is the larger one"
        return STOPPED if small.candidates.stops_at_success or large.candidates.stops_at_success else None

    def _finding(self, metric: Metric, budget: float | None = None) -> Finding:
        """Return a finding without an estimate, within a budget of the larger model."""
        larger = other_curve(self.large.candidates.context.prefix, joint=".")
        at = At(total=budget, unit=Unit.FLOP.value)
        finding = self.context.finding(KIND, metric, at, part=larger)
        within = "" if budget is None else f"/{np.format_float_positional(budget, trim='-')}flop"
        label = f"against {self.large.name}"
        return replace(finding, id=f"{finding.id}{within}", level=self.context.level, label=label)

    def _match(self, match: Match, frontiers: Sequence[Frontier], limits: Sequence[str]) -> FlopMatch:
        """Return the comparison at a budget of the larger model, with both allocations and their failed gates."""
        budget = float(frontiers[1].budgets[match.budget])
        choice = frontiers[1].choices[0][match.budget]
        assert choice is not None  # matches are at budgets that the larger model can afford
        small_choice = None if match.small_budget is None else frontiers[0].choices[0][match.small_budget]
        large, gates = self.large.candidates.on_ladder(choice), self.large.candidates.failed_gates(choice)
        label, small = f"within {amount(budget, Unit.FLOP)}: {large}", None
        if small_choice is not None:
            small = self.small.candidates.on_ladder(small_choice)
            label, gates = f"{label}; as good by {small}", gates + self.small.candidates.failed_gates(small_choice)
        sizes = (
            f"{self.large.name} has {self.ratio:.3g} times the active parameters, {self.large.size:.3g} against "
            f"{self.small.size:.3g}"
        )

        def finding(metric: Metric, *meaning: str) -> Finding:
            empty = self._finding(metric, budget)
            return replace(
                empty,
                label=f"{empty.label}, {label}",
                gates_failed=tuple(dict.fromkeys(gates)),
                limits=(*meaning, sizes, MULTIPLE, *dict.fromkeys(limits)),
            )

        margin = f"no worse than δ = {self.context.analysis.margin:g}, by the lower end of the interval"
        return FlopMatch(
            budget,
            large,
            small,
            _with_multiple(finding(Metric.MULTIPLE), match),
            _with_shown(finding(Metric.MULTIPLE_SHOWN, margin), match),
            _with_served(finding(Metric.TOKENS_SERVED, TRAINING), match, self.ratio),
        )


def _with_multiple(finding: Finding, match: Match) -> Finding:
    """Return the finding with the estimated multiple."""
    low, high = match.over_large(match.low_cost), match.over_large(match.high_cost)
    reason = match.reason if match.multiple is None else None
    return replace(finding, estimate=match.multiple, low=low, high=high, reason=reason)


def _with_shown(finding: Finding, match: Match) -> Finding:
    """Return the finding with the multiple that the interval shows."""
    number = match.over_large(match.shown_cost)
    reason = match.reason if number is None else "no interval: it is itself what an interval shows"
    return replace(finding, estimate=number, reason=reason)


def _with_served(finding: Finding, match: Match, ratio: float) -> Finding:
    """Return the finding with the break-even number of tokens served."""
    multiple = match.multiple
    low, high = (_finite(match.over_large(cost), ratio) for cost in (match.high_cost, match.low_cost))
    if multiple is None:
        return replace(finding, reason=match.reason, high=high)
    if multiple <= 1:
        return replace(finding, reason=CHEAPER, low=low)
    return replace(finding, estimate=served_below(multiple, ratio), low=low, high=high)


def _finite(multiple: float | None, ratio: float) -> float | None:
    """Return the tokens served at an end of the interval of the multiple; None where that end is open or infinite."""
    below = np.inf if multiple is None else served_below(multiple, ratio)
    return float(below) if np.isfinite(below) else None
