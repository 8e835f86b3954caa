"""How long the samples of a log took by the clock on the wall, as far as the log tells, with judges left out.

A log tells the working time of a sample: all of it but waits that Inspect itself made. Where a model graded it, the
whole sample is read, which tells when scoring began; scoring that asked no model is left in.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from inspect_ai.event import Event, ModelEvent, ScoreEvent, SpanBeginEvent, SpanEndEvent, ToolEvent
from inspect_ai.log import EvalSample, EvalSpec

from overthink.collect.log_files import OpenLog
from overthink.collect.log_traces import Trace
from overthink.errors import InputError

TAKES_NO_TIME = "overthink/simulated"
"""The model whose time is that of our own code (:func:`overthink.collect.stopwatch.clock_of`)."""


def timed(logs: Sequence[OpenLog], traces: Sequence[Trace]) -> list[Trace]:
    """The traces with the seconds that each took; None where the log does not tell.

    Args:
        logs: The logs.
        traces: Their traces.
    """
    judged: dict[int, list[Trace]] = defaultdict(list)
    for trace in traces:
        if trace.tokens.judge:
            judged[trace.log].append(trace)
    scoring: dict[tuple[int, str | int, int], float | None] = {}
    for number, members in judged.items():
        try:
            for sample in logs[number].samples([trace.summary for trace in members]):
                scoring[number, sample.id, sample.epoch] = scoring_seconds(sample)
        except InputError:  # what its summary tells is enough for everything but the time
            continue
    return [replace(trace, seconds=_seconds(logs[trace.log], trace, scoring)) for trace in traces]


def scoring_seconds(sample: EvalSample) -> float | None:
    """Seconds that the scorers of a sample took at its end; None where its events do not tell."""
    begun = _scorers(sample.events)
    if begun is None:
        return None
    for event in sample.events:
        if isinstance(event, SpanEndEvent) and event.id == begun.id:
            return max(0.0, event.working_start - begun.working_start)
    return None


class WorkClock:
    """Working seconds of a sample on its way, those of the scores that it was given there left out.

    A score is taken to begin where the call or the tool before it ended.

    Args:
        spec: What was evaluated.

    Attributes:
        worked: Seconds up to the end of the last call or tool; None where the log does not tell.
    """

    def __init__(self, spec: EvalSpec) -> None:
        self.worked: float | None = None if spec.model == TAKES_NO_TIME else 0.0
        self._spec = spec
        self._seen = 0.0
        self._scoring = 0.0

    def see(self, event: Event) -> None:
        """Take the next event."""
        own = isinstance(event, ModelEvent) and event.role is None and event.model == self._spec.model
        if isinstance(event, ScoreEvent) and event.intermediate:
            self._scoring += max(0.0, event.working_start - self._seen)
            self._seen = max(self._seen, event.working_start)
        elif isinstance(event, ToolEvent | ModelEvent) and (own or isinstance(event, ToolEvent)):
            if event.working_time is None or self.worked is None:
                self.worked = None
            else:
                self._seen = max(self._seen, event.working_start + event.working_time)
                self.worked = self._seen - self._scoring

    def when_solved(self, events: Sequence[Event]) -> float | None:
        """Seconds when the solver had ended; up to the last call or tool where the events do not tell that."""
        begun = _scorers(events)
        if self.worked is None or begun is None:
            return self.worked
        return max(self.worked, begun.working_start - self._scoring)


def _scorers(events: Sequence[Event]) -> SpanBeginEvent | None:
    return next((event for event in events if isinstance(event, SpanBeginEvent) and event.type == "scorers"), None)


def _seconds(log: OpenLog, trace: Trace, scoring: dict[tuple[int, str | int, int], float | None]) -> float | None:
    summary = trace.summary
    took = summary.total_time if summary.working_time is None else summary.working_time
    if took is None or log.header.eval.model == TAKES_NO_TIME:
        return None
    scored = scoring.get((trace.log, summary.id, summary.epoch)) if trace.tokens.judge else 0.0
    return None if scored is None else max(0.0, took - scored)
