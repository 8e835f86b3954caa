"""Read Inspect logs, ours or anybody's, as rows of a pool.

Epochs are draws. Logs of one model and task that differ only in reasoning effort, reasoning tokens or max
tokens become the rungs of an effort curve. Agents that were scored on their way become checkpoint curves in
addition. Our own logs hold their rows, which come back as they were.
"""

from collections.abc import Sequence
from pathlib import Path

from inspect_ai.log import EvalSampleSummary

from overthink.collect.log_checkpoints import CheckpointUnit
from overthink.collect.log_curves import ForeignLogs
from overthink.collect.log_files import OpenLog, open_logs
from overthink.collect.log_meaning import Stated, meanings, read_polarity
from overthink.collect.log_records import own_records
from overthink.core.human_label import AnswerAt
from overthink.core.reading import Reading
from overthink.core.record import RungRecord
from overthink.errors import InputError

_STATUS = {
    "started": "is still running, or was killed",
    "cancelled": "was cancelled",
    "error": "ended with an error",
}


def read_logs(
    path: Path,
    *,
    axis: str | None = None,
    high: str | None = None,
    scorer: str | None = None,
    checkpoints: CheckpointUnit = "tokens",
) -> Reading:
    """Read a log, or a folder of logs.

    Args:
        path: An Inspect log (.eval or .json), or a folder that is searched to its depth.
        axis: What logs made by others measure: "capability", "safety" or "benign"; None for what the table of known
            tasks says, and capability where it says nothing.
        high: What a high score means, such as "safe" or "harm"; needed where you state the safety or benign axis.
        scorer: The one `scorer` or `scorer.key` to read; None for the known one, or all, each a curve of its own.
        checkpoints: What agents scored on their way are compared at: "tokens", "turns" or "cost".

    Returns:
        The rows, and notes on all that was assumed, left out or still missing.

    Raises:
        InputError: There is no readable log, no usable score, or the polarity is not stated.
    """
    read_polarity(axis, high)  # a wrong word is found whatever the logs are
    logs, notes = open_logs(path)
    own: list[RungRecord] = []
    foreign: list[OpenLog] = []
    for log in logs:
        rows = own_records(log)
        if rows is None:
            foreign.append(log)
        else:
            own += rows
    notes += _unfinished(logs)
    records = _latest(own)
    if foreign:
        how = meanings(foreign, Stated(axis, high, scorer))
        notes += dict.fromkeys(meaning.note for meaning in how if meaning.note is not None)
        reader = ForeignLogs(path.stem, foreign, how, checkpoints)
        records += reader.rows(notes)
    if not records:
        raise InputError(f"{path} holds no scored sample. {' '.join(notes)}")
    return Reading(tuple(records), tuple(notes))


def read_origins(
    path: Path, *, axis: str | None = None, high: str | None = None, scorer: str | None = None
) -> dict[AnswerAt, tuple[OpenLog, EvalSampleSummary]]:
    """Which sample of which log every row of :func:`read_logs` is from, but for our own logs and for checkpoints.

    Args:
        path: As for :func:`read_logs`, and so the rest.
        axis: What the logs measure.
        high: What a high score means.
        scorer: The one `scorer` or `scorer.key` to read.

    Raises:
        InputError: As for :func:`read_logs`.
    """
    foreign = [log for log in open_logs(path)[0] if own_records(log) is None]
    if not foreign:
        return {}
    return ForeignLogs(path.stem, foreign, meanings(foreign, Stated(axis, high, scorer)), "tokens").origins()


def _latest(records: list[RungRecord]) -> list[RungRecord]:
    """Rows of our own logs, each once: a resumed study's later trace takes the place of the earlier one."""
    return list(
        {(r.task, r.axis, r.scorer, r.arm, r.estimand, r.question, r.draw, r.rung): r for r in records}.values()
    )


def _unfinished(logs: Sequence[OpenLog]) -> list[str]:
    notes = []
    for log in logs:
        if log.header.status != "success":
            finished = f"its {len(log.summaries)} finished samples were read"
            notes.append(f"{log.path.name} {_STATUS[log.header.status]}; {finished}.")
        if log.header.invalidated:
            notes.append(f"{log.path.name} holds samples marked as invalid; they were read like the others.")
    return notes
