"""Summary at the top of a report: what was measured, and the verdict on every curve."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from overthink.data.finding import Finding
from overthink.data.number_text import count, number_range
from overthink.data.results.curve import ShapeResult
from overthink.data.visible import ID_LIMIT, PROSE_LIMIT, visible
from overthink.reports import verdicts, wording
from overthink.reports.about import About
from overthink.reports.report_curves import ReportCurve, level, level_text, level_unit
from overthink.reports.verdicts import hypothesis_pieces, selected_curves

_ROWS = 6


class TextPiece(NamedTuple):
    """Text, with the id of its finding if it is a number of one."""

    text: str
    finding: str | None = None


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """One curve from its lowest to its highest rung, as text.

    Attributes:
        name: Task, and arm and estimand where the axis has several.
        size: Questions × draws × rungs.
        ends: Lowest and highest level with their values.
        verdict: Its shape; the verdict of the difference if no shape was tested.
        number: The difference with its interval.
        tests: One line per test on the shape: p-values, or the reason for no verdict; the corrected test last.
        but: Qualification of the change.
        warnings: Labels of other findings on the curve: at floor, an effort sweep without effect.
    """

    name: str
    size: str
    ends: tuple[TextPiece, ...]
    verdict: str
    number: TextPiece
    tests: tuple[tuple[TextPiece, ...], ...]
    but: str
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AxisAnswer:
    """Summary of one axis: one sentence, and the first rows behind it."""

    axis: str
    name: str
    meaning: str
    sentence: tuple[TextPiece, ...]
    rows: tuple[ChangeRow, ...]
    more: int


def lead(curves: Sequence[ReportCurve], about: About) -> str:
    """Return a sentence on what was measured: source, numbers of tasks, questions, draws and rungs."""
    text = sizes(curves)
    if not text:
        return f"Nothing was measured on {visible(about.source, PROSE_LIMIT)}: no finding carries a value."
    return f"{visible(about.source, PROSE_LIMIT)}: {text}."


def sizes(curves: Sequence[ReportCurve]) -> str:
    """Return numbers of tasks, questions, draws, rungs and arms as a phrase; empty where no curve has a value."""
    with_values = [curve for curve in curves if _means(curve) and not curve.is_control]
    if not with_values:
        return ""
    means = [mean for curve in with_values for mean in _means(curve)]
    tasks = count(len({(c.axis, c.task) for c in with_values}), "task")
    questions = number_range((mean.n_questions for mean in means), "question")
    draws = number_range((mean.n_draws for mean in means), "draw")
    rungs = number_range((len(_means(curve)) for curve in with_values), "rung")
    arms = len({curve.arm for curve in with_values})
    of_arms = f" in each of {arms} arms" if arms > 1 else ""
    return f"{tasks} with {questions} × {draws} × {rungs} of the compute ladder{of_arms}"


def axis_answers(curves: Sequence[ReportCurve], arms_first: Sequence[str]) -> list[AxisAnswer]:
    """Return the summary of each axis with values, in the order of the page; controls are excluded.

    Args:
        curves: All curves.
        arms_first: Arms whose rows come first.
    """
    answers = []
    for axis in dict.fromkeys(curve.axis for curve in curves):
        mine = [curve for curve in curves if curve.axis == axis and _means(curve) and not curve.is_control]
        if not mine:
            continue
        mine.sort(key=lambda curve: curve.arm not in arms_first)
        rows = tuple(_row(curve, mine) for curve in selected_curves(mine, _ROWS, arms_first=arms_first))
        name = wording.axis_name(axis)
        meaning = wording.AXIS_TEXTS[axis][2] if axis in wording.AXIS_TEXTS else "value in [0, 1]"
        answers.append(AxisAnswer(axis, name, meaning, _sentence(name, mine), rows, len(mine) - len(rows)))
    return answers


def _means(curve: ReportCurve) -> list[Finding]:
    return [rung.mean for rung in curve.rungs if rung.mean is not None]


def _sentence(name: str, mine: Sequence[ReportCurve]) -> tuple[TextPiece, ...]:
    if len(mine) == 1:
        return _alone(name, mine[0])
    word = wording.axis_value(mine[0].axis)
    words = {"rose": f"more often {word}", "fell": f"less often {word}"}
    rising = [c for c in mine if len(_means(c)) > 1]
    verdict_counts = Counter(verdicts.verdict_word(c) for c in rising)
    parts = [f"{words.get(verdict, verdict)} in {number}" for verdict, number in verdict_counts.most_common()]
    single, spoilt = (
        len(mine) - len(rising),
        sum(bool(c.result.change and c.result.change.gates_failed) for c in rising),
    )
    parts += [f"one rung only in {single}"] if single else []
    parts += [f"a gate failed behind {spoilt} of them: there the change may not come from thinking"] if spoilt else []
    if sum(not c.shapes for c in rising) > 5:
        parts.append("each interval stands alone, so among so many some may exclude 0 by chance")
    return (TextPiece(f"{name}, {len(mine)} curves from lowest to highest rung: {'; '.join(parts)}."),)


def _alone(name: str, curve: ReportCurve) -> tuple[TextPiece, ...]:
    """Return the sentence of an axis with one curve: its verdict, then its change."""
    if len(_means(curve)) < 2:
        return (TextPiece(f"{name}: one rung only, so no change can be shown."),)
    change, word = verdicts.qualified_change(curve), wording.axis_value(curve.axis)
    first, last = _means(curve)[0].at, _means(curve)[-1].at
    budget = "a budget of " if last.requested_tokens is not None else ""
    ends = f"from {budget}{level(first)} to {level_text(last)}"
    shape = verdicts.primary_shape(curve.shapes)
    if shape is None:
        phrase = {"rose": f"more often {word}", "fell": f"less often {word}"}.get(change.verdict, change.verdict)
        start = [TextPiece(f"{name}, {ends}: {phrase}")]
    else:
        start = [TextPiece(f"{name}, {ends}: "), *_shape(shape, curve)]
    number = [TextPiece(", "), _number(curve, change)] if change.number else []
    but = [TextPiece(f"; {change.but}.")] if change.but else [TextPiece(".")]
    corrected = verdicts.primary_shape(curve.shapes, is_corrected=True)
    after = (
        [TextPiece(f" {verdicts.CORRECTED_LABEL.capitalize()}: "), *_shape(corrected, curve), TextPiece(".")]
        if corrected
        else []
    )
    shown = [size for size in curve.sizes if size.low is not None and size.low > 0]
    sizes = [
        piece
        for i, size in enumerate(shown)
        for piece in (
            TextPiece(" It " if i == 0 else " and "),
            TextPiece(verdicts.size_text(size, curve.rungs), visible(size.id, ID_LIMIT)),
        )
    ]
    parts = [piece for line in _hypothesis(curve) for piece in (TextPiece(" "), *line)]
    return (*start, *number, *but, *sizes, *([TextPiece(".")] if sizes else []), *parts, *after)


def _shape(shape: ShapeResult, curve: ReportCurve) -> list[TextPiece]:
    """Return the verdict of one test with its evidence in brackets; numbers link to the finding."""
    text, id_ = verdicts.shape_text(shape, len(_means(curve))), visible(shape.verdict.id, ID_LIMIT)
    word = wording.axis_value(curve.axis)
    directions = {"up": f", more often {word}", "down": f", less often {word}", "saturating": f", more often {word}"}
    why = text.why if shape.withheld is None else visible(shape.withheld.why, PROSE_LIMIT)
    inside = "; ".join(filter(None, (text.p, why, text.could)))
    pieces = [TextPiece(text.verdict, id_), TextPiece(directions.get(text.verdict, ""))]
    if inside:
        pieces += [TextPiece(f" ({inside}"), *([TextPiece(text.mde, id_)] if text.mde else []), TextPiece(")")]
    return pieces


def _tests(curve: ReportCurve) -> tuple[tuple[TextPiece, ...], ...]:
    """Return one line per test, the primary first; its verdict is printed above, so its line begins with p-values.

    Of the tests on a corrected curve only the primary one; a second withheld verdict is omitted.
    """
    first, corrected = (verdicts.primary_shape(curve.shapes, is_corrected=c) for c in (False, True))
    lines = []
    for shape in curve.shapes:
        again = shape is not first and shape is not corrected
        text, id_ = verdicts.shape_text(shape, len(_means(curve))), visible(shape.verdict.id, ID_LIMIT)
        if again and (shape.withheld is not None or shape.is_corrected):
            continue
        of = f"{verdicts.CORRECTED_LABEL}, " if shape is corrected else ""
        start = [] if shape is first else [TextPiece(text.verdict, id_)]
        after = "; ".join(filter(None, (text.p, text.left_out, text.why, text.could)))
        mde = [TextPiece(text.mde, id_)] if text.mde else []
        lines.append(
            (TextPiece(f"{of}{text.test}: "), *start, TextPiece(f"{', ' if start and after else ''}{after}"), *mde)
        )
    sizes = [(TextPiece(verdicts.size_text(size, curve.rungs), visible(size.id, ID_LIMIT)),) for size in curve.sizes]
    return (*lines, *_hypothesis(curve), *sizes)


def _hypothesis(curve: ReportCurve) -> tuple[tuple[TextPiece, ...], ...]:
    """Return the line of the verdicts on a hypothesis; none without one."""
    pieces = hypothesis_pieces(curve.result.hypothesis, curve.levels)
    line = tuple(
        TextPiece(
            piece.text if i == 0 else f" {piece.text}",
            None if piece.finding is None else visible(piece.finding.id, ID_LIMIT),
        )
        for i, piece in enumerate(pieces)
    )
    return (line,) if line else ()


def _row(curve: ReportCurve, mine: Sequence[ReportCurve]) -> ChangeRow:
    name = curve.name
    if len({other.arm for other in mine}) > 1:
        name += f" · {visible(curve.arm)}"
    if len({other.estimand for other in mine}) > 1:
        name += f" · {visible(curve.estimand)}"
    means = _means(curve)
    first, last = means[0], means[-1]
    questions = number_range((mean.n_questions for mean in means), "question")
    draws = number_range((mean.n_draws for mean in means), "draw")
    ends = [_value(first), TextPiece(f" at {level(first.at)}")]
    change = wording.Change("one rung", "", "one rung only, so no change can be shown")
    if len(means) > 1:
        ends += [TextPiece(" → "), _value(last), TextPiece(f" at {level(last.at)}")]
        change = verdicts.qualified_change(curve)._replace(verdict=verdicts.verdict_word(curve))
    ends.append(TextPiece(level_unit(last.at)))
    size = f"{questions} × {draws} × {count(len(means), 'rung')}"
    warnings = tuple(visible(f.label or f.reason or f.metric, 240) for f in curve.labels)
    return ChangeRow(
        name, size, tuple(ends), change.verdict, _number(curve, change), _tests(curve), change.but, warnings
    )


def _value(mean: Finding) -> TextPiece:
    text = wording.percent(mean.estimate) if mean.estimate is not None else "unknown"
    return TextPiece(text, visible(mean.id, ID_LIMIT))


def _number(curve: ReportCurve, change: wording.Change) -> TextPiece:
    finding = curve.result.change
    return TextPiece(change.number, visible(finding.id, ID_LIMIT) if finding and change.number else None)
