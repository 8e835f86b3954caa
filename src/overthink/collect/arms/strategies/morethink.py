"""MoreThink: every end of the thinking is replaced by a sentence that asks to think again, at most ten times.

SafeChain, arXiv 2502.12025. The source draws the sentences at random from another list.
"""

from overthink.collect.arms.component import Component, Option, Settings
from overthink.collect.arms.strategies.budget_forcing import BudgetForcing
from overthink.collect.ladder.thinking import LINE_END
from overthink.errors import InputError
from overthink.plan.study import Plan

MAX_ROUNDS = 10
"""The source's limit."""

RETHINK = (
    "Let me go over this once more from the beginning.",
    "Before I answer, I should check each of these points again.",
    "I may have missed something, so I will look at it from another side.",
    "Let me think again about what is being asked, and why.",
)


def _make_morethink(settings: Settings, plan: Plan) -> BudgetForcing:
    cues = tuple(cue.strip() + "\n" for cue in str(settings["cues"]).split("|") if cue.strip())
    if not cues:
        raise InputError("--arms morethink: cues holds no sentence; needed: sentences with | between them")
    return BudgetForcing(cues, int(settings["rounds"]), None)


MORETHINK = Component(
    "morethink",
    "strategy",
    "every end of the thinking is replaced by a sentence that asks to think again",
    _make_morethink,
    settings={
        "rounds": Option(
            int, "how often an end is replaced at most (SafeChain's)", MAX_ROUNDS, least=1, most=MAX_ROUNDS
        ),
        "cues": Option(str, "the sentences, with | between them; one is drawn each time", default="|".join(RETHINK)),
    },
    max_segments=lambda settings: int(settings["rounds"]),
    inserted_texts=lambda settings: (
        (LINE_END + max(str(settings["cues"]).split("|"), key=len),) * int(settings["rounds"])
    ),
)
"""The component `morethink`."""
