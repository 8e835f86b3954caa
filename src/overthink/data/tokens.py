"""Overhead tokens: tokens of a trace up to a rung other than the thinking that it keeps.

Token usage that is in no row of the pool: traces that were interrupted, and sampled again.

Interpretation of a provider's token counts, whose output may include or exclude thinking.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from overthink.data.arrays import Array
from overthink.data.record import Category, Estimand, RungRecord

OVERHEAD_COLUMNS = {
    Category.PROBE: "probe_tokens",
    Category.REJECTED: "rejected_tokens",
    Category.PRUNED: "pruned_tokens",
    Category.CANCELLED: "cancelled_tokens",
    Category.GUARD: "guard_tokens",
    Category.VERIFIER: "step_verifier_tokens",
}
"""Column of the pool by category, cumulative up to the rung."""

DECODED = (Category.PROBE, Category.REJECTED, Category.PRUNED, Category.CANCELLED)
"""Categories decoded by the model under test itself; they are part of a rung's generated tokens."""


@dataclass(frozen=True, slots=True)
class OnTheWay:
    """Overhead tokens since the start of the trace; None where a server did not count. Fields are pool columns.

    Attributes:
        probe_tokens: Decoded to probe the trace, or to look ahead.
        rejected_tokens: Decoded, and discarded by a guard or a monitor.
        pruned_tokens: Decoded in branches without a part in the answer.
        cancelled_tokens: Decoded by requests without an answer.
        guard_tokens: Prompt and decoded tokens of guards.
        step_verifier_tokens: Prompt and decoded tokens of verifiers that scored steps.
    """

    probe_tokens: int | None = 0
    rejected_tokens: int | None = 0
    pruned_tokens: int | None = 0
    cancelled_tokens: int | None = 0
    guard_tokens: int | None = 0
    step_verifier_tokens: int | None = 0


NO_OVERHEAD = OnTheWay()
"""Overhead of the plain ladder: none."""


def increments(cumulative: Array) -> Array:
    """Return the increase of a cumulative column at each rung since the last rung with a count.

    Args:
        cumulative: Tokens up to each rung, (question, draw, rung); NaN where unknown.

    Example:
        >>> increments(np.array([[[3.0, np.nan, 5.0]]])).tolist()
        [[[3.0, nan, 2.0]]]
    """
    filled_up = cumulative.copy()
    for rung in range(1, filled_up.shape[2]):
        filled_up[:, :, rung] = np.where(
            np.isnan(filled_up[:, :, rung]), filled_up[:, :, rung - 1], filled_up[:, :, rung]
        )
    below = np.concatenate([np.zeros_like(filled_up[:, :, :1]), filled_up[:, :, :-1]], axis=2)
    return np.asarray(cumulative - np.where(np.isnan(below), 0.0, below))


def sum_verifier_tokens(answers: Array, steps: Array) -> Array:
    """Return verifier tokens of answers plus those of steps; NaN where both are NaN, else NaN counts as 0.

    Example:
        >>> sum_verifier_tokens(np.array([4.0, np.nan, np.nan]), np.array([1.0, 2.0, np.nan])).tolist()
        [5.0, 2.0, nan]
    """
    total = np.where(np.isnan(answers), 0.0, answers) + np.where(np.isnan(steps), 0.0, steps)
    return np.where(np.isnan(answers) & np.isnan(steps), np.nan, total)


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
        >>> usage_of_rows([row]).decoded_tokens, usage_of_rows([row]).cached_tokens
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


ResponseTokens = tuple[int | None, int | None]
"""Thinking tokens and output tokens of one response."""


def usage_excludes_reasoning(usage: Iterable[ResponseTokens]) -> bool:
    """Return whether a provider's output tokens exclude the thinking.

    Thinking that is part of the output cannot exceed it, so it is excluded where it exceeds the output in most
    responses. (Most, not any: retried calls make single counts contradict each other. On public logs of 30
    models the share of such responses was below 0.16 or above 0.99, and nothing between.)

    Args:
        usage: Counts of responses of one model; those with an unknown count are ignored.

    Example:
        >>> usage_excludes_reasoning([(900, 40), (700, 35)]), usage_excludes_reasoning([(900, 940), (700, 735)])
        (True, False)
    """
    above = [thinking > output for thinking, output in usage if thinking is not None and output is not None]
    return 2 * sum(above) > len(above)


def split_output(
    thinking: int | None, output: int | None, *, excludes_reasoning: bool
) -> tuple[int | None, int | None]:
    """Return the total of decoded tokens, and those outside the thinking; None where unknown.

    Args:
        thinking: Thinking tokens reported by the provider.
        output: Output tokens reported by the provider.
        excludes_reasoning: Whether the output excludes the thinking.

    Example:
        >>> split_output(900, 40, excludes_reasoning=True), split_output(900, 940, excludes_reasoning=False)
        ((940, 40), (940, 40))
    """
    if output is None or thinking is None:
        return (None if excludes_reasoning else output), None
    if excludes_reasoning:
        return output + thinking, output
    return output, (output - thinking if output >= thinking else None)
