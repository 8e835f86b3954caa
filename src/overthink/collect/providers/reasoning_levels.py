"""Reasoning levels and thinking caps that the provider enforces: the settings that request one, and their checks.

A run of one level or cap is separate: its traces share nothing with those of another, so levels and caps make an effort
curve, not a forced one. What is no rung of its own is refused before the first call: a level that the model lacks, one
for which Inspect sends another level or nothing, a cap outside the model's range or not below its limit on output.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from inspect_ai.model import GenerateConfig, Model

from overthink.collect.providers.effort_families import CapRange, EffortFamily, find_family
from overthink.data.ladder import LEVELS
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


def check_efforts(model: Model, efforts: Sequence[str]) -> tuple[str, ...]:
    """Return what must be said of the efforts of a model; :func:`check_rungs` says what, and what it refuses."""
    for effort in efforts:
        _check_named(effort)  # before Inspect's settings are made of it
    return check_rungs(str(model), _family_of(model), {effort: _output_limit(model, effort) for effort in efforts})


def check_rungs(model: str, family: EffortFamily | None, limits: Mapping[str, int | None]) -> tuple[str, ...]:
    """Return what must be said of efforts that are rungs of a model.

    Args:
        model: Name of the model under test.
        family: Its family; None for one that is in none.
        limits: Output tokens that Inspect requests by effort, a level or a cap in tokens; None where it sets no limit.

    Returns:
        Sentences: what is not checked, what is sent in another form, and limits on output that thinking counts against.

    Raises:
        InputError: An effort is no rung of its own.

    Example:
        >>> check_rungs("openai/o3", find_family("openai", "o3"), {"low": None, "high": None})
        ()
    """
    for effort, limit in limits.items():
        cap = cap_of(effort)
        if cap is None:
            _check_named(effort)
            _check_level(model, family, effort)
        else:
            _check_cap(model, family, cap)
        budget = cap if family is None or cap is not None else family.budgets.get(effort)
        if budget is not None and limit is not None and budget >= limit:
            raise InputError(
                f"--efforts {effort}: Inspect requests at most {limit:,} output tokens of {model}, thinking included, "
                f"and the budget for thinking, {budget:,}, must be lower. Leave {effort} out"
            )
    return (*_notes(model, family, list(limits)), *_limit_notes(model, limits))


def _family_of(model: Model) -> EffortFamily | None:
    """Return the family of a model of one of Inspect's own providers; None for any other."""
    if not type(model.api).__module__.startswith("inspect_ai."):
        return None
    provider, _, name = str(model).partition("/")
    return find_family(provider, name)


def _check_named(effort: str) -> None:
    """Check that an effort is a cap, or a level of Inspect."""
    if cap_of(effort) is None and effort not in LEVELS:
        raise InputError(
            f"--efforts {effort} is no level of Inspect; needed: levels of {', '.join(LEVELS)}, or whole numbers, "
            "which are caps in tokens"
        )


def _check_level(model: str, family: EffortFamily | None, level: str) -> None:
    """Check that a level is a rung of its own."""
    if family is None:
        return
    if level in family.dropped:
        fault = f"Inspect sends {model} nothing for {level}, so it would think by its own default"
    elif level in family.sent_as:
        fault = f"Inspect sends {model} the level {family.sent_as[level]} for {level}, which is no rung of its own"
    elif family.levels is not None and level not in family.levels:
        fault = f"{model} has no level {level}"
    else:
        return
    raise InputError(f"--efforts {level}: {fault}. {_advice(family)} (source: {family.source})")


def _advice(family: EffortFamily) -> str:
    if family.levels:
        return f"It has {', '.join(family.levels)}: give some of these"
    if family.levels is None:
        others = [level for level in LEVELS if level not in (*family.dropped, *family.sent_as)]
        return f"Sent as they are: {', '.join(others)}"
    if isinstance(family.caps, CapRange):
        return f"It has no levels; give caps in tokens, {family.caps}"
    return "It has no levels and no caps, so there is no ladder of efforts; run a model that has one"


def _check_cap(model: str, family: EffortFamily | None, cap: int) -> None:
    """Check that a cap is one that the model takes; that Inspect sends it is checked with its settings."""
    if family is None or family.caps is None:
        return
    levels = f"; its levels: {', '.join(family.levels)}" if family.levels else ""
    if isinstance(family.caps, str):
        raise InputError(f"--efforts {cap}: {model} takes no such cap, {family.caps}{levels}")
    if cap not in family.caps:
        raise InputError(f"--efforts {cap}: {model} takes caps of {family.caps} tokens{levels}")


def _output_limit(model: Model, effort: str) -> int | None:
    """Return the output tokens that Inspect requests at an effort where the plan limits none; None for no limit."""
    cap = cap_of(effort)
    setting: dict[str, Any] = {"reasoning_effort": effort} if cap is None else {"reasoning_tokens": cap}
    limit = model.api.max_tokens_for_config(GenerateConfig(**setting))
    return model.api.max_tokens() if limit is None else limit


def _notes(model: str, family: EffortFamily | None, efforts: Sequence[str]) -> list[str]:
    """Return what must be said of levels or caps, and of what Inspect sends for them."""
    levels = [effort for effort in efforts if cap_of(effort) is None]
    if not levels:
        is_unchecked = bool(efforts) and (family is None or family.caps is None)
        return [f"Which caps {model} takes is not checked: nobody has entered them."] if is_unchecked else []
    if family is None or family.levels is None:
        lacking = "One that it lacks fails at the first call, or changes nothing."
        return [f"Which levels {model} has is not checked: nobody has entered them. {lacking}"]
    notes = []
    if "none" in levels and family.off is not None:
        notes.append(f"At the level none Inspect sends {model} nothing: {family.off}.")
    if sent := [f"{level} {family.budgets[level]:,}" for level in levels if level in family.budgets]:
        notes.append(f"{model} takes budgets, which Inspect sends for levels, in tokens: {', '.join(sent)}.")
    return [*notes, *(family.remarks[level] for level in levels if level in family.remarks)]


def _limit_notes(model: str, limits: Mapping[str, int | None]) -> list[str]:
    """Return a note on limits on output that Inspect sets by itself: thinking and answer share them."""
    bounded = {effort: limit for effort, limit in limits.items() if limit is not None}
    if not bounded:
        return []
    counts = sorted(set(bounded.values()))
    each = (
        f"{counts[0]:,}" if len(counts) == 1 else ", ".join(f"{limit:,} at {name}" for name, limit in bounded.items())
    )
    return [f"Inspect requests a limited output of {model}, which thinking and answer share, in tokens: {each}."]
