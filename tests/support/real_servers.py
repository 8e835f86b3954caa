"""Real model servers by address: their own metrics, and what a study on them lost, paid, cut and found in the cache.

OVERTHINK_SERVERS names them, `vllm=http://127.0.0.1:18100/v1#smollm2,llama=http://127.0.0.1:18200/v1#smollm2`: the kind
of server, its address, and the name under which it serves the model. Their metrics count every request, so nothing else
may use a server while it is measured.
"""

import asyncio
import os
import re
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

import httpx
from inspect_ai.log import read_eval_log
from inspect_ai.model import ChatMessageUser, Model

import overthink
from overthink.collect.providers.choose import continuation_for
from overthink.collect.providers.continuation import Continuation, Prefix, Sampling, Segment
from overthink.data.pool import n_failed

ADDRESSES = "OVERTHINK_SERVERS"
KEYS = "OVERTHINK_SERVERS_KEY"
"""Environment variable with the API key of all of them; any text if they need none."""

RUNGS = (0, 16, 32, 64, 128)
CUE = "\n\nFinal response:"
OPENING = "Let me think step by step.\n"
ANSWER_TOKENS = 16
QUESTIONS = (
    "Tom has {a} apples and buys {b} more, then gives {c} to each of three friends. How many are left? Show your work.",
    "A train leaves at {a} minutes past noon and travels {b} km at {c} km per hour. When does it arrive? Explain.",
    "Write down how you would plan a garden of {a} by {b} metres with {c} kinds of vegetables.",
    "A shop sells pens at {a} cents and books at {b} cents. What do {c} of each cost together? Think it through.",
)

ResultT = TypeVar("ResultT")


@dataclass(frozen=True)
class Kind:
    """What one kind of server counts, and the ways of Overthink that it serves.

    Attributes:
        ways: Model strings, with NAME for the served name.
        requests: Counter of finished requests; None if it has none.
        decoded: Counter of decoded tokens.
        cached: Counter of prompt tokens from the cache.
        prompt: Counters whose sum is all prompt tokens.
    """

    ways: tuple[str, ...]
    requests: str | None
    decoded: str
    cached: str
    prompt: tuple[str, ...]


KINDS = {
    "vllm": Kind(
        ("vllm-completions/NAME", "vllm/NAME", "openai-api-completions/vllm/NAME"),
        requests="vllm:request_success_total",
        decoded="vllm:generation_tokens_total",
        cached="vllm:prefix_cache_hits_total",
        prompt=("vllm:prompt_tokens_total",),
    ),
    "llama": Kind(
        ("openai-api-completions/llama/NAME",),
        requests=None,
        decoded="llamacpp:tokens_predicted_total",
        cached="llamacpp:prompt_tokens_cached_total",
        prompt=("llamacpp:prompt_tokens_total", "llamacpp:prompt_tokens_cached_total"),
    ),
}


@dataclass(frozen=True)
class Counts:
    """Requests and tokens; of a server since its start, or of some work. None: not counted."""

    requests: int | None
    prompt: int | None
    cached: int | None
    decoded: int | None

    def since(self, earlier: "Counts") -> "Counts":
        pairs = zip(vars(self).values(), vars(earlier).values(), strict=True)
        return Counts(*(None if a is None or b is None else a - b for a, b in pairs))


@dataclass(frozen=True)
class Server:
    """A server that runs somewhere.

    Attributes:
        kind: Its kind, a key of :data:`KINDS`; also the service under which Inspect finds its address.
        url: Its address, up to /v1.
        name: The name under which it serves the model.
    """

    kind: str
    url: str
    name: str

    @property
    def root(self) -> str:
        return self.url.rstrip("/").removesuffix("/v1")

    @property
    def ways(self) -> tuple[str, ...]:
        """Model strings of Overthink that it serves."""
        return tuple(way.replace("NAME", self.name) for way in KINDS[self.kind].ways)

    @property
    def environment(self) -> dict[str, str]:
        """What a user exports to reach it."""
        return {f"{self.kind.upper()}_BASE_URL": self.url, f"{self.kind.upper()}_API_KEY": key()}

    def block_tokens(self) -> int:
        """Tokens of one block of its prefix cache, which keeps whole blocks alone: vLLM's; 1 for llama.cpp."""
        match = re.search(r'block_size="(\d+)"', self.get("/metrics").text)
        return 1 if match is None else int(match[1])

    def counts(self) -> Counts:
        """Its counters, read until they stand still: vLLM replies before it counts."""
        counts = self._counts()
        for _ in range(40):
            time.sleep(0.25)
            earlier, counts = counts, self._counts()
            if earlier == counts:
                return counts
        raise RuntimeError(f"{self.root}/metrics keeps counting: something else uses this server")

    def _counts(self) -> Counts:
        kind, text = KINDS[self.kind], self.get("/metrics").text
        requests = None if kind.requests is None else metric(text, kind.requests)
        prompt = sum(metric(text, name) for name in kind.prompt)
        return Counts(requests, prompt, metric(text, kind.cached), metric(text, kind.decoded))

    def get(self, path: str) -> httpx.Response:
        reply = httpx.get(f"{self.root}{path}", headers={"Authorization": f"Bearer {key()}"}, timeout=60)
        return reply.raise_for_status()


def key() -> str:
    """The API key of the servers."""
    return os.environ.get(KEYS) or "none"


def metric(text: str, name: str) -> int:
    """The sum of a counter over its labels, from Prometheus' text form.

    Raises:
        RuntimeError: It is not there.
    """
    values = re.findall(rf"^{re.escape(name)}(?:\{{.*\}})? (\S+)$", text, re.MULTILINE)
    if not values:
        raise RuntimeError(f"the server's metrics have no {name}")
    return round(sum(map(float, values)))


def read_addresses(text: str) -> tuple[Server, ...]:
    """The servers of a text as in :data:`ADDRESSES`.

    Raises:
        InputError: It is no list of addresses, or a kind is named twice.
    """
    servers = []
    for part in filter(None, map(str.strip, text.split(","))):
        match = re.fullmatch(r"(\w+)=(https?://[^#\s]+)#(\S+)", part)
        if match is None or match[1] not in KINDS:
            kinds = " or ".join(KINDS)
            raise overthink.InputError(
                f"{part!r} names no server; needed: KIND=ADDRESS#NAME with {kinds} for KIND, for instance "
                "vllm=http://127.0.0.1:18100/v1#smollm2"
            )
        servers.append(Server(*match.groups()))
    if len({server.kind for server in servers}) < len(servers):
        raise overthink.InputError("a kind of server is named twice; measure one after the other")
    return tuple(servers)


@contextmanager
def reachable(server: Server) -> Iterator[None]:
    """The environment in which Inspect finds a server."""
    earlier = {name: os.environ.get(name) for name in server.environment}
    os.environ.update(server.environment)
    try:
        yield
    finally:
        for name, value in earlier.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


# --- a study -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Balance:
    """A study beside the server's own metrics.

    Attributes:
        traces: Planned traces.
        lost: Those without rows, or failed.
        study: Calls in its log, and tokens in its ledger.
        server: What the server counted meanwhile.
        check: What it counted before, while the server was checked; no study pays that.
    """

    traces: int
    lost: int
    study: Counts
    server: Counts
    check: Counts

    def differences(self) -> list[str]:
        """What one counts differently from the other, where both count it."""
        pairs = {name: (own, getattr(self.server, name)) for name, own in vars(self.study).items()}
        return [
            f"{name}: {own} in the study, {other} at the server"
            for name, (own, other) in pairs.items()
            if None not in (own, other) and own != other
        ]


def small_plan(way: str, *, questions: int, draws: int, concurrency: int = 8, seed: int = 1) -> overthink.Plan:
    """The plan of the small study: arithmetic and a kept secret, rungs 0, 32, 128."""
    return overthink.Plan(
        model=way,
        tasks=overthink.tasks(capability=["overthink/arithmetic"], safety=["overthink/secret"]),
        budgets=(0, 32, 128),
        draws=draws,
        limit=questions,
        seed=seed,
        concurrency=concurrency,
    )


def balance(server: Server, plan: overthink.Plan, folder: Path) -> Balance:
    """Run a plan, and compare what it says that it paid with what the server counted."""
    traces = set[tuple[str, str, int]]()
    unchecked = server.counts()
    with reachable(server):
        session = overthink.prepare(plan)
        before = server.counts()
        study = overthink.run(
            session,
            folder,
            on_trace=lambda rows: traces.add((rows[0].task, rows[0].question, rows[0].draw)),
        )
    used: Any = study.about.actual_cost
    assert plan.limit is not None
    planned = len(plan.tasks) * plan.limit * plan.draws
    own = Counts(calls_in_logs(folder / "logs"), used.prompt_tokens, used.cached_tokens, used.decoded_tokens)
    lost = planned - len(traces) + n_failed(study.pool)
    return Balance(planned, lost, own, server.counts().since(before), before.since(unchecked))


def calls_in_logs(folder: Path) -> int:
    """Number of model calls in the Inspect logs of a study."""
    logs = [read_eval_log(str(path)) for path in folder.glob("*.eval")]
    return sum(event.event == "model" for log in logs for sample in log.samples or () for event in sample.events)


# --- traces in lockstep --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Climbs:
    """Greedy traces with a fork at every rung, beside uninterrupted generations of the same prompts.

    Attributes:
        n: Number of prompts.
        equal: Traces whose thinking is the uninterrupted generation.
        repeatable: Uninterrupted generations that were the same again, with as many in flight.
        shared: Mean share of letters before the first difference of a trace.
        prefix: Prefix tokens of the forks above rung 0, the cue left out.
        storable: Those of them that the cache can hold: in whole blocks, without the last decoded token, never read.
        hits: Those of them from the server's cache, by its metrics.
    """

    n: int
    equal: int
    repeatable: int
    shared: float
    prefix: int
    storable: int
    hits: int


async def climbs(server: Server, model: Model, *, n: int, in_flight: int, rungs: Sequence[int] = RUNGS) -> Climbs:
    """Climb with all traces in lockstep, so that the server's counters tell forks from thinking.

    Every prompt begins with a number of its own, so that nothing of an earlier run is in the cache.
    """
    way, first = continuation_for(model), time.time_ns()
    questions = [QUESTIONS[i % 4].format(a=11 + 3 * i, b=40 + 7 * i, c=2 + i % 5) for i in range(n)]
    texts = [f"Exercise {first + i}. {question}" for i, question in enumerate(questions)]
    prompts = [await way.start([ChatMessageUser(content=text)], OPENING) for text in texts]
    paths, ended, prefixes, hits, block = list(prompts), [False] * n, list[int](), 0, server.block_tokens()
    cut: list[list[Segment]] = [[] for _ in range(n)]
    for below, rung in pairwise(rungs):
        going = [i for i in range(n) if not ended[i]]
        segments = await together([_greedy(way, paths[i], rung - below) for i in going], in_flight)
        for i, segment in zip(going, segments, strict=True):
            cut[i].append(segment)
            paths[i], ended[i] = way.append(paths[i], segment), segment.is_complete
            assert segment.prompt_tokens is not None
            prefixes.append(segment.prompt_tokens + segment.tokens)
        before = await asyncio.to_thread(server.counts)
        forks = [await way.append_text(paths[i], CUE) for i in going]
        await together([_greedy(way, fork, ANSWER_TOKENS) for fork in forks], in_flight)
        cached = (await asyncio.to_thread(server.counts)).since(before).cached
        assert cached is not None
        hits += cached
    whole = await together([_greedy(way, prompt, rungs[-1]) for prompt in prompts], 1)
    again = await together([_greedy(way, prompt, rungs[-1]) for prompt in prompts], in_flight)
    shares = [_share(parts, piece) for parts, piece in zip(cut, whole, strict=True)]
    repeatable = sum(_share([a], b) == 1.0 for a, b in zip(again, whole, strict=True))
    equal, storable = sum(share == 1.0 for share in shares), sum((prefix - 1) // block * block for prefix in prefixes)
    return Climbs(n, equal, repeatable, sum(shares) / n, sum(prefixes), storable, hits)


def _greedy(way: Continuation, prefix: Prefix, limit: int) -> Callable[[], Awaitable[Segment]]:
    return lambda: way.decode(prefix, Sampling(limit, seed=0, temperature=0.0, top_p=1.0))


def _share(parts: Sequence[Segment], whole: Segment) -> float:
    """The share of letters (token ids, where the provider has them) before the first difference."""
    if whole.ids is None:
        a: Sequence[Any] = "".join(part.text for part in parts)
        b: Sequence[Any] = whole.text
    else:
        a, b = [i for part in parts for i in part.ids or ()], list(whole.ids)
    same = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    return 1.0 if a == b else same / max(len(a), len(b))


def rereads(server: Server, *, n: int) -> int:
    """The null of equality: how many of n generations the server itself goes on with as before, without Overthink.

    Each is decoded once, then again from its own token ids up to two rungs. Where arithmetic depends on how a prefix
    was read (token by token, or at once), as in bfloat16, the server does not equal itself, and no way to it can.
    """
    equal = 0
    for i in range(n):
        question = QUESTIONS[i % 4].format(a=11 + 3 * i, b=40 + 7 * i, c=2 + i % 5)
        ids = _post(server, "/tokenize", "tokens", **{_TEXT[server.kind]: f"Exercise {time.time_ns()}. {question}"})
        whole = _ids(server, ids, RUNGS[3])
        equal += all(
            whole[:rung] + _ids(server, [*ids, *whole[:rung]], RUNGS[3] - rung) == whole for rung in RUNGS[1:3]
        )
    return equal


_TEXT = {"vllm": "prompt", "llama": "content"}
"""Field of the text in a request of /tokenize."""


def _ids(server: Server, ids: Sequence[int], limit: int) -> list[int]:
    """The token ids that follow others, greedily."""
    body = {"prompt": ids, "temperature": 0, "seed": 0}
    if server.kind == "llama":
        return list(_post(server, "/completion", "tokens", n_predict=limit, return_tokens=True, **body))
    choices = _post(server, "/v1/completions", "choices", max_tokens=limit, return_token_ids=True, **body)
    return list(choices[0]["token_ids"])


def _post(server: Server, path: str, field: str, **body: Any) -> Any:
    headers = {"Authorization": f"Bearer {key()}"}
    reply = httpx.post(f"{server.root}{path}", json={"model": server.name} | body, headers=headers, timeout=600)
    return reply.raise_for_status().json()[field]


async def together(jobs: Sequence[Callable[[], Awaitable[ResultT]]], in_flight: int) -> list[ResultT]:
    """The results of all jobs, so many at once."""
    gate = asyncio.Semaphore(in_flight)

    async def run(job: Callable[[], Awaitable[ResultT]]) -> ResultT:
        async with gate:
            return await job()

    return list(await asyncio.gather(*map(run, jobs)))
