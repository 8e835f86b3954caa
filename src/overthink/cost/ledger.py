"""The ledger of a pool: token usage at every rung, and of one attempt there, by category."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from overthink.cost.attempt import attempt_parts, is_carried_forward
from overthink.data.category import Category
from overthink.stats.curve import question_means
from overthink.data.tokens import DECODED, OVERHEAD_COLUMNS, increments
from overthink.data.outcomes import Outcomes
from overthink.cost.paid import paid_parts, sum_known
from overthink.data.record import Axis, Estimand
from overthink.cost.tokens import attempt_tokens


@dataclass(frozen=True, slots=True)
class Amount:
    """Tokens of some rows. ``tokens`` sums the known ones, None if none is; ``n_unknown`` counts the unknown ones."""

    tokens: float | None
    n_unknown: int = 0

    def __add__(self, other: "Amount") -> "Amount":
        known_tokens = [amount.tokens for amount in (self, other) if amount.tokens is not None]
        return Amount(sum(known_tokens) if known_tokens else None, self.n_unknown + other.n_unknown)


@dataclass(frozen=True, slots=True)
class Total:
    """A sum, and its unknown categories: a lower bound wherever something is unknown."""

    tokens: float
    unknown: tuple[Category, ...]


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """One rung of one curve.

    Attributes:
        arm: Label of the curve.
        axis: Label of the curve.
        task: Label of the curve.
        scorer: Label of the curve.
        estimand: Label of the curve.
        rung: Number of the rung.
        requested_tokens: Requested thinking budget.
        effort: The provider's level.
        realised_tokens: Thinking tokens of an attempt, mean over draws, then questions.
        rows: Rows of the pool at this rung.
        usage: Token usage of the pool, by category.
        decoded_tokens: Decoded tokens of the pool here: thinking, answers, and discarded tokens.
        unique_tokens: Distinct tokens among them, each prefix counted once; fewer where some were decoded twice.
        unshared_tokens: Decoded tokens of the same attempts without sharing of prefixes.
        attempt: Tokens of one attempt at this rung by itself, by category; None where unknown.
        attempt_decoded: All its decoded tokens, which may be known where thinking and answer are not distinguished.
    """

    arm: str
    axis: Axis
    task: str
    scorer: str
    estimand: Estimand
    rung: int
    requested_tokens: int | None
    effort: str | None
    realised_tokens: float | None
    rows: int
    usage: Mapping[Category, Amount]
    decoded_tokens: Amount
    unique_tokens: Amount
    unshared_tokens: Amount
    attempt: Mapping[Category, float | None]
    attempt_decoded: float | None

    @property
    def paid_in_all(self) -> Total:
        """Total token usage of the pool here. A category is unknown if it is unknown in any row."""
        amounts = {**self.usage, **dict.fromkeys((Category.ANSWER, *DECODED), Amount(0.0))}
        amounts[Category.THINKING] = self.decoded_tokens  # all that was decoded, what was thrown away included
        unknown = {name for name, amount in amounts.items() if amount.tokens is None or amount.n_unknown}
        return _total({name: amount.tokens for name, amount in amounts.items()}, unknown)

    @property
    def attempt_in_all(self) -> Total:
        """All tokens of one attempt."""
        tokens = {**self.attempt, Category.THINKING: self.attempt_decoded, Category.ANSWER: 0.0}
        unknown = {name for name, count in tokens.items() if count is None}
        return _total({**tokens, **dict.fromkeys(DECODED, 0.0)}, unknown)  # what was thrown away is in what was decoded


def ledger(outcomes: Sequence[Outcomes]) -> tuple[LedgerLine, ...]:
    """One line per curve and rung.

    The lines of a curve add up to its :func:`~overthink.cost.tokens.pool_total`. Curves of several scorers describe the
    same calls: sum the lines of one.

    Args:
        outcomes: The curves.

    Example:
        >>> from overthink.data.outcomes import from_records
        >>> from overthink.data.record import RungRecord
        >>> row = RungRecord("s", "base", Axis.CAPABILITY, "t", "m", "q", 0, 0, Estimand.FORCED, generated_tokens=7)
        >>> ledger(from_records([row]))[0].generated
        Amount(tokens=7.0, silent=0)
    """
    return tuple(line for table in outcomes for line in _lines(table))


def sum_paid(lines: Iterable[LedgerLine]) -> dict[Category, Amount]:
    """Token usage of several lines together, by category."""
    total: dict[Category, Amount] = {}
    for line in lines:
        for name, amount in line.usage.items():
            total[name] = total[name] + amount if name in total else amount
    return total


def _lines(outcomes: Outcomes) -> Iterable[LedgerLine]:
    usage, parts = paid_parts(outcomes), attempt_parts(outcomes)
    whole_tokens, unique_tokens = attempt_tokens(outcomes), _unique(outcomes)
    means = {name: rung_means(tokens) for name, tokens in parts.items()}
    mean_decoded = rung_means(whole_tokens)
    for r, rung in enumerate(outcomes.rungs):
        has_row = outcomes.observed[:, :, r]
        yield LedgerLine(
            arm=outcomes.arm,
            axis=outcomes.axis,
            task=outcomes.task,
            scorer=outcomes.scorer,
            estimand=outcomes.estimand,
            rung=rung.index,
            requested_tokens=rung.requested_tokens,
            effort=rung.effort,
            realised_tokens=means[Category.THINKING][r],
            rows=int(has_row.sum()),
            usage={name: _amount(tokens[:, :, r][has_row]) for name, tokens in usage.items()},
            decoded_tokens=_amount(outcomes.generated_tokens[:, :, r][has_row]),
            unique_tokens=_amount(unique_tokens[:, :, r][has_row]),
            unshared_tokens=_amount(whole_tokens[:, :, r][has_row]),
            attempt={name: mean[r] for name, mean in means.items()},
            attempt_decoded=mean_decoded[r],
        )


def _unique(outcomes: Outcomes) -> NDArray[np.float64]:
    """New tokens of each row: on a ladder, the increase of thinking and branches, and the answer."""
    if outcomes.estimand is not Estimand.FORCED:
        return outcomes.generated_tokens
    branches = sum_known(increments(getattr(outcomes, OVERHEAD_COLUMNS[name])) for name in DECODED)
    new = increments(outcomes.thinking_tokens) + branches + outcomes.answer_tokens
    new = np.where(outcomes.failed, outcomes.generated_tokens, new)
    return np.where(is_carried_forward(outcomes), 0.0, new)


def rung_means(tokens: NDArray[np.float64]) -> list[float | None]:
    """Mean over draws, then over questions, of every rung; None where no row has a value."""
    columns = question_means(tokens).T
    return [None if np.isnan(column).all() else float(column[~np.isnan(column)].mean()) for column in columns]


def _amount(tokens: NDArray[np.float64]) -> Amount:
    known_tokens = tokens[~np.isnan(tokens)]
    return Amount(float(known_tokens.sum()) if known_tokens.size else None, int(tokens.size - known_tokens.size))


def _total(tokens: Mapping[Category, float | None], unknown: set[Category]) -> Total:
    total_tokens = sum(count for name, count in tokens.items() if count is not None and name != Category.CACHED)
    return Total(total_tokens, tuple(name for name in Category if name in unknown and name != Category.CACHED))
