"""The multiplier bootstrap: a mean over questions under random signs of its parts, and its tails in closed form.

Questions are the unit, or clusters of questions. A unit's part of a mean is kept whole over all rungs, so rungs stay
paired, and the largest of many standardised changes has the right law whatever the correlation between rungs (max-t).
Signs (Rademacher's weights) make the test exact where differences between rungs are symmetric: for yes-or-no answers
with one draw it is the sign test, so five questions that all change the same way give 2⁻⁵, not 0.

No share of resamples is below about 3 over their number, so that a verdict adjusted over hundreds of curves would be
lost however clear it is. A sum of random signs times fixed numbers, divided by the root of their sum of squares,
exceeds x with a chance of at most 3.18 times the normal tail (Bentkus and Dzindzalieta 2015, "A tight Gaussian bound
for weighted sums of Rademacher random variables"). This bound holds for every sample size and is never below the
chance 2⁻ⁿ that all signs agree.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from overthink.data.arrays import Signs
from overthink.stats.bootstrap import SAME, resampled_sums

SIGN_RESAMPLES = 4000

SIMULATION_QUANTILE = 1.645
"""Standard errors of the simulation that are added to a p-value: its upper 95 % limit, so that no verdict depends on
the seed."""


@dataclass(frozen=True, slots=True, eq=False)
class Units:
    """Contributions of the units of inference to the mean at each level (a rung or a regime).

    Attributes:
        parts: (unit, level); each column sums to the mean over questions at the level.
    """

    parts: NDArray[np.float64]

    @property
    def n_units(self) -> int:
        """Questions, or clusters of them."""
        return len(self.parts)

    @property
    def n_levels(self) -> int:
        """Rungs, or regimes."""
        return int(self.parts.shape[1])

    def differences(self, later: NDArray[np.int64], earlier: NDArray[np.int64]) -> NDArray[np.float64]:
        """The parts of differences between levels, (unit, pair); rounding is not a difference."""
        parts = self.parts[:, later] - self.parts[:, earlier]
        return np.where(np.abs(parts) * self.n_units <= SAME, 0.0, parts)

    def standardise(
        self, later: NDArray[np.int64], earlier: NDArray[np.int64], null_sums: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Differences between levels divided by the root of their sum of squares, observed and under random signs.

        The quotient T is a rising function of Student's t of the units, t = T √((n-1)/(n-T²)), so ordering by T is
        ordering by t; and it stays finite where all units agree.

        Args:
            later: (pair,) levels.
            earlier: (pair,) levels to take from them.
            null_sums: (level, resample), these parts' :func:`sign_flip_sums`, transposed.

        Returns:
            (pair,) observed and (pair, resample) under the hypothesis of no difference. Both are 0 where no unit
            changes.
        """
        parts = self.differences(later, earlier)
        norm = np.sqrt((parts**2).sum(axis=0))
        scale = np.where(norm > 0, 1 / np.where(norm > 0, norm, 1.0), 0.0)
        null_statistics = null_sums[later]
        null_statistics -= null_sums[earlier]
        null_statistics *= scale[:, None]
        return parts.sum(axis=0) * scale, null_statistics


def units(cells: NDArray[np.float64], clusters: NDArray[np.int64] | None = None) -> Units:
    """Contributions of units to the mean over questions.

    Args:
        cells: (question, level) numbers, none missing.
        clusters: (question,) number of each question's cluster, from 0 with none left out; None for none.
    """
    parts = cells / len(cells)
    if clusters is None:
        return Units(parts)
    cluster_parts = np.zeros((int(clusters.max()) + 1, cells.shape[1]))
    np.add.at(cluster_parts, clusters, parts)
    return Units(cluster_parts)


def cluster_numbers(clusters: object, n_questions: int) -> NDArray[np.int64] | None:
    """Labels of clusters as numbers from 0.

    Raises:
        ValueError: There is not one label per question.
    """
    if clusters is None:
        return None
    try:
        label = np.asarray(clusters)
    except ValueError as failure:
        raise ValueError(
            f"clusters has labels of different lengths; needed: one per question, ({n_questions},)"
        ) from failure
    if label.shape != (n_questions,):
        raise ValueError(f"clusters has shape {label.shape}; needed: one label per question, ({n_questions},)")
    return np.unique(label, return_inverse=True)[1].astype(np.int64)


def signs(n_units: int, *, rng: np.random.Generator, resamples: int = SIGN_RESAMPLES) -> Signs:
    """Random signs, (resample / 2, unit). Each row also stands for its mirror image, see :func:`sign_flip_sums`."""
    sign_bytes = rng.integers(0, 256, size=(resamples // 2, -(-n_units // 8)), dtype=np.uint8)
    is_plus = np.unpackbits(sign_bytes, axis=1, count=n_units).view(np.int8)
    is_plus *= 2
    is_plus -= 1
    return is_plus


def sign_flip_sums(parts: NDArray[np.float64], flips: Signs) -> NDArray[np.float64]:
    """Sums over units under random signs and their mirror images, so that rises and falls have one law.

    Args:
        parts: (unit, level).
        flips: (half, unit) from :func:`signs`.

    Returns:
        (resample, level).
    """
    half = resampled_sums(flips, parts)
    return np.concatenate([half, -half])


def p_above(statistic: NDArray[np.float64], null_statistics: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of resamples at or above the observed statistic, the data counted as one, at its upper limit; never 0.

    Args:
        statistic: (contrast,).
        null_statistics: (resample,) one law for all contrasts.

    Returns:
        (contrast,).
    """
    sorted_null = np.sort(null_statistics)
    n_above = len(sorted_null) - np.searchsorted(sorted_null, statistic - SAME)
    share = (1 + n_above) / (1 + len(sorted_null))
    return np.asarray(np.minimum(share + SIMULATION_QUANTILE * np.sqrt(share * (1 - share) / len(sorted_null)), 1.0))


def student_t(standard: NDArray[np.float64], n_units: int | NDArray[np.int64]) -> NDArray[np.float64]:
    """Student's t from the standardised sum; infinite where all units agree."""
    with np.errstate(divide="ignore"):
        return np.asarray(standard * np.sqrt((n_units - 1) / np.maximum(n_units - standard**2, 0.0)))


def unseen_size(parts: NDArray[np.float64]) -> float:
    """Return the size of a change that the sample has not shown, pooled over all pairs of a curve.

    Its square is the mean square of all changes of a unit between two levels and of one change of size 1. Where
    nothing changed between any two levels, it is 1, the largest that a change can be.

    Args:
        parts: (unit, pair) parts of the differences of all pairs.

    Example:
        >>> unseen_size(np.zeros((100, 3)))
        1.0
        >>> parts = np.zeros((100, 3))
        >>> parts[:30, 0] = 0.25 / 100
        >>> round(unseen_size(parts), 2)
        0.3
    """
    n_changed = (np.abs(parts) * len(parts) > SAME).sum()
    return float(np.sqrt((1 + (parts**2).sum() * len(parts) ** 2) / (1 + n_changed)))


def with_pseudo_units(parts: NDArray[np.float64], *, unseen: float = 1.0) -> NDArray[np.float64]:
    """The parts of differences, with two pseudo-units added that changed by +s and by -s.

    Changes that are rare but large are the ones that a small sample misses: where no question changed, its standard
    error is 0. Here s² is the mean square of the changes seen and one of the unseen size. With a size of 1, and none of
    100 questions changed, the standard error is √2/102 (Agresti and Caffo's device for shares); where many changed, the
    two hardly count.

    Args:
        parts: (unit, difference).
        unseen: Size of an unseen change, from :func:`unseen_size` where several pairs of one curve are compared.
    """
    n = len(parts)
    n_changed = (np.abs(parts) * n > SAME).sum(axis=0)
    size = np.sqrt((unseen**2 + (parts**2).sum(axis=0) * n**2) / (1 + n_changed))
    return np.concatenate([parts * n, size[None], -size[None]]) / (n + 2)


def errors(parts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Standard errors of the sums over units, (contrast,); NaN with fewer than two units."""
    n = len(parts)
    if n < 2:
        return np.full(parts.shape[1], np.nan)
    centred_parts = parts - parts.mean(axis=0)
    return np.asarray(np.sqrt((centred_parts**2).sum(axis=0) * n / (n - 1)))


def all_pairs(n_levels: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(later, earlier) of every pair of levels."""
    earlier, later = np.triu_indices(n_levels, 1)
    return later.astype(np.int64), earlier.astype(np.int64)


TAIL_FACTOR = float(1 / (4 * special.ndtr(-np.sqrt(2))))
"""The smallest factor of the normal tail for which the bound holds for all sums of random signs."""


def p_tail(statistic: NDArray[np.float64], *, n_pairs: int) -> NDArray[np.float64]:
    """Upper bound on the chance that the largest of several standardised sums of signs is at least as large.

    Args:
        statistic: (contrast,) sums divided by the root of their sum of squares.
        n_pairs: Sums over which the largest is taken.

    Returns:
        (contrast,).
    """
    return np.asarray(np.minimum(n_pairs * TAIL_FACTOR * special.ndtr(-statistic), 1.0))


def p_searched(
    statistic: NDArray[np.float64], null_statistics: NDArray[np.float64], *, n_pairs: int
) -> NDArray[np.float64]:
    """The p-value of the largest of several standardised sums: the share of resamples, or the closed-form tail.

    Args:
        statistic: (contrast,).
        null_statistics: (resample,) largest of the sums under random signs.
        n_pairs: Sums over which the largest was taken.

    Returns:
        (contrast,) the smaller of the upper limit of the share and the bound, both at least the exact p-value.
    """
    return np.minimum(p_above(statistic, null_statistics), p_tail(statistic, n_pairs=n_pairs))


def critical_value(null_statistics: NDArray[np.float64], *, n_pairs: int, alpha: float) -> float:
    """The smallest statistic whose :func:`p_searched` is at most α.

    Args:
        null_statistics: (resample,) largest of the sums under random signs.
        n_pairs: Sums over which the largest was taken.
        alpha: Level, corrected for the family.
    """
    by_tail = float(-special.ndtri(alpha / (n_pairs * TAIL_FACTOR)))
    n = len(null_statistics)
    n_above = np.arange(max(int(alpha * (1 + n)), 0) + 1)
    share = (1 + n_above) / (1 + n)
    allowed = np.flatnonzero(share + SIMULATION_QUANTILE * np.sqrt(share * (1 - share) / n) <= alpha)
    if not allowed.size:
        return by_tail
    sorted_null = np.sort(null_statistics)[::-1]
    # The value that this many resamples exceed must itself be exceeded; resamples tie where few units change.
    return min(by_tail, float(sorted_null[min(int(allowed[-1]), n - 1)]) + 2 * SAME)


def attainable_p(n_units: int, n_levels: int, *, n_pairs: int, p_flat: float, resamples: int) -> float:
    """The smallest p-value that any shape can have with so many questions, whatever they answer.

    It is that of questions that all swing from 0 to 1 and back over the same rungs (all rise, with two levels), of the
    change from the lowest to the highest rung if all rise, or of "flat" where nothing changes, if that is smaller.

    Args:
        n_units: Questions, or clusters of them.
        n_levels: Rungs.
        n_pairs: Pairs of stretches that one half of a turn searches.
        p_flat: p-value of "flat" where no unit changes.
        resamples: Resamples of the test.

    Returns:
        The p-value; 1 with fewer than two units.

    Example:
        >>> few, many = (attainable_p(n, 5, n_pairs=9, p_flat=1.0, resamples=4000) for n in (4, 40))
        >>> few > 0.05 > many
        True
    """
    if n_units < 2 or n_levels < 2:
        return 1.0
    share = (1 + resamples * 0.5**n_units) / (1 + resamples)
    resampled = share + SIMULATION_QUANTILE * np.sqrt(share * (1 - share) / resamples)
    largest = np.array([np.sqrt(n_units)])
    rise = 2 * min(resampled, float(p_tail(largest, n_pairs=1)[0]))
    swing = min(resampled, float(p_tail(largest, n_pairs=n_pairs)[0])) if n_levels > 2 else 1.0
    return float(min(rise, swing, p_flat, 1.0))
