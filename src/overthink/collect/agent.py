"""Tool-using iteration: run a plan's tasks as loops of turns, through Inspect's own eval."""

import math
from collections.abc import Sequence
from copy import copy
from pathlib import Path
from typing import Any

from inspect_ai import task_with
from inspect_ai.scorer import Score, Scorer, Target, mean, scorer, stderr
from inspect_ai.solver import Generate, Solver, TaskState, solver
from inspect_ai.util import store

from overthink.collect.agent_trace import ARM, AgentTask, AgentTrace, turns_label
from overthink.collect.boundary import Boundary
from overthink.collect.collection import evaluate, missing_draws, numbered
from overthink.collect.judging import Judge
from overthink.collect.keeper import Keeper
from overthink.collect.ladder import RECORDS, TEXTS, plain
from overthink.collect.loop_replay import LoopReplay
from overthink.collect.opened import Opened
from overthink.collect.opening import solver_of

_UNSEEN = "Inspect ended the sample, by a limit of the task on time or cost, before it could be scored"


def collect_agents(opened: Opened, *, study: str, log_dir: Path, keeper: Keeper) -> None:
    """Collect every trace of the plan that is not done, and hand its rows over as soon as it is finished.

    The task's own caps on output, tokens and messages are lifted: what ends a loop is its turns.

    Args:
        opened: The plan, opened; it has turns.
        study: Name of the study.
        log_dir: Where Inspect writes its logs.
        keeper: What is there already, and who keeps what is new.

    Raises:
        InputError: A task turned out not to fit a loop.
        StoppedError: The server is gone; what was collected is kept.
        KeyboardInterrupt: The user stopped the run.
    """
    plan = opened.plan
    boundary = Boundary(patience=max(3, plan.concurrency))
    for task, task_plan, name in zip(opened.tasks, plan.tasks, opened.names, strict=True):
        asked = numbered(task, plan)
        missing = {str(q.id): missing_draws(name, ARM, str(q.id), plan, keeper) for q in asked}
        questions = [q for q in asked if missing[str(q.id)]]
        if not questions:
            continue
        work = AgentTask(
            study=study,
            plan=plan,
            task=task_plan,
            name=name,
            solver=solver_of(task),
            scorers=list(task.scorer or ()),
            keeper=keeper,
            boundary=boundary,
            draws=missing,
        )
        wrapped = task_with(
            copy(task),  # it changes the task that it is given
            dataset=questions,
            solver=agent(work),
            scorer=turn_scores(plan.turns or ()),
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
        with work.boundary.trace() as failure:
            await trace.collect(replay, judge, state, generate)
        rows = trace.rows(failure[0] if failure else None)
        store().set(RECORDS, [plain(row) for row in rows])
        store().set(TEXTS, trace.texts)
        with work.boundary.deliberate():
            work.keeper.on_trace(rows)
        work.kept.add(trace.name)
        return state

    @solver(name="agent")
    def agent(turns: list[int]) -> Solver:  # the log shows these arguments
        return solve

    return agent(list(work.plan.turns or ()))


def turn_scores(turns: Sequence[int]) -> Scorer:
    """The headline of an agent's log: one value per checkpoint, named by its turns."""

    async def score(state: TaskState, target: Target) -> Score:
        rows: list[dict[str, Any]] = state.store.get(RECORDS, [])
        values = {row["effort"]: row["value"] for row in rows}
        seen = {turns_label(turn): values.get(turns_label(turn)) for turn in turns}
        return Score(value={label: math.nan if value is None else value for label, value in seen.items()})

    @scorer(metrics={"*": [mean(), stderr()]}, name="turn_scores")
    def turn_scores() -> Scorer:
        return score

    return turn_scores()


def _mark_unseen(work: AgentTask) -> None:
    """Give traces that Inspect ended by itself rows that say so."""
    name = Judge(work.scorers, work.task).name
    for question, draws in work.draws.items():
        for draw in draws:
            trace = AgentTrace(work, name, question, draw)
            if trace.name not in work.kept:
                work.keeper.on_trace(trace.rows(_UNSEEN))
