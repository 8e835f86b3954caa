"""Rules for texts that a statement takes over from findings: each is one that this package writes.

A limit or a reason is never read for its meaning: it is rendered by a phrase, from numbers and names, or it is not.
"""

from overthink.analysis.phrases import LIMITS, REASONS
from overthink.data.phrases import Names, Reason, phrases_of, unknown_phrases
from overthink.governance.statement import curves
from overthink.governance.statement.claim_schema import ArmClaim, OversightClaim
from overthink.governance.statement.compare import short
from overthink.governance.statement.curve_schema import Part
from overthink.governance.statement.origin import slots
from overthink.governance.statement.read import Breaches, by_id, parts
from overthink.governance.statement.schema import Statement

ALL_REASONS = (*REASONS, *phrases_of(Reason, [curves]))

_REASON_FIELDS = ("reason", "limit_hit_reason")


def limits(statement: Statement) -> Breaches:
    """Every limit is a text that this package writes, once; an arm that it names is the other one, or of the task."""
    curve_of = by_id(statement)
    for where, part in parts(statement, Part):
        names: Names = {}
        if isinstance(part, ArmClaim):
            against = curve_of.get(part.against)
            names = {"arm": () if against is None else (against.arm,)}
        elif isinstance(part, OversightClaim):
            own = curve_of.get(part.curve)
            names = {"arm": [curve.arm for curve in statement.curves if own is not None and curve.task == own.task]}
        texts = (getattr(part, "limits", None) or ()) if "limits" in slots(type(part)) else ()
        unknown = set(unknown_phrases(texts, LIMITS, names=names))
        for i, text in enumerate(texts):
            if text in unknown:
                yield (
                    f"{where}.limits.{i}",
                    f"{short(text)}: no limit that Overthink writes; needed: the text of its finding",
                )
            elif text in texts[:i]:
                yield f"{where}.limits.{i}", f"{short(text)}: written twice"


def reasons(statement: Statement) -> Breaches:
    """Every reason for a missing number, interval or verdict is a text that this package writes."""
    for where, part in parts(statement, Part):
        for name in _REASON_FIELDS:
            text = getattr(part, name) if name in slots(type(part)) else None
            if text is not None and unknown_phrases([text], ALL_REASONS):
                yield (
                    f"{where}.{name}",
                    f"{short(text)}: no reason that Overthink writes; needed: the text of its finding",
                )
