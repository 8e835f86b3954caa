"""Two arms on the same questions, as a table and the sentences below it."""

from collections.abc import Iterator

from overthink.data.finding import At, Finding
from overthink.data.results.arms import ArmResults, PairedResult, PairedRungResult, SampleCounts
from overthink.data.visible import name_list, visible
from overthink.reports import wording
from overthink.reports.arm_cells import change_cell, gate_text
from overthink.reports.summary import TextPiece
from overthink.reports.tables.table import Table, TextCell, finding_link, plain
from overthink.reports.verdicts import bare_p_value, p_value

FLIPS_IN_TERMINAL = 8
"""Ids of questions that a sentence names in each direction, in the terminal."""

FLIPS_ON_PAGE = 200
"""The same on the page."""

_SENTENCES = 6
"""Comparisons that have a sentence of their own, where there are several."""

MEANING = (
    "Different: a difference is shown. Equivalent: it is shown to be less than the margin. Undetermined: neither is, "
    "which is no sign of equality."
)


def paired_table(arms: ArmResults) -> Table:
    """Return every arm against the reference, one row per task and rung that both have."""
    several = len({(result.arm.arm, result.reference.arm) for result in arms.paired}) > 1
    rows = [_row(result, rung, several=several) for result in arms.paired for rung in result.rungs]
    level = next((rung.mean.level for result in arms.paired for rung in result.rungs), None)
    names = next((_names(result) for result in arms.paired), "")
    references = {result.reference.arm for result in arms.paired}
    against = f"{visible(next(iter(references)))}, A" if len(references) == 1 else "its own counterpart, A"
    caption = f"Question by question: {f'each arm, B, against {against}' if several else names}"
    note = f"{MEANING}{_level(level, len(rows))}" if rows else ""
    p = "p" if len(rows) == 1 else "Adjusted p"
    head = ("Task", "Rung", "A", "B", "B minus A, points", p, "Verdict")
    return Table(caption, head, tuple(rows), (note,) if note else ())


def _names(result: PairedResult) -> str:
    return f"A is {visible(result.reference.arm)}, B is {visible(result.arm.arm)}"


def _level(level: float | None, n: int) -> str:
    intervals = "" if level is None else f" Intervals are at {100 * level:g} %"
    if n == 1:
        return f"{intervals}." if intervals else ""
    return f"{intervals}, each by itself; p and verdicts are adjusted over {n} comparisons (Holm)."


def _row(result: PairedResult, rung: PairedRungResult, *, several: bool) -> tuple[TextCell, ...]:
    name = f"{visible(result.arm.task)} · {visible(result.arm.scorer)}, {wording.axis_value(result.arm.axis)}"
    return (
        plain(f"{visible(result.arm.arm)} · {name}" if several else name),
        plain(_rung(rung)),
        plain(_mean(rung.reference)),
        plain(_mean(rung.arm)),
        change_cell(rung.mean),
        plain(_p(rung.mean)),
        _verdict(rung),
    )


def _rung(rung: PairedRungResult) -> str:
    own = level_name(rung.mean.at, rung.mean.estimand)
    return own if rung.arm_at is None else f"{own}, {level_name(rung.arm_at, rung.mean.estimand)}"


def level_name(at: At, estimand: str) -> str:
    """Return the name of a rung: its level, its budget, or its estimand where it has neither.

    >>> level_name(At(rung=0), "natural"), level_name(At(rung=1, requested_tokens=2048), "forced")
    ('natural', '2,048 tokens')
    """
    if at.effort is not None:
        return visible(at.effort)
    return visible(estimand) if at.requested_tokens is None else f"{at.requested_tokens:,} tokens"


def _mean(counts: SampleCounts) -> str:
    return "unknown" if counts.mean is None else wording.percent(counts.mean)


def _p(finding: Finding) -> str:
    test = finding.test
    p = None if test is None else test.p if test.p_adjusted is None else test.p_adjusted
    return "–" if p is None else bare_p_value(p)


def _verdict(rung: PairedRungResult) -> TextCell:
    equivalence = rung.equivalence
    gates = gate_text(equivalence)
    small = ", by less than the margin" if rung.is_small else ""
    return (
        finding_link(equivalence, f"{rung.label}{small}"),
        TextPiece(f"; {gates}" if gates else ""),
    )


def paired_sentences(arms: ArmResults, *, ids: int) -> tuple[TextCell, ...]:
    """Return what stands below the table: warnings, questions gained and lost, what could be found, what counts.

    Args:
        arms: Results on arms.
        ids: Questions that are named in each direction.
    """
    every = [(result, rung) for result in arms.paired for rung in result.rungs]
    starts = [_start(result, rung) if len(every) > 1 else "" for result, rung in every]
    warnings = [
        plain(f"Warning: {start}{_unlike(rung)}")
        for start, (_, rung) in zip(starts, every, strict=True)
        if rung.unlike is not None
    ]
    if len(every) == 1:
        return (*warnings, *_sentences(*every[0], ids))
    flips = [
        (TextPiece(start), *_flip_pieces(rung, ids), *_power_pieces(rung))
        for start, (_, rung) in zip(starts[:_SENTENCES], every[:_SENTENCES], strict=True)
    ]
    more = len(every) - _SENTENCES
    rest = [plain(f"{more} more comparisons name their questions in findings.json and with --json (metric flips).")]
    return (*warnings, *flips, *(rest if more > 0 else ()))


def _start(result: PairedResult, rung: PairedRungResult) -> str:
    return f"{visible(result.arm.arm)} on {visible(result.arm.task)}, {_rung(rung)}: "


def _unlike(rung: PairedRungResult) -> str:
    sides = " and ".join(
        f"{name} {wording.percent(counts.unclear_share)} of {counts.samples:,}"
        for name, counts in (("A", rung.reference), ("B", rung.arm))
    )
    return (
        f"samples without a clear value are unlike: {sides} have no value, are unparsed or are cut, which may make the "
        "difference, and its verdict."
    )


def _sentences(result: PairedResult, rung: PairedRungResult, ids: int) -> Iterator[TextCell]:
    """Yield the sentences of the only comparison."""
    yield (TextPiece("Flips: "), *_flip_pieces(rung, ids))
    if rung.mean.n_draws > 1:
        yield plain(
            "A question counts as good where half or more of its draws are; those near one half flip by chance."
        )
    if rung.mcnemar.test is not None and rung.mcnemar.test.p is not None:
        p = p_value(rung.mcnemar.test.p)
        yield (TextPiece("McNemar's exact test of the flips: p "), finding_link(rung.mcnemar, p))
    if rung.mde.estimate is not None:
        yield (
            TextPiece("A true difference of "),
            finding_link(rung.mde, _size(rung.mde.estimate)),
            TextPiece(" would be found with a power of 80 %; a smaller one may go unseen."),
        )
    if rung.reference_design is not None or rung.arm_design is not None:
        yield (
            TextPiece("Design effect of several draws: "),
            *_design_pieces(rung),
            TextPiece(" (1: each draw is worth a new question; the number of draws: one draw is worth as much)."),
        )
    only = [f"{count:,} only in {name}" for name, count in zip("AB", result.left_out, strict=True) if count]
    yield plain(
        f"{', '.join([f'{result.n_shared:,} shared questions', *only])}. "
        f"{_counted('A', rung.reference)} {_counted('B', rung.arm)}"
    )


def _flip_pieces(rung: PairedRungResult, ids: int) -> Iterator[TextPiece]:
    for finding, direction, end in ((rung.gained, "gained", "; "), (rung.lost, "lost", ".")):
        questions = finding.questions
        shown = name_list([visible(question) for question in questions], ids)
        yield finding_link(finding, f"{len(questions):,} {direction}")
        yield TextPiece(f"{f' ({shown})' if shown else ''}{end}")
    if max(len(rung.gained.questions), len(rung.lost.questions)) > ids:
        yield TextPiece(" All of them: --json, metric flips; or the report (--out FOLDER).")


def _power_pieces(rung: PairedRungResult) -> Iterator[TextPiece]:
    if rung.mde.estimate is not None:
        yield TextPiece(" Found with a power of 80 % from ")
        yield finding_link(rung.mde, _size(rung.mde.estimate))
        yield TextPiece(".")


def _design_pieces(rung: PairedRungResult) -> Iterator[TextPiece]:
    sides = [("A", rung.reference_design), ("B", rung.arm_design)]
    effects = [(name, effect) for name, effect in sides if effect is not None and effect.estimate is not None]
    for i, (name, effect) in enumerate(effects):
        yield TextPiece(", " if i else "")
        yield finding_link(effect, f"{name} {effect.estimate:.2f}")


def _size(difference: float) -> str:
    return f"{wording.points(difference).lstrip('+')} points"


def _counted(name: str, counts: SampleCounts) -> str:
    parts = (
        f"{count:,} {what}" if count is not None else f"{what} unknown"
        for what, count in (("errored", counts.errored), ("unparsed", counts.unparsed), ("cut", counts.cut))
    )
    return f"{name}: {counts.counted:,} of {counts.samples:,} samples counted ({', '.join(parts)})."
