"""Limitations of a report, collected from its findings."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from overthink.data.finding import Finding
from overthink.reports.curve import ReportCurve
from overthink.reports.names import PROSE_LIMIT, visible
from overthink.reports.wording import ESTIMAND_TEXTS, axis_name

_MAX_LIMITATIONS = 60
_POINTWISE = "pointwise"
"""Prefix of finding limits that :func:`_bands` summarises."""


@dataclass(frozen=True, slots=True)
class Limitation:
    """One limitation, and the number of findings with it (0: the whole page)."""

    text: str
    findings: int


def finding_limitations(findings: Sequence[Finding], curves: Sequence[ReportCurve]) -> list[Limitation]:
    """Return the limitations of the findings: of estimands and intervals first, then their own limits."""
    counts = Counter(limit for finding in findings for limit in finding.limits if not limit.startswith(_POINTWISE))
    own = [Limitation(visible(text, PROSE_LIMIT), number) for text, number in counts.most_common(_MAX_LIMITATIONS)]
    if len(counts) > _MAX_LIMITATIONS:
        own.append(Limitation(f"{len(counts) - _MAX_LIMITATIONS} more limits stand in the table of numbers.", 0))
    return [
        *_estimands(findings),
        *_bands(findings),
        *_gaps(findings),
        *_curves(curves),
        *own,
    ]


def _estimands(findings: Sequence[Finding]) -> list[Limitation]:
    counts = Counter(finding.estimand for finding in findings if finding.kind == "value")
    lines = [
        Limitation(f"“{visible(name)}” budgets: {ESTIMAND_TEXTS[name]}.", number)
        for name, number in counts.items()
        if name in ESTIMAND_TEXTS
    ]
    if len(counts) > 1:
        lines.append(Limitation("Different estimands answer different questions: they are separate lines.", 0))
    return lines


def _bands(findings: Sequence[Finding]) -> list[Limitation]:
    alone = sum(f.low is not None and not f.simultaneous for f in findings)
    if not alone:
        return []
    text = (
        "Intervals are pointwise: each holds for its own number. A whole band, or the largest of many "
        "changes, is less certain than its level says."
    )
    return [Limitation(text, alone)]


def _gaps(findings: Sequence[Finding]) -> list[Limitation]:
    lines = []
    missing = sum(f.estimate is None and f.kind in {"value", "difference"} for f in findings)
    if missing:
        lines.append(Limitation("No estimate: the reason stands in the table of numbers.", missing))
    without_count = sum(f.estimate is None and f.metric == "attempt_tokens" for f in findings)
    if without_count:
        lines.append(Limitation("No token count: these rungs have no place on the compute axis.", without_count))
    failures = sum(f.kind == "gate" and f.label == "failed" for f in findings)
    if failures:
        text = "A gate failed: what moved there may be the measurement, not the thinking. Marked in the charts."
        lines.append(Limitation(text, failures))
    return lines


def _curves(curves: Sequence[ReportCurve]) -> list[Limitation]:
    lines = []
    for curve in curves:
        where = f"{axis_name(curve.axis)} · {curve.name} · {visible(curve.arm)}"
        for finding in curve.about:
            text = visible(finding.label or finding.reason or finding.metric, PROSE_LIMIT)
            lines.append(Limitation(f"{where}: {text}.", 1))
    if len(lines) > _MAX_LIMITATIONS:
        return [
            *lines[:_MAX_LIMITATIONS],
            Limitation(f"{len(lines) - _MAX_LIMITATIONS} more such labels stand in the table of numbers.", 0),
        ]
    return lines
