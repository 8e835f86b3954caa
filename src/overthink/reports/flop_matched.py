"""FLOP-matched comparison of a smaller model with a larger one, as a text table."""

from collections.abc import Iterable, Sequence

from overthink.cost.amounts import amount
from overthink.data.finding import Finding
from overthink.reports import wording
from overthink.reports.names import PROSE_LIMIT, visible
from overthink.reports.tables import Table, TextCell, finding_link, plain

FLOP_MATCHED_CAPTION = "A smaller model with more inference, against a larger one: times the FLOP of the larger one"
FLOP_MATCHED_HEAD = (
    "Task · arm",
    "Larger model, within",
    "What it does",
    "What the smaller one does",
    "As good at",
    "No worse than δ at",
    "Less in all, with training, below",
)

FlopMatchedRow = dict[str, Finding]
"""Findings by metric."""


def flop_matched_table(findings: Sequence[Finding]) -> Table:
    """Return a table with a row per budget of a larger model at which an entry changes."""
    rows: dict[tuple[str, ...], FlopMatchedRow] = {}
    for finding in findings:
        if finding.kind == "flop_matched":
            key = (finding.axis, finding.task, finding.scorer or "", finding.estimand, finding.arm)
            against = (finding.label or "").partition(", within ")[0]
            rows.setdefault((*key, against, str(finding.at.total)), {})[finding.metric] = finding
    sorted_rows = sorted(rows.values(), key=lambda row: wording.axis_position(row["multiple"].axis))
    return Table(FLOP_MATCHED_CAPTION, FLOP_MATCHED_HEAD, tuple(_distinct_rows(map(_flop_matched_row, sorted_rows))))


def _distinct_rows(rows: Iterable[tuple[TextCell, ...]]) -> Iterable[tuple[TextCell, ...]]:
    """Yield rows that differ from the preceding row in more than the budget."""
    before: list[str] = []
    for row in rows:
        texts = ["".join(piece.text for piece in cell) for cell in row]
        signature = [texts[0], texts[1].rpartition(", ")[0], *texts[2:]]
        if signature != before:
            yield row
        before = signature


def _flop_matched_row(row: FlopMatchedRow) -> tuple[TextCell, ...]:
    multiple = row["multiple"]
    against, _, words = (multiple.label or "").partition(", within ")
    large, name = visible(against.removeprefix("against ")), f"{visible(multiple.task)} · {visible(multiple.arm)}"
    if multiple.at.total is None:
        reason = (finding_link(multiple, visible(multiple.reason or "unknown", PROSE_LIMIT)),)
        return (plain(name), plain(large or "–"), plain("–"), plain("–"), reason, plain("–"), plain("–"))
    within = visible(amount(multiple.at.total, multiple.at.unit))
    does, _, small = words.partition(": ")[2].partition("; as good by ")
    any_served = "any R" if multiple.estimate is not None and multiple.estimate <= 1 else "–"
    return (
        plain(name),
        plain(f"{large}, {within}"),
        plain(visible(does, PROSE_LIMIT)),
        plain(visible(small, PROSE_LIMIT) or "–"),
        _flop_matched_cell(multiple, "×", unknown="not reached"),
        _flop_matched_cell(row.get("multiple_shown"), "×", unknown="not shown"),
        _flop_matched_cell(row.get("tokens_served"), "R =", unknown=any_served),
    )


def _flop_matched_cell(finding: Finding | None, sign: str, *, unknown: str) -> TextCell:
    if finding is None:
        return plain("–")
    low, high = (None if end is None else _number(end) for end in (finding.low, finding.high))
    if low is not None and high is not None:
        ends = f" ({low} to {high})"
    else:
        ends = f" ({low} or more)" if low is not None else f" ({high} or less)" if high is not None else ""
    number = unknown if finding.estimate is None else f"{sign} {_number(finding.estimate)}"
    return (finding_link(finding, f"{number}{ends}"),)


def _number(value: float) -> str:
    """Return a number with two significant digits, or all integer digits."""
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"
