"""Work that was paid and that no row of the pool tells of: traces that were cut short, and made again."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from overthink.core.record import Estimand, RungRecord


@dataclass(frozen=True, slots=True)
class Paid:
    """Tokens that some work took; None where a part of it does not say.

    Attributes:
        prompt_tokens: Tokens of prompts.
        cached_tokens: How many of them came from a cache.
        decoded_tokens: Tokens that the model under test decoded.
        judge_tokens: Tokens of grading models.
        guard_tokens: Tokens of guards.
        step_verifier_tokens: Tokens of verifiers that scored steps.
    """

    prompt_tokens: int | None = 0
    cached_tokens: int | None = 0
    decoded_tokens: int | None = 0
    judge_tokens: int | None = 0
    guard_tokens: int | None = 0
    step_verifier_tokens: int | None = 0

    def __add__(self, other: "Paid") -> "Paid":
        return Paid(*(_total((a, b)) for a, b in zip(_counts(self), _counts(other), strict=True)))

    def __sub__(self, other: "Paid") -> "Paid":
        pairs = zip(_counts(self), _counts(other), strict=True)
        return Paid(*(None if a is None or b is None else a - b for a, b in pairs))


NOTHING = Paid()
"""Work that took nothing."""


@dataclass(frozen=True, slots=True)
class CutShort:
    """What was paid for one trace that was cut short.

    Attributes:
        task: Task name.
        arm: What was compared.
        question: Question id.
        draw: Which trace of the question, from 0.
        paid: What its requests took, as far as they were answered.
        unanswered: Requests that were under way, or failed: what they took is unknown.
    """

    task: str
    arm: str
    question: str
    draw: int
    paid: Paid
    unanswered: int


def paid_for(rows: Iterable[RungRecord]) -> Paid:
    """What rows took, each token once. A row that failed and does not say took nothing that is known.

    Rows of one cell with several scorers tell of the same requests. On a ladder every row was graded for itself; a log
    tells its judges' tokens once for all its scorers. Columns that are cumulative count once per trace and curve, at
    their largest.

    Example:
        >>> from overthink.core.record import Axis
        >>> row = RungRecord("s", "base", Axis.SAFETY, "t", "m", "q", 0, 0, Estimand.FORCED, generated_tokens=7,
        ...                  prompt_tokens=5, cached_tokens=None, judge_tokens=0)
        >>> paid_for([row]).decoded_tokens, paid_for([row]).cached_tokens
        (7, None)
    """
    cells: dict[tuple[object, ...], list[RungRecord]] = {}
    curves: dict[tuple[object, ...], list[RungRecord]] = {}
    for row in rows:
        curve = (row.axis, row.task, row.arm, row.question, row.draw, row.estimand)
        cells.setdefault((*curve, row.rung), []).append(row)
        curves.setdefault(curve, []).append(row)
    cell_rows, curve_rows = list(cells.values()), list(curves.values())
    return Paid(
        prompt_tokens=_total(_once(rows, "prompt_tokens") for rows in cell_rows),
        cached_tokens=_total(_once(rows, "cached_tokens") for rows in cell_rows),
        decoded_tokens=_total(_once(rows, "generated_tokens") for rows in cell_rows),
        judge_tokens=_total(_judge(rows) for rows in cell_rows),
        guard_tokens=_total(_once(rows, "guard_tokens") for rows in curve_rows),
        step_verifier_tokens=_total(_once(rows, "step_verifier_tokens") for rows in curve_rows),
    )


def failed_try(rows: Sequence[RungRecord], *, before: Sequence[RungRecord] = ()) -> CutShort:
    """What a try of a trace took that failed, and was made again.

    Args:
        rows: All its rows; at least one.
        before: Rows of the finished trace that the try had stood on, where it only added rungs to one.
    """
    first = rows[0]
    return CutShort(first.task, first.arm, first.question, first.draw, paid_for(rows) - paid_for(before), 1)


def _judge(rows: Sequence[RungRecord]) -> int | None:
    if rows[0].estimand in (Estimand.EFFORT, Estimand.CHECKPOINT):
        return _once(rows, "judge_tokens")
    return _total(_once([row], "judge_tokens") for row in rows)


def _once(rows: Sequence[RungRecord], column: str) -> int | None:
    counts: list[int | None] = [getattr(row, column) for row in rows]
    known = [count for count in counts if count is not None]
    if known:
        return max(known)
    return 0 if any(row.error is not None for row in rows) else None


def _counts(paid: Paid) -> tuple[int | None, ...]:
    return (
        paid.prompt_tokens,
        paid.cached_tokens,
        paid.decoded_tokens,
        paid.judge_tokens,
        paid.guard_tokens,
        paid.step_verifier_tokens,
    )


def _total(counts: Iterable[int | None]) -> int | None:
    total = 0
    for count in counts:
        if count is None:
            return None
        total += count
    return total
