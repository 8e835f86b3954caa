"""A place in a search tree: a path, where it grew from, and what was said of its steps."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Optional

from overthink.collect.search.steps import joined
from overthink.collect.thinking import LINE_END, STEP_TOKENS, Path


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """A place in a search tree.

    Attributes:
        path: Everything up to here; its score is the node's.
        name: Where it is in the tree; what is drawn here hangs on it.
        parent: What it is a child of; None for the root.
        scores: One score for every step since the root.
    """

    path: Path
    name: str = ""
    parent: Optional["Node"] = None
    scores: tuple[float, ...] = ()

    @property
    def own_steps(self) -> tuple[str, ...]:
        """The steps that it has beyond its parent."""
        return self.path.steps[len(self.parent.path.steps) :] if self.parent is not None else ()

    @property
    def cut(self) -> bool:
        """Its step was cut by a budget: neither a line's end, nor the thinking's, nor the longest step was reached."""
        if self.parent is None or self.path.ended:
            return False
        grown = self.path.tokens - self.parent.path.tokens
        return grown < STEP_TOKENS and not "".join(self.own_steps).endswith(LINE_END)

    def gone_on(self, path: Path) -> "Node":
        """The node with its cut step gone on with: what was added belongs to the same step."""
        return replace(self, path=joined(self.path, path))

    def without_silence(self) -> "Node":
        """The node without a last step that holds no text: a path that ended where its parent stood."""
        steps = self.path.steps
        if self.own_steps and not steps[-1]:
            return replace(self, path=replace(self.path, steps=steps[:-1]))
        return self


def rank(node: Node) -> float:
    """What nodes are compared by: the score of the path, rounding errors apart; one without a score comes last."""
    return float("-inf") if node.path.score is None else round(node.path.score, 12)


def best(nodes: Iterable[Node], keep: int) -> list[Node]:
    """The best nodes, best first; of equals, those that came first."""
    return sorted(nodes, key=rank, reverse=True)[:keep]
