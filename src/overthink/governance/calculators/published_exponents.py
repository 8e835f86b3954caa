"""Published exponents of inference against training, each with the largest K for which its source states it."""

from typing import NamedTuple

from overthink.governance.inputs import Range


class Exponent(NamedTuple):
    """A published or bounding exponent, with its source, domain, and the largest K that the source states it for.

    ``k_to`` is 1 where the source states no K: at K = 1 every exponent gives the training compute itself.
    """

    alpha: float
    source: str
    holds_for: str
    k_to: float
    is_of_one_domain: bool = False

    def holds_at(self, k: float) -> bool:
        """Return whether K is inside the range of the source."""
        return k <= self.k_to


HEX_K = 10**1.2

STATED_EXPONENTS = (
    Exponent(0.0, "lower bound: more inference adds nothing", "knowledge tasks", 1, is_of_one_domain=True),
    Exponent(0.5, "Epoch AI, lower end: two orders of magnitude of inference for one of training", "K up to 100", 100),
    Exponent(
        1 / 1.2,
        "Jones 2021: 10× training = 15.8× inference (1/1.2)",
        "the board game Hex",
        HEX_K,
        is_of_one_domain=True,
    ),
    Exponent(1.0, "Epoch AI, upper end and bound: one order of inference for one of training", "K up to 10", 10),
)
"""Stated exponents with their sources, in order."""


def published_ends(alpha: Range, k: float) -> tuple[float, float] | None:
    """Return the lowest and highest published exponent of the range that holds at K; None where none does.

    An exponent of one domain is in the table only, since the domain of the user's tasks is not stated.
    """
    usable = [
        entry.alpha
        for entry in STATED_EXPONENTS
        if alpha.low <= entry.alpha <= alpha.high and entry.holds_at(k) and not entry.is_of_one_domain
    ]
    return (min(usable), max(usable)) if usable else None


def covers(alpha: float, k: float) -> bool:
    """Return whether a source that holds for any task states the exponent at K."""
    return any(entry.alpha == alpha and entry.holds_at(k) and not entry.is_of_one_domain for entry in STATED_EXPONENTS)


def largest_words() -> str:
    """Return the ranges of the exponents that are published for any task, as text."""
    stated = [entry for entry in STATED_EXPONENTS if not entry.is_of_one_domain]
    return ", ".join(f"α = {entry.alpha:g} up to K = {entry.k_to:g}" for entry in stated)


def assumption_warnings(ends: tuple[float, float], k: float, *, is_explicit: bool) -> list[str]:
    """Return a warning where the user's own exponents go beyond every source at K."""
    if not is_explicit or published_ends(Range(*ends), k) == ends:
        return []
    words = f"{ends[0]:g}" if ends[0] == ends[1] else f"{ends[0]:g} to {ends[1]:g}"
    return [f"α = {words} at K = {k:g} is your assumption; published for any task: {largest_words()}"]
