"""Rungs added to a ladder later: cut the stored thinking at the new budget, fork, decode the forced answer."""

from collections.abc import AsyncIterator
from dataclasses import replace

from overthink.collect.ladder.climb import Step
from overthink.collect.providers.continuation import Prefix, Segment
from overthink.collect.ladder.thinking import TraceContext
from overthink.data.missing_rungs import Fork, SparseTrace, place_rungs
from overthink.data.record import RungRecord


async def added_forks(context: TraceContext, trace: SparseTrace) -> AsyncIterator[RungRecord | Step]:
    """Yield one entry per rung, lowest first: the existing row, or the step of a new fork.

    The stored token ids are cut, so a fork sees exactly the prefix of the original run. Its thinking time is an
    unknown part of the time of a rung above, so it is None.

    Args:
        context: Context of the trace: continuation, sampling, usage meter, clock.
        trace: The stored trace.

    Raises:
        ValueError: The trace does not match the ladder.
    """
    continuation, spec, watch = context.continuation, context.spec, context.watch
    start = watch.seconds
    with watch.running():
        prompt = await continuation.start(list(context.prompt), spec.format.open)
    for entry in place_rungs(trace, spec.budgets):
        if isinstance(entry, Fork):
            prefix = continuation.append(prompt, _cut(trace.thinking_ids[: entry.budget]))
            with watch.running():
                fork = await continuation.append_text(prefix, spec.format.close + spec.format.cue)
                sampling = spec.answering(entry.budget, "added answer")
                request = continuation.decode(fork, sampling, truth=spec.truth_for("answer", entry.budget))
                answer = await context.meter.send(request)
            elapsed = watch.since(start)
            thinking = watch.no_time if entry.budget == 0 else None
            step = _step(entry, answer, prefix)
            yield replace(step, seconds=elapsed, thinking_seconds=thinking, answer_seconds=elapsed)
            start = watch.seconds
        else:
            yield entry


def _cut(ids: tuple[int, ...]) -> Segment:
    return Segment(text="", ids=ids, tokens=len(ids), is_complete=False, prompt_tokens=None, cached_tokens=None)


def _step(fork: Fork, answer: Segment, prefix: Prefix) -> Step:
    return Step(
        rung=fork.rung,
        requested_tokens=fork.budget,
        thinking_tokens=fork.budget,
        answer=answer,
        natural_end=False,
        generated_tokens=fork.newly + answer.tokens,
        prompt_tokens=answer.prompt_tokens,
        cached_tokens=answer.cached_tokens,
        thought="",
        prefix=prefix,
    )
