"""Differences between a statement and the one recomputed from its study, number by number."""

import dataclasses
from collections.abc import Iterator, Sequence

from overthink.data.finding import Finding
from overthink.governance.statement.faults import Fault, close
from overthink.governance.statement.rules.scope import document_differences
from overthink.governance.statement.schema import Statement

RECOMPUTED = "recomputed"
_PROSE = {"statement", "title", "limits", "weakened_by", "deviations", "does_not_say", "strength", "text"}
"""Fields that are left to the other rules: wording may differ, and a claim may be labelled weaker than it is."""

SHOWN = 40


def differences(statement: Statement, recomputation: Statement) -> tuple[Fault, ...]:
    """Return the faults of a statement against its recomputation.

    Args:
        statement: The statement to check.
        recomputation: The statement computed from the study's plan and pool, with the evaluator's facts.
    """
    document, new_document = (s.model_dump(mode="json", by_alias=True) for s in (statement, recomputation))
    faults = []
    for name in ("model", "level", "evidence", "elicitation", "flop", "gates_failed"):
        faults += [
            Fault(RECOMPUTED, *difference)
            for difference in document_differences(name, document[name], new_document[name])
        ]
    faults += _by_name("curves", {c["id"]: c for c in document["curves"]}, {c["id"]: c for c in new_document["curves"]})
    faults += _by_name("claims", *({c["value"]["finding"]: c for c in s["claims"]} for s in (document, new_document)))
    return tuple(fault for fault in faults if not _PROSE & set(fault.where.split(".")))


def _by_name(where: str, stored: dict[str, object], computed: dict[str, object]) -> list[Fault]:
    faults = [
        Fault(RECOMPUTED, where, f"{name} is not what the study gives") for name in stored if name not in computed
    ]
    faults += [Fault(RECOMPUTED, where, f"{name} is left out") for name in computed if name not in stored]
    for name, value in computed.items():
        if name in stored:
            here = f"{where}[{name}]"
            faults += [
                Fault(RECOMPUTED, *difference)
                for difference in document_differences(here, _without_id(stored[name]), _without_id(value))
            ]
    return faults


def _without_id(part: object) -> object:
    """Return a claim without its id, which may differ; other parts unchanged."""
    return {k: v for k, v in part.items() if k != "id"} if isinstance(part, dict) and "statement" in part else part


def changed_findings(old: Sequence[Finding], new: Sequence[Finding]) -> tuple[Fault, ...]:
    """Return the faults of stored findings against those computed from plan and pool.

    Args:
        old: Findings of findings.json.
        new: Findings computed from the pool by the plan.
    """
    return tuple(_first(_changes(old, new)))


def _changes(old: Sequence[Finding], new: Sequence[Finding]) -> Iterator[Fault]:
    old_by_id, new_by_id = {item.id: item for item in old}, {item.id: item for item in new}
    old_metrics = {
        (item.kind, item.metric) for item in old
    }  # a newer Overthink may find what an older one did not look for
    for name in sorted(old_by_id.keys() - new_by_id.keys()):
        yield Fault(RECOMPUTED, f"findings[{name}]", "in findings.json, but plan and pool do not give it")
    for name in sorted(new_by_id.keys() - old_by_id.keys()):
        if (new_by_id[name].kind, new_by_id[name].metric) in old_metrics:
            yield Fault(RECOMPUTED, f"findings[{name}]", "plan and pool give it, but it is not in findings.json")
    for name, finding in new_by_id.items():
        if name in old_by_id:
            yield from _finding_changes(old_by_id[name], finding)


def _finding_changes(old: Finding, new: Finding) -> Iterator[Fault]:
    old_fields = dataclasses.asdict(old)
    for field, b in dataclasses.asdict(new).items():
        a, where = old_fields[field], f"findings[{new.id}].{field}"
        if isinstance(a, dict) and isinstance(b, dict):
            for part, value in b.items():
                yield from _value_change(f"{where}.{part}", a[part], value)
        else:
            yield from _value_change(where, a, b)


def _value_change(where: str, old: object, new: object) -> Iterator[Fault]:
    numbers = isinstance(old, float) and isinstance(new, float) and close(old, new)
    if not numbers and old != new:
        yield Fault(RECOMPUTED, where, f"{old!r}; the pool gives {new!r}")


def _first(faults: Iterator[Fault]) -> Iterator[Fault]:
    for position, fault in enumerate(faults):
        if position == SHOWN:
            more = 1 + sum(1 for _ in faults)
            yield Fault(RECOMPUTED, "findings", f"and {more} more numbers differ")
            return
        yield fault
