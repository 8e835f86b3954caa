"""Stores of a ledger, by the address that a user writes."""

from pathlib import Path

from overthink.errors import InputError
from overthink.gateway.ledger import Ledger
from overthink.paths import is_there


def open_ledger(store: str, *, seconds: float) -> Ledger:
    """Return the ledger of a store.

    Args:
        store: `sqlite:PATH`, `redis://HOST:PORT/N` or `rediss://…`; Valkey speaks the same.
        seconds: Time after which a reservation that was not extended comes back.

    Raises:
        InputError: The store is of no known kind, of another version, from another clock, or cannot be reached.
    """
    kind, _, rest = store.partition(":")
    if kind == "sqlite" and rest:
        from overthink.gateway.sqlite_ledger import SqliteLedger  # each store loads what it needs

        return SqliteLedger(Path(rest), seconds=seconds)
    if kind in ("redis", "rediss"):
        from overthink.gateway.redis_ledger import RedisLedger

        return RedisLedger.connect(store, seconds=seconds)
    raise InputError(f"--store {store[:80]!r} is of no known kind; needed: sqlite:PATH or redis://HOST:PORT/N")


def existing_ledger(store: str) -> Ledger:
    """Return the ledger of a store that a gateway has used, to read from it.

    Raises:
        InputError: It is not there, or :func:`open_ledger` cannot open it.
    """
    kind, _, path = store.partition(":")
    if kind == "sqlite" and path and not is_there(Path(path)):
        raise InputError(f"--store {store[:80]} is not there; needed: the store of a gateway that ran")
    return open_ledger(store, seconds=60.0)
