"""Agent loops: run a plan's tasks as loops of tool-calling turns, through Inspect's own eval."""

import math
from copy import copy
from pathlib import Path
from typing import Any

from inspect_ai import task_with
from inspect_ai.scorer import Score, Scorer, Target, mean, scorer, stderr
from inspect_ai.solver import Generate, Solver, TaskState, solver
from inspect_ai.util import store

from overthink.collect.agent_loop.replay import LoopReplay
from overthink.collect.agent_loop.trace import ARM, AgentTask, AgentTrace
from overthink.collect.ladder.clock import clock_of
from overthink.collect.ladder.solver import RECORDS, TEXTS, record_dict
from overthink.collect.scoring.judging import AnswerJudge
from overthink.collect.session.failures import Boundary
from overthink.collect.session.open import solver_of
from overthink.collect.session.prepare import Session
from overthink.collect.session.run import evaluate, missing_draws
from overthink.collect.sinks import TraceSink
from overthink.plan.checkpoints import Checkpoints

_UNSCORED = "Inspect ended the sample, by a limit of the task on time or cost, before it could be scored"


def run_agent_loops(session: Session, *, study: str, log_dir: Path, sink: TraceSink) -> None:
    """Collect every missing trace of the plan and pass its rows to the sink as soon as it is finished.

    The task's own caps on output, tokens and messages are lifted: a loop ends at its last checkpoint.

    Args:
        session: The opened plan; it has checkpoints.
        study: Name of the study.
        log_dir: Folder of the Inspect logs.
        sink: Finished traces, and callbacks for new ones.

    Raises:
        InputError: A task cannot be run as a loop.
        StoppedError: The server is unreachable; collected traces are kept.
        KeyboardInterrupt: The user stopped the run.
    """
    plan, checkpoints = session.plan, session.plan.checkpoints
    assert checkpoints is not None
    boundary = Boundary(patience=max(3, plan.concurrency))
    for task, task_plan, name in zip(session.tasks, plan.tasks, session.names, strict=True):
        questions, missing = missing_draws(task, plan, sink, name=name, arm=ARM)
        if not questions:
            continue
        work = AgentTask(
            study=study,
            plan=plan,
            checkpoints=checkpoints,
            task=task_plan,
            name=name,
            solver=solver_of(task),
            scorers=list(task.scorer or ()),
            sink=sink,
            boundary=boundary,
            draws=missing,
            clock=clock_of(session.model),
        )
        eval_task = task_with(
            copy(task),  # task_with modifies its argument
            dataset=questions,
            solver=agent(work),
            scorer=checkpoint_scores(checkpoints),
            metrics=None,
            epochs=max(map(len, missing.values())),
            config=task.config.model_copy(update={"max_tokens": None}),
            message_limit=None,
            token_limit=None,
            turn_limit=None,
        )
        evaluate(eval_task, session.model, plan, log_dir, boundary=boundary)
        _mark_unscored(work)


def agent(work: AgentTask) -> Solver:
    """Return the solver that collects one trace per sample: turns, scored at checkpoints with the task's own scorer.

    Raises:
        InputError: The task has several scorers and the plan names none, or names an unknown one.
    """
    replay = LoopReplay(work.solver, task=work.name)
    judge = AnswerJudge(work.scorers, work.task)

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        draws = work.draws[str(state.sample_id)]
        if state.epoch > len(draws):  # other questions have more missing draws than this one
            return state
        trace = AgentTrace(work, judge.name, str(state.sample_id), draws[state.epoch - 1])
        try:
            with work.boundary.trace() as failure:
                await trace.collect(replay, judge, state, generate)
            rows = trace.rows(failure[0] if failure else None)
            store().set(RECORDS, [record_dict(row) for row in rows])
            store().set(TEXTS, trace.texts)
            with work.boundary.deliberate():
                work.sink.on_trace(rows)
        except BaseException:  # Ctrl-C, an unreachable server, a full disk, a time limit: this trace is discarded
            work.sink.on_cut_short(trace.cut_short())
            raise
        work.finished_traces.add(trace.name)
        return state

    @solver(name="agent")
    def agent(unit: str, checkpoints: list[int]) -> Solver:  # the log shows these arguments
        return solve

    return agent(work.checkpoints.unit, list(work.checkpoints.at))


def checkpoint_scores(checkpoints: Checkpoints) -> Scorer:
    """Return the scorer of an agent's log: one value per checkpoint, keyed by its turns or tokens."""

    async def score(state: TaskState, target: Target) -> Score:
        rows: list[dict[str, Any]] = state.store.get(RECORDS, [])
        values = {row["effort"]: row["value"] for row in rows}
        by_label = {label: values.get(label) for label in checkpoints.labels}
        return Score(value={label: math.nan if value is None else value for label, value in by_label.items()})

    @scorer(metrics={"*": [mean(), stderr()]}, name="checkpoint_scores")
    def checkpoint_scores() -> Scorer:
        return score

    return checkpoint_scores()


def _mark_unscored(work: AgentTask) -> None:
    """Write errored rows for traces that Inspect itself ended."""
    name = AnswerJudge(work.scorers, work.task).name
    for question, draws in work.draws.items():
        for draw in draws:
            trace = AgentTrace(work, name, question, draw)
            if trace.name not in work.finished_traces:
                work.sink.on_trace(trace.rows(_UNSCORED))
