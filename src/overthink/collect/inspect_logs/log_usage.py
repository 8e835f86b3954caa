"""Token usage of a sample, split between the evaluated model and its judges."""

from collections.abc import Mapping
from dataclasses import dataclass

from inspect_ai.log import EvalSpec
from inspect_ai.model import ModelUsage


@dataclass(frozen=True, slots=True)
class SampleTokens:
    """Tokens of one sample, as counted by the provider; None if not reported.

    Attributes:
        thinking: Reasoning of the evaluated model.
        output: Output of the evaluated model, with or without the reasoning, by provider.
        prompt: Prompt tokens of the evaluated model, cached ones included.
        cache_read: Cached prompt tokens.
        judge: All tokens of other models and other roles.
    """

    thinking: int | None = None
    output: int | None = None
    prompt: int | None = None
    cache_read: int | None = None
    judge: int | None = None


def sample_tokens(
    spec: EvalSpec, model_usage: Mapping[str, ModelUsage], role_usage: Mapping[str, ModelUsage]
) -> SampleTokens:
    """Return the usage of a sample, split by model role.

    A judge that runs the evaluated model under a role of its own is identified by the role; one that calls
    the evaluated model without a role cannot be separated.
    """
    own = model_usage.get(spec.model)
    if own is None:
        return SampleTokens()
    alone = model_usage.keys() == {spec.model}
    same = [usage for role, usage in role_usage.items() if _runs_evaluated(spec, role, alone=alone)]
    judges = [usage for model, usage in model_usage.items() if model != spec.model]
    judge_tokens = sum(usage.total_tokens for usage in (*judges, *same))
    cache_read = _minus(own.input_tokens_cache_read, [usage.input_tokens_cache_read for usage in same])
    written = _minus(own.input_tokens_cache_write, [usage.input_tokens_cache_write for usage in same])
    fresh = _minus(own.input_tokens, [usage.input_tokens for usage in same])
    return SampleTokens(
        thinking=_minus(own.reasoning_tokens, [usage.reasoning_tokens for usage in same]),
        output=_minus(own.output_tokens, [usage.output_tokens for usage in same]),
        prompt=None if fresh is None else fresh + (cache_read or 0) + (written or 0),
        cache_read=cache_read,
        judge=judge_tokens,
    )


def _runs_evaluated(spec: EvalSpec, role: str, *, alone: bool) -> bool:
    """Return whether a role runs the evaluated model. A role without a model does if no other model was used."""
    bound = (spec.model_roles or {}).get(role)
    if bound is None:
        return alone
    return any(config.model == spec.model for config in (bound if isinstance(bound, list) else [bound]))


def _minus(whole: int | None, parts: list[int | None]) -> int | None:
    """Return the whole without its parts; a negative count is a provider's error, and unknown."""
    rest = None if whole is None else whole - sum(part or 0 for part in parts)
    return None if rest is None or rest < 0 else rest
