"""Which arms can be compared with the reference, on which questions, and at what total compute."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from overthink.core.attempt import attempt_parts, strategy_tokens
from overthink.core.category import Category
from overthink.core.curve import question_means
from overthink.core.equal_compute import Meeting, Placed, meetings
from overthink.core.findings.page import Page
from overthink.core.interval import question_weights
from overthink.core.outcomes import Outcomes
from overthink.core.record import Estimand

Array = NDArray[np.float64]

PLAIN = "base"
"""The arm that others are compared with where nobody named one."""

WITH_PROMPTS = "total compute: tokens of one attempt, decoded ones, those of guards and step verifiers, and its prompt"
WITHOUT_PROMPTS = (
    "total compute: tokens of one attempt, decoded ones, those of guards and step verifiers; prompts are not"
)
OTHER_MODELS = (
    "guards and step verifiers are other models: a token of theirs may be cheaper or dearer than one of the model's"
)
ANOTHER_MODEL = "different models: the difference is that of models as well as of arms, and their tokens are not alike"
AT_ONCE = "the arm answers at once: its only rung stands for every budget"
FEWEST = 2


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """An arm beside the reference on one task, on the questions that all arms of the task share.

    Attributes:
        reference: The curve compared with.
        arm: The curve compared.
        values: (question, rung) of the reference, and of the arm.
        cost: (question, rung) total tokens of an attempt, of the reference, and of the arm; NaN where unknown.
        prompts: Whether prompts are in the cost.
        weights: (resample, question) of the bootstrap that all pairs on these questions share.
        left_out: Questions of the task that some arm lacks.
        seed: Of what is drawn for these questions.
    """

    reference: Page
    arm: Page
    values: tuple[Array, Array]
    cost: tuple[Array, Array]
    prompts: bool
    weights: Array
    left_out: int
    seed: int

    @property
    def at_once(self) -> bool:
        """Whether the arm thinks nothing whatever the budget, so that its only rung stands for every one."""
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
        """Positions of the same budget on both ladders, (reference, arm), lowest first."""
        if self.at_once:
            return tuple((rung, 0) for rung in range(self.reference.rungs))
        of_arm = {name: i for i, name in enumerate(_asked(self.arm.table)) if name is not None}
        pairs = ((i, of_arm.get(name)) for i, name in enumerate(_asked(self.reference.table)) if name is not None)
        return tuple((i, j) for i, j in pairs if j is not None)

    @property
    def unplaced(self) -> str | None:
        """Why the arms have no common axis of total compute; None where they have one."""
        complete = self.complete
        if complete.sum() >= FEWEST:
            cheapest = min(float(cost[complete].mean(axis=0).min()) for cost in self.cost)
            return None if cheapest > 0 else "an attempt costs no tokens at some rung"
        if any(np.isnan(cost).all(axis=0).any() for cost in self.cost):
            return "the source does not count the tokens of an attempt"
        return f"{complete.sum()} questions have a value and a token count at every rung of both arms; needed: {FEWEST}"

    @property
    def complete(self) -> NDArray[np.bool_]:
        """(question,) with a value and a cost at every rung of both arms."""
        tables = (*self.values, *self.cost)
        return np.asarray(~np.logical_or.reduce([np.isnan(table).any(axis=1) for table in tables]))

    def placed(self) -> tuple[Placed, Placed]:
        """Both arms on the axis of total compute, the reference first; on the complete questions."""
        kept = self.complete
        base, own = (Placed.of(v[kept], c[kept]) for v, c in zip(self.values, self.cost, strict=True))
        return base, own

    def gates(self, *, reference: Sequence[int], arm: Sequence[int]) -> tuple[str, ...]:
        """Gates that failed at these rungs of either curve."""
        return tuple(dict.fromkeys((*self.reference.failed(reference), *self.arm.failed(arm))))

    @property
    def limits(self) -> tuple[str, ...]:
        """What every comparison of the two must say."""
        fewer = (f"{self.left_out} questions are left out: some arm lacks them",) if self.left_out else ()
        other = self.arm.table.arm in self.arm.analysis.other_models
        return (*((ANOTHER_MODEL,) if other else ()), *fewer, *((AT_ONCE,) if self.at_once else ()))

    @property
    def of_compute(self) -> tuple[str, ...]:
        """What the axis of total compute counts."""
        return (WITH_PROMPTS if self.prompts else WITHOUT_PROMPTS, OTHER_MODELS)


@dataclass(frozen=True, slots=True, eq=False)
class Met:
    """Both arms at one total compute.

    Attributes:
        point: Where.
        reference: (question,) cells of the reference there.
        arm: (question,) cells of the arm there.
    """

    point: Meeting
    reference: Array
    arm: Array


def met(base: Placed, own: Placed) -> tuple[Met, ...]:
    """Both arms at every total compute at which both were measured, cheapest first."""
    return tuple(Met(p, base.at(p.cost, p.strays), own.at(p.cost, p.strays)) for p in meetings(own, base))


def reference_of(pages: Sequence[Page]) -> str | None:
    """The arm that the others are compared with; None where none was named and none is the plain one."""
    named = next((page.analysis.reference for page in pages), None)
    if named is not None:
        return named
    return PLAIN if any(page.table.arm == PLAIN for page in pages) else None


def tasks_with_arms(pages: Sequence[Page]) -> Iterator[list[Page]]:
    """The curves of every axis, task, scorer and estimand that several arms have; controls are left out."""
    groups: dict[tuple[str, ...], list[Page]] = {}
    for page in pages:
        if not page.is_control:
            table = page.table
            groups.setdefault((table.axis, table.task, table.scorer, table.estimand), []).append(page)
    yield from (group for group in groups.values() if len(group) > 1)


def pairs_of(pages: Sequence[Page], *, seed: int) -> Iterator[Pair]:
    """Every arm beside the reference, task by task; tasks that share fewer than two questions are left out."""
    reference = reference_of(pages)
    for group in tasks_with_arms(pages):
        base = next((page for page in group if page.table.arm == reference), None)
        shared = sorted(set.intersection(*(set(page.table.questions) for page in group)))
        if base is None or len(shared) < FEWEST:
            continue
        prompts = all(_tells_prompts(page.whole) for page in group)
        every = set.union(*(set(page.table.questions) for page in group))
        rows = {id(page): _rows(page, shared) for page in group}
        cost = {id(page): question_means(total_tokens(page.whole, prompts=prompts))[rows[id(page)]] for page in group}
        weights = question_weights(len(shared), rng=np.random.default_rng([seed, 0]))
        for page in group:
            if page is not base:
                both = (base, page)
                yield Pair(
                    reference=base,
                    arm=page,
                    values=(base.cells[rows[id(base)]], page.cells[rows[id(page)]]),
                    cost=(cost[id(both[0])], cost[id(both[1])]),
                    prompts=prompts,
                    weights=weights,
                    left_out=len(every) - len(shared),
                    seed=seed,
                )


def total_tokens(outcomes: Outcomes, *, prompts: bool) -> Array:
    """Tokens of an attempt, (question, draw, rung): decoded, of guards and step verifiers, and its prompt if told."""
    tokens = strategy_tokens(outcomes)
    return tokens + attempt_parts(outcomes)[Category.PROMPT] if prompts else tokens


def _tells_prompts(outcomes: Outcomes) -> bool:
    counted = ~np.isnan(strategy_tokens(outcomes))
    return bool(counted.any()) and not np.isnan(attempt_parts(outcomes)[Category.PROMPT][counted]).any()


def _rows(page: Page, questions: Sequence[str]) -> NDArray[np.int64]:
    place = {question: i for i, question in enumerate(page.table.questions)}
    return np.array([place[question] for question in questions], dtype=np.int64)


def _asked(outcomes: Outcomes) -> list[object]:
    """What tells rungs of two ladders apart: tokens asked for, a level, or the place of a checkpoint."""
    by_place = outcomes.estimand is Estimand.CHECKPOINT
    return [
        rung.requested_tokens
        if rung.requested_tokens is not None
        else rung.effort or (rung.index if by_place else None)
        for rung in outcomes.rungs
    ]
