"""Token usage of one trace: every request is recorded, and discarded tokens are counted by category.

Token and time accounting of one trace: total usage, and the part that its rows already report.

All usage is reported once. If a trace fails, its first errored row reports what no row below it does. An interrupted
trace has no rows; its total usage is stored instead (:mod:`overthink.storage.journal`).

Concurrent requests of one trace, up to the plan's limit; the first failure is raised unwrapped.
"""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from anyio import CapacityLimiter, create_task_group

from overthink.collect.ladder.clock import Clock, Stopwatch
from overthink.collect.providers.continuation import Segment
from overthink.collect.scoring.judging import tokens_used
from overthink.data.missing_rungs import TraceKey
from overthink.data.record import Category
from overthink.data.tokens import NO_USAGE, CutShort, TokenUsage, difference


class CalledOffError(RuntimeError):
    """A request was not sent because another one of its trace has failed."""


class UsageMeter:
    """Meter of the token usage of one trace.

    Attributes:
        overhead: Overhead tokens since the trace began.
        report: Called before a request is sent, and once its usage is recorded.

    Example:
        >>> meter = UsageMeter()
        >>> meter.record(Segment("hm", None, tokens=7, is_complete=True, prompt_tokens=20, cached_tokens=None))
        >>> meter.charge(Category.REJECTED, 7)
        >>> meter.since(0).decoded_tokens, meter.since(meter.requests).decoded_tokens, meter.overhead.rejected_tokens
        (7, 0, 7)
    """

    def __init__(self) -> None:
        self.overhead = NO_USAGE
        self._requests: list[TokenUsage] = []
        self.report: Callable[[], None] = lambda: None
        self._unanswered = 0
        self._called_off = False

    @property
    def requests(self) -> int:
        """Number of recorded requests: a position for :meth:`since`."""
        return len(self._requests)

    @property
    def n_pending(self) -> int:
        """Number of requests without an answer (yet), whose usage is unknown."""
        return self._unanswered

    async def send(self, request: Coroutine[Any, Any, Segment]) -> Segment:
        """Send a request to the model under test and record its usage, kept or not.

        Args:
            request: The request, not started.

        Raises:
            CalledOffError: Another request of the trace has failed; this one was not sent.
            Exception: The request failed. Its usage is unknown.
        """
        try:
            self.check_open()
        except CalledOffError:
            request.close()
            raise
        self._unanswered += 1
        self.report()
        segment = await request
        self._unanswered -= 1
        self.record(segment)
        self.report()
        return segment

    def record(self, segment: Segment) -> None:
        """Record an answered request."""
        self._requests.append(segment.usage)

    def charge(self, category: Category, tokens: int | None) -> None:
        """Charge overhead tokens.

        Args:
            category: Their category. Discarded decoded tokens are part of a recorded request and are only classified
                here; those of guards and verifiers are prompt and decoded tokens, recorded only here.
            tokens: Number of tokens; None if the server did not report it; negative to undo an earlier charge.
        """
        self.overhead += TokenUsage.of(category, tokens)
        self.report()

    def since(self, first: int) -> TokenUsage:
        """Return the usage of the requests from a position on, without overhead."""
        return sum(self._requests[first:], NO_USAGE)

    def call_off(self) -> None:
        """Refuse further requests: the trace has failed. Open requests finish, so that their usage is recorded."""
        self._called_off = True

    def check_open(self) -> None:
        """Check that requests may be sent.

        Raises:
            CalledOffError: They may not.
        """
        if self._called_off:
            raise CalledOffError("another request of this trace has failed")


class Accounting(ABC):
    """Token and time accounting of one trace: its judges, and what each kind of trace counts in its own way.

    Args:
        clock: Monotonic clock; None without timing.

    Attributes:
        watch: Stopwatch of everything but judging.
        judge_tokens: Tokens used by its judges.
        report: Called whenever the total changes.
    """

    def __init__(self, clock: Clock | None) -> None:
        self.watch = Stopwatch(clock)
        self.judge_tokens = 0
        self.report: Callable[[], None] = lambda: None

    @abstractmethod
    def total(self) -> tuple[TokenUsage, int]:
        """Return all usage except that of its judges, and the number of requests without an answer (yet)."""

    @contextmanager
    def judging(self) -> Iterator[None]:
        """Record the judges' usage inside the block, also if they fail."""
        before = tokens_used()
        try:
            yield
        finally:
            self.judge_tokens += tokens_used() - before
            self.report()

    def on_change(self, report: Callable[[], None]) -> None:
        """Set what is called whenever the total changes."""
        self.report = report

    def cut_short(self, trace: TraceKey) -> CutShort:
        """Return the total usage of a trace that will have no rows."""
        usage, unanswered = self.total()
        usage += TokenUsage(judge_tokens=self.judge_tokens)
        return CutShort(*trace, usage.undivided(), unanswered)


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """Usage that the rows have reported so far."""

    requests: int
    overhead: TokenUsage
    judge_tokens: int
    seconds: float | None


class TraceAccounting(Accounting):
    """Accounting of one trace on the ladder.

    Args:
        clock: Monotonic clock; None without timing.

    Attributes:
        meter: Token usage of its requests.

    Example:
        >>> from overthink.collect.providers.continuation import Segment
        >>> accounting = TraceAccounting(None)
        >>> accounting.meter.record(Segment("hm", None, 7, False, prompt_tokens=20, cached_tokens=None))
        >>> accounting.write_off()
        >>> lost = accounting.columns(is_control=False)
        >>> lost["generated_tokens"], lost["cancelled_tokens"], lost["prompt_tokens"]
        (7, 7, 20)
        >>> accounting.settle()
        >>> later = accounting.columns(is_control=False)
        >>> later["generated_tokens"], later["cancelled_tokens"]  # the second is cumulative
        (0, 7)
    """

    def __init__(self, clock: Clock | None) -> None:
        super().__init__(clock)
        self.meter = UsageMeter()
        self.settle()

    def on_change(self, report: Callable[[], None]) -> None:
        """Set what is called whenever the total changes."""
        self.report = self.meter.report = report

    def total(self) -> tuple[TokenUsage, int]:
        """Return the usage of its requests with its overhead, and the number of requests without an answer (yet)."""
        return self.meter.since(0) + self.meter.overhead, self.meter.n_pending

    def settle(self) -> None:
        """Mark all usage so far as reported by rows."""
        self._snapshot = _Snapshot(self.meter.requests, self.meter.overhead, self.judge_tokens, self.watch.seconds)

    def write_off(self) -> None:
        """Charge as cancelled the unreported decoded tokens, which no answer will use.

        Tokens rejected by a guard and probe tokens keep their category. Pruned tokens are defined relative to the
        answered path; there is none, so they count as cancelled.
        """
        new = self.meter.overhead - self._snapshot.overhead
        self.meter.charge(Category.PRUNED, difference(0, new.pruned_tokens))
        n_decoded = self.meter.since(self._snapshot.requests).decoded_tokens
        self.meter.charge(Category.CANCELLED, difference(n_decoded, new.probe_tokens, new.rejected_tokens))

    def columns(self, *, is_control: bool) -> dict[str, Any]:
        """Return the usage columns of the next row: everything not yet reported.

        Args:
            is_control: The row is a control row, whose columns are not cumulative.
        """
        usage = self.meter.since(self._snapshot.requests) + self.meter.overhead
        if is_control:
            usage -= self._snapshot.overhead
        judge_tokens = self.judge_tokens - self._snapshot.judge_tokens
        usage = replace(usage, judge_tokens=judge_tokens, thinking_tokens=None, answer_tokens=None)
        return {**usage.columns(), "seconds": self.watch.since(self._snapshot.seconds)}


ResultT = TypeVar("ResultT")


async def gather_limited(
    meter: UsageMeter, jobs: Sequence[Callable[[], Awaitable[ResultT]]], limiter: CapacityLimiter | None = None
) -> list[ResultT]:
    """Run jobs of one trace concurrently. If one fails, its error is raised, not an exception group.

    The trace is lost then, so no further job is started. Running jobs finish: cancelling a request would leave its
    decoded tokens uncounted.

    Args:
        meter: The trace's usage meter; it refuses further requests once a job has failed.
        jobs: The jobs.
        limiter: Limit of concurrent jobs; None for no limit.

    Returns:
        The results, in the order of the jobs.

    Example:
        >>> import asyncio
        >>> async def double(number: int) -> int:
        ...     return 2 * number
        >>> asyncio.run(gather_limited(UsageMeter(), [lambda: double(1), lambda: double(2)]))
        [2, 4]
    """
    done: dict[int, ResultT] = {}
    failures: list[Exception | SystemExit] = []

    async def run(index: int, job: Callable[[], Awaitable[ResultT]]) -> None:
        try:
            meter.check_open()
            done[index] = await job()
        except (Exception, SystemExit) as failure:  # noqa: BLE001 - raised below, without a group
            failures.append(failure)
            meter.call_off()

    async def run_in_turn(index: int, job: Callable[[], Awaitable[ResultT]]) -> None:
        if limiter is None:
            await run(index, job)
        else:
            async with limiter:
                await run(index, job)

    async with create_task_group() as group:
        for index, job in enumerate(jobs):
            group.start_soon(run_in_turn, index, job)
    if failures:
        raise next((failure for failure in failures if not isinstance(failure, CalledOffError)), failures[0])
    return [done[index] for index in range(len(jobs))]
