"""Rules for hypotheses with directions: the whole follows from its parts, and a verdict from its p-value."""

from collections.abc import Iterator

from overthink.data.hypothesis import Part, hypothesis_text, regimes_and_parts
from overthink.data.verdict_labels import HypothesisLabel
from overthink.governance.statement.curve_schema import Curve, Hypothesis, HypothesisPart, Test
from overthink.governance.statement.read import Breaches, close, level_of
from overthink.governance.statement.schema import Statement

_OF_PARTS = frozenset(HypothesisLabel) - {HypothesisLabel.CONFIRMED}
_CLAIMS = (HypothesisLabel.SHOWN, HypothesisLabel.CONFIRMED, HypothesisLabel.CONTRADICTED)


def hypotheses(statement: Statement) -> Breaches:
    """A hypothesis is the planned one if registered; its verdicts follow from its parts, p-values and points."""
    planned = statement.elicitation.hypothesis
    for i, curve in enumerate(statement.curves):
        where, hypothesis = f"curves.{i}.hypothesis", curve.hypothesis
        if hypothesis is None:
            if isinstance(planned, str) and len(curve.points) > 1:
                yield where, f"missing; the plan has the hypothesis {planned}"
            continue
        try:
            _, parts = regimes_and_parts(hypothesis.claim)
        except ValueError as failure:
            yield f"{where}.claim", str(failure)
            continue
        if parts is None or hypothesis_text(parts) != hypothesis.claim:
            yield f"{where}.claim", f"{hypothesis.claim!r} has no directions, or another spelling"
            continue
        if hypothesis.registered and hypothesis.claim != planned:
            yield f"{where}.registered", f"{hypothesis.claim!r} is not the hypothesis of the plan, {planned!r}"
        yield from _whole(where, hypothesis, alpha=1 - level_of(statement))
        if hypothesis.parts:
            yield from _parts(where, curve, hypothesis, parts, alpha=1 - level_of(statement))


def _whole(where: str, hypothesis: Hypothesis, *, alpha: float) -> Breaches:
    labels = [part.verdict for part in hypothesis.parts]
    if not labels:
        if hypothesis.verdict != HypothesisLabel.NOT_SHOWN or hypothesis.reason is None:
            yield f"{where}.verdict", f"{hypothesis.verdict!r} without parts; needed: not_shown, with a reason"
        return
    is_claimed = hypothesis.verdict in _CLAIMS
    if is_claimed and not _is_shown(hypothesis.test, alpha):
        yield f"{where}.verdict", f"{hypothesis.verdict!r} without an adjusted p of at most {alpha:.3g}"
    follows = {
        HypothesisLabel.CONFIRMED: all(label == HypothesisLabel.SHOWN for label in labels),
        HypothesisLabel.CONTRADICTED: HypothesisLabel.CONTRADICTED in labels,
        HypothesisLabel.HAD_ENDED: HypothesisLabel.HAD_ENDED in labels,
        HypothesisLabel.NOT_SHOWN: True,
    }
    if not follows.get(HypothesisLabel(hypothesis.verdict), False):
        yield f"{where}.verdict", f"{hypothesis.verdict!r} does not follow from its parts: {', '.join(labels)}"
    if hypothesis.verdict != HypothesisLabel.CONTRADICTED and HypothesisLabel.CONTRADICTED in labels:
        yield f"{where}.verdict", f"{hypothesis.verdict!r}; a part is contradicted"


def _parts(
    where: str, curve: Curve, hypothesis: Hypothesis, parts: tuple[Part, ...], *, alpha: float
) -> Iterator[tuple[str, str]]:
    claims = [part.claim for part in hypothesis.parts]
    if claims != [str(part) for part in parts]:
        yield f"{where}.parts", f"{', '.join(claims)}; the claim has {hypothesis.claim}"
    points = {point.rung: point for point in curve.points}
    for n, part in enumerate(hypothesis.parts):
        here = f"{where}.parts.{n}"
        if part.verdict not in _OF_PARTS:
            yield f"{here}.verdict", f"{part.verdict!r} is no verdict on a part"
        if part.verdict in _CLAIMS and not _is_shown(part.test, alpha):
            yield f"{here}.verdict", f"{part.verdict!r} without an adjusted p of at most {alpha:.3g}"
        start = hypothesis.parts[n - 1].rung if n else part.from_rung
        if part.from_rung not in points or part.rung not in points or part.from_rung >= part.rung:
            yield f"{here}.rung", f"rungs {part.from_rung} to {part.rung} are none of the curve"
        elif part.from_rung != start:
            yield f"{here}.from_rung", f"{part.from_rung}; the part before ends at {start}"
        else:
            yield from _change(here, curve, part)


def _change(where: str, curve: Curve, part: HypothesisPart) -> Breaches:
    """The change of a part is that of its points, where all rest on the same questions."""
    first, last = (next(p for p in curve.points if p.rung == rung) for rung in (part.from_rung, part.rung))
    sizes = {first.n_questions, last.n_questions, part.n_questions}
    values = (first.value.estimate, last.value.estimate)
    is_corrected = any(point.corrected is not None for point in curve.points)
    if is_corrected or len(sizes) > 1 or None in (*values, part.change.estimate):
        return
    change = (values[1] or 0.0) - (values[0] or 0.0)
    if not close(part.change.estimate, change):
        yield f"{where}.change.estimate", f"{part.change.estimate}; its points differ by {change:.4f}"


def _is_shown(test: Test | None, alpha: float) -> bool:
    return test is not None and test.p_adjusted is not None and test.p_adjusted <= alpha + 1e-9
