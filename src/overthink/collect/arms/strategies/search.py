"""Search strategy: one tree or several, and the best path of all.

Common settings of searches, and their validation.
"""

from abc import abstractmethod
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

from anyio import CapacityLimiter
from pydantic import Field, PrivateAttr

from overthink.collect.arms.component import StepperSetup, Strategy
from overthink.collect.arms.strategies.tree import NodeValue, Tree, TreeShape, choose, verifier_model_names
from overthink.collect.ladder.accounting import gather_limited
from overthink.collect.ladder.thinking import ReasoningPath, Thinker, TraceContext, insert_text
from overthink.collect.providers.continuation import Prefix
from overthink.components.base import SameAs, Simulated
from overthink.data.record import Category
from overthink.errors import InputError
from overthink.plan.study import Plan


class Search:
    """An opened search. Tokens of its trees outside the answered path are charged as pruned.

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


class SearchStrategy(Strategy):
    """Base of searches guided by a verifier."""

    decides: ClassVar[Literal["", "steps", "candidates"]] = "candidates"
    _search: Search = PrivateAttr()

    if TYPE_CHECKING:  # a field of every search, behind those of its shape
        verifier: str

    @property
    def models(self) -> tuple[str, ...]:
        """Models of the verifier."""
        return verifier_model_names(self.verifier)

    def open(self, plan: Plan) -> Self:
        """Return the strategy with its search: verifier opened, and settings checked against the plan.

        Raises:
            InputError: The settings do not fit each other or the plan, or the verifier cannot be opened.
        """
        opened = self.model_copy()
        opened._search = self.search(plan)
        return opened

    @abstractmethod
    def search(self, plan: Plan) -> Search:
        """Return the search of the settings. Raises the errors of :meth:`open`."""

    def thinker(self, context: TraceContext, setup: StepperSetup) -> Thinker:
        """Return the thinker of one trace."""
        return self._search.thinker(context, setup)


class Beam(SearchStrategy):
    """Base of beams: of their paths, one in `children` is kept, and gets `children` children."""

    width: Annotated[int, Simulated(4)] = Field(ge=2, description="paths of a beam")
    children: Annotated[int, Simulated(4)] = Field(ge=2, description="children of each path that is kept")
    first: Annotated[int, SameAs("width")] = Field(
        ge=1, description="first steps, from which the first paths are kept; as many as paths"
    )

    @property
    def max_decode_factor(self) -> float:
        """All paths think."""
        return float(self.width)

    def shape(self, plan: Plan) -> TreeShape:
        """Return the shape of the beam.

        Raises:
            InputError: The width is not a multiple of the children, the number of first steps is out of range, or all
                children of a path would be equal.
        """
        check_sampling(self.key, plan)
        if self.width % self.children:
            below = self.width // self.children * self.children
            use = f"width={below + self.children}"
            use = use if below == 0 else f"width={below} or {use}"
            raise InputError(
                f"--arms {self.key}: a beam of width={self.width} cannot keep one path in children={self.children} of "
                f"its paths; needed: a width that is a multiple of the children: {use}"
            )
        keep = self.width // self.children
        if not keep <= self.first <= self.width:
            raise InputError(
                f"--arms {self.key}: a beam of width={self.width} that keeps {keep} of its paths cannot begin with "
                f"first={self.first}; needed: at least {keep} and at most {self.width} first steps"
            )
        return TreeShape(first=self.first, keep=keep, children=self.children)


AGGREGATE = "how the scores of the steps become the score of a path"
"""Description of the setting ``aggregate``."""


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
