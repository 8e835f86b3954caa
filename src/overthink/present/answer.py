"""The answer on top of the report: what was measured, and the verdict on every curve."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from overthink.core.finding import Finding
from overthink.present import shapes, wording
from overthink.present.about import About
from overthink.present.curve import Curve, Verdict, level, level_unit
from overthink.present.names import ID_LIMIT, PROSE_LIMIT, visible

_ROWS = 6


class Piece(NamedTuple):
    """Text; where it is a number, with the id of its finding."""

    text: str
    finding: str | None = None


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """One curve from its lowest to its highest rung, as text.

    Attributes:
        name: Task, and arm and estimand where the axis has several.
        size: Questions × draws × rungs.
        ends: Lowest and highest level with their values.
        verdict: Its shape; what the difference allows to say where no shape was tested.
        number: The difference with its interval.
        tests: One line per test on the shape: p-values, or why there is no verdict; the corrected one last.
        but: What qualifies it.
        warnings: What else its findings say of the curve: at floor, an effort sweep that moved nothing.
    """

    name: str
    size: str
    ends: tuple[Piece, ...]
    verdict: str
    number: Piece
    tests: tuple[tuple[Piece, ...], ...]
    but: str
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AxisAnswer:
    """What one axis did: one sentence, and the first rows behind it."""

    axis: str
    name: str
    meaning: str
    sentence: tuple[Piece, ...]
    rows: tuple[ChangeRow, ...]
    more: int


def lead(found: Sequence[Curve], about: About) -> str:
    """What was measured, on what, with how many questions, draws and rungs."""
    valued = [curve for curve in found if _means(curve) and not curve.is_control]
    if not valued:
        return f"Nothing was measured on {visible(about.source, PROSE_LIMIT)}: no finding carries a value."
    last = [_means(curve)[-1] for curve in valued]
    tasks = _count(len({(c.axis, c.task) for c in valued}), "task")
    questions = _range((mean.n_questions for mean in last), "question")
    draws = _range((mean.n_draws for mean in last), "draw")
    rungs = _range((len(_means(curve)) for curve in valued), "rung")
    arms = len({curve.arm for curve in valued})
    of_arms = f" in each of {arms} arms" if arms > 1 else ""
    return (
        f"{visible(about.source, PROSE_LIMIT)}: {tasks} with {questions} × {draws} × {rungs} "
        f"of the compute ladder{of_arms}."
    )


def by_axis(found: Sequence[Curve], arms_first: Sequence[str]) -> list[AxisAnswer]:
    """The answer of each axis that has a value, in the order of the page. Controls answer nothing by themselves.

    Args:
        found: All curves.
        arms_first: Arms whose rows come first.
    """
    answers = []
    for axis in dict.fromkeys(curve.axis for curve in found):
        mine = [curve for curve in found if curve.axis == axis and _means(curve) and not curve.is_control]
        if not mine:
            continue
        mine.sort(key=lambda curve: curve.arm not in arms_first)
        rows = tuple(_row(curve, mine) for curve in mine[:_ROWS])
        name = wording.axis_name(axis)
        meaning = wording.AXES[axis][2] if axis in wording.AXES else "value in [0, 1]"
        answers.append(AxisAnswer(axis, name, meaning, _sentence(name, mine), rows, len(mine) - len(rows)))
    return answers


def _means(curve: Curve) -> list[Finding]:
    return [rung.mean for rung in curve.rungs if rung.mean is not None]


def _sentence(name: str, mine: Sequence[Curve]) -> tuple[Piece, ...]:
    if len(mine) == 1:
        return _alone(name, mine[0])
    word = wording.axis_value(mine[0].axis)
    words = {"rose": f"more often {word}", "fell": f"less often {word}"}
    rising = [c for c in mine if len(_means(c)) > 1]
    counted = Counter(shapes.verdict_word(c) for c in rising)
    parts = [f"{words.get(verdict, verdict)} in {number}" for verdict, number in counted.most_common()]
    single, spoilt = len(mine) - len(rising), sum(bool(c.change and c.change.gates_failed) for c in rising)
    parts += [f"one rung only in {single}"] if single else []
    parts += [f"a gate failed behind {spoilt} of them: there the change may not come from thinking"] if spoilt else []
    if sum(not c.verdicts for c in rising) > 5:
        parts.append("each interval stands alone, so among so many some may exclude 0 by chance")
    return (Piece(f"{name}, {len(mine)} curves from lowest to highest rung: {'; '.join(parts)}."),)


def _alone(name: str, curve: Curve) -> tuple[Piece, ...]:
    """The sentence of an axis with one curve: its verdict, then its change."""
    if len(_means(curve)) < 2:
        return (Piece(f"{name}: one rung only, so no change can be shown."),)
    told, word = shapes.qualified(curve), wording.axis_value(curve.axis)
    first, last = _means(curve)[0].at, _means(curve)[-1].at
    budget = "a budget of " if last.requested_tokens is not None else ""
    ends = f"from {budget}{level(first)} to {level(last)}{level_unit(last)}"
    found = shapes.primary(curve.verdicts)
    if found is None:
        said = {"rose": f"more often {word}", "fell": f"less often {word}"}.get(told.verdict, told.verdict)
        verdict = [Piece(f"{name}, {ends}: {said}")]
    else:
        verdict = [Piece(f"{name}, {ends}: "), *_shape(found, curve)]
    number = [Piece(", "), _number(curve, told)] if told.number else []
    but = [Piece(f"; {told.but}.")] if told.but else [Piece(".")]
    corrected = shapes.primary(curve.verdicts, corrected=True)
    after = [Piece(f" {shapes.CORRECTED.capitalize()}: "), *_shape(corrected, curve), Piece(".")] if corrected else []
    return (*verdict, *number, *but, *after)


def _shape(verdict: Verdict, curve: Curve) -> list[Piece]:
    """The verdict of one test, with what stands behind it in brackets; its numbers lead to the finding."""
    told, id_ = shapes.said(verdict.shape, len(_means(curve))), visible(verdict.shape.id, ID_LIMIT)
    word = wording.axis_value(curve.axis)
    moved = {"up": f", more often {word}", "down": f", less often {word}", "saturating": f", more often {word}"}
    why = told.why.partition(" (")[0] if told.verdict == shapes.WITHHELD else told.why
    inside = "; ".join(filter(None, (told.p, why, told.could)))
    pieces = [Piece(told.verdict, id_), Piece(moved.get(told.verdict, ""))]
    if inside:
        pieces += [Piece(f" ({inside}"), *([Piece(told.mde, id_)] if told.mde else []), Piece(")")]
    return pieces


def _tests(curve: Curve) -> tuple[tuple[Piece, ...], ...]:
    """One line per test, the primary one first: its verdict stands above, so that line begins with its p-values.

    Of the tests on a corrected curve only the primary one; nothing about a second verdict that is withheld, too.
    """
    first, corrected = (shapes.primary(curve.verdicts, corrected=c) for c in (False, True))
    lines = []
    for verdict in curve.verdicts:
        again = verdict is not first and verdict is not corrected
        told, id_ = shapes.said(verdict.shape, len(_means(curve))), visible(verdict.shape.id, ID_LIMIT)
        if again and (told.verdict == shapes.WITHHELD or corrected in curve.verdicts[: curve.verdicts.index(verdict)]):
            continue
        of = f"{shapes.CORRECTED}, " if verdict is corrected else ""
        start = [] if verdict is first else [Piece(told.verdict, id_)]
        after = "; ".join(filter(None, (told.p, told.why, told.could)))
        mde = [Piece(told.mde, id_)] if told.mde else []
        lines.append((Piece(f"{of}{told.test}: "), *start, Piece(f"{', ' if start and after else ''}{after}"), *mde))
    return tuple(lines)


def _row(curve: Curve, mine: Sequence[Curve]) -> ChangeRow:
    name = curve.name
    if len({other.arm for other in mine}) > 1:
        name += f" · {visible(curve.arm)}"
    if len({other.estimand for other in mine}) > 1:
        name += f" · {visible(curve.estimand)}"
    valued = _means(curve)
    first, last = valued[0], valued[-1]
    questions, draws = _count(last.n_questions, "question"), _count(last.n_draws, "draw")
    ends = [_value(first), Piece(f" at {level(first.at)}")]
    told = wording.Change("one rung", "", "one rung only, so no change can be shown")
    if len(valued) > 1:
        ends += [Piece(" → "), _value(last), Piece(f" at {level(last.at)}")]
        told = shapes.qualified(curve)._replace(verdict=shapes.verdict_word(curve))
    ends.append(Piece(level_unit(last.at)))
    size = f"{questions} × {draws} × {_count(len(valued), 'rung')}"
    warnings = tuple(visible(f.label or f.reason or f.metric, 240) for f in curve.about)
    return ChangeRow(name, size, tuple(ends), told.verdict, _number(curve, told), _tests(curve), told.but, warnings)


def _value(mean: Finding) -> Piece:
    text = wording.percent(mean.estimate) if mean.estimate is not None else "unknown"
    return Piece(text, visible(mean.id, ID_LIMIT))


def _number(curve: Curve, told: wording.Change) -> Piece:
    return Piece(told.number, visible(curve.change.id, ID_LIMIT) if curve.change and told.number else None)


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def _range(numbers: Iterable[int], word: str) -> str:
    seen = sorted(set(numbers))
    return _count(seen[0], word) if len(seen) == 1 else f"{seen[0]:,} to {_count(seen[-1], word)}"
