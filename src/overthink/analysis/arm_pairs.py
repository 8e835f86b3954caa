"""Pairs of an arm and the reference: shared questions, common budgets and common total compute."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from overthink.analysis.options import CurvePrice, attempt_price, compute_definition, unknown_reason
from overthink.analysis.request import CurveContext
from overthink.cost.attempt import prompts_known
from overthink.cost.equal_terms import CommonCost, ComputeCurve, common_costs
from overthink.cost.units import Unit, noun
from overthink.data.arrays import Array, Weights
from overthink.data.decisions import placebo_of
from overthink.data.outcomes import Outcomes
from overthink.data.phrases import Limit, name
from overthink.data.record import Estimand
from overthink.stats.bootstrap import question_weights
from overthink.stats.curve import question_means

DEFAULT_REFERENCE = "base"
"""Default reference arm."""

ANOTHER_MODEL = Limit("different models: the difference is that of models as well as of arms")
OTHER_TOKENS = Limit(f"{ANOTHER_MODEL}, and their tokens are not alike; `--by flop` counts what they compute")
ANSWERS_AT_ONCE = Limit("the arm answers at once: its only rung stands for every budget")
NOT_SHARED = Limit("{n:d} questions are left out: some arm lacks them")
AGAINST = Limit("against {arm}", arm=name("arm"))
MIN_QUESTIONS = 2


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """An arm and the reference on one task, on the questions shared by all arms of the task.

    Attributes:
        reference: The curve compared with.
        arm: The curve compared.
        values: (question, rung) of the reference, and of the arm.
        thinking: Mean thinking tokens of an attempt, (question, rung), of the reference, and of the arm.
        prices: Total cost of an attempt, (question, rung), of the reference, and of the arm.
        prompts: Whether the costs include prompts.
        weights: (resample, question) of the bootstrap that all pairs on these questions share.
        left_out: Number of questions of the task that some arm lacks.
        seed: Seed of all random draws for these questions.
    """

    reference: CurveContext
    arm: CurveContext
    values: tuple[Array, Array]
    thinking: tuple[Array, Array]
    prices: tuple[CurvePrice, CurvePrice]
    prompts: bool
    weights: Weights
    left_out: int
    seed: int

    @property
    def unit(self) -> Unit:
        """Unit of total compute."""
        return self.arm.analysis.unit

    @property
    def cost(self) -> tuple[Array, Array]:
        """(question, rung) of the reference, and of the arm; NaN where unknown."""
        return (self.prices[0].cells, self.prices[1].cells)

    @property
    def answers_at_once(self) -> bool:
        """Whether the arm never thinks, so that its only rung stands for every budget."""
        table = self.arm.table
        thinking = table.thinking_tokens[table.observed]
        return (
            table.study == self.reference.table.study
            and [rung.requested_tokens for rung in table.rungs] == [0]
            and bool(thinking.size)
            and bool((thinking == 0).all())
        )

    @property
    def equal_rungs(self) -> tuple[tuple[int, int], ...]:
        """Pairs of positions with the same budget on both ladders, (reference, arm), lowest first."""
        if self.answers_at_once:
            return tuple((rung, 0) for rung in range(self.reference.rungs))
        return matched_rungs(self.reference.table, self.arm.table)

    @property
    def no_axis_reason(self) -> str | None:
        """Reason why the arms have no common axis of total compute; None where they have one."""
        complete = self.complete
        if complete.sum() >= MIN_QUESTIONS:
            cheapest = min(float(cost[complete].mean(axis=0).min()) for cost in self.cost)
            return None if cheapest > 0 else f"an attempt costs no {noun(self.unit)} at some rung"
        if self.no_cost_reason is not None:
            return self.no_cost_reason
        what = "a token count" if self.unit is Unit.TOKENS else f"known {noun(self.unit)}"
        return f"{complete.sum()} questions have a value and {what} at every rung of both arms; needed: {MIN_QUESTIONS}"

    @property
    def no_cost_reason(self) -> str | None:
        """Reason why the cost of an attempt is unknown at some rung; None where all costs are known."""
        lacking = [price for price in self.prices if np.isnan(price.cells).all(axis=0).any()]
        return unknown_reason(lacking) if lacking else None

    @property
    def complete(self) -> NDArray[np.bool_]:
        """(question,) whether the question has a value and a cost at every rung of both arms."""
        tables = (*self.values, *self.cost)
        return np.asarray(~np.logical_or.reduce([np.isnan(table).any(axis=1) for table in tables]))

    def on_axis(self) -> tuple[ComputeCurve, ComputeCurve]:
        """Return both arms on the axis of total compute, the reference first, on the complete questions."""
        complete = self.complete
        base, own = (ComputeCurve.of(v[complete], c[complete]) for v, c in zip(self.values, self.cost, strict=True))
        return base, own

    def gates(self, *, reference: Sequence[int], arm: Sequence[int]) -> tuple[str, ...]:
        """Return the names of the gates that failed at these rungs of either curve."""
        return tuple(dict.fromkeys((*self.reference.failed_gates(reference), *self.arm.failed_gates(arm))))

    @property
    def limits(self) -> tuple[str, ...]:
        """Limitations of every comparison of the two arms."""
        fewer = (NOT_SHARED.text(n=self.left_out),) if self.left_out else ()
        other = self.arm.table.arm in self.arm.analysis.other_models
        models = OTHER_TOKENS if self.unit is Unit.TOKENS else ANOTHER_MODEL
        return (*((models,) if other else ()), *fewer, *((ANSWERS_AT_ONCE,) if self.answers_at_once else ()))

    @property
    def compute_limits(self) -> tuple[str, ...]:
        """Limitations of the axis of total compute: what it counts and leaves out."""
        notes = (note for price in self.prices for note in price.notes)
        return (*compute_definition(self.unit, prompts=self.prompts), *dict.fromkeys(notes))


@dataclass(frozen=True, slots=True, eq=False)
class EqualComputePoint:
    """Both arms at one total compute.

    Attributes:
        meeting: The total compute, and the rung with that cost.
        reference: (question,) interpolated cells of the reference.
        arm: (question,) interpolated cells of the arm.
    """

    meeting: CommonCost
    reference: Array
    arm: Array


def equal_compute_points(base: ComputeCurve, own: ComputeCurve) -> tuple[EqualComputePoint, ...]:
    """Return both arms at every total compute at which both were measured, cheapest first."""
    return tuple(
        EqualComputePoint(p, base.at(p.cost, p.influences), own.at(p.cost, p.influences))
        for p in common_costs(own, base)
    )


def reference_of(contexts: Sequence[CurveContext]) -> str | None:
    """Return the reference arm: the one in the analysis, else ``base``; None where there is neither."""
    reference = next((context.analysis.reference for context in contexts), None)
    if reference is not None:
        return reference
    return DEFAULT_REFERENCE if any(context.table.arm == DEFAULT_REFERENCE for context in contexts) else None


def tasks_with_arms(contexts: Sequence[CurveContext]) -> Iterator[list[CurveContext]]:
    """Yield the curves of every axis, task, scorer and estimand with several arms, without controls."""
    groups: dict[tuple[str, ...], list[CurveContext]] = {}
    for context in contexts:
        if not context.is_control:
            table = context.table
            groups.setdefault((table.axis, table.task, table.scorer, table.estimand), []).append(context)
    yield from (group for group in groups.values() if len(group) > 1)


def pairs_of(contexts: Sequence[CurveContext], *, seed: int) -> Iterator[Pair]:
    """Yield every arm paired with the reference, task by task, for tasks with at least two shared questions."""
    reference = reference_of(contexts)
    for group in tasks_with_arms(contexts):
        base = next((context for context in group if context.table.arm == reference), None)
        if base is not None:
            yield from _pairs(group, [(base, context) for context in group if context is not base], seed=seed)


def placebo_pairs_of(contexts: Sequence[CurveContext], *, seed: int) -> Iterator[Pair]:
    """Yield every arm paired with its placebo, which stands in the place of the reference, as :func:`pairs_of`."""
    for group in tasks_with_arms(contexts):
        own = {context.table.arm: context for context in group}
        couples = [(context, own.get(placebo_of(name) or "")) for name, context in own.items()]
        yield from _pairs(group, [(placebo, arm) for placebo, arm in couples if arm is not None], seed=seed)


def _pairs(
    group: Sequence[CurveContext], couples: Sequence[tuple[CurveContext, CurveContext]], *, seed: int
) -> Iterator[Pair]:
    """Yield couples of reference and arm as pairs, on the questions shared by all arms of the task."""
    questions = sorted(set.intersection(*(set(context.table.questions) for context in group)))
    if not couples or len(questions) < MIN_QUESTIONS:
        return
    prompts = all(prompts_known(context.whole) for context in group)
    every = set.union(*(set(context.table.questions) for context in group))
    rows = {id(context): rows_of(context, questions) for context in group}
    prices = {id(context): _price_of_rows(context, rows[id(context)], prompts=prompts) for context in group}
    weights = question_weights(len(questions), rng=np.random.default_rng([seed, 0]))
    for base, context in couples:
        yield Pair(
            reference=base,
            arm=context,
            values=(base.cells[rows[id(base)]], context.cells[rows[id(context)]]),
            thinking=(_thinking(base, rows[id(base)]), _thinking(context, rows[id(context)])),
            prices=(prices[id(base)], prices[id(context)]),
            prompts=prompts,
            weights=weights,
            left_out=len(every) - len(questions),
            seed=seed,
        )


def _price_of_rows(context: CurveContext, rows: NDArray[np.int64], *, prompts: bool) -> CurvePrice:
    price = attempt_price(context.whole, context.analysis, prompts=prompts)
    return replace(price, cells=price.cells[rows])


def _thinking(context: CurveContext, rows: NDArray[np.int64]) -> Array:
    return np.asarray(question_means(context.table.thinking_tokens)[rows])


def rows_of(context: CurveContext, questions: Sequence[str]) -> NDArray[np.int64]:
    """Return the position of each question in the table of a curve."""
    position = {question: i for i, question in enumerate(context.table.questions)}
    return np.array([position[question] for question in questions], dtype=np.int64)


def matched_rungs(reference: Outcomes, arm: Outcomes) -> tuple[tuple[int, int], ...]:
    """Return the rungs that two ladders have in common, (reference, arm), lowest first.

    Rungs match by requested tokens, effort level or place of the checkpoint; a natural run matches a natural run.

    Args:
        reference: The table compared with.
        arm: The table compared.
    """
    positions = {key: i for i, key in enumerate(_rung_keys(arm)) if key is not None}
    pairs = ((i, positions.get(key)) for i, key in enumerate(_rung_keys(reference)) if key is not None)
    return tuple((i, j) for i, j in pairs if j is not None)


def _rung_keys(outcomes: Outcomes) -> list[object]:
    """Return the key by which rungs of two ladders match: requested tokens, effort level, or index of place."""
    by_place = outcomes.estimand in (Estimand.CHECKPOINT, Estimand.NATURAL)
    return [
        rung.requested_tokens
        if rung.requested_tokens is not None
        else rung.effort or (rung.index if by_place else None)
        for rung in outcomes.rungs
    ]
