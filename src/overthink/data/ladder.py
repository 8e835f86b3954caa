"""Rungs of a curve from runs that differ only in their thinking settings.

External logs and tables were run at several reasoning efforts, reasoning budgets or output caps. This module
determines, without any knowledge of the model, which of those runs form one curve, and in which order.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from overthink.data.record import Estimand

LEVELS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
"""The levels of reasoning effort that providers name, least first."""

DEFAULT = "default"
"""Label of the setting that leaves the amount of thinking to the provider."""


@dataclass(frozen=True, slots=True)
class ThinkingSetting:
    """Thinking limits of a run. None: left to the provider.

    Attributes:
        effort: Level of reasoning effort.
        reasoning_tokens: Budget for thinking, in tokens.
        max_tokens: Cap on the whole output, in tokens.
    """

    effort: str | None = None
    reasoning_tokens: int | None = None
    max_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class SettingPosition:
    """Position of a setting on a curve.

    Attributes:
        curve: Name of the curve among the model's curves; "" where there is one.
        rung: Position on that curve, from 0.
        estimand: ``EFFORT`` for a level, budget or cap; ``NATURAL`` where the provider's default stands
            alone.
        effort: Label of the rung; None on a natural curve.
        requested_tokens: Requested thinking budget, in tokens.
    """

    curve: str
    rung: int
    estimand: Estimand
    effort: str | None
    requested_tokens: int | None


def place_settings(mean_tokens: Mapping[ThinkingSetting, float | None]) -> dict[ThinkingSetting, SettingPosition]:
    """Return the position of every setting of one model on one task.

    A curve varies one parameter. Settings with a known effort level form one, ordered by ``LEVELS``; settings
    with a budget for thinking and no effort form another, ordered by number. Where neither is set
    and several output caps were used, the caps form a curve. Within a level or budget, further budgets and
    caps break ties, unstated first.

    The remaining settings have no stated amount of thinking: the provider's default, and levels of an unknown name.
    They are inserted into the curve by their tokens, unless there are two curves or the tokens of some
    rung are unknown: then each is a curve of its own, as a default may think more than any level does.

    Args:
        mean_tokens: For every setting, the mean number of tokens realised, or None where it is unknown.

    Returns:
        The position of every setting.

    Example:
        >>> low, high, plain = ThinkingSetting("low"), ThinkingSetting("high"), ThinkingSetting()
        >>> places = place_settings({high: 900.0, plain: 300.0, low: 100.0})
        >>> [(places[s].rung, places[s].effort) for s in (low, plain, high)]
        [(0, 'low'), (1, 'default'), (2, 'high')]
    """
    curves = _curves(mean_tokens)
    on_curve = {setting for curve in curves.values() for setting in curve}
    remaining = sorted((setting for setting in mean_tokens if setting not in on_curve), key=_rank)
    if len(curves) <= 1 and len(mean_tokens) > 1 and None not in mean_tokens.values():
        name = next(iter(curves), "by tokens spent")
        curves = {name: _insert_by_tokens(curves.get(name, []), remaining, mean_tokens)}
        remaining = []
    alone = {label(setting): [setting] for setting in remaining}
    single = len(curves) + len(alone) == 1
    places = {}
    for name, curve in (curves | alone).items():
        natural = all(_is_default(setting) for setting in curve) and len(curve) == 1
        for rung, setting in enumerate(curve):
            places[setting] = SettingPosition(
                curve="" if single else name,
                rung=rung,
                estimand=Estimand.NATURAL if natural else Estimand.EFFORT,
                effort=None if natural else label(setting),
                requested_tokens=setting.reasoning_tokens,
            )
    return places


def _curves(settings: Mapping[ThinkingSetting, float | None]) -> dict[str, list[ThinkingSetting]]:
    efforts = [s for s in settings if s.effort in LEVELS]
    budgets = [s for s in settings if s.effort is None and s.reasoning_tokens is not None]
    caps = [s for s in settings if _is_default(s) and s.max_tokens is not None]
    curves = {"by effort": efforts, "by thinking budget": budgets}
    if not efforts and not budgets and len(caps) > 1:
        curves["by output cap"] = caps
    return {name: sorted(curve, key=_rank) for name, curve in curves.items() if curve}


def _insert_by_tokens(
    curve: list[ThinkingSetting], remaining: list[ThinkingSetting], mean_tokens: Mapping[ThinkingSetting, float | None]
) -> list[ThinkingSetting]:
    """Return the curve with each of ``remaining`` inserted above the rungs with fewer tokens."""

    def tokens(setting: ThinkingSetting) -> float:
        value = mean_tokens[setting]
        assert value is not None
        return value

    result = list(curve)
    for setting in sorted(remaining, key=tokens):
        below = [i for i, rung in enumerate(result) if tokens(rung) < tokens(setting)]
        result.insert(len(below), setting)
    return result


def _is_default(setting: ThinkingSetting) -> bool:
    return setting.effort is None and setting.reasoning_tokens is None


def _rank(setting: ThinkingSetting) -> tuple[int, str, int, int]:
    level = LEVELS.index(setting.effort) if setting.effort in LEVELS else len(LEVELS)
    missing = -1
    budget = missing if setting.reasoning_tokens is None else setting.reasoning_tokens
    return level, setting.effort or "", budget, missing if setting.max_tokens is None else setting.max_tokens


def label(setting: ThinkingSetting) -> str:
    """Return the label of a setting on its curve.

    Example:
        >>> label(ThinkingSetting("low")), label(ThinkingSetting(reasoning_tokens=1024))
        ('low', '1024 thinking tokens')
    """
    parts = [] if setting.effort is None else [setting.effort]
    if setting.reasoning_tokens is not None:
        parts.append(f"{setting.reasoning_tokens} thinking tokens")
    if setting.max_tokens is not None:
        parts.append(f"at most {setting.max_tokens} tokens")
    return ", ".join(parts) or DEFAULT
