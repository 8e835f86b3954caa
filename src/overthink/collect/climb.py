"""One trace goes up the ladder: think to the next rung, fork, read the forced answer, go on from where it stopped."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

from overthink.collect.continuation import Prefix, Segment
from overthink.collect.thinking import Means, Thinker
from overthink.core.on_the_way import NOTHING, OnTheWay


@dataclass(frozen=True, slots=True)
class Step:
    """What happened at one rung.

    Attributes:
        rung: Position on the ladder, from 0.
        requested_tokens: The rung's thinking budget.
        thinking_tokens: Thinking tokens so far.
        answer: The forced answer.
        natural_end: The trace had ended by itself.
        generated_tokens: Tokens newly decoded for this rung, the answer and what was thrown away included; 0 where the
            step is carried forward.
        prompt_tokens: Prompt tokens of this rung's requests; None if the server gave none.
        cached_tokens: How many of them came from the server's cache; None if it does not say.
        thought: The thinking since the rung below; all of it where ``afresh``.
        prefix: Everything the model had seen and thought at this rung, not yet closed.
        stop: What ended the thinking: a stop text, "" for the end of the turn; None if nothing did or it is not known.
        carried: The step repeats the one below, because the trace had ended.
        thought_ids: Token ids of all thinking so far; None if the provider does not speak them.
        afresh: The answer comes from another line of thought than that of the rung below.
        on_the_way: What was spent since the trace began beside what it kept.
        score: What a verifier said of the thinking; None where none was asked.
        seconds: Wall-clock seconds newly taken for this rung; as all times, None where nobody took it.
        thinking_seconds: Those of all thinking so far, with whatever steered and searched.
        answer_seconds: Those of this rung's answer.
    """

    rung: int
    requested_tokens: int
    thinking_tokens: int
    answer: Segment
    natural_end: bool
    generated_tokens: int
    prompt_tokens: int | None
    cached_tokens: int | None
    thought: str
    prefix: Prefix
    stop: str | None = None
    carried: bool = False
    thought_ids: tuple[int, ...] | None = None
    afresh: bool = False
    on_the_way: OnTheWay = NOTHING
    score: float | None = None
    seconds: float | None = None
    thinking_seconds: float | None = None
    answer_seconds: float | None = None

    @property
    def attempt_seconds(self) -> float | None:
        """Seconds of one attempt up to here: its thinking, and its answer."""
        thinking, answer = self.thinking_seconds, self.answer_seconds
        return None if thinking is None or answer is None else thinking + answer


async def climb(means: Means, thinker: Thinker) -> AsyncIterator[Step]:
    """Yield one step per rung, in ascending order, so that the server's prefix cache stays warm."""
    continuation, way, till, watch = means.continuation, means.way, means.till, means.watch
    paid, begun, thinking = till.requests, watch.seconds, watch.no_time
    with watch.running():
        opened = await continuation.start(list(means.prompt), way.format.open)
        await thinker.begin(opened)
    below: Step | None = None
    told = ""  # the thinking that the rungs below have shown
    for rung, budget in enumerate(way.budgets):
        if below is not None and below.natural_end:
            below = _carried(below, rung, budget)
            yield below
            continue
        with watch.running():
            path = await thinker.to(rung, budget)
        thinking, thought = _plus(thinking, watch.since(begun)), watch.seconds
        with watch.running():
            fork = await continuation.append_text(path.prefix, way.format.close + way.format.cue)
            drawn = way.answering(*(path.answered or (rung, "answer")))
            answer = await till.paid(continuation.decode(fork, drawn, truth=way.told("answer", path.tokens)))
        receipt, afresh = till.since(paid), not path.text.startswith(told)
        below = Step(
            rung=rung,
            requested_tokens=budget,
            thinking_tokens=path.tokens,
            answer=answer,
            natural_end=path.ended,
            generated_tokens=receipt.decoded,
            prompt_tokens=receipt.prompt,
            cached_tokens=receipt.cached,
            thought=path.text if afresh else path.text[len(told) :],
            prefix=path.prefix,
            stop=path.stop,
            thought_ids=_since(opened, path.prefix),
            afresh=afresh,
            on_the_way=till.on_the_way(),
            score=path.score,
            seconds=watch.since(begun),
            thinking_seconds=thinking,
            answer_seconds=watch.since(thought),
        )
        told = path.text
        yield below
        paid, begun = till.requests, watch.seconds  # what was done beside the ladder meanwhile is none of it


def _carried(below: Step, rung: int, budget: int) -> Step:
    """The step of the rung below, for a trace that had ended there."""
    return replace(
        below,
        rung=rung,
        requested_tokens=budget,
        generated_tokens=0,
        prompt_tokens=0,
        cached_tokens=0,
        thought="",
        carried=True,
        afresh=False,
        seconds=None if below.seconds is None else 0.0,
    )


def _plus(a: float | None, b: float | None) -> float | None:
    return None if a is None or b is None else a + b


def _since(opened: Prefix, prefix: Prefix) -> tuple[int, ...] | None:
    return None if opened.ids is None or prefix.ids is None else prefix.ids[len(opened.ids) :]
