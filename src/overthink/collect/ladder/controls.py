"""Control rows of the forced ladder, which separate the effect of forcing from that of thinking (decisions/0007).

Nothing is forced here. ``natural``: after the model ended its thinking it continues, and its own answer is scored.
``sham``: the forced close at that same position, as applied by the ladder. ``truncated``: the partial response at the
rung. In addition the thinking itself may be judged, by a scorer of thinking (``scoring/thoughts``).
"""

from collections.abc import Awaitable, Callable, Collection, Iterator
from dataclasses import dataclass, field, replace

from inspect_ai.model import ModelUsage

from overthink.collect.ladder.climb import Step
from overthink.collect.ladder.sampling import seed_for
from overthink.collect.ladder.thinking import TraceContext
from overthink.collect.providers.continuation import Sampling, Segment
from overthink.collect.scoring.judging import Judgement
from overthink.data.record import ON_TRACE, Estimand, Verdict
from overthink.data.tokens import NO_USAGE, TokenUsage, total
from overthink.plan.study import Plan

NATURAL_CONTROLS = ("natural", "truncated")
"""The controls that need the model's own answer."""


@dataclass(frozen=True, slots=True)
class ControlRow:
    """One control row of the forced ladder.

    Attributes:
        estimand: Effect of the budget on the trace.
        rung: Position on its own curve, from 0.
        requested_tokens: The rung's thinking budget; None without one.
        completion: Scored text.
        judgement: Result of the scorer.
        thinking_tokens: Thinking tokens so far.
        answer_tokens: Tokens of the answer; None if the row has no answer of its own.
        natural_end: The model had ended its thinking by itself.
        is_truncated: The answer was truncated.
        usage: Token usage of the requests newly made for this row.
        seconds: Wall-clock seconds newly spent on this row; None without a clock.
        attempt_seconds: Seconds of one attempt with this end; None if unknown.
        on_trace: The thinking was scored, not the answer.
    """

    estimand: Estimand
    rung: int
    requested_tokens: int | None
    completion: str
    judgement: Judgement
    thinking_tokens: int
    answer_tokens: int | None
    natural_end: bool
    is_truncated: bool | None
    usage: TokenUsage = NO_USAGE
    seconds: float | None = None
    attempt_seconds: float | None = None
    on_trace: bool = False


ScoreCompletion = Callable[[str, bool, ModelUsage], Awaitable[Judgement]]
"""Scores a completion with the task's own scorer; the flag: it was truncated."""


@dataclass
class Controls:
    """The controls of one trace; :meth:`at` takes every step of the ladder, in order.

    Attributes:
        context: Context of the trace.
        score: The task's own scorer.
        kinds: Kinds of controls: "sham", "truncated", "natural".
        score_thought: The scorer of the thinking itself; None without one.
    """

    context: TraceContext
    score: ScoreCompletion
    kinds: Collection[str]
    score_thought: ScoreCompletion | None
    _thought: str = ""
    _truncated_row: ControlRow | None = None
    _trace_row: ControlRow | None = None
    _end_rows: list[ControlRow] = field(default_factory=list)

    async def at(self, step: Step, completion: str, forced_judgement: Judgement) -> list[ControlRow]:
        """Return the control rows that follow from a step.

        Args:
            step: The step.
            completion: Text of its forced answer, as scored.
            forced_judgement: Result of the scorer for it.
        """
        self._thought += step.thought
        rows: list[ControlRow] = []
        natural: ControlRow | None = None
        if step.natural_end and not step.is_carried:
            if any(control in self.kinds for control in NATURAL_CONTROLS):
                natural = await self._natural(step)
            self._end_rows = [
                row for row in (natural, self._sham(step, completion, forced_judgement)) if row is not None
            ]
            self._end_rows = [row for row in self._end_rows if row.estimand in self.kinds]
        if "truncated" in self.kinds:
            self._truncated_row = await self._truncated_control(step, natural)
            rows.append(self._truncated_row)
        if self.score_thought is not None and self._thought.strip():
            self._trace_row = await self._trace_control(step, self.score_thought)
            rows.append(self._trace_row)
        top = step.rung == len(self.context.spec.budgets) - 1
        return [*rows, *(self._end_rows or self._unfinished_rows(step))] if top else rows

    def _unfinished_rows(self, step: Step) -> list[ControlRow]:
        """Return rows without a value for a trace that was still thinking at the top rung."""
        return [
            ControlRow(
                estimand=estimand,
                rung=0,
                requested_tokens=None,
                completion="",
                judgement=Judgement(None, Verdict.TRUNCATED, None, 0, None),
                thinking_tokens=step.thinking_tokens,
                answer_tokens=None,
                natural_end=False,
                is_truncated=True,
                seconds=self.context.watch.no_time,
            )
            for estimand in (Estimand.NATURAL, Estimand.SHAM)
            if estimand in self.kinds
        ]

    async def _natural(self, step: Step) -> ControlRow:
        start = self.context.watch.seconds
        with self.context.watch.running():
            own, turn = await self._own_answer(step)
        elapsed = self.context.watch.since(start)
        completion = self.context.spec.format.visible(turn)
        return ControlRow(
            estimand=Estimand.NATURAL,
            rung=0,
            requested_tokens=None,
            completion=completion,
            judgement=await self.score(completion, not own.is_complete, own.model_usage(step.thinking_tokens)),
            thinking_tokens=step.thinking_tokens,
            answer_tokens=own.tokens,
            natural_end=True,
            is_truncated=not own.is_complete,
            usage=own.usage,
            seconds=elapsed,
            attempt_seconds=total((step.thinking_seconds, elapsed)),
        )

    async def _own_answer(self, step: Step) -> tuple[Segment, str]:
        """Return the model's own continuation after its thinking, and the text of the whole turn."""
        if step.stop == "":  # it ended its turn, so there is nothing more
            return Segment("", (), 0, True, 0, 0), self._thought
        continuation, spec = self.context.continuation, self.context.spec
        # if the server does not report what ended the thinking, the end tag of the format is assumed
        stop = spec.format.end if step.stop is None else step.stop
        prefix = await continuation.append_text(step.prefix, stop) if stop else step.prefix
        request = continuation.decode(
            prefix,
            Sampling(
                max_tokens=spec.budgets[-1] - step.thinking_tokens + spec.answer_tokens,
                seed=seed_for(spec.seed, "natural"),
                temperature=spec.temperature,
                top_p=spec.top_p,
            ),
            truth=spec.truth_for("natural", step.thinking_tokens),
        )
        own = await self.context.meter.send(request)
        return own, self._thought + stop + own.text

    def _sham(self, step: Step, completion: str, forced_judgement: Judgement) -> ControlRow:
        """Return the sham row: the ladder closes an ended trace like a truncated one, with a forced answer."""
        return ControlRow(
            estimand=Estimand.SHAM,
            rung=0,
            requested_tokens=None,
            completion=completion,
            judgement=replace(forced_judgement, judge_tokens=0),
            thinking_tokens=step.thinking_tokens,
            answer_tokens=step.answer.tokens,
            natural_end=True,
            is_truncated=not step.answer.is_complete,
            seconds=self.context.watch.no_time,
            attempt_seconds=step.attempt_seconds,
        )

    async def _truncated_control(self, step: Step, natural: ControlRow | None) -> ControlRow:
        """Return the row of the partial response at the rung; with the model's own answer if it had ended."""
        if natural is not None:
            has_own_row = natural.estimand in self.kinds  # then its own row counts the tokens
            judgement = replace(natural.judgement, judge_tokens=0) if has_own_row else natural.judgement
            row = replace(natural, estimand=Estimand.TRUNCATED, judgement=judgement)
            row = replace(row, usage=NO_USAGE, seconds=self.context.watch.no_time) if has_own_row else row
        elif step.is_carried and self._truncated_row is not None:
            row = self._repeat(self._truncated_row)
        else:
            completion = self.context.spec.format.visible(self._thought)
            row = ControlRow(
                estimand=Estimand.TRUNCATED,
                rung=0,
                requested_tokens=None,
                completion=completion,
                judgement=await self.score(completion, True, _usage_of_thinking(step)),
                thinking_tokens=step.thinking_tokens,
                answer_tokens=0,
                natural_end=False,
                is_truncated=True,
                seconds=self.context.watch.no_time,
                attempt_seconds=step.thinking_seconds,
            )
        return replace(row, rung=step.rung, requested_tokens=step.requested_tokens)

    async def _trace_control(self, step: Step, score: ScoreCompletion) -> ControlRow:
        """Return the row of the thinking so far, judged by the scorer of thinking."""
        if step.is_carried and self._trace_row is not None:
            row = self._repeat(self._trace_row)
        else:
            row = ControlRow(
                estimand=Estimand.FORCED,
                rung=0,
                requested_tokens=None,
                completion=self._thought,
                judgement=await score(self._thought, False, _usage_of_thinking(step)),
                thinking_tokens=step.thinking_tokens,
                answer_tokens=None,
                natural_end=step.natural_end,
                is_truncated=None,
                seconds=self.context.watch.no_time,
                on_trace=True,
            )
        return replace(row, rung=step.rung, requested_tokens=step.requested_tokens)

    def _repeat(self, row: ControlRow) -> ControlRow:
        judgement = replace(row.judgement, judge_tokens=0)
        return replace(row, judgement=judgement, usage=NO_USAGE, seconds=self.context.watch.no_time)


def control_rows(plan: Plan, scorer: str, trace_scorer: str | None) -> Iterator[tuple[Estimand, str, int, int | None]]:
    """Yield estimand, scorer, rung and budget of every control row of a ladder.

    Args:
        plan: The study's plan.
        scorer: The scorer of the forced answers.
        trace_scorer: The scorer of the thinking; None without one.
    """
    ladder = list(enumerate(plan.budgets or ()))
    for control in plan.controls:
        if control == "truncated":
            yield from ((Estimand.TRUNCATED, scorer, *position) for position in ladder)
        else:
            yield Estimand(control), scorer, 0, None
    for rung, budget in ladder if plan.resamples is not None else ():
        yield Estimand.RESAMPLED, scorer, rung, budget
    for rung, budget in ladder if trace_scorer is not None else ():
        if budget:  # without thinking there is nothing to judge
            yield Estimand.FORCED, f"{trace_scorer}{ON_TRACE}", rung, budget


def _usage_of_thinking(step: Step) -> ModelUsage:
    """Return the usage of a reply that ended where the thinking was cut."""
    return replace(step.answer, tokens=0).model_usage(step.thinking_tokens)
