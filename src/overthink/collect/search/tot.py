"""Tree of thoughts, breadth first: every state gets proposals, the best states are kept (Yao et al. 2023)."""

from overthink.collect.part import Part, Setting, Settings
from overthink.collect.search.search import Search
from overthink.collect.search.settings import check_drawn
from overthink.collect.search.tree import Shape
from overthink.collect.search.value import StepScores
from overthink.collect.search.verifier_of import VERIFIER, models_of, verifier_of
from overthink.errors import InputError
from overthink.plan import Plan


def _make(settings: Settings, plan: Plan) -> Search:
    keep, proposals = int(settings["keep"]), int(settings["proposals"])
    check_drawn("tot", plan)
    if keep > proposals:
        raise InputError(
            f"--arms tot: keep={keep} is wider than its proposals={proposals}: the first state has no more children "
            f"than that; needed: keep={proposals} or less, or more proposals"
        )
    shape = Shape(first=proposals, keep=keep, children=proposals)
    return Search(shape, StepScores(verifier_of(settings, plan), "last"), concurrency=plan.concurrency)


PART = Part(
    name="tot",
    role="strategy",
    means="tree of thoughts, breadth first: the states with the best value are kept",
    make=_make,
    settings={
        "keep": Setting(int, "states kept at each depth", least=1),
        "proposals": Setting(int, "next thoughts drawn for each state", least=2),
        "verifier": VERIFIER,
    },
    simulated={"keep": 2, "proposals": 3, "verifier": "simulated"},
    times=lambda settings: float(settings["keep"]) * float(settings["proposals"]),
    models=models_of,
)
"""Tree of thoughts as an arm."""
