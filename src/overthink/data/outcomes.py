"""Outcomes: the table of one curve as arrays, question × draw × rung; the input of every estimate.

Validation of a table of values and of its ladder.

Outcome tables with adaptive sampling waves.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from overthink.data.arrays import blank
from overthink.data.ids import CurveKey
from overthink.data.parameters import real_array
from overthink.data.record import Axis, Estimand, RungRecord, Verdict
from overthink.data.waves import Waves
from overthink.errors import InputError

if TYPE_CHECKING:
    from overthink.data.pool import Pool

VERDICTS = tuple(Verdict)
"""The verdict with code i is ``VERDICTS[i]``; -1 stands for no verdict."""

_COLUMNS = {
    "values": "value",
    "thinking_tokens": "thinking_tokens",
    "answer_tokens": "answer_tokens",
    "generated_tokens": "generated_tokens",
    "prompt_tokens": "prompt_tokens",
    "cached_tokens": "cached_tokens",
    "judge_tokens": "judge_tokens",
    "verifier_tokens": "verifier_tokens",
    "probe_tokens": "probe_tokens",
    "rejected_tokens": "rejected_tokens",
    "pruned_tokens": "pruned_tokens",
    "cancelled_tokens": "cancelled_tokens",
    "guard_tokens": "guard_tokens",
    "step_verifier_tokens": "step_verifier_tokens",
    "seconds": "seconds",
    "attempt_seconds": "attempt_seconds",
    "verifier_score": "verifier_score",
    "natural_end": "natural_end",
    "truncated": "truncated",
}


@dataclass(frozen=True, slots=True)
class Rung:
    """One position on the ladder.

    Attributes:
        index: Its number, from 0.
        requested_tokens: Requested thinking budget.
        effort: The provider's level.
        conditions: Distinct conditions of its rows, as texts, None among them for rows that do not state theirs; None
            where one plan made all rungs, whose conditions are equal by construction.
    """

    index: int
    requested_tokens: int | None = None
    effort: str | None = None
    conditions: tuple[str | None, ...] | None = None

    @property
    def name(self) -> str:
        """What was requested, in words."""
        tokens = None if self.requested_tokens is None else f"{self.requested_tokens} tokens"
        return self.effort or tokens or f"rung {self.index}"


@dataclass(frozen=True, slots=True, eq=False)
class Outcomes:
    """Everything observed for one curve. Arrays are (question, draw, rung), read-only, NaN where unknown.

    Attributes:
        study: Source of the rows.
        arm: Label of the arm.
        axis: Meaning of a value of 1.
        task: Task name.
        scorer: Scorer of the answers.
        estimand: Effect of a budget on the trace.
        questions: Question ids, sorted; axis 0.
        draws: Draw numbers, sorted; axis 1. Questions may have different draws.
        rungs: The ladder, lowest first; axis 2.
        observed: Whether there is a row.
        values: 1 = correct, safe or answered; 0 = not; between = graded.
        thinking_tokens: Cumulative up to the rung.
        answer_tokens: Of this rung's answer.
        generated_tokens: Newly decoded at this rung.
        prompt_tokens: Of this rung's requests.
        cached_tokens: Prompt tokens from the server's cache.
        judge_tokens: Tokens of judges.
        verifier_tokens: Tokens of verifiers of this rung's answer.
        probe_tokens: Overhead up to the rung; see :class:`~overthink.data.tokens.TokenUsage`.
        rejected_tokens: As above.
        pruned_tokens: As above.
        cancelled_tokens: As above.
        guard_tokens: As above.
        step_verifier_tokens: As above.
        seconds: Wall-clock seconds newly taken at this rung.
        attempt_seconds: Wall-clock seconds of an attempt up to the rung.
        verifier_score: Higher is better.
        natural_end: 1 = the trace had ended by itself.
        truncated: 1 = the answer hit its allowance.
        answers: Code of the canonical answer, the same code for the same answer; -1 = none.
        verdicts: Index into ``VERDICTS``; -1 = none.
        waves: Waves of draws in adaptive sampling; None where the number of draws was set beforehand.

    Raises:
        ValueError: An array has another shape, or questions, draws or rungs are not sorted and unique.
    """

    study: str
    arm: str
    axis: Axis
    task: str
    scorer: str
    estimand: Estimand
    questions: tuple[str, ...]
    draws: tuple[int, ...]
    rungs: tuple[Rung, ...]
    observed: NDArray[np.bool_]
    values: NDArray[np.float64]
    thinking_tokens: NDArray[np.float64]
    answer_tokens: NDArray[np.float64]
    generated_tokens: NDArray[np.float64]
    prompt_tokens: NDArray[np.float64]
    cached_tokens: NDArray[np.float64]
    judge_tokens: NDArray[np.float64]
    verifier_tokens: NDArray[np.float64]
    probe_tokens: NDArray[np.float64]
    rejected_tokens: NDArray[np.float64]
    pruned_tokens: NDArray[np.float64]
    cancelled_tokens: NDArray[np.float64]
    guard_tokens: NDArray[np.float64]
    step_verifier_tokens: NDArray[np.float64]
    seconds: NDArray[np.float64]
    attempt_seconds: NDArray[np.float64]
    verifier_score: NDArray[np.float64]
    natural_end: NDArray[np.float64]
    truncated: NDArray[np.float64]
    answers: NDArray[np.signedinteger[Any]]
    verdicts: NDArray[np.signedinteger[Any]]
    waves: Waves | None = None

    @property
    def key(self) -> CurveKey:
        """Names of the curve."""
        return CurveKey(self.axis.value, self.task, self.arm, self.scorer, self.estimand.value)

    @property
    def failed(self) -> NDArray[np.bool_]:
        """Whether the trace failed. Its known cost counts as paid; it is no attempt and has no value."""
        return np.asarray(self.verdicts == VERDICTS.index(Verdict.ERRORED))

    def is_cut(self, rung: int) -> NDArray[np.bool_]:
        """Return whether each answer of a rung hit its allowance, by its mark or its verdict, (question, draw)."""
        is_verdict = self.verdicts[:, :, rung] == VERDICTS.index(Verdict.TRUNCATED)
        return np.asarray((self.truncated[:, :, rung] == 1) | is_verdict)

    def __post_init__(self) -> None:
        shape = (len(self.questions), len(self.draws), len(self.rungs))
        axes: tuple[Sequence[Any], ...] = (self.questions, self.draws, tuple(r.index for r in self.rungs))
        for name, labels in zip(("questions", "draws", "rungs"), axes, strict=True):
            if list(labels) != sorted(set(labels)):
                raise ValueError(f"{name} must be sorted and unique; seen {list(labels)[:5]}")
        for field in fields(self):
            array = getattr(self, field.name)
            if isinstance(array, np.ndarray):
                if array.shape != shape:
                    raise ValueError(f"{field.name} has shape {array.shape}; needed {shape}")
                array.setflags(write=False)


def from_frame(pool: "Pool") -> list[Outcomes]:
    """Return the pool's rows as one table per curve, column by column.

    A curve is one (arm, axis, task, scorer, estimand). Curves come sorted by these labels, questions, draws
    and rungs sorted within them, so that the order of the rows does not matter. A column without a known cell takes
    no memory.

    Args:
        pool: Rows of the pool, in any order.

    Returns:
        One table per curve; an empty list where there are no rows.

    Raises:
        InputError: A column is missing; a question, draw and rung occurs twice; a rung was requested at two budgets;
            a value lies outside [0, 1]; or draws are numbered so that the table would be almost empty.

    Example:
        >>> from overthink.data.pool import pool_of
        >>> row = RungRecord("s", "base", Axis.CAPABILITY, "sums", "match", "q", 0, 0, Estimand.FORCED, value=1.0)
        >>> from_frame(pool_of([row]))[0].values.tolist()
        [[[1.0]]]
    """
    from overthink.data import cells  # frames are loaded where there is one: estimators need none

    pool = cells.checked_columns(pool)
    curves = cells.curve_cells(pool)
    tables: list[dict[str, NDArray[Any]]] = [{} for _ in curves]
    for name, source in _COLUMNS.items():
        for table, array in zip(tables, cells.numbers(pool, curves, source), strict=True):
            table[name] = array
    for table, curve, answers, verdicts in zip(
        tables, curves, cells.answers(pool, curves), cells.verdicts(pool, curves), strict=True
    ):
        _check_values(table["values"], curve.where)
        table |= {"answers": answers, "verdicts": verdicts, "observed": curve.observed}
    return [
        Outcomes(
            study=curve.study,
            arm=curve.labels["arm"],
            axis=Axis(curve.labels["axis"]),
            task=curve.labels["task"],
            scorer=curve.labels["scorer"],
            estimand=Estimand(curve.labels["estimand"]),
            questions=curve.questions,
            draws=curve.draws,
            rungs=tuple(Rung(*rung) for rung in curve.ladder),
            waves=None,
            **table,
        )
        for curve, table in zip(curves, tables, strict=True)
    ]


def outcome_bytes(known: Collection[str]) -> int:
    """Return the memory that a row takes in its table and while that is built, in bytes.

    Args:
        known: Columns of the pool with a known cell; others take none.

    Example:
        >>> outcome_bytes(["value", "thinking_tokens"]) - outcome_bytes(["value"])
        8
    """
    codes, cell, in_flight = 4 + 1, 8, 5 * 8
    return 8 * sum(source in known for source in _COLUMNS.values()) + codes + cell + in_flight


def from_records(records: Iterable[RungRecord]) -> list[Outcomes]:
    """Return rows that one plan just made as one table per curve; see :func:`from_frame`."""
    from overthink.data.pool import frame_of

    tables = from_frame(frame_of(records))
    return made_by_plan(tables, {table.arm for table in tables})


def _check_values(values: NDArray[np.float64], where: str) -> None:
    outside = values[~np.isnan(values) & ~((values >= 0) & (values <= 1))]
    if outside.size:
        raise InputError(
            f"{where}: a value is {outside[0]:g}; needed: values from 0 (wrong, harmful, refused) to 1; "
            "rescale the score"
        )


def check_values(values: ArrayLike, *, name: str = "values") -> NDArray[np.float64]:
    """Return the validated table as floats.

    Raises:
        ValueError: Not (question, draw, rung), one of them 0, or a value outside [0, 1]. NaN is allowed.
    """
    table = real_array(values, name)
    if table.ndim != 3 or 0 in table.shape:
        raise ValueError(f"{name} has shape {table.shape}; needed: (question, draw, rung), none of them 0")
    outside = table[~np.isnan(table) & ~((table >= 0) & (table <= 1))]
    if outside.size:
        raise ValueError(f"{name} holds {outside[0]:g}; needed: from 0 (wrong, harmful, refused) to 1; rescale")
    return table


def check_budgets(budgets: Sequence[float] | NDArray[np.float64], *, rungs: int) -> NDArray[np.float64]:
    """Return the validated budgets as floats.

    Raises:
        ValueError: Not one budget per rung, fewer than two rungs, a negative or infinite budget, or budgets that do
            not increase.
    """
    ladder = real_array(budgets, "budgets")
    if ladder.shape != (rungs,):
        raise ValueError(f"budgets has shape {ladder.shape}; needed: one budget per rung, ({rungs},)")
    if rungs < 2:
        raise ValueError("there is one rung; needed: two at least, to compare")
    if not np.isfinite(ladder).all() or (ladder < 0).any() or (np.diff(ladder) <= 0).any():
        raise ValueError(f"budgets are {ladder.tolist()}; needed: tokens, from 0, increasing")
    return ladder


def made_by_plan(tables: Sequence[Outcomes], arms: Collection[str]) -> list[Outcomes]:
    """Return the tables with the rungs of some arms marked as made by one plan.

    Args:
        tables: The curves.
        arms: Labels of these arms.
    """
    return [
        replace(table, rungs=tuple(replace(rung, conditions=None) for rung in table.rungs))
        if table.arm in arms
        else table
        for table in tables
    ]


def with_waves(tables: Sequence[Outcomes], waves: Mapping[str, Waves]) -> list[Outcomes]:
    """Return the tables with the sampling waves of their tasks.

    Args:
        tables: The curves.
        waves: By task; tasks that were not drawn in waves are left out.

    Raises:
        InputError: The waves are those of other questions.
    """
    result = []
    for table in tables:
        task_waves = waves.get(table.task)
        try:
            result.append(table if task_waves is None else replace(table, waves=task_waves.of(table.questions)))
        except ValueError as failure:
            raise InputError(
                f"task {table.task!r}: {failure}; needed: the waves in which this pool was drawn"
            ) from None
    return result


def guaranteed_part(table: Outcomes) -> Outcomes:
    """The draws that every question gets regardless of outcomes; all of them where there were no waves.

    Statistics of these draws are as if their number had been set beforehand.
    """
    if table.waves is None:
        return table
    keep = np.asarray(table.draws) < table.waves.guaranteed_draws
    return replace(_part(table, 1, keep), waves=None)


def at_rungs(table: Outcomes, rungs: Sequence[int]) -> Outcomes:
    """Return the outcomes at some rungs of the ladder, by position on axis 2; the rungs keep their numbers."""
    keep = np.isin(np.arange(len(table.rungs)), rungs)
    return _part(table, 2, keep)


def _part(table: Outcomes, axis: int, keep: NDArray[np.bool_]) -> Outcomes:
    """Return the part of every array along an axis; an array without a known cell takes no memory."""
    shape = tuple(int(keep.sum()) if number == axis else n for number, n in enumerate(table.values.shape))
    own: dict[str, Any] = {
        field.name: np.compress(keep, array, axis) if any(array.strides) else blank(shape, array.flat[0], array.dtype)
        for field in fields(table)
        if isinstance(array := getattr(table, field.name), np.ndarray)
    }
    if axis == 1:
        return replace(table, draws=tuple(np.asarray(table.draws)[keep].tolist()), **own)
    return replace(table, rungs=tuple(rung for rung, is_own in zip(table.rungs, keep, strict=True) if is_own), **own)
