"""A verifier as a guard, a Hugging Face classifier among them: its score of the last step."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from overthink.collect.steer.guard import GuardError, GuardScore, Scale
from overthink.collect.thinking import Means, Path
from overthink.collect.verify.classifier import ClassifierVerifier
from overthink.collect.verify.verifier import UnreadableScoreError, Verifier
from overthink.core.category import Category
from overthink.errors import InputError


@dataclass(frozen=True)
class VerifierGuard:
    """Whatever scores steps can guard them.

    Attributes:
        verifier: Who scores the last step, as a probability.
    """

    verifier: Verifier
    scale: Scale = "probability"

    @property
    def name(self) -> str:
        """The verifier's."""
        return self.verifier.name

    async def score(self, means: Means, path: Path) -> GuardScore:
        """Score the last step, with all that led to it."""
        with _no_score_is_an_error(self.name):
            said = await self.verifier.steps(replace(means, scored_as=Category.GUARD), path, last_only=True)
        return GuardScore(said.scores[0], said.tokens)


@dataclass(frozen=True)
class RawClassifierGuard:
    """A classifier with one output, whose number is taken as it is.

    Attributes:
        classifier: The classifier.

    Raises:
        InputError: It has several outputs, or its number was to be turned into a probability.
    """

    classifier: ClassifierVerifier
    scale: Scale = "raw"

    def __post_init__(self) -> None:
        if self.classifier.outputs != 1 or self.classifier.sigmoid:
            has = "sigmoid=true" if self.classifier.sigmoid else f"{self.classifier.outputs} outputs"
            raise InputError(
                f"guard {self.name} has {has}, and scale=raw takes the one number of a model as it is; needed: "
                "scale=probability"
            )

    @property
    def name(self) -> str:
        """The classifier's."""
        return self.classifier.name

    async def score(self, means: Means, path: Path) -> GuardScore:
        """Score question and thinking as one text."""
        with _no_score_is_an_error(self.name):
            value, tokens = await self.classifier.read(means.question, path.text)
        return GuardScore(value, tokens)


@contextmanager
def _no_score_is_an_error(name: str) -> Iterator[None]:
    """A step that got no score may not stay unseen."""
    try:
        yield
    except UnreadableScoreError as nothing:
        raise GuardError(f"guard {name}: {nothing.reason}", nothing.tokens) from nothing
