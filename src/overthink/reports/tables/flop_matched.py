"""FLOP-matched comparison of a smaller model with a larger one, as a text table."""

from collections.abc import Iterator, Sequence

from overthink.cost.units import Unit, amount
from overthink.data.finding import Finding
from overthink.data.results.budgets import FlopMatch, FlopMatchResult
from overthink.data.visible import PROSE_LIMIT, visible
from overthink.reports import wording
from overthink.reports.tables.table import Table, TextCell, finding_link, plain

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


def flop_matched_table(results: Sequence[FlopMatchResult]) -> Table:
    """Return a table with a row per budget of a larger model at which an entry changes."""
    by_axis = sorted(results, key=lambda result: wording.axis_position(result.key.axis))
    return Table(FLOP_MATCHED_CAPTION, FLOP_MATCHED_HEAD, tuple(row for result in by_axis for row in _rows(result)))


def _rows(result: FlopMatchResult) -> Iterator[tuple[TextCell, ...]]:
    """Yield the rows that differ from the preceding one in more than the budget."""
    name = plain(f"{visible(result.key.task)} · {visible(result.key.arm)}")
    larger = "–" if result.larger is None else visible(result.larger)
    if result.unknown is not None:
        reason = (finding_link(result.unknown, visible(result.unknown.reason or "unknown", PROSE_LIMIT)),)
        yield (name, plain(larger), plain("–"), plain("–"), reason, plain("–"), plain("–"))
    before: list[str] = []
    for match in result.matches:
        cells = _cells(match)
        texts = ["".join(piece.text for piece in cell) for cell in cells]
        if texts != before:
            yield (name, plain(f"{larger}, {amount(match.budget, Unit.FLOP)}"), *cells)
        before = texts


def _cells(match: FlopMatch) -> tuple[TextCell, ...]:
    multiple = match.multiple.estimate
    return (
        plain(visible(str(match.large), PROSE_LIMIT)),
        plain("–" if match.small is None else visible(str(match.small), PROSE_LIMIT)),
        _cell(match.multiple, "×", unknown="not reached"),
        _cell(match.shown, "×", unknown="not shown"),
        _cell(match.tokens_served, "R =", unknown="any R" if multiple is not None and multiple <= 1 else "–"),
    )


def _cell(finding: Finding, sign: str, *, unknown: str) -> TextCell:
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
