"""One search tree: the best paths get children, the others are pruned, and nothing is decoded twice."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from anyio import CapacityLimiter

from overthink.collect.arms.strategies.node import Node, NodeValue, choose
from overthink.collect.ladder.accounting import gather_limited
from overthink.collect.ladder.thinking import ReasoningPath, Stepper, TraceContext


@dataclass(frozen=True, slots=True)
class TreeShape:
    """Width of a search tree.

    Attributes:
        first: Number of children of the root.
        keep: Number of paths kept in each round.
        children: Number of children of each kept path.
    """

    first: int
    keep: int
    children: int


class Tree:
    """Search tree that grows in rounds: the best candidates are kept, and each of them gets children.

    An ended candidate counts among the kept ones without children, and always stays a candidate. A step that a budget
    cut is continued as soon as there is room again, before it is compared with others.

    Args:
        context: The trace's context.
        stepper: The stepper.
        shape: Width of the tree.
        value: Value of a node.
        limiter: Limit of concurrent requests.
        name: Name of the tree among several.
    """

    def __init__(
        self,
        context: TraceContext,
        stepper: Stepper,
        *,
        shape: TreeShape,
        value: NodeValue,
        limiter: CapacityLimiter,
        name: str = "",
    ) -> None:
        self.decoded = 0
        """Decoded tokens of all nodes, kept or not."""
        self._context = context
        self._stepper = stepper
        self._shape = shape
        self._value = value
        self._limiter = limiter
        self._name = name
        self._round = 0

    def plant(self, root: ReasoningPath) -> None:
        """Set the root."""
        self._candidates = [Node(root, self._name)]

    def best(self, rung: int) -> Node:
        """Return the candidate to answer from at a rung: that with the best score."""
        return choose(self._context, self._candidates, 1, "answer", rung)[0]

    @property
    def over(self) -> bool:
        """Whether every candidate has ended."""
        return all(node.path.ended for node in self._candidates)

    async def grow(self, budget: int) -> None:
        """Grow until every kept path has used the budget or ended."""
        await self._go_on(budget)
        while any(_has_room(node, budget) for node in self._candidates):
            self._round += 1
            best_nodes = choose(self._context, self._candidates, self._shape.keep, "grow", self._round)
            finished_nodes = [node for node in self._candidates if node.path.ended]
            waiting = [node for node in best_nodes if not node.path.ended and not _has_room(node, budget)]
            growing = [node for node in best_nodes if _has_room(node, budget)]
            self._candidates = [*finished_nodes, *waiting]
            self._candidates += await self._evaluate(await self._children(growing, budget))

    async def _go_on(self, budget: int) -> None:
        """Continue the steps that the last budget cut."""
        cut = [node for node in self._candidates if node.cut and _has_room(node, budget)]
        jobs = [partial(self._step, node.path, budget, node.name) for node in cut]
        longer = await gather_limited(self._context.meter, jobs, self._limiter)
        order = {node.name: number for number, node in enumerate(self._candidates)}
        self._candidates = [node for node in self._candidates if node not in cut]
        self._candidates += await self._evaluate([node.extend(path) for node, path in zip(cut, longer, strict=True)])
        self._candidates.sort(key=lambda node: order[node.name])

    async def _children(self, parents: Sequence[Node], budget: int) -> list[Node]:
        """Return the children of all parents."""
        branches = [
            (parent, f"{parent.name}.{number}")
            for parent in parents
            for number in range(self._shape.first if parent.parent is None else self._shape.children)
        ]
        jobs = [partial(self._step, parent.path, budget, name) for parent, name in branches]
        paths = await gather_limited(self._context.meter, jobs, self._limiter)
        return [Node(path, name, parent) for (parent, name), path in zip(branches, paths, strict=True)]

    async def _step(self, path: ReasoningPath, budget: int, branch: str) -> ReasoningPath:
        longer = await self._stepper(replace(path, score=None), budget - path.tokens, branch=branch)
        self.decoded += longer.tokens - path.tokens
        return longer

    async def _evaluate(self, nodes: Sequence[Node]) -> list[Node]:
        """Return the nodes with their scores; of nodes with equal text, whose tokens are recorded, only the first."""
        texts = {(node.path.text, node.path.ended) for node in self._candidates}
        fresh: list[Node] = []
        for node in map(Node.without_empty_step, nodes):
            if (node.path.text, node.path.ended) not in texts:
                texts.add((node.path.text, node.path.ended))
                fresh.append(node)
        jobs = [partial(self._value, self._context, node) for node in fresh]
        return await gather_limited(self._context.meter, jobs, self._limiter)


def _has_room(node: Node, budget: int) -> bool:
    return not node.path.ended and node.path.tokens < budget
