"""Run one trace up the ladder: think to the next rung, fork, decode the forced answer, resume the thinking.

Rungs added to a ladder later: cut the stored thinking at the new budget, fork, decode the forced answer.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace

from overthink.collect.ladder.thinking import ReasoningPath, Thinker, TraceContext
from overthink.collect.providers.continuation import Prefix, Segment
from overthink.data.missing_rungs import Fork, SparseTrace, place_rungs
from overthink.data.record import RungRecord
from overthink.data.tokens import TokenUsage, total


@dataclass(frozen=True, slots=True)
class Reply:
    """What a rung delivers.

    Attributes:
        path: The thinking that the answer is read from.
        answer: The answer; one that the model under test has not decoded counts no token.
        completion: The answer as scorers get it, where the model under test has not given it; None for its own.
    """

    path: ReasoningPath
    answer: Segment
    completion: str | None = None


Review = Callable[[int, Reply], Awaitable[Reply]]
"""Function that returns the reply of a rung as it is delivered."""


@dataclass(frozen=True, slots=True)
class Step:
    """Result of one rung of a trace.

    Attributes:
        rung: Position on the ladder, from 0.
        requested_tokens: The rung's thinking budget.
        thinking_tokens: Thinking tokens so far.
        answer: The forced answer.
        natural_end: The model had ended its thinking by itself.
        usage: Prompt and decoded tokens of this rung's requests, answer and discarded tokens included; 0 for a step
            carried forward. Its overhead is cumulative since the start of the trace.
        thought: Thinking text since the rung below; all of it after a restart.
        prefix: Prompt and thinking at this rung, not yet closed.
        stop: Stop text that ended the thinking, "" for the end of the turn; None if it has not ended or is unknown.
        is_carried: The step repeats the one below, because the trace had ended.
        thought_ids: Token ids of all thinking so far; None if the provider does not use them.
        is_restart: The thinking is not a continuation of that of the rung below.
        score: Verifier score of the thinking; None without a verifier.
        seconds: Wall-clock seconds newly spent on this rung; like all times, None without a clock.
        thinking_seconds: Seconds of all thinking so far, interventions and search included.
        answer_seconds: Seconds of this rung's answer, and of what reviews it.
        completion: The answer as scorers get it, where the model under test has not given it; None for its own.
    """

    rung: int
    requested_tokens: int
    thinking_tokens: int
    answer: Segment
    natural_end: bool
    usage: TokenUsage
    thought: str
    prefix: Prefix
    stop: str | None = None
    is_carried: bool = False
    thought_ids: tuple[int, ...] | None = None
    is_restart: bool = False
    score: float | None = None
    seconds: float | None = None
    thinking_seconds: float | None = None
    answer_seconds: float | None = None
    completion: str | None = None

    @property
    def attempt_seconds(self) -> float | None:
        """Seconds of one attempt up to this rung: thinking and answer."""
        return total((self.thinking_seconds, self.answer_seconds))


async def run_ladder(context: TraceContext, thinker: Thinker, review: Review | None = None) -> AsyncIterator[Step]:
    """Yield one step per rung, in ascending order, so that the server's prefix cache is reused.

    A rung above goes on from the thinker's own path, whatever a review has delivered at the one below.

    Args:
        context: Resources of the trace.
        thinker: Thinks up the ladder.
        review: What is done to every answer before it is delivered; None for nothing.

    Raises:
        RuntimeError: The arm thought more than the rung allows.
    """
    continuation, spec, meter, watch = context.continuation, context.spec, context.meter, context.watch
    first_request, start, thinking = 0, watch.no_time, watch.no_time  # what a protocol said is part of the lowest rung
    with watch.running():
        prompt = await continuation.start(list(context.prompt), spec.format.open)
        await thinker.begin(prompt)
    below: Step | None = None
    previous_text = ""  # the thinking at the rung below
    for rung, budget in enumerate(spec.budgets):
        if below is not None and below.natural_end:
            below = _carry_forward(below, rung, budget)
            yield below
            continue
        with watch.running():
            path = await thinker.to(rung, budget)
        if path.tokens > budget:
            raise RuntimeError(f"the arm thought {path.tokens} tokens, and the rung allows {budget}")
        thinking, answer_start = total((thinking, watch.since(start))), watch.seconds
        with watch.running():
            fork = await continuation.append_text(path.prefix, spec.format.close + spec.format.cue)
            sampling = spec.answering(*(path.answer_key or (rung, "answer")))
            answer = await meter.send(continuation.decode(fork, sampling, truth=spec.truth_for("answer", path.tokens)))
            reply = Reply(path, answer) if review is None else await review(rung, Reply(path, answer))
        path = replace(reply.path, ended=path.ended and reply.path.ended)
        is_restart = not path.text.startswith(previous_text)
        below = Step(
            rung=rung,
            requested_tokens=budget,
            thinking_tokens=path.tokens,
            answer=reply.answer,
            natural_end=path.ended,
            usage=meter.since(first_request) + meter.overhead,
            thought=path.text if is_restart else path.text[len(previous_text) :],
            prefix=path.prefix,
            stop=path.stop,
            thought_ids=_ids_after(prompt, path.prefix),
            is_restart=is_restart,
            score=path.score,
            seconds=watch.since(start),
            thinking_seconds=thinking,
            answer_seconds=watch.since(answer_start),
            completion=reply.completion,
        )
        previous_text = path.text
        yield below
        first_request, start = meter.requests, watch.seconds  # requests of control rows since the yield are excluded


def _carry_forward(below: Step, rung: int, budget: int) -> Step:
    """Return the step of the rung below, for a trace that had ended there."""
    return replace(
        below,
        rung=rung,
        requested_tokens=budget,
        usage=replace(below.usage, decoded_tokens=0, prompt_tokens=0, cached_tokens=0),
        thought="",
        is_carried=True,
        is_restart=False,
        seconds=None if below.seconds is None else 0.0,
    )


def _ids_after(prompt: Prefix, prefix: Prefix) -> tuple[int, ...] | None:
    return None if prompt.ids is None or prefix.ids is None else prefix.ids[len(prompt.ids) :]


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
        usage=answer.usage + TokenUsage(decoded_tokens=fork.newly),
        thought="",
        prefix=prefix,
    )
