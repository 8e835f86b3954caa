"""How long a task's prompts are, before any thought is paid: its solver writes them, and their tokens are counted.

Our own models bring their tokenizer, so their prompts are counted as they will be sent: with the chat template, which
may add a system message of its own, and with the assistant's turn opened. For other models letters are counted.
"""

import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from inspect_ai import Task
from inspect_ai._util._async import run_coroutine
from inspect_ai.dataset import Sample
from inspect_ai.model import ChatMessage, ChatMessageUser, Model, ModelName
from inspect_ai.scorer import Target
from inspect_ai.solver import TaskState

from overthink.collect.continuation import Prefix, TokenContinuation
from overthink.collect.opening import solver_of
from overthink.collect.replay import Replay
from overthink.collect.think import ThinkFormat, for_prompt

LETTERS_PER_TOKEN = 4
"""Of English prose; code and other languages have fewer."""

MESSAGE_TOKENS = 8
"""What a chat template adds to every message."""

_UNREADY = (RuntimeError, LookupError, AttributeError, AssertionError, TypeError, ValueError, OSError)
"""What solvers raise that need a running evaluation around them; then the question alone is counted."""


@dataclass(frozen=True, slots=True)
class Turn:
    """How a ladder opens and closes the assistant's turn.

    Attributes:
        form: The think format.
        cue: The evaluator's own cue; None where the prompt chooses it.
    """

    form: ThinkFormat
    cue: str | None


@dataclass(frozen=True, slots=True)
class Lengths:
    """What the requests of one task begin with, and end with.

    Attributes:
        prompt: Mean tokens of a prompt, the opened turn included.
        cue: Most tokens that close the thinking and ask for the answer.
    """

    prompt: int
    cue: int


class Counter(Protocol):
    """Counts tokens.

    Attributes:
        most: Questions whose prompt is written out and counted.
    """

    most: int

    async def prompt(self, messages: Sequence[ChatMessage], opening: str) -> int:
        """Tokens of a prompt with the assistant's turn opened."""

    async def text(self, text: str) -> int:
        """Tokens of a text of ours."""


class Letters:
    """An estimate, from letters."""

    most = 8

    async def prompt(self, messages: Sequence[ChatMessage], opening: str) -> int:
        """Tokens of a prompt with the assistant's turn opened."""
        told = sum(len(message.text) // LETTERS_PER_TOKEN + MESSAGE_TOKENS for message in messages)
        return told + await self.text(opening)

    async def text(self, text: str) -> int:
        """Tokens of a text of ours."""
        return math.ceil(len(text) / LETTERS_PER_TOKEN)


class Exactly:
    """The count of the model's own tokenizer."""

    most = 64

    def __init__(self, model: Model) -> None:
        self._way = TokenContinuation(model)

    async def prompt(self, messages: Sequence[ChatMessage], opening: str) -> int:
        """Tokens of a prompt with the assistant's turn opened."""
        return len((await self._way.start(list(messages), opening)).ids or ())

    async def text(self, text: str) -> int:
        """Tokens of a text of ours."""
        return len((await self._way.append_text(Prefix("", ()), text)).ids or ())


def counter_for(model: Model) -> Counter:
    """The model's own tokenizer where it is here, and letters otherwise."""
    return Exactly(model) if hasattr(model.api, "render") else Letters()


def text_counter(counter: Counter) -> Callable[[str], int]:
    """Tokens of a text, for callers without an event loop."""
    return lambda text: run_coroutine(counter.text(text))


def prompt_lengths(
    task: Task, *, name: str, questions: int, replay: type[Replay] | None, turn: Turn | None, counter: Counter
) -> Lengths:
    """How long a task's requests are.

    Args:
        task: The task.
        name: Its name, for messages.
        questions: How many of its questions will be asked.
        replay: How its solver is run up to `generate`; None counts the question alone.
        turn: How the assistant's turn is opened and closed; None where the model does so itself.
        counter: Who counts.

    Raises:
        InputError: With ``replay``: the solver cannot be replayed, so the task does not fit the plan.
    """
    samples = list(task.dataset)[:questions]
    counted = min(len(samples), counter.most)
    some = [samples[number * len(samples) // counted] for number in range(counted)]

    async def measured() -> list[tuple[int, int]]:
        return [await _measured(task, sample, name, replay, turn, counter) for sample in some]

    found = run_coroutine(measured())
    return Lengths(math.ceil(sum(prompt for prompt, _ in found) / len(found)), max(cue for _, cue in found))


async def _measured(
    task: Task, sample: Sample, name: str, replay: type[Replay] | None, turn: Turn | None, counter: Counter
) -> tuple[int, int]:
    messages, choices = _messages(sample), sum(map(len, sample.choices or ())) // LETTERS_PER_TOKEN
    if replay is not None and not task.setup:
        with suppress(*_UNREADY):
            messages, choices = await replay(solver_of(task), task=name).prompt(_state(sample)), 0
    if turn is None:
        return await counter.prompt(messages, "") + choices, 0
    form = for_prompt(turn.form, "\n".join(message.text for message in messages), cue=turn.cue)
    return await counter.prompt(messages, form.open) + choices, await counter.text(form.close + form.cue)


def _state(sample: Sample) -> TaskState:
    return TaskState(
        model=ModelName("overthink/simulated"),
        sample_id=sample.id if sample.id is not None else 0,
        epoch=1,
        input=sample.input,
        messages=_messages(sample),
        target=Target(sample.target),
        choices=sample.choices,
        metadata=dict(sample.metadata or {}),
    )


def _messages(sample: Sample) -> list[ChatMessage]:
    return [ChatMessageUser(content=sample.input)] if isinstance(sample.input, str) else list(sample.input)
