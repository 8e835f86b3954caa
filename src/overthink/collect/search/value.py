"""What a node is worth: a verifier's scores of its steps, made one."""

from collections.abc import Awaitable
from dataclasses import replace
from typing import Protocol, cast

from overthink.collect.part import Settings
from overthink.collect.search.node import Node
from overthink.collect.search.verifier_of import verifier_of
from overthink.collect.thinking import Means
from overthink.collect.verify.verifier import Aggregate, Scored, UnreadableScoreError, Verifier, aggregated
from overthink.core.category import Category
from overthink.plan import Plan


class Value(Protocol):
    """Says what a node is worth, and pays for it."""

    async def __call__(self, means: Means, node: Node) -> Node:
        """The node with its scores, and its path with its score."""
        ...


class StepScores:
    """The steps so far, each scored once; only what is new is asked for.

    Args:
        verifier: Who scores.
        aggregate: How the scores of the steps become one.
    """

    def __init__(self, verifier: Verifier, aggregate: Aggregate) -> None:
        self._verifier = verifier
        self._aggregate: Aggregate = aggregate

    async def __call__(self, means: Means, node: Node) -> Node:
        """The node with its scores, and its path with its score."""
        assert node.parent is not None
        new = len(node.own_steps)
        if not "".join(node.own_steps).strip():  # it ended where its parent stood
            return replace(node, scores=node.parent.scores, path=replace(node.path, score=node.parent.path.score))
        said = await scored(means, self._verifier.steps(means, node.path, last_only=new == 1))
        if said is None:
            return replace(node, scores=node.parent.scores)
        scores = node.parent.scores + said[-new:]
        return replace(node, scores=scores, path=replace(node.path, score=aggregated(scores, self._aggregate)))


def step_scores(settings: Settings, plan: Plan) -> StepScores:
    """The scores of steps as the settings of an arm name them: its verifier and its aggregate.

    Raises:
        InputError: The verifier cannot be opened.
    """
    return StepScores(verifier_of(settings, plan), cast("Aggregate", settings["aggregate"]))


async def scored(means: Means, asked: Awaitable[Scored]) -> tuple[float, ...] | None:
    """What a verifier says, paid for; None where its reply cannot be read, so that the score is unknown."""
    try:
        said = await asked
    except UnreadableScoreError as gap:
        means.till.charge(Category.VERIFIER, gap.tokens)
        return None
    means.till.charge(Category.VERIFIER, said.tokens)
    return said.scores
