"""The ledger of a pool: what was paid at every rung, and what one attempt there takes, by what it was spent on."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from overthink.core.attempt import attempt_parts, carried
from overthink.core.category import Category
from overthink.core.curve import question_means
from overthink.core.on_the_way import COLUMNS, DECODED, grown
from overthink.core.outcomes import Outcomes
from overthink.core.paid import paid_parts, told_of
from overthink.core.record import Axis, Estimand
from overthink.core.tokens import attempt_tokens


@dataclass(frozen=True, slots=True)
class Amount:
    """Tokens of some rows. ``tokens`` sums those that say, None if none does; ``silent`` counts those that do not."""

    tokens: float | None
    silent: int = 0

    def __add__(self, other: "Amount") -> "Amount":
        known = [amount.tokens for amount in (self, other) if amount.tokens is not None]
        return Amount(sum(known) if known else None, self.silent + other.silent)


@dataclass(frozen=True, slots=True)
class Total:
    """A sum, and what it lacks: "at least" wherever something is unknown."""

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
        requested_tokens: Thinking budget asked for.
        effort: The provider's level.
        realised_tokens: Thinking tokens that an attempt took, mean over draws, then questions.
        rows: Rows of the pool at this rung.
        paid: What the pool paid, by category.
        generated: Tokens that the pool says it decoded here: thinking, answers, and what was thrown away.
        unique: Distinct tokens among them, each prefix counted once; less than generated where some were decoded twice.
        apart: What the same attempts would have decoded without sharing their prefixes.
        attempt: What one attempt at this rung takes by itself, by category; None where unknown.
        attempt_decoded: All that it decodes, which may be known where thinking and answer are not told apart.
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
    paid: Mapping[Category, Amount]
    generated: Amount
    unique: Amount
    apart: Amount
    attempt: Mapping[Category, float | None]
    attempt_decoded: float | None

    @property
    def paid_in_all(self) -> Total:
        """Every token that the pool paid here. A category is unknown if any row is silent about it."""
        amounts = {**self.paid, **dict.fromkeys((Category.ANSWER, *DECODED), Amount(0.0))}
        amounts[Category.THINKING] = self.generated  # all that was decoded, what was thrown away included
        unknown = {name for name, amount in amounts.items() if amount.tokens is None or amount.silent}
        return _total({name: amount.tokens for name, amount in amounts.items()}, unknown)

    @property
    def attempt_in_all(self) -> Total:
        """Every token of one attempt."""
        tokens = {**self.attempt, Category.THINKING: self.attempt_decoded, Category.ANSWER: 0.0}
        unknown = {name for name, count in tokens.items() if count is None}
        return _total({**tokens, **dict.fromkeys(DECODED, 0.0)}, unknown)  # what was thrown away is in what was decoded


def ledger(outcomes: Sequence[Outcomes]) -> tuple[LedgerLine, ...]:
    """One line per curve and rung.

    The lines of a curve add up to what :func:`~overthink.core.tokens.spent` says of it. Curves of several scorers tell
    of the same calls: sum the lines of one.

    Args:
        outcomes: The curves.

    Example:
        >>> from overthink.core.outcomes import from_records
        >>> from overthink.core.record import RungRecord
        >>> row = RungRecord("s", "base", Axis.CAPABILITY, "t", "m", "q", 0, 0, Estimand.FORCED, generated_tokens=7)
        >>> ledger(from_records([row]))[0].generated
        Amount(tokens=7.0, silent=0)
    """
    return tuple(line for one in outcomes for line in _lines(one))


def sum_paid(lines: Iterable[LedgerLine]) -> dict[Category, Amount]:
    """What several lines paid together, by category."""
    total: dict[Category, Amount] = {}
    for line in lines:
        for name, amount in line.paid.items():
            total[name] = total[name] + amount if name in total else amount
    return total


def _lines(outcomes: Outcomes) -> Iterable[LedgerLine]:
    paid, parts = paid_parts(outcomes), attempt_parts(outcomes)
    whole, new = attempt_tokens(outcomes), _unique(outcomes)
    means = {name: rung_means(tokens) for name, tokens in parts.items()}
    decoded = rung_means(whole)
    for r, rung in enumerate(outcomes.rungs):
        seen = outcomes.observed[:, :, r]
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
            rows=int(seen.sum()),
            paid={name: _amount(tokens[:, :, r][seen]) for name, tokens in paid.items()},
            generated=_amount(outcomes.generated_tokens[:, :, r][seen]),
            unique=_amount(new[:, :, r][seen]),
            apart=_amount(whole[:, :, r][seen]),
            attempt={name: mean[r] for name, mean in means.items()},
            attempt_decoded=decoded[r],
        )


def _unique(outcomes: Outcomes) -> NDArray[np.float64]:
    """Tokens that are new at each row: on a ladder, what thinking and branches have grown by, and the answer."""
    if outcomes.estimand is not Estimand.FORCED:
        return outcomes.generated_tokens
    branches = told_of(grown(getattr(outcomes, COLUMNS[name])) for name in DECODED)
    new = grown(outcomes.thinking_tokens) + branches + outcomes.answer_tokens
    new = np.where(outcomes.failed, outcomes.generated_tokens, new)
    return np.where(carried(outcomes), 0.0, new)


def rung_means(tokens: NDArray[np.float64]) -> list[float | None]:
    """Mean over draws, then over questions, of every rung; None where no row says."""
    columns = question_means(tokens).T
    return [None if np.isnan(column).all() else float(column[~np.isnan(column)].mean()) for column in columns]


def _amount(tokens: NDArray[np.float64]) -> Amount:
    known = tokens[~np.isnan(tokens)]
    return Amount(float(known.sum()) if known.size else None, int(tokens.size - known.size))


def _total(tokens: Mapping[Category, float | None], unknown: set[Category]) -> Total:
    summed = sum(count for name, count in tokens.items() if count is not None and name != Category.CACHED)
    return Total(summed, tuple(name for name in Category if name in unknown and name != Category.CACHED))
