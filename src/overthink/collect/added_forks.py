"""A trace that was collected before its ladder gained rungs: cut its thinking there, fork, read the forced answer."""

from collections.abc import AsyncIterator

from inspect_ai.model import ChatMessage

from overthink.collect.climb import Step, Way
from overthink.collect.continuation import Continuation, Prefix, Sampling, Segment
from overthink.collect.seeds import seed_for
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
            answer = await continuation.decode(fork, _sampling(way, entry), truth=_truth(way, entry))
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


def _sampling(way: Way, fork: Fork) -> Sampling:
    return Sampling(
        max_tokens=way.answer_tokens,
        seed=seed_for(way.seed, fork.budget, "added answer"),
        temperature=way.temperature,
        top_p=way.top_p,
        stop=way.format.answer_stop,
    )


def _truth(way: Way, fork: Fork) -> dict[str, object] | None:
    return None if way.truth is None else way.truth | {"phase": "answer", "thinking_tokens": fork.budget}
