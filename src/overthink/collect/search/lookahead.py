"""Lookahead search: a beam whose steps are valued by where a greedy rollout from them leads (Snell et al. 2024)."""

from dataclasses import replace
from typing import cast

from overthink.collect.part import Part, Setting, Settings
from overthink.collect.search.node import Node
from overthink.collect.search.search import Search
from overthink.collect.search.settings import BEAM, aggregate, beam
from overthink.collect.search.value import scored
from overthink.collect.search.verifier_of import VERIFIER, models_of, verifier_of
from overthink.collect.thinking import Means, OneStep
from overthink.collect.verify.verifier import Aggregate, Verifier, aggregated
from overthink.core.category import Category
from overthink.plan import Plan


class Lookahead:
    """The steps so far and those of a rollout at temperature 0, never beyond the highest budget.

    The rollout is the model's own, without interventions; its tokens are charged as probes.

    Args:
        verifier: Who scores.
        aggregate: How the scores of the steps, rollout included, become one.
        steps: Steps of the rollout.
    """

    def __init__(self, verifier: Verifier, aggregate: Aggregate, steps: int) -> None:
        self._verifier = verifier
        self._aggregate: Aggregate = aggregate
        self._steps = steps

    async def __call__(self, means: Means, node: Node) -> Node:
        """The node with its scores, and its path with its score."""
        assert node.parent is not None
        ahead = await self._rolled_out(means, node)
        known, new = len(node.parent.path.steps), len(node.own_steps)
        if not "".join(ahead.path.steps[known:]).strip():  # it ended where its parent stood
            return replace(node, scores=node.parent.scores, path=replace(node.path, score=node.parent.path.score))
        last_only = self._aggregate == "last"
        said = await scored(means, self._verifier.steps(means, ahead.path, last_only=last_only))
        if said is None:
            return replace(node, scores=node.parent.scores)
        if last_only:  # where it leads is all that counts, so that the scores of single steps are not needed
            return replace(node, path=replace(node.path, score=said[-1]))
        seen = said[known:]
        score = aggregated(node.parent.scores + seen, self._aggregate)
        return replace(node, scores=node.parent.scores + seen[:new], path=replace(node.path, score=score))

    async def _rolled_out(self, means: Means, node: Node) -> Node:
        greedy = OneStep(replace(means, way=replace(means.way, temperature=0.0)))
        top, ahead = means.way.budgets[-1], node
        for number in range(self._steps):
            if ahead.path.ended or ahead.path.tokens >= top:
                break
            longer = await greedy(ahead.path, top - ahead.path.tokens, branch=f"{node.name}>{number}")
            means.till.charge(Category.PROBE, longer.tokens - ahead.path.tokens)
            ahead = (ahead.gone_on(longer) if ahead.cut else replace(ahead, path=longer)).without_silence()
        return ahead


def _make(settings: Settings, plan: Plan) -> Search:
    shape = beam("lookahead", settings, plan)
    how = cast("Aggregate", settings["aggregate"])
    value = Lookahead(verifier_of(settings, plan), how, int(settings["ahead"]))
    return Search(shape, value, concurrency=plan.concurrency)


PART = Part(
    name="lookahead",
    role="strategy",
    means="beam search that values a step by where a rollout of further steps leads",
    make=_make,
    settings={
        **BEAM,
        "ahead": Setting(int, "steps of each rollout", least=1),
        "aggregate": aggregate(default="last"),
        "verifier": VERIFIER,
    },
    simulated={"width": 4, "children": 4, "ahead": 1, "aggregate": "mean", "verifier": "simulated"},
    times=lambda settings: float(settings["width"]) * (1.0 + float(settings["ahead"])),
    models=models_of,
)
"""Lookahead search as an arm."""
