"""How far runs have come: a row per folder as text and as JSON, and the words of a report before its run has ended."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property

from overthink.data.visible import PROSE_LIMIT, visible
from overthink.reports.about import About
from overthink.reports.summary import AxisAnswer, ChangeRow, TextPiece

STATUS_SCHEMA = "overthink.status/1"


@dataclass(frozen=True, slots=True)
class FolderStatus:
    """How far the run in a folder has come.

    Attributes:
        path: The folder, as it was named.
        shard: Its shard, as ``3/16``; None for a whole study.
        state: "running", "complete", "stopped", "merged" or "not begun".
        done: Finished traces; None where only logs hold them, as at levels of effort.
        planned: Traces of the plan, at most; None before the first trace.
        failed: Traces whose last try failed, and that are tried again.
        prompt_tokens: Tokens of prompts, failed and interrupted tries included; None where a count is unknown.
        decoded_tokens: Decoded tokens, counted alike.
        unanswered_requests: Requests that failed, or that a run was ended in: what they took is unknown, and in neither
            count; None where only logs know.
        usd: Cost so far, from and to; None where it is unknown or there is none.
        traces_per_second: Of a run that goes on; None where unknown.
        seconds_left: At that rate; None where unknown.
        last_trace_seconds: Seconds since the last trace was stored; None where there is none.
    """

    path: str
    shard: str | None
    state: str
    done: int | None
    planned: int | None
    failed: int | None
    prompt_tokens: int | None
    decoded_tokens: int | None
    unanswered_requests: int | None
    usd: tuple[float, float | None] | None
    traces_per_second: float | None
    seconds_left: float | None
    last_trace_seconds: float | None


@dataclass(frozen=True)
class StatusTable:
    """How far the runs in some folders have come.

    Attributes:
        folders: One entry per folder.
    """

    folders: tuple[FolderStatus, ...]

    @cached_property
    def total(self) -> FolderStatus:
        """All folders together; None where one of them is unknown. The slowest running one says the time left."""
        usd = [folder.usd for folder in self.folders]
        highs = [None if each is None else each[1] for each in usd]
        low = _sum(None if each is None else each[0] for each in usd)
        rates = [folder.traces_per_second for folder in self.folders if folder.state == "running"]
        states = {folder.state for folder in self.folders}
        left = [folder.seconds_left for folder in self.folders if folder.state == "running"]
        return FolderStatus(
            path=f"{len(self.folders)} folders",
            shard=None,
            state=states.pop() if len(states) == 1 else "running" if rates else "stopped",
            done=_whole(folder.done for folder in self.folders),
            planned=_whole(folder.planned for folder in self.folders),
            failed=_whole(folder.failed for folder in self.folders),
            prompt_tokens=_whole(folder.prompt_tokens for folder in self.folders),
            decoded_tokens=_whole(folder.decoded_tokens for folder in self.folders),
            unanswered_requests=_whole(folder.unanswered_requests for folder in self.folders),
            usd=None if low is None else (low, _sum(highs)),
            traces_per_second=_sum(rates) if rates else None,
            seconds_left=None if not left or None in left else max(each for each in left if each is not None),
            last_trace_seconds=min(
                (each for folder in self.folders if (each := folder.last_trace_seconds) is not None), default=None
            ),
        )

    @property
    def is_complete(self) -> bool:
        """Whether every folder is complete."""
        return all(folder.state == "complete" for folder in self.folders)

    def line(self) -> str:
        """Return all folders together as one line."""
        cells = zip(_HEAD[2:], _cells(self.total)[2:], strict=True)
        return ", ".join(f"{cell} {name}" for name, cell in cells if cell != "-")

    def text(self) -> str:
        """Return a table: one line per folder, and their sum where there are several."""
        return _table([_HEAD, *map(_cells, self.folders), *self._sum_cells()])

    def view(self, width: int, height: int) -> str:
        """Return the table as far as it fits a screen: what runs first, and what says how far it has come.

        Args:
            width: Columns of the screen.
            height: Its lines, 4 or more.
        """
        folders = sorted(self.folders, key=lambda folder: folder.state != "running")
        room = height - 1 - len(self._sum_cells())
        more = len(folders) - room + 1 if len(folders) > room else 0
        rows = [_HEAD, *map(_cells, folders[: len(folders) - more])]
        rows += [(f"and {more} more", *[""] * (len(_HEAD) - 1))] if more else []
        rows += self._sum_cells()
        for number in range(len(_LEAST) + 1):
            places = [place for place, head in enumerate(_HEAD) if head not in _LEAST[:number]]
            text = _table([[row[place] for place in places] for row in rows])
            if max(map(len, text.splitlines())) <= width:
                return text
        names = max(width - max(map(len, text.splitlines())) + max(len(row[0]) for row in rows), 12)
        short = [[_end(row[0], names), *(row[place] for place in places[1:])] for row in rows]
        return _table(short)

    def _sum_cells(self) -> list[tuple[str, ...]]:
        return [_cells(self.total)] if len(self.folders) > 1 else []

    def json(self) -> str:
        """Return the same as a JSON document."""
        document = {
            "schema": STATUS_SCHEMA,
            "folders": [asdict(folder) for folder in self.folders],
            "total": asdict(self.total),
        }
        return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False)


_HEAD = (
    "folder",
    "state",
    "traces",
    "failed",
    "prompt tokens",
    "decoded tokens",
    "unanswered",
    "USD",
    "traces/s",
    "left",
    "last trace",
)


_LEAST = ("prompt tokens", "decoded tokens", "unanswered", "failed", "USD")
"""Columns that a narrow screen goes without, the first of them first."""


def _table(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(_line(row, widths) for row in rows)


def _end(text: str, length: int) -> str:
    """Return the end of a path that is longer: there it says which shard it is."""
    return text if len(text) <= length else f"…{text[1 - length :]}"


def _line(row: Iterable[str], widths: Iterable[int]) -> str:
    first, second, *rest = zip(row, widths, strict=True)
    words = [first[0].ljust(first[1]), second[0].ljust(second[1]), *(cell.rjust(width) for cell, width in rest)]
    return "  ".join(words).rstrip()


def _cells(folder: FolderStatus) -> tuple[str, ...]:
    name = visible(folder.path) if folder.shard is None else f"{visible(folder.path)} ({folder.shard})"
    counts = (
        _count(each)
        for each in (folder.failed, folder.prompt_tokens, folder.decoded_tokens, folder.unanswered_requests)
    )
    return (
        name,
        folder.state,
        f"{_count(folder.done)} of {_count(folder.planned)}",
        *counts,
        _usd(folder.usd),
        "-" if folder.traces_per_second is None else f"{folder.traces_per_second:,.2f}",
        _duration(folder.seconds_left),
        "-" if folder.last_trace_seconds is None else f"{_duration(folder.last_trace_seconds)} ago",
    )


def _count(number: int | None) -> str:
    return "?" if number is None else f"{number:,}"


def _usd(usd: tuple[float, float | None] | None) -> str:
    if usd is None:
        return "-"
    low, high = usd
    return f"{low:.2f} or more" if high is None else f"{low:.2f}" if high == low else f"{low:.2f} to {high:.2f}"


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= _MINUTES_OF_DAYS:
        return f"{minutes // (24 * 60):,} days"
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"


_MINUTES_OF_DAYS = 100 * 60
"""From here on a duration is shown in days."""


def _sum(numbers: Iterable[float | None]) -> float | None:
    """Return the sum; None where one is unknown."""
    each = list(numbers)
    return None if None in each else sum(number for number in each if number is not None)


def _whole(numbers: Iterable[int | None]) -> int | None:
    total = _sum(numbers)
    return None if total is None else int(total)


NO_VERDICT = "no verdict yet"
"""What stands in the place of a verdict."""


@dataclass(frozen=True, slots=True)
class Banner:
    """What a page says of the run behind it.

    Attributes:
        heading: That it has not ended, and how many of its traces are there.
        tasks: Task, traces done and all, as text, in the order of the plan.
        as_of: When the page was made.
        refresh_seconds: How often it loads itself anew.
        resume: The command that goes on; None if unknown.
    """

    heading: str
    tasks: tuple[str, ...]
    as_of: str
    refresh_seconds: int
    resume: str | None


def banner(about: About) -> Banner | None:
    """Return what a page says of a run that has not ended; None of one that has.

    Args:
        about: Metadata of the report.
    """
    progress = about.unfinished
    if progress is None:
        return None
    most = "at most " if progress.is_most else ""
    return Banner(
        f"This run has not ended: {progress.done:,} of {most}{progress.total:,} traces are there.",
        tuple(f"{visible(task.task)}: {task.done:,} of {most}{task.total:,} traces" for task in progress.tasks),
        about.created_at,
        progress.refresh_seconds,
        None if progress.resume is None else visible(progress.resume, PROSE_LIMIT),
    )


def answers_so_far(answers: Sequence[AxisAnswer]) -> list[AxisAnswer]:
    """Return the summary of each axis with the values that are there, and nothing about how they differ.

    Args:
        answers: The summary of results without changes and shapes.
    """
    return [replace(answer, sentence=_sentence(answer), rows=tuple(map(_row, answer.rows))) for answer in answers]


def _sentence(answer: AxisAnswer) -> tuple[TextPiece, ...]:
    first = answer.rows[0]
    more = len(answer.rows) - 1 + answer.more
    others = f", and {more} more curve{'s' if more > 1 else ''}" if more else ""
    end = TextPiece(f" ({first.size}{others}); {NO_VERDICT}.")
    return (TextPiece(f"{answer.name} so far: "), *first.ends, end)


def _row(row: ChangeRow) -> ChangeRow:
    return replace(row, verdict=NO_VERDICT, number=TextPiece(""), tests=(), but="")
