"""One curve being written up: the labels, gates and numbers that every finding about it carries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from overthink.core.adaptive.aim import Aim
from overthink.core.adaptive.tables import even_part
from overthink.core.controls import ON_TRACE
from overthink.core.costing import Parties, Unit
from overthink.core.curve import single_cells
from overthink.core.finding import At, Finding
from overthink.core.gates import Gate, gates
from overthink.core.human_label import HumanLabel
from overthink.core.interval import Intervals
from overthink.core.outcomes import Outcomes
from overthink.core.record import Estimand
from overthink.core.stopping import STOPPINGS, stopped_at_success
from overthink.core.verified import Verified

CONTROLS = (Estimand.SHAM, Estimand.TRUNCATED, Estimand.NATURAL, Estimand.RESAMPLED)

POINTWISE = "pointwise interval, not for the whole curve"

MARGIN = 0.05
"""Differences up to this are called none where nobody said otherwise: five points."""


@dataclass(frozen=True, slots=True)
class Analysis:
    """What the evaluator decides before looking.

    Attributes:
        level: Confidence level of the intervals; 1 - level is the error rate of every verdict.
        margin: Largest difference that does not matter; what "flat" means.
        hypothesis: Boundaries of the regimes in thinking tokens, such as (2000, 8000); None for none.
        registered: The hypothesis was written down before the data were collected.
        stopping: "fixed" if the number of tries was set beforehand, "first_success" if sampling stopped at the first
            success; None to infer it from the counts.
        human: Human labels; None for none.
        aim: What draws were spent for; None where their number was set beforehand.
        resamples: How often the rest of a trace was thought anew from a rung; None if never, or not known.
        reference: The arm that others are compared with; None for ``base`` where there is one.
        verified: Who scored answers after they had been collected; each names its arms.
        other_models: Arms of another model than the reference's, so that a difference may be the models'.
        steered: Families of arms that differ only in how many early steps they steer: that number, and the label.
        parties: By arm: who works for it, with sizes and prices; other arms are told in tokens and seconds alone.
        unit: What total compute is counted in where arms are compared and budgets are spent.
        flop_per_byte: Peak FLOP/s of the hardware over its memory bandwidth; None leaves effective FLOP unknown.

    Raises:
        ValueError: The level or the margin is not between 0 and 1, or ``stopping`` is unknown.
    """

    level: float
    margin: float = MARGIN
    hypothesis: tuple[float, ...] | None = None
    registered: bool = False
    stopping: str | None = None
    human: tuple[HumanLabel, ...] | None = None
    aim: Aim | None = None
    resamples: int | None = None
    reference: str | None = None
    other_models: tuple[str, ...] = ()
    verified: tuple[Verified, ...] = ()
    steered: tuple[tuple[tuple[int, str], ...], ...] = ()
    parties: Mapping[str, Parties] = field(default_factory=dict)
    unit: Unit = Unit.TOKENS
    flop_per_byte: float | None = None

    def __post_init__(self) -> None:
        if not 0 < self.level < 1:
            raise ValueError(f"level is {self.level}; needed: between 0 and 1, such as 0.95")
        if not 0 < self.margin < 1:
            raise ValueError(f"margin is {self.margin}; needed: between 0 and 1, such as 0.05")
        if self.stopping not in STOPPINGS:
            raise ValueError(f"stopping is {self.stopping!r}; needed: 'fixed', 'first_success' or None")

    @property
    def alpha(self) -> float:
        """Error rate of each verdict."""
        return 1 - self.level


@dataclass(frozen=True, slots=True, eq=False)
class Page:
    """One curve, and what its findings need.

    Attributes:
        table: The curve's outcomes; where draws came in waves, those that every question was sure to get.
        whole: All of them.
        cells: (question, rung) what a single try of each question is worth, from all of them.
        prefix: Start of every id.
        analysis: What the evaluator decided.
        scorers: Scorers that judged the same traces, this one included.
        family: Curves of the report with more than one rung; their verdicts are adjusted over all of them.
        weights: (resample, question) of the bootstrap that curves on the same questions share.
        checked: The gates.
        draws: (rung,) most draws with a value that any question has.
        batch: Attempts between looks at the outcome, where sampling stopped at the first success; else None.
    """

    table: Outcomes
    whole: Outcomes
    cells: NDArray[np.float64]
    prefix: str
    analysis: Analysis
    scorers: int
    family: int
    weights: NDArray[np.float64]
    checked: tuple[Gate, ...]
    draws: NDArray[np.int64]
    batch: int | None

    @classmethod
    def of(
        cls,
        table: Outcomes,
        analysis: Analysis,
        *,
        prefix: str,
        scorers: int,
        family: int,
        weights: NDArray[np.float64],
    ) -> "Page":
        """The page of a curve."""
        even = even_part(table)
        draws = (~np.isnan(even.values)).sum(axis=1).max(axis=0, initial=0)
        batch = stopped_at_success(even, analysis.stopping)
        cells = single_cells(table, batch)
        return cls(even, table, cells, prefix, analysis, scorers, family, weights, gates(even), draws, batch)

    @property
    def level(self) -> float:
        """Confidence level of the intervals."""
        return self.analysis.level

    @property
    def is_control(self) -> bool:
        """Whether the curve stands beside the one that is asked about: another reading of the same traces."""
        return self.table.estimand in CONTROLS or self.table.scorer.endswith(ON_TRACE)

    @property
    def all_draws(self) -> NDArray[np.int64]:
        """(rung,) most draws with a value that any question has, those of later waves included."""
        return np.asarray((~np.isnan(self.whole.values)).sum(axis=1).max(axis=0, initial=0))

    @property
    def verified(self) -> Verified | None:
        """Who scored the curve's answers after they had been collected; None for nobody, or a search on its way."""
        told = (one for one in self.analysis.verified if self.table.arm in one.arms)
        return None if self.is_control else next(told, None)

    @property
    def is_oracles(self) -> bool:
        """Whether the scores are those of a verifier that knows the targets."""
        return self.verified is not None and self.verified.oracle

    def without_oracle(self) -> "Page":
        """The page without the scores of a verifier that knows the targets: nobody can choose by them."""
        if not self.is_oracles:
            return self
        return replace(self, table=replace(self.table, verifier_score=np.full(self.table.values.shape, np.nan)))

    @property
    def rungs(self) -> int:
        """Rungs of the ladder."""
        return len(self.table.rungs)

    def at(self, rung: int) -> At:
        """Where a position on axis 2 is on the ladder."""
        here = self.table.rungs[rung]
        return At(rung=here.index, requested_tokens=here.requested_tokens, effort=here.effort)

    def between(self, rung: int, below: int) -> At:
        """Where a comparison of two rungs sits: at the first, from the second."""
        return replace(self.at(rung), from_rung=self.table.rungs[below].index)

    def failed(self, rungs: Sequence[int]) -> tuple[str, ...]:
        """The gates that failed at any of these rungs, each once, lowest rung first."""
        names = (gate.name for rung in rungs for gate in self.checked if gate.rung == rung and gate.passed is False)
        return tuple(dict.fromkeys(names))

    def finding(self, kind: str, metric: str, at: At, *, part: str | None = None) -> Finding:
        """A finding without a number yet. ``part`` tells apart several of one metric at one place."""
        where = [] if part is None else [part]
        where += [] if at.rung is None else [f"rung{at.rung}"]
        where += [] if at.from_rung is None else [f"from{at.from_rung}"]
        where += [] if at.k is None else [f"k{at.k}"]
        return Finding(
            id="/".join([self.prefix, kind, metric, *where]),
            kind=kind,
            axis=self.table.axis.value,
            task=self.table.task,
            arm=self.table.arm,
            estimand=self.table.estimand.value,
            metric=metric,
            at=at,
            n_questions=len(self.table.questions),
            n_draws=len(self.table.draws),
            scorer=self.table.scorer,
        )

    def estimated(
        self,
        kind: str,
        metric: str,
        at: At,
        found: Intervals,
        cell: tuple[int, ...],
        *,
        unknown: str,
        part: str | None = None,
    ) -> Finding:
        """A finding with the number and interval of one cell; ``unknown`` is said where there is none."""
        made = replace(
            self.finding(kind, metric, at, part=part), n_questions=int(found.n_questions[cell]), level=self.level
        )
        estimate, low, high = (float(a[cell]) for a in (found.estimate, found.low, found.high))
        if np.isnan(estimate):
            return replace(made, reason=unknown)
        if np.isnan(low):
            one = made.n_questions == 1
            why = "no interval: one question only" if one else "no interval: every question has the same number"
            return replace(made, estimate=estimate, reason=why)
        return replace(made, estimate=estimate, low=low, high=high)
