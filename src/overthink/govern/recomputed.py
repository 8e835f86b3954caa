"""A statement beside the one that its study makes today: every number that differs is named."""

import dataclasses
from collections.abc import Iterator, Sequence

from overthink.core.finding import Finding
from overthink.govern.faults import Fault, close
from overthink.govern.rules_of_scope import differing
from overthink.govern.statement import Statement

RECOMPUTED = "recomputed"
_PROSE = {"statement", "title", "limits", "weakened_by", "deviations", "does_not_say", "strength", "text"}
"""What the other rules judge: wording may differ from ours, and a claim may call itself weaker than it is."""

SHOWN = 40


def differences(given: Statement, made: Statement) -> tuple[Fault, ...]:
    """Where the given statement is not what its study makes today.

    Args:
        given: The statement to check.
        made: The statement made from the study's plan and pool, with what the evaluator stated.
    """
    one, other = (s.model_dump(mode="json", by_alias=True) for s in (given, made))
    faults = []
    for name in ("model", "level", "evidence", "elicitation", "flop", "gates_failed"):
        faults += [Fault(RECOMPUTED, *found) for found in differing(name, one[name], other[name])]
    faults += _by_name("curves", {c["id"]: c for c in one["curves"]}, {c["id"]: c for c in other["curves"]})
    faults += _by_name("claims", *({c["value"]["finding"]: c for c in s["claims"]} for s in (one, other)))
    return tuple(fault for fault in faults if not _PROSE & set(fault.where.split(".")))


def _by_name(where: str, given: dict[str, object], made: dict[str, object]) -> list[Fault]:
    faults = [Fault(RECOMPUTED, where, f"{name} is not what the study gives") for name in given if name not in made]
    faults += [Fault(RECOMPUTED, where, f"{name} is left out") for name in made if name not in given]
    for name, needed in made.items():
        if name in given:
            here = f"{where}[{name}]"
            faults += [Fault(RECOMPUTED, *found) for found in differing(here, _unnamed(given[name]), _unnamed(needed))]
    return faults


def _unnamed(part: object) -> object:
    """A claim's own name is free."""
    return {k: v for k, v in part.items() if k != "id"} if isinstance(part, dict) and "statement" in part else part


def changed_findings(stored: Sequence[Finding], made: Sequence[Finding]) -> tuple[Fault, ...]:
    """Where the stored findings are not those that plan and pool give today.

    Args:
        stored: From findings.json.
        made: Computed from the pool by the plan.
    """
    return tuple(_first(_changes(stored, made)))


def _changes(stored: Sequence[Finding], made: Sequence[Finding]) -> Iterator[Fault]:
    there, now = {one.id: one for one in stored}, {one.id: one for one in made}
    known = {(one.kind, one.metric) for one in stored}  # a newer Overthink may find what an older one did not look for
    for name in sorted(there.keys() - now.keys()):
        yield Fault(RECOMPUTED, f"findings[{name}]", "in findings.json, but plan and pool do not give it")
    for name in sorted(now.keys() - there.keys()):
        if (now[name].kind, now[name].metric) in known:
            yield Fault(RECOMPUTED, f"findings[{name}]", "plan and pool give it, but it is not in findings.json")
    for name, finding in now.items():
        if name in there:
            yield from _of_one(there[name], finding)


def _of_one(stored: Finding, made: Finding) -> Iterator[Fault]:
    one = dataclasses.asdict(stored)
    for field, b in dataclasses.asdict(made).items():
        a, where = one[field], f"findings[{made.id}].{field}"
        if isinstance(a, dict) and isinstance(b, dict):
            for part, value in b.items():
                yield from _value(f"{where}.{part}", a[part], value)
        else:
            yield from _value(where, a, b)


def _value(where: str, stored: object, made: object) -> Iterator[Fault]:
    numbers = isinstance(stored, float) and isinstance(made, float) and close(stored, made)
    if not numbers and stored != made:
        yield Fault(RECOMPUTED, where, f"{stored!r}; the pool gives {made!r}")


def _first(faults: Iterator[Fault]) -> Iterator[Fault]:
    for shown, fault in enumerate(faults):
        if shown == SHOWN:
            more = 1 + sum(1 for _ in faults)
            yield Fault(RECOMPUTED, "findings", f"and {more} more numbers differ")
            return
        yield fault
