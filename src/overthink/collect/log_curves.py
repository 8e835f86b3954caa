"""From logs made by others to the rows of their curves."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from inspect_ai.log import EvalSampleSummary

from overthink.collect.log_checkpoints import (
    CheckpointUnit,
    Grid,
    Path,
    common_budgets,
    has_checkpoints,
    read_paths,
)
from overthink.collect.log_files import OpenLog
from overthink.collect.log_meaning import Meaning
from overthink.collect.log_rows import Scale, checkpoint_rows, outcome_row
from overthink.collect.log_scores import answer_of, usable_scorers
from overthink.collect.log_setting import other_settings, thinking_setting
from overthink.collect.log_time import timed
from overthink.collect.log_traces import Trace, changed_questions, distinct_traces, number_draws
from overthink.core.human_label import AnswerAt
from overthink.core.layout import Run, Seat, lay_out
from overthink.core.record import Axis, RungRecord
from overthink.errors import InputError


@dataclass(frozen=True, slots=True, eq=False)
class ForeignLogs:
    """Logs made by others, and how they are to be read.

    Attributes:
        study: Name for the rows.
        logs: The logs, oldest first.
        meanings: By log: how its scores are read.
        unit: What checkpoints are compared at.
    """

    study: str
    logs: Sequence[OpenLog]
    meanings: Sequence[Meaning]
    unit: CheckpointUnit

    def rows(self, notes: list[str]) -> list[RungRecord]:
        """All rows of the pool that the logs hold; what was assumed is added to ``notes``.

        Raises:
            InputError: A scorer is missing or must be named, or checkpoints cannot be compared.
        """
        traces, more = distinct_traces(self.logs, [meaning.derived for meaning in self.meanings])
        notes += more + changed_questions(self.logs, traces)
        traces = timed(self.logs, traces)
        seats = self._seats(traces)
        scales = self._scales(traces, notes)
        records = list(self._outcomes(traces, seats, scales))
        records += self._checkpoints(traces, seats, scales, notes)
        apart = sorted({seat.arm for seat in seats if seat.apart})
        if apart:
            notes.append(f"Thinking is counted beside the output, and was added to it, for: {', '.join(apart)}.")
        unscored = sum(record.error is not None for record in records)
        if unscored:
            notes.append(f"{unscored} of {len(records)} rows have an error or no score; they have no value.")
        return records

    def origins(self) -> dict[AnswerAt, tuple[OpenLog, EvalSampleSummary]]:
        """Where the log holds the answer of every row, apart from those of checkpoints on the way."""
        traces, _ = distinct_traces(self.logs, [meaning.derived for meaning in self.meanings])
        seats = self._seats(traces)
        found: dict[AnswerAt, tuple[OpenLog, EvalSampleSummary]] = {}
        for trace, draw in zip(traces, self._draws(traces, seats), strict=True):
            seat = seats[trace.log]
            place = (self._task(trace), seat.arm, str(seat.estimand), trace.question, draw, seat.rung)
            found[place] = self.logs[trace.log], trace.summary
        return found

    def _draws(self, traces: Sequence[Trace], seats: list[Seat]) -> list[int]:
        return number_draws(traces, [(self._task(t), seats[t.log].arm, seats[t.log].rung) for t in traces])

    def _seats(self, traces: Sequence[Trace]) -> list[Seat]:
        """The seat of every log."""
        usage: dict[int, list[tuple[int | None, int | None]]] = defaultdict(list)
        for trace in traces:
            usage[trace.log].append((trace.tokens.thinking, trace.tokens.output))
        runs = []
        for i, log in enumerate(self.logs):
            spec = log.header.eval
            runs.append(
                Run(
                    self.meanings[i].task,
                    spec.model,
                    thinking_setting(log.header),
                    other_settings(log.header),
                    usage[i],
                )
            )
        return lay_out(runs)

    def _scales(self, traces: Sequence[Trace], notes: list[str]) -> dict[str, list[Scale]]:
        """By task: how each usable scorer is read."""
        by_task: dict[str, list[Trace]] = defaultdict(list)
        for trace in traces:
            by_task[self._task(trace)].append(trace)
        scales: dict[str, list[Scale]] = {}
        for task, members in by_task.items():
            names, left_out = usable_scorers([trace.values for trace in members])
            notes += [f"Task {task}: {note}" for note in left_out]
            meaning = self.meanings[members[0].log]
            names = _chosen(task, names, meaning, notes)
            if len(names) > 1:
                notes.append(f"Task {task} has several scores, each a curve of its own: {', '.join(names)}.")
            scales[task] = [
                Scale(
                    study=self.study,
                    task=task,
                    scorer=name,
                    axis=meaning.axis,
                    flip=meaning.flip,
                    has_answers=any(answer_of(trace.summary.scores, name) for trace in members),
                    max_tokens=None,
                )
                for name in names
            ]
        return scales

    def _outcomes(
        self, traces: Sequence[Trace], seats: list[Seat], scales: dict[str, list[Scale]]
    ) -> Iterator[RungRecord]:
        draws = self._draws(traces, seats)
        caps = [thinking_setting(log.header).max_tokens for log in self.logs]
        for scale in (scale for of_task in scales.values() for scale in of_task):
            by_log = [replace(scale, max_tokens=cap) for cap in caps]
            for trace, draw in zip(traces, draws, strict=True):
                if self._task(trace) == scale.task:
                    yield outcome_row(trace, draw, seat=seats[trace.log], scale=by_log[trace.log])

    def _checkpoints(
        self, traces: Sequence[Trace], seats: list[Seat], scales: dict[str, list[Scale]], notes: list[str]
    ) -> Iterator[RungRecord]:
        by_log: dict[int, list[Trace]] = defaultdict(list)
        for trace in traces:
            by_log[trace.log].append(trace)
        groups: dict[tuple[str, str, str, bool], list[tuple[Trace, Path]]] = defaultdict(list)
        for i, members in by_log.items():
            if has_checkpoints(self.logs[i]):
                seat = seats[i]
                arm = f"{seat.arm} [{seat.effort}]" if seat.effort else seat.arm
                paths = read_paths(self.logs[i], [trace.summary for trace in members])
                groups[self._task(members[0]), arm, seat.model, seat.apart] += zip(members, paths, strict=True)
        for (task, arm, model, apart), walked in groups.items():
            grid = Grid(arm, model, self.unit, common_budgets([path for _, path in walked], self.unit), apart)
            if not grid.budgets:
                raise InputError(
                    f"task {task}, arm {arm}: the {self.unit} at its checkpoints is unknown; compare at turns"
                )
            notes.append(
                f"Task {task}, arm {arm}: scores on the way make a checkpoint curve against {self.unit}; at "
                "each budget stands the last score at or below it."
            )
            draws = number_draws([trace for trace, _ in walked], [None] * len(walked))
            for scale in scales[task]:
                for (trace, path), draw in zip(walked, draws, strict=True):
                    yield from checkpoint_rows(trace, draw, path, grid=grid, scale=scale)

    def _task(self, trace: Trace) -> str:
        return self.meanings[trace.log].task


def _chosen(task: str, names: list[str], meaning: Meaning, notes: list[str]) -> list[str]:
    if meaning.scorer in names:
        return [meaning.scorer]
    if meaning.scorer is not None:
        if not (names and meaning.tabled and meaning.axis is Axis.CAPABILITY):
            raise InputError(
                f"task {task} has no scorer {meaning.scorer!r} with values in [0, 1]; it has: {', '.join(names)}"
            )
        notes.append(f"Task {task}: its log has no scorer {meaning.scorer} (another version?); all it has are read.")
    if len(names) > 1 and meaning.axis is not Axis.CAPABILITY:
        raise InputError(
            f"task {task} has several scores ({', '.join(names)}); on the {meaning.axis} axis name the one to read"
        )
    return names
