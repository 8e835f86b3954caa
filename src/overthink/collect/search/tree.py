"""One search tree: the best paths get children, the others are given up, and nothing is decoded twice."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from anyio import CapacityLimiter

from overthink.collect.search.node import Node, best
from overthink.collect.search.together import together
from overthink.collect.search.value import Value
from overthink.collect.thinking import Means, Path, Stepper


@dataclass(frozen=True, slots=True)
class Shape:
    """How wide a search is.

    Attributes:
        first: Children of the root.
        keep: Paths kept in each round.
        children: Children of each path kept.
    """

    first: int
    keep: int
    children: int


class Tree:
    """A tree that grows in rounds: of all candidates the best are kept, and each of them gets children.

    A candidate that has ended takes its place among the kept ones without children, and stays a candidate for good. A
    step that a budget cut is gone on with as soon as there is room again, before it is compared with others.

    Args:
        means: What the trace works with.
        stepper: Takes a step.
        shape: How wide.
        value: What a node is worth.
        limiter: How many requests at a time.
        name: Which of several trees this is.
    """

    def __init__(
        self, means: Means, stepper: Stepper, *, shape: Shape, value: Value, limiter: CapacityLimiter, name: str = ""
    ) -> None:
        self.decoded = 0
        """Tokens of all its nodes, kept or not."""
        self._means = means
        self._stepper = stepper
        self._shape = shape
        self._value = value
        self._limiter = limiter
        self._name = name

    def plant(self, root: Path) -> None:
        """Start from here."""
        self._candidates = [Node(root, self._name)]

    @property
    def best(self) -> Node:
        """The candidate with the best score."""
        return best(self._candidates, 1)[0]

    @property
    def over(self) -> bool:
        """Every candidate has ended."""
        return all(node.path.ended for node in self._candidates)

    async def grow(self, budget: int) -> None:
        """Grow until every path that is kept has used the budget or ended."""
        await self._go_on(budget)
        while any(_has_room(node, budget) for node in self._candidates):
            kept = best(self._candidates, self._shape.keep)
            ended = [node for node in self._candidates if node.path.ended]
            waiting = [node for node in kept if not node.path.ended and not _has_room(node, budget)]
            growing = [node for node in kept if _has_room(node, budget)]
            self._candidates = [*ended, *waiting]
            self._candidates += await self._valued(await self._children(growing, budget))

    async def _go_on(self, budget: int) -> None:
        """Finish the steps that the last budget cut, each by its own path."""
        cut = [node for node in self._candidates if node.cut and _has_room(node, budget)]
        jobs = [partial(self._step, node.path, budget, node.name) for node in cut]
        longer = await together(self._means.till, jobs, self._limiter)
        place = {node.name: number for number, node in enumerate(self._candidates)}
        self._candidates = [node for node in self._candidates if node not in cut]
        self._candidates += await self._valued([node.gone_on(path) for node, path in zip(cut, longer, strict=True)])
        self._candidates.sort(key=lambda node: place[node.name])

    async def _children(self, parents: Sequence[Node], budget: int) -> list[Node]:
        """Children of all parents."""
        named = [
            (parent, f"{parent.name}.{number}")
            for parent in parents
            for number in range(self._shape.first if parent.parent is None else self._shape.children)
        ]
        jobs = [partial(self._step, parent.path, budget, name) for parent, name in named]
        paths = await together(self._means.till, jobs, self._limiter)
        return [Node(path, name, parent) for (parent, name), path in zip(named, paths, strict=True)]

    async def _step(self, path: Path, budget: int, branch: str) -> Path:
        longer = await self._stepper(replace(path, score=None), budget - path.tokens, branch=branch)
        self.decoded += longer.tokens - path.tokens
        return longer

    async def _valued(self, nodes: Sequence[Node]) -> list[Node]:
        """The nodes with their scores; of those that say the same, which were paid, the first alone."""
        said = {(node.path.text, node.path.ended) for node in self._candidates}
        fresh: list[Node] = []
        for node in map(Node.without_silence, nodes):
            if (node.path.text, node.path.ended) not in said:
                said.add((node.path.text, node.path.ended))
                fresh.append(node)
        jobs = [partial(self._value, self._means, node) for node in fresh]
        return await together(self._means.till, jobs, self._limiter)


def _has_room(node: Node, budget: int) -> bool:
    return not node.path.ended and node.path.tokens < budget
