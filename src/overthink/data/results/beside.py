"""Results that join curves of one arm: divergence, controls, commitment."""

from collections.abc import Mapping
from dataclasses import dataclass

from overthink.data.curve_key import CurveKey
from overthink.data.finding import Finding
from overthink.data.kinds import Metric


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
