"""Tool-using iteration: run a plan's tasks as loops of turns, through Inspect's own eval."""

import math
from copy import copy
from pathlib import Path
from typing import Any

from inspect_ai import task_with
from inspect_ai.scorer import Score, Scorer, Target, mean, scorer, stderr
from inspect_ai.solver import Generate, Solver, TaskState, solver
from inspect_ai.util import store

from overthink.collect.agent_trace import ARM, AgentTask, AgentTrace
from overthink.collect.boundary import Boundary
from overthink.collect.collection import evaluate, lacking
from overthink.collect.judging import Judge
from overthink.collect.keeper import Keeper
from overthink.collect.ladder import RECORDS, TEXTS, plain
from overthink.collect.loop_replay import LoopReplay
from overthink.collect.opened import Opened
from overthink.collect.opening import solver_of
from overthink.collect.stopwatch import clock_of
from overthink.loop_plan import Checkpoints

_UNSEEN = "Inspect ended the sample, by a limit of the task on time or cost, before it could be scored"


def collect_agents(opened: Opened, *, study: str, log_dir: Path, keeper: Keeper) -> None:
    """Collect every trace of the plan that is not done, and hand its rows over as soon as it is finished.

    The task's own caps on output, tokens and messages are lifted: what ends a loop is its last checkpoint.

    Args:
        opened: The plan, opened; it has checkpoints.
        study: Name of the study.
        log_dir: Where Inspect writes its logs.
        keeper: What is there already, and who keeps what is new.

    Raises:
        InputError: A task turned out not to fit a loop.
        StoppedError: The server is gone; what was collected is kept.
        KeyboardInterrupt: The user stopped the run.
    """
    plan, checkpoints = opened.plan, opened.plan.checkpoints
    assert checkpoints is not None
    boundary = Boundary(patience=max(3, plan.concurrency))
    for task, task_plan, name in zip(opened.tasks, plan.tasks, opened.names, strict=True):
        questions, missing = lacking(task, plan, keeper, name=name, arm=ARM)
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
            keeper=keeper,
            boundary=boundary,
            draws=missing,
            clock=clock_of(opened.model),
        )
        wrapped = task_with(
            copy(task),  # it changes the task that it is given
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
        evaluate(wrapped, opened.model, plan, log_dir, boundary=boundary)
        _mark_unseen(work)


def agent(work: AgentTask) -> Solver:
    """Collect one trace per sample: turns, scored at the checkpoints with the task's own scorer.

    Raises:
        InputError: The task has several scorers and none is named, or not the one that is named.
    """
    replay = LoopReplay(work.solver, task=work.name)
    judge = Judge(work.scorers, work.task)

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        draws = work.draws[str(state.sample_id)]
        if state.epoch > len(draws):  # other questions lack more draws than this one
            return state
        trace = AgentTrace(work, judge.name, str(state.sample_id), draws[state.epoch - 1])
        try:
            with work.boundary.trace() as failure:
                await trace.collect(replay, judge, state, generate)
            rows = trace.rows(failure[0] if failure else None)
            store().set(RECORDS, [plain(row) for row in rows])
            store().set(TEXTS, trace.texts)
            with work.boundary.deliberate():
                work.keeper.on_trace(rows)
        except BaseException:  # Ctrl-C, a server that is gone, a full disk, a limit on time: this trace is not kept
            work.keeper.on_cut_short(trace.cut_short())
            raise
        work.kept.add(trace.name)
        return state

    @solver(name="agent")
    def agent(unit: str, checkpoints: list[int]) -> Solver:  # the log shows these arguments
        return solve

    return agent(work.checkpoints.unit, list(work.checkpoints.at))


def checkpoint_scores(checkpoints: Checkpoints) -> Scorer:
    """The headline of an agent's log: one value per checkpoint, named by its turns or tokens."""

    async def score(state: TaskState, target: Target) -> Score:
        rows: list[dict[str, Any]] = state.store.get(RECORDS, [])
        values = {row["effort"]: row["value"] for row in rows}
        seen = {label: values.get(label) for label in checkpoints.labels}
        return Score(value={label: math.nan if value is None else value for label, value in seen.items()})

    @scorer(metrics={"*": [mean(), stderr()]}, name="checkpoint_scores")
    def checkpoint_scores() -> Scorer:
        return score

    return checkpoint_scores()


def _mark_unseen(work: AgentTask) -> None:
    """Give traces that Inspect ended by itself rows that say so."""
    name = Judge(work.scorers, work.task).name
    for question, draws in work.draws.items():
        for draw in draws:
            trace = AgentTrace(work, name, question, draw)
            if trace.name not in work.kept:
                work.keeper.on_trace(trace.rows(_UNSEEN))
