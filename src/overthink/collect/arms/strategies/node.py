"""Node of a search tree: a path, its parent, and the scores of its steps.

Continuation of a step that a budget cut.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Optional

from overthink.collect.ladder.decisions import draw_order
from overthink.collect.ladder.thinking import LINE_END, STEP_TOKENS, ReasoningPath, TraceContext


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
