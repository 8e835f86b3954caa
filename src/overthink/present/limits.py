"""What findings cannot say, gathered from them. Every sentence has its cause in one of them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from overthink.core.finding import Finding
from overthink.present.curve import Curve
from overthink.present.names import PROSE_LIMIT, visible
from overthink.present.wording import ESTIMANDS, axis_name

_SHOWN = 60
_POINTWISE = "pointwise"
"""How findings start to say what :func:`_bands` says once for all of them."""


@dataclass(frozen=True, slots=True)
class Limit:
    """One thing the report does not say, and how many findings carry it (0: the page as a whole)."""

    text: str
    findings: int


def limits(findings: Sequence[Finding], found: Sequence[Curve]) -> list[Limit]:
    """The limits of the findings: of their estimands and intervals first, then what they say of themselves."""
    told = Counter(limit for finding in findings for limit in finding.limits if not limit.startswith(_POINTWISE))
    own = [Limit(visible(text, PROSE_LIMIT), number) for text, number in told.most_common(_SHOWN)]
    if len(told) > _SHOWN:
        own.append(Limit(f"{len(told) - _SHOWN} more limits stand in the table of numbers.", 0))
    return [
        *_estimands(findings),
        *_bands(findings),
        *_gaps(findings),
        *_curves(found),
        *own,
    ]


def _estimands(findings: Sequence[Finding]) -> list[Limit]:
    counted = Counter(finding.estimand for finding in findings if finding.kind == "value")
    lines = [
        Limit(f"“{visible(name)}” budgets: {ESTIMANDS[name]}.", number)
        for name, number in counted.items()
        if name in ESTIMANDS
    ]
    if len(counted) > 1:
        lines.append(Limit("Different estimands answer different questions: they are separate lines.", 0))
    return lines


def _bands(findings: Sequence[Finding]) -> list[Limit]:
    alone = sum(f.low is not None and not f.simultaneous for f in findings)
    if not alone:
        return []
    text = (
        "Intervals are pointwise: each holds for its own number. A whole band, or the largest of many "
        "changes, is less certain than its level says."
    )
    return [Limit(text, alone)]


def _gaps(findings: Sequence[Finding]) -> list[Limit]:
    lines = []
    missing = sum(f.estimate is None and f.kind in {"value", "difference"} for f in findings)
    if missing:
        lines.append(Limit("No estimate: the reason stands in the table of numbers.", missing))
    untold = sum(f.estimate is None and f.metric == "attempt_tokens" for f in findings)
    if untold:
        lines.append(Limit("No token count: these rungs have no place on the compute axis.", untold))
    failed = sum(f.kind == "gate" and f.label == "failed" for f in findings)
    if failed:
        text = "A gate failed: what moved there may be the measurement, not the thinking. Marked in the charts."
        lines.append(Limit(text, failed))
    return lines


def _curves(found: Sequence[Curve]) -> list[Limit]:
    lines = []
    for curve in found:
        where = f"{axis_name(curve.axis)} · {curve.name} · {visible(curve.arm)}"
        for finding in curve.about:
            said = visible(finding.label or finding.reason or finding.metric, PROSE_LIMIT)
            lines.append(Limit(f"{where}: {said}.", 1))
    if len(lines) > _SHOWN:
        return [
            *lines[:_SHOWN],
            Limit(f"{len(lines) - _SHOWN} more such labels stand in the table of numbers.", 0),
        ]
    return lines
