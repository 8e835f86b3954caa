"""From foreign logs to the rows of their curves, without answers from a cache that count already."""

from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from inspect_ai.log import EvalSampleSummary

from overthink.collect.inspect_logs.checkpoints import (
    Grid,
    LogCheckpointUnit,
    LogPath,
    at_budget,
    common_budgets,
    grid_label,
    has_checkpoints,
    read_paths,
)
from overthink.collect.inspect_logs.ending_notes import ending_notes, invalid_note, usage_notes
from overthink.collect.inspect_logs.files import OpenLog
from overthink.collect.inspect_logs.meaning import Meaning
from overthink.collect.inspect_logs.missing_samples import LOST, missing_notes
from overthink.collect.inspect_logs.runs import LogRuns, place_logs, pooled_runs
from overthink.collect.inspect_logs.set_aside import SampleRules
from overthink.collect.inspect_logs.times import add_seconds
from overthink.collect.inspect_logs.traces import (
    LogTrace,
    answer_of,
    changed_questions,
    distinct_traces,
    number_draws,
    read_traces,
    usable_scorers,
)
from overthink.collect.inspect_logs.verdicts import LogScale, final_outcome, is_truncated, log_answer, state_outcome
from overthink.data.arms_of_runs import Placement
from overthink.data.labels import AnswerPosition
from overthink.data.record import Axis, Estimand, RungRecord
from overthink.data.tokens import difference, split_response, total
from overthink.errors import InputError
from overthink.plan.stated_tasks import choice_text


def outcome_row(trace: LogTrace, draw: int, *, placement: Placement, scale: LogScale) -> RungRecord:
    """Return the row of the final outcome of a trace."""
    value, verdict, error = final_outcome(trace.values, trace, scale)
    usage = split_response(trace.tokens, excludes_reasoning=placement.excludes_reasoning)
    return RungRecord(
        study=scale.study,
        arm=placement.arm,
        axis=scale.axis,
        task=scale.task,
        scorer=scale.scorer,
        question=trace.question,
        draw=draw,
        rung=placement.rung,
        estimand=placement.estimand,
        verdict=verdict,
        value=value,
        requested_tokens=placement.requested_tokens,
        **usage.columns(),
        seconds=trace.seconds,
        attempt_seconds=trace.seconds if error is None else None,
        truncated=is_truncated(trace),
        answer=log_answer(trace, scale),
        model=placement.model,
        effort=placement.effort,
        error=error,
        conditions=scale.conditions,
        log=trace.path,
        epoch=trace.summary.epoch,
    )


def checkpoint_rows(trace: LogTrace, draw: int, path: LogPath, *, grid: Grid, scale: LogScale) -> Iterator[RungRecord]:
    """Yield the rows of a trace at every budget. ``generated_tokens`` counts the tokens newly decoded per rung."""
    before: int | None = 0
    before_seconds = 0.0
    for rung, budget in enumerate(grid.budgets):
        step, is_end = at_budget(path, budget, grid.unit)
        n_decoded = total((step.tokens, step.thinking if grid.excludes_reasoning else 0))
        scores = step.scores or {}
        value, verdict, error = final_outcome(scores, trace, scale) if is_end else state_outcome(scores, scale)
        yield RungRecord(
            study=scale.study,
            arm=grid.arm,
            axis=scale.axis,
            task=scale.task,
            scorer=scale.scorer,
            question=trace.question,
            draw=draw,
            rung=rung,
            estimand=Estimand.CHECKPOINT,
            verdict=verdict,
            value=value,
            thinking_tokens=step.thinking,
            generated_tokens=difference(n_decoded, before),
            seconds=None if step.seconds is None else max(0.0, step.seconds - before_seconds),
            attempt_seconds=step.seconds if error is None else None,
            natural_end=is_end and not trace.summary.limit and not trace.summary.error,
            truncated=is_truncated(trace) if is_end else False,
            answer=log_answer(trace, scale) if is_end else None,
            model=grid.model,
            effort=grid_label(budget, grid.unit),
            error=error,
            conditions=scale.conditions,
            log=trace.path,
            epoch=trace.summary.epoch,
        )
        before, before_seconds = n_decoded, step.seconds or before_seconds


def copied_answers(traces: Sequence[LogTrace], cells: Sequence[Hashable]) -> set[int]:
    """Return the positions of the traces whose answer came from a cache and is that of another trace of the cell.

    A cache keeps the id of the message that it stores, so that two answers of one id were generated once. The answer
    that was generated counts, or else the first that was read from the cache.

    Args:
        traces: The traces.
        cells: Curve and rung of every trace.
    """
    groups: dict[Hashable, list[int]] = defaultdict(list)
    for i, (trace, cell) in enumerate(zip(traces, cells, strict=True)):
        if trace.ending.answer_id is not None:
            groups[cell, trace.question, trace.ending.answer_id].append(i)
    copies: set[int] = set()
    for members in groups.values():
        cached = [i for i in members if traces[i].ending.is_cached]
        copies.update(cached if len(cached) < len(members) else cached[1:])
    return copies


def copies_note(n_copies: int) -> list[str]:
    """Return a note on the number of copies; none without one."""
    if not n_copies:
        return []
    return [f"{n_copies} samples have an answer from a cache that counts already: copies are no draws, and left out."]


@dataclass(frozen=True, slots=True, eq=False)
class ForeignLogs:
    """Foreign logs with the interpretation of their scores.

    Attributes:
        study: Study name of the rows.
        logs: The logs, oldest first.
        meanings: Interpretation of the scores, per log.
        unit: Unit in which checkpoints are compared.
        rules: What samples with an error and invalid ones count as.
        ladder: Name of the setting that is the ladder; None to look for it.
    """

    study: str
    logs: Sequence[OpenLog]
    meanings: Sequence[Meaning]
    unit: LogCheckpointUnit
    rules: SampleRules
    ladder: str | None = None

    def rows(self, notes: list[str]) -> list[tuple[RungRecord, OpenLog]]:
        """Return all rows of the pool, each with its log; assumptions are appended to ``notes``.

        Raises:
            InputError: A scorer is missing or must be named, checkpoints cannot be compared, or the ladder names no
                setting.
        """
        traces, runs, more = self._placed()
        notes += more + changed_questions(self.logs, traces)
        traces = add_seconds(self.logs, traces)
        placements = runs.placements
        notes += runs.notes
        scales = self._scales(traces, notes)
        records, pooled = pooled_runs(list(self._outcomes(traces, runs, scales)))
        notes += pooled
        records += self._checkpoints(traces, runs, scales, notes)
        separate_arms = sorted({placement.arm for placement in placements.values() if placement.excludes_reasoning})
        if separate_arms:
            notes.append(
                f"Thinking is counted beside the output, and was added to it, for: {', '.join(separate_arms)}."
            )
        n_unscored = sum(record.error is not None for record, _ in records)
        if n_unscored:
            notes.append(f"{n_unscored} of {len(records)} rows have an error or no score; they have no value.")
        return records

    def origins(self) -> dict[AnswerPosition, tuple[OpenLog, EvalSampleSummary]]:
        """Return log and sample of the answer of every row, except rows of intermediate checkpoints."""
        traces, runs, _ = self._placed()
        placements = runs.placements
        origins: dict[AnswerPosition, tuple[OpenLog, EvalSampleSummary]] = {}
        for trace, draw in zip(traces, self._draws(traces, placements), strict=True):
            placement = placements[trace.log]
            position = (self._task(trace), placement.arm, str(placement.estimand), trace.question, draw, placement.rung)
            origins[position] = self.logs[trace.log], trace.summary
        return origins

    def _placed(self) -> tuple[list[LogTrace], LogRuns, list[str]]:
        """Return the samples that count, each once, the runs of the logs, and notes on the samples."""
        every = read_traces(self.logs, [meaning.derived_key for meaning in self.meanings])
        valid = every if self.rules.invalid == "count" else [trace for trace in every if not trace.ending.is_invalid]
        distinct, repeats = distinct_traces(self.logs, valid)
        runs = self._runs(distinct)
        copies = copied_answers(distinct, self._cells(distinct, runs.placements))
        traces = [trace for i, trace in enumerate(distinct) if i not in copies]
        notes = [*invalid_note(every, self.rules), *repeats, *missing_notes(self.logs), *copies_note(len(copies))]
        return traces, runs, notes + ending_notes(traces, self.rules) + usage_notes(traces)

    def _cells(self, traces: Sequence[LogTrace], placements: Mapping[int, Placement]) -> list[tuple[str, str, int]]:
        return [(self._task(t), placements[t.log].arm, placements[t.log].rung) for t in traces]

    def _draws(self, traces: Sequence[LogTrace], placements: Mapping[int, Placement]) -> list[int]:
        return number_draws(traces, self._cells(traces, placements))

    def _runs(self, traces: Sequence[LogTrace]) -> LogRuns:
        return place_logs(self.logs, [meaning.task for meaning in self.meanings], traces, self.ladder)

    def _scales(self, traces: Sequence[LogTrace], notes: list[str]) -> dict[str, list[LogScale]]:
        """Return the scales of the usable scorers, by task."""
        by_task: dict[str, list[LogTrace]] = defaultdict(list)
        for trace in traces:
            by_task[self._task(trace)].append(trace)
        scales: dict[str, list[LogScale]] = {}
        for task, members in by_task.items():
            names, left_out = usable_scorers([trace.values for trace in members])
            notes += [f"Task {task}: {note}" for note in left_out]
            meaning = self.meanings[members[0].log]
            names = _choose_scorers(task, names, meaning, notes)
            if len(names) > 1:
                notes.append(f"Task {task} has several scores, each a curve of its own: {', '.join(names)}.")
            scales[task] = [
                LogScale(
                    study=self.study,
                    task=task,
                    scorer=name,
                    axis=meaning.axis,
                    flip=meaning.flip,
                    has_answers=any(answer_of(trace.summary.scores, name) for trace in members),
                    rules=self.rules,
                )
                for name in names
            ]
        return scales

    def _outcomes(
        self, traces: Sequence[LogTrace], runs: LogRuns, scales: dict[str, list[LogScale]]
    ) -> Iterator[tuple[RungRecord, OpenLog]]:
        placements = runs.placements
        draws = self._draws(traces, placements)
        for scale in (scale for of_task in scales.values() for scale in of_task):
            scale_by_log = _scale_by_log(scale, runs)
            for trace, draw in zip(traces, draws, strict=True):
                if self._task(trace) == scale.task:
                    row = outcome_row(trace, draw, placement=placements[trace.log], scale=scale_by_log[trace.log])
                    yield row, self.logs[trace.log]

    def _checkpoints(
        self,
        traces: Sequence[LogTrace],
        runs: LogRuns,
        scales: dict[str, list[LogScale]],
        notes: list[str],
    ) -> Iterator[tuple[RungRecord, OpenLog]]:
        by_log: dict[int, list[LogTrace]] = defaultdict(list)
        for trace in traces:
            if trace.summary.error != LOST:
                by_log[trace.log].append(trace)
        groups: dict[tuple[str, str, str, bool], list[tuple[LogTrace, LogPath]]] = defaultdict(list)
        for i, members in by_log.items():
            if has_checkpoints(self.logs[i]):
                placement = runs.placements[i]
                arm = f"{placement.arm} [{placement.effort}]" if placement.effort else placement.arm
                paths = read_paths(self.logs[i], [trace.summary for trace in members])
                groups[self._task(members[0]), arm, placement.model, placement.excludes_reasoning] += zip(
                    members, paths, strict=True
                )
        for (task, arm, model, excludes_reasoning), trace_paths in groups.items():
            grid = Grid(
                arm, model, self.unit, common_budgets([path for _, path in trace_paths], self.unit), excludes_reasoning
            )
            if not grid.budgets:
                raise InputError(
                    f"task {task}, arm {arm}: the {self.unit} at its checkpoints is unknown; compare at turns"
                )
            notes.append(
                f"Task {task}, arm {arm}: scores on the way make a checkpoint curve against {self.unit}; at "
                "each budget stands the last score at or below it."
            )
            draws = number_draws([trace for trace, _ in trace_paths], [None] * len(trace_paths))
            for scale in scales[task]:
                scale_by_log = _scale_by_log(scale, runs)
                for (trace, path), draw in zip(trace_paths, draws, strict=True):
                    rows = checkpoint_rows(trace, draw, path, grid=grid, scale=scale_by_log[trace.log])
                    yield from ((row, self.logs[trace.log]) for row in rows)

    def _task(self, trace: LogTrace) -> str:
        return self.meanings[trace.log].task


def _scale_by_log(scale: LogScale, runs: LogRuns) -> dict[int, LogScale]:
    """Return a scale with the conditions of each log, by its index."""
    return {i: replace(scale, conditions=runs.conditions(i, scale.scorer)) for i in runs.runs}


def _choose_scorers(task: str, names: list[str], meaning: Meaning, notes: list[str]) -> list[str]:
    if meaning.scorer in names:
        return [meaning.scorer]
    if meaning.scorer is not None:
        if not (names and meaning.is_from_table and meaning.axis is Axis.CAPABILITY):
            raise InputError(
                f"task {task} has no scorer {meaning.scorer!r} with values in [0, 1]; it has: {', '.join(names)}"
            )
        notes.append(f"Task {task}: its log has no scorer {meaning.scorer} (another version?); all it has are read.")
    if len(names) > 1 and meaning.axis is not Axis.CAPABILITY:
        raise InputError(choice_text(task, names, meaning.axis))
    return names
