"""The report in a few lines for a terminal. Control characters of a name are shown, not obeyed."""

from collections.abc import Sequence

from overthink.core.finding import Finding
from overthink.present import answer, shapes, wording
from overthink.present.about import About
from overthink.present.costs import COST_HEAD, cost_note, cost_rows
from overthink.present.curve import Curve
from overthink.present.layout import curves, default_arms
from overthink.present.names import PROSE_LIMIT, visible
from overthink.present.rungs import rung_row

_CURVES = 12
_CONTROL = "a control beside the curve of this task: no result of its own, so no verdict here"
_HEAD = ("asked", "tokens", "{value}", "interval", "gates")


def summary_text(findings: Sequence[Finding], about: About) -> str:
    """What was found, curve by curve: a row per rung, then the change from the lowest to the highest.

    Args:
        findings: What the summary says.
        about: Where they come from.
    """
    found = curves(findings, about.reference)
    first = default_arms(found)
    valued = [curve for curve in found if any(rung.mean for rung in curve.rungs)]
    shown = sorted(valued, key=lambda curve: (curve.is_control, curve.arm not in first))[:_CURVES]
    blocks = [f"{visible(about.title)}\n{answer.lead(found, about)}"]
    blocks += [_block(curve) for curve in shown]
    if len(valued) > len(shown):
        blocks.append(f"{len(valued) - len(shown)} more curves are in the report.")
    if told := _thresholds(about):
        blocks.append("\n".join(told))
    if rows := cost_rows(about):
        blocks.append("\n".join([*_columns([COST_HEAD, *rows], left=(0,)), f"  {cost_note(about)}"]))
    if about.notes:
        blocks.append("\n".join(f"Note: {visible(note, PROSE_LIMIT)}" for note in about.notes))
    return "\n\n".join(blocks) + "\n"


def _block(curve: Curve) -> str:
    rows = [rung_row(curve, rung) for rung in curve.rungs if rung.mean is not None]
    sizes = next(rung.mean for rung in reversed(curve.rungs) if rung.mean is not None)
    name = f"{wording.axis_name(curve.axis)} · {curve.name} · {visible(curve.arm)}"
    how = f"{visible(curve.estimand)}, {sizes.n_questions} questions × {sizes.n_draws} draws"
    head = [cell.format(value=wording.axis_value(curve.axis)) for cell in _HEAD]
    cells = [head, *([row.level, row.tokens, row.value, row.interval, row.gates] for row in rows)]
    return "\n".join(
        [f"{name} ({how})", *_columns(cells, left=(0, 4)), *(f"  {line}" for line in _after(curve, len(rows)))]
    )


def _after(curve: Curve, rungs: int) -> list[str]:
    about = [visible(f.label or f.reason or f.metric, 240) for f in curve.about]
    if curve.is_control:
        return [_CONTROL, *about]
    told = shapes.qualified(curve)
    lines = []
    for corrected, name in ((False, "verdict"), (True, shapes.CORRECTED)):
        found = shapes.primary(curve.verdicts, corrected=corrected)
        lines += [f"{name}: {shapes.said(found.shape, rungs).line()}"] if found else []
    said = ": ".join(part for part in (told.verdict if not lines else "", told.number) if part)
    lines += [f"lowest to highest rung: {said or told.verdict}"] if rungs > 1 else ["one rung: no change can be shown"]
    if rungs > 1 and told.but:
        lines.append(told.but)
    return lines + about


def _thresholds(about: About) -> list[str]:
    """Where thresholds stand, if the training compute is assumed."""
    told = about.thresholds
    if told is None or not told.rows:
        return []
    rows = [[row.threshold, f"K* {row.k_star}", row.tested] for row in told.rows]
    return [visible(text, PROSE_LIMIT) for text in (told.head, told.label, *_columns(rows, left=(0, 1, 2)))]


def _columns(cells: Sequence[Sequence[str]], *, left: Sequence[int]) -> list[str]:
    """The rows with their columns aligned, those of ``left`` to the left."""
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    return [
        "  "
        + "  ".join(
            _pad(cell, width, left=column in left) for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    ]


def _pad(cell: str, width: int, *, left: bool) -> str:
    return cell.ljust(width) if left else cell.rjust(width)
