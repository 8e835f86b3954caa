"""The ladder as an Inspect solver and scorer: wrap a task, replay its own solver, store one record per rung."""

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from inspect_ai.model import ModelOutput
from inspect_ai.scorer import Score, Scorer, Target, mean, scorer, stderr
from inspect_ai.solver import Generate, Solver, TaskState, solver
from inspect_ai.util import store

from overthink.collect.ladder.trace import Judges, LadderTask, Trace
from overthink.collect.providers.choose import continuation_for
from overthink.collect.providers.continuation import Continuation
from overthink.collect.scoring.judging import AnswerJudge
from overthink.collect.scoring.replay import Replay, evaluated_model
from overthink.collect.scoring.thoughts import trace_judge
from overthink.data.record import ON_TRACE, Axis, Estimand, RungRecord, Verdict

RECORDS = "Ladder:records"
"""Key of the sample's store for the rows of the pool."""

TEXTS = "Ladder:texts"
"""Key of the sample's store for the texts of the rungs. They stay in the log."""


def ladder(work: LadderTask) -> Solver:
    """Return the solver that collects one trace per sample: think, fork at every rung, score with the task's scorer.

    Raises:
        InputError: The task has several scorers and the plan names none, or names an unknown one; or none can judge
            the thinking, which the plan asks for.
    """
    replay = Replay(work.solver, task=work.name)
    judges = Judges(AnswerJudge(work.scorers, work.task), trace_judge(work.scorers, work.plan, work.task))
    continuations: list[Continuation] = []  # one for all traces: it checks the server once

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        nonlocal continuations
        draws = work.draws[str(state.sample_id)]
        if state.epoch > len(draws):  # other questions have more missing draws than this one
            return state
        trace = Trace(work, judges, state, draws[state.epoch - 1])
        try:
            with work.boundary.trace() as failure:
                continuations = continuations or [continuation_for(evaluated_model())]
                await trace.collect(replay, state, continuations[0])
            if failure:
                trace.mark_errored(failure[0])
            store().set(RECORDS, [record_dict(record) for record in trace.rows])
            store().set(TEXTS, trace.texts)
            with work.boundary.deliberate():
                if trace.thought is not None and not failure:
                    work.sink.on_thinking(trace.name, trace.thought)
                if trace.decisions is not None and not failure:
                    work.sink.store_decisions(trace.decisions)
                work.sink.on_trace(trace.rows)
        except BaseException:  # Ctrl-C, an unreachable server, a full disk: the run ends, and this trace is discarded
            work.sink.on_cut_short(trace.cut_short())
            raise
        state.output = ModelOutput.from_content(str(state.model), trace.answer)
        return state

    @solver(name="ladder")
    def ladder(budgets: list[int], arm: str, settings: dict[str, Any]) -> Solver:  # the log shows these arguments
        return solve

    return ladder(list(work.arm.budgets), work.arm.label, dict(work.arm.plan.settings))


def ladder_scores(budgets: Sequence[int]) -> Scorer:
    """Return the scorer of a ladder log: one value per rung, keyed by its budget."""

    async def score(state: TaskState, target: Target) -> Score:
        rows: list[dict[str, Any]] = state.store.get(RECORDS, [])
        forced_rows = [
            row for row in rows if row["estimand"] == Estimand.FORCED and not row["scorer"].endswith(ON_TRACE)
        ]
        by_budget = {str(row["requested_tokens"]): row["value"] for row in forced_rows}
        return Score(
            value={
                str(budget): math.nan if by_budget.get(str(budget)) is None else by_budget[str(budget)]
                for budget in budgets
            }
        )

    @scorer(metrics={"*": [mean(), stderr()]}, name="ladder_scores")
    def ladder_scores() -> Scorer:
        return score

    return ladder_scores()


def record_dict(record: RungRecord) -> dict[str, Any]:
    """Return a row as stored in a log."""
    return {
        name: str(value) if isinstance(value, Axis | Estimand | Verdict) else value
        for name, value in asdict(record).items()
    }
