"""Token and time accounting of one trace: total usage, and the part that its rows already report.

All usage is reported once. If a trace fails, its first errored row reports what no row below it does. An interrupted
trace has no rows; its total usage is stored instead (:mod:`overthink.storage.unfinished`).
"""

from dataclasses import asdict, dataclass, fields
from typing import Any

from overthink.collect.ladder.clock import Clock, Stopwatch
from overthink.collect.ladder.accounting import UsageMeter
from overthink.data.missing_rungs import TraceKey
from overthink.data.category import Category
from overthink.data.cut_short import CutShort, Paid
from overthink.data.tokens import OnTheWay


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """Usage that the rows have reported so far."""

    requests: int
    overhead: OnTheWay
    judge_tokens: int
    seconds: float | None


class TraceAccounting:
    """Token and time accounting of one trace.

    Args:
        clock: Monotonic clock; None without timing.

    Attributes:
        meter: Token usage of its requests.
        watch: Stopwatch of everything but judging.
        judge_tokens: Tokens used by its judges.

    Example:
        >>> from overthink.collect.providers.continuation import Segment
        >>> accounting = TraceAccounting(None)
        >>> accounting.meter.record(Segment("hm", None, tokens=7, is_complete=False, prompt_tokens=20, cached_tokens=None))
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
        self.meter = UsageMeter()
        self.watch = Stopwatch(clock)
        self.judge_tokens = 0
        self.settle()

    def settle(self) -> None:
        """Mark all usage so far as reported by rows."""
        self._snapshot = _Snapshot(self.meter.requests, self.meter.overhead(), self.judge_tokens, self.watch.seconds)

    def write_off(self) -> None:
        """Charge as cancelled the unreported decoded tokens, which no answer will use.

        Tokens rejected by a guard and probe tokens keep their category. Pruned tokens are defined relative to the
        answered path; there is none, so they count as cancelled.
        """
        new = self._new_overhead()
        self.meter.charge(Category.PRUNED, _minus(0, new.pruned_tokens))
        n_decoded = self.meter.since(self._snapshot.requests).decoded_tokens
        n_cancelled = _minus(_minus(n_decoded, new.probe_tokens), new.rejected_tokens)
        self.meter.charge(Category.CANCELLED, n_cancelled)

    def columns(self, *, is_control: bool) -> dict[str, Any]:
        """Return the usage columns of the next row: everything not yet reported.

        Args:
            is_control: The row is a control row, whose columns are not cumulative.
        """
        receipt = self.meter.since(self._snapshot.requests)
        overhead = self._new_overhead() if is_control else self.meter.overhead()
        return {
            "generated_tokens": receipt.decoded_tokens,
            "prompt_tokens": receipt.prompt_tokens,
            "cached_tokens": receipt.cached_tokens,
            "verifier_tokens": 0,
            "judge_tokens": self.judge_tokens - self._snapshot.judge_tokens,
            "seconds": self.watch.since(self._snapshot.seconds),
            **asdict(overhead),
        }

    def cut_short(self, trace: TraceKey) -> CutShort:
        """Return the total usage of a trace that will have no rows."""
        receipt, overhead = self.meter.since(0), self.meter.overhead()
        usage = Paid(
            prompt_tokens=receipt.prompt_tokens,
            cached_tokens=receipt.cached_tokens,
            decoded_tokens=receipt.decoded_tokens,
            judge_tokens=self.judge_tokens,
            guard_tokens=overhead.guard_tokens,
            step_verifier_tokens=overhead.step_verifier_tokens,
        )
        return CutShort(*trace, usage, self.meter.n_pending)

    def _new_overhead(self) -> OnTheWay:
        now, before = self.meter.overhead(), self._snapshot.overhead
        names = [field.name for field in fields(OnTheWay)]
        return OnTheWay(**{name: _minus(getattr(now, name), getattr(before, name)) for name in names})


def _minus(whole: int | None, part: int | None) -> int | None:
    return None if whole is None or part is None else whole - part
