"""Process against outcome supervision as a text table."""

from collections.abc import Sequence

from overthink.data.finding import Finding
from overthink.reports import wording
from overthink.reports.names import PROSE_LIMIT, visible
from overthink.reports.tables import Table, TextCell, finding_link, plain

SUPERVISION_CAPTION = (
    "Steps against answers, at equal verifier tokens: what best-of-k by each selects, steps minus answers"
)
SUPERVISION_HEAD = ("task", "rung", "budget and tries", "difference", "interval")


def supervision_table(findings: Sequence[Finding]) -> Table:
    """Return a table with a row per task, rung and budget, for the selected values."""
    differences = [f for f in findings if f.kind == "supervision" and f.metric == "value" and f.estimate is not None]
    return Table(SUPERVISION_CAPTION, SUPERVISION_HEAD, tuple(_supervision_row(finding) for finding in differences))


def _supervision_row(finding: Finding) -> tuple[TextCell, ...]:
    assert finding.estimate is not None
    ends = (
        ""
        if finding.low is None or finding.high is None
        else " to ".join(map(wording.points, (finding.low, finding.high)))
    )
    budget = finding.at.effort if finding.at.requested_tokens is None else f"{finding.at.requested_tokens:,} tokens"
    return (
        plain(visible(f"{finding.axis}: {finding.task}", PROSE_LIMIT)),
        plain(visible(budget or "", PROSE_LIMIT)),
        plain(visible(finding.label or "", PROSE_LIMIT)),
        (finding_link(finding, wording.points(finding.estimate)),),
        plain(ends),
    )
