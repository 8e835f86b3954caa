"""Agents with intermediate scores: from ScoreEvents to steps on a common grid.

Every sample becomes a path: cumulative usage after each call of the evaluated model, with the scores so far.
The paths of one arm are read on a common grid. The value at budget b is the last score at or before the last
call within b; before the first score the value is unknown; after the end of a path its final score is carried
forward.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeGuard

import numpy as np
from inspect_ai.event import Event, ModelEvent, ScoreEvent
from inspect_ai.log import EvalSample, EvalSampleSummary, EvalSpec
from inspect_ai.model import ModelOutput

from overthink.collect.inspect_logs.files import OpenLog
from overthink.collect.inspect_logs.hidden_thinking import counts_summaries
from overthink.collect.inspect_logs.sample_ends import Message, may_hold
from overthink.collect.inspect_logs.times import WorkClock
from overthink.collect.inspect_logs.traces import flat_scores
from overthink.data.tokens import total

LogCheckpointUnit = Literal["tokens", "turns", "cost"]
"""Unit in which checkpoints are compared: output tokens, calls of the evaluated model, or US dollars."""

RUNGS = 8
"""Maximum number of budgets on the grid."""

_N_PROBE_SAMPLES = 5
_INTERMEDIATE = re.compile(rb'"intermediate"\s*:\s*true')


@dataclass(frozen=True, slots=True)
class LogStep:
    """Cumulative usage and scores of a sample after one call of the model.

    Attributes:
        tokens: Output tokens so far; None if a call reports none, or 0 beside its text.
        thinking: Reasoning tokens so far; None if the provider does not report them.
        turns: Calls so far.
        cost: US dollars so far; None if the price is unknown.
        seconds: Working seconds so far, without scoring; None if not in the log.
        scores: Values by `scorer` or `scorer.key`; None before the first score.
    """

    tokens: int | None = 0
    thinking: int | None = 0
    turns: int = 0
    cost: float | None = 0.0
    seconds: float | None = 0.0
    scores: dict[str, Any] | None = None

    def amount(self, unit: LogCheckpointUnit) -> float | None:
        """Return tokens, turns or cost so far."""
        return {"tokens": self.tokens, "turns": self.turns, "cost": self.cost}[unit]


LogPath = tuple[LogStep, ...]
"""The steps of one sample, from zero usage to its end."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Budgets at which the paths of one arm are read.

    Attributes:
        arm: Name of the arm.
        model: The model.
        unit: Unit of the budgets.
        budgets: Budgets, increasing.
        excludes_reasoning: The output tokens of this model exclude its reasoning.
    """

    arm: str
    model: str
    unit: LogCheckpointUnit
    budgets: tuple[float, ...]
    excludes_reasoning: bool


def has_checkpoints(log: OpenLog) -> bool:
    """Return whether a log contains intermediate scores, judged from its few samples with the highest usage."""

    def total_tokens(summary: EvalSampleSummary) -> int:
        return sum(usage.total_tokens for usage in summary.model_usage.values())

    longest = sorted(log.summaries, key=total_tokens, reverse=True)[:_N_PROBE_SAMPLES]
    return may_hold(log, longest, _INTERMEDIATE) and any(
        isinstance(event, ScoreEvent) and event.intermediate
        for sample in log.samples(longest)
        for event in sample.events
    )


def read_paths(log: OpenLog, summaries: list[EvalSampleSummary]) -> list[LogPath]:
    """Return the path of every sample.

    Raises:
        InputError: A sample cannot be read.
    """
    return [path_of(sample, log.header.eval) for sample in log.samples(summaries)]


def path_of(sample: EvalSample, spec: EvalSpec) -> LogPath:
    """Return one step per call of the evaluated model, with the scores given before the next call.

    The last step has the final score.
    """
    steps, clock = [LogStep()], WorkClock(spec)
    for event in sample.events:
        last = steps[-1]
        clock.see(event)
        if _is_own_call(event, spec):
            tokens, thinking, cost = _counts_of_call(event.output, spec)
            steps.append(
                LogStep(
                    tokens=total((last.tokens, tokens)),
                    thinking=total((last.thinking, thinking)),
                    turns=last.turns + 1,
                    cost=total((last.cost, cost)),
                    seconds=clock.seconds,
                    scores=last.scores,
                )
            )
        elif isinstance(event, ScoreEvent) and event.intermediate:
            scores = {**(last.scores or {}), **flat_scores({event.scorer or "score": event.score})}
            steps[-1] = replace(last, scores=scores)
    if len(steps) > 1:
        steps[-1] = replace(steps[-1], seconds=clock.when_solved(sample.events))
    final = flat_scores(sample.scores)
    if final:
        steps[-1] = replace(steps[-1], scores=final)
    return tuple(steps)


def _is_own_call(event: Event, spec: EvalSpec) -> TypeGuard[ModelEvent]:
    """Return whether an event is a call of the evaluated model that gave an output."""
    if not isinstance(event, ModelEvent) or event.error or event.output.empty:
        return False
    return event.role is None and event.model == spec.model


def _counts_of_call(output: ModelOutput, spec: EvalSpec) -> tuple[int | None, int | None, float | None]:
    """Return output tokens, reasoning tokens and US dollars of a call; None where a count is no measurement.

    That is a zero beside text, and reasoning tokens that are those of a summary.
    """
    usage, message = output.usage, Message.model_validate(output.message)
    if usage is None:
        return None, None, None
    wrote = bool(message.text.strip()) or message.has_acted
    tokens = None if usage.output_tokens == 0 and wrote else usage.output_tokens
    is_unknown = message.has_reasoning and (usage.reasoning_tokens == 0 or counts_summaries(spec))
    thinking = None if is_unknown else usage.reasoning_tokens
    return tokens, thinking, usage.total_cost


def common_budgets(paths: Sequence[LogPath], unit: LogCheckpointUnit) -> tuple[float, ...]:
    """Return the budgets at which paths are read: the usage at every new score, or quantiles of it.

    At most ``RUNGS``. The largest is the maximum usage of all paths at a score, so the last rung holds the score of
    every path at its end. Empty if a usage is unknown.
    """
    amounts = [
        step.amount(unit)
        for path in paths
        for before, step in zip((LogStep(), *path), path, strict=False)
        if step.scores is not None and step.scores is not before.scores
    ]
    known_amounts = [value for value in amounts if value is not None]
    if not known_amounts or len(known_amounts) < len(amounts):
        return ()
    budgets = np.unique(known_amounts)
    if budgets.size > RUNGS:
        budgets = np.unique(np.quantile(known_amounts, np.linspace(0, 1, RUNGS), method="higher"))
    return tuple(budgets.tolist())


def at_budget(path: LogPath, budget: float, unit: LogCheckpointUnit) -> tuple[LogStep, bool]:
    """Return the last step of a path within a budget, and whether the path had ended by then."""
    steps_within = [step for step in path if (amount := step.amount(unit)) is not None and amount <= budget]
    last = steps_within[-1]
    return last, len(steps_within) == len(path)


def grid_label(budget: float, unit: LogCheckpointUnit) -> str:
    """Return the label of a budget of the grid."""
    if unit == "cost":
        return f"{budget:.4g} USD"
    return f"{budget:.0f} {unit}"
