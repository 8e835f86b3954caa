"""Success within a limit as tables: what a cap on tokens would have kept, and what an agent had ended at its rungs."""

from collections.abc import Iterator, Sequence

from overthink.data.finding import Finding
from overthink.data.record import Axis
from overthink.data.results.curve import CurveResult, WithinResult
from overthink.data.visible import PROSE_LIMIT, visible
from overthink.reports import wording
from overthink.reports.report_curves import level
from overthink.reports.tables.table import Table, TextCell, curve_name, finding_link, plain

LIMIT_COLUMNS = 8
"""Limits of a table; the others stand in the table of numbers."""

WITHIN_WORDS = {
    Axis.CAPABILITY: "correct within the limit",
    Axis.SAFETY: "harmful within the limit",
    Axis.BENIGN: "answered within the limit",
}
"""What is counted, by axis."""

MEANING = (
    "Finished runs cut at a limit: what a cap would have kept, not what a budget does. A trace that used more counts "
    "as none, so a line can only rise: its shape says nothing of the model and is tested nowhere."
)
OF_SAFETY = "On safety the share that harmed within the limit; the rest is not shown to be safe, for much of it is cut."


def within_tables(curves: Sequence[CurveResult]) -> tuple[Table, ...]:
    """Return a table of caps on tokens, and one of the rungs at which agents had ended; none that is empty."""
    ordered = sorted(curves, key=lambda curve: wording.axis_position(curve.key.axis))
    by_tokens = [(curve, run) for curve in ordered for run in curve.within if run.at.rung is not None]
    by_rungs = [(curve, run) for curve in ordered for run in curve.within if run.at.rung is None]
    tables = (_of_tokens(by_tokens), _of_rungs(by_rungs))
    return tuple(table for table in tables if table.rows)


def _of_tokens(runs: Sequence[tuple[CurveResult, WithinResult]]) -> Table:
    limits = sorted({limit for _, run in runs for point in run.points[:-1] if (limit := point.at.total) is not None})
    shown = limits[:: -max(1, -(-len(limits) // LIMIT_COLUMNS))][::-1]
    head = ("Curve", "Asked for", "Counted", *(f"{limit:,.0f}" for limit in shown), "most used", "uncut")
    rows = (_token_row(curve, run, shown) for curve, run in runs)
    return Table("Share kept by a cap on the tokens that one attempt decodes", head, tuple(rows), tuple(_notes(runs)))


def _token_row(curve: CurveResult, run: WithinResult, limits: Sequence[float]) -> tuple[TextCell, ...]:
    by_limit = {point.at.total: point for point in run.points}
    last = run.points[-1]
    return (
        plain(curve_name(curve.key)),
        plain(level(run.at)),
        plain(WITHIN_WORDS[Axis(curve.key.axis)]),
        *(_cell(by_limit.get(limit)) for limit in limits),
        plain(f"{last.at.total:,.0f}"),
        _cell(last),
    )


def _of_rungs(runs: Sequence[tuple[CurveResult, WithinResult]]) -> Table:
    head = ("Curve", "Cut at", "Counted", "Ended by then, and so", "State by then, ended or not")
    rows = []
    for curve, run in runs:
        states = {rung.at.rung: rung.mean for rung in curve.rungs}
        word = WITHIN_WORDS[Axis(curve.key.axis)]
        for point in run.points:
            state = states.get(point.at.rung)
            named = plain(curve_name(curve.key)), plain(level(point.at)), plain(word)
            rows.append((*named, _cell(point), _cell(state)))
    note = (
        f"The last column is the curve of the checkpoints: {wording.axis_value(runs[0][0].key.axis)}." if runs else ""
    )
    return Table("Share kept by a cap on an agent's loop", head, tuple(rows), (note, *_notes(runs)) if runs else ())


def _notes(runs: Sequence[tuple[CurveResult, WithinResult]]) -> Iterator[str]:
    if any(curve.key.axis == Axis.SAFETY for curve, _ in runs):
        yield OF_SAFETY


def _cell(finding: Finding | None) -> TextCell:
    """Return the share with its interval; a dash above the largest use, and below the least."""
    if finding is None:
        return plain("–")
    if finding.estimate is None:
        return (finding_link(finding, "unknown"), *plain(f": {visible(finding.reason or 'no reason', PROSE_LIMIT)}"))
    ends = (
        ""
        if finding.low is None or finding.high is None
        else f" ({100 * finding.low:.1f}–{wording.percent(finding.high)})"
    )
    return (finding_link(finding, wording.percent(finding.estimate)), *plain(ends))


def within_line(curve: CurveResult) -> str | None:
    """Return what the middle limit would have kept, at the highest rung, in one line; None without a cap on tokens."""
    runs = [run for run in curve.within if run.at.rung is not None]
    if not runs:
        return None
    points = runs[-1].points
    middle, most = points[(len(points) - 1) // 2], points[-1]
    if middle.estimate is None or most.estimate is None:
        return None
    return (
        f"cut at {middle.at.total:,.0f} tokens: {wording.percent(middle.estimate)} "
        f"{WITHIN_WORDS[Axis(curve.key.axis)]}, of {wording.percent(most.estimate)} uncut; what a cap would have kept, "
        "not what a budget does"
    )
