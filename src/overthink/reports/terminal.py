"""Report as terminal text. Control characters in names are escaped."""

from collections.abc import Sequence

from overthink.data.kinds import Metric
from overthink.data.number_text import number_range
from overthink.data.results.study import Results
from overthink.data.verdict_labels import GateLabel
from overthink.data.visible import PROSE_LIMIT, visible
from overthink.reports import summary, verdicts, wording
from overthink.reports.about import About
from overthink.reports.page_data import rung_row
from overthink.reports.report_curves import ReportCurve, default_arms, level, level_unit, report_curves
from overthink.reports.tables.ledger import COST_HEAD, cost_note, cost_rows
from overthink.reports.tables.oversight import judge_tables, monitorability_tables, oversight_tables
from overthink.reports.tables.reasoning import (
    bound_sentences,
    encoded_tables,
    faithfulness_tables,
    probe_tables,
    step_tables,
)
from overthink.reports.tables.table import Table
from overthink.reports.tables.within import within_line
from overthink.reports.verdicts import RULE, hypothesis_line, selected_curves

_CURVES = 12
_MONITOR_ROWS = 24
_CONTROL = "a control beside the curve of this task: no result of its own, so no verdict here"
_HEAD = ("asked", "tokens", "{value}", "interval", "gates")
_SIZES = "questions × draws"


def summary_text(results: Results, about: About) -> str:
    """Return the findings by curve: a row per rung, then the change from the lowest to the highest.

    Args:
        results: Results of the analysis.
        about: Metadata of the report.
    """
    all_curves = report_curves(results, about.k_scale.reference)
    first = default_arms(all_curves)
    with_values = [curve for curve in all_curves if any(rung.mean for rung in curve.rungs)]
    selection = selected_curves(with_values, _CURVES, arms_first=first)
    selection.sort(key=lambda curve: (curve.is_control, curve.arm not in first))
    blocks = [f"{visible(about.title)}\n{summary.lead(all_curves, about)}"]
    blocks += [_block(curve) for curve in selection]
    oversight = results.oversight
    tables = (faithfulness_tables, encoded_tables, monitorability_tables, probe_tables, judge_tables)
    blocks += ["\n".join(_first_rows(table)) for rows in tables for table in rows(oversight)]
    steps = step_tables(oversight)
    blocks += ["\n".join(_first_rows(table, left_columns=(0, 1, 2), columns=None)) for table in steps]
    blocks += bound_sentences(oversight)
    if oversight_lines := _oversight(results):
        blocks.append("\n".join(oversight_lines))
    if (k_line := about.k_line) is not None:
        blocks.append(k_line)
    if len(with_values) > len(selection):
        more = len(with_values) - len(selection)
        blocks.append(f"{more} more curves are in the report. Chosen for this list: {RULE}.")
    if threshold_lines := _thresholds(about):
        blocks.append("\n".join(threshold_lines))
    if rows := cost_rows(about):
        blocks.append("\n".join([*_columns([COST_HEAD, *rows], left_columns=(0,)), f"  {cost_note(about)}"]))
    if about.notes:
        blocks.append("\n".join(f"Note: {visible(note, PROSE_LIMIT)}" for note in about.notes))
    return "\n\n".join(blocks) + "\n"


def _block(curve: ReportCurve) -> str:
    rows = [rung_row(curve, rung) for rung in curve.rungs if rung.mean is not None]
    means = [rung.mean for rung in curve.rungs if rung.mean is not None]
    questions = number_range((mean.n_questions for mean in means), "question")
    draws = number_range((mean.n_draws for mean in means), "draw")
    name = f"{wording.axis_name(curve.axis)} · {curve.name} · {visible(curve.arm)}"
    how = f"{visible(curve.estimand)}, {questions} × {draws}"
    head = [cell.format(value=wording.axis_value(curve.axis)) for cell in _HEAD]
    cells = [head, *([row.level, row.tokens, row.value, row.interval, row.gates] for row in rows)]
    if len({(mean.n_questions, mean.n_draws) for mean in means}) > 1:  # else the line above has them
        sizes = [_SIZES, *(f"{mean.n_questions:,} × {mean.n_draws:,}" for mean in means)]
        cells = [[*row[:2], size, *row[2:]] for row, size in zip(cells, sizes, strict=True)]
    return "\n".join(
        [
            f"{name} ({how})",
            *_columns(cells, left_columns=(0, len(cells[0]) - 1)),
            *(f"  {line}" for line in _after(curve, len(rows))),
        ]
    )


def _after(curve: ReportCurve, rungs: int) -> list[str]:
    about = [visible(f.label or f.reason or f.metric, 240) for f in curve.labels]
    about += [verdicts.commitment_text(curve.commitment)] if curve.commitment else []
    about += [line] if (line := within_line(curve.result)) else []
    if curve.is_control:
        return [_CONTROL, *about]
    change = verdicts.qualified_change(curve)
    lines = []
    for is_corrected, name in ((False, "verdict"), (True, verdicts.CORRECTED_LABEL)):
        shape = verdicts.primary_shape(curve.shapes, is_corrected=is_corrected)
        lines += [f"{name}: {verdicts.shape_text(shape, rungs).line()}"] if shape else []
    if line := hypothesis_line(curve.result.hypothesis, curve.levels):
        lines.append(line)
    text = ": ".join(part for part in (change.verdict if not lines else "", change.number) if part)
    lines += (
        [f"lowest to highest rung: {text or change.verdict}"] if rungs > 1 else ["one rung: no change can be shown"]
    )
    if rungs > 1 and change.but:
        lines.append(change.but)
    return lines + _missing(curve) + about


def _missing(curve: ReportCurve) -> list[str]:
    """Return why the gate of errors failed at each rung that lacks rows, which no note of the reader says."""
    gates = [(rung.at, rung.result.gates.get(Metric.ERRORS)) for rung in curve.rungs]
    return [
        f"{level(at)}{level_unit(at)}: {visible(gate.reason, 240)}"
        for at, gate in gates
        if gate is not None and gate.label == GateLabel.FAILED and gate.reason
    ]


def _oversight(results: Results) -> list[str]:
    """Return the first table on oversight as lines, cut to the rows that fit; none without monitors."""
    tables = oversight_tables(results.oversight)
    if not tables:
        return []
    return _first_rows(tables[0], left_columns=(0, 1, 4))


def _first_rows(table: Table, left_columns: tuple[int, ...] = (0, 1, 2, 3), columns: int | None = 5) -> list[str]:
    """Return the first columns and rows of a table as lines; all columns if None."""
    rows = [["".join(piece.text for piece in cell) for cell in row[:columns]] for row in table.rows]
    lines = [table.caption, *_columns([table.head[:columns], *rows[:_MONITOR_ROWS]], left_columns=left_columns)]
    more = len(rows) - _MONITOR_ROWS
    return [*lines, *([f"  {more} more rows are in the report"] if more > 0 else [])]


def _thresholds(about: About) -> list[str]:
    """Return the lines on thresholds, if the training compute is assumed."""
    thresholds = about.thresholds
    if thresholds is None or not thresholds.rows:
        return []
    rows = [[row.threshold, f"K* (training trade) {row.k_star}", row.coverage] for row in thresholds.rows]
    return [
        visible(text, PROSE_LIMIT)
        for text in (thresholds.head, thresholds.label, *_columns(rows, left_columns=(0, 1, 2)))
    ]


def _columns(cells: Sequence[Sequence[str]], *, left_columns: Sequence[int]) -> list[str]:
    """Return the rows with aligned columns; ``left_columns`` are aligned to the left."""
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    return [
        "  "
        + "  ".join(
            _pad(cell, width, is_left=column in left_columns)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    ]


def _pad(cell: str, width: int, *, is_left: bool) -> str:
    return cell.ljust(width) if is_left else cell.rjust(width)
