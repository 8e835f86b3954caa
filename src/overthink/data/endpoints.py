"""Endpoints of a run: which server a trace belongs to, what each served, and what its prefix cache gave.

A ladder reads the same prefix at every rung. So all requests of a trace go to one server, whose cache has it: the one
with the highest hash of trace and address, which every process finds without asking any other, and which stays the
same for all traces but its own when a server leaves.
"""

import hashlib
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

ENOUGH_HITS = 0.9
"""Least share of the prompt tokens that a trace has sent or decoded before which should come from the cache."""


def endpoint_order(trace: bytes, urls: Sequence[str]) -> list[int]:
    """Return the numbers of the endpoints in the order in which a trace would use them (rendezvous hashing).

    Args:
        trace: Id of the trace.
        urls: Addresses of the endpoints.

    Example:
        >>> endpoint_order(b"a", ["http://x", "http://y", "http://z"])
        [2, 0, 1]
        >>> endpoint_order(b"a", ["http://x", "http://z"])  # without y the rest is as it was
        [1, 0]
    """
    weights = [hashlib.sha256(trace + b"\0" + url.encode()).digest() for url in urls]
    return sorted(range(len(urls)), key=weights.__getitem__, reverse=True)


@dataclass(frozen=True, slots=True)
class EndpointUse:
    """What one endpoint did in one run. A count is None where the run was killed before it was stored.

    Attributes:
        url: Its address.
        model: What its server says of the model: names and values that another server of the model has, too.
        version: Version of its software; None if it does not say.
        requests: Requests of decoding with a reply.
        failures: Requests that failed in all tries there; what they cost is unknown.
        departures: Traces that went on at another endpoint, as this one failed.
        prompt_tokens: Prompt tokens of its requests.
        cached_tokens: Those of them from its prefix cache; None if no reply says.
        reusable_tokens: Prompt tokens that their trace had sent or decoded before, in whole blocks of its cache; None
            if no reply to a prefix in token ids says what came from the cache.
        reused_tokens: Those of them that came from its prefix cache.
    """

    url: str
    model: Mapping[str, str]
    version: str | None = None
    requests: int | None = None
    failures: int | None = None
    departures: int | None = None
    prompt_tokens: int | None = None
    cached_tokens: int | None = None
    reusable_tokens: int | None = None
    reused_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class EndpointRun:
    """One run's endpoints.

    Attributes:
        endpoints: What each did.
        astray: Requests that did not go to the endpoint that had most requests of their trace; None as in the counts.
    """

    endpoints: tuple[EndpointUse, ...]
    astray: int | None = None


def prefix_hits(uses: Iterable[EndpointUse]) -> float | None:
    """Return the share of reusable prompt tokens that came from the prefix cache; None if unknown.

    Example:
        >>> prefix_hits([EndpointUse("http://x", {}, reusable_tokens=200, reused_tokens=150)])
        0.75
    """
    reported = [use for use in uses if use.reusable_tokens is not None and use.reused_tokens is not None]
    reusable = sum(use.reusable_tokens or 0 for use in reported)
    return sum(use.reused_tokens or 0 for use in reported) / reusable if reusable else None


@dataclass
class CacheCount:
    """Counter of what a prefix cache gave of what it could have given.

    A cache that keeps blocks of tokens gives whole blocks alone. Their length is the greatest common divisor of all
    that was ever read from it, so that what no block could hold counts as no miss. vLLM states what came from its cache
    and says nothing where nothing did: a reply without a count is a miss, if any other has one.

    Attributes:
        cached_tokens: All prompt tokens from the cache; None if no reply has a count.

    Example:
        >>> count = CacheCount()
        >>> for reusable, cached in ((40, 32), (70, 64), (90, None)):
        ...     count.add(reusable, cached)
        >>> count.totals()  # blocks of 32 tokens: 32 + 64 + 64 could have come
        (160, 96)
    """

    cached_tokens: int | None = None
    _block: int = 0
    _pairs: defaultdict[tuple[int, int], int] = field(default_factory=lambda: defaultdict(int))

    def add(self, reusable: int, cached: int | None) -> None:
        """Count one request.

        Args:
            reusable: Its prompt tokens that the trace had sent or decoded before.
            cached: Its prompt tokens from the cache, more than the reusable ones where other traces began alike; None
                if its reply has no count.
        """
        if cached is not None:
            self.cached_tokens = (self.cached_tokens or 0) + cached
            self._block = math.gcd(self._block, cached)
        self._pairs[reusable, cached or 0] += 1

    def totals(self) -> tuple[int, int] | None:
        """Return reusable and reused tokens of all requests; None if no reply has a count."""
        if self.cached_tokens is None:
            return None
        block = self._block or 1
        wholes = [(reusable // block * block, cached, n) for (reusable, cached), n in self._pairs.items()]
        return sum(n * whole for whole, _, n in wholes), sum(n * min(whole, cached) for whole, cached, n in wholes)


def endpoint_notes(runs: Sequence[EndpointRun]) -> tuple[str, ...]:
    """Return what readers of a study should know of its endpoints: use, failures and prefix hits over all runs."""
    by_url: dict[str, list[EndpointUse]] = {}
    for use in (use for run in runs for use in run.endpoints):
        by_url.setdefault(use.url, []).append(use)
    if not by_url:
        return ()
    parts = [f"{url}: {_use_text(uses)}" for url, uses in by_url.items()]
    notes = [f"Endpoints, with all requests of a trace at one of them: {'; '.join(parts)}."]
    if len(versions := sorted({use.version or "unknown" for uses in by_url.values() for use in uses})) > 1:
        notes.append(f"The endpoints' software had several versions: {', '.join(versions)}.")
    for url, uses in by_url.items():
        hits = prefix_hits(uses)
        if hits is not None and hits < ENOUGH_HITS:
            notes.append(
                f"The ladder paid twice: of the prompt tokens that their traces had sent or decoded before, "
                f"{_percent(hits)} came from the prefix cache of {url}, and {_percent(ENOUGH_HITS)} or more should. "
                "Give its cache more room (llama.cpp: as many --parallel slots as traces in flight; vLLM: prefix "
                "caching on, more memory), lower --concurrency, or address the servers themselves and no balancer "
                "before them."
            )
    return tuple(notes)


def _use_text(uses: Sequence[EndpointUse]) -> str:
    requests, failures, moves = (
        sum(getattr(use, name) or 0 for use in uses) for name in ("requests", "failures", "departures")
    )
    text = f"{requests:,} requests"
    if any(use.requests is None for use in uses):
        text += " and those of a run that was killed"
    if failures:
        text += f", {failures:,} more failed (what they cost is unknown), {moves:,} traces moved on"
    hits = prefix_hits(uses)
    if not requests:
        return text
    return f"{text}, prefix hits {_UNKNOWN if hits is None else _percent(hits)}"


_UNKNOWN = (
    "unknown, as no reply to a prefix in token ids says what came from the cache (vLLM: completions, with "
    "--enable-prompt-tokens-details)"
)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def model_difference(there: Mapping[str, str], here: Mapping[str, str]) -> str | None:
    """Return the first of what two servers say of their model that differs, in words; None if all is alike.

    Example:
        >>> model_difference({"weights": "135M"}, {"weights": "360M"})
        'weights is 135M there, and 360M here'
    """
    names = (name for name in {**there, **here} if there.get(name) != here.get(name))
    return next(
        (f"{name} is {there.get(name, 'not stated')} there, and {here.get(name, 'not stated')} here" for name in names),
        None,
    )


def first_difference(earlier: Iterable[EndpointRun], later: Iterable[EndpointRun]) -> str | None:
    """Return in words how two groups of runs had other models behind their endpoints; None if they had one."""
    models = {tuple(sorted(use.model.items())): use for run in earlier for use in run.endpoints}
    for use in (use for run in later for use in run.endpoints):
        for other in models.values():
            if (difference := model_difference(other.model, use.model)) is not None:
                return f"{use.url} serves another model than {other.url}: {difference}"
    return None
