"""A simulated latent model, whose truth is planted: which step holds the answer of how many questions.

Each draw of a question has its answer in one place, drawn by the shares: in the state of one step, in the states of
all steps (redundant), or in the question itself. A state that holds an answer is the unit vector of that option; any
other is a random direction. The answer read out is the largest entry of the state that holds it, or of the sum of all
states; behind a state of zeros, or before the step, it is a guess. So a change of a step moves the answers of the
questions that it holds to one of the options at random, and moves no others.
"""

from collections.abc import Sequence
from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from overthink.collect.ladder.sampling import seed_for
from overthink.collect.latent.base import LatentModel, LatentQuestion, State
from overthink.components.base import component

IN_QUESTION, IN_ALL = -1, -2
"""Places of an answer that no single step holds."""


class _Draws(NamedTuple):
    shares: tuple[float, ...]
    directions: NDArray[np.float64]


@lru_cache(maxsize=1024)
def _draws(seed: int, steps: int, options: int) -> _Draws:
    """Return what a draw of a question takes at random: four shares, and a direction for every step."""
    draws = np.random.default_rng(seed)
    directions = draws.normal(size=(steps, options))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    return _Draws(tuple(draws.random(4).tolist()), directions)


class PlantedEffect(NamedTuple):
    """Expected values behind a change.

    Attributes:
        changes: Share of answers that differ from the undisturbed one.
        accuracy: Share of answers that are right.
    """

    changes: float
    accuracy: float


@component("simulated")
class SimulatedLatent(LatentModel):
    """A latent model with a planted truth: which steps hold the answer, and of how many questions."""

    steps: int = Field(6, ge=1, le=64, description="latent steps before the answer")
    holds: str = Field("3:0.5", description="share of questions whose answer a step holds, as STEP:SHARE|STEP:SHARE")
    redundant: float = Field(0.2, ge=0, le=1, description="share of questions whose answer every step holds")
    accuracy: float = Field(0.9, ge=0, le=1, description="share of undisturbed answers that are right")
    options: int = Field(4, ge=2, le=100, description="possible answers, and width of a state")
    n: int = Field(100, ge=1, le=100_000, description="questions")

    @model_validator(mode="after")
    def _check(self) -> "SimulatedLatent":
        shares = self.shares
        if sum(shares) + self.redundant > 1 + 1e-9:
            raise ValueError(
                f"shares add up to {sum(shares) + self.redundant:g}; needed: at most 1 with the redundant ones"
            )
        if self.redundant and self.steps < 3:
            raise ValueError(f"redundant answers at {self.steps} steps; needed: 3 steps or more, or redundant=0")
        return self

    @cached_property
    def shares(self) -> tuple[float, ...]:
        """Share of questions that each step holds, (step,)."""
        shares = [0.0] * self.steps
        for item in filter(None, self.holds.split("|")):
            step, _, share = item.partition(":")
            try:
                number, value = int(step), float(share)
            except ValueError:
                number, value = 0, -1.0
            if not (1 <= number <= self.steps and 0 <= value <= 1):
                needed = f"STEP:SHARE, a step from 1 to {self.steps} and a share from 0 to 1"
                raise ValueError(f"holds has {item!r:.40}; needed: {needed}")
            shares[number - 1] += value
        return tuple(shares)

    def questions(self) -> Sequence[LatentQuestion]:
        """Return questions without content, whose targets are drawn by their numbers."""
        return [
            LatentQuestion(f"q{number:05d}", f"question {number}", str(seed_for("target", number) % self.options))
            for number in range(self.n)
        ]

    def step(self, question: LatentQuestion, states: Sequence[State], seed: int) -> State:
        """Return the state of a step: the option's unit vector where it holds the answer, else a random direction."""
        position, answer, _ = self._draw(question, seed)
        if position in (len(states), IN_ALL):
            return np.asarray(np.eye(self.options)[answer])
        return np.asarray(_draws(seed, self.steps, self.options).directions[len(states)])

    def answer(self, question: LatentQuestion, states: Sequence[State], seed: int) -> str:
        """Return the answer that is read out of the states."""
        position, answer, guess = self._draw(question, seed)
        if position == IN_QUESTION:
            return str(answer)
        if len(states) <= max(position, 0):
            return str(guess)
        state = np.sum(states, axis=0) if position == IN_ALL else states[position]
        return str(int(np.argmax(state)) if np.any(state) else guess)

    def _draw(self, question: LatentQuestion, seed: int) -> tuple[int, int, int]:
        """Return where the answer is, which it is, and what a guess is."""
        where, is_right, other, guess = _draws(seed, self.steps, self.options).shares
        ends = np.cumsum([*self.shares, self.redundant])
        position = int(np.searchsorted(ends, where, side="right"))
        answer = int(question.target)
        if is_right >= self.accuracy:
            answer = (answer + 1 + int(other * (self.options - 1))) % self.options
        position = position if position < self.steps else (IN_ALL if position == self.steps else IN_QUESTION)
        return position, answer, int(guess * self.options)

    def planted_effect(self, step: int | None) -> PlantedEffect:
        """Return what zero, noise at a scale of 1 or less, and a swap do, all three alike.

        Args:
            step: The step, from 1; None for every step at once.

        Example:
            >>> model = SimulatedLatent(steps=4, holds="2:0.4", redundant=0.2, accuracy=0.9, options=4)
            >>> [tuple(round(x, 3) for x in model.planted_effect(step)) for step in (1, 2, None)]
            [(0.0, 0.9), (0.3, 0.64), (0.45, 0.51)]
        """
        share = sum(self.shares) + self.redundant if step is None else self.shares[step - 1]
        chance = 1 / self.options
        return PlantedEffect(share * (1 - chance), (1 - share) * self.accuracy + share * chance)

    def planted_accuracy(self, budget: int) -> float:
        """Return the expected accuracy of the answer behind so many latent steps.

        Example:
            >>> model = SimulatedLatent(steps=4, holds="2:0.4", redundant=0.2, accuracy=0.9, options=4)
            >>> [round(model.planted_accuracy(budget), 3) for budget in range(4)]
            [0.51, 0.64, 0.9, 0.9]
        """
        missing = sum(self.shares[budget:]) + (0.0 if budget else self.redundant)
        return (1 - missing) * self.accuracy + missing / self.options
