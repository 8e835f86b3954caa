"""Rows of one agent loop: scores at its checkpoints, and usage with each token counted once."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from overthink.collect.agent_loop.accounting import LoopAccounting
from overthink.collect.scoring.judging import Judgement
from overthink.data.record import RungRecord, Verdict, verdict_of
from overthink.data.tokens import NO_USAGE
from overthink.plan.checkpoints import Checkpoints

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
