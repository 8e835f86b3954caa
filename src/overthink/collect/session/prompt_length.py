"""Prompt lengths of a task, measured before the run: the solver writes the prompts, and their tokens are counted.

Embedded models and servers of vLLM and llama.cpp provide their tokenizer, so their prompts are counted as sent: with
the chat template, which may add a system message of its own, and with the assistant's turn opened. For other models
letters are counted.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from inspect_ai import Task
from inspect_ai.dataset import Sample
from inspect_ai.model import ChatMessage, ChatMessageUser, Model, ModelName
from inspect_ai.scorer import Target
from inspect_ai.solver import TaskState

from overthink.collect.inspect_internals import run_coroutine
from overthink.collect.providers.attempts import CallError
from overthink.collect.providers.continuation import Prefix, TokenContinuation
from overthink.collect.providers.servers.completions import server_tokens
from overthink.collect.providers.servers.dialect import ServerTokens
from overthink.collect.providers.think_tags import ThinkFormat, for_prompt
from overthink.collect.scoring.replay import Replay
from overthink.collect.session.open import solver_of

PromptFunction = Callable[[Sequence[ChatMessage], Mapping[str, Any]], list[ChatMessage]]
"""Function that changes the messages of a question, given its metadata."""

LETTERS_PER_TOKEN = 4
"""Letters per token of English prose; code and other languages have fewer."""

MESSAGE_TOKENS = 8
"""Tokens that a chat template adds per message."""

_UNREADY = (RuntimeError, LookupError, AttributeError, AssertionError, TypeError, ValueError, OSError)
"""Errors of solvers that need a running evaluation; then the question alone is counted."""


@dataclass(frozen=True, slots=True)
class TurnFormat:
    """Format in which a ladder opens and closes the assistant's turn.

    Attributes:
        form: The think format.
        cue: The evaluator's own cue; None to choose it by the prompt.
    """

    form: ThinkFormat
    cue: str | None


@dataclass(frozen=True, slots=True)
class PromptLengths:
    """Token counts at the beginning and the end of one task's requests.

    Attributes:
        prompt: Mean number of prompt tokens, with the opened turn.
        cue: Maximum number of tokens of the closing text and the answer cue.
        longest: Maximum number of prompt tokens of the counted questions.
    """

    prompt: int
    cue: int
    longest: int


class Counter(Protocol):
    """Protocol of token counters.

    Attributes:
        most: Maximum number of questions to count.
    """

    most: int

    async def prompt(self, messages: Sequence[ChatMessage], opening: str) -> int:
        """Return the number of tokens of a prompt with the assistant's turn opened."""

    async def text(self, text: str) -> int:
        """Return the number of tokens of an inserted text."""


class LetterCounter:
    """Token counter that estimates from letters."""

    most = 8

    async def prompt(self, messages: Sequence[ChatMessage], opening: str) -> int:
        """Return the number of tokens of a prompt with the assistant's turn opened."""
        n_tokens = sum(len(message.text) // LETTERS_PER_TOKEN + MESSAGE_TOKENS for message in messages)
        return n_tokens + await self.text(opening)

    async def text(self, text: str) -> int:
        """Return the number of tokens of an inserted text."""
        return math.ceil(len(text) / LETTERS_PER_TOKEN)


class TokenizerCounter:
    """Token counter that uses the model's own tokenizer."""

    most = 64

    def __init__(self, model: Model) -> None:
        self._continuation = TokenContinuation(model)

    async def prompt(self, messages: Sequence[ChatMessage], opening: str) -> int:
        """Return the number of tokens of a prompt with the assistant's turn opened."""
        return len((await self._continuation.start(list(messages), opening)).ids or ())

    async def text(self, text: str) -> int:
        """Return the number of tokens of an inserted text."""
        return len((await self._continuation.append_text(Prefix("", ()), text)).ids or ())


class ServerCounter(LetterCounter):
    """Token counter that uses the tokenizer and the chat template of a server; without an answer it estimates."""

    most = 16

    def __init__(self, tokens: ServerTokens) -> None:
        self._tokens = tokens

    async def prompt(self, messages: Sequence[ChatMessage], opening: str) -> int:
        """Return the number of tokens of a prompt with the assistant's turn opened."""
        try:
            _, ids = await self._tokens.render(messages)
        except CallError:
            return await super().prompt(messages, opening)
        return len(ids) + await self.text(opening)

    async def text(self, text: str) -> int:
        """Return the number of tokens of an inserted text."""
        try:
            return len(await self._tokens.of(text))
        except CallError:
            return await super().text(text)


def counter_for(model: Model) -> Counter:
    """Return the counter of the model's own tokenizer, local or of its checked server; else the letter counter."""
    if hasattr(model.api, "render"):
        return TokenizerCounter(model)
    tokens = server_tokens(model)
    return LetterCounter() if tokens is None else ServerCounter(tokens)


def text_counter(counter: Counter) -> Callable[[str], int]:
    """Return a function that counts the tokens of a text, for callers without an event loop."""
    return lambda text: run_coroutine(counter.text(text))


def prompt_lengths(
    task: Task,
    *,
    name: str,
    questions: int,
    replay: type[Replay] | None,
    turn: TurnFormat | None,
    counter: Counter,
    change: PromptFunction = lambda messages, _: list(messages),
) -> PromptLengths:
    """Return the prompt lengths of a task.

    Args:
        task: The task.
        name: Its name, for messages.
        questions: Number of questions of the study.
        replay: Replay class that runs its solver up to `generate`; None to count the question alone.
        turn: Format of the assistant's turn; None if the model opens and closes it itself.
        counter: The token counter.
        change: Change of the messages by an arm.

    Raises:
        InputError: With ``replay``: the solver cannot be replayed, so the task does not fit the plan.
    """
    samples = list(task.dataset)[:questions]
    n_counted = min(len(samples), counter.most)
    chosen = [samples[number * len(samples) // n_counted] for number in range(n_counted)]

    async def measure_all() -> list[tuple[int, int]]:
        return [await _measure(task, sample, name, replay, turn, counter, change) for sample in chosen]

    lengths = run_coroutine(measure_all())
    prompts, cues = zip(*lengths, strict=True)
    return PromptLengths(math.ceil(sum(prompts) / len(prompts)), max(cues), max(prompts))


async def _measure(
    task: Task,
    sample: Sample,
    name: str,
    replay: type[Replay] | None,
    turn: TurnFormat | None,
    counter: Counter,
    change: PromptFunction,
) -> tuple[int, int]:
    messages, choices = _messages(sample), sum(map(len, sample.choices or ())) // LETTERS_PER_TOKEN
    if replay is not None and not task.setup:
        with suppress(*_UNREADY):
            messages, choices = await replay(solver_of(task), task=name).prompt(_state(sample)), 0
    messages = change(messages, sample.metadata or {})
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
