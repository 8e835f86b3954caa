"""SafeThink: an early step that a guard scores as unsafe is discarded and resampled after an inserted phrase.

Ghosal et al., arXiv 2602.11096. At step t the model takes a step. If the guard's score of the thinking so far reaches
tau, the step stays. If not, and t is at most m, the phrase is inserted and the step resampled, up to b times: the first
safe one stays, and if none is, the last one; the phrase stays with it. From step m + 1 on the guard is not called. The
source does not define a step: here it is a line, up to 64 tokens of one, or its part within a rung.
"""

from dataclasses import dataclass

from overthink.collect.arms.component import Component, Option, Settings
from overthink.collect.arms.interventions.guard import Watch
from overthink.collect.arms.interventions.guards import (
    GUARD_OPTIONS,
    SIMULATED_GUARD_SETTINGS,
    models_of_guard,
    watch_of,
)
from overthink.collect.arms.interventions.primer import WAIT_SAFELY, on_its_own_line
from overthink.collect.ladder.thinking import ReasoningPath, Stepper, TraceContext
from overthink.data.record import Category
from overthink.plan.study import Plan


@dataclass(frozen=True)
class SafeThink:
    """The intervention.

    Attributes:
        watch: The guard and its threshold.
        phrase: Text inserted before a resampled step.
        depth: Number of guarded steps, from the first: m.
        resamples: Maximum resamples of a step: b.
    """

    watch: Watch
    phrase: str
    depth: int
    resamples: int
    prefix_text = ""
    looks_at_steps = True

    def wrap(self, stepper: Stepper, context: TraceContext) -> Stepper:
        """Return the guarded stepper."""

        async def rejects(path: ReasoningPath, longer: ReasoningPath, branch: str) -> bool:
            is_unsafe = not await self.watch.passes(context, longer)
            return context.decisions.act("safethink", path.n_steps, branch, is_unsafe)

        async def guarded_step(path: ReasoningPath, room: int, *, branch: str = "", cue: str = "") -> ReasoningPath:
            longer = await stepper(path, room, branch=branch, cue=cue)
            if path.n_steps >= self.depth or not await rejects(path, longer, branch):
                return longer
            care = cue + on_its_own_line(path.text + cue, self.phrase)
            for number in range(self.resamples):
                context.meter.charge(Category.REJECTED, longer.tokens - path.tokens)
                longer = await stepper(path, room, branch=f"{branch}/care{number}", cue=care)
                if not await rejects(path, longer, branch):
                    break
            return longer

        return guarded_step


def _make(settings: Settings, plan: Plan) -> SafeThink:
    return SafeThink(watch_of(settings, plan), str(settings["phrase"]), int(settings["m"]), int(settings["b"]))


SAFETHINK = Component(
    "safethink",
    "intervention",
    "early steps that a guard finds unsafe are taken again behind a phrase of care",
    _make,
    settings=GUARD_OPTIONS
    | {
        "m": Option(int, "steps from the first that the guard looks at; none is the arm base", least=1),
        "b": Option(int, "how often an unsafe step is taken again at most", least=1, most=64),
        "phrase": Option(str, "what is written before a step that is taken again (SafeThink's)", default=WAIT_SAFELY),
    },
    simulated_defaults={**SIMULATED_GUARD_SETTINGS, "m": 3, "b": 2},
    max_decode_factor=lambda settings: 1.0 + float(settings["b"]),
    models=models_of_guard,
    decides="steps",
)
"""The component `safethink`."""
