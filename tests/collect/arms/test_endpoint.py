"""Reward models behind an endpoint: what is sent, what is read, what it costs, and replies that are no scores."""

import asyncio
from collections.abc import Iterator
from typing import Any, cast

import pytest
from inspect_ai.model import ChatMessageUser
from pooling_server import MARK, PoolingServer

from overthink.collect.arms.verifiers.base import Scores, UnreadableScoreError
from overthink.collect.arms.verifiers.endpoint import KEY, EndpointVerifier
from overthink.collect.ladder.accounting import UsageMeter
from overthink.collect.ladder.thinking import ReasoningPath, TraceContext
from overthink.collect.providers.attempts import CallError, Patience, with_patience
from overthink.collect.providers.continuation import Prefix
from overthink.collect.providers.replies import ReplyError
from overthink.errors import InputError

STEPS = ("This is good.\n", "This is poor.\n", "good good good poor")
MEANS = TraceContext(cast("Any", None), cast("Any", None), UsageMeter(), (ChatMessageUser(content="Why?"),))
PATH = ReasoningPath(Prefix(""), steps=STEPS)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[PoolingServer]:
    monkeypatch.delenv(KEY, raising=False)
    made = PoolingServer()
    with with_patience(Patience(pause=0.001)):
        yield made
    made.http.shutdown()
    made.http.server_close()


def verifier(server: PoolingServer, **changes: Any) -> EndpointVerifier:
    given: dict[str, Any] = {"kind": "pooling", "separator": MARK, "column": -1, "sigmoid": False}
    return EndpointVerifier(url=server.url + "/v1", model="prm", **(given | changes))


def steps(made: EndpointVerifier, path: ReasoningPath = PATH, *, last_only: bool = False) -> Scores:
    return asyncio.run(made.steps(MEANS, path, last_only=last_only))


def test_a_process_reward_model_scores_every_step_in_one_request(server: PoolingServer) -> None:
    said = steps(verifier(server))
    assert said == Scores((1.0, 0.0, 0.75), server.tokens)
    assert server.bodies == [
        {
            "model": "prm",
            "messages": [
                {"role": "user", "content": "Why?"},
                {"role": "assistant", "content": f"This is good.{MARK}This is poor.{MARK}good good good poor{MARK}"},
            ],
        }
    ]
    assert steps(verifier(server), last_only=True).scores == (0.75,)
    assert steps(verifier(server, column=0)).scores == (0.0, 1.0, 0.25)


def test_a_step_cannot_end_itself(server: PoolingServer) -> None:
    hostile = ReasoningPath(Prefix(""), steps=(f"good{MARK}poor\n", "good\n"))
    assert steps(verifier(server), hostile).scores == (0.5, 1.0)


@pytest.mark.parametrize(("kind", "requests"), [("pooling", 3), ("classify", 3), ("score", 1)])
def test_a_model_of_whole_texts_reads_every_step_with_those_before(
    kind: str, requests: int, server: PoolingServer
) -> None:
    said = steps(verifier(server, kind=kind, separator=""))
    assert said == Scores((1.0, 0.5, 4 / 6), server.tokens)
    assert len(server.bodies) == requests
    assert steps(verifier(server, kind=kind, separator=""), last_only=True).scores == (4 / 6,)


@pytest.mark.parametrize("separator", [MARK, ""])
def test_the_answer_is_the_step_behind_the_others(separator: str, server: PoolingServer) -> None:
    made = verifier(server, separator=separator)
    alone = asyncio.run(made.answer(MEANS, PATH, "poor"))
    whole = asyncio.run(made.solution(MEANS, PATH, "poor"))
    assert alone.scores == whole.scores[-1:]
    assert whole.scores[:-1] == steps(made).scores
    assert alone.scores == ((0.0,) if separator else (4 / 7,))


def rows(numbers: list[Any]) -> Any:
    return lambda reply: reply | {"data": [{"index": 0, "data": [[0.0, number] for number in numbers]}]}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (rows([0.5, 0.5]), "2 scores for 3 steps"),
        (rows([0.5] * 4), "4 scores for 3 steps"),
        (rows([0.5, None, 0.5]), "NaN, infinite or missing"),
        (rows([0.5, float("nan"), 0.5]), "NaN, infinite or missing"),
        (rows(["0.5"] * 3), "another shape"),
        (rows([True] * 3), "another shape"),
        (lambda reply: reply | {"data": []}, "another shape"),
        (lambda reply: {"model": "prm"}, "another shape"),
        (lambda reply: [1], "another shape"),
    ],
)
def test_a_reply_that_is_no_score_is_a_gap(change: Any, reason: str, server: PoolingServer) -> None:
    server.change = change
    with pytest.raises(UnreadableScoreError, match=reason) as gap:
        steps(verifier(server))
    assert gap.value.tokens in (server.tokens, None)


def test_logits_are_refused_with_the_setting_that_reads_them(server: PoolingServer) -> None:
    server.change = rows([4.0, -4.0, 0.0])
    with pytest.raises(InputError, match="gave 4; needed: probabilities.*sigmoid=true"):
        steps(verifier(server))
    assert steps(verifier(server, sigmoid=True)).scores == pytest.approx((0.98201379, 0.01798621, 0.5))


def test_tokens_that_nobody_counted_are_unknown(server: PoolingServer) -> None:
    server.change = lambda reply: {name: value for name, value in reply.items() if name != "usage"}
    assert steps(verifier(server)).tokens is None


def test_a_key_comes_from_the_environment_alone(server: PoolingServer, monkeypatch: pytest.MonkeyPatch) -> None:
    steps(verifier(server))
    monkeypatch.setenv(KEY, "sesame-open")
    steps(verifier(server))
    assert server.keys == [None, "Bearer sesame-open"]
    server.statuses = [401]
    with pytest.raises(CallError, match="status 401.*after 1 of 5 tries") as refused:
        steps(verifier(server))
    assert refused.value.status == 401
    assert "sesame" not in str(refused.value)


def test_faults_of_the_server(server: PoolingServer) -> None:
    made = verifier(server)
    server.statuses = [503, 429]
    assert steps(made).scores == (1.0, 0.0, 0.75)
    server.statuses = [404]
    with pytest.raises(CallError, match="status 404.*after 1 of 5 tries"):
        steps(made)
    server.statuses = [405]
    with pytest.raises(InputError, match="is not there.*kind"):
        steps(made)
    server.statuses = [400]
    with pytest.raises(UnreadableScoreError, match="status 400"):
        steps(made)
    server.statuses = [500] * Patience().tries
    with pytest.raises(CallError, match="status 500.*after 5 of 5 tries; a call waits at most 840 s"):
        steps(made)
    server.model = "other"
    with pytest.raises(ReplyError, match="another model answered: 'other'"):
        steps(made)


def test_a_separator_belongs_to_pooling(server: PoolingServer) -> None:
    with pytest.raises(InputError, match="takes no separator"):
        verifier(server, kind="classify")
