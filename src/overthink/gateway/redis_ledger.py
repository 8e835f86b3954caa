"""A ledger in Redis or Valkey, for replicas on several hosts: every method is one call of one Lua script.

Its durability is that of the server: with `appendfsync always` nothing that was answered is lost.
"""

import json
import secrets
from collections.abc import Callable, Sequence
from dataclasses import asdict
from importlib.resources import files
from typing import Any, Self

from overthink.errors import InputError
from overthink.gateway.ledger import (
    STORE_VERSION,
    BusyError,
    Counter,
    Demand,
    Grant,
    Head,
    Lapse,
    Reservation,
    StoreError,
    family_name,
    new_id,
    require_clock,
    require_version,
)

PREFIX = "{overthink}:"
"""Prefix of all keys; its hash tag keeps them on one node of a cluster."""
_SOCKET_SECONDS = 2.0


class RedisLedger:
    """A ledger on a server.

    Args:
        client: A client of redis-py.
        seconds: Time after which a reservation that was not extended comes back.
        clock: Seconds since 1970; the server's own if left out.
        name: Name of the server in messages.

    Raises:
        InputError: The server cannot be reached, or its store is of another version or from another clock.
    """

    def __init__(
        self, client: Any, *, seconds: float, clock: Callable[[], float] | None = None, name: str = "the store"
    ) -> None:
        import redis

        self._client, self._seconds, self._clock, self._name = client, seconds, clock, name
        self._error = redis.RedisError
        source = files("overthink.gateway").joinpath("ledger.lua").read_text(encoding="utf-8")
        self._script = client.register_script(source)
        try:
            client.hsetnx(f"{PREFIX}meta", "version", STORE_VERSION)
            client.hsetnx(f"{PREFIX}meta", "salt", secrets.token_hex(16))
            version, last, salt = client.hmget(f"{PREFIX}meta", "version", "now", "salt")
            now = clock() if clock is not None else float(client.time()[0])
        except redis.RedisError as failure:
            raise InputError(f"{name} cannot be used: {failure}; needed: a Redis or Valkey that answers") from failure
        self.salt = bytes.fromhex(_text(salt))
        require_version(_text(version), name)
        require_clock(float(last or 0), now, name)

    @classmethod
    def connect(cls, url: str, *, seconds: float) -> Self:
        """Return the ledger on the server of a URL.

        Raises:
            InputError: The package is missing, or the server cannot be used.
        """
        try:
            import redis
        except ImportError as failure:
            raise InputError(
                "redis:// needs the package redis; install overthink[gateway], or use --store sqlite:PATH"
            ) from failure
        try:
            client = redis.Redis.from_url(url, socket_timeout=_SOCKET_SECONDS, socket_connect_timeout=_SOCKET_SECONDS)
        except ValueError as failure:
            raise InputError(f"--store is no address of Redis: {failure}") from failure
        return cls(client, seconds=seconds, name=url.rpartition("@")[2].partition("?")[0])

    def _call(self, operation: str, **arguments: Any) -> Any:
        if self._clock is not None:
            arguments["now"] = self._clock()
        arguments["salt"] = self.salt.hex()
        present = {name: value for name, value in arguments.items() if value is not None}
        try:
            return json.loads(self._script(keys=[PREFIX], args=[operation, json.dumps(present)]))
        except self._error as failure:
            raise StoreError(f"{self._name}: {failure}") from failure

    def reserve(self, demand: Demand, *, wait: bool = True) -> Grant:
        """Reserve tokens and tries, or refuse."""
        _require_wait(wait)
        fields = asdict(demand)
        if demand.fingerprint is not None:
            cap = demand.fingerprint.cap
            fields["fingerprint"] |= {
                "signature": demand.fingerprint.signature.hex(),
                "bands": list(map(str, demand.fingerprint.bands)),  # a number of Lua has 53 bits
                "new": family_name(demand.fingerprint),
                "cap": 2**53 if cap is None else cap,
            }
        reply = self._call("reserve", id=new_id(), seconds=self._seconds, **fields)
        lapses = tuple(
            Lapse(name, int(use), note, family, int(prompt), int(tries))
            for name, use, note, family, prompt, tries in reply.get("lapses") or ()
        )
        return Grant(
            reply["id"],
            int(reply["tokens"]),
            reply["family"],
            int(reply.get("tries", 0)),
            reply["refusal"],
            int(reply.get("open", 0)),
            reply["at"],
            lapses,
        )

    def extend(self, reservation: Reservation, *, use: int, tokens: int, wait: bool = True) -> int:
        """Report the tokens used so far, and reserve more; 0 where a cap is reached, ENDED out of time."""
        _require_wait(wait)
        counters = [asdict(counter) for counter in reservation.counters]
        arguments = {"id": reservation.id, "seconds": self._seconds, "used": use, "tokens": tokens}
        return int(self._call("extend", counters=counters, **arguments)["tokens"])

    def settle(self, reservation: Reservation, *, use: int, prompt: int, tries: int, wait: bool = True) -> None:
        """End a reservation with what was used in the end."""
        _require_wait(wait)
        counters = [asdict(counter) for counter in reservation.counters]
        self._call("settle", id=reservation.id, counters=counters, used=use, prompt=prompt, tries=tries)

    def usage(self, counters: Sequence[Counter]) -> list[int]:
        """Return what each counter holds now, reservations included."""
        if not counters:
            return []
        return [
            int(text) for text in self._call("usage", seconds=self._seconds, counters=[asdict(c) for c in counters])
        ]

    def families(self, scope: str, window: float | None) -> list[tuple[str, int]]:
        """Return the requests of a scope and their tries in a window, the most first, at most a hundred."""
        rows = self._call("families", scope=scope, window=window)
        return [(name, int(tries)) for name, tries in rows or ()]

    def anchor(self, head: Head) -> None:
        """Keep where a usage ledger ends."""
        self._call("anchor", head=asdict(head))

    def heads(self) -> list[Head]:
        """Return where every usage ledger of the store ended when that was last kept."""
        flat = self._call("heads") or []
        heads = {start: text.partition("|") for start, text in zip(flat[::2], flat[1::2], strict=True)}
        return [Head(start, int(lines), last) for start, (lines, _, last) in sorted(heads.items())]

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def _require_wait(wait: bool) -> None:
    if not wait:
        raise BusyError  # for the network


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
