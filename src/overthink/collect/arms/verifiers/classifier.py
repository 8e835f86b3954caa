"""A local Hugging Face sequence classifier as a verifier: the probability of one of its labels."""

import math
from collections.abc import Mapping

import anyio.to_thread

from overthink.collect.arms.verifiers.base import Scores, UnreadableScoreError, checked_scores
from overthink.collect.arms.verifiers.classifier_model import ClassifierModel
from overthink.collect.ladder.thinking import ReasoningPath, TraceContext
from overthink.errors import InputError


class ClassifierVerifier:
    """Classifies question and solution, once per score.

    A text is the question, an empty line, and the solution so far. The score is the label's softmax; for a multi-label
    model, the sigmoid of the label; for a model with one output, the number itself, or its sigmoid if it is a logit.

    Args:
        model: A local folder with safetensors weights; nothing is downloaded, and no code from it is run.
        label: The label of sound texts, by name or number.
        sigmoid: The outputs are independent logits.
        cut_front: Truncate the beginning of a text longer than the model's limit; else it gets no score.

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

    async def steps(self, context: TraceContext, path: ReasoningPath, *, last_only: bool) -> Scores:
        """Score the steps of a path."""
        return await self._score(context.question, path.steps, last_only=last_only)

    async def answer(self, context: TraceContext, path: ReasoningPath, answer: str) -> Scores:
        """Score an answer, given all steps before it."""
        return await self._score(context.question, (*path.steps, answer), last_only=True)

    async def solution(self, context: TraceContext, path: ReasoningPath, answer: str) -> Scores:
        """Score the steps of a path, and the answer as the last step."""
        return await self._score(context.question, (*path.steps, answer), last_only=False)

    async def _score(self, question: str, steps: tuple[str, ...], *, last_only: bool) -> Scores:
        numbers: list[float] = []
        tokens = 0
        # from the longest text to the shortest: if one is too long, no shorter one has been classified in vain
        for end in range(len(steps), len(steps) - 1 if last_only else 0, -1):
            try:
                number, count = await self.read(question, "".join(steps[:end]))
            except UnreadableScoreError as gap:
                raise UnreadableScoreError(gap.reason, tokens + (gap.tokens or 0)) from gap
            numbers.insert(0, number)
            tokens += count
        are_probabilities = self.outputs > 1 and not self.sigmoid
        sigmoid = None if are_probabilities else self.sigmoid
        n_scores = 1 if last_only else len(steps)
        return Scores(checked_scores(numbers, n_scores, verifier=self.name, sigmoid=sigmoid, tokens=tokens), tokens)

    async def read(self, question: str, solution: str) -> tuple[float, int]:
        """Return the label's output, a probability or the model's number, and the number of tokens read.

        Raises:
            UnreadableScoreError: The model cannot process the text.
        """
        logits, count = await anyio.to_thread.run_sync(self._model.logits, f"{question}\n\n{solution}")
        is_taken_alone = self.outputs == 1 or self.sigmoid
        return (logits if is_taken_alone else softmax(logits))[self._column], count


def softmax(logits: list[float]) -> list[float]:
    """Return the probabilities of the labels; all NaN if a logit is NaN or infinite.

    Example:
        >>> softmax([0.0, 0.0])
        [0.5, 0.5]
    """
    if not all(map(math.isfinite, logits)):
        return [math.nan] * len(logits)
    top = max(logits)
    weights = [math.exp(logit - top) for logit in logits]
    return [weight / sum(weights) for weight in weights]


def _column(labels: Mapping[int, str], label: str, model: str) -> int:
    by_name = [number for number, name in labels.items() if name == label]
    by_number = [number for number in labels if str(number) == label]
    if len(by_name) > 1:
        raise InputError(f"verifier classifier: {model} has {len(by_name)} labels {label!r}; name one by its number")
    if not by_name + by_number:
        names = ", ".join(name[:40] for name in list(labels.values())[:20])
        raise InputError(f"verifier classifier: {model} has no label {label!r}; it has: {names}")
    return (by_name + by_number)[0]
