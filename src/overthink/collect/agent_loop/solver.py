"""Agent loops: run a plan's tasks as loops of tool-calling turns, through Inspect's own eval."""

import time
from collections.abc import Callable
from pathlib import Path

from inspect_ai.solver import Solver, solver

from overthink.collect.agent_loop.replay import LoopReplay
from overthink.collect.agent_loop.trace import LoopTrace, checkpoints_of
from overthink.collect.ladder.clock import Clock
from overthink.collect.scoring.judging import AnswerJudge
from overthink.collect.session.prepare import Session
from overthink.collect.session.task_run import TaskRun, curve_scorer, mark_unscored, task_runs, trace_solver
from overthink.collect.sinks import TraceSink

ARM = "base"
"""The only arm of an agent loop in the pool."""


def run_agent_loops(
    session: Session, *, study: str, log_dir: Path, sink: TraceSink, clock: Clock = time.monotonic
) -> None:
    """Collect every missing trace of the plan and pass its rows to the sink as soon as it is finished.

    The task's own caps on output, tokens and messages are lifted: a loop ends at its last checkpoint.

    Args:
        session: The opened plan; it has checkpoints.
        study: Name of the study.
        log_dir: Folder of the Inspect logs.
        sink: Finished traces, and callbacks for new ones.
        clock: Monotonic clock.

    Raises:
        InputError: A task cannot be run as a loop.
        StoppedError: The server is unreachable; collected traces are kept.
        KeyboardInterrupt: The user stopped the run.
    """
    places = ((number, ARM) for number in range(len(session.tasks)))
    for run in task_runs(session, places, study=study, sink=sink, clock=clock):
        run.collect(
            agent(run),
            curve_scorer("checkpoint_scores", "effort", checkpoints_of(run.plan).labels),
            log_dir,
            config=run.original.config.model_copy(update={"max_tokens": None}),
            message_limit=None,
            token_limit=None,
            turn_limit=None,
        )
        mark_unscored(run, _traces_of(run))


def agent(run: TaskRun) -> Solver:
    """Return the solver that collects one trace per sample: turns, scored at checkpoints with the task's own scorer.

    Raises:
        InputError: The task has several scorers and the plan names none, or names an unknown one.
    """
    solve = trace_solver(run, _traces_of(run))

    @solver(name="agent")
    def agent(unit: str, checkpoints: list[int]) -> Solver:  # the log shows these arguments
        return solve

    checkpoints = checkpoints_of(run.plan)
    return agent(checkpoints.unit, list(checkpoints.at))


def _traces_of(run: TaskRun) -> Callable[[str, int], LoopTrace]:
    replay, judge = LoopReplay(run.solver, task=run.name), AnswerJudge(run.scorers, run.task)
    return lambda question, draw: LoopTrace(run, replay, judge, question, draw)
