"""When to stop, and how large the next wave is otherwise."""

import numpy as np

from overthink.core.adaptive.look import Look
from overthink.core.adaptive.waves import Array, Counts

REACHED, CAP, FLOOR, UNDEFINED = "reached", "cap", "floor", "undefined"

GROWTH = (0.25, 1.0)
"""A wave's draws as a share of all before: at least, so that looks stay few; and at most, so that none overshoots."""

LOOKS = 4.0
"""Where stopping looks at an estimate, each look has this share of the error rate to itself. Pocock's (1977) constant
level for eight looks is .012 where all together may err in .05; a study takes three to eight."""


def decided(seen: Look, target: float, *, room: Counts) -> str | None:
    """Why to stop drawing for a half-width, or None to go on.

    Args:
        seen: The curve as it is.
        target: Half-width wanted at every rung.
        room: (question,) draws that each question may still get.

    Returns:
        "reached"; "floor" where endless draws would leave some rung wider; "cap" where a question has no room; None.
    """
    if (seen.half_width <= target).all():
        return REACHED
    if (seen.floor > target).any() or seen.worst < 0:
        return FLOOR
    return CAP if (room < 1).any() else None


def wave_budget(seen: Look, target: float, drawn: int, *, spread: Array) -> int:
    """Draws of the next wave: as many as the widest rung seems to need, within ``GROWTH``.

    With T draws so far, B more shared out by Neyman's rule, and waves weighted by their share, the variance from
    drawing becomes (T² v + B (Σσ)²/N) / (T + B)², where v is what it is now, mean over the N questions.

    Args:
        seen: The curve as it is.
        target: Half-width wanted.
        drawn: Draws so far.
        spread: (question,) variance of a single draw at the widest rung.
    """
    i = seen.worst
    wanted = (seen.within[i] + seen.between[i]) * (target / seen.half_width[i]) ** 2 - seen.between[i]
    if not wanted > 0:
        return within(np.inf, drawn, questions=spread.size)
    ideal = float(np.sqrt(spread).sum() ** 2 / spread.size)
    # wanted (T + B)² = T² v + B · ideal, solved for B
    half = wanted * drawn - ideal / 2
    root = half**2 - wanted * drawn**2 * (wanted - seen.within[i])
    return within((-half + np.sqrt(max(root, 0.0))) / wanted, drawn, questions=spread.size)


def within(needed: float, drawn: int, *, questions: int) -> int:
    """The draws of a wave that seem to be needed, within ``GROWTH``, and one per question at least."""
    least, most = (max(int(np.ceil(share * drawn)), questions) for share in GROWTH)
    return int(np.clip(np.ceil(needed), least, most))
