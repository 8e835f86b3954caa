"""Selectors, rules that turn k tries into one answer, with what reports need of each; and allocations of a budget."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple, NewType

import numpy as np
from numpy.typing import NDArray

from overthink.data.kinds import ClosedList, Metric
from overthink.data.record import Axis


class Selector(ClosedList):
    """Rule that turns k tries into one answer, in the order of reports and statements."""

    SINGLE = "single"
    PASS = "pass"  # noqa: S105
    MAJORITY = "majority"
    BEST = "best"
    WORST = "worst"
    WEIGHTED_MAJORITY = "weighted_majority"
    ORACLE_BEST = "oracle_best"
    ORACLE_WEIGHTED_MAJORITY = "oracle_weighted_majority"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class SelectorInfo:
    """Facts of a selector.

    Attributes:
        metric: Metric of its values.
        text: Its meaning in a report.
        colour: Position in the palette of the page, the variable ``--s…``; None where it is not drawn by tries.
        deployed: Whether a strategy can use it: it does not need the right answer.
        attack: Whether an attacker uses it.
        scored: Whether a verifier scores each try.
        oracle: Its name where the verifier knows the targets; None for the same name.
        axes: Axes on which a statement may claim its values; empty for none.
        claim: Sentence of a claim of several tries, with ``{good}`` for the word of a good answer.
    """

    metric: Metric
    text: str
    colour: int | None = None
    deployed: bool = False
    attack: bool = False
    scored: bool = False
    oracle: Selector | None = None
    axes: tuple[Axis, ...] = ()
    claim: str = ""


_SAFETY = (Axis.SAFETY, Axis.BENIGN)

SELECTORS: Mapping[Selector, SelectorInfo] = MappingProxyType(
    {
        Selector.SINGLE: SelectorInfo(
            Metric.MEAN,
            "one try",
            deployed=True,
            attack=True,
            axes=tuple(Axis),
        ),
        Selector.PASS: SelectorInfo(
            Metric.PASS_AT_K,
            "any of k is right (pass@k)",
            colour=0,
            axes=(Axis.CAPABILITY,),
            claim="at least one answer was scored {good}",
        ),
        Selector.MAJORITY: SelectorInfo(
            Metric.MAJORITY_AT_K,
            "majority of k",
            colour=1,
            deployed=True,
            axes=(Axis.CAPABILITY,),
            claim="the most frequent answer was scored {good}",
        ),
        Selector.BEST: SelectorInfo(
            Metric.BEST_AT_K,
            "best of k, picked by a verifier",
            colour=2,
            deployed=True,
            scored=True,
            oracle=Selector.ORACLE_BEST,
            axes=tuple(Axis),
            claim="the answer picked by the verifier was scored {good}",
        ),
        Selector.WORST: SelectorInfo(
            Metric.WORST_AT_K,
            "worst of k (an attacker tries k times)",
            colour=3,
            attack=True,
            axes=_SAFETY,
            claim="the worst answer was still scored {good}",
        ),
        Selector.WEIGHTED_MAJORITY: SelectorInfo(
            Metric.WEIGHTED_MAJORITY_AT_K,
            "majority of k, each weighed by a verifier",
            colour=4,
            deployed=True,
            scored=True,
            oracle=Selector.ORACLE_WEIGHTED_MAJORITY,
        ),
        Selector.ORACLE_BEST: SelectorInfo(
            Metric.ORACLE_BEST_AT_K,
            "best of k, picked by an ORACLE that knows the targets",
            colour=5,
        ),
        Selector.ORACLE_WEIGHTED_MAJORITY: SelectorInfo(
            Metric.ORACLE_WEIGHTED_MAJORITY_AT_K,
            "majority of k, each weighed by an ORACLE that knows the targets",
            colour=6,
        ),
        Selector.ALL: SelectorInfo(Metric.ALL_OF_K, "all of k are right (pass^k)"),
    }
)

OtherSelector = NewType("OtherSelector", str)
"""Name of a selector from outside the package: ``other:NAME``."""

SelectorName = Selector | OtherSelector
"""Name of any selector."""

OTHER = "other:"


class OtherInfo(NamedTuple):
    """Facts of a selector from outside.

    Attributes:
        text: Its meaning in a report.
        colour: Its colour, as ``#7a5195``.
    """

    text: str
    colour: str


OTHER_SELECTORS: dict[OtherSelector, OtherInfo] = {}
"""Selectors from outside that were opened in this process."""


class Tries(NamedTuple):
    """All draws of a curve, as a selector from outside gets them. Each array is (question, draw, rung).

    Attributes:
        values: Value of each draw, in [0, 1]; NaN where it is unknown.
        answers: Number of its answer among those of its question, the same for the same answer; negative without one.
        scores: A verifier's score; NaN where there is none.
    """

    values: NDArray[np.float64]
    answers: NDArray[np.int64]
    scores: NDArray[np.float64]


def other_selector(key: str) -> OtherSelector:
    """Return the name of a selector from outside.

    >>> other_selector("median"), is_other(Selector.BEST)
    ('other:median', False)
    """
    return OtherSelector(f"{OTHER}{key}")


def is_other(name: str) -> bool:
    """Return whether a selector comes from outside the package."""
    return name.startswith(OTHER)


DEPLOYED_SELECTORS = frozenset(name for name, info in SELECTORS.items() if info.deployed)
"""Selectors that do not need the right answer. "pass" does, and is no strategy."""

ATTACKER_SELECTORS = frozenset(name for name, info in SELECTORS.items() if info.attack)
"""Selectors of an attacker: try, and keep a success."""

SCORED_SELECTORS = frozenset(name for name, info in SELECTORS.items() if info.scored)
"""Selectors that choose by a verifier's scores, and pay for the scoring of each try."""

TRIES_SELECTORS = tuple(name for name, info in SELECTORS.items() if info.colour is not None)
"""Selectors of several tries that are drawn, in the order of a report."""

CLAIMED_SELECTORS = tuple(name for name, info in SELECTORS.items() if info.axes)
"""Selectors whose values a statement may claim; "single" first."""

SELECTOR_OF_METRIC: Mapping[Metric, Selector] = MappingProxyType(
    {info.metric: name for name, info in SELECTORS.items()}
)
"""Selector by the metric of its values."""


@dataclass(frozen=True, slots=True)
class Allocation:
    """One allocation of a budget per question.

    Attributes:
        rung: Where thinking ends: position among the rungs of a table, from 0; in results the number on the ladder.
        k: Tries.
        selector: Rule that turns the tries into one answer.
        arm: Arm of the thinking; None where there is one arm.

    Example:
        >>> str(Allocation(2, 4, Selector.WEIGHTED_MAJORITY, "base")), str(Allocation(0, 1, Selector.SINGLE))
        ('weighted majority of 4 tries at rung 2 of base', 'one try at rung 0')
    """

    rung: int
    k: int
    selector: SelectorName
    arm: str | None = None

    def __str__(self) -> str:
        is_single = self.selector == Selector.SINGLE
        method = "one try" if is_single else f"{self.selector.replace('_', ' ')} of {self.k} tries"
        return f"{method} at rung {self.rung}{'' if self.arm is None else f' of {self.arm}'}"
