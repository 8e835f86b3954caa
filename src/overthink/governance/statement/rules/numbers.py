"""Rules for every number of a statement: interval, range, unit, counts, tests and source.

Rules for loops of tool calls: every checkpoint was planned, and only loops have checkpoints.
"""

from collections.abc import Mapping, Sequence

from overthink.data.kinds import GateLabel, ShapeLabel
from overthink.data.selectors import Selector, is_other
from overthink.governance.statement.curve_schema import Curve, Number, Point
from overthink.governance.statement.read import Breaches, by_id, close, numbers, own_points
from overthink.governance.statement.schema import Claim, Statement
from overthink.stats.gates import CONTROL_MIN, ERRORS_MAX, RISE_MIN, TRUNCATION_MAX, UNPARSED_MAX

RANGES = {"share": (0.0, 1.0), "difference of shares": (-1.0, 1.0), "tokens": (0.0, float("inf"))}
UNITS = {"level": "share", "tries": "share"}
MOST = {"truncation": TRUNCATION_MAX, "unparsed": UNPARSED_MAX, "errors": ERRORS_MAX}

WRONG_SIGNS: Mapping[str, int] = {ShapeLabel.UP: -1, ShapeLabel.SATURATING: -1, ShapeLabel.DOWN: 1}
"""Sign that the change from end to end cannot have, by verdict."""


def interval(statement: Statement) -> Breaches:
    """Every estimate has an interval of the stated level that contains it, or a reason why not."""
    for where, value in numbers(statement):
        yield from _interval(where, value, statement.level)
    for i, claim in enumerate(statement.claims):
        if claim.value.low is None and claim.value.estimate is not None and claim.strength != "undetermined":
            yield (
                f"claims.{i}.value",
                "the claim has no interval; needed: low, high and level, or strength undetermined",
            )


def _interval(where: str, value: Number, level: float) -> Breaches:
    if (value.low is None) != (value.high is None):
        yield where, "half an interval: needed both low and high, or neither with a reason"
    if value.low is None or value.high is None:
        if value.estimate is not None and value.reason is None:
            yield where, f"the estimate {value.estimate:g} has no interval and no reason for that"
        return
    if value.level is None:
        yield where, "the interval has no level"
    elif not close(value.level, level):
        yield where, f"the interval's level is {value.level:g}; the statement's is {level:g}"
    if value.low > value.high:
        yield where, f"the interval {value.low:g} to {value.high:g} is upside down"
    elif value.estimate is not None and not value.low - 1e-9 <= value.estimate <= value.high + 1e-9:
        yield where, f"the estimate {value.estimate:g} is outside its interval {value.low:g} to {value.high:g}"


def null_reason(statement: Statement) -> Breaches:
    """A null estimate has a reason."""
    for where, value in numbers(statement):
        if value.estimate is None and not (value.reason or "").strip():
            yield where, "the estimate is null and no reason is given"
        if value.estimate is None and (value.low is not None or value.high is not None):
            yield where, "the estimate is null, yet it has an interval"
    for i, curve in enumerate(statement.curves):
        for j, point in enumerate(curve.points):
            if point.limit_hit_rate is None and not (point.limit_hit_reason or "").strip():
                yield f"curves.{i}.points.{j}.limit_hit_rate", "null, and limit_hit_reason does not say why"


def value_range(statement: Statement) -> Breaches:
    """Shares lie in 0 to 1, differences of shares in -1 to 1; percentages are not shares."""
    for where, value in numbers(statement):
        gap = "/divergence/" in value.finding  # a difference of two differences
        uncut = gap or (value.unit != "share" and "/corrected_" in value.finding)  # estimators that leave the range
        low, high = (-2.0, 2.0) if uncut else RANGES[value.unit]
        for name in ("estimate",) if uncut else ("estimate", "low", "high"):
            number = getattr(value, name)
            if number is not None and not low - 1e-9 <= number <= high + 1e-9:
                hint = "; is it a percentage?" if value.unit != "tokens" and abs(number) <= 100 else ""
                yield f"{where}.{name}", f"{number:g} is no {value.unit}; needed: {low:g} to {high:g}{hint}"


def unit(statement: Statement) -> Breaches:
    """Levels are shares, changes are differences of shares, consumption is tokens."""
    for where, value in numbers(statement):
        field = where.rsplit(".", 1)[-1]
        if where.startswith("claims."):
            required_unit = UNITS.get(statement.claims[int(where.split(".")[1])].type, "difference of shares")
        elif where.startswith("arms_compared."):
            required_unit = "difference of shares"
        elif field.endswith("_tokens"):
            required_unit = "tokens"
        else:
            required_unit = "difference of shares" if field in ("change", "top_step") else "share"
        if value.unit != required_unit:
            yield f"{where}.unit", f"{value.unit!r}; needed: {required_unit!r}"


def simultaneous(statement: Statement) -> Breaches:
    """Only bands and gaps hold at all rungs at once; a pointwise interval does not become one by its label."""
    for where, value in numbers(statement):
        is_band = any(f"/{kind}/" in value.finding for kind in ("band", "divergence"))
        if value.simultaneous and not is_band:
            yield where, f"called simultaneous, but {value.finding} is a pointwise interval"
        if is_band and not value.simultaneous:
            yield where, f"called pointwise, but {value.finding} holds at all rungs at once"


def one_curve(statement: Statement) -> Breaches:
    """The numbers of a curve agree: a band is around its value, one try is one try, a step is between two rungs."""
    for i, curve in enumerate(statement.curves):
        for j, point in enumerate(curve.points):
            own = point.value.estimate
            if point.band is not None and not close(point.band.estimate, own):
                yield f"curves.{i}.points.{j}.band", f"around {point.band.estimate}; the value is {own}"
            for n, many in enumerate(point.tries):
                may_abstain = many.selector == Selector.MAJORITY or is_other(many.selector)
                single_try = many.value.estimate if many.k == 1 and not may_abstain else None
                if single_try is not None and not close(
                    single_try, own
                ):  # a rung without a verifier's score has no best try
                    yield f"curves.{i}.points.{j}.tries.{n}.value", f"one try gives {single_try}; the value is {own}"
        step = curve.plateau.top_step
        if step is None:
            if len(curve.points) > 1:
                yield f"curves.{i}.plateau.top_step", "missing, though there are two rungs to compare"
            continue
        ends = curve.points[-2:]
        estimates = [point.value.estimate for point in ends if point.value.estimate is not None]
        whole = len({point.n_questions for point in ends}) == 1 and not _unread(ends)
        if (
            len(estimates) == len(ends)
            and whole
            and not close(step.estimate, estimates[1] - estimates[0], relative=1e-3)
        ):
            yield (
                f"curves.{i}.plateau.top_step",
                f"{step.estimate}; the highest two rungs differ by {estimates[1] - estimates[0]:g}",
            )


def _unread(points: Sequence[Point]) -> bool:
    """Return whether an answer has no value, so that a paired difference may omit its question."""
    gates = [point.gates.get(name) for point in points for name in ("unparsed", "errors")]
    return any(gate is None or gate.estimate != 0 for gate in gates)


def counts(statement: Statement) -> Breaches:
    """Questions and draws equal the collected ones, and no more tries are counted than were drawn."""
    how, curves = statement.elicitation, by_id(statement)
    for i, curve in enumerate(statement.curves):
        where = f"curves.{i}"
        if how.limit is not None and curve.n_questions > how.limit:
            yield f"{where}.n_questions", f"{curve.n_questions}; the plan has at most {how.limit}"
        if curve.n_draws > how.draws:
            yield f"{where}.n_draws", f"{curve.n_draws}; the plan has {how.draws}"
        if curve.n_questions != max(point.n_questions for point in curve.points):
            yield f"{where}.n_questions", f"{curve.n_questions} is not the most that any rung has"
        if curve.n_draws != max(point.n_draws for point in curve.points):
            yield f"{where}.n_draws", f"{curve.n_draws} is not the most that any rung has"
        for j, point in enumerate(curve.points):
            if point.n_questions == 0 and point.value.estimate is not None:
                yield f"{where}.points.{j}.n_questions", "0 questions, yet there is an estimate"
            for n, many in enumerate(point.tries):
                if many.k > point.n_draws:
                    message = f"{many.k} tries were combined, but only {point.n_draws} were drawn"
                    yield f"{where}.points.{j}.tries.{n}.k", message
    for i, claim in enumerate(statement.claims):
        if claim.curve in curves:
            yield from _claim_counts(f"claims.{i}", claim, curves[claim.curve])


def _claim_counts(where: str, claim: Claim, curve: Curve) -> Breaches:
    places = own_points(claim, curve)
    if places is None:
        return
    questions = min(point.n_questions for point in places)
    draws = min(point.n_draws for point in places)
    more = claim.n_questions > questions and claim.type != "gap"
    if more or (claim.type == "level" and claim.n_questions != questions):
        yield f"{where}.n_questions", f"{claim.n_questions}; measured on {questions}"
    if claim.n_draws > draws or (claim.type == "level" and claim.n_draws != draws):
        yield f"{where}.n_draws", f"{claim.n_draws}; measured with {draws}"
    if claim.value.estimate is not None and (claim.n_questions == 0 or claim.n_draws == 0):
        yield where, "a number measured on no question, or no draw"


def tests(statement: Statement) -> Breaches:
    """A p-value comes with the one adjusted over its family, which is not smaller; verdicts survive it."""
    pairs = [(f"claims.{i}.test", claim.test) for i, claim in enumerate(statement.claims)]
    for i, curve in enumerate(statement.curves):
        pairs += [(f"curves.{i}.plateau.shapes.{j}.test", shape.test) for j, shape in enumerate(curve.plateau.shapes)]
    for where, test in pairs:
        if test is None or test.p is None:
            if test is not None and test.p_adjusted is not None:
                yield where, "an adjusted p-value without the p-value"
        elif test.p_adjusted is None:
            yield where, "p_adjusted is missing: one of several tests must be adjusted for the others"
        elif test.p_adjusted < test.p - 1e-12:
            yield where, f"p_adjusted {test.p_adjusted:g} is below p {test.p:g}"
    for i, claim in enumerate(statement.claims):
        if claim.type == "change" and claim.test is None and claim.value.low is not None:
            yield f"claims.{i}.test", "a change without the test that it must pass"


def verdicts(statement: Statement) -> Breaches:
    """A shape is claimed only where its test, adjusted over the curves, supports it."""
    alpha = 1 - statement.level
    for i, curve in enumerate(statement.curves):
        for j, shape in enumerate(curve.plateau.shapes):
            where = f"curves.{i}.plateau.shapes.{j}"
            p = None if shape.test is None else shape.test.p_adjusted
            if shape.verdict != ShapeLabel.UNDETERMINED and (p is None or p > alpha + 1e-12):
                evidence = "has no adjusted p-value" if p is None else f"has adjusted p {p:.3g} > {alpha:.3g}"
                yield where, f"verdict {shape.verdict!r} {evidence}; needed: undetermined"
            change = shape.change.estimate
            wrong = WRONG_SIGNS.get(shape.verdict, 0)
            if change is not None and wrong * change > 0:
                yield where, f"verdict {shape.verdict!r}, but the highest rung minus the lowest is {change:+.3g}"
            if shape.verdict == ShapeLabel.FLAT and change is not None and abs(change) >= curve.plateau.margin:
                yield where, f"verdict 'flat', but the ends differ by {change:+.3g}, more than the margin"
        plateau_shown = any(shape.verdict in (ShapeLabel.FLAT, ShapeLabel.SATURATING) for shape in curve.plateau.shapes)
        if curve.plateau.shown != plateau_shown:
            yield f"curves.{i}.plateau.shown", f"{curve.plateau.shown}; the verdicts say {plateau_shown}"
        plateau_tested = any(shape.test is not None and shape.test.p is not None for shape in curve.plateau.shapes)
        if curve.plateau.tested != plateau_tested:
            yield f"curves.{i}.plateau.tested", f"{curve.plateau.tested}; the tests say {plateau_tested}"


def gate_results(statement: Statement) -> Breaches:
    """A gate marked as passed did pass, and all applicable gates are present."""
    for i, curve in enumerate(statement.curves):
        for j, point in enumerate(curve.points):
            where = f"curves.{i}.points.{j}"
            missing = _gates_needed(curve) - point.gates.keys()
            if missing:
                yield f"{where}.gates", f"left out: {', '.join(sorted(missing))}"
            for name, gate in point.gates.items():
                if gate.estimate is not None and not 0 <= gate.estimate <= _most(curve, name):
                    yield f"{where}.gates.{name}", f"{gate.estimate:g} is no share"
                passes = _passes(curve, name, gate.estimate)
                if passes is not None and (gate.result == GateLabel.PASSED) != passes:
                    yield f"{where}.gates.{name}", f"{gate.result}, but its number is {gate.estimate:g}"
            yield from _limit_hit(where, point)


def _limit_hit(where: str, point: Point) -> Breaches:
    natural_end = point.gates.get("natural_end")
    if (
        natural_end is not None
        and natural_end.estimate is not None
        and not close(point.limit_hit_rate, 1 - natural_end.estimate)
    ):
        yield (
            f"{where}.limit_hit_rate",
            f"{point.limit_hit_rate}; the traces that ended by themselves leave it at {1 - natural_end.estimate:g}",
        )


def _gates_needed(curve: Curve) -> set[str]:
    names = {"unparsed", "errors"}
    names |= {"manipulation", "natural_end"} if curve.estimand == "forced" else set()
    names |= {"manipulation"} if curve.estimand == "effort" else set()
    return names | ({"truncation"} if curve.estimand != "truncated" else set())


def _most(curve: Curve, name: str) -> float:
    """Return the maximum of a gate's number: it is a share, except manipulation at effort levels, which is a ratio."""
    return float("inf") if name == "manipulation" and curve.estimand == "effort" else 1 + 1e-9


def _passes(curve: Curve, name: str, estimate: float | None) -> bool | None:
    if estimate is None:
        return None
    if name in MOST:
        return estimate <= MOST[name]
    if name == "manipulation":
        return estimate >= (RISE_MIN if curve.estimand == "effort" else CONTROL_MIN)
    return None


def checkpoints(statement: Statement) -> Breaches:
    """Checkpoints of turns or tokens are those of the loop that was run, and no other curve has any."""
    for i, curve in enumerate(statement.curves):
        for name in ("turns", "loop_tokens"):
            ladder = getattr(statement.elicitation, name) if curve.estimand == "checkpoint" else None
            counts = [getattr(point, name) for point in curve.points]
            known_counts = [count for count in counts if count is not None]
            off = set(known_counts) - set(ladder or ()) or (ladder is not None and None in counts)
            if off or known_counts != sorted(set(known_counts)):
                yield f"curves.{i}.points", f"{name} {', '.join(map(str, counts))} are not on the ladder {ladder}"
