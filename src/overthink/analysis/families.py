"""Families of curves: the verdicts that are adjusted together, declared before any verdict is looked at.

Without a declaration all curves of a report are one family, and controls another. A declaration (``--primary``) makes
the curves it names a family of their own. A curve with so few questions that no answers whatever could give it a
verdict leaves its family (Tarone 1990): it cannot be a false claim, so nothing need be paid for it. Which curves these
are depends on numbers of questions and rungs alone.

Curves on oversight are declared with the curve whose traces they are about, and are families of their own: a monitor
that is added to a study leaves the verdicts on its curves as they were.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from overthink.data.finding import Finding
from overthink.data.ids import CurveKey
from overthink.data.outcomes import Outcomes
from overthink.data.phrases import Limit, Phrase, one_of
from overthink.plan.analysis import Analysis, check_primary, is_primary
from overthink.stats.multiplier_bootstrap import SIGN_RESAMPLES
from overthink.stats.testing import holm
from overthink.stats.turning_points import smallest_p

ALL = "all curves of the report"
CONTROLS = "all controls of the report"
PRIMARY = "the curves declared as primary"
AFTERWARDS = ", after the data were collected"
OTHER = "the curves beside those declared as primary"
OVERSIGHT = "all curves on oversight of the report"
OVERSIGHT_PRIMARY = "the curves on oversight of those declared as primary"
OVERSIGHT_OTHER = "the curves on oversight beside those declared as primary"

ONE_CURVE, CURVES = "1 curve", Phrase("{n:d} curves")
WITH_TOO_FEW = Phrase(", {n:d} with too few questions left out")
ADJUSTED = Limit(
    "adjusted over the verdicts of {curves} (Holm): {family}{left_out}",
    curves=one_of(ONE_CURVE, CURVES),
    family=one_of(
        *(ALL, CONTROLS, PRIMARY, PRIMARY + AFTERWARDS, OTHER),
        *(OVERSIGHT, OVERSIGHT_PRIMARY, OVERSIGHT_PRIMARY + AFTERWARDS, OVERSIGHT_OTHER),
    ),
    left_out=one_of("", WITH_TOO_FEW),
)

_Key = TypeVar("_Key")

RESAMPLE_FACTOR = 15
"""Resamples per curve of the family and per 1/α: the smallest p-value, about 3/resamples, is a fifth of the need."""

MOST_RESAMPLES = 40_000
"""Beyond them a closed-form tail takes over."""


@dataclass(frozen=True, slots=True)
class CurveFamily:
    """The family of one curve.

    Attributes:
        name: What the family is, in words.
        is_declared: Whether it is the family of the curves declared as primary.
        size: Curves adjusted together; at least 1.
        n_left_out: Curves that left the family, for they have too few questions.
        smallest_p: Smallest p-value that the curve can have, about.
        needed_p: Largest p-value that is of use: α over the curves that could reach it.
        is_member: Whether the curve can show anything, and is adjusted with the others.
    """

    name: str
    is_declared: bool = False
    size: int = 1
    n_left_out: int = 0
    smallest_p: float = 0.0
    needed_p: float = 1.0
    is_member: bool = True

    @property
    def text(self) -> str:
        """The family in words, for the limits of a verdict."""
        left_out = WITH_TOO_FEW.text(n=self.n_left_out) if self.n_left_out else ""
        curves = ONE_CURVE if self.size == 1 else CURVES.text(n=self.size)
        return ADJUSTED.text(curves=curves, family=self.name, left_out=left_out)


def unadjusted_p(finding: Finding) -> float:
    """Return the p-value of a finding before any adjustment; NaN without one."""
    return float("nan") if finding.test is None or finding.test.p is None else finding.test.p


def with_adjusted_p(findings: Iterable[Finding | None]) -> dict[str, Finding]:
    """Return the findings with a test, their p-values adjusted over all of them (Holm), by id.

    Args:
        findings: Findings of one family; None and those without a test are left out. A test without p counts as 1.

    Example:
        >>> from overthink.data.finding import At, FindingTest
        >>> names = ("value", "safety", "t", "a", "forced", "mean", At())
        >>> tests = {"low": FindingTest("t", p=0.01), "high": FindingTest("t", p=0.4), "none": None}
        >>> own = with_adjusted_p(Finding(name, *names, level=0.95, test=test) for name, test in tests.items())
        >>> {name: (finding.test.p_adjusted, is_shown(finding)) for name, finding in own.items()}
        {'low': (0.02, True), 'high': (0.4, False)}
    """
    own = [(each, each.test) for each in findings if each is not None and each.test is not None]
    p_values = holm([1.0 if test.p is None else test.p for _, test in own])
    return {
        finding.id: replace(finding, test=replace(test, p_adjusted=float(p)))
        for (finding, test), p in zip(own, p_values, strict=True)
    }


def is_shown(finding: Finding) -> bool:
    """Return whether the adjusted p-value of a finding is at most one minus its level."""
    p = None if finding.test is None else finding.test.p_adjusted
    return p is not None and p <= 1 - (finding.level or 0.95)


def resamples(size: int, alpha: float) -> int:
    """Return a number of resamples whose smallest possible p-value survives the adjustment over so many curves."""
    return min(max(SIGN_RESAMPLES, int(RESAMPLE_FACTOR * size / alpha)), MOST_RESAMPLES)


def families(curves: Sequence[Outcomes], analysis: Analysis) -> dict[CurveKey, CurveFamily]:
    """Return the family of every curve with two or more rungs.

    Args:
        curves: All curves of the report.
        analysis: Decisions of the evaluator.

    Raises:
        InputError: A declaration of primary curves matches none.
    """
    ladders = {table.key: table for table in curves if len(table.rungs) > 1}
    groups = _groups(ladders, analysis)
    result: dict[CurveKey, CurveFamily] = {}
    for family in dict.fromkeys(groups.values()):
        own = {key: (_n_complete(table), len(table.rungs)) for key, table in ladders.items() if groups[key] == family}
        result |= _without_hopeless(family, own, analysis)
    return result


def oversight_families(
    sizes: Mapping[str, tuple[int, int]], keys: Mapping[str, CurveKey], analysis: Analysis
) -> dict[str, CurveFamily]:
    """Return the family of every curve on oversight.

    Args:
        sizes: Questions with a value at every rung, and rungs, by name.
        keys: The curve whose traces it is about, by name.
        analysis: Decisions of the evaluator.
    """
    primary = OVERSIGHT_PRIMARY if analysis.primary_registered else OVERSIGHT_PRIMARY + AFTERWARDS
    groups: dict[CurveFamily, dict[str, tuple[int, int]]] = {}
    for name, size in sizes.items():
        is_declared = is_primary(keys[name], analysis.primary)
        other = OVERSIGHT_OTHER if analysis.primary else OVERSIGHT
        family = CurveFamily(primary, is_declared=True) if is_declared else CurveFamily(other)
        groups.setdefault(family, {})[name] = size
    result: dict[str, CurveFamily] = {}
    for family, own in groups.items():
        result |= _without_hopeless(family, own, analysis)
    return result


def _groups(ladders: Mapping[CurveKey, Outcomes], analysis: Analysis) -> dict[CurveKey, CurveFamily]:
    """Return the family of each curve, without its size."""
    main = [key for key in ladders if not key.is_control]
    check_primary(analysis.primary, main)
    declared = CurveFamily(PRIMARY if analysis.primary_registered else PRIMARY + AFTERWARDS, is_declared=True)
    groups = dict.fromkeys(ladders, CurveFamily(CONTROLS))
    for key in main:
        groups[key] = (
            (declared if is_primary(key, analysis.primary) else CurveFamily(OTHER))
            if analysis.primary
            else CurveFamily(ALL)
        )
    return groups


def _without_hopeless(
    family: CurveFamily, sizes: Mapping[_Key, tuple[int, int]], analysis: Analysis
) -> dict[_Key, CurveFamily]:
    """Return the family of each curve: the smallest K at which at most K curves can reach α/K (Tarone).

    Sizes are the number of questions with a value at every rung, and that of rungs.
    """
    curves = Counter(sizes.values())
    for k in range(1, len(sizes) + 1):
        n_resamples = resamples(k, analysis.alpha)
        by_size = {size: smallest_p(*size, margin=analysis.margin, resamples=n_resamples) for size in curves}
        able = {size for size, p in by_size.items() if p <= analysis.alpha / k}
        n_members = sum(curves[size] for size in able)
        if n_members <= k:
            break
    whole = replace(family, size=max(n_members, 1), n_left_out=len(sizes) - n_members, needed_p=analysis.alpha / k)
    return {key: replace(whole, smallest_p=by_size[size], is_member=size in able) for key, size in sizes.items()}


def _n_complete(table: Outcomes) -> int:
    """Return the number of questions with a value at every rung."""
    is_known = np.any(~np.isnan(table.values), axis=1)
    return int(np.all(is_known, axis=1).sum())
