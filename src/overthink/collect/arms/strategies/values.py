"""Value of a node: the aggregated verifier scores of its steps.

Verifier of a search, without oracles.
"""

from collections.abc import Awaitable
from dataclasses import replace
from typing import Protocol
from urllib.parse import urlsplit

from overthink.collect.arms.strategies.node import Node
from overthink.collect.arms.verifiers.base import Aggregate, Scores, UnreadableScoreError, Verifier, aggregate_scores
from overthink.collect.arms.verifiers.registry import read_verifier
from overthink.collect.ladder.thinking import TraceContext
from overthink.data.record import Category
from overthink.errors import InputError
from overthink.plan.study import Plan

VERIFIER = "who scores the steps: NAME, or NAME:key=value;key=value, as for overthink verify"
"""Description of the setting ``verifier``."""


def open_search_verifier(text: str, plan: Plan) -> Verifier:
    """Open the verifier that guides a search.

    Args:
        text: The setting ``verifier``.
        plan: The study's plan.

    Raises:
        InputError: The verifier is unknown, an option is missing, or it is an oracle.
    """
    verifier_plan = read_verifier(text, model=plan.model)
    if verifier_plan.verifier.is_oracle:
        raise InputError(
            f"verifier={text} knows the targets, and a search that it guides would be no strategy that anybody can "
            "use; needed: against=consensus. What an oracle would select is told by overthink verify"
        )
    if verifier_plan.aggregate is not None:
        raise InputError(f"verifier={text}: aggregate is a setting of the arm; write it behind a comma of its own")
    return verifier_plan.open()


def verifier_model_names(text: str) -> tuple[str, ...]:
    """Return the models that the verifier calls besides the model under test, without those on this machine."""
    # Only verifiers without models have simulated defaults, so the simulated model here changes no model name.
    verifier = read_verifier(text, model="overthink/simulated").verifier
    address = verifier.address
    here = address is not None and urlsplit(address).hostname in ("localhost", "127.0.0.1", "::1")
    return () if here else verifier.models


class NodeValue(Protocol):
    """Protocol: evaluates a node and charges the tokens of the verifier."""

    async def __call__(self, context: TraceContext, node: Node) -> Node:
        """Return the node with its step scores, and its path with its score."""
        ...


class StepScores:
    """Value of a node from its step scores; each step is scored once.

    Args:
        verifier: The verifier.
        aggregate: Aggregation of the step scores.
    """

    def __init__(self, verifier: Verifier, aggregate: Aggregate) -> None:
        self._verifier = verifier
        self._aggregate: Aggregate = aggregate

    async def __call__(self, context: TraceContext, node: Node) -> Node:
        """Return the node with its step scores, and its path with its score."""
        assert node.parent is not None
        new = len(node.own_steps)
        if not "".join(node.own_steps).strip():  # no step beyond its parent
            return replace(node, scores=node.parent.scores, path=replace(node.path, score=node.parent.path.score))
        result = await charged_scores(context, self._verifier.steps(context, node.path, last_only=new == 1))
        if result is None:
            return replace(node, scores=node.parent.scores)
        Scores(result, 0).checked(1 if new == 1 else len(node.path.steps), self._verifier.name)
        scores = node.parent.scores + result[-new:]
        return replace(node, scores=scores, path=replace(node.path, score=aggregate_scores(scores, self._aggregate)))


async def charged_scores(context: TraceContext, request: Awaitable[Scores]) -> tuple[float, ...] | None:
    """Return a verifier's scores and charge its tokens; None if its reply is unreadable, so the score is unknown."""
    try:
        result = await request
    except UnreadableScoreError as failure:
        context.meter.charge(Category.VERIFIER, failure.tokens)
        return None
    context.meter.charge(Category.VERIFIER, result.tokens)
    return result.scores
