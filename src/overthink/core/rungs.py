"""From settings that differ only in how much a model may think to the rungs of a curve.

Logs and tables made elsewhere were run at several reasoning efforts, reasoning budgets or output caps. This
file decides, without any knowledge of the model, which of those runs form one curve, and in which order.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from overthink.core.record import Estimand

LEVELS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
"""The levels of reasoning effort that providers name, least first."""

DEFAULT = "default"
"""Label of the setting that leaves the amount of thinking to the provider."""


@dataclass(frozen=True, slots=True)
class Setting:
    """How much a run was allowed to think. None: left to the provider.

    Attributes:
        effort: Level of reasoning effort.
        reasoning_tokens: Budget for thinking, in tokens.
        max_tokens: Cap on the whole output, in tokens.
    """

    effort: str | None = None
    reasoning_tokens: int | None = None
    max_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a setting stands.

    Attributes:
        curve: Which of the model's curves; "" where there is one.
        rung: Position on that curve, from 0.
        estimand: ``EFFORT`` for a level, budget or cap; ``NATURAL`` where the provider's default stands
            alone.
        effort: Label of the rung; None on a natural curve.
        requested_tokens: Thinking budget asked for, in tokens.
    """

    curve: str
    rung: int
    estimand: Estimand
    effort: str | None
    requested_tokens: int | None


def place_settings(spent: Mapping[Setting, float | None]) -> dict[Setting, Place]:
    """Order the settings of one model on one task into curves.

    A curve moves one knob. Settings with a known effort level form one, ordered by ``LEVELS``; settings
    with a budget for thinking and no effort form another, ordered by number. Where neither knob was touched
    and several output caps were used, the caps form a curve. Within a level or budget, further budgets and
    caps break ties, unstated first.

    What is left has no stated amount of thinking: the provider's default, and levels of an unknown name. It
    takes its place on the curve by the tokens it spent, unless there are two curves or the tokens of some
    rung are unknown: then it stands alone, for a default may think more than any level does.

    Args:
        spent: For every setting, the mean number of tokens realised, or None where it is unknown.

    Returns:
        The place of every setting.

    Example:
        >>> low, high, plain = Setting("low"), Setting("high"), Setting()
        >>> places = place_settings({high: 900.0, plain: 300.0, low: 100.0})
        >>> [(places[s].rung, places[s].effort) for s in (low, plain, high)]
        [(0, 'low'), (1, 'default'), (2, 'high')]
    """
    curves = _curves(spent)
    placed = {setting for curve in curves.values() for setting in curve}
    left = sorted((setting for setting in spent if setting not in placed), key=_rank)
    if len(curves) <= 1 and len(spent) > 1 and None not in spent.values():
        name = next(iter(curves), "by tokens spent")
        curves = {name: _insert_by_tokens(curves.get(name, []), left, spent)}
        left = []
    alone = {label(setting): [setting] for setting in left}
    single = len(curves) + len(alone) == 1
    places = {}
    for name, curve in (curves | alone).items():
        natural = all(_is_default(setting) for setting in curve) and len(curve) == 1
        for rung, setting in enumerate(curve):
            places[setting] = Place(
                curve="" if single else name,
                rung=rung,
                estimand=Estimand.NATURAL if natural else Estimand.EFFORT,
                effort=None if natural else label(setting),
                requested_tokens=setting.reasoning_tokens,
            )
    return places


def _curves(settings: Mapping[Setting, float | None]) -> dict[str, list[Setting]]:
    efforts = [s for s in settings if s.effort in LEVELS]
    budgets = [s for s in settings if s.effort is None and s.reasoning_tokens is not None]
    caps = [s for s in settings if _is_default(s) and s.max_tokens is not None]
    curves = {"by effort": efforts, "by thinking budget": budgets}
    if not efforts and not budgets and len(caps) > 1:
        curves["by output cap"] = caps
    return {name: sorted(curve, key=_rank) for name, curve in curves.items() if curve}


def _insert_by_tokens(
    curve: list[Setting], left: list[Setting], spent: Mapping[Setting, float | None]
) -> list[Setting]:
    """Each of ``left`` goes above the rungs that spent fewer tokens than it did."""

    def tokens(setting: Setting) -> float:
        value = spent[setting]
        assert value is not None
        return value

    merged = list(curve)
    for setting in sorted(left, key=tokens):
        below = [i for i, rung in enumerate(merged) if tokens(rung) < tokens(setting)]
        merged.insert(len(below), setting)
    return merged


def _is_default(setting: Setting) -> bool:
    return setting.effort is None and setting.reasoning_tokens is None


def _rank(setting: Setting) -> tuple[int, str, int, int]:
    level = LEVELS.index(setting.effort) if setting.effort in LEVELS else len(LEVELS)
    unstated = -1
    budget = unstated if setting.reasoning_tokens is None else setting.reasoning_tokens
    return level, setting.effort or "", budget, unstated if setting.max_tokens is None else setting.max_tokens


def label(setting: Setting) -> str:
    """How a setting is named on its curve.

    Example:
        >>> label(Setting("low")), label(Setting(reasoning_tokens=1024))
        ('low', '1024 thinking tokens')
    """
    parts = [] if setting.effort is None else [setting.effort]
    if setting.reasoning_tokens is not None:
        parts.append(f"{setting.reasoning_tokens} thinking tokens")
    if setting.max_tokens is not None:
        parts.append(f"at most {setting.max_tokens} tokens")
    return ", ".join(parts) or DEFAULT
