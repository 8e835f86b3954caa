"""Verdicts on a hypothesis with directions, as pieces of text that belong to findings."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from overthink.analysis.hypotheses import ALL_PARTS
from overthink.data.finding import Finding
from overthink.data.hypothesis import Part, regimes_and_parts
from overthink.data.hypothesis_text import STATED_AFTERWARDS, PartResult, part_texts, untested_text, whole_text
from overthink.data.kinds import HypothesisLabel, Metric
from overthink.reports.wording import PROSE_LIMIT, visible


class Piece(NamedTuple):
    """Piece of a text, and the finding whose verdict it prints."""

    text: str
    finding: Finding | None


def hypothesis_pieces(findings: Sequence[Finding], levels: Mapping[int, str]) -> list[Piece]:
    """Return the verdicts on a hypothesis as pieces of a text; joined by spaces they are its sentences.

    Args:
        findings: Findings of kind ``hypothesis`` of one curve; empty without a hypothesis.
        levels: Requested level of each rung, as text.
    """
    whole = next((finding for finding in findings if finding.metric == Metric.WHOLE), None)
    if whole is None or whole.claim is None:
        return []
    is_registered = STATED_AFTERWARDS not in whole.limits
    tests = [finding for finding in findings if finding.metric == Metric.PART]
    if not tests:
        return [_piece(untested_text(whole.claim, whole.reason, is_registered=is_registered), whole)]
    _, parts = regimes_and_parts(whole.claim)
    results = [part_result(test, part, levels) for test, part in zip(tests, parts or (), strict=True)]
    texts = part_texts(results, is_registered=is_registered)
    if len(results) == 1:
        return [_piece(texts[0], tests[0])]
    return [
        _piece(texts[0], None),
        *(_piece(text, test) for text, test in zip(texts[1:], tests, strict=True)),
        _piece(whole_text(_label(whole), None if whole.reason == ALL_PARTS else whole.reason), whole),
    ]


def hypothesis_line(findings: Sequence[Finding], levels: Mapping[int, str]) -> str:
    """Return the verdicts on a hypothesis as one line; empty without a hypothesis. Arguments as for the pieces."""
    return " ".join(piece.text for piece in hypothesis_pieces(findings, levels))


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
