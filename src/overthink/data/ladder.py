"""Rungs of a curve from runs that differ only in their thinking settings.

External logs and tables were run at several reasoning efforts, reasoning budgets or output caps. This module
determines, without any knowledge of the model, which of those runs form one curve, and in which order: by what was
requested, never by what was spent.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, replace

from overthink.data.record import Estimand

LEVELS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
"""The levels of reasoning effort that providers name, least first."""

DEFAULT = "default"
"""Label of the setting that leaves the amount of thinking to the provider."""

_SYNONYMS = {
    **dict.fromkeys(("off", "disabled", "disable", "false", "no"), "none"),
    **dict.fromkeys(("", "auto", "default", "adaptive", "dynamic"), None),
    **dict.fromkeys(("minimum", "min"), "minimal"),
    "med": "medium",
    **dict.fromkeys(("xhi", "extrahigh", "veryhigh"), "xhigh"),
    "maximum": "max",
}
"""Level by another name of it; None for the provider's default."""


def level_name(text: str | None) -> str | None:
    """Return a level in the spelling of :data:`LEVELS`; another word as it is, and None for a default.

    Example:
        >>> level_name("High"), level_name("x-high"), level_name("auto"), level_name("Turbo")
        ('high', 'xhigh', None, 'Turbo')
    """
    if text is None:
        return None
    plain = "".join(letter for letter in text.lower() if letter.isalnum())
    return plain if plain in LEVELS else _SYNONYMS.get(plain, text)


@dataclass(frozen=True, slots=True)
class ThinkingSetting:
    """Thinking limits of a run. None: left to the provider.

    Attributes:
        effort: Level of reasoning effort, or the label of ``place``.
        reasoning_tokens: Budget for thinking, in tokens.
        max_tokens: Cap on the whole output, in tokens.
        place: Number of the setting that the user named as the ladder, where it is no level and no budget.
    """

    effort: str | None = None
    reasoning_tokens: int | None = None
    max_tokens: int | None = None
    place: float | None = None


@dataclass(frozen=True, slots=True)
class SettingPosition:
    """Position of a setting on a curve.

    Attributes:
        curve: Name of the curve among the model's curves; "" where there is one, beside settings that stand apart.
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


def place_settings(settings: Iterable[ThinkingSetting]) -> dict[ThinkingSetting, SettingPosition]:
    """Return the position of every setting of one model on one task.

    A curve varies one parameter. Settings with a known effort level form one, ordered by ``LEVELS``; settings
    with a budget for thinking and no effort, or one level in all, form another, ordered by number, with thinking turned
    off at its start.
    Where neither is set and several output caps were used, the caps form a curve. A further limit belongs to the
    rung where each level has one of it, as a provider demands more room for a larger budget; where one level was run
    with several, or a higher one with less, each of them has a curve of its own.

    The remaining settings have no stated amount of thinking: the provider's default, and levels of an unknown name.
    Each is a curve of its own, as a default may think more than any level does.

    Args:
        settings: The settings, in any order.

    Returns:
        The position of every setting.

    Example:
        >>> low, high, plain = ThinkingSetting("low"), ThinkingSetting("high"), ThinkingSetting()
        >>> places = place_settings([high, plain, low])
        >>> [(places[s].curve, places[s].rung, places[s].effort) for s in (low, high, plain)]
        [('', 0, 'low'), ('', 1, 'high'), ('default', 0, None)]
    """
    distinct = list(dict.fromkeys(settings))
    curves = _curves(distinct)
    on_curve = {setting for curve in curves.values() for setting in curve}
    alone = {label(setting): [setting] for setting in sorted(distinct, key=_rank) if setting not in on_curve}
    if len(curves or alone) == 1:
        ((_, main),) = (curves or alone).items()
        curves, alone = {"": main}, alone if curves else {}
    places = {}
    for name, curve in (curves | alone).items():
        natural = all(is_default(setting) for setting in curve) and len(curve) == 1
        for rung, setting in enumerate(curve):
            places[setting] = SettingPosition(
                curve=name,
                rung=rung,
                estimand=Estimand.NATURAL if natural else Estimand.EFFORT,
                effort=None if natural else label(setting),
                requested_tokens=setting.reasoning_tokens,
            )
    return places


def _curves(settings: list[ThinkingSetting]) -> dict[str, list[ThinkingSetting]]:
    places = [s for s in settings if s.place is not None]
    efforts = [s for s in settings if s.place is None and s.effort in LEVELS]
    budgets = [s for s in settings if s.place is None and s.effort is None and s.reasoning_tokens is not None]
    caps = [s for s in settings if is_default(s) and s.max_tokens is not None]
    if budgets and all(s.effort == LEVELS[0] for s in efforts):
        budgets, efforts = [*budgets, *efforts], []
    only = {s.effort for s in efforts}
    if len(only) == 1 and not budgets and len({s.reasoning_tokens for s in efforts} - {None}) == len(efforts) > 1:
        budgets, efforts = efforts, []  # one level everywhere tells nothing apart
    has_caps = not (places or efforts or budgets) and len(caps) > 1
    kinds: dict[str, tuple[list[ThinkingSetting], Callable[[ThinkingSetting], Hashable]]] = {
        "as named": (places, lambda s: s.place),
        "by effort": (efforts, lambda s: s.effort),
        "by thinking budget": (budgets, lambda s: (s.effort, s.reasoning_tokens)),
        "by output cap": (caps if has_caps else [], lambda s: s.max_tokens),
    }
    curves = {}
    for name, (members, parameter) in kinds.items():
        for limits, part in _by_further_limits(members, parameter).items():
            curves[", ".join(filter(None, (name, limits)))] = sorted(part, key=_rank)
    return curves


def _by_further_limits(
    members: list[ThinkingSetting], parameter: Callable[[ThinkingSetting], Hashable]
) -> dict[str, list[ThinkingSetting]]:
    """Return the settings of one kind by their further limits, where one rung has several or a higher one less."""
    if len({parameter(setting) for setting in members}) == len(members) and not _contradicts(members):
        return {"": members} if members else {}
    by_limits: dict[str, list[ThinkingSetting]] = defaultdict(list)
    for setting in members:
        budget = setting.reasoning_tokens if setting.effort is not None else None
        further = ThinkingSetting(None, budget, setting.max_tokens)
        by_limits["no further limit" if further == ThinkingSetting() else label(further)].append(setting)
    return by_limits


def _contradicts(members: list[ThinkingSetting]) -> bool:
    """Return whether a limit in tokens falls while the level rises: no one amount of thinking orders the settings."""
    ordered = sorted(members, key=_rank)
    for limits in ([s.reasoning_tokens for s in ordered], [s.max_tokens for s in ordered]):
        known = [tokens for tokens in limits if tokens is not None]
        if known != sorted(known):
            return True
    return False


def is_default(setting: ThinkingSetting) -> bool:
    """Return whether the amount of thinking is left to the provider."""
    return replace(setting, max_tokens=None) == ThinkingSetting()


def _rank(setting: ThinkingSetting) -> tuple[float, int, str, int, int]:
    level = LEVELS.index(setting.effort) if setting.effort in LEVELS else len(LEVELS)
    missing = -1
    budget = missing if setting.reasoning_tokens is None else setting.reasoning_tokens
    cap = missing if setting.max_tokens is None else setting.max_tokens
    return setting.place or 0.0, level, setting.effort or "", budget, cap


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


def level_label(effort: str) -> str:
    """Return the label of the rung that an entry of a plan's `efforts` gives: a level's name, or that of a cap.

    Example:
        >>> level_label("low"), level_label("1024")
        ('low', '1024 thinking tokens')
    """
    return label(ThinkingSetting(reasoning_tokens=int(effort))) if effort.isdecimal() else effort
