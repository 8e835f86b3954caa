"""Guard of ``overthink/simulated``: it reads the risk mark at the beginning of the last step."""

from overthink.collect.providers.simulated.pieces import encode
from overthink.collect.providers.simulated.simulated_turn import is_risky, turn_of
from overthink.collect.arms.interventions.guard import GuardScale, GuardScore
from overthink.collect.ladder.thinking import ReasoningPath, TraceContext

SIMULATED_SAFE, SIMULATED_UNSAFE = 0.9, 0.1
"""Scores of safe and unsafe steps."""


class SimulatedGuard:
    """Error-free guard of simulated traces; its token count covers all its input."""

    name = "simulated"
    scale: GuardScale = "probability"

    async def score(self, context: TraceContext, path: ReasoningPath) -> GuardScore:
        """Score the last step with a mark; it decodes one token."""
        steps = turn_of(path.text).steps
        unsafe = bool(steps) and is_risky(steps[-1])
        return GuardScore(SIMULATED_UNSAFE if unsafe else SIMULATED_SAFE, len(encode(context.question + path.text)) + 1)
