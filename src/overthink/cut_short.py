"""What a study paid for traces that were cut short, or failed, and were made again: no row of its pool tells of it."""

from collections.abc import Iterator, Sequence

from overthink.core.added_rungs import Row
from overthink.core.cut_short import CutShort, failed_try
from overthink.core.record import RungRecord
from overthink.store.folder import StudyFolder
from overthink.store.journal import has_failures, read_journal
from overthink.store.unfinished import read_unfinished


def cut_short(folder: StudyFolder, records: Sequence[RungRecord]) -> tuple[CutShort, ...]:
    """What was paid beside the pool, each try once.

    Args:
        folder: The study's folder.
        records: Its pool. A try that failed and stands in it was not made again.

    Raises:
        InputError: A file of the study is damaged.
    """
    return (*read_unfinished(folder.unfinished), *_failed_tries(folder, records))


def _failed_tries(folder: StudyFolder, records: Sequence[RungRecord]) -> Iterator[CutShort]:
    if not has_failures(folder.journal):
        return
    standing: dict[Row, set[object]] = {}
    for row in records:
        standing.setdefault(_name(row), set()).add(_mark(row))
    finished: dict[Row, tuple[RungRecord, ...]] = {}
    for trace in read_journal(folder.journal):
        name = _name(trace[0])
        if all(row.error is None for row in trace):
            finished[name] = trace
        elif standing.get(name) != {_mark(row) for row in trace}:
            yield failed_try(trace, before=finished.get(name, ()))


def _name(row: RungRecord) -> Row:
    return row.task, row.arm, row.question, row.draw


def _mark(row: RungRecord) -> object:
    """What tells one try of a trace from another; scores of a verifier may come to a row later."""
    return row.estimand, row.scorer, row.rung, row.generated_tokens, row.error
