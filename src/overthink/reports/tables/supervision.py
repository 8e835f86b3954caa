"""Process against outcome supervision as a text table."""

from collections.abc import Sequence

from overthink.data.finding import Finding
from overthink.data.kinds import Metric
from overthink.data.results.budgets import SupervisionResult
from overthink.data.visible import PROSE_LIMIT, visible
from overthink.reports import wording
from overthink.reports.tables.table import Table, TextCell, finding_link, plain

SUPERVISION_CAPTION = (
    "Steps against answers, at equal verifier tokens: what best-of-k by each selects, steps minus answers"
)
SUPERVISION_HEAD = ("task", "rung", "budget and tries", "difference", "interval")


def supervision_table(comparisons: Sequence[SupervisionResult]) -> Table:
    """Return a table with a row per task, rung and budget, for the selected values."""
    rows = (
        _row(result, value)
        for result in comparisons
        if (value := result.differences[Metric.VALUE]).estimate is not None
    )
    return Table(SUPERVISION_CAPTION, SUPERVISION_HEAD, tuple(rows))


def _row(result: SupervisionResult, value: Finding) -> tuple[TextCell, ...]:
    assert value.estimate is not None
    ends = "" if value.low is None or value.high is None else " to ".join(map(wording.points, (value.low, value.high)))
    level = result.at.effort if result.at.requested_tokens is None else f"{result.at.requested_tokens:,} tokens"
    return (
        plain(visible(f"{result.by_steps.axis}: {result.by_steps.task}", PROSE_LIMIT)),
        plain(visible(level or "", PROSE_LIMIT)),
        plain(visible(value.label or "", PROSE_LIMIT)),
        (finding_link(value, wording.points(value.estimate)),),
        plain(ends),
    )
