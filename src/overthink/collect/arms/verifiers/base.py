"""Base of verifiers, and aggregation of step scores.

Validation of a verifier's scores: their number and range.

Splitting of thinking text into steps.

Prefixes of the steps of a path, from which the model under test can continue.
"""

import math
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import ClassVar, Literal, Self

from overthink.collect.ladder.thinking import LINE_END, ReasoningPath, TraceContext
from overthink.collect.providers.continuation import Prefix
from overthink.components.base import Component, Statement, is_texts
from overthink.data.parameters import score_value
from overthink.errors import InputError

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

    def checked(self, count: int, verifier: str) -> "Scores":
        """Return the scores, of which so many were requested of a verifier, perhaps one from outside the package.

        Raises:
            InputError: There are more or fewer, one is no probability, or the tokens are below 0.
        """
        scores = tuple(score for score in map(score_value, self.scores) if score is not None)
        if len(scores) != len(self.scores):
            raise InputError(
                f"verifier {verifier} gave the scores {self.scores!r:.60}; needed: {count} numbers from 0 to 1"
            )
        if self.tokens is not None and not self.tokens >= 0:
            raise InputError(f"verifier {verifier} gave {self.tokens} tokens; needed: a count, or None where unknown")
        if len(scores) != count or not all(0 <= score <= 1 for score in scores):
            seen = ", ".join(f"{score:g}" for score in scores[:8]) or "none"
            raise InputError(f"verifier {verifier} gave {len(scores)} scores ({seen}); needed: {count}, from 0 to 1")
        return replace(self, scores=scores)


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


@dataclass(frozen=True, slots=True)
class ScoringWork:
    """Maximum cost of scoring one answer.

    Attributes:
        calls: Number of requests.
        decoded_tokens: Number of decoded tokens.
    """

    calls: int
    decoded_tokens: int


class ScoringPart(Component):
    """Base of verifiers and guards. One object serves all traces.

    Attributes:
        asks_model: It calls the model under test.
    """

    asks_model: ClassVar[bool] = False
    statements: ClassVar[Mapping[str, Statement]] = {
        "models": Statement("names of models", is_texts),
        "open": Statement("the component", lambda value: isinstance(value, Component)),
    }

    @property
    def models(self) -> tuple[str, ...]:
        """Models that it calls besides the model under test."""
        return ()

    def open(self) -> Self:
        """Return the component with its models opened; by default itself.

        Raises:
            InputError: A requirement is missing.
        """
        return self


class Verifier(ScoringPart):
    """Scores the steps of a path, or its answer; named by `--verifier` and by the setting ``verifier`` of an arm."""

    role: ClassVar[str] = "verifier"
    statements: ClassVar[Mapping[str, Statement]] = {
        **ScoringPart.statements,
        "name": Statement("a text", lambda value: isinstance(value, str)),
        "address": Statement("a text, or None", lambda value: value is None or isinstance(value, str)),
        "is_oracle": Statement("true or false", lambda value: isinstance(value, bool)),
        "work": Statement("a ScoringWork", lambda value: isinstance(value, ScoringWork)),
    }

    @property
    def name(self) -> str:
        """Name in reports."""
        return self.key

    @property
    def address(self) -> str | None:
        """Address of its server; None for models of Inspect or of this process."""
        return None

    @property
    def is_oracle(self) -> bool:
        """Whether it uses the targets."""
        return False

    def work(self, steps: int, answer_tokens: int) -> ScoringWork:
        """Return the maximum cost of scoring an answer.

        Args:
            steps: Number of its steps.
            answer_tokens: Token limit of an answer.
        """
        return ScoringWork(1, 0)

    @abstractmethod
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

    async def answer(self, context: TraceContext, path: ReasoningPath, answer: str) -> Scores:
        """Score an answer after a path, by default as its last step: one score. Raises the errors of :meth:`steps`."""
        scores = await self.steps(context, replace(path, steps=(*path.steps, answer)), last_only=True)
        return scores.checked(1, self.name)

    async def solution(self, context: TraceContext, path: ReasoningPath, answer: str) -> Scores:
        """Score every step of a path, and the answer as the last step: one score more than steps."""
        scores = await self.steps(context, replace(path, steps=(*path.steps, answer)), last_only=False)
        return scores.checked(len(path.steps) + 1, self.name)


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


SCORE_ROUNDING = 1e-6
"""Tolerance beyond 0 and 1 of a softmax in half precision."""


def checked_scores(
    numbers: Sequence[float | None], n_scores: int, *, verifier: str, sigmoid: bool | None, tokens: int | None
) -> tuple[float, ...]:
    """Return the numbers as scores in [0, 1].

    Args:
        numbers: The verifier's numbers; None for a missing one.
        n_scores: Number of requested scores.
        verifier: Its name, for messages.
        sigmoid: Convert logits into probabilities first; None if the verifier has no such setting.
        tokens: Tokens of the verifier.

    Raises:
        InputError: A number is not a probability, and not stated to be a logit.
        UnreadableScoreError: There are more or fewer numbers than requested, or one is NaN or infinite.

    Example:
        >>> checked_scores([0.0, 4.0], 2, verifier="v", sigmoid=True, tokens=9)
        (0.5, 0.9820137900379085)
    """
    if len(numbers) != n_scores:
        raise UnreadableScoreError(f"{len(numbers)} scores for {n_scores} steps", tokens)
    if not all(number is not None and math.isfinite(number) for number in numbers):
        raise UnreadableScoreError("a score is NaN, infinite or missing", tokens)
    values = [number for number in numbers if number is not None]
    if sigmoid:
        values = [1 / (1 + math.exp(-min(max(logit, -700.0), 700.0))) for logit in values]
    outside = [number for number in values if not -SCORE_ROUNDING <= number <= 1 + SCORE_ROUNDING]
    if outside:
        advice = "" if sigmoid is None else " If it gives logits, as reward models do, add the setting sigmoid=true."
        raise InputError(f"verifier {verifier} gave {outside[0]:g}; needed: probabilities, from 0 to 1.{advice}")
    return tuple(min(max(number, 0.0), 1.0) for number in values)


def steps_of(thought: str) -> tuple[str, ...]:
    r"""Return the lines of a text as steps, as in stepwise thinking; their concatenation is the text.

    Empty lines belong to the following step. A cut last line is a step too.

    Example:
        >>> steps_of("2+2 is 4.\n\nSo 4\n")
        ('2+2 is 4.\n', '\nSo 4\n')
        >>> "".join(steps_of("a\n\nb")) == "a\n\nb" and steps_of("") == ()
        True
    """
    steps: list[str] = []
    empty = ""
    for line in thought.split(LINE_END):
        piece = line + LINE_END
        if line.strip():
            steps.append(empty + piece)
            empty = ""
        else:
            empty += piece
    if steps:
        steps[-1] += empty
    elif thought:
        steps.append(empty)
    if steps:
        steps[-1] = steps[-1].removesuffix(LINE_END)  # added by the split
    return tuple(steps)


async def prefixes_of(context: TraceContext, path: ReasoningPath) -> list[Prefix]:
    """Return the prefixes before the first step and after every step: one more than steps.

    All but the last are tokenized from text, step by step; token boundaries may differ from the decoded ones, but not
    the text. The last is the path's own.
    """
    prefixes = [await context.continuation.start(list(context.prompt), context.spec.format.open)]
    for step in path.steps:
        prefixes.append(await context.continuation.append_text(prefixes[-1], step))
    return [*prefixes[:-1], path.prefix] if path.prefix.text or path.prefix.ids else prefixes


def tokens_of(prefixes: list[Prefix], at: int) -> int:
    """Return the thinking tokens after a step if the provider uses token ids, else 0. Used by simulated models only."""
    first, here = prefixes[0].ids, prefixes[at].ids
    return 0 if first is None or here is None else len(here) - len(first)
