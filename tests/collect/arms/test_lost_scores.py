"""A verifier or a guard that fails on the way has been paid for what it had answered by then."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, cast

import pytest
from inspect_ai.model import ChatMessageUser

from overthink.collect.arms.interventions.guard import GuardError, GuardScale, GuardScore, Watch
from overthink.collect.arms.interventions.guard_models import VerifierGuard
from overthink.collect.arms.verifiers import own_probability
from overthink.collect.arms.verifiers.base import UnreadableScoreError, Verifier
from overthink.collect.arms.verifiers.endpoint import EndpointVerifier
from overthink.collect.arms.verifiers.own_probability import Likelihood, OwnProbability
from overthink.collect.arms.verifiers.rollouts import RolloutVerifier
from overthink.collect.ladder.accounting import CalledOffError, UsageMeter
from overthink.collect.ladder.sampling import SamplingSpec
from overthink.collect.ladder.thinking import ReasoningPath, TraceContext
from overthink.collect.providers.continuation import Prefix, Sampling, Segment
from overthink.collect.providers.think_tags import think_format

PATH = ReasoningPath(Prefix("|a\nb\nc\n"), steps=("a\n", "b\n", "c\n"))
ROLLOUTS = RolloutVerifier(n=2, tokens=5, against="consensus")


@dataclass
class Failing:
    """Every request takes 10 prompt and 4 decoded tokens; the last one fails."""

    answered: int
    with_error: BaseException
    reports_stop: bool = True

    async def start(self, messages: Any, opening: str) -> Prefix:
        return Prefix("|")

    async def append_text(self, prefix: Prefix, text: str) -> Prefix:
        return Prefix(prefix.text + text)

    def append(self, prefix: Prefix, segment: Segment) -> Prefix:
        return Prefix(prefix.text + segment.text)

    async def decode(self, prefix: Prefix, sampling: Sampling, *, truth: Any = None) -> Segment:
        self.answered -= 1
        if self.answered < 0:
            raise self.with_error
        return Segment("abcd", None, 4, True, 10, 0)


def context(continuation: Any = None) -> TraceContext:
    way = SamplingSpec((0, 8), think_format("plain"), answer_tokens=8, temperature=0.8, top_p=1.0, seed=1)
    return TraceContext(continuation, way, UsageMeter(), (ChatMessageUser(content="Why?"),))


def lost(
    context: TraceContext, asked: Callable[[TraceContext], Awaitable[object]], error: type[BaseException]
) -> tuple[Any, Any]:
    """What a verifier and a guard are charged with once the asking has failed."""

    async def ask() -> None:
        await asked(context)

    with pytest.raises(error):
        asyncio.run(ask())
    spent = context.meter.overhead
    return spent.step_verifier_tokens, spent.guard_tokens


@pytest.mark.parametrize("error", [ConnectionError("reset"), asyncio.CancelledError()], ids=["fails", "is called off"])
@pytest.mark.parametrize("ask", ["steps", "answer", "solution"])
def test_rollouts_are_charged_up_to_the_one_that_failed(ask: str, error: BaseException) -> None:
    asked = {
        "steps": lambda m: ROLLOUTS.steps(m, PATH, last_only=False),
        "answer": lambda m: ROLLOUTS.answer(m, PATH, "x"),
        "solution": lambda m: ROLLOUTS.solution(m, PATH, "x"),
    }[ask]
    answered = 1 if ask == "answer" else 5
    assert lost(context(Failing(answered, error)), asked, type(error)) == (14 * answered, 0)


def test_a_guard_made_of_a_verifier_is_charged_as_a_guard() -> None:
    watch = Watch(VerifierGuard(ROLLOUTS), 0.5)
    assert lost(context(Failing(3, ConnectionError())), lambda m: watch.passes(m, PATH), ConnectionError) == (0, 42)


def test_rollouts_begin_nothing_once_their_trace_has_failed() -> None:
    given = context(Failing(9, ConnectionError()))
    given.meter.call_off()
    assert lost(given, lambda m: ROLLOUTS.steps(m, PATH, last_only=False), CalledOffError) == (0, 0)
    assert given.continuation.answered == 9  # type: ignore[attr-defined]


def test_an_endpoint_is_charged_for_the_replies_that_came(monkeypatch: pytest.MonkeyPatch) -> None:
    verifier = EndpointVerifier(url="http://x", model="m", kind="classify", separator="", column=0, sigmoid=False)
    replies = iter([{"usage": {"prompt_tokens": 7}}, {"usage": {"prompt_tokens": 9}}])

    async def ask(*_: Any) -> dict[str, Any]:
        for reply in replies:
            return reply
        raise ConnectionError("refused")

    monkeypatch.setattr(EndpointVerifier, "_ask", ask)
    assert lost(context(), lambda m: verifier.steps(m, PATH, last_only=False), ConnectionError) == (16, 0)


def test_a_probability_that_cannot_be_read_tells_those_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[Any] = []

    async def likelihood(*_: Any, **__: Any) -> Likelihood:
        one = said.pop(0)
        if isinstance(one, Exception):
            raise one
        return Likelihood((-1.0,), one)

    monkeypatch.setattr(own_probability, "likelihood", likelihood)
    verifier = OwnProbability(per="token")
    said[:] = [10, UnreadableScoreError("no token", 4)]
    with pytest.raises(UnreadableScoreError) as gap:
        asyncio.run(verifier.steps(context(Failing(0, ConnectionError())), PATH, last_only=False))
    assert gap.value.tokens == 14
    said[:] = [10, 3, ConnectionError("reset")]
    asked = lambda m: verifier.steps(m, PATH, last_only=False)  # noqa: E731
    assert lost(context(Failing(0, ConnectionError())), asked, ConnectionError) == (13, 0)


@pytest.mark.parametrize("tokens", [9, None])
def test_a_guard_that_gives_no_score_is_charged_for_its_reply(tokens: int | None) -> None:
    class Mumbling:
        name, scale = "g", cast("GuardScale", "probability")

        async def score(self, context: TraceContext, path: ReasoningPath) -> GuardScore:
            raise GuardError("it said hm", tokens)

    watch = Watch(Mumbling(), 0.5)
    assert lost(context(), lambda m: watch.passes(m, PATH), GuardError) == (0, tokens)
    called_off = context()
    called_off.meter.call_off()
    assert lost(called_off, lambda m: watch.passes(m, PATH), CalledOffError) == (0, 0)


def test_a_verifier_that_says_something_is_not_charged_twice() -> None:
    given = context(Failing(99, ConnectionError()))
    said = asyncio.run(cast("Verifier", ROLLOUTS).steps(given, PATH, last_only=True))  # type: ignore[arg-type]
    assert said.tokens == 2 * 2 * 14
    assert given.meter.overhead.step_verifier_tokens == 0  # whoever asks charges what it says
