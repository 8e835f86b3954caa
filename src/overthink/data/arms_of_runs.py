"""Assignment of foreign runs to arms and rungs.

An arm is a model with everything that differs between its runs except the amount of thinking; the amount of
thinking makes the rungs. Logs and tables follow the same rules.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from overthink.data.ladder import ThinkingSetting, place_settings
from overthink.data.record import Estimand
from overthink.data.tokens import TokenUsage, excludes_reasoning_by_counts


@dataclass(frozen=True, slots=True)
class ReportedTokens:
    """Sums of the tokens that a provider reported for several responses.

    Attributes:
        n_output: Responses with a number of output tokens.
        output: Their output tokens.
        n_both: Responses with a number of thinking tokens as well.
        both: Thinking and output tokens of these.
        n_above: Those of these whose thinking exceeds the output.
    """

    n_output: int = 0
    output: int = 0
    n_both: int = 0
    both: int = 0
    n_above: int = 0

    @classmethod
    def of(cls, responses: Iterable[TokenUsage]) -> "ReportedTokens":
        """Return the sums over responses, whose decoded tokens are the output.

        Example:
            >>> ReportedTokens.of([TokenUsage(thinking_tokens=900, decoded_tokens=40)]).decoded(excludes_reasoning=True)
            (940, 1)
        """
        counts = [(usage.thinking_tokens, usage.decoded_tokens) for usage in responses]
        output = [tokens for _, tokens in counts if tokens is not None]
        both = [(a, b) for a, b in counts if a is not None and b is not None]
        above = sum(thinking > tokens for thinking, tokens in both)
        return cls(len(output), sum(output), len(both), sum(map(sum, both)), above)

    def decoded(self, *, excludes_reasoning: bool) -> tuple[int, int]:
        """Return the decoded tokens of the responses for which they are known, and the number of these."""
        return (self.both, self.n_both) if excludes_reasoning else (self.output, self.n_output)


@dataclass(frozen=True, slots=True)
class ModelRun:
    """All responses of one model to one task in one setting.

    Attributes:
        task: Task name.
        model: Model name, or the arm that the data states.
        setting: Its limits on thinking.
        other: Its other settings, by name.
        tokens: Tokens of its responses, as reported by the provider.
    """

    task: str
    model: str
    setting: ThinkingSetting
    other: Mapping[str, str]
    tokens: ReportedTokens


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
        >>> tokens = ReportedTokens(n_output=1, output=100)
        >>> runs = [ModelRun("sums", "m", ThinkingSetting(effort), {}, tokens) for effort in ("high", "low")]
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
    tokens = [run.tokens for run in runs.values()]
    excludes_reasoning = excludes_reasoning_by_counts(sum(t.n_above for t in tokens), sum(t.n_both for t in tokens))
    by_setting: dict[ThinkingSetting, tuple[int, int]] = {}
    for run in runs.values():
        before, decoded = by_setting.get(run.setting, (0, 0)), run.tokens.decoded(excludes_reasoning=excludes_reasoning)
        by_setting[run.setting] = before[0] + decoded[0], before[1] + decoded[1]
    positions = place_settings({setting: total / n if n else None for setting, (total, n) in by_setting.items()})
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
