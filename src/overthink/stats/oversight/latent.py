"""Latent reasoning, from outside: what filler and repeats of the question do for answers without a chain.

Answers at once, with a prompt that holds f fillers or the question r times, are compared with the plain prompt, paired
by question. The latent uplift is the largest mean difference over the list of prompts, with an interval from a band
over all of them (max-t). Where its lower end is above 0, accuracy without a chain is no floor: necessity and bounds
that start from it must use the best prompt. Pairing matters: 45.2 to 51.2 % on 907 questions has a p-value of .010
unpaired and of 6e-7 paired, which is a correlation of .74 between the two prompts' answers.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from overthink.data.arrays import Array
from overthink.data.parameters import real, real_array, whole
from overthink.data.phrases import Reason
from overthink.stats.bands import simultaneous_bands
from overthink.stats.bootstrap import CHANGE
from overthink.stats.curve import question_means
from overthink.stats.oversight.scores import SEED, UNKNOWN, IntervalEstimate, confidence
from overthink.stats.paired import paired_mean

BAND = "upper envelope of a band over all prompts (max-t), paired by question"

FEW = Reason("fewer than two questions were answered with the plain prompt and another one")


@dataclass(frozen=True, slots=True)
class LatentUplift(IntervalEstimate):
    """Largest uplift over the prompts.

    Attributes:
        uplifts: Mean uplift with each prompt.
        lows: Lower end of the band at each.
        highs: Upper end.
        best: Position of the best prompt; -1 without one.
        is_floor: Whether accuracy without a chain may still be a floor: no uplift is shown. None where unknown.
        n_questions: Questions with the plain prompt and the best one.
    """

    uplifts: tuple[float, ...]
    lows: tuple[float, ...]
    highs: tuple[float, ...]
    best: int
    is_floor: bool | None
    n_questions: int


def latent_uplift(plain: ArrayLike, prompts: ArrayLike, *, level: float = 0.95) -> LatentUplift:
    """Return the largest uplift of answers without a chain over a list of prompts, with an interval that pays for it.

    Args:
        plain: (question, draw) accuracy with the plain prompt, in [0, 1]; NaN where unknown.
        prompts: (question, draw, prompt) accuracy with each filler and repeat.
        level: Confidence level.

    Raises:
        ValueError: Shapes do not fit, or a value lies outside [0, 1].

    Example:
        >>> rng = np.random.default_rng(0)
        >>> found = latent_uplift(rng.random((200, 1)) < 0.4, rng.random((200, 1, 3)) < [0.4, 0.7, 0.5])
        >>> found.best, found.low > 0, found.is_floor
        (1, True, False)
    """
    level = confidence(level)
    base, table = real_array(plain, "plain"), real_array(prompts, "prompts")
    if base.ndim != 2 or table.ndim != 3 or len(base) != len(table) or not table.shape[2]:
        raise ValueError(
            f"plain has shape {base.shape}, prompts {table.shape}; needed: (question, draw), (question, draw, prompt)"
        )
    if any(((side < 0) | (side > 1)).any() for side in (base, table)):
        raise ValueError("a value lies outside [0, 1]; needed: accuracies")
    differences = question_means(table) - question_means(base[:, :, None])
    low, high = _ends(differences, level)
    n = (~np.isnan(differences)).sum(axis=0)
    usable = ~np.isnan(low)
    means = np.where(n > 0, np.nansum(differences, axis=0) / np.maximum(n, 1), np.nan)
    curves = tuple(means.tolist()), tuple(low.tolist()), tuple(high.tolist())
    if not usable.any():
        estimate = float(np.nanmax(means)) if (n > 0).any() else UNKNOWN
        return LatentUplift(estimate, UNKNOWN, UNKNOWN, "none", FEW, *curves, -1, None, int(n.max()))
    best = int(np.nanargmax(means))
    ends = float(np.nanmax(low)), float(np.nanmax(high))
    return LatentUplift(float(means[best]), *ends, BAND, None, *curves, best, ends[0] <= 0, int(n[best]))


def _ends(differences: Array, level: float) -> tuple[Array, Array]:
    """Ends of the band, (prompt,) each; one prompt has the paired interval."""
    if differences.shape[1] == 1:
        result = paired_mean(differences[:, 0], level=level, margin=1.0)
        return np.array([result.low]), np.array([result.high])
    band = simultaneous_bands(differences, level=level, rng=np.random.default_rng(SEED), support=CHANGE)
    return band.low, band.high


def paired_correlation(first: float, second: float, *, questions: int, p: float) -> float:
    """Return the correlation of two prompts' answers that a published paired p-value implies.

    Args:
        first: Share right with the one prompt.
        second: Share right with the other.
        questions: Questions, answered once with either.
        p: Two-sided paired p-value.

    Returns:
        The correlation under the normal approximation; NaN where the shares are equal.

    Example:
        >>> round(paired_correlation(0.452, 0.512, questions=907, p=5.7e-7), 2)
        0.74
    """
    shares = [real(first, "first"), real(second, "second")]
    if shares[0] == shares[1]:
        return UNKNOWN
    variances = [share * (1 - share) / whole(questions, "questions", least=2) for share in shares]
    error = abs(shares[1] - shares[0]) / -float(special.ndtri(real(p, "p") / 2))
    return float((sum(variances) - error**2) / (2 * np.sqrt(variances[0] * variances[1])))
