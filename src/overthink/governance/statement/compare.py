"""Compare documents: everything generated with what the facts give, and facts with those of a study.

Whether a statement covers another one, or its evaluation is due again: budgets, tries, tools, arms, model.
"""

import json
from collections.abc import Iterator
from itertools import takewhile
from typing import Any

from pydantic import BaseModel

from overthink.data.conditions import READING
from overthink.governance.statement.origin import Origin, parts_of, slots
from overthink.governance.statement.read import Breaches, Fault, close
from overthink.governance.statement.schema import Budget, Statement
from overthink.governance.statement.wording import own_words, quote, tested_rungs

_MOST_SHOWN = 120
"""Characters of a value in a message."""

_BEFORE = 20
"""Characters that are shown before the place where two texts part."""


def changed_words(document: Any, statement: Statement) -> Breaches:
    """Yield every generated field of a document that is not what its facts give, or is missing.

    Args:
        document: The statement as it was read.
        statement: The statement as its facts give it.
    """
    own = statement.model_dump(mode="json", by_alias=True)
    yield from _generated("", document, own, Statement)


def _generated(where: str, document: Any, own: Any, model: type[BaseModel]) -> Breaches:
    for name, slot in slots(model).items():
        path = f"{where}.{name}" if where else name
        if slot.origin is Origin.GENERATED:
            if path == "id":
                continue  # it has a rule of its own
            if name not in document:
                yield from [(path, "missing")] if name in own else []
            elif name not in own:
                yield path, f"{short(document[name])}; its facts give no such field"
            elif not _same_text(document[name], own[name]):
                yield from changed_facts(path, document[name], own[name], source="its facts")
        elif slot.part is not None and document.get(name) is not None:
            pairs = zip(parts_of(document[name], slot), parts_of(own.get(name), slot), strict=False)
            for (step, seen), (_, right) in pairs:
                if not _same_text(seen, right):
                    yield from _generated(f"{path}{step}", seen, right, slot.part)


def _same_text(seen: Any, own: Any) -> bool:
    """Return whether two parts are written alike, as nearly all are, so that no value of them needs a look."""
    return bool(seen == own) and json.dumps(seen) == json.dumps(own)


def changed_facts(where: str, seen: Any, own: Any, *, source: str = "the study") -> Breaches:
    """Yield every difference of a document from what it should be: values, what is missing, and what is too much.

    Args:
        where: Path of the document in messages; empty for the whole.
        seen: The document.
        own: What it should be.
        source: Where that comes from, for messages.
    """
    if isinstance(own, dict) and isinstance(seen, dict):
        for name in [*own, *(name for name in seen if name not in own)]:
            path = f"{where}.{name}" if where else name
            if name not in seen:
                yield path, f"left out; by {source} it is {short(own[name])}"
            elif name not in own:
                yield path, f"{short(seen[name])}; by {source} there is no such thing"
            else:
                yield from changed_facts(path, seen[name], own[name], source=source)
    elif isinstance(own, list) and isinstance(seen, list):
        yield from _changed_list(where, seen, own, source)
    elif _is_number(seen) and _is_number(own):
        if not close(seen, own) or (where.endswith(_ENDS) and _sign(seen) != _sign(own)):
            yield where, f"{seen!r}; by {source} it is {own!r}"
    elif seen != own or isinstance(seen, bool) != isinstance(own, bool):
        start = _same(seen, own)
        yield where, f"{short(seen, start)}; by {source} it is {short(own, start)}"


def _changed_list(where: str, seen: list[Any], own: list[Any], source: str) -> Breaches:
    names, own_names = ([_name(part) for part in parts] for parts in (seen, own))
    if None in names or None in own_names or len(set(names)) < len(names):
        if len(seen) != len(own):
            first = next((f", such as {short(part)}" for part in own if part not in seen), "")
            yield where, f"{len(seen)} entries; by {source} there are {len(own)}{first}"
        for i, (part, right) in enumerate(zip(seen, own, strict=False)):
            yield from changed_facts(f"{where}.{i}", part, right, source=source)
        return
    yield from (
        (where, f"{short(name)} is left out; by {source} it is there") for name in own_names if name not in names
    )
    yield from ((where, f"{short(name)} is there; by {source} it is not") for name in names if name not in own_names)
    both = [name for name in names if name in own_names]
    if both != [name for name in own_names if name in names]:
        yield where, f"another order than by {source}"
    for name in both:
        part, right = seen[names.index(name)], own[own_names.index(name)]
        yield from changed_facts(f"{where}[{name}]", part, right, source=source)


def _name(part: Any) -> str | None:
    """Return the name of an entry of a list that has one."""
    name = part.get("id") if isinstance(part, dict) else None
    return name if isinstance(name, str) else None


def short(value: object, start: int = 0) -> str:
    """Return a value for a message in plain characters, shortened.

    Args:
        value: The value.
        start: Characters of a text that say nothing new.

    Example:
        >>> short("a" * 200)[-3:], short("The model is safe", 10)
        ('a …', "'…is safe'")
    """
    try:
        text = ascii(f"…{value[start:]}" if isinstance(value, str) and start else value)
    except RecursionError:
        return "a deeply nested value"
    text = text.replace("\\u2026", "…")
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]} …"


def _same(seen: object, own: object) -> int:
    """Return how many characters two long texts begin with alike, but for some that show where they part."""
    if not (isinstance(seen, str) and isinstance(own, str)) or max(len(seen), len(own)) <= _MOST_SHOWN:
        return 0
    alike = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(seen, own, strict=False)))
    return max(0, alike - _BEFORE)


_ENDS = (".low", ".high")
"""Fields whose sign decides on a sentence: the ends of an interval, above or below 0."""


def _sign(number: float) -> int:
    return (number > 0) - (number < 0)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


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
    for name in sorted((before.keys() | after.keys()) - {READING}):
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
