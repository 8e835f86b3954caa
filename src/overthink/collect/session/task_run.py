"""One task of a plan in one arm: what the collection of every trace has in common, on the ladder and in agent loops.

A kind of trace says how it is collected and what its rows are; here are its sample, its failures, its place in the log
and its way to the study.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from copy import copy
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar, Generic, TypeVar

from inspect_ai import Task, task_with
from inspect_ai.dataset import Sample
from inspect_ai.model import Model
from inspect_ai.scorer import Score, Scorer, Target, mean, scorer, stderr
from inspect_ai.solver import Generate, Solver, TaskState
from inspect_ai.util import store

from overthink.collect.inspect_internals import sample_active
from overthink.collect.ladder.accounting import Accounting
from overthink.collect.ladder.clock import Clock, clock_of
from overthink.collect.ladder.sampling import trace_seed
from overthink.collect.providers.servers.replicas import Replicas
from overthink.collect.session.failures import Boundary
from overthink.collect.session.open import solver_of
from overthink.collect.session.prepare import Session
from overthink.collect.session.run import evaluate, missing_draws
from overthink.collect.sinks import TraceSink
from overthink.data.missing_rungs import TraceKey
from overthink.data.record import ON_TRACE, PLACE, TRACE_COLUMNS, Axis, Estimand, RungRecord, Verdict
from overthink.data.traces import trace_id
from overthink.plan.study import Plan, TaskPlan

RECORDS = "Ladder:records"
"""Key of the sample's store for the rows of the pool."""

TEXTS = "Ladder:texts"
"""Key of the sample's store for the texts of the rungs. They stay in the log."""

_UNSCORED = "Inspect ended the sample, by a limit of the task on time or cost, before it could be scored"

_CURVE = (Estimand.FORCED, Estimand.CHECKPOINT)
"""Estimands of the curve that is collected, as opposed to its controls."""


@dataclass(frozen=True)
class TaskRun:
    """The missing traces of one task in one arm.

    Attributes:
        study: Name of the study.
        plan: The study's plan.
        model: The model under test.
        task: The task's entry in the plan.
        original: The task itself.
        name: The task's name in the pool.
        arm: Label of the arm.
        sink: Existing traces, and callbacks for new ones.
        boundary: Handler of failures.
        questions: Samples with missing draws.
        draws: Draws to collect by question; epoch 1 is the first of them.
        clock: Monotonic clock; None without timing.
        replicas: The servers of the model, where endpoints were named.
        finished: Traces whose rows have been passed to the sink.
    """

    study: str
    plan: Plan
    model: Model
    task: TaskPlan
    original: Task
    name: str
    arm: str
    sink: TraceSink
    boundary: Boundary
    questions: Sequence[Sample]
    draws: Mapping[str, Sequence[int]]
    clock: Clock | None
    replicas: Replicas | None = None
    finished: set[TraceKey] = field(default_factory=set)

    @property
    def solver(self) -> Solver:
        """The task's own solver."""
        return solver_of(self.original)

    @property
    def scorers(self) -> Sequence[Scorer]:
        """The task's own scorers."""
        return list(self.original.scorer or ())

    def collect(self, solver: Solver, scorer: Scorer, log_dir: Path, **settings: Any) -> None:
        """Run the task through Inspect with another solver and scorer; raises as :func:`evaluate`.

        Args:
            solver: The solver that collects one trace per sample.
            scorer: The scorer of the log.
            log_dir: Folder of the Inspect logs.
            **settings: Further properties of the task, as for ``inspect_ai.task_with``.
        """
        task = task_with(
            copy(self.original),  # task_with modifies its argument, and the next arm or wave needs the original
            dataset=self.questions,
            solver=solver,
            scorer=scorer,
            metrics=None,
            epochs=max(map(len, self.draws.values())),
            **settings,
        )
        evaluate(task, self.model, self.plan, log_dir, boundary=self.boundary)


def task_runs(
    session: Session, places: Iterable[tuple[int, str]], *, study: str, sink: TraceSink, clock: Clock
) -> Iterator[TaskRun]:
    """Yield a run for every place with missing draws.

    Args:
        session: The opened plan.
        places: Tasks, by their number in the plan, and labels of arms, in the order of collection.
        study: Name of the study.
        sink: Existing traces, and callbacks for new ones.
        clock: Monotonic clock.

    Raises:
        StoppedError: The study has no trace that did not fail.
    """
    plan, is_new = session.plan, not sink.done
    boundary = Boundary(patience=session.patience)
    for number, arm in places:
        original, name = session.tasks[number], session.names[number]
        questions, draws = missing_draws(original, plan, sink, name=name, arm=arm)
        if questions:
            yield TaskRun(
                study=study,
                plan=plan,
                model=session.model,
                task=plan.tasks[number],
                original=original,
                name=name,
                arm=arm,
                sink=sink,
                boundary=boundary,
                questions=questions,
                draws=draws,
                clock=clock_of(session.model, clock),
                replicas=session.replicas,
            )
    if is_new:
        boundary.require_any()


AccountingT = TypeVar("AccountingT", bound=Accounting)


class TraceRun(ABC, Generic[AccountingT]):
    """One trace while it is being collected.

    Attributes:
        run: The task in its arm.
        accounting: Accounting of the trace.
        key: Key of the trace in its study.
        seed: Seed of the trace.
        texts: Answer and scorer explanation per rung, for the log.
        blank: Row with the columns shared by all rows of the trace.
    """

    estimand: ClassVar[Estimand]
    """Estimand of the curve."""

    def __init__(self, run: TaskRun, accounting: AccountingT, scorer: str, question: str, draw: int) -> None:
        self.run, self.accounting = run, accounting
        self.key: TraceKey = (run.name, run.arm, question, draw)
        self.seed = trace_seed(run.plan, self.key)
        self.texts: list[dict[str, Any]] = []
        self.blank = RungRecord(
            study=run.study,
            arm=run.arm,
            axis=Axis(run.task.axis),
            task=run.name,
            scorer=scorer,
            question=question,
            draw=draw,
            rung=0,
            estimand=self.estimand,
            model=run.plan.model,
            seed=self.seed,
        )

    def locate(self, log: str | None, epoch: int) -> None:
        """Set log and epoch of the sample that the rows come from; rows of an earlier sample keep theirs.

        Args:
            log: Path of the log, from the study's folder; None where it is unknown.
            epoch: Epoch of the sample, from 1.
        """
        self.blank = replace(self.blank, log=log, epoch=None if log is None else epoch)

    @abstractmethod
    async def collect(self, state: TaskState, generate: Generate) -> None:
        """Collect the trace from the initial state of its sample."""

    @abstractmethod
    def rows(self, error: str | None) -> list[RungRecord]:
        """Return all rows; those that an error prevented are errored. Called once, after :meth:`collect`."""

    def finish(self, state: TaskState, *, is_errored: bool) -> None:
        """Complete the sample, and store what belongs to the trace beside its rows, before these are stored."""
        return


def trace_solver(run: TaskRun, new_trace: Callable[[str, int], TraceRun[Any]]) -> Solver:
    """Return the solver that collects one trace per sample, and stores it as soon as it is finished.

    Args:
        run: The task in its arm.
        new_trace: Returns the trace of a question and draw, not yet begun.
    """
    plan_sha256 = run.plan.sha256()

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        draws = run.draws[str(state.sample_id)]
        if state.epoch > len(draws):  # other questions have more missing draws than this one
            return state
        trace = new_trace(str(state.sample_id), draws[state.epoch - 1])
        task, arm, question, draw = trace.key
        id_of_trace = trace_id(plan_sha256, arm, task, question, str(draw))
        trace.locate(_log_in_study(), state.epoch)
        trace.accounting.on_change(lambda: run.sink.on_usage(trace.accounting.cut_short(trace.key)))
        try:
            with (
                run.boundary.trace() as failure,
                nullcontext() if run.replicas is None else run.replicas.trace(id_of_trace),
            ):
                await trace.collect(state, generate)
            rows = trace.rows(failure[0] if failure else None)
            run.boundary.has_value |= any(row.verdict != Verdict.ERRORED for row in rows)
            store().set(RECORDS, [_plain(row) for row in rows])
            store().set(TEXTS, trace.texts)
            with run.boundary.deliberate():
                trace.finish(state, is_errored=bool(failure))
                run.sink.on_trace(rows)
        except BaseException:  # Ctrl-C, an unreachable server, a full disk, a time limit: this trace is discarded
            run.sink.on_cut_short(trace.accounting.cut_short(trace.key))
            raise
        run.finished.add(trace.key)
        return state

    return solve


def mark_unscored(run: TaskRun, new_trace: Callable[[str, int], TraceRun[Any]]) -> None:
    """Store errored rows for traces that Inspect itself ended, so that none is missing without a word.

    Args:
        run: The task in its arm, behind its collection.
        new_trace: Returns the trace of a question and draw, not yet begun.
    """
    for trace in (new_trace(question, draw) for question, draws in run.draws.items() for draw in draws):
        if trace.key not in run.finished:
            run.sink.on_trace(trace.rows(_UNSCORED))


def _log_in_study() -> str | None:
    """Return the log of the running sample as the study's folder names it: its own folder, and its name."""
    sample = sample_active()
    return None if sample is None else "/".join(PurePosixPath(sample.log_location).parts[-2:])


def curve_scorer(name: str, column: str, rungs: Sequence[str]) -> Scorer:
    """Return the scorer of a log: one value per rung of the curve, NaN without one; its controls are left out.

    Args:
        name: Name of the scorer in the log.
        column: Column of the pool that names a rung.
        rungs: Names of the rungs.
    """

    async def score(state: TaskState, target: Target) -> Score:
        rows: list[dict[str, Any]] = state.store.get(RECORDS, [])
        values = {
            str(row[column]): row["value"]
            for row in rows
            if row["estimand"] in _CURVE and not row["scorer"].endswith(ON_TRACE)
        }
        return Score(value={rung: math.nan if values.get(rung) is None else values[rung] for rung in rungs})

    @scorer(metrics={"*": [mean(), stderr()]}, name=name)
    def curve() -> Scorer:
        return score

    return curve()


def _plain(record: RungRecord) -> dict[str, Any]:
    """Return a row as stored in a log; a row of an earlier sample names the log and epoch of that."""
    return {
        name: str(value) if isinstance(value := getattr(record, name), Axis | Estimand | Verdict) else value
        for name in (*TRACE_COLUMNS, *PLACE)
    }
