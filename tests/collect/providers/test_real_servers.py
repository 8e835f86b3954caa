"""What holds on real servers, where OVERTHINK_SERVERS names their addresses; nothing else may use them meanwhile."""

import asyncio
import os
from collections.abc import Iterator

import pytest
from inspect_ai.model import get_model
from real_servers import (
    ADDRESSES,
    KINDS,
    Balance,
    Climbs,
    Counts,
    Server,
    balance,
    climbs,
    reachable,
    read_addresses,
    rereads,
    small_plan,
)

from overthink.errors import InputError

Way = tuple[Server, str]
"""A server, and the model string under which Overthink reaches it."""

WAYS = [(kind, number) for kind, facts in KINDS.items() for number in range(len(facts.ways))]


@pytest.fixture(scope="module", params=WAYS, ids=[KINDS[kind].ways[number] for kind, number in WAYS])
def way(request: pytest.FixtureRequest) -> Iterator[Way]:
    kind, number = request.param
    servers = {server.kind: server for server in read_addresses(os.environ.get(ADDRESSES, ""))}
    if kind not in servers:
        pytest.skip(
            f"no {kind} server: {ADDRESSES} is {os.environ.get(ADDRESSES) or 'not set'}; see benchmarks/servers.py"
        )
    with reachable(servers[kind]):
        yield servers[kind], servers[kind].ways[number]


@pytest.fixture(scope="module")
def climb(way: Way) -> Climbs:
    server, name = way
    return asyncio.run(climbs(server, get_model(name), n=4, in_flight=1))


@pytest.fixture(scope="module")
def study(way: Way, tmp_path_factory: pytest.TempPathFactory) -> Balance:
    server, name = way
    return balance(server, small_plan(name, questions=2, draws=3), tmp_path_factory.mktemp("real") / "study")


@pytest.mark.servers
@pytest.mark.filterwarnings("ignore:Exception ignored in:pytest.PytestUnraisableExceptionWarning")  # Inspect's sockets
class TestRealServer:
    def test_no_trace_is_lost(self, study: Balance) -> None:
        assert (study.lost, study.traces) == (0, 12)

    def test_the_ledger_is_what_the_server_counted(self, study: Balance) -> None:
        assert study.study.decoded
        assert study.differences() == []

    def test_greedy_segments_are_one_uninterrupted_generation(self, way: Way, climb: Climbs) -> None:
        if climb.equal < climb.n and (own := rereads(way[0], n=climb.n)) < climb.n:
            pytest.skip(
                f"{climb.equal} of {climb.n} are equal; the server itself goes on with {own} of {climb.n} as before "
                "when it reads its own tokens again, so its arithmetic depends on how a prefix was read"
            )
        assert climb.equal == climb.n

    def test_forks_find_their_prefix_in_the_servers_cache(self, climb: Climbs) -> None:
        assert climb.storable > 0  # otherwise no prefix fills a block of the cache: start with a smaller --block-size
        assert climb.hits >= 0.9 * climb.storable


def test_addresses_are_read_or_refused() -> None:
    vllm, llama = read_addresses("vllm=http://127.0.0.1:18100/v1#smollm2, llama=https://box:1/v1#a/b")
    assert (vllm.root, vllm.ways[1], llama.ways) == (
        "http://127.0.0.1:18100",
        "vllm/smollm2",
        ("openai-api-completions/llama/a/b",),
    )
    assert read_addresses("") == ()
    for text in (
        "http://127.0.0.1:18100",
        "sglang=http://a/v1#m",
        "vllm=http://a/v1",
        "vllm=a:1#m",
        ",".join([f"vllm={vllm.url}#m"] * 2),
    ):
        with pytest.raises(InputError):
            read_addresses(text)


def test_a_study_that_differs_from_its_server_is_said() -> None:
    sums = Balance(4, 0, Counts(9, 50, None, 7), Counts(None, 50, 20, 8), Counts(1, 5, 0, 1))
    assert sums.differences() == ["decoded: 7 in the study, 8 at the server"]
