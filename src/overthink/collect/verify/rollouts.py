"""Monte Carlo rollouts: a step is worth what the model makes of it. No other model is needed.

Math-Shepherd (Wang et al., 2024): from every step the model goes on several times, to an answer each; the step's score
is the share of these answers that are right. Nobody knows the right one in use, so here the default is the share that
agrees with the most frequent of them. Against the task's target the score is an oracle: an upper bound, and labelled.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Literal

from overthink.collect.continuation import Prefix, Segment
from overthink.collect.judging import canonical
from overthink.collect.thinking import Means, Path
from overthink.collect.verify.prefixes import prefixes_of, tokens_of
from overthink.collect.verify.verifier import Scored, UnreadableScoreError, charged_if_lost
from overthink.errors import InputError

Against = Literal["consensus", "target"]


@dataclass(frozen=True, slots=True)
class RolloutVerifier:
    """Lets the model under test go on from every step.

    Attributes:
        n: Rollouts from each step.
        tokens: Thinking tokens of a rollout before its answer is forced; 0 asks for the answer at once.
        against: "consensus", or "target" for the oracle.
    """

    n: int
    tokens: int
    against: Against
    models: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What reports call it."""
        return f"rollouts{' (ORACLE: it knows the targets)' if self.against == 'target' else ''}"

    async def steps(self, means: Means, path: Path, *, last_only: bool) -> Scored:
        """Score steps by the rollouts from behind each of them."""
        prefixes, bill = await prefixes_of(means, path), _Bill()
        places = range(1, len(prefixes))[-1:] if last_only else range(1, len(prefixes))
        with charged_if_lost(means, lambda: bill.tokens):
            scores = [await self._of_step(means, prefixes, at, bill, ended=path.ended) for at in places]
        return Scored(tuple(scores), bill.tokens)

    async def answer(self, means: Means, path: Path, answer: str) -> Scored:
        """Score an answer: the share of rollouts from the end of the thinking that come to it."""
        prefixes, bill = await prefixes_of(means, path), _Bill()
        with charged_if_lost(means, lambda: bill.tokens):
            score = await self._of_answer(means, prefixes, answer, bill)
        return Scored((score,), bill.tokens)

    async def solution(self, means: Means, path: Path, answer: str) -> Scored:
        """Score the steps, and the answer behind them."""
        prefixes, bill = await prefixes_of(means, path), _Bill()
        places = range(1, len(prefixes))
        with charged_if_lost(means, lambda: bill.tokens):
            scores = [await self._of_step(means, prefixes, at, bill, ended=path.ended) for at in places]
            last = await self._of_answer(means, prefixes, answer, bill)
        return Scored((*scores, last), bill.tokens)

    async def _of_step(self, means: Means, prefixes: list[Prefix], at: int, bill: "_Bill", *, ended: bool) -> float:
        closed = ended and at == len(prefixes) - 1
        answers = [await self._rolled(means, prefixes, at, i, bill, closed=closed) for i in range(self.n)]
        if self.against == "target":
            return await _share_right(means, answers, bill)
        said = [answer for answer in (canonical(one.text) for one in answers) if answer is not None]
        return Counter(said).most_common(1)[0][1] / self.n if said else 0.0

    async def _of_answer(self, means: Means, prefixes: list[Prefix], answer: str, bill: "_Bill") -> float:
        if self.against == "target":
            said = answer.removeprefix(means.way.format.cue)
            return await _share_right(means, [Segment(said, None, 0, True, 0, 0)], bill)
        answers = [await self._rolled(means, prefixes, len(prefixes) - 1, i, bill, closed=True) for i in range(self.n)]
        own = canonical(answer)
        return sum(own is not None and canonical(one.text) == own for one in answers) / self.n

    async def _rolled(
        self, means: Means, prefixes: list[Prefix], at: int, i: int, bill: "_Bill", *, closed: bool
    ) -> Segment:
        """One rollout's answer: think on within the allowance, close, answer."""
        continuation, way, prefix = means.continuation, means.way, prefixes[at]
        thought = tokens_of(prefixes, at)
        means.till.check_open()
        if self.tokens and not closed:
            named = ("rollout", at, thought, i)
            more = await continuation.decode(
                prefix, way.thinking(self.tokens, *named), truth=way.told("think", thought)
            )
            bill.add(more)
            prefix, thought = continuation.append(prefix, more), thought + more.tokens
        fork = await continuation.append_text(prefix, way.format.close + way.format.cue)
        named = ("rollout answer", at, thought, i)
        answer = await continuation.decode(fork, way.answering(*named), truth=way.told("answer", thought))
        bill.add(answer)
        return answer


async def _share_right(means: Means, answers: list[Segment], bill: "_Bill") -> float:
    """The share of answers that the task's own scorer takes for good; graded ones count in part."""
    if means.grade is None:
        raise InputError("verifier rollouts: against=target needs the task's scorer, which is not at hand here")
    values: list[float] = []
    for answer in answers:
        judged = await means.grade(answer.text, not answer.ended)
        bill.tokens = None if bill.tokens is None else bill.tokens + judged.judge_tokens
        if judged.value is not None:
            values.append(judged.value)
    if not values:
        raise UnreadableScoreError("the task's scorer could read none of the rollouts", bill.tokens)
    return sum(values) / len(answers)


@dataclass
class _Bill:
    """Prompt and decoded tokens so far; None once a server did not count."""

    tokens: int | None = 0

    def add(self, segment: Segment) -> None:
        known = None if segment.prompt_tokens is None else segment.prompt_tokens + segment.tokens
        self.tokens = None if self.tokens is None or known is None else self.tokens + known
