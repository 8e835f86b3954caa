"""Which arms can be compared with the reference, on which questions, and at what total compute."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from overthink.core.amounts import noun
from overthink.core.attempt import tells_prompts
from overthink.core.costing import Unit
from overthink.core.equal_compute import Meeting, Placed, meetings
from overthink.core.findings.page import Page
from overthink.core.findings.priced import Priced, attempt_price, counted, why_unknown
from overthink.core.interval import question_weights
from overthink.core.outcomes import Outcomes
from overthink.core.record import Estimand

Array = NDArray[np.float64]

PLAIN = "base"
"""The arm that others are compared with where nobody named one."""

ANOTHER_MODEL = "different models: the difference is that of models as well as of arms"
OTHER_TOKENS = f"{ANOTHER_MODEL}, and their tokens are not alike; `--by flop` counts what they compute"
AT_ONCE = "the arm answers at once: its only rung stands for every budget"
FEWEST = 2


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """An arm beside the reference on one task, on the questions that all arms of the task share.

    Attributes:
        reference: The curve compared with.
        arm: The curve compared.
        values: (question, rung) of the reference, and of the arm.
        prices: What an attempt takes in all, (question, rung), of the reference, and of the arm.
        prompts: Whether prompts are in it.
        weights: (resample, question) of the bootstrap that all pairs on these questions share.
        left_out: Questions of the task that some arm lacks.
        seed: Of what is drawn for these questions.
    """

    reference: Page
    arm: Page
    values: tuple[Array, Array]
    prices: tuple[Priced, Priced]
    prompts: bool
    weights: Array
    left_out: int
    seed: int

    @property
    def unit(self) -> Unit:
        """What total compute is counted in."""
        return self.arm.analysis.unit

    @property
    def cost(self) -> tuple[Array, Array]:
        """(question, rung) of the reference, and of the arm; NaN where unknown."""
        return (self.prices[0].cells, self.prices[1].cells)

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
            return None if cheapest > 0 else f"an attempt costs no {noun(self.unit)} at some rung"
        if self.unpriced is not None:
            return self.unpriced
        what = "a token count" if self.unit is Unit.TOKENS else f"known {noun(self.unit)}"
        return f"{complete.sum()} questions have a value and {what} at every rung of both arms; needed: {FEWEST}"

    @property
    def unpriced(self) -> str | None:
        """Why an attempt of one of the arms has no cost at some rung; None where all have one."""
        lacking = [price for price in self.prices if np.isnan(price.cells).all(axis=0).any()]
        return why_unknown(lacking) if lacking else None

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
        models = OTHER_TOKENS if self.unit is Unit.TOKENS else ANOTHER_MODEL
        return (*((models,) if other else ()), *fewer, *((AT_ONCE,) if self.at_once else ()))

    @property
    def of_compute(self) -> tuple[str, ...]:
        """What the axis of total compute counts."""
        notes = (note for price in self.prices for note in price.notes)
        return (*counted(self.unit, prompts=self.prompts), *dict.fromkeys(notes))


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
        prompts = all(tells_prompts(page.whole) for page in group)
        every = set.union(*(set(page.table.questions) for page in group))
        rows = {id(page): _rows(page, shared) for page in group}
        prices = {id(page): _of_rows(page, rows[id(page)], prompts=prompts) for page in group}
        weights = question_weights(len(shared), rng=np.random.default_rng([seed, 0]))
        for page in group:
            if page is not base:
                yield Pair(
                    reference=base,
                    arm=page,
                    values=(base.cells[rows[id(base)]], page.cells[rows[id(page)]]),
                    prices=(prices[id(base)], prices[id(page)]),
                    prompts=prompts,
                    weights=weights,
                    left_out=len(every) - len(shared),
                    seed=seed,
                )


def _of_rows(page: Page, rows: NDArray[np.int64], *, prompts: bool) -> Priced:
    price = attempt_price(page.whole, page.analysis, prompts=prompts)
    return replace(price, cells=price.cells[rows])


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
