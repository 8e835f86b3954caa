"""A finished trace on a ladder that gains rungs: which rows stand, and where the trace has to be forked again.

The rows come out as if the rungs had been there from the start: what was decoded for a rung is counted at the lowest
rung that needed it, so the sum over a trace stays what was decoded.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from overthink.core.record import RungRecord

Row = tuple[str, str, str, int]
"""Task, arm, question, draw: what names one trace."""


@dataclass(frozen=True, eq=False)
class SparseTrace:
    """A finished trace that lacks rungs of the present ladder.

    Attributes:
        rows: Its rows, lowest rung first.
        thought: Token ids of its thinking up to its top rung.
    """

    rows: tuple[RungRecord, ...]
    thought: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Fork:
    """A rung at which an answer has to be read.

    Attributes:
        rung: Its position on the present ladder.
        budget: Its thinking budget: the trace is cut after so many tokens.
        newly: Thinking tokens since the rung below.
    """

    rung: int
    budget: int
    newly: int


def place(trace: SparseTrace, budgets: Sequence[int]) -> list[RungRecord | Fork]:
    """One entry per rung of the present ladder: the row that stands there, or the fork that is missing.

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
    placed: list[RungRecord | Fork] = []
    ended: RungRecord | None = None
    reached, ahead = 0, 0  # thinking tokens so far; those of them that were decoded for a higher rung
    for rung, budget in enumerate(budgets):
        if ended is not None:
            placed.append(_carried(own.get(budget, ended), rung, budget))
            continue
        above = own[min(b for b in own if b >= budget)]
        if above.natural_end and (budget in own or len(trace.thought) < budget):
            ended = _moved(above, rung, budget, ahead)
            placed.append(ended)
        elif budget in own:
            placed.append(_moved(above, rung, budget, ahead))
            reached, ahead = above.thinking_tokens or 0, 0
        elif len(trace.thought) < budget:
            raise ValueError(f"{len(trace.thought)} tokens of thinking are stored; needed: {budget}")
        else:
            placed.append(Fork(rung, budget, budget - reached))
            ahead += budget - reached
            reached = budget
    return placed


def _moved(row: RungRecord, rung: int, budget: int, ahead: int) -> RungRecord:
    """The row at a rung that may be new to it, less what rungs below it are charged with now."""
    return replace(
        row,
        rung=rung,
        requested_tokens=budget,
        thinking_tokens=None if row.thinking_tokens is None else min(row.thinking_tokens, budget),
        generated_tokens=None if row.generated_tokens is None else row.generated_tokens - ahead,
    )


def _carried(row: RungRecord, rung: int, budget: int) -> RungRecord:
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
