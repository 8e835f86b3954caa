"""Outcomes: the table of one curve as arrays, question × draw × rung; the input of every estimate.

Validation of a table of values and of its ladder.

Outcome tables with adaptive sampling waves.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from operator import attrgetter
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from overthink.data.curve_key import CurveKey
from overthink.data.record import Axis, Estimand, RungRecord, Verdict
from overthink.data.waves import Waves
from overthink.errors import InputError

Label = TypeVar("Label", str, int)

VERDICTS = tuple(Verdict)
"""The verdict with code i is ``VERDICTS[i]``; -1 stands for no verdict."""

MAX_EMPTY_CELLS = 5_000_000
"""Maximum number of empty cells; a table with more has draws that are not numbered within their question."""

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
_COUNTED = tuple(name for name in _COLUMNS if name.endswith(("tokens", "seconds")))


@dataclass(frozen=True, slots=True)
class Rung:
    """One position on the ladder: its index, and the requested tokens or effort."""

    index: int
    requested_tokens: int | None = None
    effort: str | None = None


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
    answers: NDArray[np.int64]
    verdicts: NDArray[np.int64]
    waves: Waves | None = None

    @property
    def key(self) -> CurveKey:
        """Names of the curve."""
        return CurveKey(self.axis.value, self.task, self.arm, self.scorer, self.estimand.value)

    @property
    def failed(self) -> NDArray[np.bool_]:
        """Whether the trace failed. Its known cost counts as paid; it is no attempt and has no value."""
        return np.asarray(self.verdicts == VERDICTS.index(Verdict.ERRORED))

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


def from_records(records: Sequence[RungRecord]) -> list[Outcomes]:
    """Return the pool's rows as one table per curve.

    A curve is one (arm, axis, task, scorer, estimand). Curves come sorted by these labels, questions, draws
    and rungs sorted within them, so that the order of the rows does not matter.

    Args:
        records: Rows of the pool, in any order.

    Returns:
        One table per curve; an empty list where there are no rows.

    Raises:
        InputError: A question, draw and rung occurs twice; a rung was requested at two budgets; a value lies
            outside [0, 1]; or draws are numbered so that the table would be almost empty.
    """
    groups: dict[tuple[str, ...], list[RungRecord]] = defaultdict(list)
    label = attrgetter("arm", "axis", "task", "scorer", "estimand")
    for record in records:
        groups[label(record)].append(record)
    return [_table(groups[key]) for key in sorted(groups)]


def _table(rows: list[RungRecord]) -> Outcomes:
    first = rows[0]
    where = f"task {first.task!r}, arm {first.arm!r}"
    questions, question = _codes([r.question for r in rows])
    draws, draw = _codes([r.draw for r in rows])
    rungs = _ladder(rows, where)
    position = {r.index: i for i, r in enumerate(rungs)}
    rung = np.array([position[r.rung] for r in rows])

    shape = (len(questions), len(draws), len(rungs))
    size = int(np.prod(shape))
    if size - len(rows) > MAX_EMPTY_CELLS:
        raise InputError(
            f"{where}: {len(questions)} questions × {len(draws)} different draw numbers × {len(rungs)} "
            f"rungs hold only {len(rows)} rows; needed: draws numbered from 0 "
            "within each question; renumber them"
        )
    cell = np.ravel_multi_index((question, draw, rung), shape)
    n_rows = np.bincount(cell, minlength=size)
    if n_rows.max() > 1:
        duplicate = rows[int(np.flatnonzero(n_rows[cell] > 1)[0])]
        raise InputError(
            f"{where}: question {duplicate.question!r}, draw {duplicate.draw}, rung {duplicate.rung} occurs more than "
            "once; needed: one row each; give every trace of a question its own draw number, or tell the "
            "arms apart"
        )

    def expand(column: NDArray[Any], empty: float | bool) -> NDArray[Any]:
        full = np.full(size, empty, dtype=column.dtype)
        full[cell] = column
        return full.reshape(shape)

    columns = {name: expand(_floats(rows, attrgetter(source)), np.nan) for name, source in _COLUMNS.items()}
    for name in _COUNTED:
        columns[name][columns[name] < 0] = np.nan  # a count below 0 is invalid
    _check_values(columns["values"], where)
    return Outcomes(
        study=", ".join(sorted({r.study for r in rows})),
        arm=first.arm,
        axis=Axis(first.axis),
        task=first.task,
        scorer=first.scorer,
        estimand=Estimand(first.estimand),
        questions=questions,
        draws=draws,
        rungs=rungs,
        observed=expand(np.ones(len(rows), dtype=np.bool_), False),
        answers=expand(_answer_codes(rows), -1),
        verdicts=expand(_verdict_codes(rows), -1),
        waves=None,
        **columns,
    )


def _codes(labels: list[Label]) -> tuple[tuple[Label, ...], NDArray[np.int64]]:
    unique = tuple(sorted(set(labels)))
    code = {label: i for i, label in enumerate(unique)}
    return unique, np.array([code[label] for label in labels], dtype=np.int64)


def _ladder(rows: list[RungRecord], where: str) -> tuple[Rung, ...]:
    requests: dict[int, tuple[set[int], set[str]]] = {}
    for row in rows:
        tokens, efforts = requests.setdefault(row.rung, (set(), set()))
        if row.requested_tokens is not None:
            tokens.add(row.requested_tokens)
        if row.effort is not None:
            efforts.add(row.effort)
    for index, both in requests.items():
        for values in both:
            if len(values) > 1:
                raise InputError(
                    f"{where}: rung {index} was asked for as {' and '.join(map(str, sorted(values)))}; "
                    "needed: one budget or effort per rung; number the rungs anew, or give each "
                    "setting its own arm"
                )
    return tuple(Rung(i, next(iter(requests[i][0]), None), next(iter(requests[i][1]), None)) for i in sorted(requests))


def _floats(rows: list[RungRecord], get: Callable[[RungRecord], Any]) -> NDArray[np.float64]:
    return np.array([np.nan if (x := get(r)) is None else x for r in rows], dtype=np.float64)


def _answer_codes(rows: list[RungRecord]) -> NDArray[np.int64]:
    # Sorted, so that the codes do not depend on the order of the rows.
    code: dict[str | None, int] = {a: i for i, a in enumerate(sorted({r.answer for r in rows if r.answer is not None}))}
    return np.array([code.get(r.answer, -1) for r in rows], dtype=np.int64)


def _verdict_codes(rows: list[RungRecord]) -> NDArray[np.int64]:
    code: dict[Verdict | None, int] = {v: i for i, v in enumerate(VERDICTS)}
    error_code = code[Verdict.ERRORED]
    return np.array(
        [error_code if r.verdict is None and r.error is not None else code.get(r.verdict, -1) for r in rows],
        dtype=np.int64,
    )


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
    table = np.asarray(values, dtype=np.float64)
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
    ladder = np.asarray(budgets, dtype=np.float64)
    if ladder.shape != (rungs,):
        raise ValueError(f"budgets has shape {ladder.shape}; needed: one budget per rung, ({rungs},)")
    if rungs < 2:
        raise ValueError("there is one rung; needed: two at least, to compare")
    if not np.isfinite(ladder).all() or (ladder < 0).any() or (np.diff(ladder) <= 0).any():
        raise ValueError(f"budgets are {ladder.tolist()}; needed: tokens, from 0, increasing")
    return ladder


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
    kept_arrays: dict[str, Any] = {
        field.name: array[:, keep]
        for field in fields(table)
        if isinstance(array := getattr(table, field.name), np.ndarray)
    }
    return replace(table, waves=None, draws=tuple(np.asarray(table.draws)[keep].tolist()), **kept_arrays)
