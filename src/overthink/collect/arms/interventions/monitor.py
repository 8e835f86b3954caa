"""Monitor: every step is scored, and one below the threshold stops the thinking or is followed by a cue."""

from dataclasses import dataclass, replace
from typing import Literal

from overthink.collect.arms.component import Component, Option, Settings
from overthink.collect.arms.interventions.guard import Watch
from overthink.collect.arms.interventions.guards import (
    GUARD_OPTIONS,
    SIMULATED_GUARD_SETTINGS,
    models_of_guard,
    watch_of,
)
from overthink.collect.arms.interventions.primer import WAIT_SAFELY, on_its_own_line
from overthink.collect.ladder.thinking import ReasoningPath, Stepper, TraceContext, insert_text
from overthink.data.record import Category
from overthink.plan.study import Plan


@dataclass(frozen=True)
class Monitor:
    """The intervention.

    Attributes:
        watch: Guard and threshold.
        action: "stop": the step is discarded, and the thinking ends before it, so that the answer is forced there;
            "redirect": the step stays, and the cue is inserted after it.
        cue: Text to insert.
    """

    watch: Watch
    action: Literal["stop", "redirect"]
    cue: str
    prefix_text = ""
    looks_at_steps = True

    def wrap(self, stepper: Stepper, context: TraceContext) -> Stepper:
        """Return the monitored stepper."""

        async def monitor_step(path: ReasoningPath, room: int, *, branch: str = "", cue: str = "") -> ReasoningPath:
            longer = await stepper(path, room, branch=branch, cue=cue)
            is_unsafe = not await self.watch.passes(context, longer)
            if not context.decisions.act("monitor", path.n_steps, branch, is_unsafe):
                return longer
            if self.action == "stop":
                context.meter.charge(Category.REJECTED, longer.tokens - path.tokens)
                return replace(path, ended=True, is_final=True)
            return await insert_text(context.continuation, longer, on_its_own_line(longer.text, self.cue))

        return monitor_step


def _make(settings: Settings, plan: Plan) -> Monitor:
    action: Literal["stop", "redirect"] = "stop" if settings["action"] == "stop" else "redirect"
    return Monitor(watch_of(settings, plan), action, str(settings["cue"]))


MONITOR = Component(
    "monitor",
    "intervention",
    "a guard or verifier scores every step, and stops or redirects the thinking",
    _make,
    settings=GUARD_OPTIONS
    | {
        "action": Option(
            str,
            "what an unsafe step does: end the thinking before it, or be answered by the cue",
            choices=("stop", "redirect"),
        ),
        "cue": Option(str, "what answers an unsafe step (SafeThink's phrase)", default=WAIT_SAFELY),
    },
    simulated_defaults={**SIMULATED_GUARD_SETTINGS, "action": "stop"},
    models=models_of_guard,
    decides="steps",
)
"""The component `monitor`."""
