"""Verdicts on a hypothesis with directions, as pieces of text that belong to findings."""

from collections.abc import Mapping
from typing import NamedTuple

from overthink.data.finding import Finding
from overthink.data.hypothesis import Part, hypothesis_text
from overthink.data.results.curve import HypothesisResult
from overthink.data.shape_text import PartResult, part_texts, untested_text, whole_text
from overthink.data.verdict_labels import HypothesisLabel
from overthink.data.visible import PROSE_LIMIT, visible


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
