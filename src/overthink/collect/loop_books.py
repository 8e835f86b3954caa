"""What one loop of turns pays: every request, and the tools' own requests, whatever becomes of them."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from inspect_ai.model import ModelUsage
from inspect_ai.model._model import sample_model_usage

from overthink.collect.judging import tokens_used
from overthink.collect.replay import evaluated_model
from overthink.collect.stopwatch import Clock, Stopwatch
from overthink.core.added_rungs import Row
from overthink.core.cut_short import CutShort, Paid
from overthink.core.usage import counts_thinking_apart, split_output


@dataclass(frozen=True, slots=True)
class Entry:
    """What a request, or a round of tool calls, took of the model under test. None is unknown.

    Attributes:
        output: Output tokens, with or without the thinking, by provider.
        thinking: Reasoning tokens.
        prompt: Prompt tokens, cached ones included.
        cached: Prompt tokens from a cache.
        seconds: Wall-clock seconds.
    """

    output: int | None
    thinking: int | None
    prompt: int | None
    cached: int | None
    seconds: float | None


class LoopBooks:
    """What one loop has paid so far.

    Args:
        clock: Takes its time; None where nobody does.

    Attributes:
        entries: One for each request, and one for each round of tool calls, in their order.
        judge_tokens: What its judges took.
    """

    def __init__(self, clock: Clock | None) -> None:
        self.entries: list[Entry] = []
        self.judge_tokens = 0
        self._watch = Stopwatch(clock)
        self._unanswered = 0

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Pay for the request that is made inside. One that fails has taken nobody knows what."""
        self._unanswered += 1
        with self.working():
            yield
        self._unanswered -= 1

    @contextmanager
    def working(self) -> Iterator[None]:
        """Pay for what is asked of the model inside, also if it fails."""
        before, since = _used(), self._watch.seconds
        try:
            with self._watch.running():
                yield
        finally:
            self.entries.append(_taken(before, _used(), self._watch.since(since)))

    @contextmanager
    def judging(self) -> Iterator[None]:
        """Pay for what judges ask inside, also if they fail."""
        before = tokens_used()
        try:
            yield
        finally:
            self.judge_tokens += tokens_used() - before

    def leave_open(self) -> None:
        """The last request was not counted by its provider."""
        self.entries[-1] = replace(self.entries[-1], output=None, thinking=None, prompt=None, cached=None)

    def seconds(self, below: int, upto: int) -> float | None:
        """What some of the entries took by the clock; None where nobody takes the time."""
        if self._watch.seconds is None:
            return None
        return sum((entry.seconds or 0.0 for entry in self.entries[below:upto]), start=0.0)

    def cut_short(self, trace: Row) -> CutShort:
        """All that was paid, for a trace that will have no rows."""
        paid = Paid(
            prompt_tokens=total(entry.prompt for entry in self.entries),
            cached_tokens=total(entry.cached for entry in self.entries),
            decoded_tokens=total(generated(self.entries)),
            judge_tokens=self.judge_tokens,
        )
        return CutShort(*trace, paid, self._unanswered)


def generated(entries: Sequence[Entry]) -> list[int | None]:
    """Tokens that the model generated in each entry, thinking included.

    Whether a provider counts thinking beside its output is told by all the entries together.

    Example:
        >>> beside, within = (Entry(output, 40, 100, 0, 1.0) for output in (5, 50))
        >>> generated([beside]), generated([within])
        ([45], [50])
    """
    apart = counts_thinking_apart((one.thinking, one.output) for one in entries if one.output or one.thinking)
    return [split_output(one.thinking, one.output, apart=apart)[0] for one in entries]


def total(counts: Iterable[int | None]) -> int | None:
    """Sum of counts; None where one is unknown."""
    known = list(counts)
    return None if None in known else sum(count for count in known if count is not None)


def _used() -> ModelUsage:
    """What this sample has used of the model under test so far."""
    return sample_model_usage().get(str(evaluated_model()), ModelUsage())


def _taken(before: ModelUsage, after: ModelUsage, seconds: float | None) -> Entry:
    def more(name: str) -> int | None:
        now = getattr(after, name)
        return None if now is None else now - (getattr(before, name) or 0)

    cached = more("input_tokens_cache_read")
    prompt = (more("input_tokens") or 0) + (cached or 0) + (more("input_tokens_cache_write") or 0)
    return Entry(more("output_tokens"), more("reasoning_tokens"), prompt, cached, seconds)
