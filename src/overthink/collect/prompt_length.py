"""How long a task's prompts are, before any model is asked: its solver writes them, and their letters are counted."""

from collections.abc import Sequence

from inspect_ai import Task
from inspect_ai._util._async import run_coroutine
from inspect_ai.dataset import Sample
from inspect_ai.model import ChatMessage, ChatMessageUser, ModelName
from inspect_ai.scorer import Target
from inspect_ai.solver import TaskState

from overthink.collect.opening import solver_of
from overthink.collect.replay import Replay

LETTERS_PER_TOKEN = 4
"""Of English prose; code and other languages have fewer."""

MESSAGE_TOKENS = 8
"""What a chat template adds to every message."""

SAMPLED = 8
"""Questions whose prompt is written out."""

_UNREADY = (RuntimeError, LookupError, AttributeError, AssertionError, TypeError, ValueError, OSError)
"""What solvers raise that need a running evaluation around them; then the question alone is counted."""


def prompt_tokens(task: Task, *, name: str, questions: int, replay: type[Replay] | None) -> int:
    """Mean tokens of a prompt, as an estimate.

    Args:
        task: The task.
        name: Its name, for messages.
        questions: How many of its questions will be asked.
        replay: How its solver is run up to `generate`; None counts the question alone.

    Raises:
        InputError: With ``replay``: the solver cannot be replayed, so the task does not fit the plan.
    """
    samples = list(task.dataset)[:questions]
    some = samples[:: max(1, len(samples) // SAMPLED)][:SAMPLED]
    counts = [
        _plain(sample) if replay is None or task.setup else _written(task, sample, replay(solver_of(task), task=name))
        for sample in some
    ]
    return round(sum(counts) / len(counts))


def _written(task: Task, sample: Sample, replay: Replay) -> int:
    state = TaskState(
        model=ModelName("overthink/simulated"),
        sample_id=sample.id if sample.id is not None else 0,
        epoch=1,
        input=sample.input,
        messages=_messages(sample),
        target=Target(sample.target),
        choices=sample.choices,
        metadata=dict(sample.metadata or {}),
    )
    found: list[ChatMessage] = []

    async def write() -> None:
        found.extend(await replay.prompt(state))

    try:
        run_coroutine(write())
    except _UNREADY:
        return _plain(sample)
    return _tokens(found)


def _plain(sample: Sample) -> int:
    choices = sum(map(len, sample.choices or ())) // LETTERS_PER_TOKEN
    return _tokens(_messages(sample)) + choices


def _messages(sample: Sample) -> list[ChatMessage]:
    return [ChatMessageUser(content=sample.input)] if isinstance(sample.input, str) else list(sample.input)


def _tokens(messages: Sequence[ChatMessage]) -> int:
    return sum(len(message.text) // LETTERS_PER_TOKEN + MESSAGE_TOKENS for message in messages)
