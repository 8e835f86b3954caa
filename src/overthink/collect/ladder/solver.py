"""The ladder: run a plan's tasks up their rungs in every arm, through Inspect's own eval."""

import time
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

from inspect_ai.solver import Solver, solver

from overthink.collect.arms.registry import Arm
from overthink.collect.ladder.clock import Clock
from overthink.collect.ladder.trace import LadderTask, LadderTrace
from overthink.collect.providers.replies import begin_run
from overthink.collect.scoring.judging import AnswerJudge
from overthink.collect.scoring.replay import Replay
from overthink.collect.scoring.thoughts import trace_judge
from overthink.collect.session.prepare import Session
from overthink.collect.session.run import NO_SAMPLE_LIMITS
from overthink.collect.session.task_run import TaskRun, curve_scorer, mark_unscored, task_runs, trace_solver
from overthink.collect.sinks import TraceSink


def collect_ladder(
    session: Session, *, study: str, log_dir: Path, sink: TraceSink, clock: Clock = time.monotonic
) -> None:
    """Collect every missing trace of the plan and pass its rows to the sink as soon as it is finished.

    The task's own limits on tokens, messages, turns and time are lifted: a trace ends at its highest rung. Placebo
    arms come last, on all tasks: they act as the traces of their arms did.

    Args:
        session: The opened plan.
        study: Name of the study.
        log_dir: Folder of the Inspect logs.
        sink: Finished traces, and callbacks for new ones.
        clock: Monotonic clock.

    Raises:
        InputError: A task cannot be run on the ladder.
        StoppedError: The server is unreachable; collected traces are kept.
        KeyboardInterrupt: The user stopped the run.
    """
    for model in session.models:
        begin_run(model)
    arms = {arm.label: arm for arm in session.arms}
    places = sorted(
        product(range(len(session.tasks)), arms), key=lambda place: arms[place[1]].plan.placebo_of is not None
    )
    for run in task_runs(session, places, study=study, sink=sink, clock=clock):
        arm = arms[run.arm]
        scorer = curve_scorer("ladder_scores", "requested_tokens", list(map(str, arm.budgets)))
        run.collect(ladder(run, arm), scorer, log_dir, **NO_SAMPLE_LIMITS)
        mark_unscored(run, _traces_of(run, arm))


def ladder(run: TaskRun, arm: Arm) -> Solver:
    """Return the solver that collects one trace per sample: think, fork at every rung, score with the task's scorer.

    Raises:
        InputError: The task has several scorers and the plan names none, or names an unknown one; or none can judge
            the thinking, which the plan asks for.
    """
    solve = trace_solver(run, _traces_of(run, arm))

    @solver(name="ladder")
    def ladder(budgets: list[int], arm: str, settings: dict[str, Any]) -> Solver:  # the log shows these arguments
        return solve

    return ladder(list(arm.budgets), arm.label, dict(arm.plan.settings))


def _traces_of(run: TaskRun, arm: Arm) -> Callable[[str, int], LadderTrace]:
    judges = AnswerJudge(run.scorers, run.task), trace_judge(run.scorers, run.plan, run.task)
    task = LadderTask(arm, Replay(run.solver, task=run.name), *judges, replicas=run.replicas)
    return lambda question, draw: LadderTrace(run, task, question, draw)
