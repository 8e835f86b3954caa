"""Words of a report that is made before its run has ended: how far it has come, and values without verdicts."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from overthink.data.visible import PROSE_LIMIT, visible
from overthink.reports.about import About
from overthink.reports.summary import AxisAnswer, ChangeRow, TextPiece

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
