"""Answers from a cache that count already: a copy is no draw."""

from collections import defaultdict
from collections.abc import Hashable, Sequence

from overthink.collect.inspect_logs.traces import LogTrace


def copied_answers(traces: Sequence[LogTrace], cells: Sequence[Hashable]) -> set[int]:
    """Return the positions of the traces whose answer came from a cache and is that of another trace of the cell.

    A cache keeps the id of the message that it stores, so that two answers of one id were generated once. The answer
    that was generated counts, or else the first that was read from the cache.

    Args:
        traces: The traces.
        cells: Curve and rung of every trace.
    """
    groups: dict[Hashable, list[int]] = defaultdict(list)
    for i, (trace, cell) in enumerate(zip(traces, cells, strict=True)):
        if trace.ending.answer_id is not None:
            groups[cell, trace.question, trace.ending.answer_id].append(i)
    copies: set[int] = set()
    for members in groups.values():
        cached = [i for i in members if traces[i].ending.is_cached]
        copies.update(cached if len(cached) < len(members) else cached[1:])
    return copies


def copies_note(n_copies: int) -> list[str]:
    """Return a note on the number of copies; none without one."""
    if not n_copies:
        return []
    return [f"{n_copies} samples have an answer from a cache that counts already: copies are no draws, and left out."]
