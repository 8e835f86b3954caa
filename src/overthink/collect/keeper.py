"""What the collector is told of a study, and whom it tells what is new."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from overthink.core.added_rungs import Row, SparseTrace
from overthink.core.cut_short import CutShort
from overthink.core.record import RungRecord


@dataclass(frozen=True, eq=False)
class Keeper:
    """What a study has already, and who keeps what is new.

    Attributes:
        done: Traces that need not be collected again.
        sparse: Finished traces that lack rungs of the plan: only those rungs are collected.
        on_thought: Told the token ids of a trace's thinking, where the provider speaks them, before `on_trace`.
        on_trace: Told of every finished trace, with its rows.
        draws: By task and question: how many draws it is to have; None for as many as the plan says.
        on_cut_short: Told what was paid for a trace that the run's end cut short. It may be one that was kept just
            before, and raises nothing: the run ends with an error of its own.
    """

    done: Collection[Row]
    sparse: Mapping[Row, SparseTrace]
    on_thought: Callable[[Row, Sequence[int]], None]
    on_trace: Callable[[Sequence[RungRecord]], None]
    draws: Mapping[tuple[str, str], int] | None = None
    on_cut_short: Callable[[CutShort], None] = lambda _: None
