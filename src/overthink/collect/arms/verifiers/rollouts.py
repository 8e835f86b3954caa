"""Monte Carlo rollouts: steps are scored by the model's own continuations. No other model is needed.

Math-Shepherd (Wang et al., 2024): the model continues from every step several times, to an answer each; the step's
score is the share of correct answers. In deployment the correct answer is unknown, so the default here is the share
that agrees with the most frequent answer. Against the task's target the score is an oracle: an upper bound, labelled.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from overthink.collect.arms.verifiers.base import (
    Scores,
    ScoringWork,
    UnreadableScoreError,
    Verifier,
    charged_if_lost,
    prefixes_of,
    tokens_of,
)
from overthink.collect.ladder.thinking import ReasoningPath, TraceContext
from overthink.collect.providers.continuation import Prefix, Segment
from overthink.collect.scoring.judging import canonical
from overthink.components.base import Simulated, component
from overthink.data.tokens import total
from overthink.errors import InputError


@component("rollouts")
class RolloutVerifier(Verifier):
    """Monte-Carlo rollouts of the model under test from every step (Math-Shepherd); no other model."""

    asks_model: ClassVar[bool] = True
    n: Annotated[int, Simulated(4)] = Field(ge=2, le=1024, description="rollouts from each step")
    tokens: Annotated[int, Simulated(12)] = Field(
        ge=0, description="thinking tokens of a rollout before its answer is forced"
    )
    against: Annotated[Literal["consensus", "target"], Simulated("consensus")] = Field(
        description="what a rollout's answer has to agree with: the rollouts' consensus, or, as an oracle, the target"
    )

    @property
    def name(self) -> str:
        """Name in reports."""
        return f"rollouts{' (ORACLE: it knows the targets)' if self.is_oracle else ''}"

    @property
    def is_oracle(self) -> bool:
        """Whether it uses the targets."""
        return self.against == "target"

    def work(self, steps: int, answer_tokens: int) -> ScoringWork:
        """Return the cost: rollouts from each step, each thinking and answering."""
        requests = steps * self.n
        return ScoringWork(requests * (2 if self.tokens else 1), requests * (self.tokens + answer_tokens))

    async def steps(self, context: TraceContext, path: ReasoningPath, *, last_only: bool) -> Scores:
        """Score steps by rollouts after each."""
        prefixes, bill = await prefixes_of(context, path), _Bill()
        places = range(1, len(prefixes))[-1:] if last_only else range(1, len(prefixes))
        with charged_if_lost(context, lambda: bill.tokens):
            scores = [await self._of_step(context, prefixes, at, bill, ended=path.ended) for at in places]
        return Scores(tuple(scores), bill.tokens)

    async def answer(self, context: TraceContext, path: ReasoningPath, answer: str) -> Scores:
        """Score an answer by the share of rollouts from the end of the thinking that agree with it."""
        prefixes, bill = await prefixes_of(context, path), _Bill()
        with charged_if_lost(context, lambda: bill.tokens):
            score = await self._of_answer(context, prefixes, answer, bill)
        return Scores((score,), bill.tokens)

    async def solution(self, context: TraceContext, path: ReasoningPath, answer: str) -> Scores:
        """Score the steps, and the answer after them."""
        prefixes, bill = await prefixes_of(context, path), _Bill()
        places = range(1, len(prefixes))
        with charged_if_lost(context, lambda: bill.tokens):
            scores = [await self._of_step(context, prefixes, at, bill, ended=path.ended) for at in places]
            last = await self._of_answer(context, prefixes, answer, bill)
        return Scores((*scores, last), bill.tokens)

    async def _of_step(
        self, context: TraceContext, prefixes: list[Prefix], at: int, bill: "_Bill", *, ended: bool
    ) -> float:
        is_closed = ended and at == len(prefixes) - 1
        answers = [await self._roll_out(context, prefixes, at, i, bill, is_closed=is_closed) for i in range(self.n)]
        if self.against == "target":
            return await _share_right(context, answers, bill)
        texts = [answer for answer in (canonical(segment.text) for segment in answers) if answer is not None]
        return Counter(texts).most_common(1)[0][1] / self.n if texts else 0.0

    async def _of_answer(self, context: TraceContext, prefixes: list[Prefix], answer: str, bill: "_Bill") -> float:
        if self.against == "target":
            text = answer.removeprefix(context.spec.format.cue)
            return await _share_right(context, [Segment(text, None, 0, True, 0, 0)], bill)
        answers = [
            await self._roll_out(context, prefixes, len(prefixes) - 1, i, bill, is_closed=True) for i in range(self.n)
        ]
        own = canonical(answer)
        return sum(own is not None and canonical(segment.text) == own for segment in answers) / self.n

    async def _roll_out(
        self, context: TraceContext, prefixes: list[Prefix], at: int, i: int, bill: "_Bill", *, is_closed: bool
    ) -> Segment:
        """Return one rollout's answer: think within the token limit, close, answer."""
        continuation, spec, prefix = context.continuation, context.spec, prefixes[at]
        thought = tokens_of(prefixes, at)
        context.meter.check_open()
        if self.tokens and not is_closed:
            purpose = ("rollout", at, thought, i)
            more = await continuation.decode(
                prefix, spec.thinking(self.tokens, *purpose), truth=spec.truth_for("think", thought)
            )
            bill.add(more)
            prefix, thought = continuation.append(prefix, more), thought + more.tokens
        fork = await continuation.append_text(prefix, spec.format.close + spec.format.cue)
        purpose = ("rollout answer", at, thought, i)
        answer = await continuation.decode(fork, spec.answering(*purpose), truth=spec.truth_for("answer", thought))
        bill.add(answer)
        return answer


async def _share_right(context: TraceContext, answers: list[Segment], bill: "_Bill") -> float:
    """Return the mean value of the answers under the task's own scorer; unscored ones count as 0."""
    if context.grade is None:
        raise InputError("verifier rollouts: against=target needs the task's scorer, which is not at hand here")
    values: list[float] = []
    for answer in answers:
        judgement = await context.grade(answer)
        bill.tokens = total((bill.tokens, judgement.judge_tokens))
        if judgement.value is not None:
            values.append(judgement.value)
    if not values:
        raise UnreadableScoreError("the task's scorer could read none of the rollouts", bill.tokens)
    return sum(values) / len(answers)


@dataclass
class _Bill:
    """Prompt and decoded tokens so far; None once a server did not report them."""

    tokens: int | None = 0

    def add(self, segment: Segment) -> None:
        self.tokens = total((self.tokens, segment.prompt_tokens, segment.tokens))
