"""The books of one trace: everything that it pays, and how much of that its rows tell already.

Nothing that was paid may be lost. Where a trace fails, its first errored row tells what no row below it tells. Where
it is cut short it has no rows, and its books are kept instead (:mod:`overthink.store.unfinished`).
"""

from dataclasses import asdict, dataclass, fields
from typing import Any

from overthink.collect.stopwatch import Clock, Stopwatch
from overthink.collect.till import Till
from overthink.core.added_rungs import Row
from overthink.core.category import Category
from overthink.core.cut_short import CutShort, Paid
from overthink.core.on_the_way import OnTheWay


@dataclass(frozen=True, slots=True)
class _Told:
    """Up to where the rows tell."""

    requests: int
    on_the_way: OnTheWay
    judge_tokens: int
    seconds: float | None


class Books:
    """What one trace pays.

    Args:
        clock: Takes its time; None where nobody does.

    Attributes:
        till: Where requests are paid.
        watch: Takes the time of all that is not judging.
        judge_tokens: What its judges took.

    Example:
        >>> from overthink.collect.continuation import Segment
        >>> books = Books(None)
        >>> books.till.pay(Segment("hm", None, tokens=7, ended=False, prompt_tokens=20, cached_tokens=None))
        >>> books.write_off()
        >>> lost = books.columns(beside=False)
        >>> lost["generated_tokens"], lost["cancelled_tokens"], lost["prompt_tokens"]
        (7, 7, 20)
        >>> books.settle()
        >>> later = books.columns(beside=False)
        >>> later["generated_tokens"], later["cancelled_tokens"]  # the second is cumulative
        (0, 7)
    """

    def __init__(self, clock: Clock | None) -> None:
        self.till = Till()
        self.watch = Stopwatch(clock)
        self.judge_tokens = 0
        self.settle()

    def settle(self) -> None:
        """The rows tell of everything so far."""
        self._told = _Told(self.till.requests, self.till.on_the_way(), self.judge_tokens, self.watch.seconds)

    def write_off(self) -> None:
        """Charge as cancelled what was decoded since the rows told, and what no answer will come of.

        What a guard rejected or a probe looked at stays charged to these; what a search pruned depends on the path
        that is answered from, and there is none.
        """
        new = self._new_on_the_way()
        self.till.charge(Category.PRUNED, _minus(0, new.pruned_tokens))
        decoded = self.till.since(self._told.requests).decoded
        known = _minus(_minus(decoded, new.probe_tokens), new.rejected_tokens)
        self.till.charge(Category.CANCELLED, known)

    def columns(self, *, beside: bool) -> dict[str, Any]:
        """What the next row has to tell, so that nothing is lost.

        Args:
            beside: The row stands beside the ladder, where nothing is cumulative.
        """
        receipt = self.till.since(self._told.requests)
        on_the_way = self._new_on_the_way() if beside else self.till.on_the_way()
        return {
            "generated_tokens": receipt.decoded,
            "prompt_tokens": receipt.prompt,
            "cached_tokens": receipt.cached,
            "verifier_tokens": 0,
            "judge_tokens": self.judge_tokens - self._told.judge_tokens,
            "seconds": self.watch.since(self._told.seconds),
            **asdict(on_the_way),
        }

    def cut_short(self, trace: Row) -> CutShort:
        """All that was paid, for a trace that will have no rows."""
        receipt, on_the_way = self.till.since(0), self.till.on_the_way()
        paid = Paid(
            prompt_tokens=receipt.prompt,
            cached_tokens=receipt.cached,
            decoded_tokens=receipt.decoded,
            judge_tokens=self.judge_tokens,
            guard_tokens=on_the_way.guard_tokens,
            step_verifier_tokens=on_the_way.step_verifier_tokens,
        )
        return CutShort(*trace, paid, self.till.unanswered)

    def _new_on_the_way(self) -> OnTheWay:
        now, told = self.till.on_the_way(), self._told.on_the_way
        names = [field.name for field in fields(OnTheWay)]
        return OnTheWay(**{name: _minus(getattr(now, name), getattr(told, name)) for name in names})


def _minus(whole: int | None, part: int | None) -> int | None:
    return None if whole is None or part is None else whole - part
