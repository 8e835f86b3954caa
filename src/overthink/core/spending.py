"""What a study was expected to take and what it took, side by side. Unknown is None, never 0."""

from collections.abc import Sequence
from dataclasses import dataclass

from overthink.core.cut_short import NOTHING, CutShort, Paid, paid_for
from overthink.core.record import RungRecord

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
        in_steps: Arms think in steps, whose number nobody knows; calls and prompt tokens are then what steps of a
            usual length take, and no bound.
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
    in_steps: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Spent:
    """What a study took: by the counts of its rows, and what was paid for tries that no row tells of.

    Attributes:
        prompt_tokens: Tokens of prompts; None where a row does not say.
        cached_tokens: How many of them came from a cache; None where a row does not say.
        decoded_tokens: Tokens decoded; None where a row does not say.
        judge_tokens: Tokens of grading models; None where a row does not say.
        usd: The bill, as a range where prompts and grades of judges are not told apart; None where it is unknown.
        failed: Traces that failed and stand so in the pool. What they took is counted, but for the request that failed
            itself: nobody knows.
        made_again: What of all this was paid for traces that were cut short, or failed, and were made again.
        cut_short: How often that happened.
        unanswered: Requests of these tries that were under way, or failed: what they took is unknown and not counted.
    """

    prompt_tokens: int | None
    cached_tokens: int | None
    decoded_tokens: int | None
    judge_tokens: int | None
    usd: Range | None
    failed: int
    made_again: Paid = NOTHING
    cut_short: int = 0
    unanswered: int = 0


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


def spent(records: Sequence[RungRecord], estimate: Estimate, cut_short: Sequence[CutShort] = ()) -> Spent:
    """What a study took, at the prices of its estimate.

    Args:
        records: Its rows.
        estimate: What was expected of it, with its prices.
        cut_short: What was paid for tries that no row tells of.

    Example:
        >>> spent([], Estimate(0, (0, 0), (0, 0), 0, (0, 0), None, "no charge", free=True)).decoded_tokens
        0
    """
    failed = {(row.axis, row.task, row.arm, row.question, row.draw) for row in records if row.error is not None}
    made_again = sum((one.paid for one in cut_short), NOTHING)
    took = paid_for(records) + made_again
    prompt, cached, decoded, judge = took.prompt_tokens, took.cached_tokens, took.decoded_tokens, took.judge_tokens
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
    return Spent(
        prompt,
        cached,
        decoded,
        judge,
        usd,
        len(failed),
        made_again,
        len(cut_short),
        sum(one.unanswered for one in cut_short),
    )
