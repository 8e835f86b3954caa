"""Verifier protocol, and aggregation of step scores."""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, Protocol

from overthink.collect.ladder.thinking import ReasoningPath, TraceContext

Aggregate = Literal["last", "min", "prod", "mean"]
"""Aggregation of step scores into the score of a path."""


@dataclass(frozen=True, slots=True)
class Scores:
    """Scores of a verifier.

    Attributes:
        scores: One score per requested step, each in [0, 1], higher is better.
        tokens: Prompt and decoded tokens of the verifier; None if its server did not report them.
    """

    scores: tuple[float, ...]
    tokens: int | None


class UnreadableScoreError(RuntimeError):
    """A verifier's answer is not a score; its tokens are charged nevertheless.

    Attributes:
        reason: The reason, without any model text.
        tokens: Prompt and decoded tokens of the verifier; None if its server did not report them.
    """

    def __init__(self, reason: str, tokens: int | None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.tokens = tokens


@contextmanager
def charged_if_lost(context: TraceContext, tokens: Callable[[], int | None]) -> Iterator[None]:
    """Charge a verifier's tokens if it fails or is cancelled; otherwise they are part of its result.

    Args:
        context: The trace's context.
        tokens: Function that returns its tokens so far.
    """
    try:
        yield
    except UnreadableScoreError:
        raise  # it holds the tokens, too
    except BaseException:
        context.meter.charge(context.verifier_category, tokens())
        raise


class Verifier(Protocol):
    """Protocol: scores the steps of a path, or its answer. One object serves all traces."""

    @property
    def name(self) -> str:
        """Name in reports."""
        ...

    @property
    def models(self) -> tuple[str, ...]:
        """Models that it calls besides the model under test."""
        ...

    async def steps(self, context: TraceContext, path: ReasoningPath, *, last_only: bool) -> Scores:
        """Score the steps of a path.

        Args:
            context: The trace's context; tokens of the model under test are not recorded there, but returned.
            path: The path; at least one step.
            last_only: Score only the last step: one score.

        Raises:
            InputError: The verifier's replies are unusable: its scores are no probabilities, or its server has no such
                endpoint; the message states the remedy.
            UnreadableScoreError: This reply is unreadable: NaN, no number, or the wrong number of scores.
        """
        ...

    async def answer(self, context: TraceContext, path: ReasoningPath, answer: str) -> Scores:
        """Score an answer after a path: one score. Raises the errors of :meth:`steps`."""
        ...

    async def solution(self, context: TraceContext, path: ReasoningPath, answer: str) -> Scores:
        """Score every step of a path, and the answer as the last step: one score more than steps."""
        ...


def aggregate_scores(scores: Sequence[float], how: Aggregate) -> float:
    """Return the aggregate of the step scores.

    The last (Snell et al. 2024, for verifiers trained on the future return), the minimum (Lightman et al. 2023), the
    product (the same), or the mean.

    Args:
        scores: Scores of the steps, each in [0, 1]; at least one.
        how: The aggregation.

    Example:
        >>> [aggregate_scores([0.5, 0.8, 0.5], how) for how in ("last", "min", "prod", "mean")]
        [0.5, 0.5, 0.2, 0.6]
    """
    if how == "last":
        return scores[-1]
    if how == "min":
        return min(scores)
    return math.prod(scores) if how == "prod" else sum(scores) / len(scores)
