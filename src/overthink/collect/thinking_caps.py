"""A cap on thinking that the provider keeps itself: how each is asked for one, and how a log says that it was.

A capped run is a run of its own: its traces share nothing with those of another cap, so caps make an effort curve, not
a forced one.
"""

from typing import Any

from inspect_ai.model import Model

from overthink.errors import InputError

BY_INSPECT = ("anthropic", "bedrock", "google", "openrouter")
"""Providers of Inspect that send `reasoning_tokens`; the others drop it without a word."""

BY_SERVER = {"vllm": ("thinking_token_budget",), "sglang": ("custom_params", "thinking_budget")}
"""Servers that take a cap in the request's body, and where. vLLM needs a reasoning parser (`--reasoning-parser`),
SGLang strict thinking as well (`--enable-strict-thinking`); without, the cap may be ignored, and the no-op finding
shows that."""


def cap_of(effort: str) -> int | None:
    """The cap in tokens that an effort stands for; None for a level by name.

    Example:
        >>> cap_of("1024"), cap_of("low")
        (1024, None)
    """
    return int(effort) if effort.isdecimal() else None


def asked_for(model: Model, effort: str) -> dict[str, Any]:
    """Inspect's generation settings that ask this model for one rung.

    Raises:
        InputError: The rung is a cap, and the provider takes none.
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


def cap_in(extra_body: dict[str, Any] | None) -> tuple[int | None, dict[str, Any] | None]:
    """The cap that a request's body asked a server for, and the body without it.

    Example:
        >>> cap_in({"top_k": 20, "thinking_token_budget": 512})
        (512, {'top_k': 20})
        >>> cap_in({"custom_params": {"thinking_budget": 64}}), cap_in(None)
        ((64, None), (None, None))
    """
    for path in BY_SERVER.values():
        cap, rest = _taken(extra_body, path)
        if isinstance(cap, int):
            return cap, rest or None
    return None, extra_body


def _taken(body: Any, path: tuple[str, ...]) -> tuple[Any, dict[str, Any]]:
    if not isinstance(body, dict) or path[0] not in body:
        return None, {}
    rest = {name: value for name, value in body.items() if name != path[0]}
    if len(path) == 1:
        return body[path[0]], rest
    found, inner = _taken(body[path[0]], path[1:])
    return found, rest | ({path[0]: inner} if inner else {})
