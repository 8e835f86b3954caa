"""Samples behind every rung, with the way to the transcript of each: lists for the page, and the viewer's commands."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from overthink.data.finding import At
from overthink.data.results.curve import CurveResult
from overthink.data.rung_samples import RungSample, RungSamples
from overthink.data.visible import NAME_LIMIT, PROSE_LIMIT, visible
from overthink.reports.report_curves import level_text
from overthink.reports.tables.table import curve_name
from overthink.reports.transcript_link import common_folder, log_folder, transcript_link, view_command

_COMMANDS = 5
"""Commands shown where one viewer cannot serve all logs."""


@dataclass(frozen=True, slots=True)
class SampleLine:
    """One sample as text.

    Attributes:
        question: Its question.
        draw: Its draw.
        verdict: Verdict, and a value between 0 and 1.
        url: Address of its transcript in the viewer; None with a reason.
        reason: Why there is no address.
    """

    question: str
    draw: int
    verdict: str
    url: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class RungLines:
    """The samples of one rung.

    Attributes:
        number: Number of the list on the page.
        name: Curve and rung.
        size: How many samples there are, and how many are shown.
        lines: Some of them, worst first.
    """

    number: int
    name: str
    size: str
    lines: tuple[SampleLine, ...]


@dataclass(frozen=True, slots=True)
class Transcripts:
    """The samples of a report.

    Attributes:
        commands: Commands that start the viewers of the addresses.
        rungs: By curve and rung.
        numbers: Number of the list of a rung, by id of the curve and rung.
        notes: What is missing.
        folder: Folder that the viewer of all addresses serves; None where each log needs one of its own.
    """

    commands: tuple[str, ...] = ()
    rungs: tuple[RungLines, ...] = ()
    numbers: Mapping[str, Mapping[int, int]] | None = None
    notes: tuple[str, ...] = ()
    folder: str | None = None


def transcripts(
    samples: Sequence[RungSamples], curves: Sequence[CurveResult], beside: Collection[RungSample] = ()
) -> Transcripts:
    """Return the samples behind the rungs of the curves as text, all of it made visible; nothing without a log.

    Args:
        samples: Samples by rung.
        curves: The curves of the report.
        beside: Other samples whose transcripts the same viewers serve.
    """
    shown = [*beside, *(sample for rung in samples for sample in rung.samples)]
    if not shown:
        return Transcripts()
    folder = common_folder([sample.log for sample in shown])
    ids = {curve.key: curve.id for curve in curves}
    places = {(curve.key, rung.at.rung): rung.at for curve in curves for rung in curve.rungs}
    rungs: list[RungLines] = []
    numbers: dict[str, dict[int, int]] = {}
    commands = dict.fromkeys(
        visible(view_command(log_folder(sample.log) if folder is None else folder), PROSE_LIMIT) for sample in shown
    )
    for rung in samples:
        at = places.get((rung.key, rung.rung))
        if at is None or not rung.samples:
            continue
        number = len(rungs)
        numbers.setdefault(ids[rung.key], {})[rung.rung] = number
        lines = tuple(sample_line(sample, folder) for sample in rung.samples)
        rungs.append(RungLines(number, _name(rung, at), _size(rung), lines))
    left_out = sum(not rung.samples and rung.n_samples > 0 for rung in samples)
    notes = [f"{left_out} more rungs are not listed, so that the page stays small."] if left_out else []
    if len(commands) > _COMMANDS:
        notes.append(f"{len(commands) - _COMMANDS} more folders hold logs; each is served by a viewer of its own.")
    return Transcripts(tuple(commands)[:_COMMANDS], tuple(rungs), numbers, tuple(notes), folder)


def sample_line(sample: RungSample, folder: str | None) -> SampleLine:
    """Return a sample as text.

    Args:
        sample: The sample.
        folder: Folder that the viewer serves; None for that of the log.
    """
    link = transcript_link(sample.log, sample.question, sample.epoch, folder=folder)
    verdict = "no verdict" if sample.verdict is None else sample.verdict.value
    if sample.value is not None and 0 < sample.value < 1:
        verdict += f" ({sample.value:.2g})"
    return SampleLine(visible(sample.question, NAME_LIMIT), sample.draw, verdict, link.url, link.reason)


def _name(rung: RungSamples, at: At) -> str:
    return f"{curve_name(rung.key)} · {visible(rung.key.scorer)} · {level_text(at)}"


def _size(rung: RungSamples) -> str:
    text = f"{rung.n_samples:,} samples, {len(rung.samples):,} shown"
    return f"{text}; {rung.n_other:,} more are in no known log" if rung.n_other else text
