"""The planted truth of a simulated study on its page: a dashed line in the charts, and one sentence per curve."""

from collections.abc import Sequence

from overthink.data.number_text import count
from overthink.data.planted import PlantedCurve
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
    """Return in how many curves the planted truth was recovered; empty for a real model."""
    if not planted:
        return ""
    with_band = [truth for truth in planted if not truth.obstacle and truth.outside is not None]
    if not with_band:
        return f"{LEGEND}: not stated, or no band to hold it"
    inside = sum(not truth.outside for truth in with_band)
    return f"{LEGEND}: recovered in {inside:,} of {count(len(with_band), 'curve')}"


def _name(truth: PlantedCurve) -> str:
    return f"{wording.axis_name(truth.key.axis)}, {visible(truth.key.task)}, {visible(truth.key.arm)}"


def _words(truth: PlantedCurve) -> str:
    if truth.obstacle:
        return f"{LEGEND} not stated, {truth.obstacle}"
    if truth.outside is None:
        return f"{LEGEND} drawn; there is no band for all rungs at once to hold it"
    if not truth.outside:
        return f"{LEGEND} recovered: it is inside the band at all {len(truth.values)} rungs"
    return f"{LEGEND} not recovered: it is outside the band at {len(truth.outside)} of {len(truth.values)} rungs"
