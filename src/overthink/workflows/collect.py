"""Collect the traces of a plan: each is stored as soon as it is complete; all rows are returned as a source."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import polars as pl

from overthink.data.decisions import TraceDecisions
from overthink.data.missing_rungs import TraceKey
from overthink.data.outcomes import from_records
from overthink.data.pool import pool_of
from overthink.data.pool_scores import with_scores
from overthink.data.record import RungRecord
from overthink.data.traces import trace_ids, with_earlier_traces, with_traces
from overthink.data.waves import Waves
from overthink.errors import InputError
from overthink.paths import name_text
from overthink.storage.journal import (
    TryFile,
    decisions_file,
    journal_file,
    read_decisions,
    read_waves,
    thoughts_file,
    unfinished_file,
)
from overthink.storage.json_documents import read_questions, write_questions
from overthink.storage.pool import is_pool, scan_pool
from overthink.storage.study_folder import StudyFolder
from overthink.storage.verifier_scores import read_scores, read_verified
from overthink.workflows.endpoints import endpoint_record, stored_endpoint_notes
from overthink.workflows.resume import StoredTraces, cut_short
from overthink.workflows.sources import Source, verifier_notes
from overthink.workflows.waves import Draws, OnWave, collect_in_waves, draws_of, waves_of_questions

if TYPE_CHECKING:
    from overthink.collect.session.prepare import Session

OnTrace = Callable[[Sequence[RungRecord]], None]
"""Callback that receives the rows of every complete trace."""


def collect_traces(
    session: "Session", folder: StudyFolder, existing: StoredTraces, on_trace: OnTrace, on_wave: OnWave
) -> Source:
    """Collect the missing traces, on the ladder or in agent loops; in waves if draws are adaptive.

    Args:
        session: The plan with its models and tasks.
        folder: The study's folder, locked by this process.
        existing: Traces that are stored already.
        on_trace: Called with the rows of every finished trace.
        on_wave: Called with every wave before its first draw.
    """
    from overthink.collect.agent_loop.solver import run_agent_loops
    from overthink.collect.ladder.solver import collect_ladder
    from overthink.collect.sinks import TraceSink

    session = with_questions(session, folder)
    traces = dict(existing.done)
    with (
        _decisions(session, folder) as decisions,
        journal_file(folder.journal) as journal,
        thoughts_file(folder.thoughts) as thoughts,
        TryFile(folder.unfinished, journal) as tries,
        endpoint_record(session, folder),
    ):

        def save_thinking(trace: TraceKey, ids: Sequence[int]) -> None:
            thoughts.append((*trace, tuple(ids)))

        def save_trace(rows: Sequence[RungRecord]) -> None:
            journal.append(tuple(rows))
            key = rows[0].task, rows[0].arm, rows[0].question, rows[0].draw
            tries.finish(key)
            traces[key] = tuple(rows)
            on_trace(rows)

        def collect(draws: Draws | None) -> None:
            sink = TraceSink(
                *(traces, existing.sparse, save_thinking, save_trace, draws),
                *(tries.update, tries.end),
                *decisions,
            )
            collect_missing = collect_ladder if session.plan.checkpoints is None else run_agent_loops
            collect_missing(session, study=name_text(folder.path.name), log_dir=folder.logs, sink=sink)

        def rows() -> list[RungRecord]:
            return [row for trace in traces.values() for row in trace]

        waves: Mapping[str, Waves] = {}
        if session.plan.until is None:
            collect(None)
        elif session.shard is not None:
            stored = read_waves(folder.waves)
            collect(draws_of(stored))
            waves = waves_of_questions(stored, {name: {key[2] for key in traces if key[0] == name} for name in stored})
        else:
            waves = collect_in_waves(
                session, folder, collect=collect, tables=lambda: from_records(rows()), on_wave=on_wave
            )
    return _source(session, folder, rows(), waves)


def _source(session: "Session", folder: StudyFolder, rows: Sequence[RungRecord], waves: Mapping[str, Waves]) -> Source:
    """Return the collected rows as what is analysed, with what the folder holds beside them."""
    pool, verification = _pool(session, folder, rows), read_verified(folder.verified)
    notes = stored_endpoint_notes(folder)
    if verification is not None:  # verifier scores stay with their answers; new answers have none
        pool = with_scores(pool, read_scores(folder.scores), verification.arms)
        notes += verifier_notes(verification, pool, session.plan)
    return Source(
        session.plan.title,
        pool,
        notes=notes,
        plan=session.plan,
        estimate=session.spending,
        waves=waves,
        verifications=() if verification is None else (verification,),
        cut_short=cut_short(folder, pool),
    )


@contextmanager
def _decisions(
    session: "Session", folder: StudyFolder
) -> Iterator[tuple[dict[TraceKey, TraceDecisions], Callable[[TraceDecisions], None]]]:
    """Context manager of the stored decisions; yields them, and the callback that stores those of a new trace."""
    stored = read_decisions(folder.decisions)
    if any(arm.decides for arm in session.arms):
        with decisions_file(folder.decisions) as new:
            yield stored, new.append
    else:
        yield stored, lambda _: None


def collect_levels(session: "Session", folder: StudyFolder, on_trace: OnTrace) -> Source:
    """Collect the missing samples at the provider's own reasoning levels.

    Args:
        session: The plan with its models and tasks.
        folder: The study's folder, locked by this process.
        on_trace: Called, without rows, for every finished sample.
    """
    from overthink.collect.efforts import collect_efforts

    session = with_questions(session, folder)
    reading, again = collect_efforts(
        session, study=name_text(folder.path.name), log_dir=folder.logs, on_sample=lambda: on_trace(())
    )
    unfinished_file(folder.unfinished).replace(again)  # complete every time, because it is read from the logs
    return Source(
        session.plan.title,
        _pool(session, folder, reading.records),
        notes=reading.notes,
        reading=reading.notes,
        plan=session.plan,
        estimate=session.spending,
        cut_short=again,
    )


def _pool(session: "Session", folder: StudyFolder, rows: Iterable[RungRecord]) -> pl.LazyFrame:
    """Return the rows as a pool; traces that were in the study's pool before keep their ids."""
    pool = pool_of(rows)
    earlier = folder.pool if session.shard is None else folder.shard_pool
    if is_pool(earlier):
        with suppress(InputError):  # a damaged pool is written anew
            pool = with_earlier_traces(pool, trace_ids(scan_pool(earlier)))
    return with_traces(pool, session.plan.sha256())


def with_questions(session: "Session", folder: StudyFolder) -> "Session":
    """Return the session restricted to the study's questions: stored ones plus newly added ones; store them."""
    from overthink.collect.session.questions import select_questions

    earlier = read_questions(folder.questions)
    asking, questions = select_questions(session, earlier)
    if questions != earlier:
        write_questions(folder.questions, questions)
    return asking
