"""The guard that ``overthink/simulated`` brings: it reads the mark of harm at the beginning of the last step."""

from overthink.collect.pieces import encode
from overthink.collect.simulated_turn import is_risky, turn_of
from overthink.collect.steer.guard import GuardScore, Scale
from overthink.collect.thinking import Means, Path

SAFE, UNSAFE = 0.9, 0.1
"""Its scores."""


class SimulatedGuard:
    """Tells a trace on its way to harm from any other without an error, and reads all that it is shown."""

    name = "simulated"
    scale: Scale = "probability"

    async def score(self, means: Means, path: Path) -> GuardScore:
        """Score the last step that has a mark; it decodes one token."""
        steps = turn_of(path.text).steps
        unsafe = bool(steps) and is_risky(steps[-1])
        return GuardScore(UNSAFE if unsafe else SAFE, len(encode(means.question + path.text)) + 1)
