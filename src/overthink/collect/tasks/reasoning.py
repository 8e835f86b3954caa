"""Capability tasks without a download: reasoning-gym families that a 135M model sometimes solves.

The families, their sizes and the worked examples were chosen by measurement: without worked examples the embedded
model stays at floor on all of them. The examples are earlier turns of the chat and open like a ladder's trace.
"""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from types import MappingProxyType
from typing import Any

from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import ChatMessage, ChatMessageAssistant, ChatMessageUser
from inspect_ai.scorer import match
from inspect_ai.solver import generate

from overthink.errors import InputError

_ASK = "\n\nThink step by step, then write the result on a last line that starts with `ANSWER:`."


@dataclass(frozen=True, slots=True)
class _WorkedExample:
    question: str
    steps: str
    answer: str

    def turns(self) -> list[ChatMessage]:
        reply = f"Let me think step by step.\n{self.steps}\n\nANSWER: {self.answer}"
        return [ChatMessageUser(content=self.question + _ASK), ChatMessageAssistant(content=reply)]


_SUM = "State the final answer to the following arithmetic problem: "
_PRODUCT = "Solve the following multiplication: {}. Give only the result as your final answer."
_LETTERS = 'How many times does the letter "{}" appear in the text: "{}"?'


@task
def arithmetic(size: int = 200, seed: int = 0) -> Task:
    """Sums and differences of three one-digit numbers (reasoning-gym `chain_sum`).

    Args:
        size: Number of questions.
        seed: Seed of the questions.
    """
    # All of one length: after examples of mixed length the embedded model adds a step too many and ends below its peak.
    examples = (
        _WorkedExample(_SUM + "6 + 2 - 3 =", "6 + 2 = 8\n8 - 3 = 5", "5"),
        _WorkedExample(_SUM + "9 - 4 + 7 =", "9 - 4 = 5\n5 + 7 = 12", "12"),
        _WorkedExample(_SUM + "2 - 8 + 1 =", "2 - 8 = -6\n-6 + 1 = -5", "-5"),
        _WorkedExample(_SUM + "5 + 9 + 4 =", "5 + 9 = 14\n14 + 4 = 18", "18"),
    )
    return _family("chain_sum", examples, size, seed, min_terms=3, max_terms=3, min_digits=1, max_digits=1)


@task
def multiplication(size: int = 200, seed: int = 0) -> Task:
    """Products of two numbers of one or two digits (reasoning-gym `products`).

    Args:
        size: Number of questions.
        seed: Seed of the questions.
    """
    examples = (
        _WorkedExample(_PRODUCT.format("6 * 12"), "6 * 10 = 60\n6 * 2 = 12\n60 + 12 = 72", "72"),
        _WorkedExample(_PRODUCT.format("7 * 3"), "7 * 3 = 21", "21"),
    )
    return _family("products", examples, size, seed, min_digits=1, max_digits=2)


@task
def letter_counting(size: int = 200, seed: int = 0) -> Task:
    """How often a letter occurs in two or three words (reasoning-gym `letter_counting`).

    Args:
        size: Number of questions.
        seed: Seed of the questions.
    """
    examples = (
        _WorkedExample(_LETTERS.format("e", "green tree"), "green has 2\ntree has 2\n2 + 2 = 4", "4"),
        _WorkedExample(_LETTERS.format("a", "the cat ran"), "the has 0\ncat has 1\nran has 1\n0 + 1 + 1 = 2", "2"),
    )
    return _family("letter_counting", examples, size, seed, min_words=2, max_words=3)


def _family(name: str, examples: tuple[_WorkedExample, ...], size: int, seed: int, **config: int) -> Task:
    if size < 1:
        raise InputError(f"size={size}; needed: at least one question")
    shots = [turn for example in examples for turn in example.turns()]
    # Small families repeat questions: each counts once, and never if it is one of the examples.
    example_questions = {example.question for example in examples}
    new = {q: a for q, a in _answers(name, 5 * size, seed, tuple(config.items())).items() if q not in example_questions}
    if len(new) < size:
        raise InputError(f"size={size}; needed: at most {len(new)}, for {name} has no more different questions")
    samples = [_sample(f"{name}-{index}", shots, *pair) for index, pair in enumerate(islice(new.items(), size))]
    return Task(
        dataset=MemoryDataset(samples, name=name, location=f"reasoning-gym:{name}"),
        solver=generate(),
        # All three families have one whole number as their answer, so Inspect's match is the family's own verifier,
        # and more forgiving about the words around it.
        scorer=match(numeric=True),
    )


@lru_cache(maxsize=8)
def _answers(name: str, size: int, seed: int, config: tuple[tuple[str, int], ...]) -> Mapping[str, str]:
    """Return the answers of a family by question; of a question that comes twice, the last, at its first place.

    Kept for the next time: a study opens its tasks more than once, and making the questions costs more than the rest.
    """
    dataset = _reasoning_gym().create_dataset(name, size=size, seed=seed, **dict(config))
    return MappingProxyType({q["question"].strip(): str(q["answer"]) for q in dataset})


def _sample(sample_id: str, shots: list[ChatMessage], question: str, answer: str) -> Sample:
    return Sample(
        id=sample_id,
        input=[*shots, ChatMessageUser(content=question + _ASK)],
        target=answer,
        metadata={"simulated": {"good": answer, "bad": str(int(answer) + 1)}},
    )


def _reasoning_gym() -> Any:
    try:
        with warnings.catch_warnings():
            # One of reasoning-gym's dependencies compares with "is" and a literal; it cannot be fixed here.
            warnings.filterwarnings("ignore", message='"is" with', category=SyntaxWarning)
            import reasoning_gym
    except ModuleNotFoundError as missing:
        raise InputError(
            f"the reasoning tasks need the package {missing.name}; install them with: pip install 'overthink[demo]'"
        ) from None
    return reasoning_gym
