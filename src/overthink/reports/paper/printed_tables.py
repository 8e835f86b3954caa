"""Findings as tables to print: rounded, with their intervals, and the reasons of what is unknown below."""

from collections import Counter
from collections.abc import Container, Iterable, Sequence

from overthink.data.finding import Finding
from overthink.data.kinds import Kind, Metric
from overthink.data.number_text import count, fixed
from overthink.data.visible import PROSE_LIMIT, visible
from overthink.reports import wording
from overthink.reports.paper.rung_findings import NOT_CHECKED, SHAPES, RungFindings
from overthink.reports.paper.table import Heading, PrintedTable
from overthink.reports.report_curves import level, level_text, level_unit
from overthink.reports.verdicts import SHAPE_TEXTS, TEST_TEXTS, bare_p_value

MOST_NOTES = 12
"""Most notes below a table; the CSV has all reasons."""

_CURVE = (Heading("Measures", is_group=True), Heading("Task", is_group=True), Heading("Arm", is_group=True))
_SHARES = frozenset({Kind.VALUE, Kind.BAND, Kind.REGIME, Kind.GATE, Kind.RELIABILITY, Kind.FLIP, Kind.LOCK})
_CROSSINGS = frozenset({Metric.CROSSING, Metric.CROSSING_BOUND})
_CHANGES = frozenset({Kind.DIFFERENCE, Kind.SHAPE})


def curve_table(rows: Sequence[RungFindings], *, source: str) -> PrintedTable:
    """Return one row per rung: value, interval, sizes, gates, and the verdict on the curve.

    Args:
        rows: Values with what belongs to them.
        source: Name of the study; untrusted.
    """
    with_estimand = len({row.value.estimand for row in rows}) > 1
    with_scorer = len({(row.value.axis, row.value.task, row.value.scorer) for row in rows}) > len(
        {(row.value.axis, row.value.task) for row in rows}
    )
    values = [row.value for row in rows]
    units = {level_unit(value.at).strip() for value in values}
    unit = f" ({next(iter(units))})" if len(units) == 1 and units != {""} else ""
    apart = (
        *((Heading("Scorer", is_group=True),) if with_scorer else ()),
        *((Heading("Budgets", is_group=True),) if with_estimand else ()),
    )
    headings = (
        *_CURVE, *apart, Heading(f"Level{unit}", is_number=True), Heading("Value (%)", is_number=True),
        Heading(f"{_levels(values)}interval", is_number=True), Heading("n × draws", is_number=True),
        Heading("Gates"), Heading("Verdict"),
    )  # fmt: skip
    lines = []
    for row in rows:
        value = row.value
        names = [*_names(value)]
        names += [visible(value.scorer or "")] if with_scorer else []
        names += [visible(value.estimand)] if with_estimand else []
        asked = level(value.at) if unit else level_text(value.at)
        sizes = f"{value.n_questions:,} × {value.n_draws:,}"
        verdict = "not tested" if row.verdict is None else visible(row.verdict.label or "none")
        cells = (asked, _share(value.estimate), _interval(value, values), sizes, _gates(row), verdict)
        lines.append((*names, *cells))
    caption = f"What more thinking does: {visible(source, PROSE_LIMIT)}. Mean of one try over n questions"
    return PrintedTable(f"{caption}, {_bands(values)}.", headings, tuple(lines), _curve_notes(rows))


def verdict_table(findings: Sequence[Finding], *, source: str) -> PrintedTable:
    """Return one row per verdict: its test, p-values, and the change from the lowest to the highest rung.

    Args:
        findings: Verdicts on shapes and on hypotheses.
        source: Name of the study; untrusted.
    """
    headings = (
        *_CURVE, Heading("Claim"), Heading("Verdict"), Heading("Change (points)", is_number=True),
        Heading(f"{_levels(findings)}interval", is_number=True), Heading("p", is_number=True),
        Heading("Adjusted p", is_number=True), Heading("Questions", is_number=True), Heading("Gates failed"),
    )  # fmt: skip
    rows = tuple(
        (
            *_names(f), claim_text(f), visible(f.label or "none"),
            _points(f.estimate), _interval(f, findings), _p(f, adjusted=False), _p(f, adjusted=True),
            f"{f.n_questions:,}", ", ".join(map(visible, f.gates_failed)) or "none",
        )
        for f in findings
    )  # fmt: skip
    caption = f"Verdicts on {visible(source, PROSE_LIMIT)}; the change is the highest rung minus the lowest."
    return PrintedTable(caption, headings, rows, _reasons(findings))


def gate_table(findings: Sequence[Finding], *, source: str) -> PrintedTable:
    """Return one row per gate of every rung.

    Args:
        findings: Gates, and information beside them.
        source: Name of the study; untrusted.
    """
    headings = (
        *_CURVE,
        Heading("Level", is_number=True),
        Heading("Gate"),
        Heading("Value", is_number=True),
        Heading("State"),
    )
    rows = tuple(
        (
            *_names(f), "whole curve" if f.at.rung is None else level_text(f.at),
            f.metric.replace("_", " "), _plain(f.estimate), visible(f.label or "not checked"),
        )
        for f in findings
    )  # fmt: skip
    caption = f"Gates of {visible(source, PROSE_LIMIT)}: what else could have moved the values."
    return PrintedTable(caption, headings, rows, _reasons(findings))


def finding_table(findings: Sequence[Finding], *, source: str, content: str) -> PrintedTable:
    """Return one row per finding, of any kind: shares in percent, changes in points, everything else as it is.

    Args:
        findings: The findings, in order.
        source: Name of the study; untrusted.
        content: What they are, for the caption.
    """
    headings = (
        *_CURVE, Heading("Number"), Heading("At"), Heading("Estimate", is_number=True),
        Heading(f"{_levels(findings)}interval", is_number=True), Heading("Adjusted p", is_number=True),
        Heading("Label", is_prose=True),
    )  # fmt: skip
    limits = [set(finding.limits) for finding in findings if finding.kind == Kind.FORECAST]
    common = set.intersection(*limits) if limits else set()
    rows = tuple(
        (
            *_names(f), f"{f.kind.replace('_', ' ')}: {f.metric.replace('_', ' ')}", _position(f), _with_unit(f),
            _interval(f, findings), _p(f, adjusted=True), _label(f, common),
        )
        for f in findings
    )  # fmt: skip
    caption = f"{content} of {visible(source, PROSE_LIMIT)}."
    return PrintedTable(caption, headings, rows, _reasons(findings))


def _names(finding: Finding) -> tuple[str, str, str]:
    return wording.axis_value(finding.axis), visible(finding.task), visible(finding.arm)


def claim_text(finding: Finding) -> str:
    """Return what a verdict is on: a claim of a hypothesis, else the test of a shape."""
    return visible(finding.claim or TEST_TEXTS.get(finding.metric, finding.metric.replace("_", " ")))


def _label(finding: Finding, common: Container[str]) -> str:
    """Return the label; of a K* with its threshold and the band that decided, which its limits state.

    Args:
        finding: The finding.
        common: Limits that all forecasts of the table have.
    """
    own = [limit for limit in finding.limits if limit not in common] if finding.metric in _CROSSINGS else []
    return "; ".join(visible(text, PROSE_LIMIT) for text in (finding.label, *own) if text)


def _position(finding: Finding) -> str:
    at = finding.at
    parts = [] if at.rung is None else [level_text(at)]
    parts += [] if at.from_rung is None else [f"from rung {at.from_rung}"]
    parts += [] if at.k is None or at.k == 1 else [f"k = {at.k:,}"]
    parts += [] if at.total is None else [f"{at.total:,.4g} {at.unit}"]
    parts += [] if at.part is None else [f"part {at.part}"]
    return ", ".join(parts) or "whole curve"


def _share(value: float | None) -> str:
    return "unknown" if value is None else fixed(100 * value, 1)


def _points(value: float | None) -> str:
    return "unknown" if value is None else wording.points(value)


def _plain(value: float | None) -> str:
    return "unknown" if value is None else f"{value:,.4g}".replace("-", "−")


def _number(finding: Finding, value: float | None) -> str:
    if finding.kind in _CHANGES:
        return _points(value)
    return f"{_share(value)} %" if finding.kind in _SHARES and value is not None else _plain(value)


def _with_unit(finding: Finding) -> str:
    text = _number(finding, finding.estimate)
    return f"{text} points" if finding.kind in _CHANGES and finding.estimate is not None else text


def _interval(finding: Finding, among: Sequence[Finding]) -> str:
    """Return the interval as text, with its level where the others of the table have another."""
    low, high = finding.low, finding.high
    if low is None and high is None:
        return "none"
    ends = ["open" if end is None else _number(finding, end).removesuffix(" %") for end in (low, high)]
    text = f"{ends[0]} to {ends[1]}"
    has_own_level = finding.level is not None and not _levels(among)
    return f"{text} ({100 * finding.level:g}%)" if has_own_level and finding.level is not None else text


def _levels(findings: Iterable[Finding]) -> str:
    """Return the confidence level that all intervals have, before a space; empty where they differ."""
    levels = {finding.level for finding in findings if finding.low is not None or finding.high is not None}
    only = next(iter(levels)) if len(levels) == 1 else None
    return "" if only is None else f"{100 * only:g}% "


def _bands(values: Sequence[Finding]) -> str:
    alone = {value.simultaneous for value in values if value.low is not None}
    if alone == {True}:
        return "intervals hold at all rungs at once"
    return "each interval holds for its own number" if alone else "without intervals"


def _p(finding: Finding, *, adjusted: bool) -> str:
    test = finding.test
    value = None if test is None else test.p_adjusted if adjusted else test.p
    return "none" if value is None else bare_p_value(value)


def _gates(row: RungFindings) -> str:
    gates = row.gates
    failed = ", ".join(visible(name).replace("_", " ") for name in gates.failed)
    text = f"{gates.word}: {failed}" if failed else gates.word
    return f"{text}, {len(gates.unchecked)} not checked" if gates.unchecked and gates.word != NOT_CHECKED else text


def _curve_notes(rows: Sequence[RungFindings]) -> tuple[str, ...]:
    verdicts = {row.verdict.id: row.verdict for row in rows if row.verdict is not None}
    labels = dict.fromkeys(verdict.label for verdict in verdicts.values())
    meanings = [f"“{label}”: {SHAPE_TEXTS[label]}." for label in SHAPE_TEXTS if label in labels]
    unchecked = Counter((gate.metric, gate.reason) for row in rows for gate in row.gates.unchecked)
    gates = [
        f"Gate {metric.replace('_', ' ')} not checked at {count(number, 'rung')}: {wording.reason_sentence(reason)}"
        for (metric, reason), number in unchecked.items()
    ]
    corrected = any(row.value.metric == Metric.CORRECTED_MEAN for row in rows)
    words = ["Values corrected by human labels stand below those of the judge."] if corrected else []
    words += [f"Verdicts. {' '.join(meanings)}"] if meanings else []
    return (*words, *_reasons([*(row.value for row in rows), *verdicts.values()]), *gates[:MOST_NOTES])


def _reasons(findings: Sequence[Finding]) -> tuple[str, ...]:
    """Return the reasons of the findings, each with the number of cells that it stands for, most frequent first."""
    reasons = Counter((_subject(finding), finding.reason) for finding in findings if finding.reason)
    notes = [
        f"{subject} ({number:,}): {wording.reason_sentence(reason)}"
        for (subject, reason), number in reasons.most_common()
    ]
    if len(notes) > MOST_NOTES:
        notes = [*notes[:MOST_NOTES], f"{len(notes) - MOST_NOTES:,} more reasons are in the CSV."]
    return tuple(notes)


def _subject(finding: Finding) -> str:
    if finding.kind == Kind.GATE:
        return f"Gate {finding.metric.replace('_', ' ')}"
    if finding.kind == Kind.SHAPE and finding.metric in SHAPES:
        return f"Verdict {visible(finding.label or 'none')}"
    return "Unknown" if finding.estimate is None else "Beside a number"
