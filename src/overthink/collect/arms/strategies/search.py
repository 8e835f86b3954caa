"""Search strategy: one tree or several, and the best path of all.

Common options of searches, and their validation.
"""

from dataclasses import replace
from functools import partial

from anyio import CapacityLimiter

from overthink.collect.arms.component import Option, Settings, StepperSetup
from overthink.collect.arms.strategies.node import choose
from overthink.collect.arms.strategies.tree import Tree, TreeShape
from overthink.collect.arms.strategies.values import NodeValue
from overthink.collect.concurrency import gather_limited
from overthink.collect.ladder.thinking import ReasoningPath, Thinker, TraceContext, insert_text
from overthink.collect.providers.continuation import Prefix
from overthink.data.record import Category
from overthink.errors import InputError
from overthink.plan.study import Plan


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
        best_path = choose(self._context, (tree.best(rung) for tree in self._trees), 1, "tree", rung)[0].path
        n_pruned = sum(tree.decoded for tree in self._trees) - best_path.tokens
        self._context.meter.charge(Category.PRUNED, n_pruned - self._pruned)
        self._pruned = n_pruned
        return replace(best_path, ended=all(tree.over for tree in self._trees))


BEAM = {
    "width": Option(int, "paths of a beam", least=2),
    "children": Option(int, "children of each path that is kept", least=2),
    "first": Option(
        int, "first steps, from which the first paths are kept; as many as paths", same_as="width", least=1
    ),
}
"""Options of every beam."""

AGGREGATES = ("last", "min", "prod", "mean")


def aggregate(default: str | None = None) -> Option:
    """Return the option for the aggregation of step scores."""
    return Option(str, "how the scores of the steps become the score of a path", default=default, choices=AGGREGATES)


def beam(name: str, settings: Settings, plan: Plan) -> TreeShape:
    """Return the shape of a beam: of its paths, one in `children` is kept, and gets `children` children.

    Raises:
        InputError: The width is not a multiple of the children, the number of first steps is out of range, or all
            children of a path would be equal.
    """
    check_sampling(name, plan)
    width, children, first = int(settings["width"]), int(settings["children"]), int(settings["first"])
    if width % children:
        below, above = width // children * children, (width // children + 1) * children
        use = f"width={above}" if below == 0 else f"width={below} or width={above}"
        raise InputError(
            f"--arms {name}: a beam of width={width} cannot keep one path in children={children} of its paths; needed: "
            f"a width that is a multiple of the children: {use}"
        )
    keep = width // children
    if not keep <= first <= width:
        raise InputError(
            f"--arms {name}: a beam of width={width} that keeps {keep} of its paths cannot begin with first={first}; "
            f"needed: at least {keep} and at most {width} first steps"
        )
    return TreeShape(first=first, keep=keep, children=children)


def check_sampling(name: str, plan: Plan) -> None:
    """Check that steps are sampled, so that children of one path differ.

    Raises:
        InputError: The temperature is 0.
    """
    if plan.temperature == 0:
        raise InputError(
            f"--arms {name}: at --temperature 0 all children of a path are the same, so there is nothing to choose "
            "from; needed: a temperature above 0"
        )
