"""Reason to stop sampling, and size of the next wave otherwise."""

import numpy as np

from overthink.adaptive.variance import Look
from overthink.data.waves import Array, DrawCounts

REACHED, CAP, FLOOR, UNDEFINED = "reached", "cap", "floor", "undefined"

WAVE_GROWTH = (0.25, 1.0)
"""Bounds of a wave's draws as a share of all earlier ones: few looks (lower), no overshoot (upper)."""

MAX_LOOKS = 4.0
"""Number of interim looks among which the error rate is divided where stopping depends on an estimate. Pocock's (1977)
constant level for eight looks is .012 for an overall error rate of .05; a study takes three to eight."""


def stop_reason(look: Look, half_width: float, *, draws_left: DrawCounts) -> str | None:
    """Reason to stop sampling for a half-width, or None to continue.

    Args:
        look: The curve as it is.
        half_width: Half-width wanted at every rung.
        draws_left: (question,) draws that each question may still get.

    Returns:
        "reached"; "floor" where endless draws would leave some rung wider; "cap" where a question has no room; None.
    """
    if (look.half_width <= half_width).all():
        return REACHED
    if (look.floor > half_width).any() or look.worst < 0:
        return FLOOR
    return CAP if (draws_left < 1).any() else None


def wave_budget(look: Look, half_width: float, n_drawn: int, *, variance: Array) -> int:
    """Number of draws of the next wave: the estimated need of the widest rung, within ``WAVE_GROWTH``.

    With T draws so far, B more shared out by Neyman's rule, and waves weighted by their share, the variance from
    drawing becomes (T² v + B (Σσ)²/N) / (T + B)², where v is what it is now, mean over the N questions.

    Args:
        look: The curve as it is.
        half_width: Half-width wanted.
        n_drawn: Draws so far.
        variance: (question,) variance of a single draw at the widest rung.
    """
    i = look.worst
    target_variance = (look.within[i] + look.between[i]) * (half_width / look.half_width[i]) ** 2 - look.between[i]
    if not target_variance > 0:
        return wave_size(np.inf, n_drawn, n_questions=variance.size)
    ideal = float(np.sqrt(variance).sum() ** 2 / variance.size)
    # wanted (T + B)² = T² v + B · ideal, solved for B
    half = target_variance * n_drawn - ideal / 2
    root = half**2 - target_variance * n_drawn**2 * (target_variance - look.within[i])
    return wave_size((-half + np.sqrt(max(root, 0.0))) / target_variance, n_drawn, n_questions=variance.size)


def wave_size(n_needed: float, n_drawn: int, *, n_questions: int) -> int:
    """The estimated number of draws of a wave, within ``WAVE_GROWTH``, and one per question at least."""
    least, most = (max(int(np.ceil(share * n_drawn)), n_questions) for share in WAVE_GROWTH)
    return int(np.clip(np.ceil(n_needed), least, most))
