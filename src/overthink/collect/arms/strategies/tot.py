"""Tree of thoughts, breadth first: every state gets proposals, and the best states are kept (Yao et al. 2023)."""

from overthink.collect.arms.component import Component, Option, Settings
from overthink.collect.arms.strategies.search import Search
from overthink.collect.arms.strategies.settings import check_sampling
from overthink.collect.arms.strategies.tree import TreeShape
from overthink.collect.arms.strategies.values import StepScores
from overthink.collect.arms.strategies.search_verifier import VERIFIER, open_search_verifier, verifier_model_names
from overthink.errors import InputError
from overthink.plan.study import Plan


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
)
"""The component `tot`."""
