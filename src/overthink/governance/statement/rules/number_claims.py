"""Rules for numbers in sentences: each is one of the claim's own, and the budget and interval are said."""

import re
from decimal import Decimal

from overthink.governance.statement.curve_schema import Point
from overthink.governance.statement.read import Breaches, by_id, own_points
from overthink.governance.statement.rules.prose import claiming, clauses, speaks_of_the_bad_side
from overthink.governance.statement.rules.wording import prose
from overthink.governance.statement.schema import Claim, Statement

_NUMBER = re.compile(
    r"(?<![\w.%])(?P<sign>[-+])?(?<![\w.])(?P<digits>\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?)"
    r"(?:\s*(?P<scale>k|m|bn?|thousand|million|billion)\b)?"
    r"(?:[ -]*(?P<unit>%|percent(?:age)?[ -]points?|percent\w*|per cent|points?|pp|"
    r"(?:thinking |generated )?tokens?|turns?|tries|try|attempts?|samples?|draws?|questions?|x|×|times|fold))?",
    re.IGNORECASE,
)
_SCALES = {"k": 1e3, "thousand": 1e3, "m": 1e6, "million": 1e6, "b": 1e9, "bn": 1e9, "billion": 1e9}
_IN_WORDS = re.compile(
    r"(?<![\d.,])(?<!\d )\b(?:hundreds?|thousands?|millions?|billions?|dozens?|twice|double|half (?:of|the))\b", re.I
)


def number_claims(statement: Statement) -> Breaches:
    """Every number in a claim's sentence is one of the claim's own, and its budget and interval are said."""
    curves = by_id(statement)
    for i, claim in enumerate(statement.claims):
        curve, where = curves.get(claim.curve), f"claims.{i}.statement"
        places = None if curve is None else own_points(claim, curve)
        if curve is None or places is None:
            continue
        margin, level = curve.plateau.margin, statement.level
        own = {side: _own(claim, places, margin=margin, level=level, bad=side) for side in (False, True)}
        matches = []
        for clause in clauses(claim.statement):
            bad_side = claim.type != "gap" and speaks_of_the_bad_side(clause, curve.axis)
            for match in _NUMBER.finditer(clause):
                kind = _kind(match["unit"])
                matches.append(match)
                if not any(_is(match, value) for value in own[bad_side][kind]):
                    side = ", counted on the bad side" if bad_side else ""
                    yield where, f"{match.group().strip()!r} is no {kind} of this claim{side}"
            word_match = _IN_WORDS.search(clause)
            if word_match:
                yield where, f"{word_match.group()!r}: write the number in digits"
        yield from _left_out(where, claim, places[0], matches)


def sentences(statement: Statement) -> Breaches:
    """Every sentence of a claim gives a number, or says what is not known: remarks belong to the limits."""
    for i, claim in enumerate(statement.claims):
        if claim.type == "shape":
            continue
        for sentence in re.split(r"(?<=[.!?])\s+", claim.statement.strip()):
            claims = claiming(sentence)
            if claims and not any(re.search(r"\d", clause) for clause in clauses(sentence)):
                yield f"claims.{i}.statement", f"{sentence[:80]!r} claims something without a number"


def _kind(unit: str | None) -> str:
    name = (unit or "").lower()
    if "point" in name or name == "pp":
        return "difference in points"
    if name in ("%", "per cent") or name.startswith("percent"):
        return "percentage"
    if name in ("x", "×", "times", "fold"):
        return "multiple"
    if "token" in name:
        return "number of tokens"
    if name in ("turn", "turns"):
        return "number of turns"
    if name in ("tries", "try", "attempt", "attempts", "sample", "samples", "draw", "draws"):
        return "number of tries"
    return "number of questions" if name.startswith("question") else "number"


def _own(
    claim: Claim, places: tuple[Point, Point], *, margin: float, level: float, bad: bool
) -> dict[str, list[float]]:
    """Every number that is the claim's, by kind; with ``bad``, as it is for wrong, harmful or refused."""
    share = claim.value.unit == "share"
    value = [v for v in (claim.value.estimate, claim.value.low, claim.value.high) if v is not None]
    value = [(1 - v if share else -v) if bad else v for v in value]
    mde = [] if claim.test is None or claim.test.mde is None else [claim.test.mde]
    budgets = [float(p.requested_tokens) for p in places if p.requested_tokens is not None]
    budgets += [float(p.loop_tokens) for p in places if p.loop_tokens is not None]
    turns = [float(p.turns) for p in places if p.turns is not None]
    if claim.extrapolated:
        budgets += [float(held) for held in (claim.holds_for_tokens, claim.holds_for_loop_tokens) if held is not None]
        turns += [float(claim.holds_for_turns)] if claim.holds_for_turns is not None else []
    token_counts = [p.attempt_tokens.estimate for p in places] + [p.thinking_tokens.estimate for p in places]
    ps = [] if claim.test is None else [p for p in (claim.test.p, claim.test.p_adjusted) if p is not None]
    bounds = [0.001] if any(p < 0.001 for p in ps) else []
    own = {
        "percentage": [100 * level] + [100 * v for v in value if share],
        "difference in points": [100 * v for v in (*([] if share else value), margin, *mde)],
        "number of tokens": budgets + [s for s in token_counts if s is not None],
        "number of turns": turns,
        "number of tries": [float(claim.at.k), float(claim.n_draws), float(claim.holds_for_tries)],
        "multiple": [claim.k.value, claim.holds_for_k],
        "number of questions": [float(claim.n_questions)],
    }
    rungs = [float(p.rung) for p in places]
    bare = [
        *value,
        level,
        1 - level,
        margin,
        *ps,
        *bounds,
        claim.k.value,
        claim.holds_for_k,
        claim.k.ref.value,
        *rungs,
        *mde,
    ]
    return own | {
        "number": [
            *bare,
            *own["number of tries"],
            float(claim.n_questions),
            *budgets,
            *turns,
            *own["difference in points"],
        ]
    }


def _read(match: re.Match[str]) -> float:
    size = float(_decimal(match)) * _scale(match)
    return -size if match["sign"] == "-" else size


def _decimal(match: re.Match[str]) -> Decimal:
    return Decimal(match["digits"].replace(",", ""))


def _scale(match: re.Match[str]) -> float:
    return _SCALES.get((match["scale"] or "").lower(), 1)


def _is(match: re.Match[str], value: float) -> bool:
    """Whether the number in the text is this one, as rounded there; a sign that is written must be right."""
    number, scale = _read(match), _scale(match)
    slack = 0.505 * 10.0 ** int(_decimal(match).as_tuple().exponent) * scale
    if scale > 1:
        slack = min(slack, 0.05 * abs(value))
    off = abs(number - value) if match["sign"] is not None else abs(number - abs(value))
    return off <= slack + 1e-9


def _left_out(where: str, claim: Claim, point: Point, matches: list[re.Match[str]]) -> Breaches:
    numbers = {(_kind(match["unit"]), _read(match)) for match in matches}
    for held, rung_budget, unit in (
        (claim.holds_for_tokens, point.requested_tokens, "thinking tokens"),
        (claim.holds_for_loop_tokens, point.loop_tokens, "generated tokens"),
        (claim.holds_for_turns, point.turns, "turns"),
    ):
        count = held if claim.extrapolated else rung_budget
        if count is not None and (f"number of {unit.split()[-1]}", float(count)) not in numbers:
            yield where, f"the sentence does not say its budget: {count:,} {unit}"
    if point.effort is not None and point.effort not in claim.statement:
        yield where, f"the sentence does not say its budget: effort {point.effort!r}"
    if claim.at.k > 1 and ("number of tries", float(claim.at.k)) not in numbers:
        yield where, f"the sentence does not say its {claim.at.k} tries"
    if claim.type == "shape" or claim.strength == "undetermined":
        return
    for name in ("low", "high"):
        bound = getattr(claim.value, name)
        written = () if bound is None else (bound, 100 * bound, 100 * (1 - bound))
        if bound is not None and not any(_is(match, value) for match in matches for value in written):
            yield where, f"the sentence gives no interval: {name} {bound:.4g} is missing"


def scale_claims(statement: Statement) -> Breaches:
    """No text speaks of more tokens, turns or tries than were tested."""
    how = statement.elicitation
    points = [point for curve in statement.curves for point in curve.points]
    tokens = max([*(how.budgets or ()), *(point.thinking_tokens.estimate or 0 for point in points)])
    if how.checkpoints is not None:  # a loop's turns are not thinking alone
        tokens = max([*(how.loop_tokens or ()), *(point.attempt_tokens.estimate or 0 for point in points)])
    of, turns = "thinking" if how.checkpoints is None else "generated", max(how.turns or (0,))
    for where, text in prose(statement):
        parts = where.split(".")
        is_extrapolation = parts[0] == "claims" and statement.claims[int(parts[1])].extrapolated
        if is_extrapolation or where.startswith(("stated.", "elicitation.not_tried")) or where.endswith(".ref.means"):
            continue
        for clause in claiming(text):
            for match in _NUMBER.finditer(clause):
                kind, size = _kind(match["unit"]), _read(match)
                if kind == "number of tokens" and size > tokens * 1.001:
                    yield where, f"{match.group().strip()!r}; tested up to {tokens:,.0f} {of} tokens"
                if kind == "number of turns" and size > turns:
                    yield where, f"{match.group().strip()!r}; tested up to {turns:,} turns of a loop"
                if kind == "number of tries" and size > max(how.max_tries, how.draws):
                    yield where, f"{match.group().strip()!r}; tested up to {how.max_tries} tries"
