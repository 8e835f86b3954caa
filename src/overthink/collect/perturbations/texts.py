"""Perturbations without a model: no thinking, the same thinking again, filler, other orders, and early answers."""

from collections.abc import Sequence

import numpy as np
from pydantic import Field

from overthink.collect.perturbations.base import FILLER, ChangedThought, Perturbation, Thought, positions, sentences
from overthink.components.base import component


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
