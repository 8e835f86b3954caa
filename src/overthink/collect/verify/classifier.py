"""Any Hugging Face sequence classifier, on this machine: the probability of one of its labels."""

import math
from collections.abc import Mapping

import anyio.to_thread

from overthink.collect.thinking import Means, Path
from overthink.collect.verify.checks import checked_scores
from overthink.collect.verify.classifier_model import ClassifierModel
from overthink.collect.verify.verifier import Scored, UnreadableScoreError
from overthink.errors import InputError


class ClassifierVerifier:
    """Reads question and solution with a classifier, once for every score.

    A text is the question, an empty line, and the solution so far. Of a model with several labels it takes their
    softmax, or, where its configuration says that they do not exclude each other, the sigmoid of the one label. Of a
    model with one output it takes the number, which is a logit where somebody says so.

    Args:
        model: A local folder with safetensors weights; nothing is fetched, and no code from it is run.
        label: The label that means sound, by name or number.
        sigmoid: The numbers are logits, each by itself.
        cut_front: Leave out the beginning of a text that is longer than the model reads; else it gets no score.

    Raises:
        InputError: Transformers or PyTorch is missing, the folder cannot be used, or the model has no such label.
    """

    def __init__(self, *, model: str, label: str, sigmoid: bool, cut_front: bool) -> None:
        self._model = ClassifierModel(model, cut_front=cut_front)
        self._column = _column(self._model.labels, label, model)
        self.outputs = len(self._model.labels)
        self.sigmoid = sigmoid or (self._model.multi_label and self.outputs > 1)
        self.name = f"classifier {model} ({label})"
        self.models: tuple[str, ...] = (model,)

    async def steps(self, means: Means, path: Path, *, last_only: bool) -> Scored:
        """Score the steps of a path."""
        return await self._scored(means.question, path.steps, last_only=last_only)

    async def answer(self, means: Means, path: Path, answer: str) -> Scored:
        """Score an answer, with all that led to it before it."""
        return await self._scored(means.question, (*path.steps, answer), last_only=True)

    async def solution(self, means: Means, path: Path, answer: str) -> Scored:
        """Score the steps of a path, and the answer as the last of them."""
        return await self._scored(means.question, (*path.steps, answer), last_only=False)

    async def _scored(self, question: str, steps: tuple[str, ...], *, last_only: bool) -> Scored:
        numbers: list[float] = []
        tokens = 0
        # from the longest text to the shortest: where one is too long, nothing has been read for the others
        for end in range(len(steps), len(steps) - 1 if last_only else 0, -1):
            try:
                number, count = await self.read(question, "".join(steps[:end]))
            except UnreadableScoreError as gap:
                raise UnreadableScoreError(gap.reason, tokens + (gap.tokens or 0)) from gap
            numbers.insert(0, number)
            tokens += count
        are_probabilities = self.outputs > 1 and not self.sigmoid
        sigmoid = None if are_probabilities else self.sigmoid
        wanted = 1 if last_only else len(steps)
        return Scored(checked_scores(numbers, wanted, verifier=self.name, sigmoid=sigmoid, tokens=tokens), tokens)

    async def read(self, question: str, solution: str) -> tuple[float, int]:
        """The number of the label, a probability or as the model gives it, and how many tokens were read for it.

        Raises:
            UnreadableScoreError: The model cannot read the text.
        """
        logits, count = await anyio.to_thread.run_sync(self._model.logits, f"{question}\n\n{solution}")
        is_taken_alone = self.outputs == 1 or self.sigmoid
        return (logits if is_taken_alone else softmax(logits))[self._column], count


def softmax(logits: list[float]) -> list[float]:
    """Probabilities of the labels; none of them is known where a logit is NaN or infinite.

    Example:
        >>> softmax([0.0, 0.0])
        [0.5, 0.5]
    """
    if not all(map(math.isfinite, logits)):
        return [math.nan] * len(logits)
    top = max(logits)
    raised = [math.exp(logit - top) for logit in logits]
    return [one / sum(raised) for one in raised]


def _column(labels: Mapping[int, str], label: str, model: str) -> int:
    named = [number for number, name in labels.items() if name == label]
    numbered = [number for number in labels if str(number) == label]
    if len(named) > 1:
        raise InputError(f"verifier classifier: {model} has {len(named)} labels {label!r}; name one by its number")
    if not named + numbered:
        known = ", ".join(name[:40] for name in list(labels.values())[:20])
        raise InputError(f"verifier classifier: {model} has no label {label!r}; it has: {known}")
    return (named + numbered)[0]
