"""Process against outcome supervision as a table of words."""

from collections.abc import Sequence

from overthink.core.finding import Finding
from overthink.present import wording
from overthink.present.names import PROSE_LIMIT, visible
from overthink.present.word_table import Cell, Table, linked, plain

CAPTION = "Steps against answers, at equal verifier tokens: what best-of-k by each selects, steps minus answers"
HEAD = ("task", "rung", "budget and tries", "difference", "interval")


def supervision_table(findings: Sequence[Finding]) -> Table:
    """A row per task, rung and budget, for the values that were selected; no row where nothing was compared."""
    found = [f for f in findings if f.kind == "supervision" and f.metric == "value" and f.estimate is not None]
    return Table(CAPTION, HEAD, tuple(_row(finding) for finding in found))


def _row(finding: Finding) -> tuple[Cell, ...]:
    assert finding.estimate is not None
    ends = (
        ""
        if finding.low is None or finding.high is None
        else " to ".join(map(wording.points, (finding.low, finding.high)))
    )
    asked = finding.at.effort if finding.at.requested_tokens is None else f"{finding.at.requested_tokens:,} tokens"
    return (
        plain(visible(f"{finding.axis}: {finding.task}", PROSE_LIMIT)),
        plain(visible(asked or "", PROSE_LIMIT)),
        plain(visible(finding.label or "", PROSE_LIMIT)),
        (linked(finding, wording.points(finding.estimate)),),
        plain(ends),
    )
