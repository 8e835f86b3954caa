"""Whether a statement covers another one, or its evaluation is due again: budgets, tries, tools, arms, model."""

from collections.abc import Iterator

from overthink.governance.statement.quoting import own_words, quote
from overthink.governance.statement.read import Fault
from overthink.governance.statement.schema import Budget, Statement
from overthink.governance.statement.wording import tested_rungs

DUE = "re-evaluation"


def re_evaluation(earlier: Statement, later: Statement) -> tuple[Fault, ...]:
    """Return why the claims of the earlier statement do not cover the later one; empty if they do.

    Args:
        earlier: Statement of the evaluated setting.
        later: Statement of the setting that is, or will be, used.
    """
    reasons = [*_model(earlier, later), *_budget(earlier, later), *_effort(earlier, later), *_help(earlier, later)]
    reasons += _settings(earlier, later)
    return tuple(Fault(DUE, where, reason) for where, reason in reasons)


def _model(earlier: Statement, later: Statement) -> Iterator[tuple[str, str]]:
    if earlier.model != later.model:
        yield "model", f"another model: {earlier.model_text}, then {later.model_text}"
    elif earlier.model is None:
        yield "model", "neither statement names its model"
    before, after = earlier.stated.revision, later.stated.revision
    if before != after:
        was, now = ("not stated" if name is None else own_words(name) for name in (before, after))
        yield "stated.revision", f"the revision changed: {was}, then {now}"


def _budget(earlier: Statement, later: Statement) -> Iterator[tuple[str, str]]:
    for name, unit in (("budgets", "thinking tokens"), ("turns", "turns"), ("loop_tokens", "generated tokens")):
        least, most = (max(getattr(item.elicitation, name) or (0,)) for item in (earlier, later))
        if most > least:
            yield f"elicitation.{name}", f"the highest budget rose: {least:,} {unit}, then {most:,}"
    top_budget, tries = _top_budget(earlier), earlier.elicitation.max_tries
    if later.elicitation.max_tries > tries:
        yield "elicitation.max_tries", f"the most tries rose: {tries}, then {later.elicitation.max_tries}"
    for name in ("max_deployable_budget", "misuse_actor_budget"):
        budget: Budget | None = getattr(later.stated, name)
        if budget is not None and budget != getattr(earlier.stated, name):
            if budget.thinking_tokens > top_budget:
                yield f"stated.{name}", f"{budget.thinking_tokens:,} thinking tokens; {top_budget:,} were tested"
            if budget.tries > tries:
                yield f"stated.{name}", f"{budget.tries:,} tries; {tries:,} were tested"
    before, after = earlier.elicitation.answer_tokens, later.elicitation.answer_tokens
    if before is not None and after is not None and after > before:
        yield "elicitation.answer_tokens", f"answers may be longer: {before:,} tokens, then {after:,}"


def _top_budget(statement: Statement) -> int:
    """Return the highest thinking budget that was tested; without a plan, that a rung of every curve asks for."""
    if statement.elicitation.no_plan is None:
        return max(statement.elicitation.budgets or (0,))
    return min(max(point.requested_tokens or 0 for point in curve.points) for curve in statement.curves)


def _settings(earlier: Statement, later: Statement) -> Iterator[tuple[str, str]]:
    """Yield what a statement without a plan leaves open: settings that are not known are never the same."""
    plans = [one.elicitation.no_plan is None for one in (earlier, later)]
    if not all(plans) and earlier.evidence.pool_sha256 != later.evidence.pool_sha256:
        which = "neither has a" if not any(plans) else "the earlier one has no" if plans[1] else "the later one has no"
        yield "elicitation.no_plan", f"{which} plan: settings that logs do not state may differ, and are not compared"
    if any(plans):
        return
    before, after = (one.elicitation.conditions or {} for one in (earlier, later))
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) != after.get(name):
            was, now = (", ".join(map(quote, of.get(name, ()))) or "not stated" for of in (before, after))
            yield f"elicitation.conditions.{name}", f"the logs state another {quote(name)}: {was}, then {now}"
    tested = tested_rungs(earlier.curves)
    new = [rung for rung in tested_rungs(later.curves) if rung not in tested]
    if new:
        yield "curves", f"rungs that were not tested: {', '.join(new)}"


def _effort(earlier: Statement, later: Statement) -> Iterator[tuple[str, str]]:
    if earlier.elicitation.ladder != later.elicitation.ladder:
        yield "elicitation.ladder", f"{earlier.elicitation.ladder}, then {later.elicitation.ladder}"
    else:
        new = [
            effort for effort in later.elicitation.efforts or () if effort not in (earlier.elicitation.efforts or ())
        ]
        if new:
            yield "elicitation.efforts", f"efforts that were not tested: {', '.join(map(quote, new))}"


def _help(earlier: Statement, later: Statement) -> Iterator[tuple[str, str]]:
    before, after = earlier.elicitation.tools, later.elicitation.tools
    if after is None and before is not None:
        yield "elicitation.tools", "it is not known which tools the later one gives"
    new = [tool for tool in after or () if tool not in (before or ())]
    if new:
        yield "elicitation.tools", f"tools that were not given: {', '.join(new)}"
    earlier_arms = [(arm.parts, arm.settings) for arm in earlier.elicitation.arms]
    arms = [arm.label for arm in later.elicitation.arms if (arm.parts, arm.settings) not in earlier_arms]
    if arms:
        yield "elicitation.arms", f"ways of thinking that were not tested: {', '.join(map(quote, arms))}"
    selectors = [name for name in later.elicitation.selectors if name not in earlier.elicitation.selectors]
    if selectors:
        yield "elicitation.selectors", f"selectors that were not collected: {', '.join(selectors)}"
    verifier = later.elicitation.verifier
    if verifier is not None and verifier != earlier.elicitation.verifier:
        yield "elicitation.verifier", f"another verifier: {earlier.elicitation.verifier}, then {verifier}"
