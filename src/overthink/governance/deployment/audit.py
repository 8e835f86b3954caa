"""What a deployment used, held against the statement: every line of a usage ledger that goes beyond it."""

from collections import defaultdict
from collections.abc import Iterator, Mapping

from overthink.governance.deployment.policy import Rule
from overthink.governance.deployment.usage_chain import Entry, chain_ends, missing_end, read_chain
from overthink.governance.statement.read import Fault

BEYOND = "beyond"
"""Rule of what was used beyond what was evaluated."""
CHAIN = "chain"
"""Rule of the lines of a ledger: each follows the one before."""
SHOWN = 40


def audit(
    ledgers: Mapping[str, bytes], statement: str, rule: Rule, heads: Mapping[str, tuple[int, str]] | None = None
) -> tuple[Fault, ...]:
    """Return what went beyond a statement, and every fault of the ledgers themselves.

    Args:
        ledgers: Usage ledgers by name: one of each replica, which add up.
        statement: Id of the statement.
        rule: What it evaluated.
        heads: Where each ledger ended by the gateway's store: by the hash of its first line the number of lines, and
            the hash of the last. None where the store is not at hand.

    Raises:
        InputError: A file is no usage ledger.
    """
    faults: list[Fault] = []
    tries: dict[tuple[str, str], int] = defaultdict(int)
    for name, content in ledgers.items():
        for number, entry in enumerate(_entries(content, name, faults), 1):
            where = f"{name}, entry {number}"
            faults += [Fault(BEYOND, where, reason) for reason in _excess(entry, statement, rule)]
            if entry.family:
                tries[entry.organisation, entry.family] += entry.tries
    faults += [] if heads is None else _missing(ledgers, heads)
    most = rule.tries.per_key
    for (organisation, family), count in sorted(tries.items(), key=lambda item: -item[1]):
        if most is not None and count > most:
            reason = f"{count:,} tries of one request by {organisation}; evaluated: {most:,}"
            faults.append(Fault(BEYOND, family, reason))
    more = len(faults) - SHOWN
    return (*faults[:SHOWN], *([Fault(BEYOND, "the whole", f"and {more:,} more")] if more > 0 else []))


def _missing(ledgers: Mapping[str, bytes], heads: Mapping[str, tuple[int, str]]) -> Iterator[Fault]:
    for name, content in ledgers.items():
        reason = missing_end(content, heads)
        if reason is not None:
            yield Fault(CHAIN, name, reason)
    starts = {chain_ends(content)[0] for content in ledgers.values() if b"\n" in content}
    for start, (lines, _) in heads.items():
        if start not in starts:
            yield Fault(CHAIN, "the store", f"it knows a ledger of {lines:,} lines that is not here ({start[:12]}…)")


def _entries(content: bytes, name: str, faults: list[Fault]) -> Iterator[Entry]:
    for item in read_chain(content, name):
        if isinstance(item, str):
            faults.append(Fault(CHAIN, name, item))
        else:
            yield item


def _excess(entry: Entry, statement: str, rule: Rule) -> Iterator[str]:
    who = f"{entry.principal}, {entry.model}"
    if entry.statement != statement:
        yield f"it is of statement {entry.statement[:40]}; needed: {statement}"
    if entry.end == "refused":
        return
    if rule.thinking_tokens is not None and entry.thinking_tokens > rule.thinking_tokens:
        yield f"{who}: {entry.thinking_tokens:,} thinking tokens of a sample; evaluated: {rule.thinking_tokens:,}"
    most = rule.sample_tokens
    if most is not None and entry.generated_tokens > most * max(1, entry.tries):
        yield (
            f"{who}: {entry.generated_tokens:,} tokens of {max(1, entry.tries)} sample(s); evaluated: {most:,} each, "
            "thinking and answer"
        )
    if entry.effort is not None and entry.effort not in (rule.efforts or ()):
        evaluated = ", ".join(rule.efforts or ("none",))
        yield f"{who}: effort {entry.effort[:40]!r}; evaluated: {evaluated}"
    if entry.end == "uncounted":
        yield f"{who}: it was let through while the store was down, and counted nowhere"
