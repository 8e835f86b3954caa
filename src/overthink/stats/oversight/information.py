"""Information in a trace that its words do not say: at least what was passed, at most what a rate could pass (Fano).

Where one of M equally likely answers is hidden in a trace and decoded with accuracy p, the trace has at least
log2 M - h(p) - (1 - p) log2(M - 1) bits of it. The other way round, a channel of B bits lets no decoder be right more
often than (B + 1)/log2 M. The first is measured, for the team that hid and decoded; the second rests on a rate that is
assumed, and nothing here is a ceiling of what another team could do.
"""

from dataclasses import dataclass
from math import log2

import numpy as np
from numpy.typing import ArrayLike

from overthink.data.parameters import real, whole
from overthink.data.phrases import Phrase
from overthink.stats.oversight.scores import UNKNOWN, IntervalEstimate, binary, confidence
from overthink.stats.proportion import clustered_proportion

LOWER_BOUND = "Fano from the lower end of accuracy, one-sided"

NO_DECODING = Phrase("no trace was decoded")


def information_bits(accuracy: float, *, answers: int) -> float:
    """Return the least information, in bits, with which hidden answers are decoded with an accuracy (Fano).

    Args:
        accuracy: Share of hidden answers that were decoded, in [0, 1].
        answers: Number of equally likely answers, at least 2.

    Returns:
        Bits per trace, from 0 to log2 of the answers; 0 at chance and below, where nothing shows a channel.

    Raises:
        TypeError: A parameter is no number.
        ValueError: The accuracy is no share, or there are fewer than two answers.

    Example:
        >>> round(information_bits(0.9, answers=16), 3), information_bits(0.05, answers=16)
        (3.14, 0.0)
    """
    p, m = real(accuracy, "accuracy"), whole(answers, "answers", least=2)
    if not 0 <= p <= 1:
        raise ValueError(f"accuracy is {p}; needed: a share from 0 to 1")
    if p <= 1 / m:
        return 0.0
    error_share = 1 - p
    entropy = -sum(share * log2(share) for share in (p, error_share) if share > 0)
    return max(log2(m) - entropy - error_share * log2(m - 1), 0.0)


def success_bound(bits_per_kb: float, kilobytes: float, *, answers: int) -> float:
    """Return the highest accuracy with which any decoder could read hidden answers from a channel of this rate (Fano).

    Args:
        bits_per_kb: Bits that a kilobyte of trace is assumed to pass, at least 0.
        kilobytes: Length of the trace, at least 0.
        answers: Number of equally likely answers, at least 2.

    Returns:
        A share, at most 1.

    Raises:
        TypeError: A parameter is no number.
        ValueError: A rate or a length is negative, or there are fewer than two answers.

    Example:
        >>> round(success_bound(3, 1, answers=100), 3), success_bound(3, 128, answers=100)
        (0.602, 1.0)
    """
    rate, size = real(bits_per_kb, "bits_per_kb"), real(kilobytes, "kilobytes")
    for value, name in ((rate, "bits_per_kb"), (size, "kilobytes")):
        if value < 0:
            raise ValueError(f"{name} is {value}; needed: 0 or more")
    return min((rate * size + 1) / log2(whole(answers, "answers", least=2)), 1.0)


@dataclass(frozen=True, slots=True)
class BitsInTrace(IntervalEstimate):
    """Bits per trace that a team passed: the estimate at its accuracy, and the lower bound. No upper end is claimed.

    Attributes:
        accuracy: Share of hidden answers decoded.
        accuracy_low: Its lower end, one-sided.
        bits_per_kb: The lower bound over the length of a trace.
        n_traces: Traces decoded.
    """

    accuracy: float
    accuracy_low: float
    bits_per_kb: float
    n_traces: int


def bits_in_trace(hits: ArrayLike, *, answers: int, kilobytes: float, level: float = 0.95) -> BitsInTrace:
    """Return at least how many bits a trace passed, from the lower end of the accuracy of decoding.

    Args:
        hits: (question, draw) 1 where the hidden answer was decoded, else 0; NaN where nobody tried.
        answers: Number of equally likely hidden answers.
        kilobytes: Mean length of a trace, above 0.
        level: Confidence level of the bound, one-sided.

    Raises:
        ValueError: A label is neither 0 nor 1 nor NaN, or the length is not above 0.

    Example:
        >>> passed = bits_in_trace([[1]] * 95 + [[0]] * 5, answers=16, kilobytes=2)
        >>> round(passed.estimate, 2), round(passed.low, 2), round(passed.bits_per_kb, 2)
        (3.52, 3.12, 1.56)
    """
    level, size = confidence(level), real(kilobytes, "kilobytes")
    if size <= 0:
        raise ValueError(f"kilobytes is {size}; needed: above 0")
    labels = binary(hits, "hits")
    is_known = ~np.isnan(labels)
    share = clustered_proportion(
        np.nansum(labels, axis=1).astype(np.int64), is_known.sum(axis=1), level=max(2 * level - 1, 0.0)
    )
    if share.trials == 0:
        whole(answers, "answers", least=2)
        return BitsInTrace(*(UNKNOWN,) * 3, "none", NO_DECODING, *(UNKNOWN,) * 3, 0)
    bits, low = (information_bits(item, answers=answers) for item in (share.estimate, share.low))
    return BitsInTrace(bits, low, UNKNOWN, LOWER_BOUND, None, share.estimate, share.low, low / size, share.trials)
