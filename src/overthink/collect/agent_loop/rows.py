"""Rows of one agent loop: scores at its checkpoints, and usage with each token counted once.

Token and time accounting of one agent loop: its requests and those of its tools, failed ones included.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from inspect_ai.model import ModelUsage

from overthink.collect.inspect_internals import sample_model_usage
from overthink.collect.ladder.accounting import Accounting
from overthink.collect.ladder.clock import Clock
from overthink.collect.scoring.judging import Judgement
from overthink.collect.scoring.replay import evaluated_model
from overthink.data.record import RungRecord, Verdict, verdict_of
from overthink.data.tokens import NO_USAGE, TokenUsage, split_response, usage_excludes_reasoning
from overthink.plan.schedule import Checkpoints


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


LATE = "that its provider counts thinking beside its output showed late: the state had passed {label}"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A scored state, or the reason for its absence.

    Attributes:
        n_entries: Number of usage entries of its turns.
        n_settled: Number of usage entries when it was settled; ``n_entries`` + 1 if a turn exceeded the checkpoint.
        is_end: The loop ended here.
        is_cut: The model's output reached a limit here.
        judgement: Result of the scorer.
    """

    n_entries: int
    n_settled: int
    is_end: bool
    is_cut: bool
    judgement: Judgement


def loop_rows(
    blank: RungRecord,
    checkpoints: Checkpoints,
    accounting: LoopAccounting,
    *,
    results: Sequence[Checkpoint],
    error: str | None,
) -> list[RungRecord]:
    """Return one row per checkpoint.

    Each row has the usage since the checkpoint below was settled: an attempt with this checkpoint alone would have
    used the sum over the rows up to it. A turn that exceeded a checkpoint is not part of its state, so it is charged
    there as cancelled; at the checkpoint above, whose state includes it, it is not.

    Args:
        blank: Row with the columns shared by all rows of the trace.
        checkpoints: The plan's checkpoints.
        accounting: Usage of the loop.
        results: Results of the checkpoints reached.
        error: Error that ended the loop before the others; None without one.
    """
    rows: list[RungRecord] = []
    for rung, (limit, label) in enumerate(zip(checkpoints.at, checkpoints.labels, strict=True)):
        budget = limit if checkpoints.unit == "tokens" else None
        row = replace(blank, rung=rung, requested_tokens=budget, effort=label)
        if rung < len(results):
            below = results[rung - 1].n_settled if rung else 0
            rows.append(_scored_row(row, results[rung], accounting, below))
        else:
            rows.append(
                _error_row(row, error or "the trace has no score here", accounting, results, first=rung == len(results))
            )
    return rows


def _scored_row(row: RungRecord, checkpoint: Checkpoint, accounting: LoopAccounting, below: int) -> RungRecord:
    judgement, usage = checkpoint.judgement, sum(accounting.usage()[: checkpoint.n_entries], NO_USAGE)
    if row.requested_tokens is not None and (usage.decoded_tokens or 0) > row.requested_tokens:
        judgement = Judgement(None, Verdict.UNPARSED, None, judgement.judge_tokens, LATE.format(label=row.effort))
    verdict = judgement.verdict
    if not checkpoint.is_end and judgement.value is not None:  # an unfinished loop has not failed to answer
        verdict = verdict_of(judgement.value, row.axis)
    end, judge_tokens = checkpoint.n_settled, judgement.judge_tokens
    return replace(
        _with_usage(row, accounting, judge_tokens, start=below, n_entries=checkpoint.n_entries, end=end),
        verdict=verdict,
        value=judgement.value,
        answer=judgement.answer,
        thinking_tokens=usage.thinking_tokens if checkpoint.n_entries else None,  # unknown without a turn
        natural_end=checkpoint.is_end and not checkpoint.is_cut,
        truncated=checkpoint.is_cut,
    )


def _error_row(
    row: RungRecord, error: str, accounting: LoopAccounting, results: Sequence[Checkpoint], *, first: bool
) -> RungRecord:
    """Return the row of a checkpoint not reached. The first such row has the remaining usage, charged as cancelled."""
    end = len(accounting.entries)
    below, n_entries = (results[-1].n_settled, results[-1].n_entries) if results else (0, 0)
    reported_tokens = sum(checkpoint.judgement.judge_tokens for checkpoint in results)
    judge_tokens, start = (accounting.judge_tokens - reported_tokens, below) if first else (0, end)
    row = _with_usage(row, accounting, judge_tokens, start=start, n_entries=n_entries, end=end)
    return replace(row, verdict=Verdict.ERRORED, error=error)


def _with_usage(
    row: RungRecord, accounting: LoopAccounting, judge_tokens: int, *, start: int, n_entries: int, end: int
) -> RungRecord:
    """Return a row with the usage between two checkpoints; cancelled tokens and attempt time are cumulative."""
    entries = accounting.usage()
    usage = replace(
        sum(entries[start:end], NO_USAGE),
        thinking_tokens=None,
        answer_tokens=None,
        judge_tokens=judge_tokens,
        cancelled_tokens=sum(entries[n_entries:end], NO_USAGE).decoded_tokens,
    )
    seconds, attempt_seconds = accounting.seconds(start, end), accounting.seconds(0, end)
    return replace(row, **usage.columns(), seconds=seconds, attempt_seconds=attempt_seconds)
