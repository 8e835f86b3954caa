"""Data of the page's script as JSON: findings as rows, and curves with row indices.

One text row per rung of every curve, for the page without scripts and the terminal.
"""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from overthink.analysis.shapes import LEFT_OUT
from overthink.data.finding import Finding
from overthink.data.kinds import Metric
from overthink.data.results.curve import JudgeErrorResult
from overthink.data.results.study import findings_of
from overthink.data.visible import ID_LIMIT, NAME_LIMIT, PROSE_LIMIT, visible
from overthink.reports import verdicts, wording
from overthink.reports.report_curves import SHOWN_ARMS, ReportCurve, ReportRung, default_arms, level
from overthink.reports.verdicts import hypothesis_pieces
from overthink.stats.gates import NOT_APPLICABLE

ROW_COLUMNS = (
    "id", "kind", "metric", "axis", "task", "arm", "estimand", "rung", "from_rung", "level", "k", "selector",
    "estimate", "low", "high", "confidence", "simultaneous", "questions", "draws", "test", "p", "p_adjusted",
    "detects", "label", "reason", "gates_failed", "limits",
    "claim", "questions_needed",
)  # fmt: skip
"""Columns of the table of numbers. Text cells are indices into ``strings``."""


class _Strings:
    """Table of unique texts of the page, made visible and cut; rows refer to them by index."""

    def __init__(self) -> None:
        self.shown: list[str] = []
        self._index: dict[tuple[str, int], int] = {}

    def of(self, text: str | None, limit: int = NAME_LIMIT) -> int | None:
        if text is None:
            return None
        key = (text, limit)
        if key not in self._index:
            self._index[key] = len(self.shown)
            self.shown.append(visible(text, limit))
        return self._index[key]


def page_data(findings: Sequence[Finding], curves: Sequence[ReportCurve]) -> dict[str, Any]:
    """Return the findings and curves as JSON values.

    Args:
        findings: All findings, in the order of the table.
        curves: Their curves.
    """
    strings = _Strings()
    rows = [_row(finding, strings) for finding in findings]
    index_of = {id(finding): number for number, finding in enumerate(findings)}
    arms = list(dict.fromkeys(curve.arm for curve in curves))
    first = set(default_arms(curves))
    return {
        "columns": ROW_COLUMNS,
        "rows": rows,
        "curves": [_curve(curve, index_of, strings) for curve in curves],
        "arms": [strings.of(arm) for arm in arms],
        "shown_arms": [strings.of(arm) for arm in arms if arm in first],
        "most_arms": SHOWN_ARMS,
        "strings": strings.shown,
        "words": {
            "axes": wording.AXIS_TEXTS,
            "gates": wording.GATE_TEXTS,
            "selectors": wording.selector_texts(),
            "colours": wording.selector_colours(),
            "estimands": wording.ESTIMAND_TEXTS,
            "shapes": verdicts.SHAPE_TEXTS,
            "tests": verdicts.TEST_TEXTS,
            "left_out": LEFT_OUT,
            "controls": wording.CONTROL_TEXTS,
        },
    }


def script_json(value: object) -> str:
    r"""Return JSON that is safe inside a script element: it cannot end the element or open a comment.

    >>> script_json("</script>")
    '"\\u003c/script\\u003e"'
    """
    return script_safe(json.dumps(value, allow_nan=False, separators=(",", ":")))


def script_safe(json_text: str) -> str:
    r"""Return the same JSON without a character that means something to HTML, or ends a line of a script.

    >>> script_safe('["<!--", "\u2028"]')
    '["\\u003c!--", "\\u2028"]'
    """
    return json_text.translate(_NOT_IN_SCRIPTS)


_NOT_IN_SCRIPTS = {code: f"\\u{code:04x}" for code in map(ord, "<>&\u2028\u2029")}


def _row(finding: Finding, strings: _Strings) -> list[Any]:
    at = finding.at
    return [
        strings.of(finding.id, ID_LIMIT),
        strings.of(finding.kind),
        strings.of(finding.metric),
        strings.of(finding.axis),
        strings.of(finding.task),
        strings.of(finding.arm),
        strings.of(finding.estimand),
        at.rung,
        at.from_rung,
        strings.of(level(at)) if at.rung is not None else None,
        at.k,
        strings.of(at.selector),
        _number(finding.estimate),
        _number(finding.low),
        _number(finding.high),
        _number(finding.level),
        int(finding.simultaneous),
        finding.n_questions,
        finding.n_draws,
        *_test(finding, strings),
        strings.of(finding.label, PROSE_LIMIT),
        strings.of(finding.reason, PROSE_LIMIT),
        [strings.of(gate) for gate in finding.gates_failed],
        [strings.of(limit, PROSE_LIMIT) for limit in finding.limits],
        strings.of(finding.claim, PROSE_LIMIT),
        finding.questions_needed,
    ]


def _test(finding: Finding, strings: _Strings) -> list[Any]:
    test = finding.test
    if test is None:
        return [None, None, None, None]
    return [strings.of(test.name, PROSE_LIMIT), *(_number(value) for value in (test.p, test.p_adjusted, test.mde))]


def _curve(curve: ReportCurve, index_of: Mapping[int, int], strings: _Strings) -> dict[str, Any]:
    def indices(findings: Iterable[Finding]) -> list[int]:
        return [index_of[id(finding)] for finding in findings]

    def index(finding: Finding | None) -> int | None:
        return None if finding is None else index_of[id(finding)]

    return {
        "axis": strings.of(curve.axis),
        "task": strings.of(curve.name, PROSE_LIMIT),
        "arm": strings.of(curve.arm),
        "estimand": strings.of(curve.estimand),
        "reference": _number(curve.reference),
        "control": curve.is_control,
        "about": indices(curve.labels),
        "verdicts": [
            {
                "shape": index(shape.verdict),
                "withheld": shape.withheld is not None,
                "onset": index(shape.onset),
                "regimes": indices(shape.regimes),
            }
            for shape in curve.shapes
        ],
        "sizes": [
            {"finding": index(size), "text": strings.of(verdicts.size_text(size, curve.rungs), PROSE_LIMIT)}
            for size in curve.sizes
        ],
        "hypothesis": [
            {"finding": index(piece.finding), "text": strings.of(piece.text, PROSE_LIMIT)}
            for piece in hypothesis_pieces(curve.result.hypothesis, curve.levels)
        ],
        "gaps": [
            {
                "against": strings.of(f"against {gap.capability.task}", PROSE_LIMIT),
                "steps": indices(gap.steps),
                "onset": index(gap.onset),
                "slopes": {
                    metric: indices(steps)
                    for metric, steps in (
                        (Metric.SLOPE_CAPABILITY, gap.capability_slopes),
                        (Metric.SLOPE_SAFETY, gap.safety_slopes),
                    )
                    if steps
                },
            }
            for gap in curve.gaps
        ],
        "flips": indices(curve.flips),
        "commitment": {
            "findings": indices(findings_of(curve.commitment)),
            "text": strings.of(verdicts.commitment_text(curve.commitment), PROSE_LIMIT),
        },
        "drift": index(curve.result.drift),
        "controls": {metric: index(finding) for metric, finding in curve.controls.items()},
        "spent": {metric: index(finding) for metric, finding in curve.result.token_totals.items()},
        "rungs": [_rung(rung, index_of, strings) for rung in curve.rungs],
    }


def _rung(rung: ReportRung, index_of: Mapping[int, int], strings: _Strings) -> dict[str, Any]:
    def index(finding: Finding | None) -> int | None:
        return None if finding is None else index_of[id(finding)]

    def indices(findings: Mapping[Any, Finding]) -> dict[Any, int]:
        return {name: index_of[id(finding)] for name, finding in findings.items()}

    result = rung.result
    steady = {Metric.DISAGREEMENT: result.disagreement, Metric.SETTLED: result.settled}
    return {
        "rung": rung.number,
        "level": strings.of(rung.level),
        "thinking": _number(rung.thinking.tokens),
        "requested": rung.thinking.is_requested,
        "mean": index(result.mean),
        "band": index(result.band),
        "corrected": index(result.corrected_mean),
        "tokens": indices(result.tokens),
        "gates": indices(result.gates),
        "failed": [strings.of(gate) for gate in result.failed_gates],
        "tries": {selector: indices(dict(sorted(by_k.items()))) for selector, by_k in result.tries.items()},
        "all_of_k": indices(dict(sorted(result.all_of_k.items()))),
        "steady": indices({metric: finding for metric, finding in steady.items() if finding is not None}),
        "judge": {} if result.judge is None else indices(_judge(result.judge)),
        "controls": indices(rung.controls),
    }


def _judge(judge: JudgeErrorResult) -> dict[Metric, Finding]:
    """Return the errors of a judge by metric."""
    return {
        Metric.SENSITIVITY: judge.sensitivity,
        Metric.SPECIFICITY: judge.specificity,
        Metric.ROGAN_GLADEN: judge.rogan_gladen,
    }


def _number(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)


class RungRow(NamedTuple):
    """A rung as text. ``finding`` is the id of the value's finding, empty if there is none."""

    axis: str
    task: str
    arm: str
    estimand: str
    level: str
    tokens: str
    value: str
    interval: str
    gates: str
    finding: str


def rung_rows(curves: Sequence[ReportCurve], limit: int = 400) -> list[RungRow]:
    """Return the first ``limit`` rungs of all curves as rows."""
    return [rung_row(curve, rung) for curve in curves for rung in curve.rungs][:limit]


def rung_row(curve: ReportCurve, rung: ReportRung) -> RungRow:
    """Return one rung of one curve as text, with "unknown" for missing values."""
    mean, attempt = rung.mean, rung.result.tokens.get(Metric.ATTEMPT_TOKENS)
    value, span = "–", "–"
    if mean is not None:
        value = wording.percent(mean.estimate) if mean.estimate is not None else "unknown"
        if mean.low is not None and mean.high is not None:
            span = f"{wording.percent(mean.low)} to {wording.percent(mean.high)}"
    return RungRow(
        axis=wording.axis_name(curve.axis),
        task=curve.name,
        arm=visible(curve.arm),
        estimand=visible(curve.estimand),
        level=rung.level,
        tokens=wording.tokens(attempt.estimate) if attempt and attempt.estimate is not None else "unknown",
        value=value,
        interval=span,
        gates=_gates_text(rung),
        finding=visible(mean.id, ID_LIMIT) if mean is not None else "",
    )


def _gates_text(rung: ReportRung) -> str:
    """Return the result of the gates of a rung: those that failed or passed, and those that could see nothing."""
    if not rung.result.gates:
        return "none recorded"
    failed = ", ".join(visible(gate) for gate in rung.result.failed_gates)
    gates = rung.result.gates.items()
    unseen = [name for name, gate in gates if gate.label is None and gate.reason not in NOT_APPLICABLE]
    results = ", ".join(name for name, gate in gates if gate.label is not None)
    parts = [f"{name} {visible(limit)}" for name, gate in gates for limit in gate.limits]
    parts += [f"not checked: {', '.join(unseen)}"] if unseen else []
    passed = (f"passed: {results}" if unseen else "passed") if results else "none could be checked"
    result = f"failed: {failed}" if failed else passed
    return f"{result} ({'; '.join(parts)})" if parts else result
