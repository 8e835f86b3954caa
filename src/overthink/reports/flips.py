"""Questions that an arm gained or lost, with the way to the transcripts of both sides."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from overthink.data.finding import At
from overthink.data.ids import CurveKey
from overthink.data.results.arms import PairedResult, PairedRungResult
from overthink.data.results.curve import CurveResult
from overthink.data.results.study import Results
from overthink.data.rung_samples import RungSample, SamplePlace
from overthink.data.visible import visible
from overthink.reports.paired_table import level_name
from overthink.reports.transcripts import SampleLine, sample_line

MOST_FLIPS = 50
"""Questions in each direction of a comparison; the others stand in its sentence."""

MOST_LISTS = 6
"""Comparisons whose questions are listed, the first ones, so that the page stays small."""


@dataclass(frozen=True, slots=True)
class Flip:
    """One question that changed sides.

    Attributes:
        question: The question.
        change: "gained" or "lost".
        reference: First sample of the reference; None where its log is unknown.
        arm: The same of the arm.
    """

    question: str
    change: str
    reference: SampleLine | None
    arm: SampleLine | None


@dataclass(frozen=True, slots=True)
class FlipList:
    """The questions that changed sides at one rung: its name, and the questions."""

    name: str
    flips: tuple[Flip, ...]


def flipped_places(results: Results) -> tuple[SamplePlace, ...]:
    """Return the places of the samples behind the flips of a report: of the reference, and of the arm."""
    return tuple(
        SamplePlace(*side, question)
        for result, rung in _rungs(results)
        for sides in (_sides(results.curves, result, rung),)
        for question, _ in _questions(rung)
        for side in sides
        if side is not None
    )


def flip_lists(results: Results, samples: Mapping[SamplePlace, RungSample], folder: str | None) -> tuple[FlipList, ...]:
    """Return the questions that changed sides, with the transcripts of both sides.

    Args:
        results: Results of the comparison.
        samples: A sample at each of :func:`flipped_places` whose log is known.
        folder: Folder that the viewer serves; None for that of each log.
    """
    lists = []
    for result, rung in _rungs(results):
        flips = []
        sides = _sides(results.curves, result, rung)
        for question, change in _questions(rung):
            found = [None if side is None else samples.get(SamplePlace(*side, question)) for side in sides]
            lines = [None if sample is None else sample_line(sample, folder) for sample in found]
            flips.append(Flip(visible(question), change, *lines))
        if any(flip.reference or flip.arm for flip in flips):
            name = f"{visible(result.arm.task)} · {level_name(rung.mean.at, rung.mean.estimand)}"
            arms = f"{visible(result.arm.arm)}, B, against {visible(result.reference.arm)}, A"
            lists.append(FlipList(f"{name} · {arms}", tuple(flips)))
    return tuple(lists)


def _rungs(results: Results) -> Iterator[tuple[PairedResult, PairedRungResult]]:
    every = ((result, rung) for result in results.arms.paired for rung in result.rungs)
    return islice(every, MOST_LISTS)


def _questions(rung: PairedRungResult) -> Iterator[tuple[str, str]]:
    for finding, change in ((rung.gained, "gained"), (rung.lost, "lost")):
        yield from ((question, change) for question in finding.questions[:MOST_FLIPS])


def _sides(
    curves: Sequence[CurveResult], result: PairedResult, rung: PairedRungResult
) -> tuple[tuple[CurveKey, int] | None, tuple[CurveKey, int] | None]:
    """Return the curve and rung at which the samples of a comparison stand: of the reference, and of the arm."""
    own = _rung_of(curves, result.arm, rung.mean.at) if rung.arm_at is None else rung.arm_at.rung
    return (
        None if rung.mean.at.rung is None else (result.reference, rung.mean.at.rung),
        None if own is None else (result.arm, own),
    )


def _rung_of(curves: Sequence[CurveResult], key: CurveKey, at: At) -> int | None:
    """Return the rung of an arm at the level at which its reference stands; None where it has no such one."""
    rungs = [rung.at for curve in curves if curve.key == key for rung in curve.rungs]
    same = [own.rung for own in rungs if (own.requested_tokens, own.effort) == (at.requested_tokens, at.effort)]
    return same[0] if len(same) == 1 else None
