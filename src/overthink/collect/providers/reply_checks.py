"""Plausibility checks of server replies: token counts, text, and model name.

An implausible reply is not repaired. Its trace is marked errored and retried by ``--resume``, because a wrong count
would shift the rungs and a wrong text would be scored as the model's.
"""

from collections.abc import Sequence
from weakref import WeakKeyDictionary

from inspect_ai.model import Model, ModelOutput, ModelUsage

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
