"""A small model with more inference beside a larger one, as a table of words."""

from collections.abc import Iterable, Sequence

from overthink.core.amounts import amount
from overthink.core.finding import Finding
from overthink.present import wording
from overthink.present.names import PROSE_LIMIT, visible
from overthink.present.word_table import Cell, Table, linked, plain

CAPTION = "A smaller model with more inference, against a larger one: times the FLOP of the larger one"
HEAD = (
    "Task · arm",
    "Larger model, within",
    "What it does",
    "What the smaller one does",
    "As good at",
    "No worse than δ at",
    "Less in all, with training, below",
)

Row = dict[str, Finding]
"""By metric."""


def flop_matched_table(findings: Sequence[Finding]) -> Table:
    """A row per budget of a larger model at which something changes; no row where no models were compared in FLOP."""
    rows: dict[tuple[str, ...], Row] = {}
    for finding in findings:
        if finding.kind == "flop_matched":
            place = (finding.axis, finding.task, finding.scorer or "", finding.estimand, finding.arm)
            against = (finding.label or "").partition(", within ")[0]
            rows.setdefault((*place, against, str(finding.at.total)), {})[finding.metric] = finding
    ordered = sorted(rows.values(), key=lambda row: wording.axis_place(row["multiple"].axis))
    return Table(CAPTION, HEAD, tuple(_changing(map(_row, ordered))))


def _changing(rows: Iterable[tuple[Cell, ...]]) -> Iterable[tuple[Cell, ...]]:
    """A larger budget with which neither model does anything else has no row of its own."""
    before: list[str] = []
    for row in rows:
        told = ["".join(piece.text for piece in cell) for cell in row]
        mine = [told[0], told[1].rpartition(", ")[0], *told[2:]]
        if mine != before:
            yield row
        before = mine


def _row(row: Row) -> tuple[Cell, ...]:
    multiple = row["multiple"]
    against, _, told = (multiple.label or "").partition(", within ")
    large, name = visible(against.removeprefix("against ")), f"{visible(multiple.task)} · {visible(multiple.arm)}"
    if multiple.at.total is None:
        reason = (linked(multiple, visible(multiple.reason or "unknown", PROSE_LIMIT)),)
        return (plain(name), plain(large or "–"), plain("–"), plain("–"), reason, plain("–"), plain("–"))
    within = visible(amount(multiple.at.total, multiple.at.unit))
    does, _, small = told.partition(": ")[2].partition("; as good by ")
    any_served = "any R" if multiple.estimate is not None and multiple.estimate <= 1 else "–"
    return (
        plain(name),
        plain(f"{large}, {within}"),
        plain(visible(does, PROSE_LIMIT)),
        plain(visible(small, PROSE_LIMIT) or "–"),
        _cell(multiple, "×", unknown="not reached"),
        _cell(row.get("multiple_shown"), "×", unknown="not shown"),
        _cell(row.get("tokens_served"), "R =", unknown=any_served),
    )


def _cell(finding: Finding | None, sign: str, *, unknown: str) -> Cell:
    if finding is None:
        return plain("–")
    low, high = (None if end is None else _number(end) for end in (finding.low, finding.high))
    if low is not None and high is not None:
        ends = f" ({low} to {high})"
    else:
        ends = f" ({low} or more)" if low is not None else f" ({high} or less)" if high is not None else ""
    number = unknown if finding.estimate is None else f"{sign} {_number(finding.estimate)}"
    return (linked(finding, f"{number}{ends}"),)


def _number(value: float) -> str:
    """Two digits; all of them where there are more."""
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"
