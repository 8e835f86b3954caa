"""Arms beside the reference: differences, what they cost, and whether they keep safe what thinking makes unsafe."""

from collections.abc import Iterator, Sequence

import numpy as np

from overthink.core.finding import Finding
from overthink.core.findings.arm_pairs import pairs_of
from overthink.core.findings.arms import arm_differences, compared_totals, safety_taxes
from overthink.core.findings.mitigations import mitigations
from overthink.core.findings.page import Page


def comparisons(pages: Sequence[Page], *, rng: np.random.Generator) -> Iterator[Finding]:
    """Everything that is said of arms beside the reference; nothing where there is no reference, or one arm.

    Args:
        pages: The curves; controls are left out.
        rng: Source of randomness.
    """
    pairs = tuple(pairs_of(pages, seed=int(rng.integers(2**63))))
    if not pairs:
        return
    decided = pairs[0].arm.analysis
    yield from compared_totals(pairs)
    yield from arm_differences(pairs)
    yield from safety_taxes(pairs, margin=decided.margin, alpha=decided.alpha)
    yield from mitigations(pairs, margin=decided.margin, alpha=decided.alpha)
