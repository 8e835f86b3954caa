"""Thinking that a provider hides: its log holds a summary instead, or a text that only the provider can read.

A summary is another model's account of the thinking. It has other tokens, leaves out what the thinking said, and may
say what it did not, so it is never counted as thinking, nor searched, nor judged; thinking tokens are those that a
provider reports. Inspect marks most hidden thinking as redacted. Two providers give nothing but summaries also where it
does not: Google, and Anthropic from Claude 4 on.
"""

import re
from collections import Counter
from collections.abc import Iterable
from enum import StrEnum

from inspect_ai.log import EvalSpec

from overthink.collect.inspect_logs.sample_ends import Message

COUNTED_SINCE = (0, 3, 262)
"""First version of Inspect that takes the thinking tokens of Anthropic's replies from the API, where it reports them.
Versions before it count the tokens of the summary (read in the sources of 0.3.260 to 0.3.266)."""

_ONLY_SUMMARIES = re.compile(r"google/|anthropic/(?!.*claude-3-7)|openrouter/(google|anthropic/(?!claude-3\.7))")
_COUNTED_BY_INSPECT = re.compile(r"anthropic/(?!.*claude-3-7)")


class HiddenThinking(StrEnum):
    """What a log holds in the place of hidden thinking."""

    SUMMARY = "a summary of it"
    SEALED = "a text that only the provider can read"


def hidden_thinking(messages: Iterable[Message], model: str) -> HiddenThinking | None:
    """Return what stands in the place of a model's thinking; None where its thinking is there, or it did not think.

    Args:
        messages: What the model wrote.
        model: Inspect's name of the model.

    Example:
        >>> part = {"type": "reasoning", "reasoning": "c2VhbGVk", "summary": "It added.", "redacted": True}
        >>> hidden_thinking([Message.model_validate({"content": [part]})], "openai/o3").value
        'a summary of it'
    """
    parts = [part for message in messages for part in message.reasoning_parts]
    only_summaries = _ONLY_SUMMARIES.match(model) is not None
    hidden = [part for part in parts if part.redacted or only_summaries or (part.summary and not part.reasoning)]
    if any(part.summary or (part.reasoning and not part.redacted) for part in hidden):
        return HiddenThinking.SUMMARY
    return HiddenThinking.SEALED if hidden else None


def counts_summaries(spec: EvalSpec) -> bool:
    """Return whether the thinking tokens of a log are those of summaries, which Inspect counted by itself."""
    version = re.match(r"(\d+)\.(\d+)\.(\d+)", str(spec.packages.get("inspect_ai", "")))
    if version is None or _COUNTED_BY_INSPECT.match(spec.model) is None:
        return False
    return tuple(map(int, version.groups())) < COUNTED_SINCE


def hidden_note(hidden: Iterable[HiddenThinking | None]) -> list[str]:
    """Return a note on hidden thinking, given that of every sample.

    Example:
        >>> hidden_note([None, HiddenThinking.SEALED])[0].partition(".")[0]
        'In 1 of 2 samples the thinking is hidden, and the log holds a text that only the provider can read (1)'
    """
    kinds = list(hidden)
    counts = Counter(kind for kind in kinds if kind is not None)
    if not counts:
        return []
    held = ", ".join(f"{kind} ({count})" for kind, count in counts.items())
    note = (
        f"In {counts.total()} of {len(kinds)} samples the thinking is hidden, and the log holds {held}. It is not "
        "counted as thinking, nor searched or judged; thinking tokens are those that the provider reports."
    )
    return [note]
