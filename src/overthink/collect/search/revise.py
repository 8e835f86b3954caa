"""Sequential revision: draft, critique, revise, within one chain (Madaan et al. 2023; Snell et al. 2024)."""

from dataclasses import dataclass

from overthink.collect.part import Part, Setting, Settings, Steered
from overthink.collect.search.chain import ANSWER, Chain, Revising
from overthink.collect.search.draft import ByVerifier, Majority, Selection
from overthink.collect.search.verifier_of import models_of, verifier_of
from overthink.collect.thinking import Means, Thinker
from overthink.plan import Plan

MAJORITY = "majority"

CRITIQUE = f"My answer so far is: {ANSWER}. Let me look for mistakes in it."
"""What we write behind a draft where the evaluator writes nothing else."""

REVISE = "Now let me write an improved solution with these mistakes put right."
"""What we write behind a critique where the evaluator writes nothing else."""


@dataclass(frozen=True, slots=True)
class Revise:
    """Sequential revision as a strategy."""

    how: Revising

    def thinker(self, means: Means, steered: Steered) -> Thinker:
        """Who thinks in one trace."""
        return Chain(means, steered, self.how)


def _make(settings: Settings, plan: Plan) -> Revise:
    by_vote = settings["verifier"] == MAJORITY
    selection: Selection = Majority() if by_vote else ByVerifier(verifier_of(settings, plan))
    return Revise(
        Revising(
            rounds=int(settings["rounds"]),
            share=float(settings["share"]),
            critique=str(settings["critique"]),
            revise=str(settings["revise"]),
            selection=selection,
        )
    )


PART = Part(
    name="revise",
    role="strategy",
    means="draft, critique, revise within one chain; a vote of the drafts or a verifier selects",
    make=_make,
    settings={
        "rounds": Setting(int, "revisions after the first draft", least=1),
        "share": Setting(
            float, "share of the highest budget that each draft and each critique may think for", least=0.001, most=1
        ),
        "verifier": Setting(str, f"who selects a draft: {MAJORITY}, or a verifier of answers"),
        "critique": Setting(str, f"text behind a draft; {ANSWER} is its answer; ours", default=CRITIQUE),
        "revise": Setting(str, "text behind a critique; ours", default=REVISE),
    },
    simulated={"rounds": 2, "share": 0.2, "verifier": MAJORITY},
    times=lambda settings: 2.0 + float(settings["rounds"]),
    models=lambda settings: () if settings["verifier"] == MAJORITY else models_of(settings),
)
"""Sequential revision as an arm."""
