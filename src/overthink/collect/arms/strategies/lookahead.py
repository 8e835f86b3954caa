"""Lookahead search: a beam with steps valued by a greedy rollout from each (Snell et al. 2024)."""

from dataclasses import replace
from typing import cast

from overthink.collect.arms.component import Component, Option, Settings
from overthink.collect.arms.strategies.node import Node
from overthink.collect.arms.strategies.search import Search
from overthink.collect.arms.strategies.settings import BEAM, aggregate, beam
from overthink.collect.arms.strategies.values import charged_scores
from overthink.collect.arms.strategies.search_verifier import VERIFIER, open_search_verifier, verifier_model_names
from overthink.collect.ladder.thinking import OneStep, TraceContext
from overthink.collect.arms.verifiers.base import Aggregate, Verifier, aggregate_scores
from overthink.data.category import Category
from overthink.plan.study import Plan


class Lookahead:
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


def _make(settings: Settings, plan: Plan) -> Search:
    shape = beam("lookahead", settings, plan)
    how = cast("Aggregate", settings["aggregate"])
    value = Lookahead(open_search_verifier(settings, plan), how, int(settings["ahead"]))
    return Search(shape, value, concurrency=plan.concurrency)


LOOKAHEAD = Component(
    name="lookahead",
    role="strategy",
    description="beam search that values a step by where a rollout of further steps leads",
    make=_make,
    settings={
        **BEAM,
        "ahead": Option(int, "steps of each rollout", least=1),
        "aggregate": aggregate(default="last"),
        "verifier": VERIFIER,
    },
    simulated_defaults={"width": 4, "children": 4, "ahead": 1, "aggregate": "mean", "verifier": "simulated"},
    max_decode_factor=lambda settings: float(settings["width"]) * (1.0 + float(settings["ahead"])),
    models=verifier_model_names,
)
"""The component `lookahead`."""
