"""Which curves a short list shows where a report has more than it holds."""

from collections.abc import Sequence

from overthink.data.verdict_labels import ShapeLabel
from overthink.reports.report_curves import ReportCurve
from overthink.reports.verdicts import primary_shape

RULE = (
    "results before controls; then curves with a shown shape or change, then those with a failed gate, then the arms "
    "with most rungs"
)
"""The rule of :func:`selected_curves` in words, beside every list that leaves curves out."""


def selected_curves(curves: Sequence[ReportCurve], number: int, *, arms_first: Sequence[str]) -> list[ReportCurve]:
    """Return at most ``number`` curves, those that matter most by :data:`RULE`, in the order given.

    Args:
        curves: Curves with values.
        number: Most curves of the list.
        arms_first: Arms that are drawn first: those with most rungs.
    """
    if len(curves) <= number:
        return list(curves)
    order = sorted(range(len(curves)), key=lambda position: (*_importance(curves[position], arms_first), position))
    return [curves[position] for position in sorted(order[:number])]


def _importance(curve: ReportCurve, arms_first: Sequence[str]) -> tuple[bool, bool, bool, bool]:
    """Return the sort key: False before True."""
    has_failed_gate = any(rung.result.failed_gates for rung in curve.rungs)
    return curve.is_control, not _is_shown(curve), not has_failed_gate, curve.arm not in arms_first


def _is_shown(curve: ReportCurve) -> bool:
    """Return whether a shape is shown; where none was tested, whether the interval of the change excludes 0."""
    shape, change = primary_shape(curve.shapes), curve.result.change
    if shape is not None:
        return shape.verdict.label not in (None, ShapeLabel.UNDETERMINED)
    return change is not None and ((change.low or 0) > 0 or (change.high or 0) < 0)
