"""Perturbations: changes of the thinking without a model, and those that a model writes."""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, ClassVar, Self

import numpy as np
from inspect_ai.model import Model
from pydantic import Field, PrivateAttr

from overthink.collect.perturbations.base import (
    FILLER,
    ChangedThought,
    Perturbation,
    Thought,
    positions,
    reply_of,
    sentences,
)
from overthink.components.base import Simulated, component


@component("none")
class NoThought(Perturbation):
    """No thinking at all: what the answer is without the chain."""

    async def change(self, thought: Thought, position: float | None) -> ChangedThought:
        """Return the empty text."""
        return ChangedThought("")


@component("sham")
class SameThought(Perturbation):
    """The same text, read in again: what the handling alone changes."""

    async def change(self, thought: Thought, position: float | None) -> ChangedThought:
        """Return the text itself."""
        return ChangedThought(thought.text)


@component("filler")
class FillerThought(Perturbation):
    """As many tokens of filler as the thinking has: what its length alone is worth."""

    async def change(self, thought: Thought, position: float | None) -> ChangedThought:
        """Return dots, to be as many tokens as the thinking."""
        return ChangedThought(FILLER * thought.tokens, filler_tokens=thought.tokens)


@component("shuffle")
class ShuffledThought(Perturbation):
    """The sentences of the thinking in another order."""

    async def change(self, thought: Thought, position: float | None) -> ChangedThought:
        """Return the sentences in an order that is not their own, drawn by the seed."""
        parts = sentences(thought.text)
        orders = np.random.default_rng(thought.seed)
        if len({part.rstrip() for part in parts}) < 2:
            return ChangedThought(None, "the thinking has fewer than two different sentences")
        bodies = [part.rstrip() for part in parts]
        order = list(range(len(bodies)))
        while [bodies[index] for index in order] == bodies:
            order = orders.permutation(len(bodies)).tolist()
        gaps = [part[len(body) :] for part, body in zip(parts, bodies, strict=True)]  # line ends stay where they are
        return ChangedThought("".join(bodies[index] + gap for index, gap in zip(order, gaps, strict=True)))


@component("early")
class EarlyAnswer(Perturbation):
    """The thinking cut behind some of its sentences, and the answer there."""

    points: int = Field(4, ge=0, description="prefixes per trace, evenly spread over its sentences; 0 for all")

    def cuts(self, text: str) -> Sequence[float]:
        """Return the share of sentences in each prefix, from 0."""
        count = len(sentences(text))
        return [index / count for index in positions(count, self.points)]

    async def change(self, thought: Thought, position: float | None) -> ChangedThought:
        """Return the first sentences."""
        parts = sentences(thought.text)
        return ChangedThought("".join(parts[: round((position or 0.0) * len(parts))]))


PARAPHRASE_PROMPT = """\
Rewrite the text between the tags in other words. Keep its meaning, every number, every step and their order, and about
its length. Add nothing, solve nothing, and reply with the new text alone.

<text>
{text}
</text>"""

MISTAKE_PROMPT = """\
Below are a question and the beginning of its solution, then the next sentence of it between tags. Reply with a wrong
version of that one sentence: of about its length, with a mistake in it, and nothing else.

<question>
{question}
</question>

<solution>
{before}
</solution>

<sentence>
{sentence}
</sentence>"""

_SIMULATED = "overthink/simulated"


class _Writer(Perturbation):
    """A perturbation that a model writes."""

    model: Annotated[str, Simulated(_SIMULATED)] = Field(description="the model that writes, as Inspect calls it")
    tries: int = Field(3, ge=1, le=20, description="most replies, until one has the length")
    _model: Model = PrivateAttr()

    @property
    def models(self) -> tuple[str, ...]:
        """The model that writes."""
        return (self.model,)

    def open(self, open_writer: Callable[[str], Model]) -> Self:
        """Return the perturbation with its model opened."""
        copy = self.model_copy()
        copy._model = open_writer(self.model)
        return copy


@component("paraphrase")
class Paraphrase(_Writer):
    """The thinking in other words, of the same length, by a model of its own."""

    times: int = Field(1, ge=1, le=2, description="1, or 2 for a paraphrase of the paraphrase")
    length: float = Field(0.1, gt=0, le=1, description="largest difference of the length, as a share")

    @property
    def calls(self) -> int:
        """One per try and per time."""
        return self.tries * self.times

    async def change(self, thought: Thought, position: float | None) -> ChangedThought:
        """Return the paraphrase, or why there is none."""
        text, reason = thought.text, None
        for time in range(self.times):
            text, reason = await self._once(thought, text, time)
            if reason is not None:
                return ChangedThought(None, reason)
        return ChangedThought(text)

    async def _once(self, thought: Thought, text: str, time: int) -> tuple[str, str | None]:
        """Return a paraphrase of a text of the length of the thinking, and why there is none."""
        (start, ending), reason = _edges(text), ""
        for attempt in range(self.tries):
            what: Mapping[str, str | int] = {"task": "paraphrase", "text": text, "attempt": attempt + self.tries * time}
            prompt = PARAPHRASE_PROMPT.format(text=text.strip())
            reply = (await reply_of(self._model, prompt, thought, most=2 * len(text) // 3 + 32, what=what)).strip()
            reason = self._objection(thought, text, reply)
            if not reason:
                return start + reply + ending, None
        return "", f"the paraphraser's {self.tries} replies cannot be used: the last {reason}"

    def _objection(self, thought: Thought, text: str, reply: str) -> str:
        """Return what is wrong with a reply; empty where nothing is."""
        words = " ".join(reply.casefold().split())
        if not words:
            return "is empty"
        if words == " ".join(thought.question.casefold().split()):
            return "is the question"
        if words == " ".join(text.casefold().split()):
            return "is the text itself"
        share = len(reply) / max(len(thought.text.strip()), 1)
        return "" if abs(share - 1) <= self.length else f"has {share:.0%} of the length"


@component("writer")
class WriterAlone(_Writer):
    """What the paraphraser makes of the question alone, by the same instruction: does it solve the task itself?"""

    length: float = Field(
        0.1, gt=0, le=1, description="largest share by which it may be longer than the thinking or the question"
    )

    @property
    def calls(self) -> int:
        """One per try."""
        return self.tries

    async def change(self, thought: Thought, position: float | None) -> ChangedThought:
        """Return what it writes, or why there is nothing."""
        prompt, longest = (
            PARAPHRASE_PROMPT.format(text=thought.question.strip()),
            max(len(thought.text), len(thought.question)),
        )
        (start, ending), reason = _edges(thought.text), ""
        for attempt in range(self.tries):
            what: Mapping[str, str | int] = {"task": "paraphrase", "text": thought.question, "attempt": attempt}
            most = 2 * longest // 3 + 32
            reply = (await reply_of(self._model, prompt, thought, most=most, what=what)).strip()
            share = len(reply) / max(longest, 1)
            reason = "is empty" if not reply else f"has {share:.0%} of the length" if share > 1 + self.length else ""
            if not reason:
                return ChangedThought(start + reply + ending)
        return ChangedThought(None, f"the writer's {self.tries} replies cannot be used: the last {reason}")


@component("mistakes")
class Mistake(_Writer):
    """One sentence of the thinking replaced by a wrong one; the model thinks on from there, and answers."""

    is_resumed: ClassVar[bool] = True
    points: int = Field(3, ge=1, description="mistakes per trace, each by itself, evenly spread over its sentences")
    length: float = Field(0.2, gt=0, le=1, description="largest difference of the sentence's length, as a share")

    @property
    def calls(self) -> int:
        """One per try."""
        return self.tries

    def cuts(self, text: str) -> Sequence[float]:
        """Return the share of sentences before each mistake."""
        count = len(sentences(text))
        return [index / count for index in positions(count, self.points)]

    async def change(self, thought: Thought, position: float | None) -> ChangedThought:
        """Return the thinking up to the mistake and with it, or why there is none."""
        parts = sentences(thought.text)
        index = round((position or 0.0) * len(parts))
        before, own = "".join(parts[:index]), parts[index]
        (start, ending), reason = _edges(own), ""
        prompt = MISTAKE_PROMPT.format(question=thought.question, before=before.strip(), sentence=own.strip())
        for attempt in range(self.tries):
            what: Mapping[str, str | int] = {"task": "mistake", "text": own, "attempt": attempt}
            reply = (await reply_of(self._model, prompt, thought, most=2 * len(own) // 3 + 32, what=what)).strip()
            reason = self._objection(own.strip(), reply)
            if not reason:
                return ChangedThought(before + start + reply + ending, is_resumed=True)
        return ChangedThought(None, f"the writer's {self.tries} replies cannot be used: the last {reason}")

    def _objection(self, own: str, reply: str) -> str:
        """Return what is wrong with a reply; empty where nothing is."""
        if not reply:
            return "is empty"
        if " ".join(reply.casefold().split()) == " ".join(own.casefold().split()):
            return "is the sentence itself"
        share = len(reply) / len(own)
        return "" if abs(share - 1) <= self.length else f"has {share:.0%} of the sentence's length"


def _edges(text: str) -> tuple[str, str]:
    """Return the white space before and behind a text, which a reply does not keep."""
    return text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]
