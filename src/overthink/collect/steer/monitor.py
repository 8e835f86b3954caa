"""A monitor: every step is scored, and one below the threshold stops the thinking, or is answered by a word of ours."""

from dataclasses import dataclass, replace
from typing import Literal

from overthink.collect.part import Part, Setting, Settings
from overthink.collect.steer.guard import Watch
from overthink.collect.steer.phrase import WAIT_SAFELY, on_its_own_line
from overthink.collect.steer.watching import SIMULATED, WATCHING, models_of_guard, watch_of
from overthink.collect.thinking import Means, Path, Stepper, written
from overthink.core.category import Category
from overthink.plan import Plan


@dataclass(frozen=True)
class Monitor:
    """The intervention.

    Attributes:
        watch: Who scores the steps, and from which score on they pass.
        action: "stop": the step is thrown away, and the thinking ends before it, so that the answer is forced there;
            "redirect": the step stays, and the cue is written behind it.
        cue: What is written.
    """

    watch: Watch
    action: Literal["stop", "redirect"]
    cue: str
    opening = ""
    looks_at_steps = True

    def around(self, stepper: Stepper, means: Means) -> Stepper:
        """The stepper that is looked after."""

        async def watched(path: Path, room: int, *, branch: str = "", cue: str = "") -> Path:
            taken = await stepper(path, room, branch=branch, cue=cue)
            if await self.watch.passes(means, taken):
                return taken
            if self.action == "stop":
                means.till.charge(Category.REJECTED, taken.tokens - path.tokens)
                return replace(path, ended=True, stopped=True)
            return await written(means.continuation, taken, on_its_own_line(taken.text, self.cue))

        return watched


def _make(settings: Settings, plan: Plan) -> Monitor:
    action: Literal["stop", "redirect"] = "stop" if settings["action"] == "stop" else "redirect"
    return Monitor(watch_of(settings, plan), action, str(settings["cue"]))


PART = Part(
    "monitor",
    "intervention",
    "a guard or verifier scores every step, and stops or redirects the thinking",
    _make,
    settings=WATCHING
    | {
        "action": Setting(
            str,
            "what an unsafe step does: end the thinking before it, or be answered by the cue",
            choices=("stop", "redirect"),
        ),
        "cue": Setting(str, "what answers an unsafe step (SafeThink's phrase)", default=WAIT_SAFELY),
    },
    simulated={**SIMULATED, "action": "stop"},
    models=models_of_guard,
)
"""What `--arms` calls `monitor`."""
