"""Budget forcing with a minimum: an early end of the thinking is replaced by "Wait", and the thinking continues.

s1, arXiv 2501.19393: the end of the thinking is suppressed and "Wait" appended, until the minimum is reached or the
rounds are used up. The maximum is the rung, as in every arm.
"""

from overthink.collect.arms.component import Component, Option, Settings
from overthink.collect.arms.strategies.budget_forcing import BudgetForcing
from overthink.collect.ladder.thinking import LINE_END
from overthink.plan.study import Plan


def _make_wait(settings: Settings, plan: Plan) -> BudgetForcing:
    return BudgetForcing((str(settings["cue"]),), int(settings["rounds"]), int(settings["minimum"]))


WAIT = Component(
    "wait",
    "strategy",
    "budget forcing with a minimum: an early end of the thinking is replaced by a cue",
    _make_wait,
    settings={
        "cue": Option(str, "what takes the place of an early end (s1's)", default="Wait"),
        "rounds": Option(int, "how often an end is suppressed at most", least=1),
        "minimum": Option(int, "thinking tokens before which an end is suppressed; the top budget for all", least=1),
    },
    simulated_defaults={"rounds": 2, "minimum": 64},
    max_segments=lambda settings: int(settings["rounds"]),
    inserted_texts=lambda settings: (f"{LINE_END}{settings['cue']}",) * int(settings["rounds"]),
)
"""The component `wait`."""
