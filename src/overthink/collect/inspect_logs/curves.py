"""From foreign logs to the rows of their curves.

Settings of a run from the header of its log: the thinking allowance, and all other settings.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from inspect_ai.log import EvalLog, EvalSampleSummary
from inspect_ai.model import GenerateConfig

from overthink.collect.inspect_logs.checkpoints import (
    Grid,
    LogCheckpointUnit,
    LogPath,
    common_budgets,
    has_checkpoints,
    read_paths,
)
from overthink.collect.inspect_logs.files import OpenLog
from overthink.collect.inspect_logs.meaning import Meaning
from overthink.collect.inspect_logs.rows import LogScale, checkpoint_rows, outcome_row
from overthink.collect.inspect_logs.times import add_seconds
from overthink.collect.inspect_logs.traces import (
    LogTrace,
    answer_of,
    changed_questions,
    distinct_traces,
    number_draws,
    usable_scorers,
)
from overthink.collect.providers.reasoning_levels import cap_in
from overthink.data.arms_of_runs import ModelRun, Placement, ReportedTokens, assign_curves
from overthink.data.labels import AnswerPosition
from overthink.data.ladder import ThinkingSetting
from overthink.data.record import Axis, RungRecord
from overthink.data.secrets import is_secret_name, without_secrets
from overthink.data.tokens import TokenUsage
from overthink.errors import InputError

_SAMPLING = (
    "temperature",
    "top_p",
    "top_k",
    "system_message",
    "frequency_penalty",
    "presence_penalty",
    "stop_seqs",
    "best_of",
    "num_choices",
    "reasoning_mode",
    "reasoning_history",
    "verbosity",
    "extra_body",
)
"""Generation settings that change the measurement. Retries, connections, seeds and logging do not."""

_LIMITS = ("token_limit", "message_limit", "turn_limit", "time_limit", "working_limit", "cost_limit")
_MAX_CHARS = 60


def thinking_setting(header: EvalLog) -> ThinkingSetting:
    """Return the thinking allowance of the run: effort level, reasoning tokens, maximum tokens."""
    config = _config(header)
    return ThinkingSetting(
        effort=config.reasoning_effort or getattr(config, "effort", None),
        reasoning_tokens=cap_in(config.extra_body)[0] if config.reasoning_tokens is None else config.reasoning_tokens,
        max_tokens=config.max_tokens,
    )


def other_settings(header: EvalLog) -> dict[str, str]:
    """Return all other settings that distinguish runs of a model, as short texts by name, without secrets."""
    spec = header.eval
    config = _config(header)
    settings: dict[str, Any] = {name: getattr(config, name, None) for name in _SAMPLING}
    settings["extra_body"] = cap_in(config.extra_body)[1]  # a cap on thinking is the rung, not another model
    settings |= {name: getattr(spec.config, name, None) for name in _LIMITS}
    settings["solver"] = spec.solver
    for args in (spec.task_args, spec.solver_args or {}, spec.model_args):
        settings |= args
    return {name: _short(value) for name, value in settings.items() if value is not None and not is_secret_name(name)}


def _config(header: EvalLog) -> GenerateConfig:
    """Return the model's own settings, overridden by those of the task and of the run, as at run time."""
    return header.eval.model_generate_config.merge(header.plan.config)


def _short(value: Any) -> str:
    text = without_secrets(value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str))
    if len(text) <= _MAX_CHARS:
        return text
    return f"{text[: _MAX_CHARS - 10]}…{hashlib.sha256(text.encode()).hexdigest()[:8]}"


@dataclass(frozen=True, slots=True, eq=False)
class ForeignLogs:
    """Foreign logs with the interpretation of their scores.

    Attributes:
        study: Study name of the rows.
        logs: The logs, oldest first.
        meanings: Interpretation of the scores, per log.
        unit: Unit in which checkpoints are compared.
    """

    study: str
    logs: Sequence[OpenLog]
    meanings: Sequence[Meaning]
    unit: LogCheckpointUnit

    def rows(self, notes: list[str]) -> list[tuple[RungRecord, OpenLog]]:
        """Return all rows of the pool, each with its log; assumptions are appended to ``notes``.

        Raises:
            InputError: A scorer is missing or must be named, or checkpoints cannot be compared.
        """
        traces, more = distinct_traces(self.logs, [meaning.derived_key for meaning in self.meanings])
        notes += more + changed_questions(self.logs, traces)
        traces = add_seconds(self.logs, traces)
        placements = self._placements(traces)
        scales = self._scales(traces, notes)
        records = list(self._outcomes(traces, placements, scales))
        records += self._checkpoints(traces, placements, scales, notes)
        separate_arms = sorted({placement.arm for placement in placements if placement.excludes_reasoning})
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
        traces, _ = distinct_traces(self.logs, [meaning.derived_key for meaning in self.meanings])
        placements = self._placements(traces)
        origins: dict[AnswerPosition, tuple[OpenLog, EvalSampleSummary]] = {}
        for trace, draw in zip(traces, self._draws(traces, placements), strict=True):
            placement = placements[trace.log]
            position = (self._task(trace), placement.arm, str(placement.estimand), trace.question, draw, placement.rung)
            origins[position] = self.logs[trace.log], trace.summary
        return origins

    def _draws(self, traces: Sequence[LogTrace], placements: list[Placement]) -> list[int]:
        return number_draws(traces, [(self._task(t), placements[t.log].arm, placements[t.log].rung) for t in traces])

    def _placements(self, traces: Sequence[LogTrace]) -> list[Placement]:
        """Return the placement (arm, rung, estimand) of every log."""
        usage: dict[int, list[TokenUsage]] = defaultdict(list)
        for trace in traces:
            usage[trace.log].append(trace.tokens)
        runs = []
        for i, log in enumerate(self.logs):
            spec = log.header.eval
            runs.append(
                ModelRun(
                    self.meanings[i].task,
                    spec.model,
                    thinking_setting(log.header),
                    other_settings(log.header),
                    ReportedTokens.of(usage[i]),
                )
            )
        return assign_curves(runs)

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
                    max_tokens=None,
                )
                for name in names
            ]
        return scales

    def _outcomes(
        self, traces: Sequence[LogTrace], placements: list[Placement], scales: dict[str, list[LogScale]]
    ) -> Iterator[tuple[RungRecord, OpenLog]]:
        draws = self._draws(traces, placements)
        caps = [thinking_setting(log.header).max_tokens for log in self.logs]
        for scale in (scale for of_task in scales.values() for scale in of_task):
            by_log = [replace(scale, max_tokens=cap) for cap in caps]
            for trace, draw in zip(traces, draws, strict=True):
                if self._task(trace) == scale.task:
                    placement, own = placements[trace.log], by_log[trace.log]
                    yield outcome_row(trace, draw, placement=placement, scale=own), self.logs[trace.log]

    def _checkpoints(
        self,
        traces: Sequence[LogTrace],
        placements: list[Placement],
        scales: dict[str, list[LogScale]],
        notes: list[str],
    ) -> Iterator[tuple[RungRecord, OpenLog]]:
        by_log: dict[int, list[LogTrace]] = defaultdict(list)
        for trace in traces:
            by_log[trace.log].append(trace)
        groups: dict[tuple[str, str, str, bool], list[tuple[LogTrace, LogPath]]] = defaultdict(list)
        for i, members in by_log.items():
            if has_checkpoints(self.logs[i]):
                placement = placements[i]
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
                for (trace, path), draw in zip(trace_paths, draws, strict=True):
                    rows = checkpoint_rows(trace, draw, path, grid=grid, scale=scale)
                    yield from ((row, self.logs[trace.log]) for row in rows)

    def _task(self, trace: LogTrace) -> str:
        return self.meanings[trace.log].task


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
        raise InputError(
            f"task {task} has several scores ({', '.join(names)}); on the {meaning.axis} axis name the one to read"
        )
    return names
