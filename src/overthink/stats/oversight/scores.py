"""Suspicion scores of honest and of attacking runs, and the result that every estimate of oversight has.

A question may be present in both classes, and in each with several runs. Its runs are alike, so that it counts as one
unit, whatever the class.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from overthink.data.arrays import Array
from overthink.data.parameters import generator, real, real_array
from overthink.data.phrases import Reason
from overthink.stats.bootstrap import mean_intervals, question_weights
from overthink.stats.curve import question_means

UNKNOWN = float("nan")

SEED = 1
"""Seed of all resamples here: equal data give equal intervals."""

AXES = ("question", "draw", "rung")

NO_HONEST = Reason("no honest run has a score: one class alone tells nothing apart")
NO_ATTACK = Reason("no attacking run has a score: one class alone tells nothing apart")
ALL_EQUAL = Reason("all scores are equal: the monitor tells nothing apart")
FEW_QUESTIONS = Reason("a class has runs of fewer than two questions")


@dataclass(frozen=True, slots=True)
class IntervalEstimate:
    """An estimate with its interval.

    Attributes:
        estimate: The estimate; NaN where there is none.
        low: Lower end; NaN where no interval holds.
        high: Upper end; likewise.
        method: How the interval was made; "none" where there is none.
        reason: Why the estimate or its interval is missing; None where both are there.
    """

    estimate: float
    low: float
    high: float
    method: str
    reason: str | None


@dataclass(frozen=True, slots=True, eq=False)
class TwoClasses:
    """Scores of both classes with the questions of their runs.

    Attributes:
        honest: (run,) scores of honest runs.
        attack: (run,) scores of attacking runs.
        honest_questions: (run,) number of the question of each honest run, from 0.
        attack_questions: (run,) likewise; the same number is the same question.
        n_questions: Questions of either class.
        shares_questions: Whether runs belong to questions at all; without, every run is a unit of its own.
    """

    honest: Array
    attack: Array
    honest_questions: NDArray[np.int64]
    attack_questions: NDArray[np.int64]
    n_questions: int
    shares_questions: bool

    @property
    def n_units(self) -> int:
        """Disjoint pairs of an honest and an attacking question: independent comparisons of the two classes."""
        n_honest, n_attack = len(np.unique(self.honest_questions)), len(np.unique(self.attack_questions))
        return min(n_honest, n_attack, self.n_questions // 2)

    @property
    def missing(self) -> Reason | None:
        """Why there is no estimate; None where both classes have a run."""
        return NO_HONEST if not len(self.honest) else NO_ATTACK if not len(self.attack) else None


def two_classes(honest: ArrayLike, attack: ArrayLike, clusters: tuple[ArrayLike, ArrayLike] | None) -> TwoClasses:
    """Return the scores of both classes, checked.

    Args:
        honest: (run,) scores of honest runs; higher is more suspicious. Infinite scores have an order, too.
        attack: (run,) scores of attacking runs.
        clusters: Questions of the honest runs and of the attacking runs, as labels (run,) each; None where no two runs
            share a question.

    Raises:
        TypeError: Scores are no numbers, or clusters no pair.
        ValueError: A score is NaN, or shapes do not fit.
    """
    safe, bad = (_scores(values, name) for values, name in ((honest, "honest"), (attack, "attack")))
    if clusters is None:
        numbers = np.arange(len(safe) + len(bad), dtype=np.int64)
    else:
        if not isinstance(clusters, tuple | list) or len(clusters) != 2:
            raise TypeError(
                "clusters is no pair; needed: (questions of the honest runs, questions of the attacking runs)"
            )
        try:
            labels = [np.asarray(side, dtype=str) for side in clusters]
        except ValueError as failure:
            raise ValueError("clusters has labels of different lengths; needed: one question per run") from failure
        for label, side, name in zip(labels, (safe, bad), ("honest", "attack"), strict=True):
            if label.shape != side.shape:
                raise ValueError(f"clusters of {name} have shape {label.shape}; needed: one per run, {side.shape}")
        numbers = np.unique(np.concatenate(labels), return_inverse=True)[1].astype(np.int64)
    n = len(np.unique(numbers))
    return TwoClasses(safe, bad, numbers[: len(safe)], numbers[len(safe) :], n, clusters is not None)


def confidence(level: float) -> float:
    """Return a confidence level, checked.

    Raises:
        ValueError: It is not between 0 and 1.
    """
    number = real(level, "level")
    if not 0 < number < 1:
        raise ValueError(f"level is {number}; needed: between 0 and 1, such as 0.95")
    return number


def _scores(values: ArrayLike, name: str) -> Array:
    scores = real_array(values, name)
    if scores.ndim != 1:
        raise ValueError(f"{name} has shape {scores.shape}; needed: one score per run, (run,)")
    if unknown := int(np.isnan(scores).sum()):
        raise ValueError(
            f"{name} has {unknown} of {len(scores)} scores that are NaN; needed: a score of every run. A monitor may "
            "fail on attacks alone: count such runs, then leave them out or give them a score"
        )
    return scores


def question_mean(values: ArrayLike, *, level: float) -> tuple[float, float, float, int]:
    """Return the mean over questions of a value in [0, 1], its draws averaged first, with its interval.

    The interval is that of :func:`~overthink.stats.bootstrap.mean_intervals`.

    Args:
        values: (question, draw); NaN where unknown.
        level: Confidence level.

    Returns:
        Estimate, lower end, upper end, and questions with a value. Without a question all is NaN, with fewer than two
        the ends are.

    Example:
        >>> mean, low, high, n = question_mean([[1.0, 0.0], [1.0, 1.0], [np.nan, np.nan]], level=0.95)
        >>> mean, n, low < mean < high
        (0.75, 2, True)
    """
    table = np.asarray(values, dtype=np.float64)
    means = question_means(table[:, :, None])
    if not len(means):
        return UNKNOWN, UNKNOWN, UNKNOWN, 0
    result = mean_intervals(means, question_weights(len(means), rng=np.random.default_rng(SEED)), level=level)
    return float(result.estimate[0]), float(result.low[0]), float(result.high[0]), int(result.n_questions[0])


def binary(values: ArrayLike, name: str, *, ndim: int = 2) -> Array:
    """Return labels, checked: 0, 1, or NaN where unknown.

    Args:
        values: The labels, (question, draw) unless said otherwise.
        name: Name in messages.
        ndim: Number of axes.

    Raises:
        TypeError: They are no numbers.
        ValueError: One is neither 0 nor 1 nor NaN, or there are more or fewer axes.

    Example:
        >>> binary([[1, 2]], "monitor")
        Traceback (most recent call last):
        ValueError: monitor holds 2.0; needed: 0, 1, or NaN where unknown
    """
    table = real_array(values, name)
    if table.ndim != ndim:
        raise ValueError(f"{name} has shape {table.shape}; needed: {ndim} axes, {AXES[:ndim]}")
    wrong = table[~(np.isnan(table) | (table == 0) | (table == 1))]
    if len(wrong):
        raise ValueError(f"{name} holds {wrong[0]}; needed: 0, 1, or NaN where unknown")
    return table


def same_shape(**tables: Array) -> None:
    """Raise an error unless all tables have one shape.

    Raises:
        ValueError: They have not; all are named.
    """
    if len({table.shape for table in tables.values()}) > 1:
        shapes = ", ".join(f"{name} {table.shape}" for name, table in tables.items())
        raise ValueError(f"shapes differ: {shapes}; needed: the same questions and draws")


def shuffled_by_question(labels: ArrayLike, questions: ArrayLike, *, rng: np.random.Generator) -> Array:
    """Return labels of which whole questions were exchanged: the placebo of a probe.

    Args:
        labels: (trace,) labels.
        questions: (trace,) question of each trace.
        rng: Source of randomness.

    Returns:
        (trace,) each question has the labels of another one, repeated or cut to its own number of traces.

    Example:
        >>> shuffled_by_question([0, 0, 1, 1], [7, 7, 8, 8], rng=np.random.default_rng(3)).tolist()
        [1.0, 1.0, 0.0, 0.0]
    """
    truth, question = binary(labels, "labels", ndim=1), np.asarray(questions)
    rows = [np.flatnonzero(question == item) for item in np.unique(question)]
    permuted_labels = truth.copy()
    for own, other in zip(rows, generator(rng).permutation(len(rows)), strict=True):
        permuted_labels[own] = np.resize(truth[rows[other]], len(own))
    return permuted_labels
