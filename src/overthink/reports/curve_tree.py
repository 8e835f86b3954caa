"""Group findings into curves (task, arm, estimand, scorer) and rungs.

One curve of a report: its rungs with their findings.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from overthink.analysis.k_scale import RungThinking, rung_thinking
from overthink.analysis.request import CONTROL_ESTIMANDS
from overthink.data.finding import At, Finding
from overthink.data.kinds import GateLabel, Kind, Metric
from overthink.data.record import ON_TRACE
from overthink.data.selectors import SELECTOR_OF_METRIC
from overthink.reports.wording import AXIS_TEXTS, visible


@dataclass(slots=True)
class ReportRung:
    """The findings at one rung of one curve.

    Attributes:
        rung: Position on the ladder.
        level: Requested level, as text: an effort, a number of tokens, or the position.
        at: Position of its findings.
        estimand: Estimand of its curve.
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
    at: At
    estimand: str
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

    @property
    def thinking(self) -> RungThinking:
        """Thinking of the rung, which K counts: requested, else realised."""
        realised = (self.tokens.get(metric) for metric in (Metric.THINKING_TOKENS, Metric.ATTEMPT_TOKENS))
        thinking, generated = (None if finding is None else finding.estimate for finding in realised)
        return rung_thinking(self.at, self.estimand, thinking=thinking, generated=generated)

    def gates_failed(self) -> list[str]:
        """Return the failed gates, from gate findings and from the value's own list."""
        names = [name for name, gate in self.gates.items() if gate.label == GateLabel.FAILED]
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
        sizes: Largest rise and largest fall, if tested.
        hypothesis: Verdicts on a hypothesis with directions, the whole first; empty without one.
        gaps: Divergences of a safety curve, one per capability curve.
        flips: Traces whose outcome changed, between rungs and along the ladder.
        drift: Drift of the judge's error along the ladder.
        controls: Controls without a rung, by metric.
        about: Findings on the whole curve: extremes, an effort sweep without effect.
        commitment: Shares of traces that commit, by metric; of curves that were thought anew.
        token_totals: Token sums over the pool, by metric.
        reference: Tokens of thinking at K (thinking) = 1; None without a K axis.
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
    sizes: list[Finding]
    hypothesis: list[Finding]
    gaps: list[Gap]
    flips: list[Finding]
    drift: Finding | None
    controls: dict[str, Finding]
    about: list[Finding]
    commitment: dict[str, Finding]
    token_totals: dict[str, Finding]
    reference: float | None
    is_control: bool

    @property
    def levels(self) -> dict[int, str]:
        """Requested tokens of each rung, as text, or its level where the provider has no such number."""
        tokens = {rung.rung: rung.mean.at.requested_tokens for rung in self.rungs if rung.mean is not None}
        return {rung.rung: _tokens_or(tokens.get(rung.rung), rung.level) for rung in self.rungs}

    @property
    def name(self) -> str:
        """Printable name of the task, with its judge if there are several."""
        return f"{visible(self.task)}, judged by {visible(self.judge)}" if self.judge else visible(self.task)


def _tokens_or(tokens: int | None, other: str) -> str:
    return other if tokens is None else f"{tokens:,}"


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


SHOWN_ARMS = 6
"""Maximum number of arms drawn at once, limited by the palette."""

SHAPE_TEST_ORDER = (Metric.REGIMES, Metric.MAX_T, Metric.CORRECTED_REGIMES, Metric.CORRECTED_MAX_T)
"""Tests on the shape of a curve, the primary one first."""


def report_curves(findings: Iterable[Finding], reference: Mapping[str, float]) -> list[ReportCurve]:
    """Return all curves, axes in the order of the page, tasks and arms in the order of the findings.

    Args:
        findings: Findings of any kind.
        reference: Tokens of thinking at K (thinking) = 1, by arm.
    """
    groups: dict[tuple[str, str, str, str, str], list[Finding]] = {}
    for finding in (item for item in findings if item.kind not in _OTHER_SECTIONS):
        key = (finding.axis, finding.task, finding.arm, finding.estimand, finding.scorer or "")
        groups.setdefault(key, []).append(finding)
    order = {axis: position for position, axis in enumerate(AXIS_TEXTS)}
    tasks = {key[:2]: position for position, key in reversed(list(enumerate(groups)))}
    keys = sorted(groups, key=lambda key: (order.get(key[0], len(order)), tasks[key[:2]]))
    judges = Counter(key[:4] for key in keys)
    control_keys = {key for key in keys if key[3] in CONTROL_ESTIMANDS or key[4].endswith(ON_TRACE)}
    alone = {key[:3] for key in keys} - {
        key[:3] for key in keys if key not in control_keys
    }  # a log of natural thinking, say
    return [
        _curve(
            groups[key],
            key[4] if judges[key[:4]] > 1 else "",
            reference.get(key[2]),
            is_control=key in control_keys and key[:3] not in alone,
        )
        for key in keys
    ]


def default_arms(curves: Sequence[ReportCurve]) -> list[str]:
    """Return the arms shown first: those with most rungs, ties in the order of the findings."""
    rungs: dict[str, int] = {}
    for curve in curves:
        rungs[curve.arm] = max(rungs.get(curve.arm, 0), len(curve.rungs))
    return sorted(rungs, key=lambda arm: -rungs[arm])[:SHOWN_ARMS]


def _curve(findings: Sequence[Finding], judge: str, reference: float | None, *, is_control: bool) -> ReportCurve:
    rungs: dict[int, ReportRung] = {}
    whole: dict[str, list[Finding]] = {}
    for finding in findings:
        if finding.kind in _RUNG_KINDS and finding.at.rung is not None:
            new = ReportRung(finding.at.rung, level(finding.at), finding.at, finding.estimand)
            _assign_to_rung(finding, rungs.setdefault(finding.at.rung, new))
        else:
            whole.setdefault(finding.kind, []).append(finding)
    ladder = [rungs[number] for number in sorted(rungs)]
    first = findings[0]
    return ReportCurve(
        axis=first.axis,
        task=first.task,
        arm=first.arm,
        estimand=first.estimand,
        judge=judge,
        rungs=ladder,
        change=_end_to_end(findings, ladder),
        verdicts=_verdicts(whole),
        sizes=[f for f in whole.get(Kind.SHAPE, ()) if f.metric in (Metric.RISE, Metric.DRAWDOWN)],
        hypothesis=whole.get(Kind.HYPOTHESIS, []),
        gaps=_gaps(whole.get(Kind.DIVERGENCE, ())),
        flips=sorted(whole.get(Kind.FLIP, ()), key=_step_order),
        drift=next((f for f in whole.get(Kind.GATE, ()) if f.metric == Metric.JUDGE_DRIFT), None),
        controls=_first_by_metric(whole.get(Kind.DISAGREEMENT, ())),
        about=[f for kind in _ABOUT for f in whole.get(kind, ()) if f.label],
        commitment=_first_by_metric(whole.get(Kind.COMMITMENT, ())),
        token_totals=_first_by_metric(whole.get(Kind.TOKENS, ())),
        reference=reference,
        is_control=is_control,
    )


_ABOUT = (Kind.EXTREME, Kind.NO_OP, Kind.ADAPTIVE, Kind.STEERING_DEPTH)
"""Kinds whose label describes the whole curve."""

_OTHER_SECTIONS = {Kind.FRONTIER, Kind.FLOP_MATCHED, Kind.LEDGER, Kind.ARM_DIFFERENCE, Kind.SAFETY_TAX, Kind.MITIGATION}
"""Kinds that do not belong to a single curve; they have their own sections."""

_RUNG_KINDS = {
    Kind.VALUE,
    Kind.BAND,
    Kind.TOKENS,
    Kind.GATE,
    Kind.RELIABILITY,
    Kind.LOCK,
    Kind.JUDGE,
    Kind.DISAGREEMENT,
    Kind.TWO_BY_TWO,
}


def _assign_to_rung(finding: Finding, rung: ReportRung) -> None:
    by_metric = {
        Kind.TOKENS: rung.tokens,
        Kind.GATE: rung.gates,
        Kind.LOCK: rung.steady,
        Kind.JUDGE: rung.judge,
        Kind.DISAGREEMENT: rung.controls,
        Kind.TWO_BY_TWO: rung.controls,
    }
    if finding.kind in by_metric:
        by_metric[finding.kind].setdefault(finding.metric, finding)
    elif finding.kind == Kind.BAND:
        rung.band = rung.band or finding
    elif finding.kind == Kind.RELIABILITY:
        if finding.at.k is None:
            rung.steady.setdefault(finding.metric, finding)
        else:
            rung.all_of_k.setdefault(finding.at.k, finding)
    elif finding.metric == Metric.MEAN:
        rung.mean = rung.mean or finding
    elif finding.metric == Metric.CORRECTED_MEAN:
        rung.corrected_mean = rung.corrected_mean or finding
    elif finding.at.k is not None and finding.metric in SELECTOR_OF_METRIC:
        selector = SELECTOR_OF_METRIC[finding.metric]
        rung.tries.setdefault(selector, {}).setdefault(finding.at.k, finding)


def _first_by_metric(findings: Iterable[Finding]) -> dict[str, Finding]:
    by_metric: dict[str, Finding] = {}
    for finding in findings:
        by_metric.setdefault(finding.metric, finding)
    return by_metric


def _verdicts(whole: Mapping[str, Sequence[Finding]]) -> list[ReportVerdict]:
    """Return the verdicts of a curve: regimes before any shape, corrected ones after uncorrected ones."""
    order = {name: position for position, name in enumerate(SHAPE_TEST_ORDER)}
    shapes = sorted(
        (shape for shape in whole.get(Kind.SHAPE, ()) if shape.metric in order), key=lambda shape: order[shape.metric]
    )
    return [
        ReportVerdict(
            shape,
            next((f for f in whole.get(Kind.ONSET, ()) if f.metric == shape.metric), None),
            [f for f in whole.get(Kind.REGIME, ()) if f.metric == shape.metric],
        )
        for shape in shapes
    ]


def _gaps(divergence: Sequence[Finding]) -> list[Gap]:
    """Return the gaps, grouped by the part of the id that names the capability curve."""
    gaps: dict[str, Gap] = {}
    for finding in sorted(divergence, key=_step_order):
        key = finding.id.partition(f"/divergence/{finding.metric}/")[2].partition("/")[0] or finding.label or ""
        gap = gaps.setdefault(key, Gap(""))
        if finding.metric == Metric.ONSET:
            gap.onset = finding
        elif finding.metric == Metric.GAP:
            gap.against = gap.against or (finding.label or "")
            gap.steps.append(finding)
        else:
            gap.slopes.setdefault(finding.metric, []).append(finding)
    return [gap for gap in gaps.values() if gap.steps]


def _step_order(finding: Finding) -> tuple[bool, int, int, str]:
    """Return the sort key: steps between neighbours, steps across the ladder, then findings on the whole ladder."""
    rung, below = finding.at.rung, finding.at.from_rung
    if rung is None or below is None:
        return (True, 1 << 30, 0, finding.metric)
    return (rung - below > 1, rung, below, finding.metric)


def _end_to_end(findings: Sequence[Finding], ladder: Sequence[ReportRung]) -> Finding | None:
    rungs = [rung.rung for rung in ladder if rung.mean is not None]
    if len(rungs) < 2:
        return None
    ends = (rungs[0], rungs[-1])
    pairs = (f for f in findings if f.kind == Kind.DIFFERENCE and f.metric == Metric.MEAN)
    return next((f for f in pairs if (f.at.from_rung, f.at.rung) == ends), None)
