"""Curves of a report: the results about each curve, with those that join it to others, in the order of the page.

The planted truth of a simulated study on its page: a dashed line in the charts, and one sentence per curve.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from overthink.analysis.k_scale import RungThinking, rung_thinking
from overthink.data.finding import At, Finding
from overthink.data.ids import CurveKey
from overthink.data.kinds import Metric
from overthink.data.number_text import count, fixed
from overthink.data.results.beside import CommitmentResult, DisagreementResult, GapResult, PlantedCurve, TwoByTwoResult
from overthink.data.results.curve import CurveResult, RungResult, ShapeResult
from overthink.data.results.study import Results
from overthink.data.visible import visible
from overthink.reports import wording
from overthink.reports.wording import AXIS_TEXTS


@dataclass(frozen=True, slots=True, eq=False)
class ReportRung:
    """One rung of a curve of a report.

    Attributes:
        result: Everything about the rung.
        thinking: Its thinking, which K counts: requested, else realised.
        controls: Controls by metric: forced against the model's own answer, thinking against answer.
    """

    result: RungResult
    thinking: RungThinking
    controls: Mapping[Metric, Finding]

    @property
    def at(self) -> At:
        """Its position on the ladder."""
        return self.result.at

    @property
    def number(self) -> int:
        """Its position as a number from 0."""
        return self.result.at.rung or 0

    @property
    def mean(self) -> Finding | None:
        """The value of one try."""
        return self.result.mean

    @property
    def level(self) -> str:
        """Its requested level, as text."""
        return level(self.result.at)


@dataclass(frozen=True, slots=True, eq=False)
class ReportCurve:
    """One curve of a report.

    Attributes:
        result: Everything about the curve by itself.
        judge: The scorer if the task has several; else empty.
        rungs: In ascending order.
        gaps: Divergences of a safety curve, one per capability curve.
        controls: Controls without a rung, by metric.
        commitment: Traces that commit; None of curves that were not thought anew.
        steering_depths: How many early steps must be steered, of an arm that steers most of them.
        reference: Tokens of thinking at K (thinking) = 1; None without a K axis.
        is_control: Whether the curve is a control beside the task's own curve, and no result by itself.
    """

    result: CurveResult
    judge: str
    rungs: tuple[ReportRung, ...]
    gaps: tuple[GapResult, ...]
    controls: Mapping[Metric, Finding]
    commitment: CommitmentResult | None
    steering_depths: tuple[Finding, ...]
    reference: float | None
    is_control: bool

    @property
    def axis(self) -> str:
        """Meaning of a value of 1."""
        return self.result.key.axis

    @property
    def task(self) -> str:
        """Task of the curve; untrusted."""
        return self.result.key.task

    @property
    def arm(self) -> str:
        """Arm of the curve; untrusted."""
        return self.result.key.arm

    @property
    def estimand(self) -> str:
        """Effect of a budget on its traces."""
        return self.result.key.estimand

    @property
    def shapes(self) -> list[ShapeResult]:
        """Verdicts on its shape; the primary first, those corrected by human labels last."""
        return sorted(self.result.all_shapes, key=lambda shape: (shape.is_corrected, not shape.by_regimes))

    @property
    def sizes(self) -> list[Finding]:
        """Largest rise and largest fall, if tested."""
        return [size for shape in self.result.shapes for size in (shape.rise, shape.drawdown) if size is not None]

    @property
    def labels(self) -> list[Finding]:
        """Findings whose label describes the whole curve: an extreme, levels without effect, why drawing stopped."""
        result = self.result
        draws = result.adaptive
        findings = (
            result.extreme,
            result.no_op,
            *(() if draws is None else (draws.precision, draws.draws, draws.even_draws, draws.saving)),
            *self.steering_depths,
        )
        return [finding for finding in findings if finding is not None and finding.label]

    @property
    def flips(self) -> list[Finding]:
        """Traces that changed sides: between neighbours, across the ladder, then along the whole ladder."""
        flips = self.result.flips
        if flips is None:
            return []
        whole = (finding for finding in (flips.gained_and_lost, flips.lost_and_regained) if finding is not None)
        return [*sorted((*flips.gained, *flips.lost), key=_step_order), *whole]

    @property
    def levels(self) -> dict[int, str]:
        """Requested tokens of each rung, as text, or its level where the provider has no such number."""
        tokens = {rung.number: rung.at.requested_tokens for rung in self.rungs}
        return {rung.number: rung.level if (n := tokens[rung.number]) is None else f"{n:,}" for rung in self.rungs}

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


def level_text(at: At) -> str:
    """Return the requested level of a rung with its unit.

    >>> level_text(At(rung=1, requested_tokens=2048)), level_text(At(rung=1, effort="low"))
    ('2,048 tokens', 'low effort')
    """
    return f"{level(at)}{level_unit(at)}"


SHOWN_ARMS = 6
"""Maximum number of arms drawn at once, limited by the palette."""


def report_curves(results: Results, reference: Mapping[str, float]) -> list[ReportCurve]:
    """Return all curves, axes in the order of the page, tasks and arms in the order of the results.

    Args:
        results: Results of the analysis.
        reference: Tokens of thinking at K (thinking) = 1, by arm.
    """
    keys = [curve.key for curve in results.curves]
    order = {axis: position for position, axis in enumerate(AXIS_TEXTS)}
    tasks = {(key.axis, key.task): position for position, key in reversed(list(enumerate(keys)))}
    judges = Counter(key._replace(scorer="") for key in keys)
    with_result = {(key.axis, key.task, key.arm) for key in keys if not key.is_control}
    beside = _Beside(results)
    curves = sorted(
        results.curves,
        key=lambda curve: (order.get(curve.key.axis, len(order)), tasks[curve.key.axis, curve.key.task]),
    )
    return [
        ReportCurve(
            curve,
            judge=curve.key.scorer if judges[curve.key._replace(scorer="")] > 1 else "",
            rungs=beside.rungs(curve),
            gaps=tuple(gap for gap in results.gaps if gap.safety == curve.key and gap.steps),
            controls=beside.shams.get(curve.key, {}),
            commitment=beside.commitments.get(curve.key),
            steering_depths=tuple(
                depth for steering in results.steering_depths if steering.key == curve.key for depth in steering.depths
            ),
            reference=reference.get(curve.key.arm),
            # A log of natural thinking, say, has nothing but controls.
            is_control=curve.key.is_control and (curve.key.axis, curve.key.task, curve.key.arm) in with_result,
        )
        for curve in curves
    ]


def default_arms(curves: Sequence[ReportCurve]) -> list[str]:
    """Return the arms shown first: those with most rungs, ties in the order of the findings."""
    rungs: dict[str, int] = {}
    for curve in curves:
        rungs[curve.arm] = max(rungs.get(curve.arm, 0), len(curve.rungs))
    return sorted(rungs, key=lambda arm: -rungs[arm])[:SHOWN_ARMS]


class _Beside:
    """Results that join curves, by the curve that a report shows them at."""

    def __init__(self, results: Results) -> None:
        self.commitments = {commitment.key: commitment for commitment in results.commitments}
        self.shams: dict[CurveKey, Mapping[Metric, Finding]] = {}
        self._by_rung: dict[tuple[CurveKey, int], dict[Metric, Finding]] = {}
        for control in results.controls:
            if isinstance(control, TwoByTwoResult):
                self._add(control.key, (finding for by_metric in control.rungs for finding in by_metric.values()))
            elif control.is_sham:
                self.shams[control.key] = _first_of_each(control)
            else:
                self._add(control.key, (*control.shares, *control.differences))

    def _add(self, key: CurveKey, findings: Iterable[Finding]) -> None:
        for finding in findings:
            self._by_rung.setdefault((key, finding.at.rung or 0), {})[finding.metric] = finding

    def rungs(self, curve: CurveResult) -> tuple[ReportRung, ...]:
        return tuple(
            ReportRung(rung, rung_thinking(curve.key, rung), self._by_rung.get((curve.key, rung.at.rung or 0), {}))
            for rung in curve.rungs
        )


def _first_of_each(control: DisagreementResult) -> dict[Metric, Finding]:
    """Return the share and the difference of a comparison without rungs."""
    return {finding.metric: finding for finding in (*control.shares[:1], *control.differences[:1])}


def _step_order(finding: Finding) -> tuple[bool, int, int, str]:
    """Return the sort key: steps between neighbours, then steps across the ladder."""
    rung, below = finding.at.rung or 0, finding.at.from_rung or 0
    return (rung - below > 1, rung, below, finding.metric)


LEGEND = "planted truth"
"""Name of the dashed line."""


def planted_lines(planted: Sequence[PlantedCurve], curves: Sequence[ReportCurve]) -> list[dict[int, float]]:
    """Return the planted values by rung for every curve; empty where none are stated."""
    by_key = {truth.key: dict(truth.values) for truth in planted}
    return [by_key.get(curve.result.key, {}) for curve in curves]


def planted_sentences(planted: Sequence[PlantedCurve]) -> list[str]:
    """Return one sentence per curve: whether the band holds its planted truth, or why that is not stated."""
    return [f"{_name(truth)}: {_words(truth)}." for truth in planted]


def planted_summary(planted: Sequence[PlantedCurve]) -> str:
    """Return in how many curves the band holds the planted truth, and a flat line; empty for a real model."""
    if not planted:
        return ""
    widths = [truth.half_width for truth in planted if truth.half_width is not None]
    if not widths:
        return f"{LEGEND}: not stated, or no band to hold it"
    of = f"of {count(len(widths), 'curve')}"
    inside = f"{LEGEND}: inside the {_band(max(widths))} in {sum(truth.outside == () for truth in planted):,} {of}"
    flat = sum(truth.holds_flat for truth in planted)
    return f"{inside}; a flat line would be in {flat:,} {of}" if flat else inside


def _name(truth: PlantedCurve) -> str:
    return f"{wording.axis_name(truth.key.axis)}, {visible(truth.key.task)}, {visible(truth.key.arm)}"


def _words(truth: PlantedCurve) -> str:
    if truth.obstacle:
        return f"{LEGEND} not stated, {truth.obstacle}"
    if truth.outside is None or truth.half_width is None:
        return f"{LEGEND} drawn; there is no band for all rungs at once to hold it"
    band = _band(truth.half_width)
    if truth.outside:
        return f"{LEGEND} outside the {band} at {len(truth.outside)} of {count(len(truth.values), 'rung')}"
    also = "; a flat line would be inside it, too" if truth.holds_flat else ""
    return f"{LEGEND} inside the {band} at every rung that has one{also}"


def _band(half_width: float) -> str:
    """Return the band with its width, without which it is not said how much being inside it means."""
    return f"band (up to ±{fixed(100 * half_width, 1)} points)"
