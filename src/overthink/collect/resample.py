"""The rest of a trace thought anew from its rungs, several times: where the outcome is settled is measured.

A forced answer shows what the thinking so far amounts to; whether the trace would have ended there, only going on can
show. Every rung's prefix is taken to the top of the ladder ``tries`` times, answered, and scored.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from overthink.collect.climb import Step
from overthink.collect.continuation import Segment
from overthink.collect.controls import ControlRow, Score
from overthink.collect.judging import Judgement
from overthink.collect.search.together import together
from overthink.collect.thinking import Means
from overthink.core.controls import GOOD
from overthink.core.record import Estimand

APART = 0.25
"""Bisecting looks between two rungs whose shares of good outcomes differ by at least so much."""


@dataclass(frozen=True)
class Resampling:
    """How one trace is resampled.

    Attributes:
        means: The trace's means.
        score: The task's own scorer.
        tries: Continuations from each prefix.
        bisect: Begin with the lowest and the highest rung, and look between two only where they differ.
    """

    means: Means
    score: Score
    tries: int
    bisect: bool

    async def of(self, steps: Sequence[Step]) -> list[ControlRow]:
        """One row per rung that was looked at, lowest first; its value is the share of good outcomes.

        Args:
            steps: The trace's steps, one per rung.
        """
        own = [step for step in steps if not step.carried]
        if self.bisect:
            found = {rung: await self._at(own[rung]) for rung in {0, len(own) - 1}}
            await self._between(own, found, 0, len(own) - 1)
            rows = [found[rung] for rung in sorted(found)]
        else:
            rows = [await self._at(step) for step in own]
        ended = replace(
            rows[-1],
            judged=replace(rows[-1].judged, judge_tokens=0),
            own=None,
            seconds=self.means.watch.no_time,
        )
        carried = [step for step in steps if step.carried]
        return [*rows, *(replace(ended, rung=s.rung, requested_tokens=s.requested_tokens) for s in carried)]

    async def _between(self, steps: Sequence[Step], found: dict[int, ControlRow], low: int, high: int) -> None:
        shares = (found[low].judged.value, found[high].judged.value)
        if high - low < 2 or (None not in shares and abs((shares[0] or 0.0) - (shares[1] or 0.0)) < APART):
            return
        middle = (low + high) // 2
        found[middle] = await self._at(steps[middle])
        await self._between(steps, found, low, middle)
        await self._between(steps, found, middle, high)

    async def _at(self, step: Step) -> ControlRow:
        """Go on from one rung. A trace that had ended is only answered anew."""
        till, watch = self.means.till, self.means.watch
        paid, begun = till.requests, watch.seconds
        with watch.running():
            answers = await together(till, [partial(self._once, step, number) for number in range(self.tries)])
        receipt, took = till.since(paid), watch.since(begun)
        # One after the other: what a scorer's own calls cost is seen by the difference that each makes.
        judged = [await self.score(answer.text, not answer.ended) for answer in answers]
        return ControlRow(
            estimand=Estimand.RESAMPLED,
            rung=step.rung,
            requested_tokens=step.requested_tokens,
            completion="",
            judged=_together(judged),
            thinking_tokens=step.thinking_tokens,
            answer_tokens=None,
            natural_end=step.natural_end,
            truncated=None,
            own=Segment("", None, receipt.decoded, True, receipt.prompt, receipt.cached),
            seconds=took,
        )

    async def _once(self, step: Step, number: int) -> Segment:
        means, way = self.means, self.means.way
        prefix, thinking = step.prefix, step.thinking_tokens
        left = way.budgets[-1] - thinking
        if left > 0 and not step.natural_end:
            asked = means.continuation.decode(
                prefix, way.thinking(left, step.rung, "resample", number), truth=way.told("think", thinking)
            )
            segment = await means.till.paid(asked)
            prefix, thinking = means.continuation.append(prefix, segment), thinking + segment.tokens
        fork = await means.continuation.append_text(prefix, way.format.close + way.format.cue)
        drawn = way.answering(step.rung, "resample answer", number)
        return await means.till.paid(means.continuation.decode(fork, drawn, truth=way.told("answer", thinking)))


def _together(judged: Sequence[Judgement]) -> Judgement:
    """What most outcomes were, and the share that was good; unknown where one of them is."""
    values = [one.value for one in judged]
    share = None if None in values else sum((value or 0.0) >= GOOD for value in values) / len(values)
    most = Counter(one.verdict for one in judged).most_common(1)[0][0]
    return Judgement(share, most, None, sum(one.judge_tokens for one in judged), None)
