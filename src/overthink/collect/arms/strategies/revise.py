"""Sequential revision: draft, critique, revise, within one chain (Madaan et al. 2023; Snell et al. 2024)."""

from dataclasses import dataclass

from overthink.collect.arms.component import Component, Option, Settings, StepperSetup
from overthink.collect.arms.strategies.revision import ANSWER, Chain, RevisionOptions
from overthink.collect.arms.strategies.draft import ByVerifier, Majority, Selection
from overthink.collect.arms.strategies.search_verifier import open_search_verifier, verifier_model_names
from overthink.collect.ladder.thinking import Thinker, TraceContext
from overthink.plan.study import Plan

MAJORITY = "majority"

CRITIQUE = f"My answer so far is: {ANSWER}. Let me look for mistakes in it."
"""Default text after a draft."""

REVISE = "Now let me write an improved solution with these mistakes put right."
"""Default text after a critique."""


@dataclass(frozen=True, slots=True)
class Revision:
    """Sequential revision as a strategy."""

    how: RevisionOptions

    def thinker(self, context: TraceContext, setup: StepperSetup) -> Thinker:
        """Return the thinker of one trace."""
        return Chain(context, setup, self.how)


def _make(settings: Settings, plan: Plan) -> Revision:
    by_vote = settings["verifier"] == MAJORITY
    selection: Selection = Majority() if by_vote else ByVerifier(open_search_verifier(settings, plan))
    return Revision(
        RevisionOptions(
            rounds=int(settings["rounds"]),
            share=float(settings["share"]),
            critique=str(settings["critique"]),
            revise=str(settings["revise"]),
            selection=selection,
        )
    )


REVISION = Component(
    name="revise",
    role="strategy",
    description="draft, critique, revise within one chain; a vote of the drafts or a verifier selects",
    make=_make,
    settings={
        "rounds": Option(int, "revisions after the first draft", least=1),
        "share": Option(
            float, "share of the highest budget that each draft and each critique may think for", least=0.001, most=1
        ),
        "verifier": Option(str, f"who selects a draft: {MAJORITY}, or a verifier of answers"),
        "critique": Option(str, f"text behind a draft; {ANSWER} is its answer; ours", default=CRITIQUE),
        "revise": Option(str, "text behind a critique; ours", default=REVISE),
    },
    simulated_defaults={"rounds": 2, "share": 0.2, "verifier": MAJORITY},
    max_decode_factor=lambda settings: 2.0 + float(settings["rounds"]),
    models=lambda settings: () if settings["verifier"] == MAJORITY else verifier_model_names(settings),
)
"""The component `revise`."""
