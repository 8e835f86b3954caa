"""Read Inspect logs, Overthink's own or foreign ones, as rows of a pool.

Epochs are draws. Logs of one model and task that differ in their reasoning effort, reasoning tokens or max tokens,
wherever they state it, become the rungs of an effort curve. Agents with intermediate scores become checkpoint curves in
addition. Overthink's own logs contain their rows, which are returned unchanged.

Overthink's own logs: each sample stores its rows of the pool.
"""

import dataclasses
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple, Unpack

from inspect_ai.log import EvalSampleSummary
from pydantic import TypeAdapter, ValidationError

from overthink.collect.inspect_logs.checkpoints import LogCheckpointUnit
from overthink.collect.inspect_logs.curves import ForeignLogs
from overthink.collect.inspect_logs.files import OpenLog, open_logs
from overthink.collect.inspect_logs.meaning import Meaning, PolarityFields, meanings, task_names
from overthink.collect.inspect_logs.sample_ends import may_hold
from overthink.collect.inspect_logs.set_aside import BY_DEFAULT, SampleRules
from overthink.collect.session.task_run import RECORDS
from overthink.data.labels import AnswerPosition
from overthink.data.record import PLACE, TRACE_COLUMNS, Reading, RungRecord, ScorePolarity
from overthink.errors import InputError
from overthink.paths import name_text
from overthink.plan.stated_tasks import StatedMeaning, axis_and_flip, statements_of
from overthink.plan.study import HIGH_WORDS

_ROWS = TypeAdapter(list[RungRecord])
_N_PROBE_SAMPLES = 5
"""Samples probed for rows to recognise an own log; the first ones may have failed before storing a row."""
_HAS_ROWS = re.compile(re.escape(f'"{RECORDS}"'.encode()))
_EXCLUDED_FIELDS = {"messages", "output", "attachments", "events", "metadata", "scores"}


class _LogsByMaker(NamedTuple):
    readable: list[OpenLog]
    own: list[tuple[RungRecord, OpenLog]]
    foreign: list[OpenLog]


def own_records(log: OpenLog) -> list[RungRecord] | None:
    """Return the rows stored in a log by Overthink; None for a foreign log.

    Raises:
        InputError: The rows are of another version, or damaged.
    """
    probes = log.summaries[:_N_PROBE_SAMPLES]
    stored = _rows_of(log, probes) if probes and may_hold(log, probes, _HAS_ROWS) else []
    if not stored:
        return None
    stored += _rows_of(log, log.summaries[_N_PROBE_SAMPLES:])
    rows = [row for row, _ in stored]
    unknown = sorted(({name for row in rows for name in row} ^ {*TRACE_COLUMNS}) - {*PLACE})
    if unknown:
        raise InputError(
            f"{log.path} was made by another version of Overthink: columns {', '.join(unknown)[:200]} are "
            "missing or unknown; read it with the version that made it"
        )
    try:
        records = _ROWS.validate_python(rows)
    except ValidationError as failure:
        first = failure.errors(include_url=False)[0]
        raise InputError(f"{log.path} holds damaged rows: {first['loc']}: {first['msg']}") from failure
    return [_placed(row, log, epoch) for row, (_, epoch) in zip(records, stored, strict=True)]


def _placed(row: RungRecord, log: OpenLog, epoch: int) -> RungRecord:
    """Return a row with log and epoch of its sample: of this one, unless the row names another log of the study."""
    path = name_text(str(log.path))
    if row.log is None or (name := PurePosixPath(row.log).name) == log.path.name:
        return dataclasses.replace(row, log=path, epoch=epoch)
    return dataclasses.replace(row, log=path.removesuffix(name_text(log.path.name)) + name)


def _rows_of(log: OpenLog, summaries: list[EvalSampleSummary]) -> list[tuple[dict[str, object], int]]:
    """Return the rows stored in samples of a log, each with the epoch of its sample."""
    return [
        (row, sample.epoch)
        for sample in log.samples(summaries, exclude=_EXCLUDED_FIELDS)
        for row in sample.store.get(RECORDS, [])
    ]


_STATUS = {
    "started": "is still running, or was killed",
    "cancelled": "was cancelled",
    "error": "ended with an error",
}


def read_logs(
    path: Path,
    *,
    checkpoints: LogCheckpointUnit = "tokens",
    rules: SampleRules = BY_DEFAULT,
    ladder: str | None = None,
    **stated: Unpack[PolarityFields],
) -> Reading:
    """Read a log, or a folder of logs.

    Args:
        path: An Inspect log (.eval or .json), or a folder that is searched recursively.
        checkpoints: Unit in which agents with intermediate scores are compared: "tokens", "turns" or "cost".
        rules: What samples with an error and invalid ones count as.
        ladder: Name of the setting that is the ladder; None to look for it.
        **stated: What the scores of foreign logs mean: fields of
            :class:`~overthink.collect.inspect_logs.meaning.StatedMeaning`; without any, by the table of known tasks,
            and capability for an unknown task.

    Returns:
        The rows, and notes on assumptions, omissions and missing data.

    Raises:
        InputError: There is no readable log, no usable score, the polarity is unknown, or the ladder names no setting.
    """
    options = StatedMeaning(**stated)
    axis_and_flip(options.axis, options.high)  # an invalid word is refused whatever the logs are
    readable, unread = open_logs(path)
    logs, own, foreign = _by_maker(readable, unread)
    notes = _status_notes(logs)
    records = _latest(own)
    n_own, polarity = len(records), tuple[ScorePolarity, ...]()
    if foreign:
        log_meanings = meanings(foreign, options)
        notes += dict.fromkeys(
            meaning.note for of_log in log_meanings for meaning in of_log if meaning.note is not None
        )
        notes_of_rows: list[str] = []
        for part, own_meanings in _passes(foreign, log_meanings):
            reader = ForeignLogs(name_text(path.stem), part, own_meanings, checkpoints, rules, ladder)
            records += reader.rows(notes_of_rows)
        notes += dict.fromkeys(notes_of_rows)
        polarity = _polarity((row for row, _ in records[n_own:]), [meaning for own in log_meanings for meaning in own])
    tasks = statements_of(options.tasks, [task_names(log) for log in foreign])
    if not records:
        raise InputError(f"{path} holds no scored sample. {' '.join([*unread, *notes])}")
    return Reading(
        tuple(row for row, _ in records),
        tuple(notes),
        tuple(str(log.path) for _, log in records),
        frozenset(task.option() for task, names in tasks.items() if names),
        polarity,
        tuple(unread),
    )


def _by_maker(logs: Sequence[OpenLog], unread: list[str]) -> _LogsByMaker:
    """Return the logs, with Overthink's own ones read; what is wrong with a damaged one is added to a list.

    Raises:
        InputError: All are damaged.
    """
    readable: list[OpenLog] = []
    own: list[tuple[RungRecord, OpenLog]] = []
    foreign: list[OpenLog] = []
    faults: list[InputError] = []
    for log in logs:
        try:
            rows = own_records(log)
        except InputError as fault:
            faults.append(fault)
            continue
        readable.append(log)
        if rows is None:
            foreign.append(log)
        else:
            own += [(row, log) for row in rows]
    if faults and not readable:
        raise faults[0]
    unread += map(str, faults)
    return _LogsByMaker(readable, own, foreign)


def read_origins(
    path: Path, **stated: Unpack[PolarityFields]
) -> dict[AnswerPosition, tuple[OpenLog, EvalSampleSummary]]:
    """Return log and sample of every row of :func:`read_logs`, except for Overthink's own logs and checkpoints.

    Args:
        path: As for :func:`read_logs`.
        **stated: As for :func:`read_logs`.

    Raises:
        InputError: As for :func:`read_logs`.
    """
    foreign = [log for log in open_logs(path)[0] if own_records(log) is None]
    origins: dict[AnswerPosition, tuple[OpenLog, EvalSampleSummary]] = {}
    for part, own_meanings in _passes(foreign, meanings(foreign, StatedMeaning(**stated))):
        origins |= ForeignLogs(name_text(path.stem), part, own_meanings, "tokens", BY_DEFAULT).origins()
    return origins


def _polarity(rows: Iterable[RungRecord], log_meanings: Iterable[Meaning]) -> tuple[ScorePolarity, ...]:
    """Return what high scores of these rows mean, where it is stated or known, not assumed."""
    words = {
        (str(meaning.axis), meaning.task, meaning.scorer): HIGH_WORDS[meaning.axis][meaning.flip]
        for meaning in log_meanings
        if not meaning.is_assumed
    }
    names = dict.fromkeys((str(row.axis), row.task, row.scorer) for row in rows)
    stated = ((*name, words.get(name) or words.get((*name[:2], None))) for name in names)
    return tuple(ScorePolarity(axis, task, scorer, high) for axis, task, scorer, high in stated if high is not None)


def _passes(
    logs: Sequence[OpenLog], log_meanings: Sequence[Sequence[Meaning]]
) -> Iterator[tuple[list[OpenLog], list[Meaning]]]:
    """Yield the logs with one meaning each, as often as the log of most meanings needs."""
    for number in range(max(map(len, log_meanings), default=0)):
        part = [(log, own[number]) for log, own in zip(logs, log_meanings, strict=True) if len(own) > number]
        yield [log for log, _ in part], [meaning for _, meaning in part]


def _latest(records: list[tuple[RungRecord, OpenLog]]) -> list[tuple[RungRecord, OpenLog]]:
    """Return the rows of Overthink's own logs, each once: the later trace of a resumed study replaces the earlier."""
    return list(
        {
            (r.task, r.axis, r.scorer, r.arm, r.estimand, r.question, r.draw, r.rung): (r, log) for r, log in records
        }.values()
    )


def _status_notes(logs: Sequence[OpenLog]) -> list[str]:
    notes = []
    for log in logs:
        if log.header.status != "success":
            samples = f"its {len(log.summaries)} finished samples were read"
            notes.append(f"{name_text(log.path.name)} {_STATUS[log.header.status]}; {samples}.")
    return notes
