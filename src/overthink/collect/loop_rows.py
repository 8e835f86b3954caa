"""The rows of one loop of turns: what was scored at its checkpoints, and what was paid for it, each token once."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from overthink.collect.judging import Judgement
from overthink.collect.loop_books import LoopBooks, generated, total
from overthink.core.on_the_way import NOTHING
from overthink.core.record import RungRecord, Verdict
from overthink.core.verdict import verdict_of
from overthink.loop_plan import Checkpoints

LATE = "that its provider counts thinking beside its output showed late: the state had passed {label}"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A state that was scored, or why there was none.

    Attributes:
        kept: Entries in the books that its turns made.
        paid: Entries in the books when it was settled; one more than kept where a turn had to pass it to show that.
        ended: The loop ended here.
        cut: The model's output hit a limit here.
        judged: What the scorer said.
    """

    kept: int
    paid: int
    ended: bool
    cut: bool
    judged: Judgement


def loop_rows(
    blank: RungRecord, checkpoints: Checkpoints, books: LoopBooks, *, scored: Sequence[Checkpoint], error: str | None
) -> list[RungRecord]:
    """One row per checkpoint.

    Each pays for all that was asked since the one below was settled: an attempt with this checkpoint alone would have
    taken what the rows up to it paid together. A turn that passed a checkpoint is no part of its state, so it is
    charged there as cancelled. Above, where it is part of the state, it is not.

    Args:
        blank: What all rows of the trace share.
        checkpoints: Where the loop was scored.
        books: What it paid.
        scored: What was found at the checkpoints that it reached.
        error: What ended it before the others; None where nothing did.
    """
    made: list[RungRecord] = []
    for rung, (most, label) in enumerate(zip(checkpoints.at, checkpoints.labels, strict=True)):
        asked = most if checkpoints.unit == "tokens" else None
        row = replace(blank, rung=rung, requested_tokens=asked, effort=label)
        if rung < len(scored):
            below = scored[rung - 1].paid if rung else 0
            made.append(_scored(row, scored[rung], books, below))
        else:
            made.append(_errored(row, error or "the trace has no score here", books, scored, first=rung == len(scored)))
    return made


def _scored(row: RungRecord, here: Checkpoint, books: LoopBooks, below: int) -> RungRecord:
    judged, taken = here.judged, total(generated(books.entries)[: here.kept])
    if row.requested_tokens is not None and (taken or 0) > row.requested_tokens:
        judged = Judgement(None, Verdict.UNPARSED, None, judged.judge_tokens, LATE.format(label=row.effort))
    verdict = judged.verdict
    if not here.ended and judged.value is not None:  # on its way it has not failed to answer
        verdict = verdict_of(judged.value, row.axis)
    thought = [entry.thinking for entry in books.entries[: here.kept]]
    return replace(
        row,
        verdict=verdict,
        value=judged.value,
        answer=judged.answer,
        judge_tokens=judged.judge_tokens,
        thinking_tokens=total(thought) if thought else None,  # no turn, no thinking of it
        natural_end=here.ended and not here.cut,
        truncated=here.cut,
        **_paid(books, below=below, kept=here.kept, upto=here.paid),
    )


def _errored(row: RungRecord, error: str, books: LoopBooks, scored: Sequence[Checkpoint], *, first: bool) -> RungRecord:
    """A row of what was not reached. The first one tells what was paid since, and what became of nothing."""
    end = len(books.entries)
    below, kept = (scored[-1].paid, scored[-1].kept) if scored else (0, 0)
    told = sum(checkpoint.judged.judge_tokens for checkpoint in scored)
    return replace(
        row,
        verdict=Verdict.ERRORED,
        error=error,
        judge_tokens=books.judge_tokens - told if first else 0,
        **_paid(books, below=below if first else end, kept=kept, upto=end),
    )


def _paid(books: LoopBooks, *, below: int, kept: int, upto: int) -> dict[str, Any]:
    """What was paid between two checkpoints; what was cancelled, and the time of an attempt, are of the whole way."""
    new, counts = books.entries[below:upto], generated(books.entries)
    return {
        "generated_tokens": total(counts[below:upto]),
        "prompt_tokens": total(entry.prompt for entry in new),
        "cached_tokens": total(entry.cached for entry in new),
        "verifier_tokens": 0,
        "seconds": books.seconds(below, upto),
        "attempt_seconds": books.seconds(0, upto),
        **asdict(NOTHING) | {"cancelled_tokens": total(counts[kept:upto])},
    }
