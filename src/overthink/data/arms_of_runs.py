"""Assignment of foreign runs to arms and rungs, and the notes on it for readers of results.

An arm is a model with everything that differs between its runs of one rung; the amount of thinking makes the rungs.
Logs and tables follow the same rules.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from overthink.data.ladder import LEVELS, ThinkingSetting, is_default, label, place_settings
from overthink.data.record import Estimand
from overthink.data.tokens import TokenUsage, excludes_reasoning_by_counts
from overthink.data.visible import name_list


@dataclass(frozen=True, slots=True)
class ReportedTokens:
    """Responses whose provider reported thinking and output tokens.

    Attributes:
        n_both: Responses with a number of both.
        n_above: Those of these whose thinking exceeds the output.
    """

    n_both: int = 0
    n_above: int = 0

    @classmethod
    def of(cls, responses: Iterable[TokenUsage]) -> "ReportedTokens":
        """Return the counts over responses, whose decoded tokens are the output.

        Example:
            >>> ReportedTokens.of([TokenUsage(thinking_tokens=900, decoded_tokens=40)])
            ReportedTokens(n_both=1, n_above=1)
        """
        counts = [(usage.thinking_tokens, usage.decoded_tokens) for usage in responses]
        both = [(a, b) for a, b in counts if a is not None and b is not None]
        return cls(len(both), sum(thinking > tokens for thinking, tokens in both))


@dataclass(frozen=True, slots=True)
class ModelRun:
    """All responses of one model to one task in one setting.

    Attributes:
        task: Task name.
        model: Model name, or the arm that the data states.
        setting: Its limits on thinking.
        other: Its other settings, by name.
        tokens: Tokens of its responses, as reported by the provider.
        family: The model's name without what it says of thinking, where runs of several such names form a ladder;
            None for the model's own name.
    """

    task: str
    model: str
    setting: ThinkingSetting
    other: dict[str, str]
    tokens: ReportedTokens
    family: str | None = None

    @property
    def group(self) -> tuple[str, str]:
        """Task and model of the runs among which it is placed."""
        return self.task, self.family or self.model


@dataclass(frozen=True, slots=True)
class Placement:
    """Arm and rung of a run.

    Attributes:
        arm: The model, and what else differs between its runs of one rung of this task.
        model: The model alone.
        rung: Position on the ladder, from 0.
        estimand: Effect of the budget on the trace.
        effort: Label of the rung, where the rung is a provider's level, budget or cap.
        requested_tokens: Requested thinking budget, in tokens.
        excludes_reasoning: Whether the output tokens of this model exclude the thinking.
    """

    arm: str
    model: str
    rung: int
    estimand: Estimand
    effort: str | None
    requested_tokens: int | None
    excludes_reasoning: bool


def assign_curves(runs: Sequence[ModelRun]) -> list[Placement]:
    """Placement of every run, in the same order. Runs of one model, task and setting share a placement.

    A setting that differs between runs of one rung names arms: without it unlike runs would be one rung's draws. One
    that differs only between rungs does not, as the runs would then be arms of one rung each and nothing would say
    that they were meant as a ladder; the gate ``comparability`` finds it on the curve.

    Example:
        >>> runs = [
        ...     ModelRun("sums", "m", ThinkingSetting(effort), {"judge": judge}, ReportedTokens())
        ...     for effort, judge in (("high", "a"), ("high", "b"), ("low", "a"))
        ... ]
        >>> [(p.arm, p.rung, p.effort) for p in assign_curves(runs)]
        [('m [judge=a]', 1, 'high'), ('m [judge=b]', 0, 'high'), ('m [judge=a]', 0, 'low')]
    """
    by_model: dict[tuple[str, str], list[int]] = defaultdict(list)
    for i, run in enumerate(runs):
        by_model[run.group].append(i)
    placements: dict[int, Placement] = {}
    for (_, model), members in by_model.items():
        names = names_within_rungs([runs[i] for i in members])
        by_arm: dict[str, dict[int, ModelRun]] = defaultdict(dict)
        for i, suffix in zip(members, name_differences([_only(runs[i].other, names) for i in members]), strict=True):
            by_arm[f"{model} [{suffix}]" if suffix else model][i] = runs[i]
        for arm, arm_runs in by_arm.items():
            placements |= _arm_placements(arm, arm_runs)
    return [placements[i] for i in range(len(runs))]


def names_within_rungs(runs: Iterable[ModelRun]) -> set[str]:
    """Return the names of the settings that differ between runs of the same thinking setting."""
    by_setting: dict[ThinkingSetting, list[Mapping[str, str]]] = defaultdict(list)
    for run in runs:
        by_setting[run.setting].append(run.other)
    return {name for others in by_setting.values() for name in differing_names(others)}


def _arm_placements(arm: str, runs: Mapping[int, ModelRun]) -> dict[int, Placement]:
    tokens = [run.tokens for run in runs.values()]
    excludes_reasoning = excludes_reasoning_by_counts(sum(t.n_above for t in tokens), sum(t.n_both for t in tokens))
    positions = place_settings(run.setting for run in runs.values())
    placements = {}
    for i, run in runs.items():
        position = positions[run.setting]
        name = f"{arm} ({position.curve})" if position.curve else arm
        placements[i] = Placement(
            name,
            runs[i].model,
            position.rung,
            position.estimand,
            position.effort,
            position.requested_tokens,
            excludes_reasoning,
        )
    return placements


def differing_names(settings: Iterable[Mapping[str, str]]) -> list[str]:
    """Return the names of the settings in which some runs differ, sorted. A missing one is a difference too."""
    runs = list(settings)
    names = sorted({name for run in runs for name in run})
    return [name for name in names if len({run.get(name) for run in runs}) > 1]


def name_differences(settings: Sequence[Mapping[str, str]]) -> list[str]:
    """For runs of one model, the other settings in which they differ, as a short name; "" where they do not.

    Args:
        settings: For every run, its settings by name. A missing one is a difference too.

    Example:
        >>> name_differences([{"top_p": "1", "shots": "0"}, {"top_p": "1", "shots": "5"}])
        ['shots=0', 'shots=5']
    """
    differing = differing_names(settings)
    return [", ".join(f"{name}={run[name]}" for name in differing if name in run) for run in settings]


def _only(settings: Mapping[str, str], names: Collection[str]) -> dict[str, str]:
    return {name: value for name, value in settings.items() if name in names}


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
