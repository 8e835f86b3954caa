"""Sampling specification of one trace: ladder, format, sampling parameters, seed.

Named seeds: each depends on its purpose, never on the order of execution.

Construction of sampling specifications from plans, and the completion that scorers receive for a forced answer.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from inspect_ai.model import ChatMessage
from inspect_ai.solver import TaskState

from overthink.collect.providers.continuation import Sampling
from overthink.collect.providers.think_tags import ANSWER_LINE, ThinkFormat, for_prompt, think_format
from overthink.collect.scoring.replay import evaluated_model
from overthink.data.missing_rungs import TraceKey
from overthink.plan.study import Plan, TaskPlan


def seed_for(*names: str | int) -> int:
    """Return a 31-bit seed derived from the names, for instance (study seed, task, question, draw, segment).

    Example:
        >>> seed_for(7, "arithmetic", "q1", 0, 2) == seed_for(7, "arithmetic", "q1", 0, 2)
        True
        >>> seed_for(7, "arithmetic", "q1", 0, 2) == seed_for(8, "arithmetic", "q1", 0, 2)
        False
    """
    digest = hashlib.blake2b("\x1f".join(map(str, names)).encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big") & 0x7FFF_FFFF


@dataclass(frozen=True, slots=True)
class SamplingSpec:
    """Ladder, format and sampling of one trace.

    Attributes:
        budgets: Thinking budgets in tokens, ascending.
        format: Think format, with the cue for this prompt.
        answer_tokens: Token limit of the answer at every rung, besides the thinking.
        temperature: Sampling temperature.
        top_p: Nucleus sampling mass.
        seed: Seed of this trace, from which every request's seed derives.
        truth: Simulated outcome data of the question; None for every real model.
    """

    budgets: tuple[int, ...]
    format: ThinkFormat
    answer_tokens: int
    temperature: float
    top_p: float
    seed: int
    truth: dict[str, Any] | None = None

    def truth_for(self, phase: str, thinking: int) -> dict[str, Any] | None:
        """Return the simulated model's data for one request; None for every real model."""
        return None if self.truth is None else self.truth | {"phase": phase, "thinking_tokens": thinking}

    def thinking(self, max_tokens: int, *purpose: str | int, stop: tuple[str, ...] = ()) -> Sampling:
        """Return the sampling parameters of a thinking segment.

        Args:
            max_tokens: Maximum number of tokens to decode.
            purpose: Name of the request, from which its seed derives.
            stop: Stop texts besides those that end the thinking.
        """
        return self._sampling(max_tokens, (*self.format.stop, *stop), purpose)

    def answering(self, *purpose: str | int) -> Sampling:
        """Return the sampling parameters of an answer."""
        return self._sampling(self.answer_tokens, self.format.answer_stop, purpose)

    def _sampling(self, max_tokens: int, stop: tuple[str, ...], purpose: tuple[str | int, ...]) -> Sampling:
        return Sampling(max_tokens, seed_for(self.seed, *purpose), self.temperature, self.top_p, stop)


def trace_seed(plan: Plan, trace: TraceKey) -> int:
    """Return the seed of a trace. It is independent of the arm: arms share their draws."""
    task, _, question, draw = trace
    return seed_for(plan.seed, task, question, draw)


def sampling_spec(
    plan: Plan,
    task: TaskPlan,
    *,
    trace: TraceKey,
    budgets: tuple[int, ...],
    prompt: Sequence[ChatMessage],
    state: TaskState,
) -> SamplingSpec:
    """Return the sampling specification of a trace.

    Args:
        plan: The study's plan.
        task: The task's plan.
        trace: Key of the trace.
        budgets: Budgets of its rungs.
        prompt: Messages of the prompt.
        state: Initial state of the sample.
    """
    assert plan.temperature is not None
    assert plan.top_p is not None
    text = "\n".join(message.text for message in prompt)
    return SamplingSpec(
        budgets=budgets,
        format=for_prompt(think_format(plan.think_format), text, cue=plan.answer_cue),
        answer_tokens=plan.answer_tokens,
        temperature=plan.temperature,
        top_p=plan.top_p,
        seed=trace_seed(plan, trace),
        truth=_truth(plan, task, trace, state) if getattr(evaluated_model().api, "wants_truth", False) else None,
    )


def completion_of(plan: Plan, spec: SamplingSpec, text: str) -> str:
    """Return a forced answer as the completion that the scorer receives.

    A cue requested by the prompt or the evaluator belongs to the answer; Overthink's own scaffolding does not.
    """
    cue = spec.format.cue
    return _join_cue(cue if cue == ANSWER_LINE or plan.answer_cue is not None else "", text)


def _truth(plan: Plan, task: TaskPlan, trace: TraceKey, state: TaskState) -> dict[str, Any]:
    """Return the simulated model's data: a good and a bad answer under the task's scorer, and the trace's key."""
    answers = (state.metadata or {}).get("simulated") or {"good": state.target.text, "bad": "I do not know."}
    return {
        "axis": task.axis,
        "question": trace[2],
        "draw": trace[3],
        "seed": plan.seed,
        "good": answers["good"],
        "bad": answers["bad"],
    }


def _join_cue(cue: str, text: str) -> str:
    """Join cue and answer as a model would write them: a space separates the cue from a word.

    An answer that repeats the cue is returned as it is.
    """
    if cue.strip() and text.lstrip().casefold().startswith(cue.strip().casefold()):
        return text
    return f"{cue} {text}" if cue.endswith(":") and text[:1].strip() else cue + text
