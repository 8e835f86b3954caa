"""Results about one curve: its rungs, changes, shapes, hypothesis, and what limits them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from overthink.data.finding import At, Finding
from overthink.data.hypothesis import Part
from overthink.data.ids import CurveKey
from overthink.data.kinds import Metric
from overthink.data.selectors import SelectorName
from overthink.data.verdict_labels import GateLabel

PERCENTILES: Mapping[Metric, int] = MappingProxyType(
    {Metric.THINKING_TOKENS_P10: 10, Metric.THINKING_TOKENS_P50: 50, Metric.THINKING_TOKENS_P90: 90}
)
"""Percentiles of the thinking tokens of traces: budgets are limits, and consumption below them varies."""


@dataclass(frozen=True, slots=True, eq=False)
class WithinResult:
    """What a cap would have kept of the traces of one rung. It is no curve of a budget.

    Attributes:
        at: The rung whose traces are cut; at a checkpoint curve the cap is the rung itself.
        points: Share kept by limit, lowest first; ``at.total`` is the limit in ``at.unit``. Never falls.
    """

    at: At
    points: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, eq=False)
class JudgeErrorResult:
    """Error of a judge at one rung, by human labels.

    Attributes:
        sensitivity: Share of good answers that it marks as good.
        specificity: Share of bad answers that it marks as bad.
        rogan_gladen: The value by the classical correction.
    """

    sensitivity: Finding
    specificity: Finding
    rogan_gladen: Finding


@dataclass(frozen=True, slots=True, eq=False)
class RungResult:
    """Everything about one rung of one curve.

    Attributes:
        at: Position on the ladder.
        mean: The value of one try.
        tries: Values of k tries, by selector and k.
        band: The value of one try with a band that holds at all rungs at once.
        corrected_mean: The value corrected by human labels.
        judge: Error of the judge; None without human labels.
        all_of_k: Probability that all k tries are good, by k.
        disagreement: Disagreement of two draws.
        settled: Share of traces whose answer stays from this rung to the top.
        tokens: Tokens of one trace, by metric.
        gates: Gates by metric.
    """

    at: At
    mean: Finding | None = None
    tries: Mapping[SelectorName, Mapping[int, Finding]] = field(default_factory=dict)
    band: Finding | None = None
    corrected_mean: Finding | None = None
    judge: JudgeErrorResult | None = None
    all_of_k: Mapping[int, Finding] = field(default_factory=dict)
    disagreement: Finding | None = None
    settled: Finding | None = None
    tokens: Mapping[Metric, Finding] = field(default_factory=dict)
    gates: Mapping[Metric, Finding] = field(default_factory=dict)

    @property
    def failed_gates(self) -> tuple[str, ...]:
        """Names of the failed gates: those of the rung, then those that its value was marked with."""
        own = [name.value for name, gate in self.gates.items() if gate.label == GateLabel.FAILED]
        marked = () if self.mean is None else self.mean.gates_failed
        return tuple(dict.fromkeys([*own, *marked]))


@dataclass(frozen=True, slots=True, eq=False)
class HypothesisResult:
    """Verdicts on a hypothesis with directions.

    Attributes:
        parts: What it claims, part by part.
        is_registered: Whether it was stated before the data, with this margin and level.
        whole: The verdict on all parts together.
        tests: The verdict on each part; empty where the curve could not be tested.
        obstacle: Why there is no verdict on the whole; None for no other reason than its parts.
    """

    parts: tuple[Part, ...]
    is_registered: bool
    whole: Finding
    tests: tuple[Finding, ...] = ()
    obstacle: str | None = None


WITHHELD = "{why} ({evidence}); see the corrected curve"


@dataclass(frozen=True, slots=True)
class Withheld:
    """Why trends of a curve are withheld.

    Attributes:
        gate: The gate that failed.
        why: What is wrong with the judge, or with the runs.
        evidence: The test that shows an error of the judge, which a corrected curve is free of; None elsewhere.
    """

    gate: str
    why: str
    evidence: str | None = None

    @property
    def text(self) -> str:
        """All of it in words."""
        return self.why if self.evidence is None else WITHHELD.format(why=self.why, evidence=self.evidence)

    @property
    def reason(self) -> str:
        """Reason of a finding that it withholds."""
        return f"withheld: {self.text}"


def shape_metric(*, by_regimes: bool, is_corrected: bool) -> Metric:
    """Return the metric of a verdict on a shape.

    Args:
        by_regimes: Whether stated regimes were tested; else any rise and fall.
        is_corrected: Whether the curve was corrected by human labels before.

    Example:
        >>> shape_metric(by_regimes=False, is_corrected=True)
        'corrected_max_t'
    """
    if is_corrected:
        return Metric.CORRECTED_REGIMES if by_regimes else Metric.CORRECTED_MAX_T
    return Metric.REGIMES if by_regimes else Metric.MAX_T


@dataclass(frozen=True, slots=True, eq=False)
class ShapeResult:
    """Verdict of one test on the shape of a curve, with everything that follows from it.

    Attributes:
        by_regimes: Whether stated regimes were tested; else any rise and fall.
        is_corrected: Whether the curve was corrected by human labels before.
        verdict: The verdict; its estimate is the highest rung minus the lowest.
        margin: Differences below it count as none.
        withheld: Why no claim about a trend may be made; None where one may.
        left_out: How many questions the test leaves out, in words; None for none.
        hypothesis: Verdicts on the hypothesis that was tested beside it.
        rise: Largest rise.
        drawdown: Largest fall.
        regimes: Mean of each regime.
        onset: Between which budgets the change sets in.
    """

    by_regimes: bool
    is_corrected: bool
    verdict: Finding
    margin: float
    withheld: Withheld | None = None
    left_out: str | None = None
    hypothesis: HypothesisResult | None = None
    rise: Finding | None = None
    drawdown: Finding | None = None
    regimes: tuple[Finding, ...] = ()
    onset: Finding | None = None

    @property
    def metric(self) -> Metric:
        """Metric of the verdict."""
        return shape_metric(by_regimes=self.by_regimes, is_corrected=self.is_corrected)

    def with_findings(self, new: Mapping[str, Finding]) -> "ShapeResult":
        """Return the result with adjusted verdicts, by the id of the finding."""
        hypothesis = self.hypothesis
        if hypothesis is not None:
            whole = new.get(hypothesis.whole.id, hypothesis.whole)
            hypothesis = replace(
                hypothesis,
                whole=whole,
                tests=tuple(new.get(test.id, test) for test in hypothesis.tests),
                obstacle=hypothesis.obstacle if whole.reason == hypothesis.whole.reason else whole.reason,
            )
        return replace(self, verdict=new.get(self.verdict.id, self.verdict), hypothesis=hypothesis)


@dataclass(frozen=True, slots=True, eq=False)
class FlipResult:
    """Traces that changed sides.

    Attributes:
        lost: Share that was good at the lower rung and is not at the upper one, by step.
        gained: The reverse.
        lost_and_regained: Share that was good, was lost and came back, along the ladder; None with two rungs.
        gained_and_lost: The reverse.
    """

    lost: tuple[Finding, ...]
    gained: tuple[Finding, ...]
    lost_and_regained: Finding | None = None
    gained_and_lost: Finding | None = None


@dataclass(frozen=True, slots=True, eq=False)
class AdaptiveResult:
    """Result of adaptive sampling.

    Attributes:
        precision: Half-width or crossing that was reached, and why drawing stopped.
        draws: Draws in all.
        even_draws: As many for every question for the same error; None where unknown.
        saving: One minus their ratio.
    """

    precision: Finding
    draws: Finding
    even_draws: Finding | None = None
    saving: Finding | None = None


@dataclass(frozen=True, slots=True, eq=False)
class BudgetControlResult:
    """The three metrics of s1: control, scaling and performance of a curve with token budgets."""

    control: Finding
    scaling: Finding
    performance: Finding


@dataclass(frozen=True, slots=True, eq=False)
class CurveResult:
    """Everything about one curve by itself.

    Attributes:
        key: Names of the curve.
        id: Start of the ids of its findings.
        rungs: Its rungs, lowest first.
        changes: Differences of every rung to the lowest, then to the one below.
        shapes: Verdicts on its shape: on stated regimes if there are any, then on any rise and fall.
        drift: Whether the judge's error moves along the ladder; None without human labels.
        corrected_changes: Differences of the corrected curve.
        corrected_shapes: Verdicts on the corrected curve.
        flips: Traces that changed sides; None where draws of two rungs are unrelated.
        token_totals: Token sums over the pool, by metric.
        extreme: Whether the task is at its floor or ceiling; None where it is not.
        no_op: Whether the levels had no effect; None where they had.
        adaptive: Result of adaptive sampling; None where the number of draws was set beforehand.
        budget_control: Metrics of budget control; None for a curve without token budgets.
        within: What caps would have kept of its traces, by rung; empty where they were cut at their rungs.
    """

    key: CurveKey
    id: str
    rungs: tuple[RungResult, ...]
    changes: tuple[Finding, ...] = ()
    shapes: tuple[ShapeResult, ...] = ()
    drift: Finding | None = None
    corrected_changes: tuple[Finding, ...] = ()
    corrected_shapes: tuple[ShapeResult, ...] = ()
    flips: FlipResult | None = None
    token_totals: Mapping[Metric, Finding] = field(default_factory=dict)
    extreme: Finding | None = None
    no_op: Finding | None = None
    adaptive: AdaptiveResult | None = None
    budget_control: BudgetControlResult | None = None
    within: tuple[WithinResult, ...] = ()

    @property
    def change(self) -> Finding | None:
        """Difference of the highest and the lowest rung; None with one rung."""
        return self._between_ends(self.changes)

    @property
    def corrected_change(self) -> Finding | None:
        """The same of the corrected curve."""
        return self._between_ends(self.corrected_changes)

    def _between_ends(self, changes: Sequence[Finding]) -> Finding | None:
        ends = self.rungs[0].at.rung, self.rungs[-1].at.rung
        return next((change for change in changes if (change.at.from_rung, change.at.rung) == ends), None)

    @property
    def all_shapes(self) -> tuple[ShapeResult, ...]:
        """Verdicts on the curve, then on the corrected one."""
        return self.shapes + self.corrected_shapes

    @property
    def hypothesis(self) -> HypothesisResult | None:
        """Verdicts on a hypothesis with directions, on the corrected curve where there is one; None without."""
        return next((shape.hypothesis for shape in self.all_shapes if shape.hypothesis is not None), None)

    def with_findings(self, new: Mapping[str, Finding]) -> "CurveResult":
        """Return the result with adjusted verdicts on its shapes and hypothesis, by the id of the finding."""
        return replace(
            self,
            shapes=tuple(shape.with_findings(new) for shape in self.shapes),
            corrected_shapes=tuple(shape.with_findings(new) for shape in self.corrected_shapes),
        )
