"""A thinker that searches: one tree or several, and the best path of them all."""

from dataclasses import replace
from functools import partial

from anyio import CapacityLimiter

from overthink.collect.continuation import Prefix
from overthink.collect.part import Steered
from overthink.collect.search.node import best
from overthink.collect.search.together import together
from overthink.collect.search.tree import Shape, Tree
from overthink.collect.search.value import Value
from overthink.collect.thinking import Means, Path, Thinker, written
from overthink.core.category import Category


class Search:
    """A strategy that searches. What its trees decode and the answer does not come from is charged as pruned.

    Args:
        shape: How wide each tree is.
        value: What a node is worth.
        concurrency: Most requests of a trace at a time.
        trees: How many trees grow from the same root.
    """

    def __init__(self, shape: Shape, value: Value, *, concurrency: int, trees: int = 1) -> None:
        self._shape = shape
        self._trees = trees
        self._value = value
        self._concurrency = concurrency

    def thinker(self, means: Means, steered: Steered) -> Thinker:
        """Who thinks in one trace."""
        limiter = CapacityLimiter(self._concurrency)
        names = [""] if self._trees == 1 else [f"tree{number}" for number in range(self._trees)]
        trees = [
            Tree(means, steered.stepper, shape=self._shape, value=self._value, limiter=limiter, name=name)
            for name in names
        ]
        return Searching(means, trees, opening=steered.opening)


class Searching:
    """Searches in one trace."""

    def __init__(self, means: Means, trees: list[Tree], *, opening: str) -> None:
        self._means = means
        self._trees = trees
        self._opening = opening
        self._pruned = 0

    async def begin(self, opened: Prefix) -> None:
        """Start behind the opening of the assistant's turn, and what an intervention writes there."""
        root = await written(self._means.continuation, Path(opened), self._opening)
        for tree in self._trees:
            tree.plant(root)

    async def to(self, rung: int, budget: int) -> Path:
        """Search on to a budget; the best path is answered from. It has ended only where the whole search has."""
        await together(self._means.till, [partial(tree.grow, budget) for tree in self._trees])
        chosen = best((tree.best for tree in self._trees), 1)[0].path
        pruned = sum(tree.decoded for tree in self._trees) - chosen.tokens
        self._means.till.charge(Category.PRUNED, pruned - self._pruned)
        self._pruned = pruned
        return replace(chosen, ended=all(tree.over for tree in self._trees))
