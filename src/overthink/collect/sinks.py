"""Interface of the collector to a study: existing traces, and callbacks for new ones."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from overthink.data.decisions import TraceDecisions
from overthink.data.missing_rungs import SparseTrace, TraceKey
from overthink.data.record import RungRecord
from overthink.data.tokens import CutShort


@dataclass(frozen=True, eq=False)
class TraceSink:
    """Existing traces of a study, and callbacks for new ones.

    Attributes:
        done: Traces that are not collected again.
        sparse: Finished traces with missing rungs: only those rungs are collected.
        on_thinking: Receives key and thinking token ids of a trace, before `on_trace`; not called without token ids.
        on_trace: Receives the rows of every finished trace.
        draws: Number of draws by task and question; None for that of the plan.
        on_usage: Receives what a trace in flight has taken, before and behind each of its requests. It must not raise.
        on_cut_short: Receives the usage of a trace interrupted by the end of the run, possibly one stored just before.
            It must not raise: the run ends with an error of its own.
        decisions: Decisions of finished traces of arms that decide; traces of a placebo take theirs from here.
        on_decisions: Receives those of a new trace, before `on_trace`.
    """

    done: Collection[TraceKey]
    sparse: Mapping[TraceKey, SparseTrace]
    on_thinking: Callable[[TraceKey, Sequence[int]], None]
    on_trace: Callable[[Sequence[RungRecord]], None]
    draws: Mapping[tuple[str, str], int] | None = None
    on_usage: Callable[[CutShort], None] = lambda _: None
    on_cut_short: Callable[[CutShort], None] = lambda _: None
    decisions: dict[TraceKey, TraceDecisions] = field(default_factory=dict)
    on_decisions: Callable[[TraceDecisions], None] = lambda _: None

    def store_decisions(self, trace: TraceDecisions) -> None:
        """Store the decisions of a finished trace, for placebos to take theirs from."""
        self.on_decisions(trace)
        self.decisions[trace.key] = trace
