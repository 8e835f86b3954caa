"""Beam search guided by a verifier of steps (Snell et al. 2024; search-and-learn's ``beam_search``).

Diverse verifier tree search: independent trees, and the best path of all (search-and-learn).

Tree of thoughts, breadth first: every state gets proposals, and the best states are kept (Yao et al. 2023).

Lookahead search: a beam with steps valued by a greedy rollout from each (Snell et al. 2024).
"""

from dataclasses import replace
from typing import Annotated

from pydantic import Field

from overthink.collect.arms.strategies.search import AGGREGATE, Beam, Search, SearchStrategy, check_sampling
from overthink.collect.arms.strategies.tree import (
    VERIFIER,
    Node,
    StepScores,
    TreeShape,
    charged_scores,
    open_search_verifier,
)
from overthink.collect.arms.verifiers.base import Aggregate, Verifier, aggregate_scores
from overthink.collect.ladder.thinking import OneStep, TraceContext
from overthink.components.base import Simulated, component
from overthink.data.record import Category
from overthink.errors import InputError
from overthink.plan.study import Plan


@component("prm-beam")
class PrmBeam(Beam):
    """Beam search: a verifier scores every step, the best paths go on."""

    aggregate: Annotated[Aggregate, Simulated("last")] = Field(description=AGGREGATE)
    verifier: Annotated[str, Simulated("simulated")] = Field(description=VERIFIER)

    def search(self, plan: Plan) -> Search:
        """Return one beam."""
        value = StepScores(open_search_verifier(self.verifier, plan), self.aggregate)
        return Search(self.shape(plan), value, concurrency=plan.concurrency)


@component("dvts")
class Dvts(Beam):
    """Diverse verifier tree search: width/children trees, in each the best child alone goes on."""

    children: Annotated[int, Simulated(2)] = Field(ge=2, description="children of each path that is kept")
    aggregate: Annotated[Aggregate, Simulated("last")] = Field(description=AGGREGATE)
    verifier: Annotated[str, Simulated("simulated")] = Field(description=VERIFIER)

    def search(self, plan: Plan) -> Search:
        """Return one beam of width 1 per tree."""
        shape = self.shape(plan)
        trees = shape.keep
        if shape.first % trees:
            raise InputError(
                f"--arms dvts: {trees} trees (width/children) cannot share first={shape.first} first steps evenly; "
                f"needed: a multiple of {trees}"
            )
        alone = replace(shape, first=shape.first // trees, keep=1)
        value = StepScores(open_search_verifier(self.verifier, plan), self.aggregate)
        return Search(alone, value, concurrency=plan.concurrency, trees=trees)


@component("tot")
class Tot(SearchStrategy):
    """Tree of thoughts, breadth first: the states with the best value are kept."""

    keep: Annotated[int, Simulated(2)] = Field(ge=1, description="states kept at each depth")
    proposals: Annotated[int, Simulated(3)] = Field(ge=2, description="next thoughts drawn for each state")
    verifier: Annotated[str, Simulated("simulated")] = Field(description=VERIFIER)

    @property
    def max_decode_factor(self) -> float:
        """All proposals of all states think."""
        return float(self.keep) * float(self.proposals)

    def search(self, plan: Plan) -> Search:
        """Return one tree."""
        check_sampling("tot", plan)
        if self.keep > self.proposals:
            raise InputError(
                f"--arms tot: keep={self.keep} is wider than its proposals={self.proposals}: the first state has no "
                f"more children than that; needed: keep={self.proposals} or less, or more proposals"
            )
        shape = TreeShape(first=self.proposals, keep=self.keep, children=self.proposals)
        return Search(
            shape, StepScores(open_search_verifier(self.verifier, plan), "last"), concurrency=plan.concurrency
        )


class RolloutValue:
    """Value of a node from its steps and those of a rollout at temperature 0, never beyond the highest budget.

    The rollout is without interventions; its tokens are charged as probes.

    Args:
        verifier: The verifier.
        aggregate: Aggregation of the step scores, rollout included.
        steps: Steps of the rollout.
    """

    def __init__(self, verifier: Verifier, aggregate: Aggregate, steps: int) -> None:
        self._verifier = verifier
        self._aggregate: Aggregate = aggregate
        self._steps = steps

    async def __call__(self, context: TraceContext, node: Node) -> Node:
        """Return the node with its step scores, and its path with its score."""
        assert node.parent is not None
        ahead = await self._roll_out(context, node)
        n_before, n_new = len(node.parent.path.steps), len(node.own_steps)
        if not "".join(ahead.path.steps[n_before:]).strip():  # no step beyond its parent
            return replace(node, scores=node.parent.scores, path=replace(node.path, score=node.parent.path.score))
        last_only = self._aggregate == "last"
        scores = await charged_scores(context, self._verifier.steps(context, ahead.path, last_only=last_only))
        if scores is None:
            return replace(node, scores=node.parent.scores)
        if last_only:  # only the last score counts, so the step scores are not needed
            return replace(node, path=replace(node.path, score=scores[-1]))
        new_scores = scores[n_before:]
        score = aggregate_scores(node.parent.scores + new_scores, self._aggregate)
        return replace(node, scores=node.parent.scores + new_scores[:n_new], path=replace(node.path, score=score))

    async def _roll_out(self, context: TraceContext, node: Node) -> Node:
        greedy = OneStep(replace(context, spec=replace(context.spec, temperature=0.0)))
        max_budget, ahead = context.spec.budgets[-1], node
        for number in range(self._steps):
            if ahead.path.ended or ahead.path.tokens >= max_budget:
                break
            longer = await greedy(ahead.path, max_budget - ahead.path.tokens, branch=f"{node.name}>{number}")
            context.meter.charge(Category.PROBE, longer.tokens - ahead.path.tokens)
            ahead = (ahead.extend(longer) if ahead.cut else replace(ahead, path=longer)).without_empty_step()
        return ahead


@component("lookahead")
class Lookahead(Beam):
    """Beam search that values a step by where a rollout of further steps leads."""

    ahead: Annotated[int, Simulated(1)] = Field(ge=1, description="steps of each rollout")
    aggregate: Annotated[Aggregate, Simulated("mean")] = Field("last", description=AGGREGATE)
    verifier: Annotated[str, Simulated("simulated")] = Field(description=VERIFIER)

    @property
    def max_decode_factor(self) -> float:
        """All paths think, each with its rollouts."""
        return float(self.width) * (1.0 + float(self.ahead))

    def search(self, plan: Plan) -> Search:
        """Return one beam whose steps are valued by rollouts."""
        value = RolloutValue(open_search_verifier(self.verifier, plan), self.aggregate, self.ahead)
        return Search(self.shape(plan), value, concurrency=plan.concurrency)
