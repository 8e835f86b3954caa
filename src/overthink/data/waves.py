"""Draws sampled in waves, and unbiased estimates from them.

How many draws a question gets in a wave depends on what its earlier draws showed. Its plain mean is then biased: a
question on which the first draws happened to show a rare harm is looked at again and the harm diluted, one on which
they happened not to is left as it is, so the mean over questions is too low. Three things keep the estimate valid:

- within a wave the number of draws is settled before the first is drawn, so the mean of a wave is unbiased;
- waves are averaged with weights that are the same for all questions, the share that each wave has in all draws, and
  not by how many draws this question got in it;
- every question gets at least one draw in every wave, so that no wave is missing for a reason.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from overthink.data.arrays import Array

DrawCounts = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Waves:
    """Number of draws of each question, wave by wave. Draws are numbered from 0 in that order.

    Attributes:
        questions: Question ids.
        counts: (wave, question) draws, 1 or more.

    Raises:
        ValueError: There is no wave, a question has no draw in some wave, or the shape does not fit.
    """

    questions: tuple[str, ...]
    counts: DrawCounts

    def __post_init__(self) -> None:
        if self.counts.ndim != 2 or self.counts.shape[1] != len(self.questions) or not len(self.counts):
            raise ValueError(f"counts has shape {self.counts.shape}; needed: (wave, {len(self.questions)})")
        if (self.counts < 1).any():
            raise ValueError("a question has no draw in some wave; needed: at least one in each")
        self.counts.setflags(write=False)

    @property
    def draws(self) -> DrawCounts:
        """(question,) draws in all."""
        return np.asarray(self.counts.sum(axis=0))

    @property
    def shares(self) -> Array:
        """(wave,) each wave's share in all draws: its weight, the same for every question."""
        return np.asarray(self.counts.sum(axis=1) / self.counts.sum())

    @property
    def guaranteed_draws(self) -> int:
        """Draws per question that do not depend on outcomes: the first wave, and one of each later wave."""
        return int(self.counts[0].min()) + len(self.counts) - 1

    def with_wave(self, counts: DrawCounts) -> "Waves":
        """The same with one more wave, (question,)."""
        return Waves(self.questions, np.vstack([self.counts, counts[None, :]]))

    def of(self, questions: Sequence[str]) -> "Waves":
        """The same questions in another order.

        Raises:
            ValueError: They are other questions.
        """
        position = {name: i for i, name in enumerate(self.questions)}
        if set(questions) != set(position):
            raise ValueError("the waves are those of other questions")
        return Waves(tuple(questions), self.counts[:, [position[name] for name in questions]])

    def wave_of(self, draws: Sequence[int]) -> DrawCounts:
        """The wave in which each draw of each question came, (question, draw); -1 beyond its draws."""
        ends = self.counts.cumsum(axis=0)
        number = np.asarray(draws, dtype=np.int64)
        wave = (number[None, None, :] >= ends[:, :, None]).sum(axis=0)
        return np.asarray(np.where(wave < len(ends), wave, -1))

    def cells(self, values: Array, draws: Sequence[int]) -> Array:
        """Value of each question: the means of its waves, averaged by the waves' shares.

        For a fixed number of waves this is unbiased, however the draws were given to questions. A wave of which no
        value is known is left out of its question.

        Args:
            values: (question, draw, rung); NaN where unknown.
            draws: Their draw numbers.

        Returns:
            (question, rung); NaN where nothing is known.

        Example:
            >>> waves = Waves(("a", "b"), np.array([[2, 2], [6, 2]]))
            >>> values = np.array([[1, 1, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0] + [np.nan] * 4])[:, :, None]
            >>> waves.cells(values, range(8)).round(3).tolist()  # the plain mean of the first is 0.25
            [[0.333], [0.0]]
        """
        wave = self.wave_of(draws)[:, :, None]
        total, weight = (np.zeros((len(values), values.shape[2])) for _ in range(2))
        for i, share in enumerate(self.shares):
            is_here = (wave == i) & ~np.isnan(values)
            count = is_here.sum(axis=1)
            mean = np.where(is_here, values, 0.0).sum(axis=1) / np.maximum(count, 1)
            total += np.where(count > 0, share * mean, 0.0)
            weight += np.where(count > 0, share, 0.0)
        return np.where(weight > 0, total / np.where(weight > 0, weight, 1.0), np.nan)

    def noise(self, variance: Array) -> Array:
        """Sampling variance of :meth:`cells`.

        Args:
            variance: (question, rung) variance of a single draw.

        Returns:
            (question, rung): the sum over waves of share² times variance over draws.
        """
        return np.asarray((self.shares[:, None] ** 2 / self.counts).sum(axis=0)[:, None] * variance)
