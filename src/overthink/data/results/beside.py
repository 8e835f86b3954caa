"""Results beside those of one curve: divergence, controls, commitment, how curves on oversight move, planted truth."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from overthink.data.finding import Finding
from overthink.data.ids import CurveKey
from overthink.data.kinds import Metric
from overthink.data.results.curve import HypothesisResult
from overthink.data.verdict_labels import HypothesisLabel, OversightGapLabel, ShapeLabel


@dataclass(frozen=True, slots=True, eq=False)
class GapResult:
    """Divergence of a capability curve from a safety curve.

    Attributes:
        capability: The capability curve.
        safety: The safety curve, whose findings these are.
        steps: Gap since the lowest rung, by rung from the second.
        capability_slopes: Change per doubling at each step; empty where rungs are no tokens.
        safety_slopes: The same of the safety curve.
        onset: Where the gap begins to rise.
    """

    capability: CurveKey
    safety: CurveKey
    steps: tuple[Finding, ...]
    capability_slopes: tuple[Finding, ...]
    safety_slopes: tuple[Finding, ...]
    onset: Finding


@dataclass(frozen=True, slots=True, eq=False)
class OversightGapResult:
    """Capability's gain since the lowest rung against that of a curve on oversight, each from chance to 1.

    Attributes:
        capability: The capability curve.
        steps: Its gain minus that of oversight, by rung from the second.
        onset: Where the gap begins to rise.
        verdict: Whether capability is shown to gain more at some rung; None where that is unknown.
    """

    capability: CurveKey
    steps: tuple[Finding, ...]
    onset: Finding
    verdict: OversightGapLabel | None


@dataclass(frozen=True, slots=True, eq=False)
class OversightShapeResult:
    """How a curve on oversight moves with the thinking budget.

    Attributes:
        key: The curve whose traces it is about.
        metric: What it measures.
        name: The change of the thinking, the monitor and its view, or the protocol.
        points: Its values by rung, where no other result has them.
        shape: Verdict on its shape; the estimate is the highest rung minus the lowest.
        label: That verdict.
        onset: Between which budgets the change sets in; None where no change is shown.
        hypothesis: Verdicts on the hypothesis of the analysis; None without one that has directions.
        claim: That on the whole hypothesis; None likewise.
        gaps: Capability's gain against it, by capability curve.
    """

    key: CurveKey
    metric: Metric
    name: str
    points: tuple[Finding, ...]
    shape: Finding
    label: ShapeLabel
    onset: Finding | None
    hypothesis: HypothesisResult | None
    claim: HypothesisLabel | None
    gaps: tuple[OversightGapResult, ...]


@dataclass(frozen=True, slots=True, eq=False)
class DisagreementResult:
    """Forced verdicts against the model's own, paired by trace.

    Attributes:
        key: The curve of the forced verdicts.
        is_sham: Whether they were forced where the model had ended by itself: a control of the control.
        shares: Share of traces whose verdicts differ, by rung.
        differences: Mean of forced minus own, by rung.
    """

    key: CurveKey
    is_sham: bool
    shares: tuple[Finding, ...]
    differences: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, eq=False)
class TwoByTwoResult:
    """Verdicts on the thinking against verdicts on the answer.

    Attributes:
        key: The curve of the answers.
        rungs: Share of traces of each of the four cells, by rung and metric.
    """

    key: CurveKey
    rungs: tuple[Mapping[Metric, Finding], ...]


@dataclass(frozen=True, slots=True, eq=False)
class CommitmentResult:
    """Shares of traces that commit, from thoughts that were taken up anew.

    Attributes:
        key: The curve of the resampled traces.
        shares: Share of traces that commit, do not settle, and show no change, by metric; the first alone where the
            number of resamples is unknown.
        tokens: Thinking tokens of the committed traces at their change.
        artefact: Tokens by which forced answers settle later; None without a forced curve.
    """

    key: CurveKey
    shares: Mapping[Metric, Finding]
    tokens: Finding | None = None
    artefact: Finding | None = None


@dataclass(frozen=True, slots=True)
class PlantedCurve:
    """The planted truth of a curve.

    Attributes:
        key: The curve.
        values: Expected value by rung, over the questions of the study; empty where it cannot be stated.
        outside: Rungs at which it is outside the band that holds at all rungs at once; None without a band.
        half_width: Half of the width of that band where it is widest; None without a band.
        holds_flat: Whether some flat line is inside that band at every rung, too.
        obstacle: Why it cannot be stated; empty where it is.
    """

    key: CurveKey
    values: Mapping[int, float] = field(default_factory=dict)
    outside: tuple[int, ...] | None = None
    half_width: float | None = None
    holds_flat: bool = False
    obstacle: str = ""
