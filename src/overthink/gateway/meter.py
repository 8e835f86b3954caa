"""Tokens of an answer while it streams: every kind of delta counts, and the provider's own count where there is one."""

import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

CHARACTERS_PER_TOKEN = 4.0
"""Of an estimate; a delta is a token at least."""

_THINKING = frozenset(("reasoning_content", "reasoning", "reasoning_details", "thinking", "thinking_blocks"))
_NO_TOKENS = frozenset(("role", "id", "type", "index", "signature", "finish_reason", "call_id"))
"""Fields of a delta that the model did not generate."""
_OPEN, _CLOSE = "<think>", "</think>"


@dataclass
class Sample:
    """Characters and deltas of one sample.

    Attributes:
        thinking: Characters of reasoning.
        thinking_deltas: Deltas with any.
        characters: All characters.
        deltas: All deltas.
    """

    thinking: int = 0
    thinking_deltas: int = 0
    characters: int = 0
    deltas: int = 0
    _inline: bool = False
    _tail: str = ""

    def add(self, texts: list[tuple[str, bool]]) -> None:
        """Count the texts of one delta, each with whether it is reasoning."""
        length = sum(len(text) for text, _ in texts)
        if length == 0:
            return
        reasoning = sum(len(text) for text, is_thinking in texts if is_thinking)
        plain = "".join(text for text, is_thinking in texts if not is_thinking)
        if plain:
            reasoning += self._inline_thinking(plain)
        self.characters += length
        self.deltas += 1
        self.thinking += reasoning
        self.thinking_deltas += reasoning > 0

    def _inline_thinking(self, text: str) -> int:
        """Return the characters of a text between the tags of thinking, which may be cut between two deltas."""
        window = self._tail + text
        self._tail = window[-len(_CLOSE) + 1 :]
        if self._inline:
            end = window.find(_CLOSE)
            self._inline = end < 0
            return len(text) if end < 0 else max(0, len(text) - (len(window) - end - len(_CLOSE)))
        if _OPEN in window:
            self._inline = _CLOSE not in window
            return len(text)
        if _CLOSE in window and self.thinking == 0:  # the template had opened it: all before was thinking
            self.thinking, self.thinking_deltas = self.characters, self.deltas
            return len(text)
        return 0


@dataclass
class Meter:
    """Tokens of one answer, with all its samples.

    Attributes:
        samples: By index.
        generated: The provider's count of generated tokens; None until it comes.
        reasoning: Its count of reasoning tokens; None where it has none.
        prompt: Its count of the prompt; None until it comes.

    A count says nothing of what comes after it, which is estimated until the next: some servers send one at the start.
    """

    samples: dict[int, Sample] = field(default_factory=lambda: defaultdict(Sample))
    generated: int | None = None
    reasoning: int | None = None
    prompt: int | None = None
    _before: tuple[int, int] = (0, 0)
    _thinking_before: int = 0

    def add(self, sample: int, delta: Any) -> None:
        """Count one delta of a sample, whatever its kind."""
        self.samples[sample].add(list(texts_of(delta)))

    @property
    def tokens(self) -> int:
        """Generated tokens so far: the provider's count, or the estimate where that is more or all there is."""
        estimate = self._estimate()
        return estimate if self.generated is None else self.generated + max(0, estimate - self._before[0])

    @property
    def least_tokens(self) -> int:
        """Fewest tokens that can have been generated so far: one for each delta, or the provider's count."""
        deltas = self._deltas()
        return deltas if self.generated is None else self.generated + max(0, deltas - self._before[1])

    @property
    def thinking_tokens(self) -> int:
        """Most thinking tokens of one sample so far."""
        estimate = self._thinking_estimate()
        if self.reasoning is not None and len(self.samples) <= 1:
            return self.reasoning + max(0, estimate - self._thinking_before)
        return estimate

    def _estimate(self) -> int:
        return sum(tokens_of(sample.characters, sample.deltas) for sample in self.samples.values())

    def _deltas(self) -> int:
        return sum(sample.deltas for sample in self.samples.values())

    def _thinking_estimate(self) -> int:
        return max((tokens_of(s.thinking, s.thinking_deltas) for s in self.samples.values()), default=0)

    def usage(self, usage: Any) -> None:
        """Take the provider's counts, in the words of either dialect.

        What is no count is left out, and so is 0, with which some servers begin, and less than before.
        """
        if not isinstance(usage, dict):
            return
        for name in ("completion_tokens", "output_tokens"):
            generated = _count(usage.get(name), None)
            if generated and generated >= (self.generated or 0):
                self.generated, self._before = generated, (self._estimate(), self._deltas())
        prompts = [_count(usage.get(name), None) for name in _PROMPT_FIELDS]
        if any(number is not None for number in prompts):
            self.prompt = sum(number or 0 for number in prompts)
        for name in ("completion_tokens_details", "output_tokens_details"):
            details = usage.get(name)
            reasoning = _count(details.get("reasoning_tokens"), None) if isinstance(details, dict) else None
            if reasoning and reasoning >= (self.reasoning or 0):
                self.reasoning, self._thinking_before = reasoning, self._thinking_estimate()


_PROMPT_FIELDS = ("prompt_tokens", "input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")


def _count(value: object, before: int | None) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53 else before


def tokens_of(characters: int, deltas: int) -> int:
    """Return the tokens of a text that came in deltas: one each at least, one for four characters else.

    Example:
        >>> tokens_of(3, 1), tokens_of(400, 2), tokens_of(0, 0)
        (1, 100, 0)
    """
    return max(deltas, math.ceil(characters / CHARACTERS_PER_TOKEN))


def texts_of(delta: Any, *, thinking: bool = False) -> Iterator[tuple[str, bool]]:
    """Yield every text in a delta with whether it is reasoning; the same reasoning under two names once."""
    if isinstance(delta, str):
        yield delta, thinking
    elif isinstance(delta, list):
        for part in delta:
            yield from texts_of(part, thinking=thinking)
    elif isinstance(delta, dict):
        seen_before: set[str] = set()
        for name, value in delta.items():
            if name in _NO_TOKENS:
                continue
            if name in _THINKING and isinstance(value, str):
                if value in seen_before:
                    continue
                seen_before.add(value)
            yield from texts_of(value, thinking=thinking or name in _THINKING)
