"""Text of verdicts on the shape of a curve and on hypotheses; and which curves a short list shows."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from overthink.data.finding import Finding
from overthink.data.hypothesis import Part, hypothesis_text
from overthink.data.kinds import Metric
from overthink.data.results.beside import CommitmentResult
from overthink.data.results.curve import HypothesisResult, ShapeResult
from overthink.data.shape_text import (
    TURN_WORDS,
    PartResult,
    no_turn_text,
    part_texts,
    shown_turn_text,
    untested_text,
    whole_text,
)
from overthink.data.verdict_labels import HypothesisLabel, ShapeLabel
from overthink.data.visible import PROSE_LIMIT, visible
from overthink.reports import wording
from overthink.reports.report_curves import ReportCurve, ReportRung, level_text

SHAPE_TEXTS = {
    ShapeLabel.UP: "ends higher than it began; no turn is shown",
    ShapeLabel.DOWN: "ends lower than it began; no turn is shown",
    ShapeLabel.FLAT: "no two levels differ by the margin or more",
    ShapeLabel.SATURATING: (
        "ends higher than it began, and no two levels of the upper half differ by the margin or more"
    ),
    ShapeLabel.HUMP: "rises, then falls",
    ShapeLabel.DIP: "falls, then rises",
    ShapeLabel.UNDETERMINED: "no shape is shown; what could have been seen stands beside it",
}
"""Meaning by label of a shape finding."""

REGIMES_TEXT, MAX_T_TEXT = "stated regimes", "any rise and fall"
TEST_TEXTS: Mapping[str, str] = {Metric.REGIMES: REGIMES_TEXT, Metric.MAX_T: MAX_T_TEXT}
"""Test by metric of a shape finding of a curve that was not corrected."""

CORRECTED_LABEL = "corrected by human labels"

WITHHELD_LABEL = "withheld"


class ShapeText(NamedTuple):
    """A shape finding as text.

    Attributes:
        verdict: The shape, "undetermined", or "withheld" if an error of the judge or unlike runs forbid a claim.
        p: p-value and adjusted p-value; empty if there is none.
        why: Reason for no verdict; empty with a verdict.
        could: Minimum detectable effect; empty with a verdict, or if unknown.
        mde: The number in ``could``.
        test: Name of the test.
        left_out: How many questions the test leaves out; empty for none.
    """

    verdict: str
    p: str
    why: str
    could: str
    mde: str
    test: str
    left_out: str = ""

    def line(self) -> str:
        """Return all fields as one line."""
        details = f"{self.p}; {self.test}" if self.p else self.test
        mde = f"{self.could}{self.mde}"
        return "; ".join(filter(None, (f"{self.verdict} ({details})", self.why, mde, self.left_out)))


def shape_text(shape: ShapeResult, rungs: int) -> ShapeText:
    """Return the text of a verdict on a shape.

    Args:
        shape: The verdict.
        rungs: Number of rungs of its curve with a value; two rungs cannot show a hump.
    """
    finding = shape.verdict
    test = REGIMES_TEXT if shape.by_regimes else MAX_T_TEXT
    if shape.withheld is not None:
        return ShapeText(WITHHELD_LABEL, "", visible(shape.withheld.text, PROSE_LIMIT), "", "", test)
    could = mde = ""
    if finding.label in {None, ShapeLabel.UNDETERMINED} and finding.test is not None and _is_finite(finding.test.mde):
        could = f"could have seen a {'hump or dip' if rungs > 2 else 'change'} of "
        mde = f"{100 * (finding.test.mde or 0):.1f} points or more"
    why, left_out = (visible(text or "", PROSE_LIMIT) for text in (finding.reason, shape.left_out))
    label = visible(finding.label or ShapeLabel.UNDETERMINED)
    return ShapeText(label, _p_values(finding), why, could, mde, test, left_out)


def size_text(size: Finding, rungs: Sequence[ReportRung]) -> str:
    """Return the size of the largest rise or fall as text: how large and where, or that none is shown.

    Args:
        size: A finding of the metric rise or drawdown.
        rungs: The rungs of its curve.
    """
    word = TURN_WORDS[size.metric]
    if size.low is None or size.high is None:
        return f"largest {word}: {visible(size.reason or 'unknown', PROSE_LIMIT)}"
    if size.low <= 0:
        return no_turn_text(word, size.high)
    start = next((rung.level for rung in rungs if rung.number == size.at.from_rung), "")
    return shown_turn_text(word, size.low, size.high, start=start, end=level_text(size.at))


COMMITMENT_SHARES: Mapping[Metric, str] = {
    Metric.COMMITTED: "committed",
    Metric.NOT_SETTLED: "changes but does not settle",
    Metric.NO_CHANGE_SHOWN: "no change shown",
}
"""Words of the three shares of traces that were thought anew, by metric."""


def commitment_text(commitment: CommitmentResult | None) -> str:
    """Return the three shares of traces as text, and where the committed ones change; why they are unknown otherwise.

    Args:
        commitment: Traces of one curve that commit; None gives no text.
    """
    by_metric = {} if commitment is None else commitment.shares
    shares = [(words, by_metric[metric]) for metric, words in COMMITMENT_SHARES.items() if metric in by_metric]
    unknown = [share for _, share in shares if share.estimate is None]
    if unknown or not shares:
        return f"commitment unknown: {visible(unknown[0].reason or 'not computed', PROSE_LIMIT)}" if unknown else ""
    sizes = max((share for _, share in shares), key=lambda share: share.n_questions)
    text = f"of the traces of {sizes.n_questions:,} questions × {sizes.n_draws:,} draws: " + ", ".join(
        f"{words} {100 * (share.estimate or 0):.0f} %{_span(share, 100)}" for words, share in shares
    )
    tokens = None if commitment is None else commitment.tokens
    if tokens is None or tokens.estimate is None:
        return text
    return f"{text}; the committed ones change by {tokens.estimate:,.0f} tokens on average{_span(tokens, 1)}"


def _span(finding: Finding, scale: float) -> str:
    if finding.low is None or finding.high is None:
        return ""
    return f" ({scale * finding.low:,.0f} to {scale * finding.high:,.0f})"


def primary_shape(shapes: Sequence[ShapeResult], *, is_corrected: bool = False) -> ShapeResult | None:
    """Return the primary verdict: on the stated regimes if any, else on any rise and fall.

    Args:
        shapes: Verdicts of one curve, in the order of :class:`~overthink.reports.report_curves.ReportCurve`.
        is_corrected: Whether to use the curve corrected by human labels.
    """
    return next((shape for shape in shapes if shape.is_corrected == is_corrected), None)


def qualified_change(curve: ReportCurve) -> wording.Change:
    """Return the change from the lowest to the highest rung, without a gate already named by a withheld verdict."""
    shape, change = primary_shape(curve.shapes), curve.result.change
    if shape is not None and change is not None and shape.withheld is not None:
        gates = tuple(gate for gate in change.gates_failed if gate != shape.withheld.gate)
        return wording.change(replace(change, gates_failed=gates))
    return wording.change(change)


def verdict_word(curve: ReportCurve) -> str:
    """Return a curve's shape as one word, or the verdict of its change if no shape was tested."""
    shape = primary_shape(curve.shapes)
    return shape_text(shape, len(curve.rungs)).verdict if shape else wording.change(curve.result.change).verdict


def _p_values(shape: Finding) -> str:
    if shape.test is None:
        return ""
    p_values = (("p", shape.test.p), ("adjusted p", shape.test.p_adjusted))
    return ", ".join(f"{name} {p_value(value)}" for name, value in p_values if value is not None and _is_finite(value))


def p_value(value: float) -> str:
    """Return a p-value with its relation sign; the smallest is "< 0.001".

    >>> p_value(0.0123), p_value(0.0001)
    ('= 0.012', '< 0.001')
    """
    return bare_p_value(value) if value < LEAST_P else f"= {bare_p_value(value)}"


LEAST_P = 0.001
"""p-values below it are not told apart."""


def bare_p_value(value: float) -> str:
    """Return a p-value for a cell of a table; the smallest is "< 0.001".

    >>> bare_p_value(0.0123), bare_p_value(0.0001)
    ('0.012', '< 0.001')
    """
    return f"< {LEAST_P:g}" if value < LEAST_P else f"{value:.2g}"


def _is_finite(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


RULE = (
    "results before controls; then curves with a shown shape or change, then those with a failed gate, then the arms "
    "with most rungs"
)
"""The rule of :func:`selected_curves` in words, beside every list that leaves curves out."""


def selected_curves(curves: Sequence[ReportCurve], number: int, *, arms_first: Sequence[str]) -> list[ReportCurve]:
    """Return at most ``number`` curves, those that matter most by :data:`RULE`, in the order given.

    Args:
        curves: Curves with values.
        number: Most curves of the list.
        arms_first: Arms that are drawn first: those with most rungs.
    """
    if len(curves) <= number:
        return list(curves)
    order = sorted(range(len(curves)), key=lambda position: (*_importance(curves[position], arms_first), position))
    return [curves[position] for position in sorted(order[:number])]


def _importance(curve: ReportCurve, arms_first: Sequence[str]) -> tuple[bool, bool, bool, bool]:
    """Return the sort key: False before True."""
    has_failed_gate = any(rung.result.failed_gates for rung in curve.rungs)
    return curve.is_control, not _is_shown(curve), not has_failed_gate, curve.arm not in arms_first


def _is_shown(curve: ReportCurve) -> bool:
    """Return whether a shape is shown; where none was tested, whether the interval of the change excludes 0."""
    shape, change = primary_shape(curve.shapes), curve.result.change
    if shape is not None:
        return shape.verdict.label not in (None, ShapeLabel.UNDETERMINED)
    return change is not None and ((change.low or 0) > 0 or (change.high or 0) < 0)


class Piece(NamedTuple):
    """Piece of a text, and the finding whose verdict it prints."""

    text: str
    finding: Finding | None


def hypothesis_pieces(hypothesis: HypothesisResult | None, levels: Mapping[int, str]) -> list[Piece]:
    """Return the verdicts on a hypothesis as pieces of a text; joined by spaces they are its sentences.

    Args:
        hypothesis: Verdicts on a hypothesis of one curve; None without one.
        levels: Requested level of each rung, as text.
    """
    if hypothesis is None:
        return []
    whole, tests, is_registered = hypothesis.whole, hypothesis.tests, hypothesis.is_registered
    if not tests:
        claim = hypothesis_text(hypothesis.parts)
        return [_piece(untested_text(claim, hypothesis.obstacle, is_registered=is_registered), whole)]
    results = [part_result(test, part, levels) for test, part in zip(tests, hypothesis.parts, strict=True)]
    texts = part_texts(results, is_registered=is_registered)
    if len(results) == 1:
        return [_piece(texts[0], tests[0])]
    return [
        _piece(texts[0], None),
        *(_piece(text, test) for text, test in zip(texts[1:], tests, strict=True)),
        _piece(whole_text(_label(whole), hypothesis.obstacle), whole),
    ]


def hypothesis_line(hypothesis: HypothesisResult | None, levels: Mapping[int, str]) -> str:
    """Return the verdicts on a hypothesis as one line; empty without a hypothesis. Arguments as for the pieces."""
    return " ".join(piece.text for piece in hypothesis_pieces(hypothesis, levels))


def part_result(test: Finding, part: Part, levels: Mapping[int, str]) -> PartResult:
    """Return the verdict on a part."""
    first, last = (None if rung is None else levels.get(rung) for rung in (test.at.from_rung, test.at.rung))
    return PartResult(
        part=part,
        label=_label(test),
        estimate=test.estimate,
        low=test.low,
        high=test.high,
        level=test.level,
        n_questions=test.n_questions,
        questions_needed=test.questions_needed,
        rungs=None if first is None or last is None else (first, last),
        reason=test.reason,
    )


def _label(finding: Finding) -> HypothesisLabel:
    return HypothesisLabel(finding.label or HypothesisLabel.NOT_SHOWN)


def _piece(text: str, finding: Finding | None) -> Piece:
    return Piece(visible(text, PROSE_LIMIT), finding)
