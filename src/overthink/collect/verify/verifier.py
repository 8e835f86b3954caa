"""What every verifier promises, and how the scores of steps become one."""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, Protocol

from overthink.collect.thinking import Means, Path

Aggregate = Literal["last", "min", "prod", "mean"]
"""How the scores of steps become the score of a path."""


@dataclass(frozen=True, slots=True)
class Scored:
    """What a verifier says.

    Attributes:
        scores: One score per step that was asked for, each in [0, 1], higher is better.
        tokens: Prompt and decoded tokens that the verifier took; None if its server did not count them.
    """

    scores: tuple[float, ...]
    tokens: int | None


class UnreadableScoreError(RuntimeError):
    """A verifier answered, and what it said is no score: a gap that has been paid for.

    Attributes:
        reason: Why, without any text of the model's.
        tokens: Prompt and decoded tokens that it took; None if its server did not count them.
    """

    def __init__(self, reason: str, tokens: int | None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.tokens = tokens


@contextmanager
def charged_if_lost(means: Means, tokens: Callable[[], int | None]) -> Iterator[None]:
    """Charge what a verifier has taken where it fails on the way, or is called off; else it tells it in what it says.

    Args:
        means: The trace's means.
        tokens: What it has taken so far.
    """
    try:
        yield
    except UnreadableScoreError:
        raise  # it tells it, too
    except BaseException:
        means.till.charge(means.scored_as, tokens())
        raise


class Verifier(Protocol):
    """Scores the steps of a path, or an answer to it. One object serves all traces."""

    @property
    def name(self) -> str:
        """What reports call it."""
        ...

    @property
    def models(self) -> tuple[str, ...]:
        """The models that it asks beside the one under test."""
        ...

    async def steps(self, means: Means, path: Path, *, last_only: bool) -> Scored:
        """Score the steps of a path.

        Args:
            means: The trace's means; a verifier that asks the model under test pays nothing there, but tells its
                tokens in what it returns.
            path: The path; at least one step.
            last_only: Score the last step alone: one score.

        Raises:
            InputError: The verifier's reply cannot be used, as its scores are no probabilities or its server has no
                such endpoint; the message says what to change.
            UnreadableScoreError: This reply cannot be read: NaN, no number, or the wrong number of scores.
        """
        ...

    async def answer(self, means: Means, path: Path, answer: str) -> Scored:
        """Score an answer behind a path: one score. It raises what :meth:`steps` raises."""
        ...

    async def solution(self, means: Means, path: Path, answer: str) -> Scored:
        """Score every step of a path, and the answer as the step behind them: one score more than there are steps."""
        ...


def aggregated(scores: Sequence[float], how: Aggregate) -> float:
    """One score from those of the steps.

    The last (Snell et al. 2024, for verifiers trained on what is still to come), the least (Lightman et al. 2023), the
    product (the same), or the mean.

    Args:
        scores: Scores of the steps, each in [0, 1]; at least one.
        how: Which of these.

    Example:
        >>> [aggregated([0.5, 0.8, 0.5], how) for how in ("last", "min", "prod", "mean")]
        [0.5, 0.5, 0.2, 0.6]
    """
    if how == "last":
        return scores[-1]
    if how == "min":
        return min(scores)
    return math.prod(scores) if how == "prod" else sum(scores) / len(scores)
