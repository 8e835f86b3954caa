"""Beam search guided by a verifier of steps (Snell et al. 2024; search-and-learn's ``beam_search``).

Diverse verifier tree search: independent trees, and the best path of all (search-and-learn).

Tree of thoughts, breadth first: every state gets proposals, and the best states are kept (Yao et al. 2023).

Lookahead search: a beam with steps valued by a greedy rollout from each (Snell et al. 2024).
"""

from dataclasses import replace
from typing import cast

from overthink.collect.arms.component import Component, Option, Settings
from overthink.collect.arms.strategies.node import Node
from overthink.collect.arms.strategies.search import BEAM, Search, aggregate, beam, check_sampling
from overthink.collect.arms.strategies.tree import TreeShape
from overthink.collect.arms.strategies.values import (
    VERIFIER,
    StepScores,
    charged_scores,
    open_search_verifier,
    step_scores,
    verifier_model_names,
)
from overthink.collect.arms.verifiers.base import Aggregate, Verifier, aggregate_scores
from overthink.collect.ladder.thinking import OneStep, TraceContext
from overthink.data.record import Category
from overthink.errors import InputError
from overthink.plan.study import Plan


def _make_prm_beam(settings: Settings, plan: Plan) -> Search:
    return Search(beam("prm-beam", settings, plan), step_scores(settings, plan), concurrency=plan.concurrency)


PRM_BEAM = Component(
    name="prm-beam",
    role="strategy",
    description="beam search: a verifier scores every step, the best paths go on",
    make=_make_prm_beam,
    settings=BEAM | {"aggregate": aggregate(), "verifier": VERIFIER},
    simulated_defaults={"width": 4, "children": 4, "aggregate": "last", "verifier": "simulated"},
    max_decode_factor=lambda settings: float(settings["width"]),
    models=verifier_model_names,
    decides="candidates",
)
"""The component `prm-beam`."""


def _make_dvts(settings: Settings, plan: Plan) -> Search:
    shape = beam("dvts", settings, plan)
    trees = shape.keep
    if shape.first % trees:
        raise InputError(
            f"--arms dvts: {trees} trees (width/children) cannot share first={shape.first} first steps evenly; needed: "
            f"a multiple of {trees}"
        )
    alone = replace(shape, first=shape.first // trees, keep=1)
    return Search(alone, step_scores(settings, plan), concurrency=plan.concurrency, trees=trees)


DVTS = Component(
    name="dvts",
    role="strategy",
    description="diverse verifier tree search: width/children trees, in each the best child alone goes on",
    make=_make_dvts,
    settings=BEAM | {"aggregate": aggregate(), "verifier": VERIFIER},
    simulated_defaults={"width": 4, "children": 2, "aggregate": "last", "verifier": "simulated"},
    max_decode_factor=lambda settings: float(settings["width"]),
    models=verifier_model_names,
    decides="candidates",
)
"""The component `dvts`."""


def _make_tot(settings: Settings, plan: Plan) -> Search:
    keep, proposals = int(settings["keep"]), int(settings["proposals"])
    check_sampling("tot", plan)
    if keep > proposals:
        raise InputError(
            f"--arms tot: keep={keep} is wider than its proposals={proposals}: the first state has no more children "
            f"than that; needed: keep={proposals} or less, or more proposals"
        )
    shape = TreeShape(first=proposals, keep=keep, children=proposals)
    return Search(shape, StepScores(open_search_verifier(settings, plan), "last"), concurrency=plan.concurrency)


TOT = Component(
    name="tot",
    role="strategy",
    description="tree of thoughts, breadth first: the states with the best value are kept",
    make=_make_tot,
    settings={
        "keep": Option(int, "states kept at each depth", least=1),
        "proposals": Option(int, "next thoughts drawn for each state", least=2),
        "verifier": VERIFIER,
    },
    simulated_defaults={"keep": 2, "proposals": 3, "verifier": "simulated"},
    max_decode_factor=lambda settings: float(settings["keep"]) * float(settings["proposals"]),
    models=verifier_model_names,
    decides="candidates",
)
"""The component `tot`."""


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
    decides="candidates",
)
"""The component `lookahead`."""
