"""Thinking caps enforced by the provider: the settings that request one.

A capped run is separate: its traces share nothing with those of another cap, so caps make an effort curve, not a
forced one.
"""

from typing import Any

from inspect_ai.model import Model

from overthink.errors import InputError

BY_INSPECT = ("anthropic", "bedrock", "google", "openrouter")
"""Inspect providers that send `reasoning_tokens`; the others silently drop it."""

BY_SERVER = {"vllm": ("thinking_token_budget",), "sglang": ("custom_params", "thinking_budget")}
"""Path of the cap in the request body, by server. vLLM needs a reasoning parser (`--reasoning-parser`), SGLang strict
thinking as well (`--enable-strict-thinking`); without them the cap may be ignored, which the no-op finding shows."""


def cap_of(effort: str) -> int | None:
    """Return the cap in tokens of an effort; None for a named level.

    Example:
        >>> cap_of("1024"), cap_of("low")
        (1024, None)
    """
    return int(effort) if effort.isdecimal() else None


def effort_settings(model: Model, effort: str) -> dict[str, Any]:
    """Return Inspect's generation settings that request this effort from the model.

    Raises:
        InputError: The effort is a cap, and the provider supports none.
    """
    cap = cap_of(effort)
    if cap is None:
        return {"reasoning_effort": effort}
    provider = str(model).split("/")[0]
    if provider in BY_SERVER:
        body: Any = cap
        for name in reversed(BY_SERVER[provider]):
            body = {name: body}
        return {"extra_body": body}
    of_inspect = type(model.api).__module__.startswith("inspect_ai.")
    if of_inspect and provider not in BY_INSPECT:
        raise InputError(
            f"{model} takes no cap on its thinking in tokens, so --efforts {effort} would change nothing. Providers "
            f"that do: {', '.join((*BY_INSPECT, *BY_SERVER))}. For this one give levels: --efforts low,medium,high."
        )
    return {"reasoning_tokens": cap}
