"""Whether a server's reply can be true: what it counted, what it sent, and who answered.

A reply that cannot be true is not repaired. Its trace is marked errored and tried again by ``--resume``, because a
wrong count would move the rungs and a wrong text would be scored as the model's.
"""

from collections.abc import Sequence
from weakref import WeakKeyDictionary

from inspect_ai.model import Model, ModelOutput

HIDDEN = 16
"""Tokens that may leave no byte of text: the end of a turn, a channel's marks."""

LONGEST = 256
"""Bytes of the longest token; the long ones of today's vocabularies are runs of 128 spaces."""

_answering: WeakKeyDictionary[Model, str] = WeakKeyDictionary()


class ReplyError(RuntimeError):
    """A reply that cannot be true."""


def begin_run(model: Model) -> None:
    """Forget who answered before: between two runs a server may be given another model."""
    _answering.pop(model, None)


def checked_counts(
    model: Model, output: ModelOutput, text: str, *, max_tokens: int, stop: Sequence[str]
) -> tuple[int, int]:
    """Check one decoded segment.

    Args:
        model: The model that was asked.
        output: What came back; it ended by itself or at the limit.
        text: The decoded text.
        max_tokens: The most tokens that it was allowed.
        stop: The stop texts that it was given.

    Returns:
        Tokens decoded, and tokens of the prompt.

    Raises:
        ReplyError: The reply cannot be true.
        UnicodeEncodeError: The text holds half a character, which could be neither stored nor continued.
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
