"""The planted truth of a simulated study on its page: a dashed line in the charts, and one sentence per curve."""

from collections.abc import Sequence

from overthink.data.curve_key import PlantedCurve
from overthink.data.number_text import count, fixed
from overthink.data.visible import visible
from overthink.reports import wording
from overthink.reports.report_curves import ReportCurve

LEGEND = "planted truth"
"""Name of the dashed line."""


def planted_lines(planted: Sequence[PlantedCurve], curves: Sequence[ReportCurve]) -> list[dict[int, float]]:
    """Return the planted values by rung for every curve; empty where none are stated."""
    by_key = {truth.key: dict(truth.values) for truth in planted}
    return [by_key.get(curve.result.key, {}) for curve in curves]


def planted_sentences(planted: Sequence[PlantedCurve]) -> list[str]:
    """Return one sentence per curve: whether the band holds its planted truth, or why that is not stated."""
    return [f"{_name(truth)}: {_words(truth)}." for truth in planted]


def planted_summary(planted: Sequence[PlantedCurve]) -> str:
    """Return in how many curves the band holds the planted truth, and a flat line; empty for a real model."""
    if not planted:
        return ""
    widths = [truth.half_width for truth in planted if truth.half_width is not None]
    if not widths:
        return f"{LEGEND}: not stated, or no band to hold it"
    of = f"of {count(len(widths), 'curve')}"
    inside = f"{LEGEND}: inside the {_band(max(widths))} in {sum(truth.outside == () for truth in planted):,} {of}"
    flat = sum(truth.holds_flat for truth in planted)
    return f"{inside}; a flat line would be in {flat:,} {of}" if flat else inside


def _name(truth: PlantedCurve) -> str:
    return f"{wording.axis_name(truth.key.axis)}, {visible(truth.key.task)}, {visible(truth.key.arm)}"


def _words(truth: PlantedCurve) -> str:
    if truth.obstacle:
        return f"{LEGEND} not stated, {truth.obstacle}"
    if truth.outside is None or truth.half_width is None:
        return f"{LEGEND} drawn; there is no band for all rungs at once to hold it"
    band = _band(truth.half_width)
    if truth.outside:
        return f"{LEGEND} outside the {band} at {len(truth.outside)} of {count(len(truth.values), 'rung')}"
    also = "; a flat line would be inside it, too" if truth.holds_flat else ""
    return f"{LEGEND} inside the {band} at every rung that has one{also}"


def _band(half_width: float) -> str:
    """Return the band with its width, without which it is not said how much being inside it means."""
    return f"band (up to ±{fixed(100 * half_width, 1)} points)"
