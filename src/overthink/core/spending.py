"""What a study was expected to take and what it took, side by side. Unknown is None, never 0."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from overthink.core.record import Estimand, RungRecord

Range = tuple[float, float | None]
"""Least and most; the most is None where nothing bounds it."""


@dataclass(frozen=True, slots=True)
class Rates:
    """The price of a model's tokens, for requests of ordinary length.

    Attributes:
        prompt: USD per prompt token.
        cached: USD per prompt token that the provider took from its cache.
        decoded: USD per decoded token.
        source: Where the prices are from, with its version.
    """

    prompt: float
    cached: float
    decoded: float
    source: str


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a study will take, as far as it can be told before it begins.

    Attributes:
        calls: Calls of the model under test, at most.
        prompt_tokens: Tokens of their prompts.
        decoded_tokens: Tokens decoded.
        judge_calls: Calls of grading models, at most.
        judge_tokens: Tokens of these, prompts and grades.
        usd: The bill; None where it is unknown or there is none.
        price: How the bill was made, or why it is unknown, or that there is none.
        rates: Prices of the model under test; None where unknown or free.
        judge_rates: Prices of the grading model; None where unknown, free, or none is called.
        free: Nobody sends a bill for the model under test.
        judge_free: Nobody sends a bill for grading.
        notes: What a reader must know before and after: who grades, and what could not be told.
    """

    calls: int
    prompt_tokens: Range
    decoded_tokens: Range
    judge_calls: int
    judge_tokens: Range
    usd: Range | None
    price: str
    rates: Rates | None = None
    judge_rates: Rates | None = None
    free: bool = False
    judge_free: bool = True
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Spent:
    """What a study took, by the counts of its rows.

    Attributes:
        prompt_tokens: Tokens of prompts; None where a row does not say.
        cached_tokens: How many of them came from a cache; None where a row does not say.
        decoded_tokens: Tokens decoded; None where a row does not say.
        judge_tokens: Tokens of grading models; None where a row does not say.
        usd: The bill, as a range where prompts and grades of judges are not told apart; None where it is unknown.
        failed: Rows that failed; what they cost is unknown and not counted.
    """

    prompt_tokens: int | None
    cached_tokens: int | None
    decoded_tokens: int | None
    judge_tokens: int | None
    usd: Range | None
    failed: int


def bill(
    estimate_rates: tuple[Rates | None, Rates | None], *, free: tuple[bool, bool], tokens: tuple[Range, Range, Range]
) -> Range | None:
    """The bill for ranges of tokens.

    Args:
        estimate_rates: Prices of the model under test and of the grading model; None where unknown or free.
        free: Whether each of the two is free.
        tokens: Prompt, decoded and judge tokens.

    Returns:
        Least and most in USD; None where a price is unknown, or nothing is charged.
    """
    (rates, judge_rates), (prompt, decoded, judge) = estimate_rates, tokens
    if all(free) or (rates is None and not free[0]) or (judge_rates is None and not free[1]):
        return None
    low = 0.0
    high: float | None = 0.0
    if rates is not None and not free[0]:
        low += rates.prompt * prompt[0] + rates.decoded * decoded[0]
        high = (
            None if prompt[1] is None or decoded[1] is None else rates.prompt * prompt[1] + rates.decoded * decoded[1]
        )
    if judge_rates is not None and not free[1]:
        dearer = max(judge_rates.prompt, judge_rates.decoded)
        low += min(judge_rates.prompt, judge_rates.decoded) * judge[0]
        high = None if high is None or judge[1] is None else high + dearer * judge[1]
    return low, high


def spent(records: Sequence[RungRecord], estimate: Estimate) -> Spent:
    """What the rows of a study add up to, at the prices of its estimate.

    Example:
        >>> spent([], Estimate(0, (0, 0), (0, 0), 0, (0, 0), None, "no charge", free=True)).decoded_tokens
        0
    """
    failed = sum(record.error is not None for record in records)
    cells: dict[tuple[str, str, str, str, int, int, Estimand], list[RungRecord]] = {}
    for row in records:
        if row.error is None:
            cell = (row.axis, row.task, row.arm, row.question, row.draw, row.rung, row.estimand)
            cells.setdefault(cell, []).append(row)
    # Rows of one cell with several scorers tell of the same tokens.
    prompt = _total(_most(row.prompt_tokens for row in rows) for rows in cells.values())
    cached = _total(_most(row.cached_tokens for row in rows) for rows in cells.values())
    decoded = _total(_most(row.generated_tokens for row in rows) for rows in cells.values())
    judge = _total(_judge(rows) for rows in cells.values())
    usd: Range | None = None
    if prompt is not None and decoded is not None and judge is not None:
        saved = 0.0
        if estimate.rates is not None and cached is not None:
            saved = cached * (estimate.rates.prompt - estimate.rates.cached)
        judge_free = estimate.judge_free or judge == 0
        full = bill(
            (estimate.rates, estimate.judge_rates),
            free=(estimate.free, judge_free),
            tokens=((prompt, prompt), (decoded, decoded), (judge, judge)),
        )
        usd = None if full is None else (full[0] - saved, None if full[1] is None else full[1] - saved)
    return Spent(prompt, cached, decoded, judge, usd, failed)


def _judge(rows: Sequence[RungRecord]) -> int | None:
    """On a ladder every row was graded for itself; a log tells its judges' tokens once for all its scorers."""
    if rows[0].estimand in (Estimand.EFFORT, Estimand.CHECKPOINT):
        return _most(row.judge_tokens for row in rows)
    return _total(row.judge_tokens for row in rows)


def _most(counts: Iterable[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return max(known) if known else None


def _total(counts: Iterable[int | None]) -> int | None:
    total = 0
    for count in counts:
        if count is None:
            return None
        total += count
    return total
