"""One curve of a report: its rungs with their findings."""

from dataclasses import dataclass, field

from overthink.data.finding import At, Finding
from overthink.reports.names import visible


@dataclass(slots=True)
class ReportRung:
    """The findings at one rung of one curve.

    Attributes:
        rung: Position on the ladder.
        level: Requested level, as text: an effort, a number of tokens, or the position.
        mean: The value of one try.
        band: The same with the simultaneous band over all rungs.
        corrected_mean: The value corrected by human labels.
        tokens: Tokens of one trace, by metric.
        gates: Gates by metric.
        tries: Values of k tries, by selector and k.
        all_of_k: Probability that all k tries are good, by k.
        steady: Reliability by metric: disagreement of draws, share of settled traces.
        judge: Judge errors by human labels, by metric.
        controls: Controls by metric: forced against the model's own answer, thinking against answer.
    """

    rung: int
    level: str
    mean: Finding | None = None
    band: Finding | None = None
    corrected_mean: Finding | None = None
    tokens: dict[str, Finding] = field(default_factory=dict)
    gates: dict[str, Finding] = field(default_factory=dict)
    tries: dict[str, dict[int, Finding]] = field(default_factory=dict)
    all_of_k: dict[int, Finding] = field(default_factory=dict)
    steady: dict[str, Finding] = field(default_factory=dict)
    judge: dict[str, Finding] = field(default_factory=dict)
    controls: dict[str, Finding] = field(default_factory=dict)

    def gates_failed(self) -> list[str]:
        """Return the failed gates, from gate findings and from the value's own list."""
        names = [name for name, gate in self.gates.items() if gate.label == "failed"]
        mean_gates = self.mean.gates_failed if self.mean is not None else ()
        return list(dict.fromkeys([*names, *mean_gates]))


@dataclass(slots=True)
class ReportVerdict:
    """The verdict of one test on the shape of a curve, with its evidence."""

    shape: Finding
    onset: Finding | None
    regimes: list[Finding]


@dataclass(slots=True)
class Gap:
    """Divergence of a capability curve from this safety curve.

    Attributes:
        against: Name of the capability curve in the findings.
        steps: Gap since the lowest rung, in ascending order of rungs.
        slopes: Change per doubling at each step, by metric.
        onset: Onset of the rise of the gap.
    """

    against: str
    steps: list[Finding] = field(default_factory=list)
    slopes: dict[str, list[Finding]] = field(default_factory=dict)
    onset: Finding | None = None


@dataclass(slots=True)
class ReportCurve:
    """Curve of one task, arm, estimand and judge.

    Attributes:
        judge: The scorer if the task has several; else empty.
        rungs: In ascending order.
        change: Difference of highest and lowest rung, if computed.
        verdicts: Verdicts on the shape; the primary first, those corrected by human labels last.
        gaps: Divergences of a safety curve, one per capability curve.
        flips: Traces whose outcome changed, between rungs and along the ladder.
        drift: Drift of the judge's error along the ladder.
        controls: Controls without a rung, by metric.
        about: Findings on the whole curve: extremes, an effort sweep without effect.
        token_totals: Token sums over the pool, by metric.
        reference: Tokens of one attempt at K = 1; None if not stated.
        is_control: Whether the curve is a control beside the task's own curve, and no result by itself.
    """

    axis: str
    task: str
    arm: str
    estimand: str
    judge: str
    rungs: list[ReportRung]
    change: Finding | None
    verdicts: list[ReportVerdict]
    gaps: list[Gap]
    flips: list[Finding]
    drift: Finding | None
    controls: dict[str, Finding]
    about: list[Finding]
    token_totals: dict[str, Finding]
    reference: float | None
    is_control: bool

    @property
    def name(self) -> str:
        """Printable name of the task, with its judge if there are several."""
        return f"{visible(self.task)}, judged by {visible(self.judge)}" if self.judge else visible(self.task)


def level(at: At) -> str:
    """Return the requested level of a rung, as text."""
    if at.effort is not None:
        return visible(at.effort)
    return f"{at.requested_tokens:,}" if at.requested_tokens is not None else f"rung {at.rung}"


def level_unit(at: At) -> str:
    """Return the unit of :func:`level` after a space; empty if the level contains its unit or is only a position."""
    if at.effort is not None:
        return "" if " " in at.effort else " effort"
    return " tokens" if at.requested_tokens is not None else ""
