"""Value of a node: the aggregated verifier scores of its steps."""

from collections.abc import Awaitable
from dataclasses import replace
from typing import Protocol, cast

from overthink.collect.arms.component import Settings
from overthink.collect.arms.strategies.node import Node
from overthink.collect.arms.strategies.search_verifier import open_search_verifier
from overthink.collect.arms.verifiers.base import Aggregate, Scores, UnreadableScoreError, Verifier, aggregate_scores
from overthink.collect.ladder.thinking import TraceContext
from overthink.data.record import Category
from overthink.plan.study import Plan


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
        scores = node.parent.scores + result[-new:]
        return replace(node, scores=scores, path=replace(node.path, score=aggregate_scores(scores, self._aggregate)))


def step_scores(settings: Settings, plan: Plan) -> StepScores:
    """Return the node value of an arm's settings: verifier and aggregate.

    Raises:
        InputError: The verifier cannot be opened.
    """
    return StepScores(open_search_verifier(settings, plan), cast("Aggregate", settings["aggregate"]))


async def charged_scores(context: TraceContext, request: Awaitable[Scores]) -> tuple[float, ...] | None:
    """Return a verifier's scores and charge its tokens; None if its reply is unreadable, so the score is unknown."""
    try:
        result = await request
    except UnreadableScoreError as failure:
        context.meter.charge(Category.VERIFIER, failure.tokens)
        return None
    context.meter.charge(Category.VERIFIER, result.tokens)
    return result.scores
