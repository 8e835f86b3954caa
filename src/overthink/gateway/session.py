"""One request on its way: reserved, metered, extended, settled, and written into the usage ledger."""

import asyncio
import contextlib
import json
import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeVar

from overthink.gateway.identity import Identity
from overthink.gateway.ledger import ENDED, BusyError, Counter, Demand, Grant, Ledger, Reservation, StoreError
from overthink.gateway.meter import Meter
from overthink.gateway.replica import Metrics, UsageLog
from overthink.gateway.request import Ask, Limits, Refusal
from overthink.gateway.request_key import fingerprint_of, normalise
from overthink.governance.deployment.policy import Budget, Policy, Rule

CHUNK = 64
"""Tokens that a stream reserves at once, where no cap is near."""
NO_CAP = 2**53
_RETRY_SECONDS = 1
_THREADS = 16
_HELD = 2 / 3
"""Part of the time of a reservation after which its replica extends it or ends: the rest is for its last report."""

T = TypeVar("T")


class Dialect(Protocol):
    """What the two dialects have in common."""

    path: str

    def read(self, body: dict[str, Any], limits: Limits, model: str) -> Ask:
        """Return what a request asks for, with its parameters lowered to the rule."""

    def with_tokens(self, ask: Ask, tokens: int) -> None:
        """Lower the cap on the tokens of a sample in a body."""

    def event(self, data: str, meter: Meter, state: dict[str, Any]) -> bool:
        """Count an event of a stream. Returns whether it is part of the answer."""

    def end(self, ask: Ask, meter: Meter, state: dict[str, Any]) -> bytes:
        """Return the events that end a stream which is cut."""

    def answer(self, document: Any, meter: Meter) -> None:
        """Count an answer that was not streamed."""

    def error(self, refusal: Refusal) -> dict[str, Any]:
        """Return the body of an error."""

    def headers(self, key: str | None) -> dict[str, str]:
        """Return the headers that authorise the gateway upstream."""


@dataclass
class Settings:
    """What a gateway runs with.

    Attributes:
        policy: What is let through.
        ledger: Where it is counted.
        log: Where it is written; None for nowhere.
        callers: Callers by the SHA-256 of their keys; None where all are one.
        upstream: Address of the model's server, without a path of the API.
        upstream_key: Its key.
        log_only: Nothing is refused, cut or lowered; what would be is written.
        continuous: The model's server is asked to count in every chunk, as vLLM does.
        reserve_whole: A stream reserves all that it may generate before it begins, and the model's server is asked for
            no more: nothing is generated beyond a budget, and fewer streams run at once near one.
        open_store: What is asked while the store is down goes through, and counts nowhere.
        body_bytes: Most bytes of a request.
        seconds: Time after which a reservation that was not extended comes back.
        metrics: Numbers for Prometheus.
        fault: Why nothing is let through any more; empty as long as all is well.
        policy_sha256: Hash of the policy.
        threads: Threads that call the store where a call would wait.
    """

    policy: Policy
    ledger: Ledger
    upstream: str
    log: UsageLog | None = None
    callers: Any = None
    upstream_key: str | None = None
    log_only: bool = False
    continuous: bool = False
    reserve_whole: bool = False
    open_store: bool = False
    body_bytes: int = 4_000_000
    seconds: float = 60.0
    metrics: Metrics = field(default_factory=Metrics)
    fault: str = ""
    policy_sha256: str = field(init=False)
    threads: ThreadPoolExecutor = field(init=False)

    def __post_init__(self) -> None:
        self.policy_sha256 = self.policy.sha256()
        self.threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="store")

    def close(self) -> None:
        """Close the store and the usage ledger, whose end the store keeps."""
        self.threads.shutdown()
        if self.log is not None:
            with contextlib.suppress(StoreError):  # that it has another end than the store knows is then to be seen
                if self.log.head is not None:
                    self.ledger.anchor(self.log.head)
            self.log.close()
        self.ledger.close()


def scope_name(scope: str, caller: Identity) -> str:
    """Return whose use a scope adds up."""
    return {
        "principal": f"principal:{caller.principal}",
        "organisation": f"organisation:{caller.organisation}",
        "everybody": "everybody",
    }[scope]


def budget_counter(budget: Budget, rule: Rule, caller: Identity, parameters: float | None) -> Counter:
    """Return the counter of a budget; FLOP become tokens at twice the active parameters each."""
    amount = budget.amount if budget.unit == "tokens" else budget.amount / (2 * (parameters or math.inf))
    span = "life" if budget.window_seconds is None else f"{budget.window_seconds:g}"
    name = f"{budget.unit}/{scope_name(budget.scope, caller)}/{rule.models[0]}/{span}"
    return Counter(name, min(int(amount), NO_CAP), budget.window_seconds, prompts=budget.unit == "flop")


def tries_counter(rule: Rule, caller: Identity) -> Counter:
    """Return the counter of tries over all requests; it counts where there is no cap, too."""
    tries = rule.tries
    name = f"tries/{scope_name(tries.scope, caller)}/{rule.models[0]}"
    return Counter(name, NO_CAP if tries.total is None else tries.total, tries.window_seconds, tries=True)


def total_counter(rule: Rule, caller: Identity) -> Counter:
    """Return the counter of all tokens that a caller used of a model, which has no cap."""
    return Counter(f"total/principal:{caller.principal}/{rule.models[0]}", NO_CAP, None)


class Session:
    """One request, from its demand to its line in the usage ledger.

    Args:
        settings: What the gateway runs with.
        dialect: Of the request.
        caller: By its key.
        rule: Of the caller and the model.
        ask: What the request asks for.
    """

    def __init__(self, settings: Settings, dialect: Dialect, caller: Identity, rule: Rule, ask: Ask) -> None:
        self.settings, self.dialect, self.caller, self.rule, self.ask = settings, dialect, caller, rule, ask
        self.meter, self.grant = Meter(), Grant("", 0)
        self.reservation = Reservation("")
        self.counts = True
        self._lease = math.inf
        self.is_settled = self.is_lost = False

    @property
    def most(self) -> int:
        """Most tokens of all samples."""
        return self.ask.samples * self.ask.tokens

    @property
    def whole(self) -> bool:
        """Whether what the request reserves at first is all that it gets, which the model's server is told, too."""
        return not self.ask.stream or self.settings.reserve_whole

    def _demand(self) -> Demand:
        rule, ask, caller, policy = self.rule, self.ask, self.caller, self.settings.policy
        counters = tuple(budget_counter(budget, rule, caller, policy.active_parameters) for budget in rule.budgets)
        fingerprint = fingerprint_of(
            (ask.model, *map(normalise, ask.parts[1:])),
            self.settings.ledger.salt,
            scope=f"{scope_name(rule.tries.scope, caller)}/{rule.models[0]}",
            cap=rule.tries.per_key,
            window=rule.tries.window_seconds,
        )
        note = {"principal": caller.principal, "organisation": caller.organisation, "model": ask.model}
        return Demand(
            (*counters, total_counter(rule, caller), tries_counter(rule, caller)),
            ask.samples,
            ask.prompt,
            self.most if self.whole else min(self.most, CHUNK * ask.samples),
            ask.samples,
            fingerprint,
            json.dumps(note),
            whole=self.whole,
            head=None if self.settings.log is None else self.settings.log.head,
        )

    async def begin(self) -> None:
        """Reserve what the request needs, and ask the model's server for its counts.

        Raises:
            Refusal: A cap is reached, or the store is down.
        """
        settings = self.settings
        if settings.fault:
            raise Refusal(503, "gateway_fault", settings.fault)
        begin = time.monotonic()
        wanted = self._demand()
        try:
            grant, demand = await self._call(lambda wait: self._reserve(wanted, wait=wait))
        except StoreError as failure:
            if not settings.open_store:
                raise Refusal(
                    503, "store_down", "the budget cannot be looked up, so nothing is let through"
                ) from failure
            self.counts = False
            return
        self.grant, self.reservation = grant, Reservation(grant.id, demand.counters)
        self._lease = begin + settings.seconds * _HELD
        if settings.continuous and self.ask.samples == 1 and "stream_options" in self.ask.body:
            self.ask.body["stream_options"]["continuous_usage_stats"] = True
        if self.whole and not settings.log_only:
            self.dialect.with_tokens(self.ask, max(1, grant.tokens // self.ask.samples))

    def _reserve(self, demand: Demand, *, wait: bool) -> tuple[Grant, Demand]:
        ledger, policy = self.settings.ledger, self.settings.policy
        grant = ledger.reserve(demand, wait=wait)
        self._write_lapses(grant)
        if grant.refusal:
            of_tries = grant.refusal.startswith("tries/")
            cap = "tries of this request" if grant.refusal == grant.family else grant.refusal.rpartition("/")[0]
            message = f"the cap on {cap} is reached (statement {policy.statement})"
            if not self.settings.log_only:
                self._write(grant, end="refused", beyond=(message,))
                if of_tries:
                    raise Refusal(403, "tries_beyond_evaluation", message)
                if grant.open:
                    message += "; what others have reserved of it may come back"
                    raise Refusal(429, "budget_reserved", message, seconds=_RETRY_SECONDS)
                raise Refusal(429, "budget_exhausted", message)
            demand = _without_caps(demand)
            grant = ledger.reserve(demand, wait=wait)
            self.ask.beyond.append(message)
        return grant, demand

    async def room(self, tokens: int) -> int:
        """Reserve more tokens for a stream, as many as it may have. Returns how many; 0 ends it."""
        if not self.counts:
            return tokens
        begin = time.monotonic()
        try:
            use, ledger = self.meter.tokens, self.settings.ledger
            room = await self._call(lambda wait: ledger.extend(self.reservation, use=use, tokens=tokens, wait=wait))
        except StoreError:
            return tokens if self.settings.open_store else 0
        if room == ENDED:
            self.is_lost = True
            return 0
        self._lease = begin + self.settings.seconds * _HELD
        return room

    async def renew(self) -> bool:
        """Return whether the reservation holds: before it runs out of time it is extended, or the stream ends.

        So a replica that was stopped for a while sends nothing that others may have got meanwhile.
        """
        if time.monotonic() > self._lease:
            await self.room(0)
            return not self.is_lost and (time.monotonic() <= self._lease or self.settings.open_store)
        return not self.is_lost

    async def settle(self, end: str, *, produced: bool = True) -> None:
        """End the request once: in the store with what was used, in the usage ledger with how it ended."""
        if self.is_settled:
            return
        self.is_settled = True
        await self._call(lambda wait: self._settle(end, produced=produced, wait=wait))

    def _settle(self, end: str, *, produced: bool, wait: bool) -> None:
        meter, settings = self.meter, self.settings
        prompt = self.ask.prompt if meter.prompt is None else meter.prompt
        tries = self.ask.samples if produced else 0
        if self.counts:
            try:
                settings.ledger.settle(
                    self.reservation, use=meter.tokens, prompt=prompt if produced else 0, tries=tries, wait=wait
                )
            except StoreError:
                return  # it comes back as a lapse, and is written as one
        settings.metrics.tries.inc(tries)
        settings.metrics.tokens.labels("generated").inc(meter.tokens)
        settings.metrics.tokens.labels("thinking").inc(meter.thinking_tokens)
        self._write(self.grant, end=end if self.counts else "uncounted", beyond=tuple(self.ask.beyond), tries=tries)

    def _write(self, grant: Grant, *, end: str, beyond: tuple[str, ...], tries: int = 0) -> None:
        meter = self.meter
        fields: dict[str, Any] = {
            "principal": self.caller.principal,
            "organisation": self.caller.organisation,
            "model": self.ask.model,
            "family": grant.family,
            "tries": tries,
            "prompt_tokens": self.ask.prompt if meter.prompt is None else meter.prompt,
            "generated_tokens": meter.tokens,
            "thinking_tokens": meter.thinking_tokens,
            "effort": self.ask.effort,
            "counted": "estimate" if meter.generated is None else "provider",
            "end": end,
            "beyond": beyond,
        }
        self._append(grant.at, fields)

    def _write_lapses(self, grant: Grant) -> None:
        for lapse in grant.lapses:
            counts = {"tries": lapse.tries, "prompt_tokens": lapse.prompt, "generated_tokens": lapse.use}
            fields = {
                "family": lapse.family,
                "thinking_tokens": 0,
                "effort": None,
                "counted": "estimate",
                "end": "lapse",
            }
            self._append(grant.at, {**json.loads(lapse.note), **counts, **fields, "beyond": ()})

    def _append(self, at: float, fields: dict[str, Any]) -> None:
        settings = self.settings
        settings.metrics.requests.labels(fields["end"]).inc()
        if settings.log is None:
            return
        try:
            settings.log.append(at=at, statement=settings.policy.statement, policy=settings.policy_sha256, **fields)
            settings.metrics.lines.set(settings.log.lines)
        except OSError as failure:
            settings.fault = f"the usage ledger cannot be written ({failure.strerror}), so nothing is let through"

    async def _call(self, call: Callable[[bool], T]) -> T:
        """Return what a call returns, made here, or in a thread where it would wait: a thread costs more than a call.

        Args:
            call: What to call with whether it may wait; it raises an error and changes nothing where it would.
        """
        with self.settings.metrics.store.time():
            try:
                return call(False)
            except BusyError:
                loop = asyncio.get_running_loop()
                work = loop.run_in_executor(self.settings.threads, call, True)
                return await asyncio.shield(work)  # what began is counted


def _without_caps(demand: Demand) -> Demand:
    """Return a demand that no cap refuses: what goes beyond is counted all the same."""
    fingerprint = demand.fingerprint
    return replace(
        demand,
        counters=tuple(replace(counter, cap=NO_CAP) for counter in demand.counters),
        fingerprint=None if fingerprint is None else replace(fingerprint, cap=None),
    )
