"""Results of the ledger: what was paid at every rung, and what one attempt takes."""

from collections.abc import Mapping
from dataclasses import dataclass

from overthink.data.curve_key import CurveKey
from overthink.data.finding import At, Finding
from overthink.data.kinds import ClosedList
from overthink.data.record import Category


class TokenSum(ClosedList):
    """Sum of tokens over categories."""

    GENERATED = "generated"  # everything that the model under test decoded
    UNIQUE = "unique"  # the same, each prefix counted once
    UNSHARED = "apart"  # what the same attempts would decode without shared prefixes
    IN_ALL = "in_all"


@dataclass(frozen=True, slots=True, eq=False)
class LedgerAmount:
    """One amount of a ledger.

    Attributes:
        finding: The amount, or why it is unknown.
        is_lower_bound: Whether rows or parts of it are not counted, so that it is more.
    """

    finding: Finding
    is_lower_bound: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Spending:
    """Amounts of one rung.

    Attributes:
        tokens: By category, then sums.
        costs: By unit of compute other than tokens.
    """

    tokens: Mapping[Category | TokenSum, LedgerAmount]
    costs: Mapping[str, LedgerAmount]


@dataclass(frozen=True, slots=True, eq=False)
class LedgerRung:
    """One rung of a ledger.

    Attributes:
        at: Position on the ladder.
        paid: All traces of the pool at the rung.
        attempt: One attempt made by itself, on average.
    """

    at: At
    paid: Spending
    attempt: Spending


@dataclass(frozen=True, slots=True, eq=False)
class LedgerResult:
    """The ledger of the calls of one curve, and of the curves of other scorers of the same calls.

    Attributes:
        key: The first of these curves.
        rungs: Its rungs, lowest first.
    """

    key: CurveKey
    rungs: tuple[LedgerRung, ...]
