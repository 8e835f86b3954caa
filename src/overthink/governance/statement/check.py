"""Check of a statement: its facts keep every rule, and everything else is what its facts give.

With the study, the facts themselves are those that plan and pool give now, with nothing left out.

The table of rules that the facts of a statement keep. What is generated from facts needs none: it is made again.
"""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from overthink.data.finding import Finding
from overthink.governance.statement.compare import changed_facts, changed_words
from overthink.governance.statement.generate import facts_of, generate
from overthink.governance.statement.origin import own_words
from overthink.governance.statement.read import Breaches, Fault, ReadStatement, Rule, close
from overthink.governance.statement.rules import claims, curves, numbers, oversight, scope, whole
from overthink.governance.statement.schema import Stated, Statement

_TABLE: dict[str, Callable[[Statement], Breaches]] = {
    # every number by itself
    "interval": numbers.interval,
    "null-reason": numbers.null_reason,
    "range": numbers.value_range,
    "unit": numbers.unit,
    "simultaneous": numbers.simultaneous,
    "p-adjusted": numbers.adjusted,
    # the numbers of a curve together
    "one-curve": curves.one_curve,
    "counts": curves.counts,
    "verdict": curves.verdicts,
    "change": curves.changes_tested,
    "turns": curves.turns,
    "gates": curves.gate_names,
    "gates-failed": curves.failed_gates,
    "gap": curves.gaps_measured,
    "hypothesis": claims.hypotheses,
    # texts of findings: a rule that each limit and each reason is a text that Overthink writes has its place here
    # what must not be left out
    "names": whole.names,
    "limits": whole.limits,
    "quantiles": whole.quantiles,
    "tries": whole.tries,
    "changes": whole.changes,
    "gaps": whole.gaps,
    # texts taken over from findings
    "limit-texts": numbers.limits,
    "reason-texts": numbers.reasons,
    # arms
    "arm-curves": claims.arm_curves,
    "arm-verdicts": claims.arm_verdicts,
    "arm-numbers": claims.arm_numbers,
    "arms-whole": claims.arms_whole,
    # oversight
    "oversight-names": oversight.oversight_names,
    "oversight-verdicts": oversight.oversight_verdicts,
    "oversight-numbers": oversight.oversight_numbers,
    "oversight-whole": oversight.oversight_whole,
    # the setting
    "settings": scope.settings,
    "test-names": scope.test_names,
    "budgets": scope.budgets,
    "checkpoints": scope.checkpoints,
    "efforts": scope.efforts,
    "arms": scope.arms,
    "k-stated": scope.k_stated,
    "consumption": scope.consumption,
    "polarity": scope.polarity,
    "date": scope.creation_date,
}

RULES = tuple(Rule(name, (find.__doc__ or "").strip(), find) for name, find in _TABLE.items())
"""The rules, in the order in which breaches are listed."""


REWORDED = "reworded"
"""Rule of everything generated: it is what the facts of the statement give, word by word."""
ID = "id"
RECORD = "every_eval_ever"
RECOMPUTED = "recomputed"
STATED = "stated"
SHOWN = 40
"""Most faults of one kind that are listed."""

NOT_VERIFIED = (
    "that the numbers and other facts are those of a study",
    "that nothing was left out, such as a curve, an arm, a gap or a limit",
)
"""What a check without the study cannot know."""

NOT_IN_STUDY = ("when it was made (created): no file of a study holds that",)
"""What a check with the study cannot know either."""

WITHOUT_STORE = "that no line is missing at the end of a usage ledger: the store of the gateway (--store) knows"
"""What a check of usage cannot know without the store of its gateway."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A statement whose own text was checked.

    Attributes:
        faults: Its faults.
        statement: The statement as its facts give it; None where they contradict each other.
        own_words: Path and text of everything that nothing checks.
    """

    faults: tuple[Fault, ...]
    statement: Statement | None
    own_words: tuple[tuple[str, str], ...]


def check_statement(read: ReadStatement, *, now: datetime) -> Checked:
    """Return what follows from a statement alone: breaches of the rules, and what its facts do not give.

    Args:
        read: The statement.
        now: Current time, with time zone: a statement is not from the future.
    """
    faults = [fault for rule in RULES for fault in rule.faults(read.facts)]
    faults += _from_the_future(read.facts.created, now)
    words = tuple(own_words(read.document, Statement))
    try:
        statement = generate(read.facts)
    except (ValueError, LookupError, ArithmeticError, TypeError, AttributeError, StopIteration):
        if not faults:
            faults.append(Fault(REWORDED, "the whole", "its facts contradict each other, so that nothing follows"))
        return Checked(tuple(faults), None, words)
    faults += [Fault("notes", *breach) for breach in whole.notes(statement)]
    if read.document.get("id") != statement.id:
        seen = str(read.document.get("id"))[:40]
        faults.append(Fault(ID, "id", f"{seen!r}; its facts make it {statement.id}: a fact was changed by hand"))
    reworded = [Fault(REWORDED, *breach) for breach in changed_words(read.document, statement)]
    own = [
        fault for fault in reworded if not fault.where.startswith(RECORD)
    ]  # the record repeats what stands elsewhere
    faults += _most(iter(own or ([] if faults else reworded)))
    return Checked(tuple(faults), statement, words)


def _from_the_future(created: str, now: datetime) -> list[Fault]:
    try:
        ahead = datetime.fromisoformat(created) > now + timedelta(days=1)
    except (ValueError, TypeError):
        return []  # no date, or no time zone: reported by the rule on dates
    return [Fault("date", "created", f"{created} is in the future")] if ahead else []


def differences(facts: Statement, recomputation: Statement) -> tuple[Fault, ...]:
    """Return the faults of the facts of a statement against its recomputation, omissions included.

    Args:
        facts: The statement to check.
        recomputation: The statement computed from the study's plan and pool.
    """
    old, new = facts_of(facts), facts_of(recomputation)
    for document in (old, new):
        del document["created"], document["stated"]
    return tuple(_most(Fault(RECOMPUTED, *breach) for breach in changed_facts("", old, new)))


def changed_stated(seen: Stated, stated: Stated) -> tuple[Fault, ...]:
    """Return the faults of what a statement says that the evaluator states, against what was stated.

    Args:
        seen: What the statement says.
        stated: What the evaluator stated, numbers and own words.
    """
    documents = (part.model_dump(mode="json", by_alias=True) for part in (seen, stated))
    return tuple(Fault(STATED, *breach) for breach in changed_facts("stated", *documents, source="the facts file"))


def changed_findings(old: Sequence[Finding], new: Sequence[Finding]) -> tuple[Fault, ...]:
    """Return the faults of stored findings against those computed from plan and pool.

    Args:
        old: Findings of findings.json.
        new: Findings computed from the pool by the plan.
    """
    return tuple(_most(_changes(old, new)))


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
    if old == new:  # nearly all, and dictionaries of them would take most of the time of a check
        return
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


def _most(faults: Iterator[Fault]) -> Iterator[Fault]:
    for position, fault in enumerate(faults):
        if position == SHOWN:
            more = 1 + sum(1 for _ in faults)
            yield Fault(fault.rule, "the whole", f"and {more} more")
            return
        yield fault
