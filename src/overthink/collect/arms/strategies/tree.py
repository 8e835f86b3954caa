"""One search tree: nodes with the values of their steps; the best paths get children, and nothing is decoded twice."""

from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Optional, Protocol
from urllib.parse import urlsplit

from anyio import CapacityLimiter

from overthink.collect.arms.verifiers.base import Aggregate, Scores, UnreadableScoreError, Verifier, aggregate_scores
from overthink.collect.arms.verifiers.registry import read_verifier
from overthink.collect.ladder.accounting import gather_limited
from overthink.collect.ladder.decisions import draw_order
from overthink.collect.ladder.thinking import LINE_END, STEP_TOKENS, ReasoningPath, Stepper, TraceContext
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
