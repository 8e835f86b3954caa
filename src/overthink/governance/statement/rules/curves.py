"""Rules for the facts of one curve: its numbers agree, and its verdicts follow from them."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

from overthink.analysis.shapes import NOT_FLAT
from overthink.data.kinds import Metric
from overthink.data.selectors import Selector, is_other
from overthink.data.verdict_labels import ShapeLabel
from overthink.governance.statement.curve_schema import Basis, Curve, Gap, Number, Point, Shape, TurnSize
from overthink.governance.statement.generate import gate_result
from overthink.governance.statement.read import Breaches, by_id, close, level_of
from overthink.governance.statement.schema import Statement

WRONG_SIGNS: Mapping[str, int] = {ShapeLabel.UP: -1, ShapeLabel.SATURATING: -1, ShapeLabel.DOWN: 1}
"""Sign that the change from end to end cannot have, by verdict."""


def one_curve(statement: Statement) -> Breaches:
    """The numbers of a curve agree: a band is around its value, one try is one try, a change is between its levels."""
    for i, curve in enumerate(statement.curves):
        for j, point in enumerate(curve.points):
            own = point.value.estimate
            if point.band is not None and not close(point.band.estimate, own) and is_even(statement, [point]):
                yield f"curves.{i}.points.{j}.band", f"around {point.band.estimate}; the value is {own}"
            for n, many in enumerate(point.tries):
                may_abstain = many.selector == Selector.MAJORITY or is_other(many.selector)
                comparable = many.k == 1 and not may_abstain and statement.elicitation.until is None
                single = many.value.estimate if comparable else None
                if single is not None and not close(single, own):  # a rung without a score has no best try
                    yield f"curves.{i}.points.{j}.tries.{n}.value", f"one try gives {single}; the value is {own}"
        yield from _changes(statement, i, curve)


def _changes(statement: Statement, i: int, curve: Curve) -> Breaches:
    """The changes of a curve are those of its levels, where all rest on the same questions."""
    if len(curve.points) < 2:
        return
    whole = [
        (f"plateau.shapes.{n}.change", s.change) for n, s in enumerate(curve.plateau.shapes) if _is_plain(s.metric)
    ]
    if curve.change is not None:
        whole.append(("change.value", curve.change.value))
    steps = [] if curve.plateau.top_step is None else [("plateau.top_step", curve.plateau.top_step)]
    for ends, changes in ((curve.points[-2:], steps), ([curve.points[0], curve.points[-1]], whole)):
        yield from _differences(f"curves.{i}", ends, changes, is_even=is_even(statement, ends))


def _is_plain(metric: str) -> bool:
    return metric == Metric.MAX_T


def _differences(where: str, ends: Sequence[Point], changes: list[tuple[str, Number]], *, is_even: bool) -> Breaches:
    low, high = (point.value.estimate for point in ends)
    if low is None or high is None or not is_even or len({point.n_questions for point in ends}) > 1:
        return
    for name, change in changes:
        if change.estimate is not None and not close(change.estimate, high - low):
            yield f"{where}.{name}.estimate", f"{change.estimate}; the levels at its ends differ by {high - low:g}"


def is_even(statement: Statement, points: Sequence[Point]) -> bool:
    """Return whether each question weighs the same everywhere: every answer was read, and draws were not adaptive."""
    gates = [point.gates.get(name) for point in points for name in ("unparsed", "errors")]
    return statement.elicitation.until is None and all(gate is not None and gate.estimate == 0 for gate in gates)


def counts(statement: Statement) -> Breaches:
    """Questions and draws are no more than were planned, and no more tries are counted than were drawn."""
    how = statement.elicitation
    most = max(how.draws or 0, how.max_draws or 0)
    if (how.until is None) != (how.max_draws is None):
        yield "elicitation.max_draws", "a most number of draws belongs to a precision target, and only to that"
    for i, curve in enumerate(statement.curves):
        where = f"curves.{i}"
        for j, point in enumerate(curve.points):
            if how.limit is not None and point.n_questions > how.limit:
                yield f"{where}.points.{j}.n_questions", f"{point.n_questions}; the plan has at most {how.limit}"
            if how.draws is not None and point.n_draws > most:
                yield f"{where}.points.{j}.n_draws", f"{point.n_draws}; the plan has {most}"
            if point.n_questions == 0 and point.value.estimate is not None:
                yield f"{where}.points.{j}.n_questions", "0 questions, yet there is an estimate"
            for n, many in enumerate(point.tries):
                if many.k > point.n_draws:
                    message = f"{many.k} tries were combined, but only {point.n_draws} were drawn"
                    yield f"{where}.points.{j}.tries.{n}.k", message
        yield from _basis_counts(where, curve)


def _based(curve: Curve) -> Iterator[tuple[str, Basis, Sequence[Point]]]:
    """Yield what every claim on a curve rests on, but for its gaps, with its path and the rungs that it is of."""
    top, both = curve.points[-1:], (curve.points[0], curve.points[-1])
    yield "level", curve.level, top
    for n, many in enumerate(top[0].tries):
        if many.basis is not None:
            yield f"points.{len(curve.points) - 1}.tries.{n}.basis", many.basis, top
    for n, shape in enumerate(curve.plateau.shapes):
        yield f"plateau.shapes.{n}", shape, curve.points
    if curve.corrected_level is not None:
        yield "corrected_level", curve.corrected_level, top
    for name, change in (("change", curve.change), ("corrected_change", curve.corrected_change)):
        if change is not None:
            yield name, change, both


def _basis_counts(where: str, curve: Curve) -> Breaches:
    """What a claim rests on is no more than its rungs have; a level rests on exactly what its rung has."""
    for name, basis, points in _based(curve):
        for field in ("n_questions", "n_draws"):
            count, most = getattr(basis, field), min(getattr(point, field) for point in points)
            if count != most if name == "level" else count > most:
                yield f"{where}.{name}.{field}", f"{count}; measured with {most}"
    for name, basis in (*((name, basis) for name, basis, _ in _based(curve)), *_gap_bases(curve)):
        number = getattr(basis, "value", None)
        if number is not None and number.estimate is not None and 0 in (basis.n_questions, basis.n_draws):
            yield f"{where}.{name}", "a number measured on no question, or no draw"


def _gap_bases(curve: Curve) -> Iterator[tuple[str, Gap]]:
    yield from ((f"gaps.{n}", gap) for n, gap in enumerate(curve.gaps))


def gaps_measured(statement: Statement) -> Breaches:
    """A gap is of a safety curve against a capability curve, and is the difference of their changes."""
    curves = by_id(statement)
    for i, curve in enumerate(statement.curves):
        for n, gap in enumerate(curve.gaps):
            where, against = f"curves.{i}.gaps.{n}", curves.get(gap.against)
            if against is None or (against.axis, curve.axis) != ("capability", "safety"):
                yield f"{where}.against", "a gap is of a safety curve against a capability curve of the statement"
                continue
            ends = [against.points[0], against.points[-1], curve.points[0], curve.points[-1]]
            levels = [point.value.estimate for point in ends]
            if {point.n_questions for point in ends} != {gap.n_questions} or not is_even(statement, ends):
                continue
            own = None if None in levels else (levels[1] or 0) - (levels[0] or 0) - (levels[3] or 0) + (levels[2] or 0)
            if own is not None and not close(gap.value.estimate, own):
                yield f"{where}.value.estimate", f"{gap.value.estimate}; the levels at its ends make it {own:.4f}"


def verdicts(statement: Statement) -> Breaches:
    """A shape is claimed only where its test, adjusted over the curves, and its number support it."""
    alpha = 1 - level_of(statement)
    for i, curve in enumerate(statement.curves):
        for j, shape in enumerate(curve.plateau.shapes):
            where = f"curves.{i}.plateau.shapes.{j}"
            p = None if shape.test is None else shape.test.p_adjusted
            if shape.verdict != ShapeLabel.UNDETERMINED and (p is None or p > alpha + 1e-12):
                evidence = "has no adjusted p-value" if p is None else f"has adjusted p {p:.3g} > {alpha:.3g}"
                yield where, f"verdict {shape.verdict!r} {evidence}; needed: undetermined"
            elif (
                shape.verdict == ShapeLabel.UNDETERMINED
                and p is not None
                and p <= alpha
                and not shape.gates_failed
                and not NOT_FLAT.matches(shape.change.reason or "")
            ):
                yield where, f"undetermined, and its adjusted p is {p:.3g}"
            change = shape.change.estimate
            if change is not None and WRONG_SIGNS.get(shape.verdict, 0) * change > 0:
                yield where, f"verdict {shape.verdict!r}, but the highest rung minus the lowest is {change:+.3g}"
            by_regimes = shape.metric in (Metric.REGIMES, Metric.CORRECTED_REGIMES)  # means that stand nowhere
            if (
                shape.verdict == ShapeLabel.FLAT
                and not by_regimes
                and (apart := _apart(curve, shape)) >= curve.plateau.margin
            ):
                yield where, f"verdict 'flat', but levels may differ by {apart:.3g}, more than the margin"


_SURE = 0.7
"""Part of the half of a two-sided interval that an equivalence test of the same level needs: 0.84 for large samples."""


def _apart(curve: Curve, shape: Shape) -> float:
    """Return how far apart levels of a curve are at least, given the interval of its change."""
    levels = [p.value.estimate for p in curve.points if p.value.estimate is not None] if shape.metric == "max_t" else []
    whole = curve.change.value if curve.change is not None and shape.metric == "max_t" else shape.change
    change, low, high = whole.estimate, whole.low, whole.high
    apart = max(levels) - min(levels) if levels else abs(change or 0.0)
    if change is None or low is None or high is None:
        return apart
    return max(apart, change + _SURE * (high - change), -(change + _SURE * (low - change)))


def changes_tested(statement: Statement) -> Breaches:
    """The test of a change agrees with its interval, where there are questions enough for both."""
    alpha = 1 - level_of(statement)
    for i, curve in enumerate(statement.curves):
        change = curve.change
        if change is None or change.test is None or change.n_questions < _ENOUGH:
            continue
        low, high, estimate, p = change.value.low, change.value.high, change.value.estimate, change.test.p
        if low is None or high is None or estimate is None or p is None:
            continue
        is_clear = min(abs(low), abs(high)) > (high - low) / 4 and not low <= 0 <= high
        if (is_clear and p > alpha) or (low < 0 < high and p < alpha / 50):
            yield f"curves.{i}.change.test", f"p = {p:.3g}, and the interval is {low:+.3g} to {high:+.3g}"


_ENOUGH = 20
"""Questions from which an interval and a test agree."""


def turns(statement: Statement) -> Breaches:
    """The largest rise and fall are between two rungs of the curve, in that order, and not below 0."""
    for i, curve in enumerate(statement.curves):
        rungs = [point.rung for point in curve.points]
        for name in ("rise", "drawdown"):
            turn = getattr(curve.plateau, name)
            if turn is None:
                continue
            where = f"curves.{i}.plateau.{name}"
            if turn.from_rung not in rungs or turn.rung not in rungs or turn.from_rung > turn.rung:
                yield where, f"from rung {turn.from_rung} to {turn.rung}, which the curve does not have in that order"
            yield from _largest(statement, where, curve, turn, 1 if name == "rise" else -1)
            for end in ("estimate", "low", "high"):
                if (getattr(turn.size, end) or 0.0) < -1e-9:
                    yield f"{where}.size.{end}", f"{getattr(turn.size, end):g}; a size is not below 0"


def _largest(statement: Statement, where: str, curve: Curve, turn: TurnSize, sign: int) -> Breaches:
    """The largest rise or fall is that of the levels, where all rest on the same questions."""
    levels = [point.value.estimate for point in curve.points if point.value.estimate is not None]
    counts = {point.n_questions for point in curve.points} | {shape.n_questions for shape in curve.plateau.shapes}
    if len(levels) < len(curve.points) or len(counts) > 1 or not is_even(statement, curve.points):
        return
    own = max([0.0, *(sign * (b - a) for a, b in combinations(levels, 2))])
    if not close(turn.size.estimate, own):
        yield f"{where}.size.estimate", f"{turn.size.estimate}; the levels make it {own:.4f}"


def gate_names(statement: Statement) -> Breaches:
    """All gates that apply are there and no other, and each has a possible number."""
    for i, curve in enumerate(statement.curves):
        for j, point in enumerate(curve.points):
            where, needed = f"curves.{i}.points.{j}.gates", gates_needed(curve)
            missing, more = needed - point.gates.keys(), point.gates.keys() - needed - {Metric.COMPARABILITY}
            if missing or more:
                yield where, f"left out: {', '.join(sorted(missing)) or 'none'}; not of this curve: {len(more)}"
            for name, gate in point.gates.items():
                is_ratio = name == Metric.MANIPULATION and curve.estimand == "effort"
                most = float("inf") if is_ratio or name == Metric.COMPARABILITY else 1 + 1e-9
                if gate.estimate is not None and not 0 <= gate.estimate <= most:
                    yield f"{where}.{name}", f"{gate.estimate:g} is no share"


def gates_needed(curve: Curve) -> set[str]:
    """Return the gates of every rung of a curve. Runs are compared, too, where no plan made them all."""
    names = {"unparsed", "errors"}
    names |= {"manipulation", "natural_end"} if curve.estimand in ("forced", "truncated") else set()
    names |= {"manipulation"} if curve.estimand == "effort" else set()
    return names | ({"truncation"} if curve.estimand != "truncated" else set())


def failed_gates(statement: Statement) -> Breaches:
    """A gate that failed is named in everything that was measured where it failed, and no other gate is."""
    curves = by_id(statement)
    for i, curve in enumerate(statement.curves):
        for name, basis, points in _based(curve):
            yield from _gates_of(f"curves.{i}.{name}", basis.gates_failed, _failures(curve, points))
        for n, gap in enumerate(curve.gaps):
            other = curves.get(gap.against)
            ends = [] if other is None else [other.points[0], other.points[-1]]
            names = _failures(curve, (curve.points[0], curve.points[-1])) | (
                set() if other is None else _failures(other, ends)
            )
            yield from _gates_of(f"curves.{i}.gaps.{n}", gap.gates_failed, names)


def _failures(curve: Curve, points: Sequence[Point]) -> set[str]:
    return failures_at(curve, points) | ({"judge_drift"} if curve.judge.drift_gate == "failed" else set())


def failures_at(curve: Curve, points: Sequence[Point]) -> set[str]:
    """Return the gates that failed at some of the rungs of a curve."""
    gates = ((name, gate) for point in points for name, gate in point.gates.items())
    return {name for name, gate in gates if gate_result(curve.estimand, name, gate) == "failed"}


def _gates_of(where: str, named: Sequence[str], failed: set[str]) -> Breaches:
    missing, more = failed - set(named) - {"judge_drift"}, set(named) - failed
    if missing:
        yield f"{where}.gates_failed", f"left out: {', '.join(sorted(missing))}"
    if more:
        yield f"{where}.gates_failed", f"{len(more)} that did not fail there"
