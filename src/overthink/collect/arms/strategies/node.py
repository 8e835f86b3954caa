"""Node of a search tree: a path, its parent, the scores of its steps, and its value from them.

Continuation of a step that a budget cut.

Verifier of a search, without oracles.
"""

from collections.abc import Awaitable, Iterable
from dataclasses import dataclass, replace
from typing import Optional, Protocol
from urllib.parse import urlsplit

from overthink.collect.arms.verifiers.base import Aggregate, Scores, UnreadableScoreError, Verifier, aggregate_scores
from overthink.collect.arms.verifiers.registry import read_verifier
from overthink.collect.ladder.decisions import draw_order
from overthink.collect.ladder.thinking import LINE_END, STEP_TOKENS, ReasoningPath, TraceContext
from overthink.data.record import Category
from overthink.errors import InputError
from overthink.plan.study import Plan


def join_cut_step(path: ReasoningPath, longer: ReasoningPath) -> ReasoningPath:
    r"""Return the longer path, with its additional text merged into the cut step.

    Args:
        path: A path with a cut last step.
        longer: The same path, continued.

    Example:
        >>> from overthink.collect.providers.continuation import Prefix
        >>> cut = ReasoningPath(Prefix("first\nsec"), tokens=6, steps=("first\n", "sec"))
        >>> join_cut_step(cut, replace(cut, tokens=9, steps=(*cut.steps, "ond\n"))).steps
        ('first\n', 'second\n')
    """
    last = len(path.steps) - 1
    step = "".join(longer.steps[last : last + 2])
    return replace(longer, steps=(*longer.steps[:last], step, *longer.steps[last + 2 :]))


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """Node of a search tree.

    Attributes:
        path: The path from the root; its score is the node's.
        name: Position in the tree, from which the seeds of its requests derive.
        parent: The parent; None for the root.
        scores: One score per step since the root.
    """

    path: ReasoningPath
    name: str = ""
    parent: Optional["Node"] = None
    scores: tuple[float, ...] = ()

    @property
    def own_steps(self) -> tuple[str, ...]:
        """Steps beyond its parent."""
        return self.path.steps[len(self.parent.path.steps) :] if self.parent is not None else ()

    @property
    def cut(self) -> bool:
        """Whether a budget cut its step: no end of a line or of the thinking, and shorter than the longest step."""
        if self.parent is None or self.path.ended:
            return False
        grown = self.path.tokens - self.parent.path.tokens
        return grown < STEP_TOKENS and not "".join(self.own_steps).endswith(LINE_END)

    def extend(self, path: ReasoningPath) -> "Node":
        """Return the node with its cut step continued: the added text belongs to the same step."""
        return replace(self, path=join_cut_step(self.path, path))

    def without_empty_step(self) -> "Node":
        """Return the node without an empty last step, as of a path that ended at its parent."""
        steps = self.path.steps
        if self.own_steps and not steps[-1]:
            return replace(self, path=replace(self.path, steps=steps[:-1]))
        return self


def rank(node: Node) -> float:
    """Return the sort key of a node: its path's score without rounding errors; -inf without a score."""
    return float("-inf") if node.path.score is None else round(node.path.score, 12)


def best(nodes: Iterable[Node], keep: int) -> list[Node]:
    """Return the best nodes, best first; the first of ties."""
    return sorted(nodes, key=rank, reverse=True)[:keep]


def choose(context: TraceContext, nodes: Iterable[Node], keep: int, *moment: str | int) -> list[Node]:
    """Return the nodes that the arm chooses: the best ones, best first; those of a placebo are drawn uniformly.

    Args:
        context: The trace's context.
        nodes: The candidates.
        keep: Number of nodes to choose at most.
        moment: Name of the moment, from which the seed of a draw derives.
    """
    candidates = list(nodes)
    if not context.decisions.draws_candidates:
        return best(candidates, keep)
    order = draw_order(context.spec.seed, [node.name for node in candidates], *moment)
    return [candidates[i] for i in order[:keep]]


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
