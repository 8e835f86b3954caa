"""Findings of curves, rung by rung: the value with its tokens, gates and verdict."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from overthink.data.finding import Finding
from overthink.data.ids import CurveKey
from overthink.data.kinds import Kind, Metric
from overthink.data.verdict_labels import GateLabel
from overthink.reports.wording import axis_position

VALUES = (Metric.MEAN, Metric.CORRECTED_MEAN)
SHAPES = (Metric.REGIMES, Metric.MAX_T)
"""Metrics of a verdict on a shape: that on stated regimes is the primary one."""

_CORRECTED_SHAPES = (Metric.CORRECTED_REGIMES, Metric.CORRECTED_MAX_T)

PASSED, FAILED, NOT_CHECKED, NOT_RECORDED = "passed", "failed", "not checked", "none recorded"


@dataclass(frozen=True, slots=True)
class GateState:
    """State of all gates of a rung.

    Attributes:
        failed: Names of those that failed, and of those that the value was marked with.
        unchecked: Those that could not be checked, with their reasons.
        passed: Names of those that passed.
    """

    failed: tuple[str, ...]
    unchecked: tuple[Finding, ...]
    passed: tuple[str, ...]

    @property
    def word(self) -> str:
        """Whether one failed; else whether one passed; else whether any could be checked.

        >>> GateState((), (), ("errors",)).word, GateState((), (), ()).word
        ('passed', 'none recorded')
        """
        if self.failed:
            return FAILED
        if self.passed:
            return PASSED
        return NOT_CHECKED if self.unchecked else NOT_RECORDED


@dataclass(frozen=True, slots=True)
class RungFindings:
    """One value of one curve at one rung, with what belongs to it.

    Attributes:
        value: The value of one try; corrected by human labels where its metric says so.
        thinking: Mean thinking tokens of a trace at the rung; None where they are not recorded.
        gates: State of the gates.
        verdict: The primary verdict on the shape of the curve; None where none was tested.
    """

    value: Finding
    thinking: Finding | None
    gates: GateState
    verdict: Finding | None


def rung_findings(findings: Sequence[Finding]) -> list[RungFindings]:
    """Return the values of one try, with all that belongs to them: curve by curve, lowest rung first.

    Args:
        findings: All findings of a study, in any order.
    """
    at_rung: dict[tuple[CurveKey, int | None], list[Finding]] = defaultdict(list)
    for finding in findings:
        at_rung[finding.key, finding.at.rung].append(finding)
    rows = [
        _row(value, at_rung[value.key, value.at.rung], at_rung[value.key, None])
        for value in findings
        if value.kind == Kind.VALUE and value.metric in VALUES
    ]
    return sorted(
        rows, key=lambda row: (*curve_order(row.value), VALUES.index(row.value.metric), row.value.at.rung or 0)
    )


def curve_order(finding: Finding) -> tuple[int, str, str, bool, str, str]:
    """Return the sort key of a curve: axes in the order of the page, a task's own curve before its controls."""
    key = finding.key
    return axis_position(key.axis), key.task, key.arm, key.is_control, key.estimand, key.scorer


def gate_checks(findings: Iterable[Finding]) -> list[Finding]:
    """Return the gates that pass, fail or could not be checked; information neither passes nor fails."""
    gates = (finding for finding in findings if finding.kind == Kind.GATE)
    return [gate for gate in gates if gate.metric != Metric.NATURAL_END and gate.label != GateLabel.INFORMATION]


def gate_state(findings: Iterable[Finding], marked: Sequence[str]) -> GateState:
    """Return the state of gates.

    Args:
        findings: Findings of a rung and of its curve, the gates among them.
        marked: Names of failed gates that the value carries.
    """
    checks = gate_checks(findings)
    names = {label: [gate.metric.value for gate in checks if gate.label == label] for label in GateLabel}
    return GateState(
        failed=tuple(dict.fromkeys([*names[GateLabel.FAILED], *marked])),
        unchecked=tuple(gate for gate in checks if gate.label is None),
        passed=tuple(names[GateLabel.PASSED]),
    )


def _row(value: Finding, beside: Sequence[Finding], of_curve: Sequence[Finding]) -> RungFindings:
    tokens = (f for f in beside if f.kind == Kind.TOKENS and f.metric == Metric.THINKING_TOKENS)
    metrics = SHAPES if value.metric == Metric.MEAN else _CORRECTED_SHAPES
    shapes = {f.metric: f for f in of_curve if f.kind == Kind.SHAPE and f.metric in metrics}
    verdict = next((shapes[metric] for metric in metrics if metric in shapes), None)
    return RungFindings(value, next(tokens, None), gate_state((*beside, *of_curve), value.gates_failed), verdict)
