"""Token usage that is in no row of the pool: traces that were interrupted, and sampled again."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from overthink.data.record import Estimand, RungRecord


@dataclass(frozen=True, slots=True)
class Paid:
    """Token usage; None where a part of it is unknown.

    Attributes:
        prompt_tokens: Tokens of prompts.
        cached_tokens: Those of them from a cache.
        decoded_tokens: Tokens decoded by the model under test.
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


NO_USAGE = Paid()
"""No token usage."""


@dataclass(frozen=True, slots=True)
class CutShort:
    """Token usage of one interrupted trace.

    Attributes:
        task: Task name.
        arm: Arm.
        question: Question id.
        draw: Number of the trace among those of the question, from 0.
        paid: Token usage of its completed requests.
        unanswered: Requests that were in progress, or failed: their usage is unknown.
    """

    task: str
    arm: str
    question: str
    draw: int
    paid: Paid
    unanswered: int


def usage_of_rows(rows: Iterable[RungRecord]) -> Paid:
    """Token usage of rows, each token once. A failed row without a count adds 0.

    Rows of one cell with several scorers describe the same requests. On a ladder every row was graded for itself; a log
    has its judges' tokens once for all its scorers. Cumulative columns count once per trace and curve, at
    their largest.

    Example:
        >>> from overthink.data.record import Axis
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
        prompt_tokens=_total(_shared_count(rows, "prompt_tokens") for rows in cell_rows),
        cached_tokens=_total(_shared_count(rows, "cached_tokens") for rows in cell_rows),
        decoded_tokens=_total(_shared_count(rows, "generated_tokens") for rows in cell_rows),
        judge_tokens=_total(_judge(rows) for rows in cell_rows),
        guard_tokens=_total(_shared_count(rows, "guard_tokens") for rows in curve_rows),
        step_verifier_tokens=_total(_shared_count(rows, "step_verifier_tokens") for rows in curve_rows),
    )


def failed_try(rows: Sequence[RungRecord], *, before: Sequence[RungRecord] = ()) -> CutShort:
    """Token usage of a failed try of a trace, which was sampled again.

    Args:
        rows: All its rows; at least one.
        before: Rows of the finished trace that the try extended, where it only added rungs to one.
    """
    first = rows[0]
    return CutShort(first.task, first.arm, first.question, first.draw, usage_of_rows(rows) - usage_of_rows(before), 1)


def _judge(rows: Sequence[RungRecord]) -> int | None:
    if rows[0].estimand in (Estimand.EFFORT, Estimand.CHECKPOINT):
        return _shared_count(rows, "judge_tokens")
    return _total(_shared_count([row], "judge_tokens") for row in rows)


def _shared_count(rows: Sequence[RungRecord], column: str) -> int | None:
    counts: list[int | None] = [getattr(row, column) for row in rows]
    counts_known = [count for count in counts if count is not None]
    if counts_known:
        return max(counts_known)
    return 0 if any(row.error is not None for row in rows) else None


def _counts(usage: Paid) -> tuple[int | None, ...]:
    return (
        usage.prompt_tokens,
        usage.cached_tokens,
        usage.decoded_tokens,
        usage.judge_tokens,
        usage.guard_tokens,
        usage.step_verifier_tokens,
    )


def _total(counts: Iterable[int | None]) -> int | None:
    total = 0
    for count in counts:
        if count is None:
            return None
        total += count
    return total
