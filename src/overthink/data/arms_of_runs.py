"""Assignment of foreign runs to arms and rungs.

An arm is a model with everything that differs between its runs except the amount of thinking; the amount of
thinking makes the rungs. Logs and tables follow the same rules.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from overthink.data.ladder import ThinkingSetting, place_settings
from overthink.data.record import Estimand
from overthink.data.tokens import TokenUsage, split_output, usage_excludes_reasoning


@dataclass(frozen=True, slots=True)
class ModelRun:
    """All responses of one model to one task in one setting.

    Attributes:
        task: Task name.
        model: Model name, or the arm that the data states.
        setting: Its limits on thinking.
        other: Its other settings, by name.
        usage: Usage of its responses, as reported by the provider.
    """

    task: str
    model: str
    setting: ThinkingSetting
    other: Mapping[str, str]
    usage: Sequence[TokenUsage]


@dataclass(frozen=True, slots=True)
class Placement:
    """Arm and rung of a run.

    Attributes:
        arm: The model, and what else differs between its runs of this task.
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

    Example:
        >>> usage = [TokenUsage(thinking_tokens=None, decoded_tokens=100)]
        >>> runs = [ModelRun("sums", "m", ThinkingSetting(effort), {}, usage) for effort in ("high", "low")]
        >>> [(p.arm, p.rung, p.effort) for p in assign_curves(runs)]
        [('m', 1, 'high'), ('m', 0, 'low')]
    """
    by_model: dict[tuple[str, str], list[int]] = defaultdict(list)
    for i, run in enumerate(runs):
        by_model[run.task, run.model].append(i)
    by_arm: dict[tuple[str, str], dict[int, ModelRun]] = defaultdict(dict)
    for (task, model), members in by_model.items():
        labels = name_differences([runs[i].other for i in members])
        for i, label in zip(members, labels, strict=True):
            by_arm[task, f"{model} [{label}]" if label else model][i] = runs[i]
    placements: dict[int, Placement] = {}
    for (_, arm), arm_runs in by_arm.items():
        placements |= _arm_placements(arm, arm_runs)
    return [placements[i] for i in range(len(runs))]


def _arm_placements(arm: str, runs: Mapping[int, ModelRun]) -> dict[int, Placement]:
    excludes_reasoning = usage_excludes_reasoning(counts for run in runs.values() for counts in run.usage)
    tokens_by_setting: dict[ThinkingSetting, list[int]] = defaultdict(list)
    for run in runs.values():
        decoded_tokens = (
            split_output(usage.thinking_tokens, usage.decoded_tokens, excludes_reasoning=excludes_reasoning)[0]
            for usage in run.usage
        )
        tokens_by_setting[run.setting] += [tokens for tokens in decoded_tokens if tokens is not None]
    positions = place_settings(
        {s: sum(tokens) / len(tokens) if tokens else None for s, tokens in tokens_by_setting.items()}
    )
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


def name_differences(settings: Sequence[Mapping[str, str]]) -> list[str]:
    """For runs of one model, the other settings in which they differ, as a short name; "" where they do not.

    Args:
        settings: For every run, its settings by name. A missing one is a difference too.

    Example:
        >>> name_differences([{"top_p": "1", "shots": "0"}, {"top_p": "1", "shots": "5"}])
        ['shots=0', 'shots=5']
    """
    names = sorted({name for run in settings for name in run})
    differing = [name for name in names if len({run.get(name) for run in settings}) > 1]
    return [", ".join(f"{name}={run[name]}" for name in differing if name in run) for run in settings]
