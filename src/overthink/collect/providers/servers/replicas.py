"""Several servers of one model: every trace has one of them, and goes on at the next where that one fails.

A prefix is text or token ids, so that another server continues it where the first one stopped: nothing that was
decoded is decoded again. What a trace has sent or decoded before should come from its server's prefix cache; how much
did is counted. A server that failed is looked at again from time to time, and checked like a new one before it is used.
"""

import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from inspect_ai.model import ChatMessage, Model

from overthink.collect.providers.attempts import REFUSALS, CallError, patience, with_patience
from overthink.collect.providers.choose import continuation_for
from overthink.collect.providers.continuation import Continuation, Prefix, Sampling, Segment
from overthink.collect.providers.servers.completions import CompletionsContinuation, forget_endpoint
from overthink.collect.providers.servers.description import answers, describe_running
from overthink.collect.providers.servers.identity import ServerIdentity, server_identity
from overthink.data.endpoints import CacheCount, EndpointRun, EndpointUse, endpoint_order, model_difference
from overthink.data.tokens import total
from overthink.errors import InputError, StoppedError

ResultT = TypeVar("ResultT")

TRIES = 2
"""Attempts of a call at one server while another one can take over."""

FAILURES = 3
"""Calls in a row that fail at a server which says that it is well, after which no trace goes there."""

PAUSES = 10.0
"""Time between two looks at a server that failed, in pauses between attempts; twice as long after every look."""

MOST_PAUSES = 320.0

MOST_SEQUENCES = 8
"""Prompts of a trace with which a new one is compared, the latest."""


@dataclass(eq=False)
class Replica:
    """One of the servers.

    Attributes:
        url: Its address.
        model: The model of Inspect whose calls go there.
        identity: What it says of the model.
        is_up: Whether traces go there.
        refusal: Why it is not used again in this run; None while it may be.
        requests: Requests of decoding with a reply.
        failures: Calls that failed in all tries.
        departures: Traces that went on at another server.
        in_a_row: Calls that failed since one succeeded.
        next_look: Time of the next look at a server that is down.
        looks: Number of looks since it went down.
        cache: What its prefix cache gave.
        prompt_tokens: Prompt tokens of its requests.
    """

    url: str
    model: Model
    identity: ServerIdentity
    is_up: bool = True
    refusal: str | None = None
    requests: int = 0
    failures: int = 0
    departures: int = 0
    in_a_row: int = 0
    next_look: float = 0.0
    looks: int = 0
    cache: CacheCount = field(default_factory=CacheCount)
    prompt_tokens: int | None = 0

    def use(self) -> EndpointUse:
        """Return what it did."""
        reusable, reused = self.cache.totals() or (None, None)
        return EndpointUse(
            self.url,
            self.identity.model,
            self.identity.version,
            requests=self.requests,
            failures=self.failures,
            departures=self.departures,
            prompt_tokens=self.prompt_tokens,
            cached_tokens=self.cache.cached_tokens,
            reusable_tokens=reusable,
            reused_tokens=reused,
        )


class Replicas:
    """The servers of one model in one run.

    Args:
        replicas: The servers, all of which were checked; at least one.
        clock: Monotonic clock.

    Attributes:
        astray: Requests that did not go to the server that had most requests of their trace.
    """

    def __init__(self, replicas: Sequence[Replica], *, clock: Callable[[], float] = time.monotonic) -> None:
        self.all = tuple(replicas)
        self.astray = 0
        self._clock = clock

    def __iter__(self) -> Iterator[Replica]:
        return iter(self.all)

    @property
    def models(self) -> tuple[Model, ...]:
        """The models of Inspect; the first one is the model under test."""
        return tuple(replica.model for replica in self.all)

    def begin(self) -> None:
        """Begin a new run: nothing is counted yet."""
        self.astray = 0
        for replica in self.all:
            replica.requests = replica.failures = replica.departures = replica.in_a_row = 0
            replica.cache, replica.prompt_tokens = CacheCount(), 0

    def run(self) -> EndpointRun:
        """Return what the servers did."""
        return EndpointRun(tuple(replica.use() for replica in self.all), self.astray)

    @contextmanager
    def trace(self, trace: bytes) -> Iterator[None]:
        """Context manager in which the requests of one trace go to its server.

        Args:
            trace: Id of the trace.
        """
        order = endpoint_order(trace, [replica.url for replica in self.all])
        route = Route(self, [self.all[number] for number in order])
        token = _route.set(route)
        try:
            yield
        finally:
            _route.reset(token)
            self.astray += sum(route.requests.values()) - max(route.requests.values(), default=0)

    def substitutes(self, replica: Replica) -> bool:
        """Return whether another server could take over from one."""
        return any(other.is_up for other in self.all if other is not replica)

    async def note_failure(self, replica: Replica, error: CallError) -> None:
        """Count a call that failed; the server is down if it does not answer, refuses, or fails too often in a row."""
        replica.failures += 1
        replica.in_a_row += 1
        is_down = error.status in REFUSALS or replica.in_a_row >= FAILURES or not await answers(replica.model)
        if is_down and replica.is_up:
            replica.is_up, replica.looks = False, 0
            self._plan_look(replica)

    async def look_again(self) -> None:
        """Look at servers that are down, if it is time, and use those again that answer with the same model."""
        for replica in self.all:
            if replica.is_up or replica.refusal is not None or self._clock() < replica.next_look:
                continue
            self._plan_look(replica)  # before the look: other traces do not wait for it, too
            with with_patience(replace(patience(), tries=1)):
                replica.is_up = await self._is_same(replica)
            replica.in_a_row = 0

    def _plan_look(self, replica: Replica) -> None:
        pauses = min(PAUSES * 2.0**replica.looks, MOST_PAUSES)
        replica.next_look = self._clock() + pauses * patience().pause
        replica.looks += 1

    async def _is_same(self, replica: Replica) -> bool:
        """Return whether a server answers, and serves what it did when the run began."""
        if not await answers(replica.model):
            return False
        forget_endpoint(replica.model)
        try:
            await describe_running(replica.model)
            identity = await server_identity(replica.model)
        except CallError:
            return False
        except InputError as fault:
            if await answers(replica.model):  # else it is gone again
                replica.refusal = str(fault)
            return False
        if identity != replica.identity:
            difference = model_difference(replica.identity.model, identity.model) or "its version is another one"
            replica.refusal = f"{replica.url} came back with another model: {difference}"
        return replica.refusal is None


class Route:
    """Way of one trace's requests: to its own server, and on to the next where that one fails.

    Args:
        replicas: All servers.
        order: The same in the order of the trace.

    Attributes:
        requests: Requests with a reply by address.
    """

    def __init__(self, replicas: Replicas, order: Sequence[Replica]) -> None:
        self.replicas = replicas
        self.requests: Counter[str] = Counter()
        self._sequences: list[tuple[int, ...]] = []  # token ids that were read; those that others begin with left out
        self._order = list(order)
        self._replica: Replica | None = None

    async def at_endpoint(self, request: Callable[[Replica], Awaitable[ResultT]]) -> ResultT:
        """Return the result of a request at the trace's server, or at the next one that does not fail.

        Args:
            request: Sends the request to a server; it may be called again with another one.

        Raises:
            CallError: The last server failed, or any would.
            StoppedError: No server may be used any more.
        """
        for rest in range(len(self._order), -1, -1):
            replica = await self._choose()
            bounds = patience()
            if rest and self.replicas.substitutes(replica):
                bounds = replace(bounds, tries=min(TRIES, bounds.tries), has_substitute=True)
            token = _route.set(None)  # a call inside goes where it is sent
            try:
                with with_patience(bounds):
                    result = await request(replica)
            except CallError as error:
                if not (error.is_passing or error.status in REFUSALS):
                    raise
                await self.replicas.note_failure(replica, error)
                if not bounds.has_substitute:
                    raise
                self._leave(replica)
                continue
            finally:
                _route.reset(token)
            replica.in_a_row = 0
            if not replica.is_up:  # the last resort: to be checked before any other request goes there
                replica.next_look = 0.0
            return result
        raise AssertionError("unreachable: the last server has no substitute, so that its error is raised")

    def count(self, replica: Replica, ids: tuple[int, ...] | None, segment: Segment) -> None:
        """Count a reply: the server's use, and how much of its prompt could have come from the cache, and did.

        Args:
            replica: The server.
            ids: Token ids of the prompt; None for a text.
            segment: The reply.
        """
        self.requests[replica.url] += 1
        replica.requests += 1
        replica.prompt_tokens = total((replica.prompt_tokens, segment.prompt_tokens))
        if ids is None or segment.ids is None:  # as text: how many tokens two prompts share cannot be told
            return
        reusable = max((_common_length(ids, earlier) for earlier in self._sequences), default=0)
        reusable = min(reusable, len(ids) - 1)  # the last token is always read
        replica.cache.add(reusable, segment.cached_tokens)
        own = (ids + segment.ids)[: len(ids) + max(len(segment.ids) - 1, 0)]  # the last one decoded was not read yet
        others = [earlier for earlier in self._sequences if earlier != own[: len(earlier)]]
        self._sequences = [*others, own][-MOST_SEQUENCES:]

    async def _choose(self) -> Replica:
        if self._replica is not None and self._replica.is_up:
            return self._replica
        await self.replicas.look_again()
        usable = [replica for replica in self._order if replica.refusal is None]
        if not usable:
            reasons = "; ".join(str(replica.refusal) for replica in self._order)
            raise StoppedError(
                f"no endpoint is left: {reasons}. What was collected before is kept; repeat the command with --resume "
                "and endpoints that serve the model."
            )
        self._replica = next((replica for replica in usable if replica.is_up), usable[0])
        return self._replica

    def _leave(self, replica: Replica) -> None:
        """Put a server that failed behind all others; of several requests that failed there the first one does."""
        if self._replica is replica:
            self._replica = None
            replica.departures += 1
            self._order = [*(other for other in self._order if other is not replica), replica]


class ReplicaContinuation:
    """Continuation at the server of the trace that is collected, whose prefix any other server goes on with.

    Attributes:
        reports_stop: Whether a server reports which stop text ended a segment; all do, or none.

    Args:
        replicas: The servers.
    """

    def __init__(self, replicas: Replicas) -> None:
        self._ways: dict[str, Continuation] = {replica.url: continuation_for(replica.model) for replica in replicas}
        self._first = next(iter(self._ways.values()))
        self.reports_stop = self._first.reports_stop

    async def start(self, messages: list[ChatMessage], opening: str) -> Prefix:
        """Return the rendered prompt, with the assistant's turn opened; raises as that of one server."""
        return await self._at_endpoint(lambda _, way: way.start(messages, opening))

    async def append_text(self, prefix: Prefix, text: str) -> Prefix:
        """Return the prefix with text of ours behind it."""
        return await self._at_endpoint(lambda _, way: way.append_text(prefix, text))

    def append(self, prefix: Prefix, segment: Segment) -> Prefix:
        """Return the prefix with a decoded segment behind it."""
        return self._first.append(prefix, segment)  # without a request

    async def decode(self, prefix: Prefix, sampling: Sampling, *, truth: dict[str, Any] | None = None) -> Segment:
        """Decode what follows the prefix, and count the use of the server's prefix cache."""

        async def request(replica: Replica, way: Continuation) -> Segment:
            segment = await way.decode(prefix, sampling, truth=truth)
            route.count(replica, prefix.ids, segment)
            return segment

        route = current_route()
        return await self._at_endpoint(request)

    async def _at_endpoint(self, request: Callable[[Replica, Continuation], Awaitable[ResultT]]) -> ResultT:
        async def at(replica: Replica) -> ResultT:
            way = self._ways[replica.url]
            if isinstance(way, CompletionsContinuation):
                await way.open()
            self.reports_stop = way.reports_stop
            return await request(replica, way)

        return await current_route().at_endpoint(at)


_route: ContextVar[Route | None] = ContextVar("route", default=None)


def current_route() -> Route:
    """Return the way of the trace that is collected.

    Raises:
        RuntimeError: No trace is.
    """
    route = _route.get()
    if route is None:
        raise RuntimeError("no trace with several endpoints is being collected here")
    return route


def route_of(model: Model) -> Route | None:
    """Return the way of the trace that is collected, if a model is the one under test; None for any other."""
    route = _route.get()
    return route if route is not None and route.replicas.models[0] is model else None


def _common_length(ids: tuple[int, ...], earlier: tuple[int, ...]) -> int:
    """Return how many token ids two prompts have alike at their beginning; compared in slices, as they are long."""
    low, high = 0, min(len(ids), len(earlier))
    if ids[:high] == earlier[:high]:
        return high
    while low < high - 1:  # alike up to low, not up to high
        middle = (low + high) // 2
        if ids[low:middle] == earlier[low:middle]:
            low = middle
        else:
            high = middle
    return low
