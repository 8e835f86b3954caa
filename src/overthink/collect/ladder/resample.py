"""Resampling: the rest of a trace is decoded again from each rung, to measure where the outcome is determined.

A forced answer shows the result of the thinking so far, not the answer that further thinking would reach. Every
rung's prefix is therefore continued to the top of the ladder ``tries`` times, answered, and scored.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from overthink.collect.ladder.accounting import gather_limited
from overthink.collect.ladder.climb import Step
from overthink.collect.ladder.controls import ControlRow
from overthink.collect.ladder.thinking import Grade, TraceContext
from overthink.collect.providers.continuation import Segment
from overthink.collect.scoring.judging import Judgement
from overthink.data.record import Estimand
from overthink.data.tokens import NO_USAGE
from overthink.stats.controls import GOOD

MIN_SHARE_DIFFERENCE = 0.25
"""Minimum difference between the shares of good outcomes of two rungs for bisection to continue between them."""


@dataclass(frozen=True)
class Resampling:
    """Resampling of one trace.

    Attributes:
        context: The trace's context.
        score: The task's own scorer.
        tries: Continuations from each prefix.
        bisect: Begin with the lowest and the highest rung, and continue between two rungs only if they differ.
    """

    context: TraceContext
    score: Grade
    tries: int
    bisect: bool

    async def of(self, steps: Sequence[Step]) -> list[ControlRow]:
        """Return one row per resampled rung, lowest first; its value is the share of good outcomes.

        Args:
            steps: The trace's steps, one per rung.
        """
        own = [step for step in steps if not step.is_carried]
        if self.bisect:
            rows_by_rung = {rung: await self._at(own[rung]) for rung in {0, len(own) - 1}}
            await self._between(own, rows_by_rung, 0, len(own) - 1)
            rows = [rows_by_rung[rung] for rung in sorted(rows_by_rung)]
        else:
            rows = [await self._at(step) for step in own]
        final_row = replace(
            rows[-1],
            judgement=replace(rows[-1].judgement, judge_tokens=0),
            usage=NO_USAGE,
            seconds=self.context.watch.no_time,
        )
        carried_steps = [step for step in steps if step.is_carried]
        return [*rows, *(replace(final_row, rung=s.rung, requested_tokens=s.requested_tokens) for s in carried_steps)]

    async def _between(self, steps: Sequence[Step], rows_by_rung: dict[int, ControlRow], low: int, high: int) -> None:
        shares = (rows_by_rung[low].judgement.value, rows_by_rung[high].judgement.value)
        if high - low < 2 or (
            None not in shares and abs((shares[0] or 0.0) - (shares[1] or 0.0)) < MIN_SHARE_DIFFERENCE
        ):
            return
        middle = (low + high) // 2
        rows_by_rung[middle] = await self._at(steps[middle])
        await self._between(steps, rows_by_rung, low, middle)
        await self._between(steps, rows_by_rung, middle, high)

    async def _at(self, step: Step) -> ControlRow:
        """Return the row of one rung. If the trace had ended there, only the answer is resampled."""
        meter, watch = self.context.meter, self.context.watch
        first_request, start = meter.requests, watch.seconds
        with watch.running():
            answers = await gather_limited(meter, [partial(self._once, step, number) for number in range(self.tries)])
        usage, took = meter.since(first_request), watch.since(start)
        # Sequential: the cost of a scorer's own calls is the difference in usage around each.
        judgements = [await self.score(answer) for answer in answers]
        return ControlRow(
            estimand=Estimand.RESAMPLED,
            rung=step.rung,
            requested_tokens=step.requested_tokens,
            completion="",
            judgement=_combine(judgements),
            thinking_tokens=step.thinking_tokens,
            answer_tokens=None,
            natural_end=step.natural_end,
            is_truncated=None,
            usage=usage,
            seconds=took,
        )

    async def _once(self, step: Step, number: int) -> Segment:
        context, spec = self.context, self.context.spec
        prefix, thinking = step.prefix, step.thinking_tokens
        tokens_left = spec.budgets[-1] - thinking
        if tokens_left > 0 and not step.natural_end:
            request = context.continuation.decode(
                prefix,
                spec.thinking(tokens_left, step.rung, "resample", number),
                truth=spec.truth_for("think", thinking),
            )
            segment = await context.meter.send(request)
            prefix, thinking = context.continuation.append(prefix, segment), thinking + segment.tokens
        fork = await context.continuation.append_text(prefix, spec.format.close + spec.format.cue)
        sampling = spec.answering(step.rung, "resample answer", number)
        return await context.meter.send(
            context.continuation.decode(fork, sampling, truth=spec.truth_for("answer", thinking))
        )


def _combine(judgements: Sequence[Judgement]) -> Judgement:
    """Return the most frequent verdict and the share of good outcomes; unknown if any of them is."""
    values = [judgement.value for judgement in judgements]
    share = None if None in values else sum((value or 0.0) >= GOOD for value in values) / len(values)
    most = Counter(judgement.verdict for judgement in judgements).most_common(1)[0][0]
    return Judgement(share, most, None, sum(judgement.judge_tokens for judgement in judgements), None)
