"""Samples behind every rung, with the way to the transcript of each: lists, addresses, and the viewer's commands.

`inspect view --log-dir DIR` serves a folder of logs on this machine alone, and opens a sample at
``#/logs/FILE/samples/sample/ID/EPOCH/``, with FILE below DIR and every part percent-encoded. Names that it cannot open
there (tried with Inspect 0.3.285: a line break in an id, ``#`` in the name of a file) have no address but a reason.
"""

import os
import re
import shlex
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from urllib.parse import quote

from overthink.data.finding import At
from overthink.data.results.curve import CurveResult
from overthink.data.rung_samples import RungSample, RungSamples
from overthink.data.visible import NAME_LIMIT, PROSE_LIMIT, visible
from overthink.reports.report_curves import level_text
from overthink.reports.tables.table import curve_name

VIEWER = "http://127.0.0.1:7575"
"""Where `inspect view` serves, unless it is started with another port."""

MOST_CHARACTERS = 1000
"""Characters of an address; a page holds many, and an id may be of any length."""

NO_LOG = "the source names no log"
NO_EPOCH = "the source names no epoch"
_UNOPENED_ID = re.compile("[\0\n\r\u2028\u2029\ud800-\udfff]|^$")
_UNOPENED_FILE = re.compile("[\0-\x1f\x7f#?:\\\\\u2028\u2029\ud800-\udfff]|^$")


@dataclass(frozen=True, slots=True)
class TranscriptLink:
    """Way to the transcript of one sample.

    Attributes:
        url: Address in a viewer that serves :attr:`folder`; None with a reason.
        command: Command that starts this viewer, for a POSIX shell; None where the log is unknown.
        folder: The folder that the viewer serves; None where the log is unknown.
        reason: Why there is no address; None with one.
    """

    url: str | None
    command: str | None
    folder: str | None
    reason: str | None = None


def transcript_link(log: str | None, sample_id: str, epoch: int | None, *, folder: str | None = None) -> TranscriptLink:
    r"""Return the way to the transcript of a sample.

    Args:
        log: Path or address of the log, as it was named; None where it is unknown.
        sample_id: Id of the sample in the log.
        epoch: Its epoch, from 1; None where it is unknown.
        folder: A folder above the log that the viewer serves, from :func:`common_folder`; None for the log's own.

    Example:
        >>> link = transcript_link("logs/a b.eval", "algebra/7", 2)
        >>> link.url
        'http://127.0.0.1:7575/#/logs/a%20b.eval/samples/sample/algebra%2F7/2/'
        >>> link.command
        'inspect view --log-dir logs'
        >>> transcript_link("a.eval", "two\nlines", 1).reason
        'inspect view opens no id with a line break'
    """
    if log is None:
        return TranscriptLink(None, None, None, NO_LOG)
    path = _with_slashes(log)
    served = log_folder(path) if folder is None else folder
    command = view_command(served)
    file = path.removeprefix(served).lstrip("/") if served != "." else path.removeprefix("./")
    reason = _obstacle(file, sample_id, epoch)
    if reason is not None:
        return TranscriptLink(None, command, served, reason)
    parts = "/".join(map(_encoded, file.split("/")))
    url = f"{VIEWER}/#/logs/{parts}/samples/sample/{_encoded(sample_id)}/{epoch}/"
    if len(url) > MOST_CHARACTERS:
        return TranscriptLink(None, command, served, f"its address has more than {MOST_CHARACTERS:,} characters")
    return TranscriptLink(url, command, served)


def view_command(folder: str) -> str:
    """Return the command that serves a folder of logs, quoted for a POSIX shell.

    Example:
        >>> view_command("my logs"), view_command("-x")
        ("inspect view --log-dir 'my logs'", 'inspect view --log-dir ./-x')
    """
    return f"inspect view --log-dir {shlex.quote(f'./{folder}' if folder.startswith('-') else folder)}"


def log_folder(log: str) -> str:
    """Return the folder of a log; "." for a bare name.

    Example:
        >>> log_folder("s3://bucket/logs/a.eval"), log_folder("a.eval"), log_folder("/a.eval")
        ('s3://bucket/logs', '.', '/')
    """
    folder, slash, _ = _with_slashes(log).rpartition("/")
    return folder or slash or "."


def common_folder(logs: list[str]) -> str | None:
    """Return the lowest folder that holds all logs; None where there is none, as for two machines.

    Args:
        logs: Paths or addresses of logs, as they were named; at least one.

    Example:
        >>> common_folder(["logs/a/1.eval", "logs/b/2.eval"]), common_folder(["a/1.eval", "/b/2.eval"])
        ('logs', None)
    """
    folders = sorted({log_folder(log) for log in logs})
    if len(folders) == 1:
        return folders[0]
    places = zip(*(folder.split("/") for folder in folders), strict=False)
    shared = [names[0] for names in takewhile(lambda names: len(set(names)) == 1, places)]
    if any(part.strip(".") and not part.endswith(":") for part in shared):
        return "/".join(shared)
    are_below = all(not folder.startswith(("/", "..")) and "://" not in folder for folder in folders)
    return "." if are_below else None


def _with_slashes(path: str) -> str:
    return path if os.sep == "/" else path.replace(os.sep, "/")


def _obstacle(file: str, sample_id: str, epoch: int | None) -> str | None:
    """Return why the viewer cannot open a sample; None where it can."""
    if epoch is None:
        return NO_EPOCH
    if ".." in file or _UNOPENED_FILE.search(file):
        return "inspect view opens no file with .., #, ?, : or \\ in its path: rename the log"
    if not _UNOPENED_ID.search(sample_id):
        return None
    return "inspect view opens no empty id" if not sample_id else "inspect view opens no id with a line break"


def _encoded(part: str) -> str:
    return quote(part, safe="")


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
