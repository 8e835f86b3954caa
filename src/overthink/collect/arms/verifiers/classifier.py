"""A local Hugging Face sequence classifier as a verifier: the probability of one of its labels."""

import math
from collections.abc import Mapping
from typing import Literal, Self

import anyio.to_thread
from pydantic import Field, PrivateAttr

from overthink.collect.arms.verifiers.base import Scores, ScoringWork, UnreadableScoreError, Verifier, checked_scores
from overthink.collect.arms.verifiers.classifier_model import ClassifierModel
from overthink.collect.arms.verifiers.endpoint import SIGMOID
from overthink.collect.ladder.thinking import ReasoningPath, TraceContext
from overthink.components.base import component
from overthink.errors import InputError


@component("classifier")
class ClassifierVerifier(Verifier):
    """A Hugging Face sequence classifier on this machine.

    It classifies question and solution, once per score. A text is the question, an empty line, and the solution so far.
    The score is the label's softmax; for a multi-label model, the sigmoid of the label; for a model with one output,
    the number itself, or its sigmoid if it is a logit. Nothing is downloaded, and no code from the folder is run.
    """

    model: str = Field(description="its folder, with safetensors weights")
    label: str = Field(description="the label that means sound, by name or number")
    sigmoid: bool = Field(False, description=SIGMOID)
    cut: Literal["none", "front"] = Field(
        "none",
        description="what is left out of a text that is longer than the model reads: none, so that it gets no score, "
        "or its front",
    )
    _model: ClassifierModel = PrivateAttr()
    _column: int = PrivateAttr()

    @property
    def name(self) -> str:
        """Name in reports."""
        return f"classifier {self.model} ({self.label})"

    @property
    def models(self) -> tuple[str, ...]:
        """The folder."""
        return (self.model,)

    @property
    def address(self) -> str:
        """This machine."""
        return "http://localhost"

    @property
    def outputs(self) -> int:
        """Number of outputs of the opened model."""
        return len(self._model.labels)

    @property
    def are_logits(self) -> bool:
        """Whether the outputs of the opened model are independent logits."""
        return self.sigmoid or (self._model.multi_label and self.outputs > 1)

    def work(self, steps: int, answer_tokens: int) -> ScoringWork:
        """Return the cost: one text per step."""
        return ScoringWork(steps, 0)

    def open(self) -> Self:
        """Return the verifier with its model loaded.

        Raises:
            InputError: Transformers or PyTorch is missing, the folder cannot be used, or the model has no such label.
        """
        opened = self.model_copy()
        opened._model = ClassifierModel(self.model, cut_front=self.cut == "front")
        opened._column = _column(opened._model.labels, self.label, self.model)
        return opened

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
        are_probabilities = self.outputs > 1 and not self.are_logits
        sigmoid = None if are_probabilities else self.are_logits
        n_scores = 1 if last_only else len(steps)
        return Scores(checked_scores(numbers, n_scores, verifier=self.name, sigmoid=sigmoid, tokens=tokens), tokens)

    async def read(self, question: str, solution: str) -> tuple[float, int]:
        """Return the label's output, a probability or the model's number, and the number of tokens read.

        Raises:
            UnreadableScoreError: The model cannot process the text.
        """
        logits, count = await anyio.to_thread.run_sync(self._model.logits, f"{question}\n\n{solution}")
        is_taken_alone = self.outputs == 1 or self.are_logits
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
