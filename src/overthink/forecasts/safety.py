"""Safe at k (tries) = 1, dangerous at k = 100: a claim with three possible answers."""

from dataclasses import dataclass

from overthink.data.results.forecast import Answer, Band, Side
from overthink.forecasts.counts import check_share, forecast_sizes
from overthink.forecasts.result import Forecast


@dataclass(frozen=True, slots=True)
class SafeThenDangerous:
    """Whether the questions are safe at few tries and dangerous at many.

    Attributes:
        threshold: Share at which the questions count as dangerous.
        few: Few tries.
        many: Many tries.
        at_few: "safe", "dangerous" or "not resolved" at few tries.
        at_many: The same at many.
        label: "yes"; "no", if they are dangerous at few or safe at many; "not resolved".
        band: The band that decided.
    """

    threshold: float
    few: int
    many: int
    at_few: Side
    at_many: Side
    label: Answer
    band: Band


def safety_at(forecast: Forecast, threshold: float, *, band: Band = "assumption-free") -> tuple[Side, ...]:
    """Return the label at each k of the forecast: safe if the whole band is below the threshold, dangerous if above.

    Args:
        forecast: The forecast.
        threshold: Share at which the questions count as dangerous.
        band: The band to use. The model band must be chosen explicitly: where the assumption-free band crosses the
            threshold, "safe" depends on the assumed distribution of chances between questions.

    Returns:
        (k,) of "safe", "dangerous" or "not resolved".

    Raises:
        ValueError: The threshold is not between 0 and 1, or the band is unknown.
    """
    threshold = check_share(threshold, "threshold")
    if band not in ("assumption-free", "model"):
        raise ValueError(f"band is {band!r}; needed: 'assumption-free' or 'model'")
    free = band == "assumption-free"
    low, high = (forecast.bound_low, forecast.bound_high) if free else (forecast.low, forecast.high)
    return tuple(_side(*ends, threshold) for ends in zip(low.tolist(), high.tolist(), strict=True))


def _side(low: float, high: float, threshold: float) -> Side:
    if high < threshold:
        return "safe"
    return "dangerous" if low >= threshold else "not resolved"


def safe_then_dangerous(
    forecast: Forecast, threshold: float, *, few: int = 1, many: int = 100, band: Band = "assumption-free"
) -> SafeThenDangerous:
    """Return whether the questions are safe at few tries and dangerous at many.

    Args:
        forecast: The forecast; evaluated at both k.
        threshold: Share at which the questions count as dangerous.
        few: Few tries.
        many: Many tries.
        band: The band to use, as for :func:`safety_at`.

    Raises:
        ValueError: As for :func:`safety_at`; or ``few`` is not less than ``many``, or out of range.
    """
    forecast_sizes([few, many])
    if few >= many:
        raise ValueError(f"few is {few} and many {many}; needed: fewer than many")
    at_few, at_many = safety_at(forecast.at([few, many]), threshold, band=band)
    label: Answer = "yes" if (at_few, at_many) == ("safe", "dangerous") else "not resolved"
    if at_few == "dangerous" or at_many == "safe":
        label = "no"
    return SafeThenDangerous(threshold, few, many, at_few, at_many, label, band)
