"""The policy of a gateway from a statement that passes its check."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from overthink.data.finding import Finding
from overthink.errors import InputError
from overthink.governance.deployment.from_statement import audit, compile_policy, require_no_excess
from overthink.governance.deployment.policy import Policy, parse_budget, parse_policy
from overthink.governance.statement.check import check_statement
from overthink.governance.statement.read import MAX_STATEMENT_LENGTH, Fault, ReadStatement, parse_statement
from overthink.governance.statement.schema import Statement
from overthink.paths import file_sha256, is_there, name_text, read_file
from overthink.storage.study_folder import StudyFolder
from overthink.workflows import arguments as arg
from overthink.workflows.words import texts

_MAX_POLICY, _MAX_USAGE = 4_000_000, 2_000_000_000
_SHOWN_FAULTS = 5


@arg.checked(
    path=arg.a_path, model=arg.text_or_texts_or_none, budget=arg.text_or_texts_or_none, file=arg.a_path_or_none
)
def policy(
    path: str | Path,
    *,
    model: str | Sequence[str] | None = None,
    budget: str | Sequence[str] | None = None,
    file: str | Path | None = None,
) -> Policy:
    """Return the policy that holds a deployment to a statement.

    Args:
        path: A statement.json that passes `check`.
        model: Names by which callers name the model; the statement's own, with and without its provider, if left out.
        budget: Amounts of tokens or FLOP: `100000/1d`, `1e18flop/life@organisation`.
        file: A policy that was written by hand, to read instead of compiling one; it may be stricter, and is refused
            where it is looser without a deviation that names by whom and why.

    Raises:
        InputError: The statement does not pass its check, or is of loops; or the policy cannot be read or is looser.
    """
    statement = checked_statement(Path(path))
    budgets = [parse_budget(each) for each in texts(budget or (), "budget")]
    own = compile_policy(statement, models=texts(model or (), "model"), budgets=budgets)
    if file is None:
        return own
    if budgets:
        raise InputError("a policy from a file has budgets of its own; leave --budget out, or write it into the file")
    by_hand = parse_policy(read_file(Path(file), follow=True, most=_MAX_POLICY), str(file))
    require_no_excess(by_hand, own, str(file))
    return by_hand


def usage_faults(
    statement: Statement | None,
    usage: str | Sequence[str] | None,
    heads: Mapping[str, tuple[int, str]] | None = None,
) -> tuple[Fault, ...]:
    """Return what a deployment used beyond a statement; nothing where the statement itself is at fault.

    Args:
        statement: A statement that was checked.
        usage: Paths of usage ledgers, one of each replica.
        heads: Where each ended by the gateway's store; None where it is not at hand.

    Raises:
        InputError: A file is no usage ledger, or the statement is of loops.
    """
    paths = texts(usage or (), "usage")
    if not paths or statement is None:
        return ()
    ledgers = {name_text(path): read_file(Path(path), follow=True, most=_MAX_USAGE) for path in paths}
    return audit(ledgers, statement.id, compile_policy(statement, models=("any",)).rules[0], heads)


def checked_statement(path: Path) -> Statement:
    """Return a statement that passes its check.

    Raises:
        InputError: It does not, or cannot be read.
    """
    try:
        text = read_file(path, follow=True, most=MAX_STATEMENT_LENGTH).decode()
    except UnicodeDecodeError as failure:
        raise InputError(f"{path} is not UTF-8 text; needed: a statement.json") from failure
    read = parse_statement(text, name_text(str(path)))
    result = check_statement(read, now=datetime.now(UTC)) if isinstance(read, ReadStatement) else None
    faults = read if isinstance(read, tuple) else () if result is None else result.faults
    if faults or result is None or result.statement is None:
        raise InputError(
            f"{path} does not pass `overthink check`, so no policy follows from it; its faults:",
            *(f"  {fault}" for fault in faults[:_SHOWN_FAULTS]),
        )
    return result.statement


def forecasts_at(study: Path, statement: Statement) -> Callable[[int], tuple[Finding, ...]]:
    """Return the forecasts of a statement's study by the number of tries; each number is computed once.

    Raises:
        InputError: It is another study, or cannot be read.
    """
    from overthink.workflows.forecast_table import forecast_table  # what only this needs takes a second to load

    pool = StudyFolder(study).pool
    if not is_there(pool):
        raise InputError(f"{study} holds no {pool.name}; needed: the study that the statement was made from")
    if file_sha256(pool) != statement.evidence.pool_sha256:
        raise InputError(f"{study} is not the study of the statement: its {pool.name} is another")
    return cache(lambda k: forecast_table(study, k=[k]).findings)
