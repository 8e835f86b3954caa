"""From runs made elsewhere to arms and rungs: what is compared with what.

An arm is a model with everything that differs between its runs except the amount of thinking; the amount of
thinking makes the rungs. Logs and tables are laid out by the same rules.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from overthink.core.record import Estimand
from overthink.core.rungs import Setting, place_settings
from overthink.core.usage import Counts, counts_thinking_apart, split_output


@dataclass(frozen=True, slots=True)
class Run:
    """All responses of one model to one task in one setting.

    Attributes:
        task: Task name.
        model: Model name, or the arm that the data states.
        setting: How much it was allowed to think.
        other: Its other settings, by name.
        usage: Thinking and output tokens of its responses.
    """

    task: str
    model: str
    setting: Setting
    other: Mapping[str, str]
    usage: Sequence[Counts]


@dataclass(frozen=True, slots=True)
class Seat:
    """Where a run stands among the others.

    Attributes:
        arm: The model, and what else differs between its runs of this task.
        model: The model alone.
        rung: Position on the ladder, from 0.
        estimand: What the budget did to the trace.
        effort: Label of the rung, where the rung is a provider's level, budget or cap.
        requested_tokens: Thinking budget asked for, in tokens.
        apart: The output tokens of this model leave the thinking out.
    """

    arm: str
    model: str
    rung: int
    estimand: Estimand
    effort: str | None
    requested_tokens: int | None
    apart: bool


def lay_out(runs: Sequence[Run]) -> list[Seat]:
    """The seat of every run, in the same order. Runs of one model, task and setting share a seat.

    Example:
        >>> usage = [(None, 100)]
        >>> runs = [Run("sums", "m", Setting(effort), {}, usage) for effort in ("high", "low")]
        >>> [(seat.arm, seat.rung, seat.effort) for seat in lay_out(runs)]
        [('m', 1, 'high'), ('m', 0, 'low')]
    """
    by_model: dict[tuple[str, str], list[int]] = defaultdict(list)
    for i, run in enumerate(runs):
        by_model[run.task, run.model].append(i)
    by_arm: dict[tuple[str, str], dict[int, Run]] = defaultdict(dict)
    for (task, model), members in by_model.items():
        labels = name_differences([runs[i].other for i in members])
        for i, label in zip(members, labels, strict=True):
            by_arm[task, f"{model} [{label}]" if label else model][i] = runs[i]
    seats: dict[int, Seat] = {}
    for (_, arm), of_arm in by_arm.items():
        seats |= _one_arm(arm, of_arm)
    return [seats[i] for i in range(len(runs))]


def _one_arm(arm: str, runs: Mapping[int, Run]) -> dict[int, Seat]:
    apart = counts_thinking_apart(counts for run in runs.values() for counts in run.usage)
    spent: dict[Setting, list[int]] = defaultdict(list)
    for run in runs.values():
        decoded = (split_output(thinking, output, apart=apart)[0] for thinking, output in run.usage)
        spent[run.setting] += [tokens for tokens in decoded if tokens is not None]
    places = place_settings({s: sum(tokens) / len(tokens) if tokens else None for s, tokens in spent.items()})
    seats = {}
    for i, run in runs.items():
        place = places[run.setting]
        name = f"{arm} ({place.curve})" if place.curve else arm
        seats[i] = Seat(name, runs[i].model, place.rung, place.estimand, place.effort, place.requested_tokens, apart)
    return seats


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
