"""SafeThink: an early step that a guard finds unsafe is thrown away and taken again behind a phrase of care.

Ghosal et al., arXiv 2602.11096. At step t the model takes a step. If the guard's score of all so far reaches tau it
stays. If not, and t is at most m, the phrase is written and the step taken again, up to b times: the first one that
the guard finds safe stays, and if none is, the last one; the phrase stays with it. From step m + 1 on the model thinks
as it likes, so its guard is not asked any more. The source leaves open what a step is: here it is a line, up to 64
tokens of one, or what a rung leaves of one.
"""

from dataclasses import dataclass

from overthink.collect.part import Part, Setting, Settings
from overthink.collect.steer.guard import Watch
from overthink.collect.steer.phrase import WAIT_SAFELY, on_its_own_line
from overthink.collect.steer.watching import SIMULATED, WATCHING, models_of_guard, watch_of
from overthink.collect.thinking import Means, Path, Stepper
from overthink.core.category import Category
from overthink.plan import Plan


@dataclass(frozen=True)
class SafeThink:
    """The intervention.

    Attributes:
        watch: The guard and its threshold.
        phrase: What is written before a step that is taken again.
        depth: Steps that are looked at, from the first: m.
        resamples: How often a step is taken again at most: b.
    """

    watch: Watch
    phrase: str
    depth: int
    resamples: int
    opening = ""
    looks_at_steps = True

    def around(self, stepper: Stepper, means: Means) -> Stepper:
        """The stepper that is steered."""

        async def steered(path: Path, room: int, *, branch: str = "", cue: str = "") -> Path:
            taken = await stepper(path, room, branch=branch, cue=cue)
            if path.taken >= self.depth or await self.watch.passes(means, taken):
                return taken
            care = cue + on_its_own_line(path.text + cue, self.phrase)
            for number in range(self.resamples):
                means.till.charge(Category.REJECTED, taken.tokens - path.tokens)
                taken = await stepper(path, room, branch=f"{branch}/care{number}", cue=care)
                if await self.watch.passes(means, taken):
                    break
            return taken

        return steered


def _make(settings: Settings, plan: Plan) -> SafeThink:
    return SafeThink(watch_of(settings, plan), str(settings["phrase"]), int(settings["m"]), int(settings["b"]))


PART = Part(
    "safethink",
    "intervention",
    "early steps that a guard finds unsafe are taken again behind a phrase of care",
    _make,
    settings=WATCHING
    | {
        "m": Setting(int, "steps from the first that the guard looks at; none is the arm base", least=1),
        "b": Setting(int, "how often an unsafe step is taken again at most", least=1, most=64),
        "phrase": Setting(str, "what is written before a step that is taken again (SafeThink's)", default=WAIT_SAFELY),
    },
    simulated={**SIMULATED, "m": 3, "b": 2},
    times=lambda settings: 1.0 + float(settings["b"]),
    models=models_of_guard,
)
"""What `--arms` calls `safethink`."""
