"""What the scores of a log made by others mean: as the user says, or else as the table of known tasks says."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from overthink.collect.log_files import OpenLog
from overthink.collect.polarity import known
from overthink.collect.polarity_table import READ_IN, Known
from overthink.collect.score_values import DERIVED
from overthink.core.record import Axis
from overthink.errors import InputError
from overthink.plan import HIGH_WORDS


@dataclass(frozen=True, slots=True)
class Stated:
    """What the user says of logs that do not say it themselves.

    Attributes:
        axis: What they measure; None where the user does not say.
        high: What a high score means; None where the user does not say.
        scorer: The one `scorer` or `scorer.key` to read; None for all, or for the known one.
    """

    axis: str | None = None
    high: str | None = None
    scorer: str | None = None


@dataclass(frozen=True, slots=True)
class Meaning:
    """How the scores of one log are read.

    Attributes:
        axis: What a value of 1 means.
        flip: A high score is the bad end of the axis.
        scorer: The `scorer` or `scorer.key` to read; None for all.
        derived: The derived value among them; None where it is none.
        task: The task's name; with the arguments that decide where logs of one task differ in meaning.
        note: Where the meaning came from; None where the user said it.
        tabled: It came from the table, not from the user.
    """

    axis: Axis
    flip: bool
    scorer: str | None
    derived: str | None
    task: str
    note: str | None
    tabled: bool = False


def meanings(logs: Sequence[OpenLog], stated: Stated) -> list[Meaning]:
    """The meaning of every log, in order.

    Raises:
        InputError: The user's words do not fit, or a task's meaning cannot be told.
    """
    found = [_meaning(log, stated) for log in logs]
    by_task: dict[str, set[tuple[Axis, bool, str | None]]] = {}
    for meaning in found:
        by_task.setdefault(meaning.task, set()).add((meaning.axis, meaning.flip, meaning.scorer))
    return [
        _told_apart(meaning, log) if len(by_task[meaning.task]) > 1 else meaning
        for meaning, log in zip(found, logs, strict=True)
    ]


def _meaning(log: OpenLog, stated: Stated) -> Meaning:
    spec = log.header.eval
    name = spec.task_registry_name or spec.task
    row = known(name, spec.task_args)
    if stated.axis is None and stated.high is None:
        if isinstance(row, str):
            raise InputError(
                f"{log.path.name}: it is not known what a high score of {name} means: {row}. If you know it, say it "
                "with --axis, --high and --scorer."
            )
        if isinstance(row, Known):
            return _from_table(row, log, stated)
        return Meaning(Axis.CAPABILITY, False, stated.scorer, _derived(stated.scorer), spec.task, _ASSUMED)
    axis, flip = read_polarity(stated.axis, stated.high)
    scorer = stated.scorer
    if scorer is None and isinstance(row, Known) and row.axis == axis:
        scorer = _scorer(row)
    return Meaning(axis, flip, scorer, _derived(scorer), spec.task, None)


_ASSUMED = (
    "Logs made by others do not say what they measure; they are read as capability, 1 = correct. "
    "State another axis with --axis and --high."
)


def _from_table(row: Known, log: OpenLog, stated: Stated) -> Meaning:
    spec = log.header.eval
    if stated.scorer not in (None, _scorer(row)):
        if row.axis != Axis.CAPABILITY:
            raise InputError(
                f"{log.path.name}: it is known what {_scorer(row)} of {spec.task} means, and not {stated.scorer}; "
                "say it with --axis and --high"
            )
        return Meaning(Axis.CAPABILITY, False, stated.scorer, _derived(stated.scorer), spec.task, _ASSUMED)
    axis, flip = read_polarity(row.axis, row.high)
    package = (spec.task_registry_name or spec.task).partition("/")[0]
    source = f"the table for inspect_evals {READ_IN}" if package == "inspect_evals" else "Overthink's own table"
    made = spec.packages.get("inspect_evals") or spec.packages.get("inspect-evals")
    other = f" (the log was made with {made})" if made not in (None, READ_IN) else ""
    note = (
        f"Task {spec.task}: {row.axis}, a high {_scorer(row)} = {row.high}, from {source}{other}. {row.note}".rstrip()
    )
    return Meaning(axis, flip, _scorer(row), _derived(_scorer(row)), spec.task, note, tabled=True)


def read_polarity(axis: str | None, high: str | None) -> tuple[Axis, bool]:
    """The axis, and whether a high score is its bad end.

    Raises:
        InputError: There is no such axis, or the word is not one of its two.
    """
    read = axis or Axis.CAPABILITY.value
    if read not in HIGH_WORDS:
        raise InputError(f"unknown axis {read!r}; needed: {' | '.join(HIGH_WORDS)}")
    good, bad = HIGH_WORDS[read]
    if high is None and read == Axis.CAPABILITY:
        return Axis.CAPABILITY, False
    if high not in (good, bad):
        raise InputError(f"a high score on the {read} axis may mean {good} or {bad}; seen: {high}; say which")
    return Axis(read), high == bad


def _told_apart(meaning: Meaning, log: OpenLog) -> Meaning:
    """Logs of one task whose arguments change what it measures are two tasks."""
    spec = log.header.eval
    row = known(spec.task_registry_name or spec.task, spec.task_args)
    if not isinstance(row, Known) or not row.when:
        return meaning
    which = ", ".join(f"{name}={value}" for name, value in row.when.items())
    name = f"{meaning.task} ({which})"
    note = None if meaning.note is None else meaning.note.replace(meaning.task, name, 1)
    return replace(meaning, task=name, note=note)


def _scorer(row: Known) -> str:
    return row.scorer + (f".{row.key}" if row.key else "")


def _derived(scorer: str | None) -> str | None:
    key = (scorer or "").partition(".")[2]
    return key if key in DERIVED else None
