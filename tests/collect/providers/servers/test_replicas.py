"""Several servers of one model: where a trace's requests go, and where it goes on when a server fails."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from inspect_ai.model import ChatMessageUser, GenerateConfig
from replica_servers import KEY, MODEL, ReplicaServer, replica_plan, servers_with_traces
from sweeps import few

from overthink.collect.providers.attempts import CallError, Patience
from overthink.collect.providers.continuation import Sampling
from overthink.collect.providers.servers.replicas import ReplicaContinuation, Replicas
from overthink.collect.session.calls import bounded_calls
from overthink.collect.session.endpoints import open_replicas
from overthink.collect.session.failures import Boundary
from overthink.data.endpoints import endpoint_order, prefix_hits
from overthink.errors import InputError, StoppedError

CHAT = [ChatMessageUser(content="2+2?")]
QUICK = Patience(tries=3, seconds=60.0, seconds_per_token=0.0, pause=0.01, longest_pause=0.02)

Servers = Callable[..., list[ReplicaServer]]

TRACES = [bytes([i]) for i in range(8)]


@pytest.fixture
def servers(monkeypatch: pytest.MonkeyPatch) -> Iterator[Servers]:
    monkeypatch.setenv(KEY, "k")
    started: list[ReplicaServer] = []

    def start(n: int = 2, software: str = "llama.cpp") -> list[ReplicaServer]:
        started.extend(servers_with_traces(n, TRACES, software))
        return started

    yield start
    for server in started:
        server.close()


def opened(servers: list[ReplicaServer]) -> Replicas:
    return open_replicas(replica_plan(), [server.root for server in servers])


def own_server(servers: list[ReplicaServer], trace: bytes) -> ReplicaServer:
    return servers[endpoint_order(trace, [server.root for server in servers])[0]]


def climbs(
    replicas: Replicas,
    *traces: bytes,
    before_rung: dict[int, Callable[[], Any]] | None = None,
    patience: Patience = QUICK,
) -> list[tuple[int, ...]]:
    """Token ids of traces that climb three rungs, one after the other; something may happen before a rung."""
    way, boundary = ReplicaContinuation(replicas), Boundary(patience=patience)

    async def climb(trace: bytes) -> tuple[int, ...]:
        with replicas.trace(trace):
            prefix = await way.start(CHAT, "")
            for rung in range(3):
                (before_rung or {}).get(rung, lambda: None)()
                fork = await way.append_text(prefix, "ANSWER:")
                await way.decode(fork, Sampling(4, seed=trace[0] + rung, temperature=1.0, top_p=1.0))
                segment = await way.decode(prefix, Sampling(4, seed=trace[0], temperature=1.0, top_p=1.0))
                prefix = way.append(prefix, segment)
        assert prefix.ids is not None
        return prefix.ids

    async def all_of_them() -> list[tuple[int, ...]]:
        return [await climb(trace) for trace in traces]

    with bounded_calls(boundary):
        return asyncio.run(all_of_them())


def test_all_requests_of_a_trace_go_to_one_server_and_its_cache_has_every_prefix(servers: Servers) -> None:
    started = servers(2)
    replicas = opened(started)
    climbs(replicas, *TRACES)
    run = replicas.run()
    assert run.astray == 0
    assert sum(use.requests or 0 for use in run.endpoints) == 6 * len(TRACES)
    assert all(use.requests and use.failures == 0 for use in run.endpoints)
    assert prefix_hits(run.endpoints) == 1.0
    for server in started:  # as the server itself sees it: what goes on, goes on from what it decoded
        own = [prompt for prompt, _, _ in server.replies]
        assert len(own) == next(use.requests for use in run.endpoints if use.url == server.root)


def test_whole_blocks_alone_count_and_a_cache_that_forgets_pays_twice(servers: Servers) -> None:
    in_blocks, forgets = servers(2)
    in_blocks.block, forgets.block = 8, 0
    replicas = opened([in_blocks, forgets])
    climbs(replicas, *TRACES)
    hits = {use.url: prefix_hits([use]) for use in replicas.run().endpoints}
    assert hits == {in_blocks.root: 1.0, forgets.root: 0.0}


def test_a_server_that_reports_no_cache_has_unknown_hits(servers: Servers) -> None:
    replicas = opened(servers(2, "vllm"))
    climbs(replicas, *TRACES)
    for use in replicas.run().endpoints:
        assert (use.cached_tokens, use.reusable_tokens, use.reused_tokens) == (None, None, None)
        assert use.requests


def test_vllm_says_nothing_of_a_miss_which_counts_as_one_if_it_says_anything_of_hits(servers: Servers) -> None:
    good, forgets = servers(2, "vllm")
    for server in (good, forgets):
        server.reports, server.block = True, 16
    replicas = opened([good, forgets])
    cut = [0]

    def forget() -> None:
        cut[0] += 1
        forgets.block = 16 if cut[0] % 3 == 0 else 0  # it remembers at the last rung of three alone

    climbs(replicas, *TRACES, before_rung=dict.fromkeys(range(3), forget))
    hits = {use.url: prefix_hits([use]) for use in replicas.run().endpoints}
    assert hits[good.root] == 1.0
    assert 0.2 < (hits[forgets.root] or 0.0) < 0.6


@pytest.mark.parametrize("fault", few(["hangs", "silent", 503, 500, 429, 404], 2))
def test_a_trace_goes_on_where_it_was_when_its_server_fails(servers: Servers, fault: str | int) -> None:
    started = servers(2)
    expected = climbs(opened(started[:1]), b"a")  # replies follow from prompt and seed
    before = {server.root: len(server.replies) for server in started}
    home = own_server(started, b"a")
    (other,) = (server for server in started if server is not home)

    def fail() -> None:
        home.fault = fault

    replicas = opened(started)
    patience = replace(QUICK, seconds=2.0) if fault == "hangs" else QUICK
    assert climbs(replicas, b"a", before_rung={1: fail}, patience=patience) == expected
    at = {server.root: len(server.replies) - before[server.root] for server in started}
    assert at == {home.root: 2, other.root: 4}  # nothing that was decoded is decoded again
    run = {use.url: use for use in replicas.run().endpoints}
    assert (run[home.root].departures, run[other.root].failures) == (1, 0)
    assert replicas.run().astray == 2
    home.fault = ""


def test_a_fault_that_passes_leaves_the_trace_where_it_is(servers: Servers) -> None:
    started = servers(2)
    home, replicas = own_server(started, b"a"), opened(started)
    faults = iter([503, ""])
    original = home.respond

    def respond(path: str, body: dict[str, Any], headers: Any) -> tuple[int, object]:
        if path == "/v1/completions":
            home.fault = next(faults, "")
        return original(path, body, headers)

    home.respond = respond  # type: ignore[method-assign]
    climbs(replicas, b"a")
    assert (replicas.run().astray, sum(use.failures or 0 for use in replicas.run().endpoints)) == (0, 0)


def test_a_server_that_comes_back_gets_its_traces_again(servers: Servers) -> None:
    started = servers(2)
    home, replicas = own_server(started, b"a"), opened(started)
    home.fault = "silent"
    climbs(replicas, b"a")
    assert not home.replies
    home.fault = ""
    climbs(replicas, b"a", before_rung={2: lambda: None})
    climbs(replicas, *[b"a"] * 8)  # a look at it is due after a tenth of a second
    assert home.replies


@pytest.mark.parametrize("change", ["name", "weights", "version"])
def test_a_server_that_comes_back_with_another_model_is_not_used_again(
    servers: Servers, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = servers(2)
    home, replicas = own_server(started, b"a"), opened(started)
    home.fault = "silent"
    climbs(replicas, b"a")
    home.fault = ""
    entry = home.models["data"][0]
    if change == "name":
        entry["id"], entry["aliases"] = "other", []
    elif change == "weights":
        entry["meta"]["n_params"] = 7
    else:
        home.properties["build_info"] = "b2"
    monkeypatch.setattr("overthink.collect.providers.servers.replicas.PAUSES", 0.0)
    for replica in replicas:
        replica.next_look = 0.0
    climbs(replicas, b"a")
    assert not home.replies
    assert next(replica.refusal for replica in replicas if replica.url == home.root)


def test_without_any_server_the_last_ones_words_are_the_error_and_a_later_call_works(servers: Servers) -> None:
    started = servers(2)
    replicas = opened(started)
    for server in started:
        server.fault = "silent"
    with pytest.raises((CallError, StoppedError)):
        climbs(replicas, b"a")
    for server in started:
        server.fault = ""
    climbs(replicas, b"a")
    assert sum(len(server.replies) for server in started) == 6


@pytest.mark.parametrize("fault", ["", "silent"])
def test_a_model_that_grades_itself_is_asked_at_the_endpoint_of_the_trace(servers: Servers, fault: str) -> None:
    started = servers(2)
    replicas = opened(started)
    trace = next(trace for trace in TRACES if own_server(started, trace) is started[1])  # not the first, which is asked
    started[1].fault = fault

    async def grade() -> None:
        with replicas.trace(trace):
            await replicas.models[0].generate("Is it right?", config=GenerateConfig(max_tokens=2, seed=1))

    boundary = Boundary(patience=replace(QUICK, failures=1))  # the failure at another server counts as none
    with bounded_calls(boundary):
        asyncio.run(grade())
    assert [len(server.replies) for server in started] == ([1, 0] if fault else [0, 1])
    assert boundary.last_failure is None


def test_the_order_of_a_trace_stays_when_a_server_leaves_and_all_get_their_share() -> None:
    urls = [f"http://gpu-{i}:8000" for i in range(5)]
    traces = [i.to_bytes(4, "big") for i in range(2_000)]
    firsts = [endpoint_order(trace, urls)[0] for trace in traces]
    assert all(320 <= firsts.count(i) <= 480 for i in range(5))  # 400 ± 4.5 standard deviations
    without = [urls[endpoint_order(trace, urls)[0]] for trace in traces]
    fewer = [urls[:4][endpoint_order(trace, urls[:4])[0]] for trace in traces]
    assert all(a == b for a, b in zip(without, fewer, strict=True) if a != urls[4])
    assert [endpoint_order(t, urls[::-1]) for t in traces] == [[4 - i for i in endpoint_order(t, urls)] for t in traces]


# --- what is refused before the first call ---------------------------------------------------------------------------


def test_servers_of_different_models_are_refused_before_the_first_call(servers: Servers) -> None:
    first, second, third = servers(3)
    second.models["data"][0]["meta"]["n_params"] = 7
    third.properties["build_info"] = "b2"
    with pytest.raises(InputError) as refused:
        opened([first, second, third])
    assert len(refused.value.lines) == 2
    assert "another model" in refused.value.lines[0]
    assert "n_params 7" in refused.value.lines[0]
    assert "another version" in refused.value.lines[1]
    assert not any(server.replies for server in (first, second, third))


def test_servers_of_two_kinds_and_a_wrong_name_and_no_answer_are_refused(servers: Servers) -> None:
    llama, vllm = servers(1)[0], ReplicaServer("vllm")
    try:
        with pytest.raises(InputError, match="software is llamacpp there, and vllm here"):
            opened([llama, vllm])
        vllm.models["data"][0]["id"] = "other"
        with pytest.raises(InputError, match="has no model 'org/smollm2'. It has: other"):
            opened([llama, vllm])
        vllm.fault = 503
        vllm.models = "loading"
    finally:
        vllm.close()
    with pytest.raises(InputError, match=rf"--endpoint={vllm.root}.*no server can be reached there"):
        opened([llama, vllm])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model": "overthink/simulated"}, "is the address of a server of your own, and overthink/simulated"),
        ({"model": "openai/gpt-4o"}, "and openai/gpt-4o is not asked there"),
        ({"model": MODEL, "model_args": {"base_url": "http://h"}}, "leave -M base_url out"),
        ({"model": MODEL, "budgets": None, "efforts": ("low", "high")}, "needs a ladder of --budgets"),
    ],
)
def test_a_plan_without_use_for_endpoints_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        open_replicas(replica_plan(**changes), ["http://127.0.0.1:1"])
