"""Estimated and actual usage of a study: tokens, calls and USD. Unknown is None, never 0."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from overthink.data.tokens import NO_USAGE, CutShort, TokenUsage, difference

if TYPE_CHECKING:
    import polars as pl

AmountRange = tuple[float, float | None]
"""Minimum and maximum; the maximum is None where there is no bound."""


@dataclass(frozen=True, slots=True)
class Rates:
    """The price of a model's tokens, for requests of ordinary length.

    Attributes:
        prompt: USD per prompt token.
        cached: USD per prompt token that the provider took from its cache.
        decoded: USD per decoded token.
        source: Source of the prices, with its version.

    Raises:
        ValueError: A price is negative or not finite.
    """

    prompt: float
    cached: float
    decoded: float
    source: str

    def __post_init__(self) -> None:
        for name in ("prompt", "cached", "decoded"):
            price = getattr(self, name)
            if not 0 <= price < math.inf:
                raise ValueError(f"{name} is {price} USD; needed: a finite number from 0")


@dataclass(frozen=True, slots=True)
class Estimate:
    """Estimated usage of a study before it begins.

    Attributes:
        calls: Maximum number of calls of the model under test.
        prompt_tokens: Tokens of their prompts.
        decoded_tokens: Tokens decoded.
        judge_calls: Maximum number of calls of grading models.
        judge_tokens: Prompt and decoded tokens of these.
        usd: The bill; None where it is unknown or there is none.
        price: Basis of the bill, or why it is unknown, or that there is none.
        rates: Prices of the model under test; None where unknown or free.
        judge_rates: Prices of the grading model; None where unknown, free, or none is called.
        free: The model under test is free of charge.
        judge_free: Grading is free of charge.
        in_steps: Arms think in steps, whose number is unknown; calls and prompt tokens then assume steps of a usual
            length, and are no bound.
        notes: Notes for readers: the grading models, and what could not be estimated.

    Raises:
        ValueError: A number is negative, or a maximum below its minimum.
    """

    calls: int
    prompt_tokens: AmountRange
    decoded_tokens: AmountRange
    judge_calls: int
    judge_tokens: AmountRange
    usd: AmountRange | None
    price: str
    rates: Rates | None = None
    judge_rates: Rates | None = None
    free: bool = False
    judge_free: bool = True
    in_steps: bool = False
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("calls", "judge_calls"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} is {getattr(self, name)}; needed: a number from 0")
        for name in ("prompt_tokens", "decoded_tokens", "judge_tokens", "usd"):
            low, high = getattr(self, name) or (0, None)
            if not 0 <= low <= (math.inf if high is None else high):
                raise ValueError(f"{name} is from {low} to {high}; needed: a minimum from 0, and a maximum above it")


@dataclass(frozen=True, slots=True)
class StudyUsage:
    """Actual usage of a study: by the counts of its rows, and of attempts without a row.

    Attributes:
        prompt_tokens: Tokens of prompts; None where a row has no count.
        cached_tokens: Prompt tokens from a cache; None where a row has no count.
        decoded_tokens: Tokens decoded; None where a row has no count.
        judge_tokens: Tokens of grading models; None where a row has no count.
        usd: The bill, as a range where prompts and grades of judges are not counted apart, and without a maximum where
            requests have no count; None where it is unknown.
        n_failed: Failed traces in the pool. Their usage is counted, except that of the failed request, which is
            unknown.
        retry_usage: Part of the usage by traces that were cut short, or failed, and were repeated.
        n_cut_short: Number of these attempts.
        n_unanswered: Requests of these attempts in flight, or failed: their usage is unknown and not counted.
        beside: Usage of monitors and of changes of the thinking, by who spent it; in none of the other counts.
    """

    prompt_tokens: int | None
    cached_tokens: int | None
    decoded_tokens: int | None
    judge_tokens: int | None
    usd: AmountRange | None
    n_failed: int
    retry_usage: TokenUsage = NO_USAGE
    n_cut_short: int = 0
    n_unanswered: int = 0
    beside: Mapping[str, TokenUsage] = field(default_factory=dict)


def bill(
    estimate_rates: tuple[Rates | None, Rates | None],
    *,
    free: tuple[bool, bool],
    tokens: tuple[AmountRange, AmountRange, AmountRange],
) -> AmountRange | None:
    """Return the bill for ranges of tokens.

    Args:
        estimate_rates: Prices of the model under test and of the grading model; None where unknown or free.
        free: Whether each of the two is free.
        tokens: Prompt, decoded and judge tokens.

    Returns:
        Minimum and maximum in USD; None where a price is unknown, or all is free.
    """
    (rates, judge_rates), (prompt, output, judge) = estimate_rates, tokens
    if all(free) or (rates is None and not free[0]) or (judge_rates is None and not free[1]):
        return None
    low = 0.0
    high: float | None = 0.0
    if rates is not None and not free[0]:
        low += rates.prompt * prompt[0] + rates.decoded * output[0]
        high = None if prompt[1] is None or output[1] is None else rates.prompt * prompt[1] + rates.decoded * output[1]
    if judge_rates is not None and not free[1]:
        dearer = max(judge_rates.prompt, judge_rates.decoded)
        low += min(judge_rates.prompt, judge_rates.decoded) * judge[0]
        high = None if high is None or judge[1] is None else high + dearer * judge[1]
    return low, high


def usage_cost(usage: TokenUsage, estimate: Estimate, *, is_whole: bool = True) -> AmountRange | None:
    """Return what tokens cost at the prices of an estimate.

    Args:
        usage: The tokens.
        estimate: The estimate, with the prices.
        is_whole: Whether these are all tokens; else no maximum is known.

    Returns:
        Minimum and maximum in USD; None where a count or a price is unknown, or all is free.
    """
    prompt, n_decoded, judge = usage.prompt_tokens, usage.decoded_tokens, usage.judge_tokens
    if prompt is None or n_decoded is None or judge is None:
        return None
    discount = 0.0
    if estimate.rates is not None and usage.cached_tokens is not None:
        discount = usage.cached_tokens * (estimate.rates.prompt - estimate.rates.cached)
    judge_free = estimate.judge_free or judge == 0
    full = bill(
        (estimate.rates, estimate.judge_rates),
        free=(estimate.free, judge_free),
        tokens=((prompt, prompt), (n_decoded, n_decoded), (judge, judge)),
    )
    return None if full is None else (full[0] - discount, difference(full[1], discount) if is_whole else None)


def study_usage(
    pool: "pl.LazyFrame",
    estimate: Estimate,
    cut_short: Sequence[CutShort] = (),
    oversight: "pl.DataFrame | None" = None,
) -> StudyUsage:
    """Return the actual usage of a study, at the prices of its estimate.

    Args:
        pool: Its rows.
        estimate: Its estimate, with the prices.
        cut_short: Usage of attempts without a row.
        oversight: The table beside the pool; None without one.

    Example:
        >>> from overthink.data.pool import pool_of
        >>> no_charge = Estimate(0, (0, 0), (0, 0), 0, (0, 0), None, "no charge", free=True)
        >>> study_usage(pool_of([]), no_charge).decoded_tokens
        0
    """
    from overthink.data.oversight import oversight_usage
    from overthink.data.pool import n_failed, usage_of_pool  # frames are loaded where there is one

    made_again = sum((attempt.paid for attempt in cut_short), NO_USAGE)
    usage, failed = usage_of_pool(pool) + made_again, n_failed(pool)
    unanswered = sum(attempt.unanswered for attempt in cut_short)
    return StudyUsage(
        usage.prompt_tokens,
        usage.cached_tokens,
        usage.decoded_tokens,
        usage.judge_tokens,
        usage_cost(usage, estimate, is_whole=not (failed or unanswered)),
        failed,
        made_again,
        len(cut_short),
        unanswered,
        {} if oversight is None else oversight_usage(oversight),
    )
