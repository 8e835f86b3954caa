"""Agents that were scored on their way: from intermediate ScoreEvents to steps on a common grid.

Every sample becomes a path: what it had spent after each call of the evaluated model, and the scores it had
by then. The paths of one arm are read on a common grid. At a budget b stands the last score given at or
before the last call that b allows; before the first score the value is unknown; after the end of a path its
final score is carried on.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar

import numpy as np
from inspect_ai.event import ModelEvent, ScoreEvent
from inspect_ai.log import EvalSample, EvalSampleSummary, EvalSpec

from overthink.collect.log_files import OpenLog
from overthink.collect.log_scores import flat_scores
from overthink.collect.log_time import WorkClock

CheckpointUnit = Literal["tokens", "turns", "cost"]
"""What checkpoints are compared at: output tokens, calls of the evaluated model, or US dollars."""

Number = TypeVar("Number", int, float)

RUNGS = 8
"""Most budgets on the grid."""

_PROBED = 5


@dataclass(frozen=True, slots=True)
class Step:
    """What a sample had spent, and the scores it had, after one call of the model.

    Attributes:
        tokens: Output tokens so far.
        thinking: Reasoning tokens so far; None where the provider does not say.
        turns: Calls so far.
        cost: US dollars so far; None where the price is unknown.
        seconds: Working seconds so far, those of the scores left out; None where the log does not tell.
        scores: Values by `scorer` or `scorer.key`; None before the first score.
    """

    tokens: int = 0
    thinking: int | None = 0
    turns: int = 0
    cost: float | None = 0.0
    seconds: float | None = 0.0
    scores: dict[str, Any] | None = None

    def spent(self, unit: CheckpointUnit) -> float | None:
        """Tokens, turns or cost so far."""
        return {"tokens": self.tokens, "turns": self.turns, "cost": self.cost}[unit]


Path = tuple[Step, ...]
"""The steps of one sample, from nothing spent to its end."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Where the paths of one arm are read.

    Attributes:
        arm: What is compared.
        model: The model.
        unit: What its budgets count.
        budgets: Increasing.
        apart: The output tokens of this model leave the thinking out.
    """

    arm: str
    model: str
    unit: CheckpointUnit
    budgets: tuple[float, ...]
    apart: bool


def has_checkpoints(log: OpenLog) -> bool:
    """Whether a log holds scores given on the way: looks into the few samples that spent the most."""

    def spent(summary: EvalSampleSummary) -> int:
        return sum(usage.total_tokens for usage in summary.model_usage.values())

    longest = sorted(log.summaries, key=spent, reverse=True)[:_PROBED]
    return any(
        isinstance(event, ScoreEvent) and event.intermediate
        for sample in log.samples(longest)
        for event in sample.events
    )


def read_paths(log: OpenLog, wanted: list[EvalSampleSummary]) -> list[Path]:
    """The path of every sample.

    Raises:
        InputError: A sample cannot be read.
    """
    return [path_of(sample, log.header.eval) for sample in log.samples(wanted)]


def path_of(sample: EvalSample, spec: EvalSpec) -> Path:
    """One step per call of the evaluated model, with the scores given before the next call.

    The last step has the final score.
    """
    steps, clock = [Step()], WorkClock(spec)
    for event in sample.events:
        now = steps[-1]
        clock.see(event)
        if isinstance(event, ModelEvent) and event.role is None and event.model == spec.model and event.output.usage:
            usage = event.output.usage
            steps.append(
                Step(
                    tokens=now.tokens + usage.output_tokens,
                    thinking=_plus(now.thinking, usage.reasoning_tokens),
                    turns=now.turns + 1,
                    cost=_plus(now.cost, usage.total_cost),
                    seconds=clock.worked,
                    scores=now.scores,
                )
            )
        elif isinstance(event, ScoreEvent) and event.intermediate:
            scores = {**(now.scores or {}), **flat_scores({event.scorer or "score": event.score})}
            steps[-1] = replace(now, scores=scores)
    if len(steps) > 1:
        steps[-1] = replace(steps[-1], seconds=clock.when_solved(sample.events))
    final = flat_scores(sample.scores)
    if final:
        steps[-1] = replace(steps[-1], scores=final)
    return tuple(steps)


def common_budgets(paths: Sequence[Path], unit: CheckpointUnit) -> tuple[float, ...]:
    """The budgets at which paths are read: every place where a score was given, or quantiles of them.

    At most ``RUNGS``. The largest is the largest that any path spent, so the last rung holds the score of
    every path at its end. Empty where what was spent is unknown.
    """
    spent = [
        step.spent(unit)
        for path in paths
        for before, step in zip((Step(), *path), path, strict=False)
        if step.scores is not None and step.scores is not before.scores
    ]
    known = [value for value in spent if value is not None]
    if not known or len(known) < len(spent):
        return ()
    budgets = np.unique(known)
    if budgets.size > RUNGS:
        budgets = np.unique(np.quantile(known, np.linspace(0, 1, RUNGS), method="higher"))
    return tuple(budgets.tolist())


def at_budget(path: Path, budget: float, unit: CheckpointUnit) -> tuple[Step, bool]:
    """Where a path stood when the budget was used up, and whether it had ended by then."""
    reached = [step for step in path if (spent := step.spent(unit)) is not None and spent <= budget]
    now = reached[-1]
    return now, len(reached) == len(path)


def grid_label(budget: float, unit: CheckpointUnit) -> str:
    """A budget of the grid in words."""
    if unit == "cost":
        return f"{budget:.4g} USD"
    return f"{budget:.0f} {unit}"


def _plus(total: Number | None, more: Number | None) -> Number | None:
    return None if total is None or more is None else total + more
