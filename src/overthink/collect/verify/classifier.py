"""Any Hugging Face sequence classifier, on this machine: the probability of one of its labels."""

import math
import threading
from typing import Any

import anyio.to_thread

from overthink.collect.thinking import Means, Path
from overthink.collect.verify.checks import checked_scores
from overthink.collect.verify.verifier import Scored
from overthink.errors import InputError


class ClassifierVerifier:
    """Reads question and solution with a classifier, once for every score.

    A text is the question, an empty line, and the solution so far. A model with several labels gives their softmax; a
    model with one gives a number that is a logit unless its card says otherwise.

    Args:
        model: Hub id, or a local folder.
        label: The label that means sound, by name or number.
        sigmoid: The model's one number is a logit.

    Raises:
        InputError: Transformers or PyTorch is missing, the model cannot be loaded, or it has no such label.
    """

    def __init__(self, *, model: str, label: str, sigmoid: bool) -> None:
        try:
            import torch
            import transformers
        except ImportError as missing:
            raise InputError(
                f"verifier classifier needs {missing.name}. Run: pip install 'overthink[classifier]'"
            ) from missing
        try:
            self._tokenizer = transformers.AutoTokenizer.from_pretrained(model)
            self._classifier = transformers.AutoModelForSequenceClassification.from_pretrained(model)
        except (OSError, ValueError) as fault:
            first = (str(fault).splitlines() or [""])[0][:200]
            raise InputError(
                f"verifier classifier: {model} cannot be loaded ({first}); give a hub id or a folder"
            ) from (fault)
        self._classifier.eval()
        self._no_grad = torch.inference_mode
        self._column = _column(self._classifier.config, label, model)
        self._sigmoid = sigmoid
        self._one_at_a_time = threading.Lock()
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
        ends = range(len(steps) if last_only else 1, len(steps) + 1)
        read = [await anyio.to_thread.run_sync(self.read, f"{question}\n\n{''.join(steps[:end])}") for end in ends]
        tokens = sum(count for _, count in read)
        numbers = [number for number, _ in read]
        several = None if len(self._classifier.config.id2label) > 1 else self._sigmoid
        scores = checked_scores(numbers, len(ends), verifier=self.name, sigmoid=several, tokens=tokens)
        return Scored(scores, tokens)

    def read(self, text: str) -> tuple[float, int]:
        """The number of the label, and how many tokens were read for it."""
        with self._one_at_a_time, self._no_grad():
            encoded: Any = self._tokenizer(text, return_tensors="pt", truncation=True)
            logits: list[float] = self._classifier(**encoded).logits[0].tolist()
            count = int(encoded["input_ids"].shape[-1])
        return (logits[0] if len(logits) == 1 else softmax(logits)[self._column]), count


def softmax(logits: list[float]) -> list[float]:
    """Probabilities of the labels.

    Example:
        >>> softmax([0.0, 0.0])
        [0.5, 0.5]
    """
    top = max(logits)
    raised = [math.exp(logit - top) for logit in logits]
    return [one / sum(raised) for one in raised]


def _column(config: Any, label: str, model: str) -> int:
    names = {int(number): str(name) for number, name in config.id2label.items()}
    for number, name in names.items():
        if label in (name, str(number)):
            return number
    raise InputError(f"verifier classifier: {model} has no label {label!r}; it has: {', '.join(names.values())}")
