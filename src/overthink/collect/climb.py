"""One trace goes up the ladder: think to the next rung, fork, read the forced answer, go on from where it stopped."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

from inspect_ai.model import ChatMessage

from overthink.collect.continuation import Continuation, Prefix, Sampling, Segment
from overthink.collect.seeds import seed_for
from overthink.collect.think import ThinkFormat


@dataclass(frozen=True, slots=True)
class Way:
    """What one trace needs to know to climb.

    Attributes:
        budgets: Thinking budgets in tokens, ascending.
        format: How thinking opens and closes, cue settled for this prompt.
        answer_tokens: Allowance for the answer at every rung, apart from the thinking.
        temperature: Sampling temperature.
        top_p: Nucleus sampling mass.
        seed: Seed of this trace; every segment and answer derives its own from it.
        truth: What a simulated model may know of the question; None for every real one.
    """

    budgets: tuple[int, ...]
    format: ThinkFormat
    answer_tokens: int
    temperature: float
    top_p: float
    seed: int
    truth: dict[str, Any] | None = None

    def told(self, phase: str, thinking: int) -> dict[str, Any] | None:
        """What a simulated model is told of one request; None for every real one."""
        return None if self.truth is None else self.truth | {"phase": phase, "thinking_tokens": thinking}


@dataclass(frozen=True, slots=True)
class Step:
    """What happened at one rung.

    Attributes:
        rung: Position on the ladder, from 0.
        requested_tokens: The rung's thinking budget.
        thinking_tokens: Thinking tokens so far.
        answer: The forced answer.
        natural_end: The trace had ended by itself.
        generated_tokens: Tokens newly decoded for this rung, answer included; 0 where the step is carried forward.
        prompt_tokens: Prompt tokens of this rung's requests; None if the server gave none.
        cached_tokens: How many of them came from the server's cache; None if it does not say.
        thought: Text decoded on the way to this rung.
        prefix: Everything the model had seen and thought at this rung, not yet closed.
        stop: What ended the thinking: a stop text, "" for the end of the turn; None if nothing did or it is not known.
        carried: The step repeats the one below, because the trace had ended.
        thought_ids: Token ids of all thinking so far; None if the provider does not speak them.
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


async def climb(continuation: Continuation, prompt: list[ChatMessage], way: Way) -> AsyncIterator[Step]:
    """Yield one step per rung, in ascending order, so that the server's prefix cache stays warm."""
    opened = await continuation.start(prompt, way.format.open)
    prefix = opened
    thinking, ended, stop, below = 0, False, None, None
    for rung, budget in enumerate(way.budgets):
        if ended and below is not None:
            below = replace(
                below,
                rung=rung,
                requested_tokens=budget,
                generated_tokens=0,
                prompt_tokens=0,
                cached_tokens=0,
                thought="",
                carried=True,
            )
            yield below
            continue
        parts: list[Segment] = []
        if budget > thinking:
            segment = await continuation.decode(
                prefix, _sampling(way, rung, "think", budget - thinking), truth=way.told("think", thinking)
            )
            prefix = continuation.append(prefix, segment)
            thinking += segment.tokens
            ended, stop = segment.ended, segment.stop
            parts.append(segment)
        fork = await continuation.append_text(prefix, way.format.close + way.format.cue)
        answer = await continuation.decode(
            fork, _sampling(way, rung, "answer", way.answer_tokens), truth=way.told("answer", thinking)
        )
        parts.append(answer)
        below = Step(
            rung=rung,
            requested_tokens=budget,
            thinking_tokens=thinking,
            answer=answer,
            natural_end=ended,
            generated_tokens=sum(part.tokens for part in parts),
            prompt_tokens=_sum_known([part.prompt_tokens for part in parts]),
            cached_tokens=_sum_known([part.cached_tokens for part in parts]),
            thought="".join(part.text for part in parts[:-1]),
            prefix=prefix,
            stop=stop,
            thought_ids=_since(opened, prefix),
        )
        yield below


def _sampling(way: Way, rung: int, phase: str, max_tokens: int) -> Sampling:
    return Sampling(
        max_tokens=max_tokens,
        seed=seed_for(way.seed, rung, phase),
        temperature=way.temperature,
        top_p=way.top_p,
        stop=way.format.stop if phase == "think" else way.format.answer_stop,
    )


def _since(opened: Prefix, prefix: Prefix) -> tuple[int, ...] | None:
    return None if opened.ids is None or prefix.ids is None else prefix.ids[len(opened.ids) :]


def _sum_known(counts: list[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None
