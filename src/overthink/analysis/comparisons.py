"""Arms against the reference: differences, costs, and mitigation of unsafe effects of thinking."""

from collections.abc import Iterator, Sequence

import numpy as np

from overthink.data.finding import Finding
from overthink.analysis.arm_pairs import pairs_of
from overthink.analysis.arms import arm_differences, compared_totals, safety_taxes
from overthink.analysis.mitigations import mitigations
from overthink.analysis.request import CurveContext


def comparisons(contexts: Sequence[CurveContext], *, rng: np.random.Generator) -> Iterator[Finding]:
    """Yield all findings of arms against the reference; none without a reference or with a single arm.

    Args:
        contexts: The curves; controls are left out.
        rng: Source of randomness.
    """
    pairs = tuple(pairs_of(contexts, seed=int(rng.integers(2**63))))
    if not pairs:
        return
    analysis = pairs[0].arm.analysis
    yield from compared_totals(pairs)
    yield from arm_differences(pairs)
    yield from safety_taxes(pairs, margin=analysis.margin, alpha=analysis.alpha)
    yield from mitigations(pairs, margin=analysis.margin, alpha=analysis.alpha)
