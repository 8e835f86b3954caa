"""Collection of one trace: rows and texts of the forced ladder and of its controls."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from inspect_ai.scorer import Scorer
from inspect_ai.solver import Solver, TaskState

from overthink.collect.arms.registry import Arm
from overthink.collect.ladder.accounting import TraceAccounting
from overthink.collect.ladder.climb import Step, added_forks, run_ladder
from overthink.collect.ladder.clock import Clock
from overthink.collect.ladder.controls import ControlRow, Controls, ScoreCompletion, control_rows
from overthink.collect.ladder.decisions import Decisions, YokedDecisions, donor_of
from overthink.collect.ladder.resample import Resampling
from overthink.collect.ladder.sampling import SamplingSpec, completion_of, sampling_spec, trace_seed
from overthink.collect.ladder.thinking import TraceContext
from overthink.collect.providers.continuation import Continuation
from overthink.collect.scoring.judging import AnswerJudge, Judgement, tokens_used
from overthink.collect.scoring.replay import Replay, evaluated_model
from overthink.collect.session.failures import Boundary
from overthink.collect.sinks import TraceSink
from overthink.data.decisions import TraceDecisions
from overthink.data.missing_rungs import Fork, TraceKey, place_rungs
from overthink.data.record import ON_TRACE, Axis, Estimand, RungRecord, Verdict
from overthink.data.tokens import CutShort
from overthink.plan.study import Plan, TaskPlan


@dataclass(frozen=True)
class LadderTask:
    """Inputs of the ladder for one task.

    Attributes:
        study: Name of the study.
        plan: The study's plan.
        task: The task's plan.
        name: The task's name in the pool.
        arm: The arm.
        solver: The task's own solver.
        scorers: The task's own scorers.
        sink: Sink of new traces, with the existing ones.
        boundary: Handler of failures.
        draws: Draws to collect by question; epoch 1 is the first of them.
        clock: Monotonic clock; None without timing.
    """

    study: str
    plan: Plan
    task: TaskPlan
    name: str
    arm: Arm
    solver: Solver
    scorers: Sequence[Scorer]
    sink: TraceSink
    boundary: Boundary
    draws: Mapping[str, Sequence[int]]
    clock: Clock | None = None


@dataclass(frozen=True)
class Judges:
    """The judges of a trace.

    Attributes:
        answer: Judge of the answers.
        thought: Judge of the thinking itself; None without one.
    """

    answer: AnswerJudge
    thought: AnswerJudge | None

    @property
    def thought_name(self) -> str | None:
        """Name of the scorer of the thinking, as in the pool before its suffix; None without one."""
        return None if self.thought is None else self.thought.name


class Trace:
    """Rows and texts of one trace during its collection: of the forced ladder, and of its controls."""

    def __init__(self, work: LadderTask, judges: Judges, state: TaskState, draw: int) -> None:
        self.records: list[RungRecord] = []
        self.beside: list[RungRecord] = []
        self.answer = ""
        self.texts: list[dict[str, Any]] = []
        self.thought: tuple[int, ...] | None = None
        self._work = work
        self._judges = judges
        self._scorer = judges.answer.name
        self._question = str(state.sample_id)
        self._draw = draw
        self._seed = trace_seed(work.plan, self.name)
        self._sparse = work.sink.sparse.get(self.name)
        self._books = TraceAccounting(work.clock)
        self._donor: TraceKey | None = None
        self._decisions = Decisions()

    @property
    def name(self) -> TraceKey:
        """Key of the trace in its study."""
        return self._work.name, self._work.arm.label, self._question, self._draw

    @property
    def rows(self) -> list[RungRecord]:
        """All rows, lowest rung of the ladder first."""
        return [*self.records, *self.beside]

    async def collect(self, replay: Replay, state: TaskState, continuation: Continuation) -> None:
        """Climb the ladder and judge every rung; each row is added as soon as its rung is judged."""
        prompt = await replay.prompt(state)
        await replay.process_completion(state, "")  # a solver that cannot be replayed is found before anything is paid
        spec = self._sampling_spec(evaluated_model(), "\n".join(message.text for message in prompt), state)
        judgement: Judgement | None = None

        def scoring(judge: AnswerJudge) -> ScoreCompletion:
            async def score(completion: str, cut: bool) -> Judgement:
                before = tokens_used()
                try:
                    after = await replay.process_completion(state, completion)
                    return await judge(after, state.target, is_truncated=cut)
                finally:
                    self._books.judge_tokens += tokens_used() - before

            return score

        score = scoring(self._judges.answer)

        async def grade(answer: str, cut: bool) -> Judgement:
            return await score(completion_of(plan, spec, answer), cut)

        plan, has_controls = self._work.plan, self._work.arm.is_base and self._sparse is None
        self._decisions = self._own_or_yoked()
        context = TraceContext(
            *(continuation, spec, self._books.meter, tuple(prompt), grade, self._books.watch),
            decisions=self._decisions,
        )
        score_thought = None if self._judges.thought is None else scoring(self._judges.thought)
        controls, steps = Controls(context, score, plan.controls, score_thought), list[Step]()
        async for step in self._steps(context):
            if isinstance(step, RungRecord):
                self.records.append(step)
                continue
            completion = completion_of(plan, spec, step.answer.text)
            steps.append(step)
            if judgement is None or not step.is_carried:
                judgement = await score(completion, not step.answer.is_complete)
            self._keep(step, judgement, completion)
            self._books.settle()
            self.thought = step.thought_ids if self._work.arm.is_base else None
            if has_controls:
                self._keep_beside(await controls.at(step, completion, judgement))
        if has_controls and plan.resamples is not None:
            resampling = Resampling(
                context,
                grade,
                tries=plan.resamples,
                bisect=plan.resample_at == "bisect",
            )
            self._keep_beside(await resampling.of(steps))

    def _steps(self, context: TraceContext) -> AsyncIterator[Step] | AsyncIterator[RungRecord | Step]:
        """Yield the steps of the whole trace, or of the missing rungs of an existing one."""
        if self._sparse is None:
            return run_ladder(context, self._work.arm.thinker(context))
        forced_rows, self.beside = _split_rows(self._sparse.rows, context.spec.budgets)
        return added_forks(context, replace(self._sparse, rows=forced_rows))

    def _own_or_yoked(self) -> Decisions:
        """Return the empty record of decisions; those of a donor for a placebo.

        Raises:
            DecisionError: There is no donor.
        """
        of = self._work.arm.plan.placebo_of
        if of is None:
            return Decisions()
        stored = self._work.sink.decisions
        donors = [key for key in stored if key[1] == of]
        self._donor = donor_of(self.name, donors, seed=self._work.plan.seed)
        return YokedDecisions(stored[self._donor].decisions, seed=self._seed)

    @property
    def decisions(self) -> TraceDecisions | None:
        """Its decisions; None for an arm that decides nothing."""
        if not self._work.arm.decides:
            return None
        donor = None if self._donor is None else (self._donor[0], *self._donor[2:])
        return TraceDecisions(*self.name, self._decisions.rows, donor)

    def mark_errored(self, error: str) -> None:
        """Add an errored row for every missing rung; existing rows are kept.

        The first of them reports the usage that no row reports yet, so that the sums are complete, except for the
        unknown usage of the failed request.
        """
        self._books.write_off()
        for rung, entry in list(enumerate(self._not_forked()))[len(self.records) :]:
            if isinstance(entry, RungRecord):
                self.records.append(entry)
                continue
            lost = self._books.columns(is_control=False)
            # thinking for a rung above is counted at the lowest rung that needs it, forked or not
            lost["generated_tokens"] += 0 if entry is None else entry.newly
            budget = self._work.arm.budgets[rung]
            self.records.append(self._record(rung, budget, verdict=Verdict.ERRORED, error=error, **lost))
            self._books.settle()
        if self._sparse is None and self._work.arm.is_base:
            have = {(row.estimand, row.scorer, row.rung) for row in self.beside}
            for estimand, scorer, at, requested_tokens in control_rows(
                self._work.plan, self._scorer, self._judges.thought_name
            ):
                if (estimand, scorer, at) not in have:
                    lost = self._books.columns(is_control=True) | {"verdict": Verdict.ERRORED, "error": error}
                    self.beside.append(self._record(at, requested_tokens, estimand=estimand, scorer=scorer, **lost))
                    self._books.settle()

    def cut_short(self) -> CutShort:
        """Return the usage of a trace whose rows will not be stored."""
        return self._books.cut_short(self.name)

    def _not_forked(self) -> Sequence[RungRecord | Fork | None]:
        """Return for each rung the existing row, the fork that it needs, or None for a new trace."""
        if self._sparse is None:
            return [None] * len(self._work.arm.budgets)
        budgets = self._work.arm.budgets
        forced_rows, _ = _split_rows(self._sparse.rows, budgets)
        try:
            return place_rungs(replace(self._sparse, rows=forced_rows), budgets)
        except ValueError:  # the cause of the failure: the trace does not fit the ladder
            own = {row.requested_tokens: row for row in forced_rows}
            return [replace(own[b], rung=rung) if b in own else None for rung, b in enumerate(budgets)]

    def _sampling_spec(self, model: Any, prompt: str, state: TaskState) -> SamplingSpec:
        work, budgets = self._work, self._work.arm.budgets
        return sampling_spec(
            work.plan, work.task, trace=self.name, budgets=budgets, prompt=prompt, state=state, model=model
        )

    def _keep(self, step: Step, judgement: Judgement, completion: str) -> None:
        usage = replace(
            step.usage,
            thinking_tokens=step.thinking_tokens,
            answer_tokens=step.answer.tokens,
            judge_tokens=0 if step.is_carried else judgement.judge_tokens,
        )
        self.records.append(
            self._record(
                step.rung,
                step.requested_tokens,
                verdict=judgement.verdict,
                value=judgement.value,
                verifier_score=step.score,
                **usage.columns(),
                seconds=step.seconds,
                attempt_seconds=step.attempt_seconds,
                natural_end=step.natural_end,
                truncated=not step.answer.is_complete,
                answer=judgement.answer,
            )
        )
        self.answer = completion
        self.texts.append(
            {
                "rung": step.rung,
                "thought": step.thought,
                "afresh": step.is_restart,  # the text is the whole thinking, not the part since the rung below
                "answer": completion,
                "explanation": judgement.explanation,
            }
        )

    def _keep_beside(self, rows: Sequence[ControlRow]) -> None:
        for row in rows:
            self._keep_one_beside(row)
        self._books.settle()

    def _keep_one_beside(self, row: ControlRow) -> None:
        usage = replace(
            row.usage,
            thinking_tokens=row.thinking_tokens,
            answer_tokens=row.answer_tokens,
            judge_tokens=row.judgement.judge_tokens,
        )
        self.beside.append(
            self._record(
                row.rung,
                row.requested_tokens,
                estimand=row.estimand,
                scorer=f"{self._judges.thought_name}{ON_TRACE}" if row.on_trace else self._scorer,
                verdict=row.judgement.verdict,
                value=row.judgement.value,
                **usage.columns(),
                seconds=row.seconds,
                attempt_seconds=row.attempt_seconds,
                natural_end=row.natural_end,
                truncated=row.is_truncated,
                answer=row.judgement.answer,
            )
        )
        self.texts.append(
            {
                "rung": row.rung,
                "beside": "trace" if row.on_trace else str(row.estimand),
                "answer": None if row.on_trace else row.completion,  # the thinking is stored already
                "explanation": row.judgement.explanation,
            }
        )

    def _record(
        self,
        rung: int,
        budget: int | None,
        *,
        estimand: Estimand = Estimand.FORCED,
        scorer: str | None = None,
        **columns: Any,
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
            **columns,
        )


def _split_rows(rows: Sequence[RungRecord], budgets: Sequence[int]) -> tuple[tuple[RungRecord, ...], list[RungRecord]]:
    """Return the forced rows of a trace, and its control rows moved to the current rungs of their budgets."""
    forced_rows = tuple(row for row in rows if row.estimand == Estimand.FORCED and not row.scorer.endswith(ON_TRACE))
    beside = [row for row in rows if row not in forced_rows]
    rung_of_budget: dict[int | None, int] = {budget: rung for rung, budget in enumerate(budgets)}
    return forced_rows, [replace(row, rung=rung_of_budget.get(row.requested_tokens, 0)) for row in beside]
