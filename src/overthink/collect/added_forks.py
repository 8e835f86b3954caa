"""A trace that was collected before its ladder gained rungs: cut its thinking there, fork, read the forced answer."""

from collections.abc import AsyncIterator
from dataclasses import replace

from overthink.collect.climb import Step
from overthink.collect.continuation import Prefix, Segment
from overthink.collect.thinking import Means
from overthink.core.added_rungs import Fork, SparseTrace, place
from overthink.core.record import RungRecord


async def added_forks(means: Means, trace: SparseTrace) -> AsyncIterator[RungRecord | Step]:
    """Yield one entry per rung, lowest first: the row that stands, or the step of a new fork.

    The tokens that were decoded are the tokens that are cut, so a fork sees what it would have seen on the way up. The
    time of its thinking is in that of a rung above it, and nobody knows which part of that it was.

    Args:
        means: The trace's means.
        trace: The trace as it is there.

    Raises:
        ValueError: The trace and the ladder do not fit each other.
    """
    continuation, way, watch = means.continuation, means.way, means.watch
    begun = watch.seconds
    with watch.running():
        opened = await continuation.start(list(means.prompt), way.format.open)
    for entry in place(trace, way.budgets):
        if isinstance(entry, Fork):
            prefix = continuation.append(opened, _cut(trace.thought[: entry.budget]))
            with watch.running():
                fork = await continuation.append_text(prefix, way.format.close + way.format.cue)
                drawn = way.answering(entry.budget, "added answer")
                asked = continuation.decode(fork, drawn, truth=way.told("answer", entry.budget))
                answer = await means.till.paid(asked)
            took = watch.since(begun)
            thinking = watch.no_time if entry.budget == 0 else None
            step = _step(entry, answer, prefix)
            yield replace(step, seconds=took, thinking_seconds=thinking, answer_seconds=took)
            begun = watch.seconds
        else:
            yield entry


def _cut(ids: tuple[int, ...]) -> Segment:
    return Segment(text="", ids=ids, tokens=len(ids), ended=False, prompt_tokens=None, cached_tokens=None)


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
