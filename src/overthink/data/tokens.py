"""Token usage: one record of counts with its sums, and the columns of overhead.

Token usage that is in no row of the pool: traces that were interrupted, and sampled again.

Interpretation of a provider's token counts, whose output may include or exclude thinking.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from operator import attrgetter
from typing import Any, TypeVar

import numpy as np

from overthink.data.arrays import Array
from overthink.data.record import Category

NumberT = TypeVar("NumberT", int, float)

OVERHEAD_COLUMNS = {
    Category.PROBE: "probe_tokens",
    Category.REJECTED: "rejected_tokens",
    Category.PRUNED: "pruned_tokens",
    Category.CANCELLED: "cancelled_tokens",
    Category.GUARD: "guard_tokens",
    Category.VERIFIER: "step_verifier_tokens",
}
"""Column of the pool by category of overhead (all but the thinking kept and the answer); cumulative up to the rung."""

DECODED = (Category.PROBE, Category.REJECTED, Category.PRUNED, Category.CANCELLED)
"""Categories decoded by the model under test itself; they are part of a rung's generated tokens."""


@dataclass(frozen=True, slots=True)
class TokenUsage:
    """Token counts; None is unknown, and stays unknown in sums and differences.

    Attributes:
        prompt_tokens: Tokens of prompts, cached ones included.
        cached_tokens: Those of them from a cache.
        thinking_tokens: Decoded, and kept as thinking.
        answer_tokens: Decoded, and kept as an answer.
        decoded_tokens: All tokens decoded by the model under test; in the pool ``generated_tokens``.
        verifier_tokens: Prompt and decoded tokens of verifiers that scored answers.
        judge_tokens: Tokens of grading models.
        probe_tokens: Decoded to probe the trace, or to look ahead.
        rejected_tokens: Decoded, and discarded by a guard or a monitor.
        pruned_tokens: Decoded in branches without a part in the answer.
        cancelled_tokens: Decoded by requests without an answer.
        guard_tokens: Prompt and decoded tokens of guards.
        step_verifier_tokens: Prompt and decoded tokens of verifiers that scored steps.

    Example:
        >>> usage = TokenUsage(prompt_tokens=5, decoded_tokens=7) + TokenUsage(prompt_tokens=None, probe_tokens=2)
        >>> usage.prompt_tokens, usage.decoded_tokens, usage[Category.PROBE]
        (None, 7, 2)
    """

    prompt_tokens: int | None = 0
    cached_tokens: int | None = 0
    thinking_tokens: int | None = 0
    answer_tokens: int | None = 0
    decoded_tokens: int | None = 0
    verifier_tokens: int | None = 0
    judge_tokens: int | None = 0
    probe_tokens: int | None = 0
    rejected_tokens: int | None = 0
    pruned_tokens: int | None = 0
    cancelled_tokens: int | None = 0
    guard_tokens: int | None = 0
    step_verifier_tokens: int | None = 0

    def __add__(self, other: "TokenUsage") -> "TokenUsage":
        pairs = zip(_counts(self), _counts(other), strict=True)
        return TokenUsage(*(None if a is None or b is None else a + b for a, b in pairs))

    def __sub__(self, other: "TokenUsage") -> "TokenUsage":
        return TokenUsage(*map(difference, _counts(self), _counts(other)))

    def __getitem__(self, category: Category) -> int | None:
        count: int | None = getattr(self, _column(category))
        return count

    @classmethod
    def of(cls, category: Category, tokens: int | None) -> "TokenUsage":
        """Return usage in one category."""
        return cls(**{_column(category): tokens})

    def columns(self) -> dict[str, Any]:
        """Return the counts by column of the pool."""
        counts = dict(zip(_NAMES, _counts(self), strict=True))
        return {"generated_tokens": counts.pop("decoded_tokens"), **counts}

    def undivided(self) -> "TokenUsage":
        """Return the usage without the division of its decoded tokens by use."""
        return TokenUsage(**{name: getattr(self, name) for name in UNDIVIDED})


UNDIVIDED = ("prompt_tokens", "cached_tokens", "decoded_tokens", "judge_tokens", "guard_tokens", "step_verifier_tokens")
"""Counts of a trace without rows, whose decoded tokens are not divided by use."""

MAX_COUNT = 2**40
"""Maximum number of tokens that one reply can plausibly count; sums of millions of them fit in 64 bits."""


def is_count(number: object) -> bool:
    """Return whether a number is a plausible count of tokens: whole, not negative, and of one reply.

    Example:
        >>> [is_count(number) for number in (7, 0, -3, 1.5, 10**30, True, "7")]
        [True, True, False, False, False, False, False]
    """
    return isinstance(number, int) and not isinstance(number, bool) and 0 <= number <= MAX_COUNT


NO_USAGE = TokenUsage()
"""No token usage; the start of a sum of usage."""

_NAMES = tuple(field.name for field in fields(TokenUsage))
_counts = attrgetter(*_NAMES)

UNKNOWN_USAGE = TokenUsage(*[None] * len(_NAMES))
"""Usage without any count."""


def _column(category: Category) -> str:
    return OVERHEAD_COLUMNS.get(category, f"{category}_tokens")


def total(counts: Iterable[NumberT | None]) -> NumberT | None:
    """Return the sum of numbers; None if one is unknown."""
    known = []
    for count in counts:
        if count is None:
            return None
        known.append(count)
    return sum(known)


def difference(whole: NumberT | None, *parts: NumberT | None) -> NumberT | None:
    """Return a number without its parts; None if one is unknown."""
    part = total(parts)
    return None if whole is None or part is None else whole - part


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


def sum_known(columns: Iterable[Array]) -> Array:
    """Return the sum of the columns, NaN counted as 0."""
    return np.asarray(sum(np.where(np.isnan(column), 0.0, column) for column in columns))


def sum_verifier_tokens(answers: Array, steps: Array) -> Array:
    """Return verifier tokens of answers plus those of steps; NaN where both are NaN, else NaN counts as 0.

    Example:
        >>> sum_verifier_tokens(np.array([4.0, np.nan, np.nan]), np.array([1.0, 2.0, np.nan])).tolist()
        [5.0, 2.0, nan]
    """
    return np.where(np.isnan(answers) & np.isnan(steps), np.nan, sum_known((answers, steps)))


@dataclass(frozen=True, slots=True)
class CutShort:
    """Token usage of one interrupted trace.

    Attributes:
        task: Task name.
        arm: Arm.
        question: Question id.
        draw: Number of the trace among those of the question, from 0.
        paid: Token usage of its completed requests, undivided.
        unanswered: Requests that were in progress, or failed: their usage is unknown.
    """

    task: str
    arm: str
    question: str
    draw: int
    paid: TokenUsage
    unanswered: int

    @property
    def key(self) -> tuple[str, str, str, int]:
        """Task, arm, question and draw."""
        return self.task, self.arm, self.question, self.draw


def usage_excludes_reasoning(responses: Iterable[TokenUsage]) -> bool:
    """Return whether a provider's output tokens exclude the thinking.

    Thinking that is part of the output cannot exceed it, so it is excluded where it exceeds the output in most
    responses. (Most, not any: retried calls make single counts contradict each other. On public logs of 30
    models the share of such responses was below 0.16 or above 0.99, and nothing between.)

    Args:
        responses: Usage of responses of one model, with the output as decoded tokens; those with an unknown count are
            ignored.

    Example:
        >>> usage_excludes_reasoning([TokenUsage(thinking_tokens=900, decoded_tokens=40)])
        True
        >>> usage_excludes_reasoning([TokenUsage(thinking_tokens=900, decoded_tokens=940)])
        False
    """
    pairs = ((usage.thinking_tokens, usage.decoded_tokens) for usage in responses)
    above = [thinking > output for thinking, output in pairs if thinking is not None and output is not None]
    return excludes_reasoning_by_counts(sum(above), len(above))


def excludes_reasoning_by_counts(n_above: int, n_both: int) -> bool:
    """Return the same from the responses with both counts, and those of them whose thinking exceeds the output."""
    return 2 * n_above > n_both


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


def split_response(response: TokenUsage, *, excludes_reasoning: bool) -> TokenUsage:
    """Return usage with all decoded tokens and those of the answer, from usage as reported by a provider."""
    thinking, output = response.thinking_tokens, response.decoded_tokens
    decoded, answer = split_output(thinking, output, excludes_reasoning=excludes_reasoning)
    return replace(response, decoded_tokens=decoded, answer_tokens=answer)
