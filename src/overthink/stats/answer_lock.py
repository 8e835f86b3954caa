"""The forced-answer lock: the lowest rung from which a trace's forced answer never changes again.

The ladder needs no extra tokens for it. It differs from the commitment step: the forced answer may become constant
before or after the outcome of the trace itself does. The difference between the two is the forcing artefact.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from overthink.stats.curve import question_means
from overthink.stats.bootstrap import mean_intervals, question_weights

ANYWHERE = (-np.inf, np.inf)


@dataclass(frozen=True, slots=True, eq=False)
class AnswerLock:
    """Rungs at which forced answers lock.

    Attributes:
        rung: (question, draw) lowest rung from which the answer stays; NaN where an unknown answer hides it.
        is_censored: (question, draw) whether the answer still changed at the last rung: it may change again beyond, and
            ``rung`` is a lower bound.
    """

    rung: NDArray[np.float64]
    is_censored: NDArray[np.bool_]


def forced_answer_lock(answers: ArrayLike) -> AnswerLock:
    """Find the lock of every trace (early answering; Lanham et al. 2023).

    Args:
        answers: (question, draw, rung) codes of the answers, or values where there are no codes; NaN or a negative
            code where unknown.

    Returns:
        The locks. An unknown answer only matters from the rung before the lock on.

    Raises:
        ValueError: There are not three axes, or fewer than two rungs.

    Example:
        >>> lock = forced_answer_lock([[[0, 1, 1, 1], [2, 2, 2, 3]]])
        >>> lock.rung.tolist(), lock.censored.tolist()
        ([[1.0, 3.0]], [[False, True]])
    """
    codes = np.asarray(answers, dtype=np.float64)
    if codes.ndim != 3 or codes.shape[2] < 2:
        raise ValueError(f"answers has shape {codes.shape}; needed: (question, draw, rung), at least two rungs")
    is_known = codes >= 0
    both_known = is_known[:, :, 1:] & is_known[:, :, :-1]
    unchanged = both_known & (codes[:, :, 1:] == codes[:, :, :-1])
    rungs = codes.shape[2]
    # The last pair of neighbouring rungs without the same answer, if any.
    from_top = np.argmax(~unchanged[:, :, ::-1], axis=2)
    lock = np.where(unchanged.all(axis=2), 0, rungs - 1 - from_top)
    hidden = ~np.take_along_axis(both_known, np.maximum(lock - 1, 0)[:, :, None], axis=2)[:, :, 0]
    hidden &= lock > 0
    rung = np.where(hidden, np.nan, lock.astype(np.float64))
    return AnswerLock(rung=rung, is_censored=rung == rungs - 1)


@dataclass(frozen=True, slots=True, eq=False)
class ForcingArtefact:
    """Forced-answer lock minus commitment step.

    Attributes:
        differences: (question, draw) in the unit given; NaN where either is unknown or was not reached.
        mean: Mean over questions, their draws averaged; NaN where no trace has both.
        low: Lower end; NaN with fewer than two questions, or where all agree.
        high: Upper end.
        n_questions: Questions with a trace that has both.
        n_left_out: Traces without one of the two. The mean is about the others only.
    """

    differences: NDArray[np.float64]
    mean: float
    low: float
    high: float
    n_questions: int
    n_left_out: int


def forcing_artefact(
    lock: ArrayLike, commitment: ArrayLike, *, rng: np.random.Generator, level: float = 0.95
) -> ForcingArtefact:
    """Mean difference between the forced-answer lock and the commitment step.

    Args:
        lock: (question, draw) position of the lock, in steps or in thinking tokens; NaN where unknown or censored.
            A lock between two rungs is seen at the upper one.
        commitment: The same shape and unit; NaN where the trace never committed.
        rng: Source of randomness.
        level: Confidence level.

    Returns:
        The difference, paired by trace, with a bootstrap interval over questions.

    Raises:
        ValueError: The shapes differ or have not two axes, or the level is not in (0, 1).
    """
    locks, steps = np.asarray(lock, dtype=np.float64), np.asarray(commitment, dtype=np.float64)
    if locks.shape != steps.shape or locks.ndim != 2 or not locks.size:
        raise ValueError(f"lock has shape {locks.shape}, commitment {steps.shape}; needed: (question, draw), the same")
    if not 0 < level < 1:
        raise ValueError(f"level is {level}; needed: between 0 and 1, such as 0.95")
    differences = locks - steps
    weights = question_weights(len(differences), rng=rng)
    interval = mean_intervals(question_means(differences[:, :, None]), weights, level=level, support=ANYWHERE)
    return ForcingArtefact(
        differences=differences,
        mean=float(interval.estimate[0]),
        low=float(interval.low[0]),
        high=float(interval.high[0]),
        n_questions=int(interval.n_questions[0]),
        n_left_out=int(np.isnan(differences).sum()),
    )
