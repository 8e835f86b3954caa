"""Wall-clock seconds of the samples of a log, as far as recorded, without judges.

A log records the working time of a sample: its duration without Inspect's own waits. If a model graded it, the full
sample is read for the start of scoring; scoring without a model is included.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from inspect_ai.event import Event, ModelEvent, ScoreEvent, SpanBeginEvent, SpanEndEvent, ToolEvent
from inspect_ai.log import EvalSample, EvalSpec

from overthink.collect.inspect_logs.files import OpenLog
from overthink.collect.inspect_logs.traces import LogTrace
from overthink.errors import InputError

TAKES_NO_TIME = "overthink/simulated"
"""The model whose time is that of Overthink's own code (:func:`overthink.collect.ladder.clock.clock_of`)."""


def add_seconds(logs: Sequence[OpenLog], traces: Sequence[LogTrace]) -> list[LogTrace]:
    """Return the traces with their wall-clock seconds; None if not recorded.

    Args:
        logs: The logs.
        traces: Their traces.
    """
    judged_traces: dict[int, list[LogTrace]] = defaultdict(list)
    for trace in traces:
        if trace.tokens.judge_tokens:
            judged_traces[trace.log].append(trace)
    scoring: dict[tuple[int, str | int, int], float | None] = {}
    for number, members in judged_traces.items():
        try:
            for sample in logs[number].samples([trace.summary for trace in members]):
                scoring[number, sample.id, sample.epoch] = scoring_seconds(sample)
        except InputError:  # the summary is enough for everything but the time
            continue
    return [replace(trace, seconds=_seconds(logs[trace.log], trace, scoring)) for trace in traces]


def scoring_seconds(sample: EvalSample) -> float | None:
    """Return the seconds of scoring at the end of a sample; None if its events do not record it."""
    span = _scoring_span(sample.events)
    if span is None:
        return None
    for event in sample.events:
        if isinstance(event, SpanEndEvent) and event.id == span.id:
            return max(0.0, event.working_start - span.working_start)
    return None


class WorkClock:
    """Cumulative working seconds of a sample, without its intermediate scores.

    A score is assumed to begin at the end of the call or the tool before it.

    Args:
        spec: Spec of the evaluation.

    Attributes:
        seconds: Seconds up to the end of the last call or tool; None if not recorded.
    """

    def __init__(self, spec: EvalSpec) -> None:
        self.seconds: float | None = None if spec.model == TAKES_NO_TIME else 0.0
        self._spec = spec
        self._last_end = 0.0
        self._scoring = 0.0

    def see(self, event: Event) -> None:
        """Add the next event."""
        own = isinstance(event, ModelEvent) and event.role is None and event.model == self._spec.model
        if isinstance(event, ScoreEvent) and event.intermediate:
            self._scoring += max(0.0, event.working_start - self._last_end)
            self._last_end = max(self._last_end, event.working_start)
        elif isinstance(event, ToolEvent | ModelEvent) and (own or isinstance(event, ToolEvent)):
            if event.working_time is None or self.seconds is None:
                self.seconds = None
            else:
                self._last_end = max(self._last_end, event.working_start + event.working_time)
                self.seconds = self._last_end - self._scoring

    def when_solved(self, events: Sequence[Event]) -> float | None:
        """Return the seconds at the end of the solver; at the last call or tool if its end is not recorded."""
        span = _scoring_span(events)
        if self.seconds is None or span is None:
            return self.seconds
        return max(self.seconds, span.working_start - self._scoring)


def _scoring_span(events: Sequence[Event]) -> SpanBeginEvent | None:
    return next((event for event in events if isinstance(event, SpanBeginEvent) and event.type == "scorers"), None)


def _seconds(log: OpenLog, trace: LogTrace, scoring: dict[tuple[int, str | int, int], float | None]) -> float | None:
    summary = trace.summary
    elapsed = summary.total_time if summary.working_time is None else summary.working_time
    is_cached = bool(trace.ending.cached_usage)  # a cache answers at once
    if elapsed is None or is_cached or log.header.eval.model == TAKES_NO_TIME:
        return None
    scoring_time = scoring.get((trace.log, summary.id, summary.epoch)) if trace.tokens.judge_tokens else 0.0
    return None if scoring_time is None else max(0.0, elapsed - scoring_time)
