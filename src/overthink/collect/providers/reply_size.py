"""Maximum size of a reply, packed or not: a client reads all of it into memory before anything can be checked."""

import importlib
import zlib
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from overthink.collect.providers.attempts import status_of

MAX_REPLY_BYTES = 64 * 2**20
"""Maximum bytes of one reply; the log-probabilities of a long one take some megabytes."""

_PACKINGS = {"gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}
"""Window of zlib by content encoding. Others are not asked for."""


_HEAD_BYTES = 200

_head: ContextVar[bytearray | None] = ContextVar("head", default=None)


@contextmanager
def noting_reply() -> Iterator[None]:
    """Add the beginning of the reply as a note to an error inside the block: the error may be about its reading."""
    head = bytearray()
    token = _head.set(head)
    try:
        yield
    except Exception as error:
        if head and status_of(error) is None:  # else its text quotes the reply
            error.add_note(f"the reply begins {head[:_HEAD_BYTES].decode(errors='replace')!r}")
        raise
    finally:
        _head.reset(token)


class ReplySizeError(RuntimeError):
    """A reply is too large, or packed in an unknown way."""


def hooks() -> dict[str, list[Any]]:
    """Return the event hooks for a client of httpx (or of httpx2) that bound every reply."""
    return {"request": [_ask_for_known_packing], "response": [_bound]}


def add_hooks(client: Any) -> None:
    """Bound every reply to an existing client of httpx or httpx2."""
    new = hooks()
    for event, functions in client.event_hooks.items():
        functions += [function for function in new[event] if function not in functions]


def remove_hooks(client: Any) -> None:
    """Remove the hooks of :func:`add_hooks`."""
    for event, functions in hooks().items():
        client.event_hooks[event][:] = [function for function in client.event_hooks[event] if function not in functions]


async def _ask_for_known_packing(request: Any) -> None:
    request.headers["accept-encoding"] = ", ".join(_PACKINGS)


async def _bound(response: Any) -> None:
    packing = response.headers.pop("content-encoding", "identity").strip().lower()
    if packing not in ("", "identity", *_PACKINGS):
        raise ReplySizeError(f"the reply is packed as {packing[:20]!r}, which was not asked for")
    stream = response.stream
    base = importlib.import_module(type(response).__module__.partition(".")[0]).AsyncByteStream

    async def chunks() -> AsyncIterator[bytes]:
        unpacker = zlib.decompressobj(_PACKINGS[packing]) if packing in _PACKINGS else None
        left = MAX_REPLY_BYTES
        async for chunk in stream:
            piece = chunk
            if unpacker is not None:
                try:
                    piece = unpacker.decompress(chunk, left + 1)
                except zlib.error as fault:
                    raise ReplySizeError(f"the reply is no {packing} ({fault})") from fault
            left -= len(piece)
            if left < 0:
                raise ReplySizeError(f"the reply has more than {MAX_REPLY_BYTES:,} bytes")
            if (head := _head.get()) is not None:
                head += piece[: _HEAD_BYTES - len(head)] if len(head) < _HEAD_BYTES else b""
            yield piece

    class Bounded(base):  # type: ignore[misc, valid-type]
        def __aiter__(self) -> AsyncIterator[bytes]:
            return chunks()

        async def aclose(self) -> None:
            await stream.aclose()

    response.stream = Bounded()
