"""Completion of a finished trace on a ladder with new rungs: rows that stay valid, and forks that are missing.

The rows come out as if the rungs had been there from the start: decoded tokens are counted at the lowest rung that
needed them, so the sum over a trace stays the number of decoded tokens.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from overthink.data.record import RungRecord
from overthink.data.tokens import difference

TraceKey = tuple[str, str, str, int]
"""Key of a trace: task, arm, question, draw."""


@dataclass(frozen=True, eq=False)
class SparseTrace:
    """A finished trace that lacks rungs of the present ladder.

    Attributes:
        rows: Its rows, lowest rung first.
        thinking_ids: Token ids of its thinking up to its top rung.
    """

    rows: tuple[RungRecord, ...]
    thinking_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Fork:
    """A rung at which an answer has to be read.

    Attributes:
        rung: Position on the present ladder.
        budget: Its thinking budget, at which the trace is cut, in tokens.
        newly: Thinking tokens since the rung below.
    """

    rung: int
    budget: int
    newly: int


def place_rungs(trace: SparseTrace, budgets: Sequence[int]) -> list[RungRecord | Fork]:
    """Return one entry per rung of the present ladder: its row, or the fork that is missing.

    A trace that had ended before an added rung's budget is carried to it, and needs no fork.

    Args:
        trace: The trace.
        budgets: The present ladder; it holds all budgets of the trace, and the same highest one.

    Raises:
        ValueError: The ladder goes beyond the trace, or the trace is shorter than its rows say.
    """
    own = {row.requested_tokens or 0: row for row in trace.rows}
    if not set(own) <= set(budgets) or max(own) < max(budgets):
        raise ValueError(f"a trace at {sorted(own)} thinking tokens cannot be placed on the ladder {list(budgets)}")
    entries: list[RungRecord | Fork] = []
    last_row: RungRecord | None = None
    n_thinking, n_ahead = 0, 0  # thinking tokens so far; those of them that were decoded for a higher rung
    for rung, budget in enumerate(budgets):
        if last_row is not None:
            entries.append(_carry_forward(own.get(budget, last_row), rung, budget))
            continue
        above = own[min(b for b in own if b >= budget)]
        if above.natural_end and (budget in own or len(trace.thinking_ids) < budget):
            last_row = _move_row(above, rung, budget, n_ahead)
            entries.append(last_row)
        elif budget in own:
            entries.append(_move_row(above, rung, budget, n_ahead))
            n_thinking, n_ahead = above.thinking_tokens or 0, 0
        elif len(trace.thinking_ids) < budget:
            raise ValueError(f"{len(trace.thinking_ids)} tokens of thinking are stored; needed: {budget}")
        else:
            entries.append(Fork(rung, budget, budget - n_thinking))
            n_ahead += budget - n_thinking
            n_thinking = budget
    return entries


def _move_row(row: RungRecord, rung: int, budget: int, ahead: int) -> RungRecord:
    """The row at a rung that may be new to it, without the tokens that lower rungs are charged for now."""
    return replace(
        row,
        rung=rung,
        requested_tokens=budget,
        thinking_tokens=None if row.thinking_tokens is None else min(row.thinking_tokens, budget),
        generated_tokens=difference(row.generated_tokens, ahead),
    )


def _carry_forward(row: RungRecord, rung: int, budget: int) -> RungRecord:
    return replace(
        row,
        rung=rung,
        requested_tokens=budget,
        generated_tokens=0,
        prompt_tokens=0,
        cached_tokens=0,
        judge_tokens=0,
        seconds=None if row.seconds is None else 0.0,
    )
