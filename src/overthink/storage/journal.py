"""Append-only files of a study, one line of JSON each (:class:`overthink.storage.jsonl.JsonLines`).

``journal.jsonl``: finished traces, appended one by one while a study runs, so that no finished trace is lost.

``unfinished.jsonl``: token usage of tries of a trace that gave no rows. While a run goes on, every try in flight
writes down what it has taken before and behind each request, so that a kill -9 at any
moment loses nothing of that: what is not in the journal is here, and requests without an answer are counted as such.

``thoughts.jsonl``: thinking of finished traces as token ids, from which later rungs are forked; beside the Inspect
logs, where the model's text is. Token ids and not text, because tokenizing text again need not give the original
tokens. A trace is written here before it is written to the journal, so that every trace of the journal can be forked
again.

``decisions.jsonl``: decisions of finished traces of arms that decide, without any text. A trace is written here before
it is written to the journal, so that a placebo can take the decisions of every trace of the journal.

``latent.jsonl``: finished traces of a latent model, each with the answers behind its changes, under what all of them
have in common. No states: a model computes these anew.

``waves.jsonl``: number of draws of each question, by wave; a wave is on the disk before its first draw.

What tries of traces take while a run goes on, in ``unfinished.jsonl``: before and behind every request.

The last line of a try is what it has taken. A try that is killed has it there, with its requests that no answer came
for. One that ends with rows has these in the journal, behind the place where it began; so nothing has to be written at
its end, and there is no moment at which a kill would count it twice or not at all. Lines are not synced: a kill leaves
them, and a loss of power may take those of the last seconds.
"""

import dataclasses
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Annotated, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, PositiveInt, TypeAdapter

from overthink.data.decisions import TraceDecisions
from overthink.data.missing_rungs import TraceKey
from overthink.data.oversight import OversightRow
from overthink.data.record import JOURNAL_VERSION, PLACE, TRACE_COLUMNS, RungRecord
from overthink.data.tokens import NO_USAGE, UNDIVIDED, CutShort, TokenUsage
from overthink.data.waves import DrawCounts, Waves
from overthink.errors import InputError, StoppedError
from overthink.paths import is_there
from overthink.storage.json_documents import finite
from overthink.storage.jsonl import JsonLines, SettingLines
from overthink.storage.study_folder import StudyFolder

Thought = tuple[str, str, str, int, tuple[int, ...]]
"""Task, arm, question, draw and thinking token ids of a trace."""

LatentTrace = tuple[Annotated[tuple[RungRecord, ...], Field(min_length=1)], tuple[OversightRow, ...]]
"""Of one draw of a question: its rows of the pool, and those behind the changes of its steps."""

_TRACE = TypeAdapter(tuple[RungRecord, ...])
_CUT_SHORT = TypeAdapter(CutShort)
_DIVIDED = {"paid": {field.name for field in dataclasses.fields(TokenUsage)} - set(UNDIVIDED)}
_THOUGHT: TypeAdapter[Thought] = TypeAdapter(Thought)
_LATENT_TRACE: TypeAdapter[LatentTrace] = TypeAdapter(LatentTrace)
_CHANGES = TypeAdapter(tuple[OversightRow, ...])
_SETTING = TypeAdapter(dict[str, str | int | float | None])
_LATENT = {"overthink.latent": 1}
_DECISIONS = TypeAdapter(TraceDecisions)
_HAS_ERROR = b'"error":"'  # in a text the quotes would be escaped


class WaveDraws(BaseModel):
    """One wave of a task: its draws by question."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    task: str
    draws: dict[str, PositiveInt]


_WAVE = TypeAdapter(WaveDraws)


def journal_file(path: Path) -> JsonLines[tuple[RungRecord, ...]]:
    """Return the file of finished traces: all rung records of one trace per line."""
    return JsonLines(
        path,
        {"overthink.journal": JOURNAL_VERSION},
        _TRACE,
        lambda trace: [_stored(record) for record in trace],
    )


def _stored(record: RungRecord) -> dict[str, object]:
    """Return a row as a line holds it; the place of its sample where it is known, which an earlier version lacks."""
    names = TRACE_COLUMNS if record.log is None else (*TRACE_COLUMNS, *PLACE)
    return {name: finite(getattr(record, name)) for name in names}


def read_journal(path: Path) -> list[tuple[RungRecord, ...]]:
    """All traces in the order they were finished, without opening the journal for writing.

    Raises:
        InputError: The file is missing, is no journal, is of another version, or is damaged before its
            last line.
    """
    if not is_there(path):
        raise InputError(f"{path} is not there; needed: the journal of a study that was started")
    return [trace for _, trace in journal_file(path).read()]


def has_failures(path: Path) -> bool:
    """Whether a trace of the journal failed; False without a journal. Much faster than reading the traces.

    Raises:
        InputError: The file is no journal, or is of another version.
    """
    return any(_HAS_ERROR in line for _, line in journal_file(path).read_lines())


@dataclass(frozen=True, slots=True)
class TryState(CutShort):
    """What a try of a trace has taken so far, or in all.

    Attributes:
        journal_bytes: Length of the journal when the try began; None once it has ended without rows.
    """

    journal_bytes: int | None = None

    def usage(self) -> CutShort:
        """Return what it has taken."""
        return CutShort(*self.key, self.paid, self.unanswered)


_TRY_STATE = TypeAdapter(TryState)
_UNFINISHED = {"overthink.unfinished": 1}


def unfinished_file(path: Path) -> JsonLines[CutShort]:
    """Return the file of tries without rows that no run writes to: the token usage of one per line."""
    dump = partial(_CUT_SHORT.dump_python, mode="json", exclude=_DIVIDED)
    return JsonLines(path, _UNFINISHED, _CUT_SHORT, dump)


def try_file(path: Path) -> JsonLines[TryState]:
    """Return the same file as a run writes it: of each try in flight, the last line counts."""
    dump = partial(_TRY_STATE.dump_python, mode="json", exclude=_DIVIDED)
    return JsonLines(path, {"overthink.unfinished": 2}, _TRY_STATE, dump, is_synced=False, earlier=_UNFINISHED)


def read_unfinished(path: Path) -> list[CutShort]:
    """Read the tries without rows, those that a kill has met at the end; empty where there is no such file.

    Of a run that goes on, they are the tries in flight.

    Raises:
        InputError: The file is of another kind or version, or damaged before its last line.
    """
    without_rows, in_flight = read_tries(path)
    return [*without_rows, *in_flight]


def read_tries(path: Path) -> tuple[list[CutShort], list[CutShort]]:
    """Read the tries that ended without rows, and those that were or are in flight.

    A try in flight has ended if the journal beside the file has its trace behind the place where it began.

    Args:
        path: The file.

    Raises:
        InputError: The file is of another kind or version, or damaged before its last line.
    """
    without_rows, in_flight = list[CutShort](), dict[TraceKey, TryState]()
    for number, state in try_file(path).read():
        _check_counts(state, f"{path}, line {number}")
        if state.journal_bytes is None:
            in_flight.pop(state.key, None)
            without_rows.append(state.usage())
        else:
            in_flight[state.key] = state
    if in_flight:
        first = min(state.journal_bytes or 0 for state in in_flight.values())
        for offset, (row, *_) in journal_file(StudyFolder(path.parent).journal).read_behind(first):
            own = in_flight.get((row.task, row.arm, row.question, row.draw))
            if own is not None and offset >= (own.journal_bytes or 0):
                del in_flight[own.key]
    return without_rows, [state.usage() for state in in_flight.values()]


def _check_counts(state: TryState, where: str) -> None:
    counts = dataclasses.asdict(state.paid) | {
        "unanswered": state.unanswered,
        "draw": state.draw,
        "journal_bytes": state.journal_bytes,
    }
    below = [name for name, count in counts.items() if count is not None and count < 0]
    if below:
        raise InputError(f"{where}: {below[0]} is {counts[below[0]]}; needed: a count from 0")


def thoughts_file(path: Path) -> JsonLines[Thought]:
    """Return the file of thinking token ids: one trace per line."""
    return JsonLines(path, {"overthink.thoughts": 2}, _THOUGHT)


def read_thoughts(path: Path) -> dict[TraceKey, tuple[int, ...]]:
    """Token ids by trace; where a trace was tried twice, the later. Empty where there is no such file.

    Raises:
        InputError: The file is of another kind or version, or damaged before its last line.
    """
    return {(task, arm, question, draw): ids for _, (task, arm, question, draw, ids) in thoughts_file(path).read()}


def decisions_file(path: Path) -> JsonLines[TraceDecisions]:
    """Return the file of decisions: one trace per line."""
    return JsonLines(path, {"overthink.decisions": 1}, _DECISIONS)


def read_decisions(path: Path) -> dict[TraceKey, TraceDecisions]:
    """Decisions by trace; where a trace was tried twice, the later. Empty where there is no such file.

    Raises:
        InputError: The file is of another kind or version, or damaged before its last line.
    """
    return {trace.key: trace for _, trace in decisions_file(path).read()}


def latent_file(path: Path, setting: dict[str, object]) -> SettingLines[LatentTrace]:
    """Return the file of traces of a latent model: one trace per line, under what they have in common."""

    def dump(trace: LatentTrace) -> object:
        records, changes = trace
        return [[_stored(record) for record in records], _CHANGES.dump_python(changes, mode="json")]

    return SettingLines(path, _LATENT, _LATENT_TRACE, setting, dump)


def latent_setting(path: Path) -> dict[str, str | int | float | None] | None:
    """Read what the traces of a latent model have in common; None where there is no such file, or it is empty.

    Raises:
        InputError: The file is of another kind or version, or damaged.
    """
    return next((setting for _, setting in JsonLines(path, _LATENT, _SETTING).read()), None)


def read_latent(path: Path) -> list[LatentTrace]:
    """Read all traces of a latent model in the order they were finished; none where there is no such file.

    Raises:
        InputError: The file is of another kind or version, or damaged before its last line.
    """
    return [trace for _, trace in JsonLines(path, _LATENT, _LATENT_TRACE).read(skip=1)]


def wave_file(path: Path) -> JsonLines[WaveDraws]:
    """Return the file of waves: one wave of one task per line."""
    return JsonLines(path, {"overthink.waves": 1}, _WAVE)


def wave_draws(task: str, questions: Sequence[str], counts: DrawCounts) -> WaveDraws:
    """Return a wave of a task, to be stored.

    Args:
        task: The task.
        questions: Its questions.
        counts: Number of draws of each question, at least one.
    """
    return WaveDraws(task=task, draws=dict(zip(questions, counts.tolist(), strict=True)))


def read_waves(path: Path) -> dict[str, Waves]:
    """Read all waves by task; empty where there is no such file.

    Raises:
        InputError: The file is of another kind or version, or damaged before its last line.
    """
    waves_by_task: dict[str, Waves] = {}
    for number, wave in wave_file(path).read():
        try:
            before = waves_by_task.get(wave.task)
            questions = tuple(wave.draws) if before is None else before.questions
            if others := sorted(wave.draws.keys() ^ {*questions}):
                raise ValueError(f"draws of {', '.join(others)[:200]} are not in both this and the first wave")
            counts = np.array([wave.draws[name] for name in questions], dtype=np.int64)
            waves_by_task[wave.task] = Waves(questions, counts[None, :]) if before is None else before.with_wave(counts)
        except (OverflowError, ValueError) as failure:
            raise InputError(f"{path}, line {number}, does not fit the waves before it: {failure}") from failure
    return waves_by_task


BYTES_BETWEEN = 2**20
"""Length of the lines of tries in flight behind which the file is written anew, without those of finished traces."""


class TryFile:
    """The file of tries, open while a run writes to it.

    Opening it ends the tries that a killed run has left in flight. At the end of the block it has one line for every
    try without rows.

    Args:
        path: The file.
        journal: The journal beside it, open.

    Raises:
        InputError: On opening: the file or the journal is damaged.
        StoppedError: On opening: the disk is full.
    """

    def __init__(self, path: Path, journal: JsonLines[tuple[RungRecord, ...]]) -> None:
        self._path, self._journal = path, journal
        self._without_rows: list[CutShort] = []
        self._in_flight: dict[TraceKey, TryState] = {}
        self._file = try_file(path)
        self._begin = 0

    def __enter__(self) -> Self:
        self._without_rows = read_unfinished(self._path)
        with self._file:  # refuses links before the file is replaced
            pass
        self._write_anew()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.__exit__(None, None, None)
        with suppress(StoppedError):  # a full disk: the file says the same as it is
            unfinished_file(self._path).replace(self._tries())

    def update(self, usage: CutShort) -> None:
        """Store what a try in flight has taken so far.

        On a full disk nothing is stored: the journal, which is written next, ends the run.

        Args:
            usage: Its usage, with the requests that have no answer yet.
        """
        earlier = self._in_flight.get(usage.key)
        begin = self._journal.length if earlier is None else earlier.journal_bytes
        state = TryState(*usage.key, usage.paid, usage.unanswered, begin)
        if earlier == state:
            return
        self._in_flight[usage.key] = state
        with suppress(StoppedError):
            self._file.append(state)
            if self._file.length - self._begin > BYTES_BETWEEN:
                self._write_anew()

    def end(self, usage: CutShort) -> None:
        """Store what a try took in all that ends without rows; one whose rows are stored is left out."""
        if self._in_flight.pop(usage.key, None) is None or (usage.paid == NO_USAGE and not usage.unanswered):
            return
        self._without_rows.append(usage)
        with suppress(StoppedError):
            self._file.append(TryState(*usage.key, usage.paid, usage.unanswered))

    def finish(self, key: TraceKey) -> None:
        """Leave out the try of a trace whose rows are in the journal now."""
        self._in_flight.pop(key, None)

    def _tries(self) -> list[CutShort]:
        return [*self._without_rows, *(state.usage() for state in self._in_flight.values())]

    def _write_anew(self) -> None:
        self._file.__exit__(None, None, None)
        tries = (TryState(*usage.key, usage.paid, usage.unanswered) for usage in self._without_rows)
        self._file = try_file(self._path)
        self._file.replace([*tries, *self._in_flight.values()])
        self._file.__enter__()
        self._begin = self._file.length
