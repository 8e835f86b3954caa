"""A verifier as a guard, a Hugging Face classifier among them: its score of the last step."""

from dataclasses import dataclass

import anyio.to_thread

from overthink.collect.steer.guard import GuardError, GuardScore, Scale
from overthink.collect.thinking import Means, Path
from overthink.collect.verify.classifier import ClassifierVerifier
from overthink.collect.verify.verifier import UnreadableScoreError, Verifier
from overthink.core.category import Category


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
        try:
            said = await self.verifier.steps(means, path, last_only=True)
        except UnreadableScoreError as nothing:
            means.till.charge(Category.GUARD, nothing.tokens)
            raise GuardError(f"guard {self.name}: {nothing.reason}") from nothing
        return GuardScore(said.scores[0], said.tokens)


@dataclass(frozen=True)
class RawClassifierGuard:
    """A classifier with one output, whose number is taken as it is.

    Attributes:
        classifier: The classifier.
    """

    classifier: ClassifierVerifier
    scale: Scale = "raw"

    @property
    def name(self) -> str:
        """The classifier's."""
        return self.classifier.name

    async def score(self, means: Means, path: Path) -> GuardScore:
        """Score question and thinking as one text."""
        value, tokens = await anyio.to_thread.run_sync(self.classifier.read, f"{means.question}\n\n{path.text}")
        return GuardScore(value, tokens)
