"""Token and time accounting of one agent loop: its requests and those of its tools, failed ones included."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from inspect_ai.model import ModelUsage

from overthink.collect.inspect_internals import sample_model_usage
from overthink.collect.ladder.accounting import Accounting
from overthink.collect.ladder.clock import Clock
from overthink.collect.scoring.replay import evaluated_model
from overthink.data.tokens import NO_USAGE, TokenUsage, split_response, usage_excludes_reasoning


@dataclass(frozen=True, slots=True)
class Entry:
    """Usage of the model under test by a request or a round of tool calls.

    Attributes:
        usage: Token usage as reported by the provider, whose output is with or without the thinking.
        seconds: Wall-clock seconds; None without a clock.
    """

    usage: TokenUsage
    seconds: float | None


class LoopAccounting(Accounting):
    """Accounting of one agent loop.

    Args:
        clock: Monotonic clock; None without timing.

    Attributes:
        entries: One for each request and each round of tool calls, in order.
    """

    def __init__(self, clock: Clock | None) -> None:
        super().__init__(clock)
        self.entries: list[Entry] = []
        self._unanswered = 0

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Record the usage of the request made inside the block; that of a failed request is unknown."""
        self._unanswered += 1
        self.report()
        with self.working():
            yield
        self._unanswered -= 1
        self.report()

    @contextmanager
    def working(self) -> Iterator[None]:
        """Record the model usage inside the block, also if it fails."""
        before, start = _model_usage(), self.watch.seconds
        try:
            with self.watch.running():
                yield
        finally:
            self.entries.append(_usage_entry(before, _model_usage(), self.watch.since(start)))
            self.report()

    def mark_uncounted(self) -> None:
        """Mark the counts of the last request as unknown: its provider reported none."""
        unknown = TokenUsage(prompt_tokens=None, cached_tokens=None, thinking_tokens=None, decoded_tokens=None)
        self.entries[-1] = replace(self.entries[-1], usage=unknown)

    def seconds(self, start: int, end: int) -> float | None:
        """Return the wall-clock seconds of a range of entries; None without a clock."""
        if self.watch.seconds is None:
            return None
        return sum((entry.seconds or 0.0 for entry in self.entries[start:end]), start=0.0)

    def total(self) -> tuple[TokenUsage, int]:
        """Return the usage of all entries, and the number of requests without an answer (yet)."""
        return sum(self.usage(), NO_USAGE), self._unanswered

    def usage(self) -> list[TokenUsage]:
        """Return the token usage of each entry, decoded tokens with the thinking.

        Whether a provider counts thinking separately from its output is inferred from all entries together.
        """
        responses = [entry.usage for entry in self.entries]
        excludes_reasoning = usage_excludes_reasoning(
            usage for usage in responses if usage.decoded_tokens or usage.thinking_tokens
        )
        return [split_response(usage, excludes_reasoning=excludes_reasoning) for usage in responses]


def _model_usage() -> ModelUsage:
    """Return the usage of the model under test by the current sample so far."""
    return sample_model_usage().get(str(evaluated_model()), ModelUsage())


def _usage_entry(before: ModelUsage, after: ModelUsage, seconds: float | None) -> Entry:
    def difference(name: str) -> int | None:
        now = getattr(after, name)
        return None if now is None else now - (getattr(before, name) or 0)

    cache_read = difference("input_tokens_cache_read")
    prompt = (difference("input_tokens") or 0) + (cache_read or 0) + (difference("input_tokens_cache_write") or 0)
    usage = TokenUsage(
        prompt, cache_read, thinking_tokens=difference("reasoning_tokens"), decoded_tokens=difference("output_tokens")
    )
    return Entry(usage, seconds)
