"""Budget forcing with a minimum: where the model ends its thinking too early, it reads "Wait" and thinks on.

s1, arXiv 2501.19393: the end of the thinking is suppressed and "Wait" appended, until the minimum is reached or the
rounds are used up. The maximum is the rung: every arm's thinking is cut there.
"""

from overthink.collect.part import Part, Setting, Settings
from overthink.collect.steer.prolonging import Prolonging
from overthink.collect.thinking import LINE_END
from overthink.plan import Plan


def _make(settings: Settings, plan: Plan) -> Prolonging:
    return Prolonging((str(settings["cue"]),), int(settings["rounds"]), int(settings["minimum"]))


PART = Part(
    "wait",
    "strategy",
    "budget forcing with a minimum: an early end of the thinking is replaced by a cue",
    _make,
    settings={
        "cue": Setting(str, "what takes the place of an early end (s1's)", default="Wait"),
        "rounds": Setting(int, "how often an end is suppressed at most", least=1),
        "minimum": Setting(int, "thinking tokens before which an end is suppressed; the top budget for all", least=1),
    },
    simulated={"rounds": 2, "minimum": 64},
    pieces=lambda settings: int(settings["rounds"]),
    writes=lambda settings: (f"{LINE_END}{settings['cue']}",) * int(settings["rounds"]),
)
"""What `--arms` calls `wait`."""
