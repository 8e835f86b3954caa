"""How a verdict on the shape of a curve is said: what was shown, by which test, or what could have been seen."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from overthink.core.finding import Finding
from overthink.present import wording
from overthink.present.curve import Curve, Verdict
from overthink.present.names import PROSE_LIMIT, visible

SHAPES = {
    "up": "ends higher than it began; no turn is shown",
    "down": "ends lower than it began; no turn is shown",
    "flat": "no two levels differ by the margin or more",
    "saturating": "ends higher than it began, and no two levels of the upper half differ by the margin or more",
    "hump": "rises, then falls",
    "dip": "falls, then rises",
    "undetermined": "no shape is shown; what could have been seen stands beside it",
}
"""By label of a shape finding: what it means."""

TESTS = {"regimes": "stated regimes", "max_t": "any rise and fall"}
"""By metric of a shape finding, without "corrected_" before it: what was tested."""

CORRECTED = "corrected by human labels"

UNDETERMINED = "undetermined"
WITHHELD = "withheld"


class Said(NamedTuple):
    """A shape finding in words.

    Attributes:
        verdict: The shape, "undetermined", or "withheld" where the judge's error forbids a claim.
        p: The p-value and the adjusted one; empty where there is none.
        why: Why there is no verdict; empty where there is one.
        could: The change that could have been seen; empty where there is a verdict, or none is known.
        mde: The number in ``could``.
        test: What was tested.
    """

    verdict: str
    p: str
    why: str
    could: str
    mde: str
    test: str

    def line(self) -> str:
        """All of it on one line."""
        tested = f"{self.p}; {self.test}" if self.p else self.test
        return "; ".join(filter(None, (f"{self.verdict} ({tested})", self.why, f"{self.could}{self.mde}")))


def said(shape: Finding, rungs: int) -> Said:
    """What a shape finding allows to say.

    Args:
        shape: The finding.
        rungs: Rungs of its curve with a value: with two of them there is no hump to see.
    """
    verdict = visible(shape.label or UNDETERMINED)
    why = visible(shape.reason or "", PROSE_LIMIT)
    test = TESTS.get(shape.metric.removeprefix("corrected_"), visible(shape.metric))
    if is_withheld(shape):
        return Said(WITHHELD, "", why.removeprefix("withheld: "), "", "", test)
    could = mde = ""
    if shape.label in {None, UNDETERMINED} and shape.test is not None and _known(shape.test.mde):
        could = f"could have seen a {'hump or dip' if rungs > 2 else 'change'} of "
        mde = f"{100 * (shape.test.mde or 0):.1f} points or more"
    return Said(verdict, _p_values(shape), why, could, mde, test)


def is_withheld(shape: Finding) -> bool:
    """Whether the judge's error forbids any claim about a trend."""
    return "judge_drift" in shape.gates_failed and (shape.reason or "").startswith(WITHHELD)


def primary(verdicts: Sequence[Verdict], *, corrected: bool = False) -> Verdict | None:
    """The verdict that counts: on the stated regimes if there are any, else on any rise and fall.

    Args:
        verdicts: Those of one curve, in the order of :class:`~overthink.present.curve.Curve`.
        corrected: Of the curve that human labels corrected.
    """
    return next((v for v in verdicts if v.shape.metric.startswith("corrected_") == corrected), None)


def qualified(curve: Curve) -> wording.Change:
    """The change from the lowest to the highest rung, without saying twice that the judge's error forbids claims."""
    found, change = primary(curve.verdicts), curve.change
    if found is not None and change is not None and is_withheld(found.shape):
        gates = tuple(gate for gate in change.gates_failed if gate != "judge_drift")
        return wording.change(replace(change, gates_failed=gates))
    return wording.change(change)


def verdict_word(curve: Curve) -> str:
    """One word on a curve: its shape, or what its change shows where no shape was tested."""
    found = primary(curve.verdicts)
    return said(found.shape, len(curve.rungs)).verdict if found else wording.change(curve.change).verdict


def _p_values(shape: Finding) -> str:
    if shape.test is None:
        return ""
    told = (("p", shape.test.p), ("adjusted p", shape.test.p_adjusted))
    return ", ".join(f"{name} {p_value(value)}" for name, value in told if value is not None and _known(value))


def p_value(value: float) -> str:
    """A p-value with its sign of relation; nothing finer than 0.001.

    >>> p_value(0.0123), p_value(0.0001)
    ('= 0.012', '< 0.001')
    """
    return "< 0.001" if value < 0.001 else f"= {value:.2g}"


def _known(value: float | None) -> bool:
    return value is not None and math.isfinite(value)
