"""Token counts that a log reports and that are no measurement: a zero beside text, calls from a cache, other models."""

from collections.abc import Iterable
from dataclasses import replace
from enum import StrEnum

from inspect_ai.log import EvalSampleSummary
from inspect_ai.model import ModelUsage

from overthink.collect.inspect_logs.endings import Ending
from overthink.data.tokens import UNKNOWN_USAGE, TokenUsage, total


class UsageGap(StrEnum):
    """Why a count of tokens is unknown, or is not the one reported."""

    ABSENT = "report no usage"
    ZERO = "report 0 tokens beside text"
    NO_THINKING = "report 0 reasoning tokens beside reasoning"
    SUMMARY = "report reasoning tokens that Inspect counted in a summary of the thinking"
    CACHED = "had calls answered from a cache without a stored count"
    RESTORED = "had calls answered from a cache, whose stored counts were added"


def measured_usage(
    reported: TokenUsage, ending: Ending, summary: EvalSampleSummary
) -> tuple[TokenUsage, UsageGap | None]:
    """Return the usage of a sample as far as it was measured, and why it is not what its log reports.

    Args:
        reported: Usage as the provider reports it.
        ending: How the sample ended.
        summary: The sample.

    Returns:
        The usage, None where it is unknown; and the first reason, None where the report is a measurement.
    """
    if ending.fallback is not None:
        return UNKNOWN_USAGE, None
    usage, gap = reported, None
    if ending.cached_usage:
        usage = _with_cached(reported, ending.cached_usage, all_cached=summary.turn_count == len(ending.cached_usage))
        gap = UsageGap.RESTORED if usage.decoded_tokens is not None else UsageGap.CACHED
    elif reported.decoded_tokens is None and reported.prompt_tokens is None:
        return reported, None if summary.error else UsageGap.ABSENT
    if ending.cached_judges:
        usage = replace(usage, judge_tokens=None)
    if usage.prompt_tokens == 0:  # no call is made of nothing
        usage = replace(usage, prompt_tokens=None, cached_tokens=None)
    wrote = ending.has_text or ending.has_acted
    if usage.decoded_tokens == 0 and (wrote or (ending.has_reasoning and not usage.thinking_tokens)):
        return replace(usage, decoded_tokens=None, thinking_tokens=usage.thinking_tokens or None), UsageGap.ZERO
    if usage.thinking_tokens == 0 and ending.has_reasoning:
        return replace(usage, thinking_tokens=None), UsageGap.NO_THINKING
    if usage.thinking_tokens is not None and ending.counts_summary:
        return replace(usage, thinking_tokens=None), UsageGap.SUMMARY
    return usage, gap


def _with_cached(reported: TokenUsage, cached: Iterable[ModelUsage | None], *, all_cached: bool) -> TokenUsage:
    """Return the usage with that of the calls from a cache, as it was when they were made; unknown if one has none."""
    is_absent = reported.decoded_tokens is None and reported.prompt_tokens is None
    before = replace(reported, **_NOTHING_YET) if is_absent and all_cached else reported
    calls = [UNKNOWN_USAGE if usage is None else _usage_of_call(usage) for usage in cached]
    return replace(
        before,
        prompt_tokens=total((before.prompt_tokens, *(call.prompt_tokens for call in calls))),
        cached_tokens=total((before.cached_tokens, *(call.cached_tokens for call in calls))),
        thinking_tokens=total((before.thinking_tokens, *(call.thinking_tokens for call in calls))),
        decoded_tokens=total((before.decoded_tokens, *(call.decoded_tokens for call in calls))),
    )


_NOTHING_YET = {"prompt_tokens": 0, "cached_tokens": 0, "thinking_tokens": 0, "decoded_tokens": 0}


def _usage_of_call(usage: ModelUsage) -> TokenUsage:
    prompt = usage.input_tokens + (usage.input_tokens_cache_read or 0) + (usage.input_tokens_cache_write or 0)
    return TokenUsage(
        prompt_tokens=prompt,
        cached_tokens=usage.input_tokens_cache_read,
        thinking_tokens=usage.reasoning_tokens,
        decoded_tokens=usage.output_tokens,
    )
