"""Token usage of traces that were cut short or failed and were collected again; the pool does not contain it."""

from collections.abc import Iterator, Sequence

from overthink.data.missing_rungs import TraceKey
from overthink.data.cut_short import CutShort, failed_try
from overthink.data.record import RungRecord
from overthink.storage.study_folder import StudyFolder
from overthink.storage.journal import has_failures, read_journal
from overthink.storage.unfinished import read_unfinished


def cut_short(folder: StudyFolder, records: Sequence[RungRecord]) -> tuple[CutShort, ...]:
    """Return token usage outside the pool, once per try.

    Args:
        folder: The study's folder.
        records: Its pool. A failed try in the pool was not repeated.

    Raises:
        InputError: A file of the study is damaged.
    """
    return (*read_unfinished(folder.unfinished), *_failed_tries(folder, records))


def _failed_tries(folder: StudyFolder, records: Sequence[RungRecord]) -> Iterator[CutShort]:
    if not has_failures(folder.journal):
        return
    pool_marks: dict[TraceKey, set[object]] = {}
    for row in records:
        pool_marks.setdefault(_name(row), set()).add(_mark(row))
    complete: dict[TraceKey, tuple[RungRecord, ...]] = {}
    for trace in read_journal(folder.journal):
        name = _name(trace[0])
        if all(row.error is None for row in trace):
            complete[name] = trace
        elif pool_marks.get(name) != {_mark(row) for row in trace}:
            yield failed_try(trace, before=complete.get(name, ()))


def _name(row: RungRecord) -> TraceKey:
    return row.task, row.arm, row.question, row.draw


def _mark(row: RungRecord) -> object:
    """Return a row's identity among the tries of a trace; independent of verifier scores, which may be added later."""
    return row.estimand, row.scorer, row.rung, row.generated_tokens, row.error
