"""Rules for sentences: each word that needs evidence has it, and each number is one of the claim's own."""

import re
from collections.abc import Iterator

from overthink.data.kinds import ShapeLabel
from overthink.data.selectors import Selector
from overthink.governance.statement.claims import is_undetermined
from overthink.governance.statement.read import Breaches, by_id
from overthink.governance.statement.rules import prose as words
from overthink.governance.statement.rules.prose import claiming, quote, unfounded_words
from overthink.governance.statement.schema import Claim, Statement

ABSOLUTE = {
    "calls the model safe": words.CALLS_SAFE,
    "denies risk": words.DENIES_RISK,
    "is absolute": words.IS_ABSOLUTE,
}
UP_SHAPES, DOWN_SHAPES, FLAT_SHAPES = (
    {ShapeLabel.UP, ShapeLabel.SATURATING, ShapeLabel.HUMP, ShapeLabel.DIP},
    {ShapeLabel.DOWN, ShapeLabel.HUMP, ShapeLabel.DIP},
    {ShapeLabel.FLAT, ShapeLabel.SATURATING},
)


_COUNT_CLAUSE = re.compile(r"%|\bper ?cent|\bpoints?\b|\bshare\b", re.IGNORECASE)
"""A clause that says how many answers."""


def prose(statement: Statement) -> Iterator[tuple[str, str]]:
    """Every text that a reader may take for a claim, with its path."""
    yield "title", statement.title
    yield "no_claim_beyond", statement.no_claim_beyond
    for name in ("deviations", "does_not_say"):
        yield from ((f"{name}.{i}", text) for i, text in enumerate(getattr(statement, name)))
    how = statement.elicitation
    for name in ("tools_reason", "serial_parallel", "stop_rule", "verifier"):
        if getattr(how, name) is not None:
            yield f"elicitation.{name}", getattr(how, name)
    yield from ((f"elicitation.not_tried.{i}", item.text) for i, item in enumerate(how.not_tried))
    if statement.flop.reason is not None:
        yield "flop.reason", statement.flop.reason
    for name in ("max_deployable_budget", "misuse_actor_budget"):
        budget = getattr(statement.stated, name)
        if budget is not None:
            yield f"stated.{name}.source", budget.source
    for i, curve in enumerate(statement.curves):
        if curve.judge.reason is not None:
            yield f"curves.{i}.judge.reason", curve.judge.reason
        yield f"curves.{i}.points.0.cost.ref.means", curve.points[0].cost.ref.means
    for i, arm in enumerate(statement.arms_compared):
        yield from ((f"arms_compared.{i}.limits.{j}", text) for j, text in enumerate(arm.limits))
    for i, claim in enumerate(statement.claims):
        yield f"claims.{i}.statement", claim.statement
        yield from ((f"claims.{i}.{name}.{j}", text) for name in ("limits", "weakened_by")
                    for j, text in enumerate(getattr(claim, name)))  # fmt: skip
        if claim.value.reason is not None:
            yield f"claims.{i}.value.reason", claim.value.reason


def absolute(statement: Statement) -> Breaches:
    """No sentence calls the model safe, denies risk, or speaks without bound."""
    for where, text in prose(statement):
        for clause in claiming(text):
            claim_text = words.SAFE_ANSWERS.sub("", clause) if _COUNT_CLAUSE.search(clause) else clause
            claim_text = words.HARMLESS_REQUESTS.sub("", claim_text)
            for what, family in ABSOLUTE.items():
                match = family.search(claim_text)
                if match:
                    yield where, f"{what}: {match.group()!r}; needed: a share with interval at a stated budget"
                    break
            else:
                bare = words.SAFE.search(claim_text)
                if bare:
                    yield where, f"{bare.group()!r} is not said of answers that a scorer counted"


def legal(statement: Statement) -> Breaches:
    """No sentence speaks of the model's status under a law, or of compute thresholds."""
    for where, text in prose(statement):
        for clause in claiming(text):
            match = words.LAW.search(clause)
            if match and not where.startswith("stated."):
                yield where, f"{match.group()!r}: K and budgets are analysis, not a status under any law"


def trend(statement: Statement) -> Breaches:
    """A rise, a fall or a plateau is said only where a test showed it."""
    alpha = 1 - statement.level
    yield from _trend("title", statement.title, set(), axis=None)
    curves = by_id(statement)
    for i, claim in enumerate(statement.claims):
        axis = curves[claim.curve].axis if claim.curve in curves and claim.type != "gap" else None
        where, high = f"claims.{i}.statement", claim.value.high
        yield from _trend(where, claim.statement, _directions_shown(claim, alpha), axis=axis)
        ahead = _SAFETY_AHEAD.search(claim.statement)
        if claim.type == "gap" and ahead and (high is None or high >= 0):
            yield where, f"{ahead.group()!r}: the gap is capability's change minus safety's, and is not below 0"


_SAFETY_AHEAD = re.compile(r"\bsafety\b[^.]{0,30}\b(?:outpac|surpass|exceed|outgr|overtak|gain)\w*", re.IGNORECASE)


def _directions_shown(claim: Claim, alpha: float) -> set[str]:
    if is_undetermined(claim, alpha=alpha) or claim.type not in ("change", "gap", "shape"):
        return set()
    if claim.type == "shape":
        sets = {"a rise": UP_SHAPES, "a fall": DOWN_SHAPES, "no change": FLAT_SHAPES}
        return {name for name, shapes in sets.items() if claim.verdict in shapes}
    return {"a rise"} if claim.value.low is not None and claim.value.low > 0 else {"a fall"}


def _trend(where: str, text: str, directions: set[str], *, axis: str | None) -> Breaches:
    families = {"a rise": words.UP, "a fall": words.DOWN, "no change": words.FLAT}
    other = {"a rise": "a fall", "a fall": "a rise", "no change": "no change"}
    for clause in claiming(text):
        bad_side = axis is not None and words.speaks_of_the_bad_side(clause, axis)
        for what, family in families.items():
            match = family.search(clause)
            if match and (other[what] if bad_side else what) not in directions:
                evidence = "an equivalence test" if what == "no change" else "a test that survives adjustment"
                yield where, f"{match.group()!r} says {what}, which is not shown here; needed: {evidence}"


def reach(statement: Statement) -> Breaches:
    """All budgets at once need a simultaneous interval; budgets to come need the label; the best cell is not picked."""
    for i, claim in enumerate(statement.claims):
        where = f"claims.{i}.statement"
        for clause in claiming(claim.statement):
            all_at_once, ahead = words.EVERYWHERE.search(clause), words.AHEAD.search(clause)
            shape_match = words.SHAPED.search(clause)
            if shape_match and claim.verdict not in (ShapeLabel.HUMP, ShapeLabel.DIP):
                yield where, f"{shape_match.group()!r} is a shape that no test showed"
            best, tools = words.BEST.search(clause), words.WITH_TOOLS.search(clause)
            if all_at_once and not claim.value.simultaneous:
                yield where, f"{all_at_once.group()!r} speaks of all budgets at once; the interval is pointwise"
            if ahead and not claim.extrapolated:
                yield (
                    where,
                    f"{ahead.group()!r} speaks of budgets that were not tested, and is not labelled extrapolated",
                )
            if best and not (claim.verdict in (ShapeLabel.HUMP, ShapeLabel.DIP) or claim.at.selector == Selector.BEST):
                yield where, f"{best.group()!r} picks a cell after looking"
            if tools and not statement.elicitation.tools:
                yield where, f"{tools.group()!r}: no tools were given"
    yield from ((where, f"{match.group()!r} speaks of budgets that were not tested")
                for where, text in prose(statement) if where == "title"
                for clause in claiming(text) if (match := words.AHEAD.search(clause)))  # fmt: skip


_QUOTED = re.compile(r"`([^`]*)`")


def name_claims(statement: Statement) -> Breaches:
    """What stands between backticks is a name from the study, and a claim names its own curve's task."""
    names = {quote(name) for name in _names(statement)}
    for where, text in prose(statement):
        strange = [quoted_name for quoted_name in _QUOTED.findall(text) if f"`{quoted_name}`" not in names]
        if strange:
            yield where, f"{strange[0]!r} is no model, task, scorer, arm, effort or curve of this study"
    curves = by_id(statement)
    tasks = {quote(curve.task) for curve in statement.curves}
    for i, claim in enumerate(statement.claims):
        on = [curve for name in (claim.curve, claim.against) if name and (curve := curves.get(name)) is not None]
        own = {quote(curve.task) for curve in on}
        others = sorted((tasks - own) & {f"`{quoted_name}`" for quoted_name in _QUOTED.findall(claim.statement)})
        if others:
            yield f"claims.{i}.statement", f"names {others[0]}, which its number is not of"


def _names(statement: Statement) -> Iterator[str]:
    yield statement.model
    yield from statement.elicitation.efforts or ()
    for curve in statement.curves:
        yield from (curve.id, curve.task, curve.arm, curve.scorer or "unnamed")
        yield from filter(None, (curve.judge.grader,))


def evidence_words(statement: Statement) -> Breaches:
    """A claim speaks of what is measured: answers, shares, intervals, budgets, tries, tests and shapes."""
    odd = [word for clause in claiming(statement.title) for word in unfounded_words(clause, statement.model)]
    if odd:
        yield "title", f"{', '.join(map(repr, odd))}: nothing that was measured; needed: what was measured, and of what"
    curves = by_id(statement)
    for i, claim in enumerate(statement.claims):
        on = [curves[name] for name in (claim.curve, claim.against) if name is not None and name in curves]
        names = " ".join(str(part) for curve in on for part in (curve.task, curve.scorer, curve.arm, statement.model))
        strange = [word for clause in claiming(claim.statement) for word in unfounded_words(clause, names)]
        if strange:
            text = ", ".join(repr(word) for word in dict.fromkeys(strange))
            yield (
                f"claims.{i}.statement",
                f"{text}: nothing that was measured; needed: shares, intervals, budgets, tries",
            )


def significance(statement: Statement) -> Breaches:
    """Significant is said only of a test that survived adjustment."""
    alpha = 1 - statement.level
    for i, claim in enumerate(statement.claims):
        p = None if claim.test is None else claim.test.p_adjusted
        for clause in claiming(claim.statement):
            if words.SIGNIFICANT.search(clause) and (p is None or p > alpha):
                yield f"claims.{i}.statement", f"called significant; the adjusted p-value is {p}"


def human_corrected(statement: Statement) -> Breaches:
    """Human labels are spoken of only where they corrected the number."""
    for i, claim in enumerate(statement.claims):
        match = re.search(r"\bhuman|\bcorrected\b", claim.statement, re.IGNORECASE)
        if match and "corrected" not in claim.value.finding and claiming(claim.statement):
            yield f"claims.{i}.statement", f"{match.group()!r}: this number was not corrected by human labels"
