"""The proxy: what goes through, what is lowered, what is refused, and how a stream ends at its cap."""

import asyncio
import contextlib
import hashlib
import json
import socket
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import fakeredis
import httpx
import pytest
import uvicorn
from gateways import Upstream, a_policy, a_rule, gateway, life
from openai import BadRequestError, OpenAI, PermissionDeniedError, RateLimitError

from overthink.gateway import relay, server, sqlite_ledger
from overthink.gateway.dialects import OpenAIChat
from overthink.gateway.identity import Identity
from overthink.gateway.ledger import Counter, Demand, Reservation
from overthink.gateway.redis_ledger import RedisLedger
from overthink.gateway.request import Limits
from overthink.gateway.sqlite_ledger import SqliteLedger
from overthink.governance.deployment.policy import Tries

USER = [{"role": "user", "content": "What is 17 times 3?"}]


def client(url: str, key: str = "any") -> OpenAI:
    return OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0)


def post(url: str, path: str = "/v1/chat/completions", **body: Any) -> httpx.Response:
    return httpx.post(url + path, json={"model": "m", "messages": USER} | body, timeout=20)


def streamed(url: str, **body: Any) -> tuple[list[dict[str, Any]], str]:
    """The events of a stream, and its last line."""
    lines = [line[6:] for line in post(url, stream=True, **body).text.split("\n\n") if line.startswith("data: ")]
    return [json.loads(line) for line in lines if line != "[DONE]"], lines[-1]


@pytest.fixture(scope="module")
def refusing(tmp_path_factory: pytest.TempPathFactory, model_server: Upstream) -> Iterator[str]:
    """The address of one gateway for the tests whose requests go no further than it."""
    with gateway(tmp_path_factory.mktemp("refusing"), model_server, a_policy()) as gate:
        yield gate.url


def caller(name: str, organisation: str = "acme") -> tuple[str, Identity]:
    return hashlib.sha256(f"key-of-{name}".encode()).hexdigest(), Identity(name, organisation)


def test_an_answer_goes_through_and_is_counted(tmp_path: Path, upstream: Upstream) -> None:
    with gateway(tmp_path, upstream, a_policy(budgets=(life(1000),))) as gate:
        answer = client(gate.url).chat.completions.create(model="m", messages=USER)  # type: ignore[arg-type]
        assert answer.choices[0].message.content == "wort " * 10
        stream = client(gate.url).chat.completions.create(model="m", messages=USER, stream=True)  # type: ignore[arg-type]
        chunks = list(stream)
        assert "".join(c.choices[0].delta.content or "" for c in chunks) == "wort " * 10
        assert all(chunk.choices for chunk in chunks)  # usage was not asked for
        with_usage = list(client(gate.url).chat.completions.create(
            model="m", messages=USER, stream=True, stream_options={"include_usage": True}  # type: ignore[arg-type]
        ))  # fmt: skip
        assert with_usage[-1].usage is not None
        assert with_usage[-1].usage.completion_tokens == 10
    first, *_ = entries = gate.entries()
    assert [entry["generated_tokens"] for entry in entries] == [10, 10, 10]
    assert (first["end"], first["counted"], first["prompt_tokens"], first["tries"]) == ("complete", "provider", 7, 1)
    assert upstream.bodies[1]["stream_options"] == {"include_usage": True}
    assert [body["max_tokens"] for body in upstream.bodies] == [50, 50, 50]
    assert not any("reasoning_effort" in body for body in upstream.bodies)  # the rule has no efforts


def test_a_stream_is_cut_at_the_budget_with_a_well_formed_end(tmp_path: Path, upstream: Upstream) -> None:
    upstream.deltas = [{"reasoning_content": "hm "}] * 8 + [{"tool_calls": [{"function": {"arguments": "{"}}]}] * 8
    upstream.pause = 0.001
    with gateway(tmp_path, upstream, a_policy(budgets=(life(13),))) as gate:
        events, last = streamed(gate.url, stream_options={"include_usage": True})
        assert last == "[DONE]"
        assert sum(bool(e["choices"] and e["choices"][0]["delta"]) for e in events) == 13
        assert events[-2]["choices"] == [{"index": 0, "delta": {}, "finish_reason": "length"}]
        assert events[-1]["usage"]["completion_tokens"] == 13
        refused = post(gate.url)
        assert (refused.status_code, refused.json()["error"]["code"]) == (429, "budget_exhausted")
        assert "retry-after" not in refused.headers
        assert "st4t3m3nt" in refused.json()["error"]["message"]
        with pytest.raises(RateLimitError):
            client(gate.url).chat.completions.create(model="m", messages=USER)  # type: ignore[arg-type]
    assert [entry["end"] for entry in gate.entries()] == ["cut", "refused", "refused"]
    assert gate.entries()[0]["generated_tokens"] == 13


def test_streams_that_reserve_whole_leave_the_server_nothing_to_generate_beyond_the_budget(
    tmp_path: Path, upstream: Upstream
) -> None:
    upstream.deltas = [{"content": "eight ch"}] * 100  # more by the estimate than by the server's count
    with gateway(tmp_path, upstream, a_policy(budgets=(life(70),)), reserve_whole=True) as gate:
        for asked, tokens in ((40, 40), (40, 30)):
            events, last = streamed(gate.url, max_tokens=asked)
            assert sum(bool(event["choices"][0]["delta"]) for event in events) == tokens
            assert last == "[DONE]"
        assert post(gate.url, stream=True).status_code == 429
    assert [body["max_tokens"] for body in upstream.bodies] == [40, 30]
    assert upstream.produced == 70
    assert [entry["end"] for entry in gate.entries()] == ["complete", "complete", "refused"]


def test_who_is_refused_for_what_others_reserve_is_told_when_to_come_back(tmp_path: Path, upstream: Upstream) -> None:
    budget = Counter("tokens/everybody/m/life", 12, None)
    with gateway(tmp_path, upstream, a_policy(budgets=(life(12),))) as gate:
        ledger = gate.settings.ledger
        other = ledger.reserve(Demand((budget,), tries=1, prompt=0, tokens=12, least=12))
        refused = post(gate.url)
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
        assert refused.json()["error"]["code"] == "budget_reserved"
        ledger.settle(Reservation(other.id), use=10, prompt=0, tries=1)
        assert post(gate.url).json()["usage"]["completion_tokens"] == 2
        assert "retry-after" not in post(gate.url).headers


def test_many_streams_over_two_replicas_get_one_budget_and_no_token_more(tmp_path: Path, upstream: Upstream) -> None:
    upstream.deltas, upstream.pause = [{"content": "ja "}] * 60, 0.01
    policy = a_policy(budgets=(life(300),))
    folders = [tmp_path / "a", tmp_path / "b"]
    with contextlib.ExitStack() as stack:
        for folder in folders:
            folder.mkdir()
        gates = [
            stack.enter_context(
                gateway(folder, upstream, policy, ledger=SqliteLedger(tmp_path / "store.db", seconds=60))
            )
            for folder in folders
        ]

        async def tokens(client: httpx.AsyncClient, number: int) -> int:
            body = {"model": "m", "messages": [{"role": "user", "content": f"{number}"}], "stream": True}
            answer = await client.post(f"{gates[number % 2].url}/v1/chat/completions", json=body, timeout=60)
            return answer.text.count('"ja "')

        async def all_streams() -> list[int]:
            async with httpx.AsyncClient() as client:
                return await asyncio.gather(*(tokens(client, number) for number in range(24)))

        got = sum(asyncio.run(all_streams()))
    ends = [entry["end"] for gate in gates for entry in gate.entries()]
    assert 297 <= got <= 300  # of 1,200 that were asked for
    assert len(ends) == 24
    assert {"cut"} <= set(ends) <= {"cut", "refused", "complete"}


def test_thinking_beyond_what_was_evaluated_is_cut_whatever_it_is_called(tmp_path: Path, upstream: Upstream) -> None:
    with gateway(tmp_path, upstream, a_policy()) as gate:
        for field in ("reasoning_content", "reasoning"):
            upstream.deltas = [{field: "so "}] * 40
            events, _ = streamed(gate.url)
            assert sum(bool(event["choices"][0]["delta"]) for event in events) == 20
        upstream.deltas = [{"content": "<thi"}, {"content": "nk>"}, *[{"content": "so "}] * 38]
        events, _ = streamed(gate.url)
        assert sum(bool(event["choices"][0]["delta"]) for event in events) == 21  # no thinking until the tag is whole
        upstream.deltas = [{"content": "so "}] * 40
        events, _ = streamed(gate.url)  # an answer is no thinking
        assert sum(bool(event["choices"][0]["delta"]) for event in events) == 40


def test_usage_that_comes_early_or_twice_hides_nothing_that_comes_after_it(tmp_path: Path, upstream: Upstream) -> None:
    def event(**fields: Any) -> str:
        return f"data: {json.dumps(fields)}\n\n"

    def stream(field: str, *counts: int) -> bytes:
        """Forty tokens with counts before, after twenty, and so on."""
        part = "".join(event(choices=[{"index": 0, "delta": {field: "so "}, "finish_reason": None}]) for _ in range(20))
        details = [{"completion_tokens_details": {"reasoning_tokens": n}} if field != "content" else {} for n in counts]
        usages = [
            event(choices=[], usage={"completion_tokens": n} | more) for n, more in zip(counts, details, strict=True)
        ]
        return (part.join(usages) + event(choices=[{"index": 0, "delta": {}, "finish_reason": "stop"}])).encode()

    with gateway(tmp_path, upstream, a_policy(budgets=(life(120),))) as gate:
        upstream.content = stream("content", 0, 20, 40) + b"data: [DONE]\n\n"
        assert len(streamed(gate.url)[0]) == 41
        upstream.content = stream("content", 0, 20, 3) + b"data: [DONE]\n\n"  # the last says less than before
        assert len(streamed(gate.url)[0]) == 41
        upstream.content = stream("reasoning", 0, 0, 0)
        events, _ = streamed(gate.url)
        assert sum(bool(event["choices"][0]["delta"]) for event in events) == 20  # all that was evaluated
        upstream.content = stream("content", 0, 0, 0)
        events, _ = streamed(gate.url)
        assert sum(bool(event["choices"][0]["delta"]) for event in events) == 19  # all that the others left
    assert [(entry["generated_tokens"], entry["end"]) for entry in gate.entries()] == [
        (40, "complete"), (40, "complete"), (21, "cut"), (19, "cut"),
    ]  # fmt: skip


def test_a_whole_answer_with_too_much_thinking_is_not_handed_over(tmp_path: Path, upstream: Upstream) -> None:
    upstream.deltas = [{"reasoning_content": "so "}] * 21
    with gateway(tmp_path, upstream, a_policy()) as gate:
        answer = post(gate.url)
    assert answer.status_code == 403
    assert "thought 21 tokens; evaluated: 20" in answer.json()["error"]["message"]
    assert gate.entries()[0]["thinking_tokens"] == 21
    assert gate.entries()[0]["tries"] == 1


def test_messages_of_anthropic(tmp_path: Path, upstream: Upstream) -> None:
    upstream.deltas = [{"reasoning_content": "hm "}] * 40
    with gateway(tmp_path, upstream, a_policy(), upstream_key="own-key") as gate:
        text = post(gate.url, "/v1/messages", stream=True, max_tokens=5000).text
        events = [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: ")]
        kinds = [event["type"] for event in events]
        assert kinds[-3:] == ["content_block_stop", "message_delta", "message_stop"]
        assert events[-2]["delta"]["stop_reason"] == "max_tokens"
        assert kinds.count("content_block_delta") == 20
        upstream.deltas = [{"content": "drei "}] * 4
        whole = post(gate.url, "/v1/messages", max_tokens=100, thinking={"type": "enabled", "budget_tokens": 16})
        assert whole.json()["content"][0]["text"] == "drei " * 4
        hosted = [{"type": "web_search_20250305", "name": "web_search"}]
        assert post(gate.url, "/v1/messages", max_tokens=9, tools=hosted).status_code == 400
        beyond = post(gate.url, "/v1/messages", max_tokens=9, thinking={"type": "enabled", "budget_tokens": 21})
        assert beyond.status_code == 403
        assert beyond.json()["type"] == "error"
    assert upstream.bodies[0]["max_tokens"] == 50
    assert upstream.bodies[1]["thinking"]["budget_tokens"] == 16
    assert upstream.headers[0]["x-api-key"] == "own-key"
    assert gate.entries()[1]["generated_tokens"] == 4


def test_what_clients_send_beside_the_question_goes_through(tmp_path: Path, upstream: Upstream) -> None:
    ordinary = {"n": None, "stop": None, "reasoning_effort": None, "functions": None, "store": False, "user": "u"}
    shape = {"type": "json_schema", "schema": {"type": "object"}}
    with gateway(tmp_path, upstream, a_policy(tries=Tries(per_key=50))) as gate:
        assert post(gate.url, **ordinary, safety_identifier="s", verbosity="low").status_code == 200
        asked = post(gate.url, "/v1/messages", max_tokens=9, output_config={"format": shape}, top_k=None)
        assert asked.status_code == 200
        assert post(gate.url, "/v1/messages", max_tokens=9, output_config={"effort": "high"}).status_code == 403
    assert upstream.bodies[0].keys() == {
        "model", "messages", "store", "user", "safety_identifier", "verbosity", "max_tokens",
    }  # fmt: skip
    assert upstream.bodies[1]["output_config"] == {"format": shape}


def test_the_cap_has_the_name_that_openai_takes_and_others_know() -> None:
    policy = a_policy()
    for cap, asked, sent in (
        (None, {}, "max_tokens"),
        (None, {"max_completion_tokens": 9}, "max_completion_tokens"),
        ("max_completion_tokens", {}, "max_completion_tokens"),
        ("max_completion_tokens", {"max_tokens": 9}, "max_completion_tokens"),
    ):
        dialect = OpenAIChat(cap=cap)
        ask = dialect.read({"model": "m", "messages": USER, **asked}, Limits(policy, policy.rules[0], False, []), "m")
        dialect.with_tokens(ask, 5)
        assert {name: ask.body[name] for name in ("max_tokens", "max_completion_tokens") if name in ask.body} == {
            sent: 5
        }


def test_steps_of_an_agent_are_tries_of_its_users_turn_in_both_dialects(tmp_path: Path, upstream: Upstream) -> None:
    call = {"role": "assistant", "content": "", "tool_calls": [{"id": "1", "function": {"name": "f"}}]}
    use = {"role": "assistant", "content": [{"type": "tool_use", "id": "1", "name": "f", "input": {}}]}
    with gateway(tmp_path, upstream, a_policy(tries=Tries(per_key=3))) as gate:
        for number in range(3):
            result = {"role": "tool", "tool_call_id": "1", "content": f"result {number}"}
            steps = [*USER, call, result]
            assert post(gate.url, messages=steps).status_code == 200
        result = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "1", "content": "other words"}]}
        refused = post(gate.url, "/v1/messages", max_tokens=9, messages=[*USER, use, result])
        assert (refused.status_code, "tries" in refused.text) == (403, True)
        alone = post(gate.url, "/v1/messages", max_tokens=9, messages=[result])
        assert (alone.status_code, "no message of the user" in alone.text) == (400, True)


def test_tries_are_capped_however_they_are_asked_for(tmp_path: Path, upstream: Upstream) -> None:
    with gateway(tmp_path, upstream, a_policy(tries=Tries(per_key=5, total=8))) as gate:
        assert post(gate.url, n=2).status_code == 200
        assert post(gate.url, messages=[{"role": "user", "content": "what IS 17 times 3 ?? Please"}]).status_code == 200
        assert post(gate.url, best_of=2, n=1).status_code == 200
        refused = post(gate.url)
        assert refused.status_code == 403
        assert refused.json()["error"]["code"] == "tries_beyond_evaluation"
        with pytest.raises(PermissionDeniedError):
            client(gate.url).chat.completions.create(model="m", messages=USER)  # type: ignore[arg-type]
        other = [{"role": "user", "content": "Name a city on the river Elbe in Saxony"}]
        assert post(gate.url, messages=other, n=4).status_code == 403  # the cap over all requests
        assert post(gate.url, messages=other, n=3).status_code == 200
    assert [entry["tries"] for entry in gate.entries() if entry["end"] == "complete"] == [2, 1, 2, 3]
    assert len({entry["family"] for entry in gate.entries()}) == 2


def test_an_error_upstream_is_no_try(tmp_path: Path, upstream: Upstream) -> None:
    with gateway(tmp_path, upstream, a_policy(tries=Tries(per_key=1), budgets=(life(100),))) as gate:
        upstream.status = 500
        assert [post(gate.url).status_code for _ in range(3)] == [500, 500, 500]
        upstream.status = 200
        assert post(gate.url).status_code == 200
        gate.settings.upstream = "http://127.0.0.1:1"
        other = [{"role": "user", "content": "Something else entirely, please"}]
        assert post(gate.url, messages=other).status_code == 502
    ends = [(entry["end"], entry["tries"]) for entry in gate.entries()]
    assert ends == [("upstream", 0)] * 3 + [("complete", 1), ("upstream", 0)]


def test_a_stream_that_breaks_off_says_so_and_counts(tmp_path: Path, upstream: Upstream) -> None:
    upstream.breaks = 4
    with gateway(tmp_path, upstream, a_policy(budgets=(life(100),))) as gate:
        events, _ = streamed(gate.url)
        assert events[-1]["error"]["code"] == "upstream_fault"
    (entry,) = gate.entries()
    assert (entry["end"], entry["tries"], entry["generated_tokens"]) == ("upstream", 1, 5)  # 20 characters


def test_what_is_no_answer_of_the_dialect_is_a_fault_of_the_server(tmp_path: Path, upstream: Upstream) -> None:
    deep = b'{"choices": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    half = b'{"choices": [{"index": 0, "message": {"content": "\\ud83d"}}]}'
    with gateway(tmp_path, upstream, a_policy()) as gate:
        for content in (b"", b"hello", b"[]", b'{"choices": [null]}', b'{"choices": [], "x": NaN}', deep):
            upstream.content = content
            assert post(gate.url).status_code == 502
        for content in (b"hello", b"[]", b'{"choices": [null]}', deep):
            upstream.content = b"data: " + content + b"\n\n"
            events, _ = streamed(gate.url)
            assert events[-1]["error"]["code"] == "upstream_fault"
        upstream.content = half
        assert post(gate.url).json()["choices"][0]["message"]["content"] == "\ud83d"
        upstream.content = b'data: {"error": {"message": "no memory"}}\n\ndata: [DONE]\n\n'
        events, last = streamed(gate.url)
        assert (events[0]["error"]["message"], last) == ("no memory", "[DONE]")


@pytest.mark.parametrize(
    ("parameter", "value", "status"),
    [
        ("thinking_token_budget", 21, 403),
        ("thinking", {"type": "enabled", "budget_tokens": 10_000}, 403),
        ("thinking", {"type": "enabled", "effort": "max"}, 400),
        ("reasoning", {"max_tokens": 21}, 403),
        ("reasoning_effort", "high", 403),
        ("chat_template_kwargs", {"thinking_budget": 999}, 403),
        ("chat_template_kwargs", {"reasoning_effort": "high"}, 403),
        ("chat_template_kwargs", {"think_harder": True}, 400),
        ("extra_body", {"thinking_token_budget": 999}, 400),
        ("think_hard", True, 400),
        ("n", 10**6, 400),
        ("n", "2", 400),
        ("max_tokens", -1, 400),
        ("thinking_token_budget", True, 400),
        ("messages", "hello", 400),
        ("messages", [{"role": "system", "content": "x"}], 400),
        ("model", "other", 404),
        ("model", None, 404),
    ],
)
def test_what_is_unknown_or_beyond_is_refused(
    refusing: str, upstream: Upstream, parameter: str, value: Any, status: int
) -> None:
    assert post(refusing, **{parameter: value}).status_code == status
    assert upstream.bodies == []


def test_what_is_beyond_is_lowered_where_the_policy_says_so(tmp_path: Path, upstream: Upstream) -> None:
    policy = a_policy(beyond="clamp", efforts=("low", "medium"))
    with gateway(tmp_path, upstream, policy) as gate:
        post(gate.url, thinking_token_budget=9999, max_completion_tokens=10**6, reasoning_effort="xhigh")
        post(gate.url)
    assert upstream.bodies[0]["thinking_token_budget"] == 20
    assert upstream.bodies[0]["max_completion_tokens"] == 50
    assert [body["reasoning_effort"] for body in upstream.bodies] == ["medium", "low"]
    assert "was not evaluated" in gate.entries()[0]["beyond"][0]


def test_log_only_lets_all_through_and_writes_what_would_not_be(tmp_path: Path, upstream: Upstream) -> None:
    upstream.deltas = [{"reasoning_content": "so "}] * 60
    policy = a_policy(tries=Tries(per_key=1), budgets=(life(30),))
    with gateway(tmp_path, upstream, policy, log_only=True) as gate:
        events, _ = streamed(gate.url, thinking_token_budget=99, max_tokens=60)
        assert sum(bool(event["choices"][0]["delta"]) for event in events) == 60
        assert post(gate.url, max_tokens=60).status_code == 200
    first, second = gate.entries()
    assert first["thinking_tokens"] == 60
    assert any("the cap on tokens/everybody" in text for text in second["beyond"])
    assert upstream.bodies[0]["thinking_token_budget"] == 99


def test_who_calls_is_said_by_the_key_alone(tmp_path: Path, upstream: Upstream) -> None:
    trial = a_rule(principal="trial", budgets=(life(5, "principal"),))
    policy = a_policy(budgets=(life(20, "organisation"),))
    policy = policy.model_copy(update={"rules": (*policy.rules, trial)})
    callers = dict([caller("alice"), caller("bob"), caller("trial", "other")])
    with gateway(tmp_path, upstream, policy, callers=callers, upstream_key="secret-upstream") as gate:
        spoofs = {"x-forwarded-user": "alice", "x-litellm-trace-id": "alice", "openai-organization": "acme"}
        body = {"model": "m", "messages": USER}

        def ask(*keys: str, **headers: str) -> httpx.Response:
            fields = [("authorization", f"Bearer key-of-{key}") for key in keys] + list(headers.items())
            return httpx.post(f"{gate.url}/v1/chat/completions", json=body, headers=fields, timeout=20)

        assert ask().status_code == 401
        assert ask("mallory").status_code == 401
        assert ask("alice", "bob").status_code == 401
        assert ask("alice", **spoofs).status_code == 200
        assert ask("bob").status_code == 200
        assert ask("alice").status_code == 429  # the organisation's 20 are used
        first = ask("trial", **spoofs)
        assert (first.status_code, first.json()["usage"]["completion_tokens"]) == (200, 5)  # its own budget and rule
        assert ask("trial", **spoofs).status_code == 429
        models = httpx.get(f"{gate.url}/v1/models", headers={"x-api-key": "key-of-bob"})
        assert [model["id"] for model in models.json()["data"]] == ["m"]
        assert httpx.get(f"{gate.url}/v1/models").status_code == 401
    assert all(sent["authorization"] == "Bearer secret-upstream" for sent in upstream.headers)
    assert not any("alice" in json.dumps(sent) for sent in upstream.headers)


@pytest.mark.parametrize(
    "path", ["/v1/completions", "/v1/embeddings", "/v1/responses", "/v1/chat/completions/..", "/", "/metrics"]
)
def test_other_endpoints_are_refused_by_name(refusing: str, path: str) -> None:
    answer = httpx.post(refusing + path, json={})
    assert answer.status_code == 404
    assert "is not served by this gateway" in answer.json()["error"]["message"]
    assert httpx.get(f"{refusing}/v1/chat/completions").status_code == 405


def raw(url: str, content: bytes, *, wait: float = 5.0) -> bytes:
    """What a server answers to bytes, until it closes or the time is over."""
    host, _, port = url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=wait) as connection:
        connection.sendall(content)
        answer = b""
        try:
            while part := connection.recv(65536):
                answer += part
        except TimeoutError:
            return answer + b"<open>"
        except ConnectionResetError:
            pass
        return answer


def framed(*headers: str, body: str) -> bytes:
    lines = ["POST /v1/chat/completions HTTP/1.1", "Host: gateway", "Connection: close", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


def test_a_request_of_two_lengths_is_refused(tmp_path: Path, upstream: Upstream) -> None:
    body = json.dumps({"model": "m", "messages": USER})
    chunked = f"{len(body):x}\r\n{body}\r\n0\r\n\r\n"
    smuggled = chunked + "GET /v1/models HTTP/1.1\r\nHost: x\r\n\r\n"
    with gateway(tmp_path, upstream, a_policy()) as gate:
        attacks = [
            framed(f"Content-Length: {len(smuggled)}", "Transfer-Encoding: chunked", body=smuggled),
            framed("Content-Length: 4", f"Content-Length: {len(body)}", body=body),
            framed("Transfer-Encoding: chunked", "Transfer-Encoding: identity", body=chunked),
            framed("Transfer-Encoding: xchunked", body=chunked),
            framed("Content-Length: +5", body=body),
            framed(f"Content-Length: {len(body)}", "X: a\r\n b: c", "Bad Header : x", body=body),
            framed("Content-Encoding: gzip", f"Content-Length: {len(body)}", body=body),
        ]
        for attack in attacks:
            answer = raw(gate.url, attack)
            assert answer.startswith((b"HTTP/1.1 4", b"HTTP/1.1 501")), (attack, answer)
            assert answer.count(b"HTTP/1.1") == 1
        assert upstream.bodies == []
        assert raw(gate.url, framed(f"Content-Length: {len(body)}", body=body)).startswith(b"HTTP/1.1 200")


def test_ambiguous_and_large_bodies_are_refused(tmp_path: Path, upstream: Upstream) -> None:
    url = "/v1/chat/completions"
    with gateway(tmp_path, upstream, a_policy(), body_bytes=2000) as gate:
        twice = b'{"model": "m", "messages": [{"role": "user", "content": "a"}], "n": 1, "n": 99}'
        for content in (twice, b"{", b"[]", b'{"n": NaN}', b"\xff"):
            assert httpx.post(gate.url + url, content=content).status_code == 400
        assert httpx.post(gate.url + url, content=b"x" * 2001).status_code == 413
        chunks = (b"x" * 500 for _ in range(10))
        assert httpx.post(gate.url + url, content=chunks).status_code == 413
    assert upstream.bodies == []


def test_a_slow_head_a_slow_body_and_a_half_open_connection_are_closed(
    tmp_path: Path, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    from overthink.gateway import proxy

    monkeypatch.setattr(server, "HEAD_SECONDS", 0.4)
    monkeypatch.setattr(proxy, "BODY_SECONDS", 0.4)
    with gateway(tmp_path, upstream, a_policy()) as gate:
        assert raw(gate.url, b"") == b""
        assert raw(gate.url, b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n") == b""
        assert raw(gate.url, framed("Content-Length: 100", body="{")).startswith(b"HTTP/1.1 408")
        assert post(gate.url).status_code == 200
    assert len(gate.entries()) == 1


def test_bytes_around_a_request_are_bounded_and_never_a_second_answer_in_the_first(
    tmp_path: Path, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "HEAD_SECONDS", 0.3)
    body = json.dumps({"model": "m", "messages": USER})
    whole = framed(f"Content-Length: {len(body)}", body=body).replace(b"Connection: close\r\n", b"")
    chunk = f"{len(body):x}\r\n{body}\r\n"
    flood = "x" * 400_000
    with gateway(tmp_path, upstream, a_policy()) as gate:
        for content in (
            framed(f"X-Flood: {flood}", body=""),
            framed("Transfer-Encoding: chunked", body=f"{len(body):x};{flood}\r\n{body}\r\n0\r\n\r\n"),
            framed("Transfer-Encoding: chunked", body=f"{chunk}0\r\nX-Trailer: {flood}\r\n\r\n"),
        ):
            answer = raw(gate.url, content)
            assert (answer.startswith(b"HTTP/1.1 400") and b"invalid_json" not in answer) or answer == b"", answer
        assert raw(gate.url, b"\r\n\r\n", wait=3.0) == b""  # bytes that begin no request keep no connection
        assert upstream.bodies == []
        pieces = "".join(f"1\r\n{letter}\r\n" for letter in body + " " * 20_000)
        assert raw(gate.url, framed("Transfer-Encoding: chunked", body=f"{pieces}0\r\n\r\n")).startswith(
            b"HTTP/1.1 200"
        )
        answer = raw(gate.url, whole + b"\x00 no request\r\n\r\n", wait=3.0)
        assert answer.startswith(b"HTTP/1.1 200")
        assert answer.endswith(b"}}}")
        assert answer.count(b"HTTP/1.1") == 1
        answer = raw(gate.url, whole + framed(f"Content-Length: {len(body)}", body=body), wait=3.0)
        assert answer.count(b"HTTP/1.1 200") == 2
        assert answer.endswith(b"}}}")


def test_a_connection_stays_between_two_requests_longer_than_clients_keep_it(
    tmp_path: Path, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    from overthink.gateway import proxy

    clients, servers = httpx.Limits().keepalive_expiry, uvicorn.Config("").timeout_keep_alive
    assert clients is not None
    assert 2 * clients < server.KEEP_ALIVE_SECONDS
    assert servers > 2 * proxy.KEEP_ALIVE_SECONDS
    monkeypatch.setattr(server, "HEAD_SECONDS", 0.2)
    body = json.dumps({"model": "m", "messages": USER})
    request = framed(f"Content-Length: {len(body)}", body=body).replace(b"Connection: close\r\n", b"")
    with gateway(tmp_path, upstream, a_policy()) as gate:
        host, _, port = gate.url.removeprefix("http://").partition(":")
        with socket.create_connection((host, int(port)), timeout=5) as connection:
            for _ in range(2):
                connection.sendall(request)
                answer = b""
                while not answer.endswith(b"}}}"):
                    answer += connection.recv(65536)
                assert answer.startswith(b"HTTP/1.1 200")
                time.sleep(0.5)  # an idle connection is no slow head
            connection.sendall(request[:20])
            time.sleep(0.1)
            connection.sendall(request[20:30])  # a head that drips is
            with contextlib.suppress(ConnectionResetError):
                assert connection.recv(65536) == b""


def test_a_slow_reader_gets_its_whole_answer_and_one_that_takes_nothing_is_cut(
    tmp_path: Path, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "READ_SECONDS", 0.2)
    upstream.deltas = [{"content": "x" * 1_000_000}] * 8
    body = json.dumps({"model": "m", "messages": USER})
    with gateway(tmp_path, upstream, a_policy(output_tokens=2**40)) as gate:
        host, _, port = gate.url.removeprefix("http://").partition(":")

        def taken(pause: float) -> int:
            with socket.socket() as connection:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
                connection.connect((host, int(port)))
                connection.sendall(framed(f"Content-Length: {len(body)}", body=body))
                size, first = 0, True
                with contextlib.suppress(ConnectionResetError):
                    while part := connection.recv(262_144):
                        size += len(part)
                        time.sleep(pause if first else 0.005)
                        first = pause < 1
                return size

        assert taken(0.005) > 8_000_000
        assert taken(1.0) < 8_000_000


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.02)


def test_a_reader_that_takes_nothing_or_goes_away_holds_no_budget(
    tmp_path: Path, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "WRITE_SECONDS", 0.3)
    upstream.deltas = [{"content": "x" * 100_000}] * 400
    policy = a_policy(output_tokens=2**40, budgets=(life(2**45),))
    body = json.dumps({"model": "m", "messages": USER, "stream": True})
    with gateway(tmp_path, upstream, policy) as gate:
        host, _, port = gate.url.removeprefix("http://").partition(":")
        with socket.create_connection((host, int(port))) as connection:
            connection.sendall(framed(f"Content-Length: {len(body)}", body=body))
            wait_for(lambda: len(gate.entries()) == 1)
        upstream.pause, upstream.deltas = 0.02, [{"content": "x "}] * 4000
        with httpx.stream("POST", f"{gate.url}/v1/chat/completions", content=body) as answer:
            next(answer.iter_raw())
        wait_for(lambda: len(gate.entries()) == 2)
        assert upstream.produced < 2000
    assert [entry["end"] for entry in gate.entries()] == ["disconnect", "disconnect"]


def test_a_store_that_is_down_lets_nothing_through_unless_it_is_to(tmp_path: Path, upstream: Upstream) -> None:
    redis = fakeredis.FakeServer()
    ledger = RedisLedger(fakeredis.FakeRedis(server=redis), seconds=60)
    with gateway(tmp_path, upstream, a_policy(budgets=(life(1000),)), ledger=ledger) as gate:
        assert post(gate.url).status_code == 200
        redis.connected = False
        answer = post(gate.url)
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "store_down")
        assert len(upstream.bodies) == 1
        gate.settings.open_store = True
        assert post(gate.url).status_code == 200
        assert streamed(gate.url)[1] == "[DONE]"
        redis.connected = True
    assert [entry["end"] for entry in gate.entries()] == ["complete", "uncounted", "uncounted"]


def test_who_waits_for_the_store_keeps_no_one_else_waiting(
    tmp_path: Path, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        gateway(tmp_path, upstream, a_policy()) as gate,
        contextlib.closing(sqlite3.connect(tmp_path / "store.db", isolation_level=None)) as other,
        ThreadPoolExecutor(1) as pool,
    ):
        other.execute("BEGIN IMMEDIATE")
        waits = pool.submit(post, gate.url)
        wait_for(lambda: gate.settings.metrics.streams._value.get() == 1)
        assert httpx.get(f"{gate.url}/v1/models").status_code == 200
        assert not waits.done()
        other.execute("ROLLBACK")
        assert waits.result().status_code == 200
        monkeypatch.setattr(sqlite_ledger, "_PATIENCE", 0.05)
        other.execute("BEGIN IMMEDIATE")
        assert post(gate.url).json()["error"]["code"] == "store_down"
        other.execute("ROLLBACK")
    assert [entry["end"] for entry in gate.entries()] == ["complete"]


def test_a_store_that_goes_down_ends_a_stream_at_what_it_had(tmp_path: Path, upstream: Upstream) -> None:
    redis = fakeredis.FakeServer()
    ledger = RedisLedger(fakeredis.FakeRedis(server=redis), seconds=60)
    upstream.deltas, upstream.pause = [{"content": "wort "}] * 500, 0.002
    policy = a_policy(output_tokens=1000, budgets=(life(10_000),))
    with (
        gateway(tmp_path, upstream, policy, ledger=ledger) as gate,
        httpx.stream("POST", f"{gate.url}/v1/chat/completions",
                     json={"model": "m", "messages": USER, "stream": True}) as answer,
    ):  # fmt: skip
        lines = answer.iter_lines()
        next(lines)
        redis.connected = False
        rest = list(lines)
    assert rest[-2:] == ["data: [DONE]", ""]
    assert '"finish_reason": "length"' in rest[-4]
    assert upstream.produced < 200


def test_a_usage_ledger_that_cannot_be_written_ends_the_service(tmp_path: Path, upstream: Upstream) -> None:
    with gateway(tmp_path, upstream, a_policy()) as gate:
        assert gate.settings.log is not None
        assert post(gate.url).status_code == 200
        gate.settings.log._file.close()
        gate.settings.log._file = open("/dev/full", "ab", buffering=0)  # noqa: PTH123, SIM115
        assert post(gate.url).status_code == 200
        assert post(gate.url).status_code == 503


def test_a_bad_request_of_openai_is_its_error(tmp_path: Path, upstream: Upstream) -> None:
    with gateway(tmp_path, upstream, a_policy()) as gate, pytest.raises(BadRequestError, match="not known"):
        client(gate.url).chat.completions.create(
            model="m", messages=USER, extra_body={"deep_think": True}  # type: ignore[arg-type]
        )  # fmt: skip
