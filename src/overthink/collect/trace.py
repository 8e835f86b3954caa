"""One trace while it is being collected: its rows and texts, those of the forced ladder and those beside it."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from inspect_ai.scorer import Scorer
from inspect_ai.solver import Solver, TaskState

from overthink.collect.added_forks import added_forks
from overthink.collect.arms import Arm
from overthink.collect.books import Books
from overthink.collect.boundary import Boundary
from overthink.collect.climb import Step, climb
from overthink.collect.continuation import Continuation
from overthink.collect.controls import ControlRow, Controls, rows_beside
from overthink.collect.judging import Judge, Judgement, tokens_used
from overthink.collect.keeper import Keeper
from overthink.collect.replay import Replay, evaluated_model
from overthink.collect.resample import Resampling
from overthink.collect.stopwatch import Clock
from overthink.collect.thinking import Means
from overthink.collect.way import Way
from overthink.collect.way_of import completion_of, trace_seed, way_of
from overthink.core.added_rungs import Fork, Row, place
from overthink.core.controls import ON_TRACE
from overthink.core.cut_short import CutShort
from overthink.core.on_the_way import NOTHING
from overthink.core.record import Axis, Estimand, RungRecord, Verdict
from overthink.plan import Plan, TaskPlan


@dataclass(frozen=True)
class LadderTask:
    """Everything the ladder needs to know of one task.

    Attributes:
        study: Name of the study.
        plan: The study's plan.
        task: The task's part of the plan.
        name: The task's name in the pool.
        arm: How it thinks.
        solver: The task's own solver.
        scorers: The task's own scorers.
        keeper: What is there already, and who keeps what is new.
        boundary: Where failures are caught.
        draws: By question: the draws to collect; the first epoch is the first of them.
        clock: Takes the time of traces; None where nobody does.
    """

    study: str
    plan: Plan
    task: TaskPlan
    name: str
    arm: Arm
    solver: Solver
    scorers: Sequence[Scorer]
    keeper: Keeper
    boundary: Boundary
    draws: Mapping[str, Sequence[int]]
    clock: Clock | None = None


class Trace:
    """The rows and texts of one trace while it is being collected: those of the forced ladder, and those beside it."""

    def __init__(self, work: LadderTask, scorer_name: str, state: TaskState, draw: int) -> None:
        self.records: list[RungRecord] = []
        self.beside: list[RungRecord] = []
        self.answer = ""
        self.texts: list[dict[str, Any]] = []
        self.thought: tuple[int, ...] | None = None
        self._work = work
        self._scorer = scorer_name
        self._question = str(state.sample_id)
        self._draw = draw
        self._seed = trace_seed(work.plan, self.name)
        self._sparse = work.keeper.sparse.get(self.name)
        self._books = Books(work.clock)

    @property
    def name(self) -> Row:
        """What names the trace in its study."""
        return self._work.name, self._work.arm.label, self._question, self._draw

    @property
    def rows(self) -> list[RungRecord]:
        """All rows, lowest rung of the ladder first."""
        return [*self.records, *self.beside]

    async def collect(self, replay: Replay, judge: Judge, state: TaskState, continuation: Continuation) -> None:
        """Climb the ladder and judge every rung; rows are there as soon as their rung is judged."""
        prompt = await replay.prompt(state)
        await replay.answered(state, "")  # a solver that cannot be replayed is found before anything is paid
        way = self._way(evaluated_model(), "\n".join(message.text for message in prompt), state)
        judged: Judgement | None = None

        async def score(completion: str, cut: bool) -> Judgement:
            before = tokens_used()
            try:
                return await judge(await replay.answered(state, completion), state.target, truncated=cut)
            finally:
                self._books.judge_tokens += tokens_used() - before

        async def grade(answer: str, cut: bool) -> Judgement:
            return await score(completion_of(plan, way, answer), cut)

        plan, has_controls = self._work.plan, self._work.arm.is_base and self._sparse is None
        means = Means(continuation, way, self._books.till, tuple(prompt), grade, self._books.watch)
        controls, steps = Controls(means, score, plan.controls, plan.judge_traces), list[Step]()
        async for step in self._steps(means):
            if isinstance(step, RungRecord):
                self.records.append(step)
                continue
            completion = completion_of(plan, way, step.answer.text)
            steps.append(step)
            if judged is None or not step.carried:
                judged = await score(completion, not step.answer.ended)
            self._keep(step, judged, completion)
            self._books.settle()
            self.thought = step.thought_ids if self._work.arm.is_base else None
            if has_controls:
                self._keep_beside(await controls.at(step, completion, judged))
        if has_controls and plan.resamples is not None:
            resampling = Resampling(
                means,
                grade,
                tries=plan.resamples,
                bisect=plan.resample_at == "bisect",
            )
            self._keep_beside(await resampling.of(steps))

    def _steps(self, means: Means) -> AsyncIterator[Step] | AsyncIterator[RungRecord | Step]:
        """The trace from its beginning, or where it is there already, only the rungs that it lacks."""
        if self._sparse is None:
            return climb(means, self._work.arm.thinker(means))
        forced, self.beside = _apart(self._sparse.rows, means.way.budgets)
        return added_forks(means, replace(self._sparse, rows=forced))

    def mark_errored(self, error: str) -> None:
        """Give every rung that was not reached a row that says why; rows that were there before stand.

        The first of them tells what was paid and no row tells yet, and so do their sums: all but what the request that
        failed has taken itself, which nobody knows.
        """
        self._books.write_off()
        for rung, entry in list(enumerate(self._not_forked()))[len(self.records) :]:
            if isinstance(entry, RungRecord):
                self.records.append(entry)
                continue
            lost = self._books.columns(beside=False)
            # what was thought for a rung above is counted at the lowest rung that needs it, forked or not
            lost["generated_tokens"] += 0 if entry is None else entry.newly
            budget = self._work.arm.budgets[rung]
            self.records.append(self._record(rung, budget, verdict=Verdict.ERRORED, error=error, **lost))
            self._books.settle()
        if self._sparse is None and self._work.arm.is_base:
            have = {(row.estimand, row.scorer, row.rung) for row in self.beside}
            for estimand, scorer, at, asked in rows_beside(self._work.plan, self._scorer):
                if (estimand, scorer, at) not in have:
                    lost = self._books.columns(beside=True) | {"verdict": Verdict.ERRORED, "error": error}
                    self.beside.append(self._record(at, asked, estimand=estimand, scorer=scorer, **lost))
                    self._books.settle()

    def cut_short(self) -> CutShort:
        """What was paid, for a trace whose rows nobody will keep."""
        return self._books.cut_short(self.name)

    def _not_forked(self) -> Sequence[RungRecord | Fork | None]:
        """By rung: the row that was there before, the fork that it needs, or nothing where nothing was there."""
        if self._sparse is None:
            return [None] * len(self._work.arm.budgets)
        budgets = self._work.arm.budgets
        forced, _ = _apart(self._sparse.rows, budgets)
        try:
            return place(replace(self._sparse, rows=forced), budgets)
        except ValueError:  # that is what failed: the trace and the ladder do not fit each other
            own = {row.requested_tokens: row for row in forced}
            return [replace(own[b], rung=rung) if b in own else None for rung, b in enumerate(budgets)]

    def _way(self, model: Any, prompt: str, state: TaskState) -> Way:
        work, budgets = self._work, self._work.arm.budgets
        return way_of(work.plan, work.task, trace=self.name, budgets=budgets, prompt=prompt, state=state, model=model)

    def _keep(self, step: Step, judged: Judgement, completion: str) -> None:
        self.records.append(
            self._record(
                step.rung,
                step.requested_tokens,
                verdict=judged.verdict,
                value=judged.value,
                thinking_tokens=step.thinking_tokens,
                answer_tokens=step.answer.tokens,
                generated_tokens=step.generated_tokens,
                prompt_tokens=step.prompt_tokens,
                cached_tokens=step.cached_tokens,
                verifier_tokens=0,
                judge_tokens=0 if step.carried else judged.judge_tokens,
                verifier_score=step.score,
                **asdict(step.on_the_way),
                seconds=step.seconds,
                attempt_seconds=step.attempt_seconds,
                natural_end=step.natural_end,
                truncated=not step.answer.ended,
                answer=judged.answer,
            )
        )
        self.answer = completion
        self.texts.append(
            {
                "rung": step.rung,
                "thought": step.thought,
                "afresh": step.afresh,  # the thinking is all of it, and not what came behind the rung below
                "answer": completion,
                "explanation": judged.explanation,
            }
        )

    def _keep_beside(self, rows: Sequence[ControlRow]) -> None:
        for row in rows:
            self._keep_one_beside(row)
        self._books.settle()

    def _keep_one_beside(self, row: ControlRow) -> None:
        self.beside.append(
            self._record(
                row.rung,
                row.requested_tokens,
                estimand=row.estimand,
                scorer=self._scorer + (ON_TRACE if row.on_trace else ""),
                verdict=row.judged.verdict,
                value=row.judged.value,
                thinking_tokens=row.thinking_tokens,
                answer_tokens=row.answer_tokens,
                generated_tokens=row.generated_tokens,
                prompt_tokens=row.prompt_tokens,
                cached_tokens=row.cached_tokens,
                verifier_tokens=0,
                judge_tokens=row.judged.judge_tokens,
                **asdict(NOTHING),
                seconds=row.seconds,
                attempt_seconds=row.attempt_seconds,
                natural_end=row.natural_end,
                truncated=row.truncated,
                answer=row.judged.answer,
            )
        )
        self.texts.append(
            {
                "rung": row.rung,
                "beside": "trace" if row.on_trace else str(row.estimand),
                "answer": None if row.on_trace else row.completion,  # the thinking is there already
                "explanation": row.judged.explanation,
            }
        )

    def _record(
        self,
        rung: int,
        budget: int | None,
        *,
        estimand: Estimand = Estimand.FORCED,
        scorer: str | None = None,
        **seen: Any,
    ) -> RungRecord:
        return RungRecord(
            study=self._work.study,
            arm=self._work.arm.label,
            axis=Axis(self._work.task.axis),
            task=self._work.name,
            scorer=scorer or self._scorer,
            question=self._question,
            draw=self._draw,
            rung=rung,
            estimand=estimand,
            requested_tokens=budget,
            model=self._work.plan.model,
            seed=self._seed,
            **seen,
        )


def _apart(rows: Sequence[RungRecord], budgets: Sequence[int]) -> tuple[tuple[RungRecord, ...], list[RungRecord]]:
    """The forced rows of a trace, and those beside them, moved to where their budgets are on the present ladder."""
    forced = tuple(row for row in rows if row.estimand == Estimand.FORCED and not row.scorer.endswith(ON_TRACE))
    beside = [row for row in rows if row not in forced]
    place: dict[int | None, int] = {budget: rung for rung, budget in enumerate(budgets)}
    return forced, [replace(row, rung=place.get(row.requested_tokens, 0)) for row in beside]
