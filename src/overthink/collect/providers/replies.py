"""Checks of server replies: their size before anything is read, then token counts, text, and model name.

An implausible reply is not repaired. Its trace is marked errored and retried by ``--resume``, because a wrong count
would shift the rungs and a wrong text would be scored as the model's.
"""

import importlib
import zlib
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from weakref import WeakKeyDictionary

from inspect_ai.model import Model, ModelOutput, ModelUsage

from overthink.collect.providers.attempts import status_of
from overthink.data.tokens import is_count

HIDDEN = 16
"""Maximum number of tokens without text: end of turn, channel markers."""

LONGEST = 256
"""Maximum bytes per token; the longest in current vocabularies are runs of 128 spaces."""

_answering: WeakKeyDictionary[Model, str] = WeakKeyDictionary()


class ReplyError(RuntimeError):
    """A server reply is implausible."""


def begin_run(model: Model) -> None:
    """Reset the recorded model name: the server may serve another model in the next run."""
    _answering.pop(model, None)


def check_text(output: ModelOutput) -> None:
    """Refuse a text with half a character, which can be neither stored nor continued.

    Raises:
        ReplyError: There is one.
    """
    try:
        output.completion.encode()
    except UnicodeEncodeError:
        raise ReplyError("the reply holds half a character (a lone surrogate), which cannot be stored") from None


def known_usage(usage: ModelUsage | None) -> ModelUsage | None:
    """Return a reply's usage; None if one of its counts is no count of tokens, as then none of them can be trusted."""
    if usage is None:
        return None
    numbers = (value for name, value in usage if name != "total_cost" and value is not None)
    return usage if all(map(is_count, numbers)) else None


def checked_counts(
    model: Model, output: ModelOutput, text: str, *, max_tokens: int, stop: Sequence[str]
) -> tuple[int, int]:
    """Check one decoded segment and return its token counts.

    Args:
        model: The model under test.
        output: Its output, complete or cut at the limit.
        text: The decoded text.
        max_tokens: Token limit of the request.
        stop: Stop texts of the request.

    Returns:
        Numbers of decoded tokens and prompt tokens.

    Raises:
        ReplyError: The reply is implausible.
        UnicodeEncodeError: The text holds half a character, which can be neither stored nor continued.
    """
    size = len(text.encode())
    if (usage := output.usage) is None:
        raise ReplyError(
            "the server reports no token usage, so a thinking budget cannot be kept. Serve the model with a server "
            "that fills `usage` (vLLM, llama.cpp and SGLang do)."
        )
    tokens, prompt = usage.output_tokens, usage.input_tokens + (usage.input_tokens_cache_read or 0)
    if prompt < 1:
        raise ReplyError(f"the server counted {prompt} prompt tokens; needed: at least 1")
    if not 0 <= tokens <= max_tokens:
        raise ReplyError(f"the server counted {tokens} decoded tokens where {max_tokens} were allowed")
    if output.stop_reason == "max_tokens" and tokens < max_tokens:
        raise ReplyError(
            f"the server stopped at a limit after {tokens} of {max_tokens} tokens: its context window is full, or it "
            "counts wrongly"
        )
    hidden = max((len(word.encode()) for word in stop), default=0) + HIDDEN
    if tokens > size + hidden or size > LONGEST * tokens:
        raise ReplyError(f"the server counted {tokens} tokens for {size} bytes of text, which cannot be")
    before = _answering.setdefault(model, output.model)
    if output.model != before:
        raise ReplyError(f"another model answered: {output.model!r}, and {before!r} before in this run")
    return tokens, prompt


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
