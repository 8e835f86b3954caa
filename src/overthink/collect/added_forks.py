"""A trace that was collected before its ladder gained rungs: cut its thinking there, fork, read the forced answer."""

from collections.abc import AsyncIterator

from inspect_ai.model import ChatMessage

from overthink.collect.climb import Step
from overthink.collect.continuation import Continuation, Prefix, Segment
from overthink.collect.way import Way
from overthink.core.added_rungs import Fork, SparseTrace, place
from overthink.core.record import RungRecord


async def added_forks(
    continuation: Continuation, prompt: list[ChatMessage], way: Way, trace: SparseTrace
) -> AsyncIterator[RungRecord | Step]:
    """Yield one entry per rung, lowest first: the row that stands, or the step of a new fork.

    The tokens that were decoded are the tokens that are cut, so a fork sees what it would have seen on the way up.

    Raises:
        ValueError: The trace and the ladder do not fit each other.
    """
    opened = await continuation.start(prompt, way.format.open)
    for entry in place(trace, way.budgets):
        if isinstance(entry, Fork):
            prefix = continuation.append(opened, _cut(trace.thought[: entry.budget]))
            fork = await continuation.append_text(prefix, way.format.close + way.format.cue)
            named = (entry.budget, "added answer")
            answer = await continuation.decode(fork, way.answering(*named), truth=way.told("answer", entry.budget))
            yield _step(entry, answer, prefix)
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
