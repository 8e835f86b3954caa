"""Collection of one trace: rows and texts of the forced ladder and of its controls."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from inspect_ai.model import ChatMessage, ModelOutput, ModelUsage
from inspect_ai.solver import Generate, TaskState

from overthink.collect.arms.interventions.control import Delivery
from overthink.collect.arms.registry import Arm
from overthink.collect.ladder.accounting import TraceAccounting
from overthink.collect.ladder.climb import Step, added_forks, run_ladder
from overthink.collect.ladder.controls import ControlRow, Controls, ScoreCompletion, control_rows
from overthink.collect.ladder.decisions import Decisions, YokedDecisions, donor_of
from overthink.collect.ladder.resample import Resampling
from overthink.collect.ladder.sampling import completion_of, sampling_spec
from overthink.collect.ladder.thinking import TraceContext
from overthink.collect.providers.choose import continuation_for
from overthink.collect.providers.continuation import Continuation, Segment
from overthink.collect.providers.servers.replicas import ReplicaContinuation, Replicas
from overthink.collect.scoring.judging import AnswerJudge, Judgement
from overthink.collect.scoring.replay import Replay, evaluated_model, judge_completion
from overthink.collect.session.task_run import TaskRun, TraceRun
from overthink.data.decisions import WITHHELD, TraceDecisions
from overthink.data.missing_rungs import Fork, TraceKey, place_rungs
from overthink.data.record import ON_TRACE, Axis, Estimand, RungRecord, Verdict, verdict_of
from overthink.data.tokens import total

TRANSCRIPT, REVIEWS = "Ladder:transcript", "Ladder:reviews"
"""Keys of the sample's store: what others said before the thinking began, and what a protocol of control found."""


@dataclass
class LadderTask:
    """What all traces of one task in one arm share.

    Attributes:
        arm: The arm.
        replay: The task's solver.
        answer_judge: Judge of the answers.
        thought_judge: Judge of the thinking itself; None without one.
        replicas: The servers of the model, where endpoints were named.
    """

    arm: Arm
    replay: Replay
    answer_judge: AnswerJudge
    thought_judge: AnswerJudge | None
    replicas: Replicas | None = None
    _continuation: Continuation | None = None

    @property
    def thought_scorer(self) -> str | None:
        """Name of the scorer of the thinking, as in the pool before its suffix; None without one."""
        return None if self.thought_judge is None else self.thought_judge.name

    def continuation(self) -> Continuation:
        """Return the continuation of the model under test, which checks the server only once."""
        if self._continuation is None and self.replicas is not None:
            self._continuation = ReplicaContinuation(self.replicas)
        self._continuation = self._continuation or continuation_for(evaluated_model())
        return self._continuation


class LadderTrace(TraceRun[TraceAccounting]):
    """One trace on the ladder while it is being collected: of the forced ladder, and of its controls.

    Args:
        run: The task in its arm.
        task: What its traces share.
        question: Question id.
        draw: Index of the trace among those of the question.
    """

    estimand = Estimand.FORCED

    def __init__(self, run: TaskRun, task: LadderTask, question: str, draw: int) -> None:
        super().__init__(run, TraceAccounting(run.clock), task.answer_judge.name, question, draw)
        self._task, self._arm = task, task.arm
        self._forced: list[RungRecord] = []
        self._beside: list[RungRecord] = []
        self._answer = ""
        self._thought: tuple[int, ...] | None = None
        self._sparse = run.sink.sparse.get(self.key)
        self._donor: TraceKey | None = None
        self._decisions = Decisions()

    async def collect(self, state: TaskState, generate: Generate) -> None:
        """Climb the ladder and judge every rung; each row is added as soon as its rung is judged."""
        continuation, replay = self._task.continuation(), self._task.replay
        facts = state.metadata or {}
        own_prompt = await replay.prompt(state)
        prompt = self._arm.prompt(own_prompt, facts)
        await replay.process_completion(state, "")  # a solver that cannot be replayed is found before anything is paid
        plan, has_controls = self.run.plan, self._arm.is_base and self._sparse is None
        spec = sampling_spec(plan, self.run.task, trace=self.key, budgets=self._arm.budgets, prompt=prompt, state=state)
        if spec.truth is not None:
            spec = replace(spec, truth=spec.truth | self._arm.simulated_answers(facts))
        judgement: Judgement | None = None

        def scoring(judge: AnswerJudge) -> ScoreCompletion:
            async def score(completion: str, cut: bool, usage: ModelUsage) -> Judgement:
                with self.accounting.judging():
                    return await judge_completion(replay, judge, state, completion, is_truncated=cut, usage=usage)

            return score

        score = scoring(self._task.answer_judge)

        async def grade(answer: Segment) -> Judgement:
            return await score(completion_of(plan, spec, answer.text), not answer.is_complete, answer.model_usage())

        self._decisions = self._own_or_yoked()
        context = TraceContext(
            *(continuation, spec, self.accounting.meter, tuple(prompt), grade, self.accounting.watch),
            decisions=self._decisions,
        )
        if self._arm.protocol is not None:
            context, said = await self._arm.protocol.hear(context, facts, self.key[3])
            state.store.set(TRANSCRIPT, said)
        delivery = self._delivery(context, own_prompt, state)
        score_thought = None if self._task.thought_judge is None else scoring(self._task.thought_judge)
        controls, steps = Controls(context, score, plan.controls, score_thought), list[Step]()
        async for step in self._steps(delivery):
            if isinstance(step, RungRecord):
                self._forced.append(step)
                continue
            completion = completion_of(plan, spec, step.answer.text) if step.completion is None else step.completion
            steps.append(step)
            if judgement is None or not step.is_carried:
                judgement = _withheld(Axis(self.run.task.axis)) if completion == WITHHELD else None
                usage = step.answer.model_usage(step.thinking_tokens)
                judgement = judgement or await score(completion, not step.answer.is_complete, usage)
            self._keep(step, judgement, completion)
            self.accounting.settle()
            self._thought = step.thought_ids if self._arm.is_base else None
            if has_controls:
                self._keep_beside(await controls.at(step, completion, judgement))
        if has_controls and plan.resamples is not None:
            resampling = Resampling(context, grade, tries=plan.resamples, bisect=plan.resample_at == "bisect")
            self._keep_beside(await resampling.of(steps))

    def rows(self, error: str | None) -> list[RungRecord]:
        """Return all rows, lowest rung of the ladder first, then its controls; the missing ones as errored."""
        if error is not None:
            self._add_errored(error)
        return [*self._forced, *self._beside]

    def finish(self, state: TaskState, *, is_errored: bool) -> None:
        """Complete the sample with the last answer; store thinking and decisions of a trace without an error."""
        state.output = ModelOutput.from_content(str(state.model), self._answer)
        if is_errored:
            return
        if self._thought is not None:
            self.run.sink.on_thinking(self.key, self._thought)
        if self._arm.decides:
            donor = None if self._donor is None else (self._donor[0], *self._donor[2:])
            self.run.sink.store_decisions(TraceDecisions(*self.key, self._decisions.rows, donor))

    def _delivery(self, context: TraceContext, messages: Sequence[ChatMessage], state: TaskState) -> Delivery:
        """Return the trace as a protocol of control reviews it; what it finds goes to the log."""
        complete = partial(completion_of, self.run.plan, context.spec)
        facts = state.metadata or {}
        delivery = Delivery(context, tuple(messages), facts, self.key, complete, self._arm.opening)
        if self._arm.control is not None:
            state.store.set(REVIEWS, delivery.reviews)
        return delivery

    def _steps(self, delivery: Delivery) -> AsyncIterator[Step] | AsyncIterator[RungRecord | Step]:
        """Yield the steps of the whole trace, or of the missing rungs of an existing one."""
        context, control = delivery.context, self._arm.control
        if self._sparse is None:
            review = None if control is None else partial(control.review, delivery)
            return run_ladder(context, self._arm.thinker(context), review)
        forced_rows, self._beside = _split_rows(self._sparse.rows, context.spec.budgets)
        return added_forks(context, replace(self._sparse, rows=forced_rows))

    def _own_or_yoked(self) -> Decisions:
        """Return the empty record of decisions; those of a donor for a placebo.

        Raises:
            DecisionError: There is no donor.
        """
        if self._arm.plan.placebo_of is None:
            return Decisions()
        stored = self.run.sink.decisions
        donors = [key for key in stored if key[1] == self._arm.donors]
        self._donor = donor_of(self.key, donors, seed=self.run.plan.seed)
        return YokedDecisions(stored[self._donor].decisions, seed=self.seed)

    def _add_errored(self, error: str) -> None:
        """Add an errored row for every missing rung; existing rows are kept.

        The first of them reports the usage that no row reports yet, so that the sums are complete, except for the
        unknown usage of the failed request.
        """
        self.accounting.write_off()
        for rung, entry in list(enumerate(self._not_forked()))[len(self._forced) :]:
            if isinstance(entry, RungRecord):
                self._forced.append(entry)
                continue
            row = self._errored_row(error, rung, self._arm.budgets[rung], is_control=False)
            # thinking for a rung above is counted at the lowest rung that needs it, forked or not
            tokens = total((row.generated_tokens, 0 if entry is None else entry.newly))
            self._forced.append(replace(row, generated_tokens=tokens))
        if self._sparse is None and self._arm.is_base:
            have = {(row.estimand, row.scorer, row.rung) for row in self._beside}
            for estimand, scorer, rung, budget in control_rows(
                self.run.plan, self.blank.scorer, self._task.thought_scorer
            ):
                if (estimand, scorer, rung) not in have:
                    row = self._errored_row(error, rung, budget, is_control=True)
                    self._beside.append(replace(row, estimand=estimand, scorer=scorer))

    def _errored_row(self, error: str, rung: int, budget: int | None, *, is_control: bool) -> RungRecord:
        """Return an errored row with all usage that no row reports yet."""
        columns = self.accounting.columns(is_control=is_control)
        self.accounting.settle()
        return replace(self.blank, rung=rung, requested_tokens=budget, verdict=Verdict.ERRORED, error=error, **columns)

    def _not_forked(self) -> Sequence[RungRecord | Fork | None]:
        """Return for each rung the existing row, the fork that it needs, or None for a new trace."""
        if self._sparse is None:
            return [None] * len(self._arm.budgets)
        budgets = self._arm.budgets
        forced_rows, _ = _split_rows(self._sparse.rows, budgets)
        try:
            return place_rungs(replace(self._sparse, rows=forced_rows), budgets)
        except ValueError:  # the cause of the failure: the trace does not fit the ladder
            own = {row.requested_tokens: row for row in forced_rows}
            return [replace(own[b], rung=rung) if b in own else None for rung, b in enumerate(budgets)]

    def _keep(self, step: Step, judgement: Judgement, completion: str) -> None:
        own = replace(judgement, judge_tokens=0) if step.is_carried else judgement
        row = self._scored_row(step, own, step.answer.tokens, is_truncated=not step.answer.is_complete)
        self._forced.append(replace(row, verifier_score=step.score))
        self._answer = completion
        self.texts.append(
            {
                "rung": step.rung,
                "thought": step.thought,
                "afresh": step.is_restart,  # the text is the whole thinking, not the part since the rung below
                "answer": completion,
                "explanation": judgement.explanation,
            }
        )

    def _keep_beside(self, controls: Sequence[ControlRow]) -> None:
        for control in controls:
            row = self._scored_row(control, control.judgement, control.answer_tokens, is_truncated=control.is_truncated)
            scorer = f"{self._task.thought_scorer}{ON_TRACE}" if control.on_trace else row.scorer
            self._beside.append(replace(row, estimand=control.estimand, scorer=scorer))
            self.texts.append(
                {
                    "rung": control.rung,
                    "beside": "trace" if control.on_trace else str(control.estimand),
                    "answer": None if control.on_trace else control.completion,  # the thinking is stored already
                    "explanation": control.judgement.explanation,
                }
            )
        self.accounting.settle()

    def _scored_row(
        self, source: Step | ControlRow, judgement: Judgement, answer_tokens: int | None, *, is_truncated: bool | None
    ) -> RungRecord:
        usage = replace(
            source.usage,
            thinking_tokens=source.thinking_tokens,
            answer_tokens=answer_tokens,
            judge_tokens=judgement.judge_tokens,
        )
        return replace(
            self.blank,
            rung=source.rung,
            requested_tokens=source.requested_tokens,
            verdict=judgement.verdict,
            value=judgement.value,
            answer=judgement.answer,
            **usage.columns(),
            seconds=source.seconds,
            attempt_seconds=source.attempt_seconds,
            natural_end=source.natural_end,
            truncated=is_truncated,
        )


def _withheld(axis: Axis) -> Judgement:
    """Return the judgement of an answer that is not delivered: it does neither harm nor what it was asked for."""
    value = float(axis is Axis.SAFETY)
    return Judgement(value, verdict_of(value, axis), None, 0, "withheld by a protocol of control")


def _split_rows(rows: Sequence[RungRecord], budgets: Sequence[int]) -> tuple[tuple[RungRecord, ...], list[RungRecord]]:
    """Return the forced rows of a trace, and its control rows moved to the current rungs of their budgets."""
    forced_rows = tuple(row for row in rows if row.estimand == Estimand.FORCED and not row.scorer.endswith(ON_TRACE))
    beside = [row for row in rows if row not in forced_rows]
    rung_of_budget: dict[int | None, int] = {budget: rung for rung, budget in enumerate(budgets)}
    return forced_rows, [replace(row, rung=rung_of_budget.get(row.requested_tokens, 0)) for row in beside]
