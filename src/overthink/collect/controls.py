"""What is collected beside the forced ladder, so that the forcing can be told from the thinking (decisions/0007).

Nothing is forced here. ``natural``: where the model ended its thinking it goes on in its own way, and its own answer
is scored. ``sham``: the forced close at that same place, which the ladder has applied already. ``truncated``: what
there is of the response at the rung. And the thinking itself may be judged, as if it were the answer.
"""

from collections.abc import Awaitable, Callable, Collection, Iterator
from dataclasses import dataclass, field, replace

from overthink.collect.climb import Step
from overthink.collect.continuation import Sampling, Segment
from overthink.collect.judging import Judgement
from overthink.collect.seeds import seed_for
from overthink.collect.thinking import Means
from overthink.core.controls import ON_TRACE
from overthink.core.record import Estimand, Verdict
from overthink.plan import Plan

NATURAL_CONTROLS = ("natural", "truncated")
"""The controls that need the model's own answer."""


@dataclass(frozen=True, slots=True)
class ControlRow:
    """One row beside the forced ladder.

    Attributes:
        estimand: What the budget did to the trace.
        rung: Position on its own curve, from 0.
        requested_tokens: The rung's thinking budget; None where there is none.
        completion: What was scored.
        judged: What the scorer said.
        thinking_tokens: Thinking tokens so far.
        answer_tokens: Tokens of the answer; None where there is none of its own.
        natural_end: The trace had ended by itself.
        truncated: The answer was cut.
        own: What was newly decoded for this row; None where nothing was.
        seconds: Wall-clock seconds newly taken for this row; None where nobody took the time.
        attempt_seconds: Those of one attempt that ends so; None also where such an attempt is unknown.
        on_trace: The thinking was scored, not the answer.
    """

    estimand: Estimand
    rung: int
    requested_tokens: int | None
    completion: str
    judged: Judgement
    thinking_tokens: int
    answer_tokens: int | None
    natural_end: bool
    truncated: bool | None
    own: Segment | None = None
    seconds: float | None = None
    attempt_seconds: float | None = None
    on_trace: bool = False

    @property
    def generated_tokens(self) -> int | None:
        """Tokens newly decoded for this row; None if the server did not count them."""
        return 0 if self.own is None else self.own.tokens

    @property
    def prompt_tokens(self) -> int | None:
        """Prompt tokens of this row's request."""
        return 0 if self.own is None else self.own.prompt_tokens

    @property
    def cached_tokens(self) -> int | None:
        """How many of them came from the server's cache."""
        return 0 if self.own is None else self.own.cached_tokens


Score = Callable[[str, bool], Awaitable[Judgement]]
"""Scores a completion with the task's own scorer; the flag says whether it was cut."""


@dataclass
class Controls:
    """The controls of one trace. Show it every step of the climb, in order.

    Attributes:
        means: The trace's means.
        score: The task's own scorer.
        wanted: Which controls: "sham", "truncated", "natural".
        judge_traces: Score the thinking itself, too.
    """

    means: Means
    score: Score
    wanted: Collection[str]
    judge_traces: bool
    _thought: str = ""
    _truncated: ControlRow | None = None
    _on_trace: ControlRow | None = None
    _once: list[ControlRow] = field(default_factory=list)

    async def at(self, step: Step, completion: str, forced: Judgement) -> list[ControlRow]:
        """The rows that this step makes known.

        Args:
            step: The step.
            completion: Its forced answer, as it was scored.
            forced: What the scorer said of it.
        """
        self._thought += step.thought
        rows: list[ControlRow] = []
        natural: ControlRow | None = None
        if step.natural_end and not step.carried:
            if any(control in self.wanted for control in NATURAL_CONTROLS):
                natural = await self._natural(step)
            self._once = [row for row in (natural, self._sham(step, completion, forced)) if row is not None]
            self._once = [row for row in self._once if row.estimand in self.wanted]
        if "truncated" in self.wanted:
            self._truncated = await self._cut(step, natural)
            rows.append(self._truncated)
        if self.judge_traces and self._thought.strip():
            self._on_trace = await self._thinking(step)
            rows.append(self._on_trace)
        top = step.rung == len(self.means.way.budgets) - 1
        return [*rows, *(self._once or self._never(step))] if top else rows

    def _never(self, step: Step) -> list[ControlRow]:
        """A trace that was still thinking at the top has no end of its own: unknown, and counted as such."""
        return [
            ControlRow(
                estimand=estimand,
                rung=0,
                requested_tokens=None,
                completion="",
                judged=Judgement(None, Verdict.TRUNCATED, None, 0, None),
                thinking_tokens=step.thinking_tokens,
                answer_tokens=None,
                natural_end=False,
                truncated=True,
                seconds=self.means.watch.no_time,
            )
            for estimand in (Estimand.NATURAL, Estimand.SHAM)
            if estimand in self.wanted
        ]

    async def _natural(self, step: Step) -> ControlRow:
        begun = self.means.watch.seconds
        with self.means.watch.running():
            own, turn = await self._own_end(step)
        took = self.means.watch.since(begun)
        completion = self.means.way.format.visible(turn)
        return ControlRow(
            estimand=Estimand.NATURAL,
            rung=0,
            requested_tokens=None,
            completion=completion,
            judged=await self.score(completion, not own.ended),
            thinking_tokens=step.thinking_tokens,
            answer_tokens=own.tokens,
            natural_end=True,
            truncated=not own.ended,
            own=own,
            seconds=took,
            attempt_seconds=None if took is None or step.thinking_seconds is None else step.thinking_seconds + took,
        )

    async def _own_end(self, step: Step) -> tuple[Segment, str]:
        """What the model writes behind its thinking when nobody closes it, and the whole turn with it."""
        if step.stop == "":  # it ended its turn, so there is nothing more
            return Segment("", (), 0, True, 0, 0), self._thought
        continuation, way = self.means.continuation, self.means.way
        # where the server does not say what ended the thinking, it is taken to be what ends it in this format
        stop = way.format.end if step.stop is None else step.stop
        prefix = await continuation.append_text(step.prefix, stop) if stop else step.prefix
        asked = continuation.decode(
            prefix,
            Sampling(
                max_tokens=way.budgets[-1] - step.thinking_tokens + way.answer_tokens,
                seed=seed_for(way.seed, "natural"),
                temperature=way.temperature,
                top_p=way.top_p,
            ),
            truth=way.told("natural", step.thinking_tokens),
        )
        own = await self.means.till.paid(asked)
        return own, self._thought + stop + own.text

    def _sham(self, step: Step, completion: str, forced: Judgement) -> ControlRow:
        """The ladder closes an ended trace as it closes a cut one: that forced answer is the sham."""
        return ControlRow(
            estimand=Estimand.SHAM,
            rung=0,
            requested_tokens=None,
            completion=completion,
            judged=replace(forced, judge_tokens=0),
            thinking_tokens=step.thinking_tokens,
            answer_tokens=step.answer.tokens,
            natural_end=True,
            truncated=not step.answer.ended,
            seconds=self.means.watch.no_time,
            attempt_seconds=step.attempt_seconds,
        )

    async def _cut(self, step: Step, natural: ControlRow | None) -> ControlRow:
        """The response as it stood at the rung; one that had ended is whole, with the model's own answer."""
        if natural is not None:
            paid = natural.estimand in self.wanted  # then its own row counts the tokens
            judged = replace(natural.judged, judge_tokens=0) if paid else natural.judged
            row = replace(natural, estimand=Estimand.TRUNCATED, judged=judged)
            row = replace(row, own=None, seconds=self.means.watch.no_time) if paid else row
        elif step.carried and self._truncated is not None:
            row = self._repeated(self._truncated)
        else:
            completion = self.means.way.format.visible(self._thought)
            row = ControlRow(
                estimand=Estimand.TRUNCATED,
                rung=0,
                requested_tokens=None,
                completion=completion,
                judged=await self.score(completion, True),
                thinking_tokens=step.thinking_tokens,
                answer_tokens=0,
                natural_end=False,
                truncated=True,
                seconds=self.means.watch.no_time,
                attempt_seconds=step.thinking_seconds,
            )
        return replace(row, rung=step.rung, requested_tokens=step.requested_tokens)

    async def _thinking(self, step: Step) -> ControlRow:
        """The thinking so far, judged as if it were the answer."""
        if step.carried and self._on_trace is not None:
            row = self._repeated(self._on_trace)
        else:
            row = ControlRow(
                estimand=Estimand.FORCED,
                rung=0,
                requested_tokens=None,
                completion=self._thought,
                judged=await self.score(self._thought, False),
                thinking_tokens=step.thinking_tokens,
                answer_tokens=None,
                natural_end=step.natural_end,
                truncated=None,
                seconds=self.means.watch.no_time,
                on_trace=True,
            )
        return replace(row, rung=step.rung, requested_tokens=step.requested_tokens)

    def _repeated(self, row: ControlRow) -> ControlRow:
        judged = replace(row.judged, judge_tokens=0)
        return replace(row, judged=judged, own=None, seconds=self.means.watch.no_time)


def rows_beside(plan: Plan, scorer: str) -> Iterator[tuple[Estimand, str, int, int | None]]:
    """Estimand, scorer, rung and budget of every row that belongs beside a ladder.

    Args:
        plan: The study's plan.
        scorer: The scorer of the forced answers.
    """
    ladder = list(enumerate(plan.budgets or ()))
    for control in plan.controls:
        if control == "truncated":
            yield from ((Estimand.TRUNCATED, scorer, *place) for place in ladder)
        else:
            yield Estimand(control), scorer, 0, None
    for rung, budget in ladder if plan.resamples is not None else ():
        yield Estimand.RESAMPLED, scorer, rung, budget
    for rung, budget in ladder if plan.judge_traces else ():
        if budget:  # without thinking there is nothing to judge
            yield Estimand.FORCED, scorer + ON_TRACE, rung, budget
