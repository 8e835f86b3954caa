"""Training compute of a run: from parameters and tokens, or from hardware; with the margin of an estimate.

C = 6·P·D for a dense transformer, with the active parameters of a mixture of experts (EU guidelines, Annex A.2.2;
Kaplan et al. 2020, arXiv:2001.08361), and C = N·L·H·U from hardware (Annex A.2.1). The guidelines ask for 30 %.
"""

from overthink.governance.inputs import positive, share
from overthink.governance.statement.interval import Interval

SECONDS_PER_HOUR = 3600.0
ERROR_MARGIN = 0.3
"""Share of the estimate that the EU guidelines (Annex A.2, point 123 of the draft) accept as its error."""


def training_flop_by_parameters(active_parameters: float, training_tokens: float) -> float:
    """Return the FLOP of training by 6·P·D.

    Args:
        active_parameters: Parameters that a token passes through; all of them in a dense model.
        training_tokens: Tokens over all epochs.

    Raises:
        InputError: An argument is not positive.

    Example:
        >>> f"{training_flop_by_parameters(3.8e9, 3.3e12):.2g}"
        '7.5e+22'
    """
    return 6 * positive(active_parameters, "active parameters") * positive(training_tokens, "training tokens")


def training_flop_by_hardware(chip_hours: float, *, peak_flop_per_second: float, utilisation: float) -> float:
    """Return the FLOP of training by N·L·H·U.

    Args:
        chip_hours: Chips times hours.
        peak_flop_per_second: Dense peak of one chip, in the number format used.
        utilisation: Share of the peak that was achieved.

    Raises:
        InputError: An argument is out of its bounds.

    Example:
        >>> f"{training_flop_by_hardware(370_000, peak_flop_per_second=989e12, utilisation=0.5):.2e}"
        '6.59e+23'
    """
    seconds = positive(chip_hours, "chip hours") * SECONDS_PER_HOUR
    return seconds * positive(peak_flop_per_second, "peak FLOP per second") * share(utilisation, "utilisation")


def utilisation_of(training_flop: float, *, chip_hours: float, peak_flop_per_second: float) -> float:
    """Return the share of the hardware's peak that a run of known FLOP used (MFU).

    Raises:
        InputError: An argument is not positive.
    """
    possible = training_flop_by_hardware(chip_hours, peak_flop_per_second=peak_flop_per_second, utilisation=1)
    return positive(training_flop, "training FLOP") / possible


def with_margin(training_flop: float, *, margin: float = ERROR_MARGIN) -> Interval:
    """Return an estimate with its margin on both sides.

    Raises:
        InputError: The estimate is not positive, or the margin not from 0 to below 1.
    """
    positive(training_flop, "training FLOP")
    if margin:
        share(margin, "margin")
    return Interval(training_flop * (1 - margin), training_flop * (1 + margin))
