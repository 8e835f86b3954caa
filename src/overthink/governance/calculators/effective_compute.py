"""Effective compute: the training compute equivalent to K times the inference compute. Analysis, not law.

C_eff(K) = C · min(K, K_max)^α with 0 ≤ α ≤ 1. The exponent is an assumption that differs between tasks, so the answer
is an interval over a stated range, with the sources in ``STATED_EXPONENTS``. Where a curve was measured, use
``compute_equivalent_gain`` instead. No instrument counts deployment inference: C_eff crosses no legal threshold.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

from overthink.errors import InputError
from overthink.governance.inputs import at_least_one, positive
from overthink.governance.statement.interval import Interval
from overthink.governance.thresholds.registry import Instrument

LABEL = "analysis, not legal status: no instrument counts deployment inference towards its threshold"

Alpha = float | Sequence[float]
"""One exponent, or the lower and upper end of a range."""


class Exponent(NamedTuple):
    """A published or bounding exponent, with its source and domain."""

    alpha: float
    source: str
    holds_for: str


STATED_EXPONENTS = (
    Exponent(0.0, "lower bound: more inference adds nothing", "knowledge tasks"),
    Exponent(0.5, "Epoch AI, lower end: two orders of magnitude of inference for one of training", "K up to 100"),
    Exponent(1 / 1.2, "Jones 2021: 10× training = 15.8× inference (1/1.2)", "the board game Hex"),
    Exponent(1.0, "Epoch AI, upper end and bound: one order of inference for one of training", "K up to 10"),
)
"""Stated exponents with their sources, in order."""


def effective_compute(training_flop: float, k: float, *, alpha: Alpha, k_max: float | None = None) -> Interval:
    """Return the training compute equivalent to K times the inference compute, over a stated range of exponents.

    Analysis, not legal status. K is a budget divided by a reference budget, which has to be stated.

    Args:
        training_flop: Training compute of the model.
        k: Multiple of the reference inference budget, 1 or more.
        alpha: Exponent from 0 to 1, or a range as (low, high). ``STATED_EXPONENTS`` has published values.
        k_max: Multiple beyond which more inference adds nothing; None for no cap.

    Returns:
        C · min(K, K_max)^α at both ends of the range.

    Raises:
        InputError: Compute is not positive, K or the cap is below 1, or an exponent is not from 0 to 1.

    Example:
        >>> interval = effective_compute(1e25, 100, alpha=(0.5, 1))
        >>> f"{interval.low:.1e} {interval.high:.1e}"
        '1.0e+26 1.0e+27'
    """
    positive(training_flop, "training FLOP")
    at_least_one(k, "K")
    multiple = k if k_max is None else min(k, at_least_one(k_max, "K_max"))
    low, high = exponents(alpha)
    return Interval(training_flop * multiple**low, training_flop * multiple**high)


def k_to_reach(training_flop: float, threshold_flop: float, *, alpha: Alpha, k_max: float | None = None) -> Interval:
    """Return K*, the multiple at which effective compute equals a threshold: (T/C)^(1/α). Analysis, not legal status.

    Args:
        training_flop: Training compute of the model.
        threshold_flop: The threshold.
        alpha: The exponent or its range.
        k_max: Multiple beyond which more inference adds nothing; K* above it is infinite.

    Returns:
        K* at the upper and at the lower exponent; 1 where training alone reaches it, infinite where no K does.

    Raises:
        InputError: Compute is not positive, the cap is below 1, or an exponent is not from 0 to 1.

    Example:
        >>> round(k_to_reach(3.41e24, 1e25, alpha=0.5).low, 1)
        8.6
    """
    ratio = math.log(positive(threshold_flop, "threshold FLOP")) - math.log(positive(training_flop, "training FLOP"))
    cap = math.inf if k_max is None else at_least_one(k_max, "K_max")
    ends = [_k_star(ratio, exponent) for exponent in exponents(alpha)]
    low, high = sorted(k if k <= cap else math.inf for k in ends)
    return Interval(low, high)


def k_to_instrument(training_flop: float, row: Instrument, *, alpha: Alpha, k_max: float | None = None) -> Interval:
    """Return K* to an instrument's number. Its operator defines whether K* itself or only more than K* reaches it.

    Raises:
        InputError: As ``k_to_reach``; or the instrument has no threshold on training compute.
    """
    if row.number is None or row.measure != "training_compute":
        raise InputError(f"{row.id} sets no threshold on training compute; see: overthink thresholds")
    return k_to_reach(training_flop, row.number, alpha=alpha, k_max=k_max)


def exponents(alpha: Alpha) -> tuple[float, float]:
    """Return the lower and upper exponent.

    Raises:
        InputError: There are not one or two exponents, they are out of order, or one is not from 0 to 1.
    """
    ends = (float(alpha),) if isinstance(alpha, int | float) else tuple(float(end) for end in alpha)
    if len(ends) not in (1, 2) or list(ends) != sorted(ends) or not all(0 <= end <= 1 for end in ends):
        text = ", ".join(f"{end:g}" for end in ends)
        raise InputError(f"alpha is {text or 'empty'}; needed: one exponent from 0 to 1, or a range low, high")
    return ends[0], ends[-1]


def _k_star(log_ratio: float, alpha: float) -> float:
    """Return exp(log(T/C)/α), at least 1; infinite where it does not fit a float."""
    if log_ratio <= 0:
        return 1.0
    if alpha == 0:
        return math.inf
    exponent = log_ratio / alpha
    return math.exp(exponent) if exponent < math.log(1e308) else math.inf
