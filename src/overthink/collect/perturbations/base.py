"""Base of perturbations: which prefixes a thinking is changed into, and how a text is cut into sentences."""

import re
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Self

from inspect_ai.model import ChatMessageUser, GenerateConfig, Model

from overthink.collect.monitors.text import usage_of
from overthink.components.base import Component, Statement, is_texts
from overthink.data.tokens import NO_USAGE, TokenUsage

FILLER = " …"
"""A piece of filler."""

_SENTENCE = re.compile(
    r"\s*\S.*?(?:(?<=[.!?])(?=\s)|(?=\n)|\Z)(?:[^\S\n]*\n+|[^\S\n]+)?", re.DOTALL
)  # white space goes to the sentence before it up to a line end, behind that to the next one


def sentences(text: str) -> tuple[str, ...]:
    r"""Return the sentences of a text: joined, they are the text. A sentence ends at a line end or behind . ! or ?

    Example:
        >>> sentences("6 + 2.5 = 8.5. Good!\nSo 8.5")
        ('6 + 2.5 = 8.5. ', 'Good!\n', 'So 8.5')
    """
    parts = _SENTENCE.findall(text)
    behind = text[sum(map(len, parts)) :]
    return (*parts[:-1], parts[-1] + behind) if parts else ()


def positions(count: int, points: int, *, first: int = 0) -> tuple[int, ...]:
    """Return sentences at which a text of ``count`` sentences is cut or changed, evenly spread; at most ``points``.

    Args:
        count: Number of sentences.
        points: Most positions; 0 for all of them.
        first: The lowest position.

    Example:
        >>> positions(10, 4), positions(3, 0), positions(2, 4), positions(10, 2, first=1)
        ((0, 2, 5, 7), (0, 1, 2), (0, 1), (1, 5))
    """
    room = max(count - first, 0)
    if points == 0 or points >= room:
        return tuple(range(first, count))
    return tuple(first + number * room // points for number in range(points))


@dataclass(slots=True)
class WriterMeter:
    """Token usage of the model that writes a perturbation, reply by reply.

    Attributes:
        usage: All of it so far.
    """

    usage: TokenUsage = NO_USAGE


@dataclass(frozen=True, slots=True)
class Thought:
    """The thinking of one trace at one rung, as it is stored.

    Attributes:
        question: Text of the question.
        text: The thinking.
        tokens: Its tokens.
        seed: Seed from which a perturbation draws.
        meter: Meter of the tokens of the model that writes.
    """

    question: str
    text: str
    tokens: int
    seed: int
    meter: WriterMeter = field(default_factory=WriterMeter)


@dataclass(frozen=True, slots=True)
class ChangedThought:
    """What a thinking is changed into.

    Attributes:
        text: The changed thinking; None where there is none.
        reason: Why there is none.
        is_resumed: Whether the model thinks on behind it, up to the rung.
        filler_tokens: Number of tokens that the text is made to have, by pieces of filler; None for a text as it is.
    """

    text: str | None
    reason: str | None = None
    is_resumed: bool = False
    filler_tokens: int | None = None


class Perturbation(Component):
    """A change of the thinking of a stored trace; named by `--with`. One object serves all traces.

    Attributes:
        is_resumed: Whether the model thinks on behind the change, which is paid.
    """

    role: ClassVar[str] = "perturbation"
    is_resumed: ClassVar[bool] = False
    statements: ClassVar[Mapping[str, Statement]] = {
        "models": Statement("names of models", is_texts),
        "calls": Statement("a count", lambda value: isinstance(value, int) and value >= 0),
        "open": Statement("the component", lambda value: isinstance(value, Component)),
    }

    @property
    def models(self) -> tuple[str, ...]:
        """Models that write."""
        return ()

    @property
    def calls(self) -> int:
        """Most calls of its model for one change."""
        return 0

    def open(self, open_writer: Callable[[str], Model]) -> Self:
        """Return the perturbation with its models opened; by default itself."""
        return self

    def cuts(self, text: str) -> Sequence[float | None]:
        """Return the shares of the thinking, from 0 to 1, at which it is changed; by default None: all of it is."""
        return (None,)

    @abstractmethod
    async def change(self, thought: Thought, position: float | None) -> ChangedThought:
        """Return what a thinking is changed into.

        Args:
            thought: The thinking, with at least one sentence.
            position: One of :meth:`cuts`.
        """


async def reply_of(model: Model, prompt: str, thought: Thought, *, most: int, what: Mapping[str, str | int]) -> str:
    """Return the reply of a model that writes, and record its tokens.

    Args:
        model: The model.
        prompt: What it is asked for.
        thought: The thinking, whose meter counts.
        most: Most tokens of the reply.
        what: The task and the text itself, which alone the simulated model reads.
    """
    message = ChatMessageUser(content=prompt, metadata={"write": dict(what)})
    seed = thought.seed + int(what.get("attempt", 0))
    config = GenerateConfig(max_tokens=most, seed=seed % (1 << 31), temperature=1.0 if what.get("attempt") else 0.0)
    output = await model.generate([message], config=config, cache=False)
    thought.meter.usage += usage_of(output)
    return output.completion
