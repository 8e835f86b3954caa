"""What readers of results are told of the runs behind arms and rungs: why runs stand apart, and which are pooled."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from overthink.data.arms_of_runs import ModelRun, Placement, differing_names, names_within_rungs
from overthink.data.ladder import LEVELS, ThinkingSetting, is_default, label
from overthink.data.visible import name_list

_MAX_NAMES, _MAX_VALUES = 6, 4
"""Settings, and values of each, that are named."""


def placement_notes(runs: Sequence[ModelRun], placements: Sequence[Placement], *, advice: str) -> list[str]:
    """Return why runs of one model and task are several arms, a sentence or two per model and task.

    Args:
        runs: The runs.
        placements: The placement of each, from :func:`~overthink.data.arms_of_runs.assign_curves`.
        advice: What was looked at, and what to do where every arm has one rung.

    Example:
        >>> from overthink.data.arms_of_runs import ReportedTokens, assign_curves
        >>> runs = [ModelRun("t", "m", ThinkingSetting(), {"seats": n}, ReportedTokens()) for n in ("2", "4")]
        >>> placement_notes(runs, assign_curves(runs), advice="Name the ladder.")
        ['Task t: the runs of m are 2 arms of one rung each. They differ in seats (2; 4). Name the ladder.']
    """
    groups: dict[tuple[str, str], list[int]] = defaultdict(list)
    for i, run in enumerate(runs):
        groups[run.group].append(i)
    notes = []
    for (task, model), members in groups.items():
        by_arm: dict[str, list[int]] = defaultdict(list)
        for i in members:
            by_arm[placements[i].arm].append(i)
        if len(by_arm) > 1:
            own = [runs[i] for i in members]
            sentences = _apart(own, [placements[i] for i in members], len(by_arm), advice)
            notes.append(f"Task {task}: the runs of {model} are {' '.join(sentences)}")
    return notes


def _apart(runs: list[ModelRun], placements: list[Placement], n_arms: int, advice: str) -> list[str]:
    rungs = {(placement.arm, placement.rung) for placement in placements}
    has_curve = len(rungs) > n_arms
    within, all_names = names_within_rungs(runs), differing_names(run.other for run in runs)
    names = [name for name in all_names if name in within] if has_curve else all_names
    sentences = [f"{n_arms} arms{'' if has_curve else ' of one rung each'}."]
    if names:
        which = "Runs of one rung" if has_curve else "They"
        sentences.append(f"{which} differ in {_values(names, [run.other for run in runs])}.")
    if len({run.setting for run in runs}) > 1:
        on_curve = {arm for arm, rung in rungs if rung > 0}
        alone = [run.setting for run, place in zip(runs, placements, strict=True) if place.arm not in on_curve]
        sentences += _why_alone(list(dict.fromkeys(alone)))
    return sentences if has_curve else [*sentences, advice]


def _why_alone(settings: Sequence[ThinkingSetting]) -> list[str]:
    """Return why settings stand apart, by setting."""
    sentences = []
    if any(is_default(setting) for setting in settings):
        sentences.append(
            f"Runs at {' and '.join(label(s) for s in settings if is_default(s))} leave the amount of thinking to the "
            "provider, which may be more or less than any level, so they are no rung of a ladder."
        )
    unknown = [setting for setting in settings if setting.effort not in (None, *LEVELS) and setting.place is None]
    if unknown:
        sentences.append(f"No order is known for {', '.join(label(setting) for setting in unknown)}.")
    return sentences


def _values(names: Sequence[str], settings: Sequence[Mapping[str, str]]) -> str:
    parts = []
    for name in names:
        values = list(dict.fromkeys(run.get(name, "unstated") for run in settings))
        more = "; …" if len(values) > _MAX_VALUES else ""
        parts.append(f"{name} ({'; '.join(values[:_MAX_VALUES])}{more})")
    return name_list(parts, _MAX_NAMES)
