"""Frontier: the best allocation of a budget over thinking length, number of tries, selector and arm."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from overthink.analysis.arm_pairs import reference_of
from overthink.analysis.options import (
    CROSS_FITTED,
    STOPPED,
    AllocationCandidates,
    attempt_price,
    bootstrap_and_folds,
    budget_definition,
    can_choose,
    candidate_options,
    no_frontier_reason,
    pool_arms,
    rows_of,
    shared_questions,
)
from overthink.analysis.request import POINTWISE, CurveContext
from overthink.cost.allocation import Difficulty, log_budgets, rounded_up, set_aside, without_first
from overthink.cost.frontier import FOLDS, Frontier, frontier
from overthink.cost.units import amount
from overthink.data.arrays import Array, Weights
from overthink.data.decisions import placebo_of
from overthink.data.finding import At, Finding
from overthink.data.kinds import Kind, Metric
from overthink.data.outcomes import Outcomes
from overthink.data.results.budgets import BinChoice, BinResult, DifficultyPoint, FrontierPoint, FrontierResult
from overthink.data.selectors import Allocation
from overthink.stats.bootstrap import Intervals

BUDGETS = 8
"""Maximum number of budgets per curve."""

BINS = 3
"""Maximum number of difficulty bins; each bin needs at least two questions per fold."""

ASIDE = 4
"""One in this many draws is set aside to estimate the difficulty of a question."""

ALL_ARMS_LABEL = "all arms"

NAIVE = "too good to be true: valued on the questions that chose it"
ATTACKER_LIMIT = "the worst that an attacker with this budget can choose"
PREDICTED = "difficulty is read from a verifier's scores of {draws} draws at rung {rung}, set aside and paid for"
ORACLE = (
    "difficulty is read from the values of {draws} draws at rung {rung}, set aside and paid for; nobody has them in "
    "use (oracle)"
)


def frontiers(contexts: Sequence[CurveContext], *, rng: np.random.Generator) -> Iterator[FrontierResult]:
    """Yield one frontier per curve: cross-fitted best value and naive best value by budget, overall and by difficulty.

    On the safety axis the frontier is the attacker's: the lowest value. Where arms are compared, one more frontier
    chooses among all of them. A curve with one rung and one draw has no choice of allocation.

    Args:
        contexts: The curves; controls are left out.
        rng: Source of randomness of folds and resamples.
    """
    seed = int(rng.integers(2**63))
    groups: dict[tuple[str, ...], list[CurveContext]] = {}
    for context in contexts:
        if can_choose(context):
            table = context.table
            groups.setdefault((table.axis, table.task, table.scorer, table.estimand), []).append(context)
            yield _task_frontier(
                AllocationCandidates.of_curve(context), seed, by_difficulty=not _several_arms(contexts, context)
            )
    if reference_of(contexts) is not None:
        choices = [[context for context in group if placebo_of(context.table.arm) is None] for group in groups.values()]
        several = [_reference_first(group) for group in choices if len(group) > 1]  # a placebo is no choice
        for candidates in pool_arms([(_name_of_all(group), group) for group in several]):
            yield _task_frontier(candidates, seed, by_difficulty=True)


def _several_arms(contexts: Sequence[CurveContext], context: CurveContext) -> bool:
    """Return whether the task has another arm; results by difficulty are then given once, for all arms."""
    return any(other.table.task == context.table.task and other.table.arm != context.table.arm for other in contexts)


def _reference_first(group: Sequence[CurveContext]) -> list[CurveContext]:
    reference = next((context for context in group if context.table.arm == reference_of(group)), group[0])
    return [reference, *(context for context in group if context is not reference)]


def _name_of_all(group: Sequence[CurveContext]) -> str:
    return (
        ALL_ARMS_LABEL
        if all(context.table.arm != ALL_ARMS_LABEL for context in group)
        else f"{ALL_ARMS_LABEL}, together"
    )


def _task_frontier(candidates: AllocationCandidates, seed: int, *, by_difficulty: bool) -> FrontierResult:
    context = candidates.context
    empty = FrontierResult(context.key, candidates.is_over_arms, unit=str(context.analysis.unit))
    metric = Metric.WORST_VALUE if candidates.attacker else Metric.BEST_VALUE
    nothing = context.finding(Kind.FRONTIER, metric, At())
    if candidates.stops_at_success:
        return replace(empty, unknown=replace(nothing, reason=STOPPED))
    options = candidate_options(candidates, candidates.tables)
    reason = no_frontier_reason(options)
    if reason is not None:
        return replace(empty, unknown=replace(nothing, reason=reason, limits=options.limits))
    weights, rng = bootstrap_and_folds(seed, len(options.comparable))
    result = frontier(options, log_budgets(options, BUDGETS), weights=weights, level=context.level, rng=rng)
    limits = (
        *options.limits,
        budget_definition(context.analysis.unit),
        *((ATTACKER_LIMIT,) if options.attacker else ()),
    )
    points = (
        _point(candidates, result, i, choice, limits)
        for i, choice in enumerate(result.choices[0])
        if choice is not None
    )
    bins = _by_difficulty(candidates, result.budgets, weights, rng) if by_difficulty else ()
    return replace(empty, points=tuple(points), by_difficulty=tuple(bins))


def _point(
    candidates: AllocationCandidates, result: Frontier, i: int, choice: Allocation, limits: tuple[str, ...]
) -> FrontierPoint:
    best, naive = (
        (Metric.WORST_VALUE, Metric.NAIVE_WORST) if candidates.attacker else (Metric.BEST_VALUE, Metric.NAIVE_BEST)
    )
    context, allocation = candidates.contexts[choice.arm], candidates.on_ladder(choice)

    def valued(metric: Metric, intervals: Intervals, *how: str) -> Finding:
        finding = _at_budget(candidates, metric, result, i, intervals, (i,))
        return replace(
            finding,
            at=_within(result, i, replace(context.at(choice.rung), k=choice.k, selector=choice.selector)),
            label=f"within {amount(result.budgets[i], result.unit)}: {allocation}",
            n_draws=int(context.draws[choice.rung]),
            gates_failed=candidates.failed_gates(choice),
            limits=(*finding.limits, *how, *limits, POINTWISE),
        )

    share = f"folds chose this for {result.agreement[i]:.0%} of the questions"
    return FrontierPoint(
        budget=float(result.budgets[i]),
        choice=allocation,
        value=valued(best, result.value, CROSS_FITTED, share),
        naive=valued(naive, result.naive, NAIVE),
    )


def _within(result: Frontier, i: int, at: At) -> At:
    return replace(at, total=float(result.budgets[i]), unit=str(result.unit))


def _at_budget(
    candidates: AllocationCandidates,
    metric: Metric,
    result: Frontier,
    i: int,
    intervals: Intervals,
    cell: tuple[int, ...],
) -> Finding:
    unknown = "no allocation is within the budget"
    finding = candidates.context.estimate(Kind.FRONTIER, metric, At(), intervals, cell, unknown=unknown)
    return replace(finding, id=f"{finding.id}/{np.format_float_positional(result.budgets[i], trim='-')}{result.unit}")


def _by_difficulty(
    candidates: AllocationCandidates, budgets: Array, weights: Weights, rng: np.random.Generator
) -> Iterator[DifficultyPoint]:
    """Yield the value where each difficulty bin has its own allocation and pays for the difficulty estimate."""
    split = _difficulty(candidates)
    if split is None:
        return
    tables, difficulty, draws, rung = split
    options = candidate_options(candidates, tables)
    if no_frontier_reason(options) is not None or (options.comparable & (difficulty.bins >= 0)).sum() < 2 * FOLDS:
        return
    usable = options.comparable & (difficulty.bins >= 0)
    dearest = rounded_up(float(options.cost[usable].mean(axis=0).max() + difficulty.cost[usable].mean()))
    all_budgets = np.unique([*budgets, dearest])
    result = frontier(
        options, all_budgets, weights=weights, level=candidates.context.level, rng=rng, difficulty=difficulty
    )
    how = (PREDICTED if difficulty.from_verifier else ORACLE).format(draws=draws, rung=tables[0].rungs[rung].index)
    limits = (
        CROSS_FITTED,
        how,
        *options.limits,
        budget_definition(candidates.context.analysis.unit),
        *((ATTACKER_LIMIT,) if options.attacker else ()),
        POINTWISE,
    )
    for i in range(len(result.budgets)):
        if any(row[i] is not None for row in result.choices):
            yield _difficulty_point(candidates, result, i, limits)


def _difficulty_point(
    candidates: AllocationCandidates, result: Frontier, i: int, limits: tuple[str, ...]
) -> DifficultyPoint:
    metric = Metric.WORST_BY_DIFFICULTY if candidates.attacker else Metric.BEST_BY_DIFFICULTY
    at, within = _within(result, i, At()), f"within {amount(result.budgets[i], result.unit)}"

    def valued(name: Metric, intervals: Intervals, cell: tuple[int, ...], label: str) -> Finding:
        finding = _at_budget(candidates, name, result, i, intervals, cell)
        return replace(finding, at=at, label=label, limits=(*finding.limits, *limits))

    choices = [
        BinChoice(b, len(result.choices), candidates.on_ladder(choice))
        for b, row in enumerate(result.choices)
        if (choice := row[i]) is not None
    ]
    value = None
    if len(choices) == len(result.choices):
        bins_text = "; ".join(f"bin {choice.number}: {choice.allocation}" for choice in choices)
        value = valued(metric, result.value, (i,), f"{within}: {bins_text}")
    bins = (
        BinResult(
            choice,
            valued(Metric(f"{metric}_bin{choice.number}"), result.by_bin, (choice.number, i), f"{within}, {choice}"),
        )
        for choice in choices
    )
    return DifficultyPoint(float(result.budgets[i]), value, tuple(bins))


def _difficulty(candidates: AllocationCandidates) -> tuple[list[Outcomes], Difficulty, int, int] | None:
    """Return the tables without the draws set aside, the difficulty, the number of these draws, and their rung.

    Uses the first table, at the lowest rung whose draws give bins of at least two questions per fold; None where no
    rung does, or there are too few draws.
    """
    tables = candidates.tables
    total = min(len(table.draws) for table in tables)
    if total < 2:
        return None
    draws, first = max(1, total // ASIDE), tables[0]
    rows = rows_of(first, shared_questions(tables)) if len(tables) > 1 else np.arange(len(first.questions))
    attempt = attempt_price(first, candidates.context.analysis, prompts=False).cells
    for rung in range(len(first.rungs)):
        for bins in range(BINS, 1, -1):
            difficulty = set_aside(first, attempt, draws=draws, rung=rung, bins=bins)[1]
            sizes = np.bincount(difficulty.bins[rows][difficulty.bins[rows] >= 0])
            if len(sizes) > 1 and sizes.min() >= 2 * FOLDS:
                subset = replace(difficulty, bins=difficulty.bins[rows], cost=difficulty.cost[rows])
                return [without_first(table, draws) for table in tables], subset, draws, rung
    return None
