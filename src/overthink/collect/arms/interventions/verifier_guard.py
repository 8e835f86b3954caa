"""Verifiers and Hugging Face classifiers as guards."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from overthink.collect.arms.interventions.guard import GuardError, GuardScale, GuardScore
from overthink.collect.ladder.thinking import ReasoningPath, TraceContext
from overthink.collect.arms.verifiers.classifier import ClassifierVerifier
from overthink.collect.arms.verifiers.base import UnreadableScoreError, Verifier
from overthink.data.category import Category
from overthink.errors import InputError


@dataclass(frozen=True)
class VerifierGuard:
    """A verifier as a guard.

    Attributes:
        verifier: The verifier; its score of the last step is a probability.
    """

    verifier: Verifier
    scale: GuardScale = "probability"

    @property
    def name(self) -> str:
        """Name of the verifier."""
        return self.verifier.name

    async def score(self, context: TraceContext, path: ReasoningPath) -> GuardScore:
        """Score the last step, given all before it."""
        with _no_score_is_an_error(self.name):
            result = await self.verifier.steps(replace(context, verifier_category=Category.GUARD), path, last_only=True)
        return GuardScore(result.scores[0], result.tokens)


@dataclass(frozen=True)
class RawClassifierGuard:
    """A classifier with one output as a guard with raw scores.

    Attributes:
        classifier: The classifier.

    Raises:
        InputError: It has several outputs, or converts its output into a probability.
    """

    classifier: ClassifierVerifier
    scale: GuardScale = "raw"

    def __post_init__(self) -> None:
        if self.classifier.outputs != 1 or self.classifier.sigmoid:
            has = "sigmoid=true" if self.classifier.sigmoid else f"{self.classifier.outputs} outputs"
            raise InputError(
                f"guard {self.name} has {has}, and scale=raw takes the one number of a model as it is; needed: "
                "scale=probability"
            )

    @property
    def name(self) -> str:
        """Name of the classifier."""
        return self.classifier.name

    async def score(self, context: TraceContext, path: ReasoningPath) -> GuardScore:
        """Score question and thinking as one text."""
        with _no_score_is_an_error(self.name):
            value, tokens = await self.classifier.read(context.question, path.text)
        return GuardScore(value, tokens)


@contextmanager
def _no_score_is_an_error(name: str) -> Iterator[None]:
    """Raise a GuardError for an unreadable score."""
    try:
        yield
    except UnreadableScoreError as failure:
        raise GuardError(f"guard {name}: {failure.reason}", failure.tokens) from failure
