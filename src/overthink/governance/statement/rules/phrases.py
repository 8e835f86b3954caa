"""Rules for texts that a statement takes over from findings: each is one that this package writes.

A limit or a reason is never read for its meaning: it is rendered by a phrase, from numbers and names, or it is not.
"""

from collections.abc import Iterator, Mapping

from overthink.analysis.phrases import LIMITS, REASONS
from overthink.data.phrases import Names, Reason, phrases_of, unknown_phrases
from overthink.governance.statement import curves
from overthink.governance.statement.curve_schema import Part
from overthink.governance.statement.read import Breaches, by_id
from overthink.governance.statement.schema import Statement

ALL_REASONS = (*REASONS, *phrases_of(Reason, [curves]))

_REASON_FIELDS = ("reason", "limit_hit_reason")

_GENERATED = ("flop", "elicitation", "every_eval_ever")
"""Fields of a statement whose texts follow from its other fields."""

_SHOWN = 120
"""Characters of a text in a message."""


def limits(statement: Statement) -> Breaches:
    """Every limit of a claim is a text that this package writes; the arm compared with is that of the claim."""
    for i, claim in enumerate(statement.claims):
        yield from _unknown_limits(f"claims.{i}.limits", claim.limits, {})
    by_name = by_id(statement)
    for i, compared in enumerate(statement.arms_compared):
        against = by_name.get(compared.against)
        names = {"arm": () if against is None else (against.arm,)}
        yield from _unknown_limits(f"arms_compared.{i}.limits", compared.limits, names)


def reasons(statement: Statement) -> Breaches:
    """Every reason for a missing number, interval or verdict is a text that this package writes."""
    for where, text in _reasons("", {name: part for name, part in statement if name not in _GENERATED}):
        if unknown_phrases([text], ALL_REASONS):
            yield where, f"{_short(text)}: no reason that Overthink writes"


def _unknown_limits(where: str, texts: tuple[str, ...], names: Names) -> Breaches:
    unknown = set(unknown_phrases(texts, LIMITS, names=names))
    for j, text in enumerate(texts):
        if text in unknown:
            yield f"{where}.{j}", f"{_short(text)}: no limit that Overthink writes"
        elif text in texts[:j]:
            yield f"{where}.{j}", f"{_short(text)}: written twice"


def _reasons(where: str, part: object) -> Iterator[tuple[str, str]]:
    """Yield every reason below a part of a statement, with its path."""
    if isinstance(part, Part | Mapping):
        for name, value in part.items() if isinstance(part, Mapping) else part:
            path = f"{where}.{name}" if where else str(name)
            if name in _REASON_FIELDS and isinstance(value, str):
                yield path, value
            else:
                yield from _reasons(path, value)
    elif isinstance(part, tuple):
        for i, value in enumerate(part):
            yield from _reasons(f"{where}.{i}", value)


def _short(text: str) -> str:
    shown = repr(text)
    return shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]} …"
