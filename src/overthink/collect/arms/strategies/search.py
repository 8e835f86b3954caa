"""Search strategy: one tree or several, and the best path of all."""

from dataclasses import replace
from functools import partial

from anyio import CapacityLimiter

from overthink.collect.providers.continuation import Prefix
from overthink.collect.arms.component import StepperSetup
from overthink.collect.arms.strategies.node import best
from overthink.collect.concurrency import gather_limited
from overthink.collect.arms.strategies.tree import Tree, TreeShape
from overthink.collect.arms.strategies.values import NodeValue
from overthink.collect.ladder.thinking import ReasoningPath, Thinker, TraceContext, insert_text
from overthink.data.category import Category


class Search:
    """A search strategy. Tokens of its trees outside the answered path are charged as pruned.

    Args:
        shape: Width of each tree.
        value: Value of a node.
        concurrency: Maximum number of concurrent requests of a trace.
        trees: Number of trees from the same root.
    """

    def __init__(self, shape: TreeShape, value: NodeValue, *, concurrency: int, trees: int = 1) -> None:
        self._shape = shape
        self._trees = trees
        self._value = value
        self._concurrency = concurrency

    def thinker(self, context: TraceContext, setup: StepperSetup) -> Thinker:
        """Return the thinker of one trace."""
        limiter = CapacityLimiter(self._concurrency)
        names = [""] if self._trees == 1 else [f"tree{number}" for number in range(self._trees)]
        trees = [
            Tree(context, setup.stepper, shape=self._shape, value=self._value, limiter=limiter, name=name)
            for name in names
        ]
        return SearchThinker(context, trees, prefix_text=setup.prefix_text)


class SearchThinker:
    """Searches in one trace."""

    def __init__(self, context: TraceContext, trees: list[Tree], *, prefix_text: str) -> None:
        self._context = context
        self._trees = trees
        self._prefix_text = prefix_text
        self._pruned = 0

    async def begin(self, prefix: Prefix) -> None:
        """Start after the opening of the assistant's turn and the prefix text of interventions."""
        root = await insert_text(self._context.continuation, ReasoningPath(prefix), self._prefix_text)
        for tree in self._trees:
            tree.plant(root)

    async def to(self, rung: int, budget: int) -> ReasoningPath:
        """Search up to a budget and return the best path, which has ended only if the whole search has."""
        await gather_limited(self._context.meter, [partial(tree.grow, budget) for tree in self._trees])
        best_path = best((tree.best for tree in self._trees), 1)[0].path
        n_pruned = sum(tree.decoded for tree in self._trees) - best_path.tokens
        self._context.meter.charge(Category.PRUNED, n_pruned - self._pruned)
        self._pruned = n_pruned
        return replace(best_path, ended=all(tree.over for tree in self._trees))
