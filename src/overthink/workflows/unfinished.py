"""Reports of a run that goes on: `report.html` refreshed in place, marked as unfinished, without any claim.

A thread of its own makes them from the traces that are there, so that no request waits for it. Those of a provider's
own levels are in Inspect's logs alone, which it reads each time. It writes nothing but the page, by one atomic
replacement: no pool, no findings. So nothing but the page can be read from a study that has not finished, and a run
that is killed at any moment leaves either the marked page or the final one.

A shard in its folder: which one it is, and what is stored when it is complete.

Its rows are ``shard.parquet`` and no pool, and it has no findings: what may be claimed of a study follows from all its
questions. So nothing but its page and `merge` reads it, as with a study that has not finished.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import TYPE_CHECKING, Self

from overthink.analysis.withheld import values_alone
from overthink.data.missing_rungs import TraceKey
from overthink.data.pool import pool_of
from overthink.data.record import RungRecord
from overthink.data.shards import Shard
from overthink.data.traces import with_traces
from overthink.paths import name_text
from overthink.reports import About, report_html
from overthink.reports.about import Progress, TaskProgress
from overthink.storage.models import StudyModels
from overthink.storage.pool import scan_pool, write_pool
from overthink.storage.shards import ShardState, journal_bytes, read_shard_state, write_shard
from overthink.storage.study_folder import StudyFolder
from overthink.workflows.request import AnalysisOptions
from overthink.workflows.results import about_source, results_of
from overthink.workflows.resume import StoredTraces
from overthink.workflows.sources import Source
from overthink.workflows.study import Study

if TYPE_CHECKING:
    from overthink.collect.session.prepare import Session


def store_shard(source: Source, shard: Shard, folder: StudyFolder, *, command: str | None) -> Study:
    """Store the rows of a complete shard and its page: values, without a claim.

    Args:
        source: The rows, with the models.
        shard: The shard.
        folder: Its folder, locked by this process.
        command: The command line.

    Returns:
        The shard's part of the study, without verdicts.
    """
    write_pool(folder.shard_pool, source.pool)
    state = read_shard_state(folder.shard)
    write_shard(folder.shard, ShardState(str(shard), None if state is None else state.command, journal_bytes(folder)))
    source = replace(source, pool=scan_pool(folder.shard_pool))
    request, results, scale = results_of(source, AnalysisOptions())
    values = values_alone(results)
    about = about_source(source, values, scale, command=command)
    about = replace(about, title=f"Shard {shard}: {about.title}", notes=(*source.notes, shard_note(shard)))
    study = Study(source.pool, values, about, request, source.assumptions, source.models, folder=folder)
    folder.write_report(study.html())
    return study


def shard_note(shard: Shard) -> str:
    """Return what readers of a shard's page must know."""
    return (
        f"These are the answers to the questions of shard {shard} alone, so there are values and no verdicts: what may "
        "be claimed follows from all questions, once `overthink merge` has put the shards together."
    )


Traces = Mapping[TraceKey, Sequence[RungRecord]]
"""Rows of every finished trace."""

FEWEST_QUESTIONS = 4
"""Questions of one task that the first report waits for: an interval over fewer says nothing."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """When reports are made.

    Attributes:
        first_seconds: Seconds from the start of the run to the first; a run that ends before has none.
        every_seconds: Least seconds between two.
        share: Largest share of the run's time that making them takes.

    Example:
        >>> Schedule().pause(after=0.1), Schedule().pause(after=3.0)
        (10.0, 100.0)
    """

    first_seconds: float = 10.0
    every_seconds: float = 10.0
    share: float = 0.03

    def pause(self, *, after: float) -> float:
        """Return the seconds to wait after a report that took so many."""
        return max(self.every_seconds, after / self.share)


class ReportsSoFar:
    """Context manager: while it is open, a thread makes the report anew from time to time.

    Leaving it waits for a report that is being made, which is then not written: after it, the caller
    alone writes the page.

    Args:
        make: Returns the page of these traces.
        write: Stores a page.
        existing: Traces that are there already.
        read: Returns the finished traces, where they are not given to the callback; None where they are.
        fewest: Questions of one task that the first report waits for.
        schedule: When reports are made.
    """

    def __init__(
        self,
        make: Callable[[Traces], str],
        write: Callable[[str], None],
        existing: Traces,
        *,
        read: Callable[[], Traces] | None = None,
        fewest: int = FEWEST_QUESTIONS,
        schedule: Schedule = Schedule(),
    ) -> None:
        self._make, self._write = make, write
        self._traces, self._n_finished = dict(existing), len(existing)
        self._read = read
        self._fewest, self._schedule = fewest, schedule
        self._lock, self._ending = threading.Lock(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="reports so far", daemon=True)
        self.failure: Exception | None = None

    @classmethod
    def of(
        cls,
        session: "Session",
        folder: StudyFolder,
        existing: StoredTraces,
        *,
        models: StudyModels,
        command: str | None,
    ) -> Self:
        """Return the reports of a run of a plan.

        Args:
            session: The plan with its models and tasks.
            folder: The study's folder, locked by this process.
            existing: Traces that are stored already.
            models: Models of the arms with shapes and prices.
            command: The command line.
        """

        def make(traces: Traces) -> str:
            return unfinished_page(session, traces, models=models, command=command)

        def read() -> Traces:
            return traces_of_levels(session, folder)

        fewest = min(FEWEST_QUESTIONS, *session.questions)
        own = None if session.plan.efforts is None else read
        return cls(make, folder.write_report, existing.done, read=own, fewest=fewest)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.set()
        self._thread.join()

    def before(self, on_trace: Callable[[Sequence[RungRecord]], None]) -> Callable[[Sequence[RungRecord]], None]:
        """Return a callback that keeps the rows of a finished trace, if any, for the reports, then calls another."""

        def both(rows: Sequence[RungRecord]) -> None:
            with self._lock:
                self._n_finished += 1
                if rows:
                    self._traces[rows[0].task, rows[0].arm, rows[0].question, rows[0].draw] = tuple(rows)
            on_trace(rows)

        return both

    def notes(self) -> tuple[str, ...]:
        """Return why the reports ended before the run did; nothing where they did not."""
        if self.failure is None:
            return ()
        return (
            f"The report could not be made anew while the run went on ({type(self.failure).__name__}: {self.failure}).",
        )

    def _run(self) -> None:
        pause, n_seen, n_shown = self._schedule.first_seconds, 0, 0
        while not self._ending.wait(pause):
            with self._lock:
                n_finished, traces = self._n_finished, dict(self._traces)
            pause = self._schedule.every_seconds
            if n_finished == n_seen:
                continue
            n_seen, begun = n_finished, time.monotonic()
            try:
                traces = traces if self._read is None else dict(self._read())
                if len(traces) > n_shown and self._is_enough(traces):
                    page, n_shown = self._make(traces), len(traces)
                    if not self._ending.is_set():
                        self._write(page)
            except Exception as failure:  # noqa: BLE001 - the traces are worth more than a look at them
                self.failure = failure
                return
            pause = self._schedule.pause(after=time.monotonic() - begun)

    def _is_enough(self, traces: Traces) -> bool:
        questions = Counter(task for task, _ in {(task, question) for task, _, question, _ in traces})
        return max(questions.values(), default=0) >= self._fewest


def traces_of_levels(session: "Session", folder: StudyFolder) -> Traces:
    """Return the samples that the logs of a study of levels hold by now: each is a trace, whose arm is its level."""
    from overthink.collect.efforts import finished_samples

    traces: dict[TraceKey, list[RungRecord]] = {}
    for row in finished_samples(session, study=name_text(folder.path.name), log_dir=folder.logs):
        traces.setdefault((row.task, str(row.effort), row.question, row.draw), []).append(row)
    return traces


def unfinished_page(session: "Session", traces: Traces, *, models: StudyModels, command: str | None) -> str:
    """Return the page of a study that has not finished: values of the traces that are there, marked, without verdicts.

    Args:
        session: The plan with its models and tasks.
        traces: Finished traces; at least one.
        models: Models of the arms with shapes and prices.
        command: The command line.
    """
    plan = session.plan
    pool = with_traces(pool_of(row for trace in traces.values() for row in trace), plan.sha256())
    source = Source(plan.title, pool, plan=plan, models=models)
    _, results, scale = results_of(source, AnalysisOptions())
    values = values_alone(results)
    about = about_source(source, values, scale, command=command)
    if session.shard is not None:
        about = replace(about, title=f"shard {session.shard}: {about.title}", notes=(shard_note(session.shard),))
    return report_html(values, _marked(about, _progress(session, traces, command=command)))


REFRESH_SECONDS = 15
"""Seconds after which the page loads itself anew."""


def _progress(session: "Session", traces: Traces, *, command: str | None) -> Progress:
    plan, done = session.plan, Counter(task for task, _, _, _ in traces)
    each = plan.most_draws * len(plan.efforts or plan.arms)
    tasks = tuple(
        TaskProgress(name, done[name], each * questions)
        for name, questions in zip(session.names, session.questions, strict=True)
    )
    resume = command if command is None or "--resume" in command.split() else f"{command} --resume"
    return Progress(tasks, REFRESH_SECONDS, resume, is_most=plan.until is not None)


def _marked(about: About, progress: Progress) -> About:
    return replace(about, title=f"Unfinished: {about.title}", unfinished=progress)
