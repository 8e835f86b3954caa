"""Runs behind foreign logs: their conditions, their places on curves, and which of them are pooled."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from inspect_ai.log import EvalSampleSummary
from numpy.typing import NDArray

from overthink.collect.inspect_logs.files import OpenLog
from overthink.collect.inspect_logs.thinking import ADVICE, run_requests
from overthink.collect.inspect_logs.traces import LogTrace
from overthink.data.arm_notes import placement_notes
from overthink.data.arms_of_runs import ModelRun, Placement, ReportedTokens, assign_curves
from overthink.data.conditions import conditions_text, settings_in
from overthink.data.record import RungRecord
from overthink.data.tokens import TokenUsage
from overthink.paths import name_text
from overthink.stats.pooling import NOT_ALIKE, p_exchangeable


@dataclass(frozen=True, slots=True, eq=False)
class LogRuns:
    """The runs of foreign logs, in the order of the logs.

    Attributes:
        runs: What each requested, and everything else that could change its measurement.
        placements: Arm and rung of each.
        notes: Why runs of one model and task stand apart.
    """

    runs: Sequence[ModelRun]
    placements: list[Placement]
    notes: list[str]

    def conditions(self, log: int, scorer: str) -> str:
        """Return the conditions of the rows of one log and scorer: all its settings but those of other scorers.

        Args:
            log: Index of the log.
            scorer: `scorer` or `scorer.key`.
        """
        own = f"scorer.{scorer.partition('.')[0]}."
        settings = self.runs[log].other.items()
        return conditions_text({name: v for name, v in settings if not name.startswith("scorer.") or own in name})


def place_logs(
    logs: Sequence[OpenLog], tasks: Sequence[str], traces: Sequence[LogTrace], ladder: str | None
) -> LogRuns:
    """Return the runs of the logs with their places.

    Args:
        logs: The logs.
        tasks: Task name of each.
        traces: Their finished samples.
        ladder: Name of the setting that is the ladder; None to look for it.

    Raises:
        InputError: The ladder names no setting, or one without an order.
    """
    by_log: dict[int, list[LogTrace]] = defaultdict(list)
    for trace in traces:
        by_log[trace.log].append(trace)
    requests = run_requests([log.header for log in logs], tasks, ladder)
    content = _changed_content(tasks, traces)
    others = _other_models(logs, tasks, by_log)
    runs = []
    for i, (task, request) in enumerate(zip(tasks, requests, strict=True)):
        usage: list[TokenUsage] = [trace.tokens for trace in by_log[i]]
        conditions = {**request.conditions, **others.get(i, {}), **content.get(i, {})}
        tokens = ReportedTokens.of(usage)
        runs.append(ModelRun(task, request.model, request.thinking, conditions, tokens, request.family))
    placements = assign_curves(runs)
    with_samples = [i for i in range(len(runs)) if by_log[i]]
    notes = placement_notes([runs[i] for i in with_samples], [placements[i] for i in with_samples], advice=ADVICE)
    return LogRuns(runs, placements, notes)


def _changed_content(tasks: Sequence[str], traces: Sequence[LogTrace]) -> dict[int, dict[str, str]]:
    """Return a hash of the questions whose text or target is another one in another log of the task, by log."""
    variants: dict[tuple[str, str], dict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
    for trace in traces:
        variants[tasks[trace.log], trace.question][_digest(trace.summary)].add(trace.log)
    changed: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for (_, question), by_digest in sorted(variants.items(), key=lambda item: item[0]):
        if len(by_digest) > 1:
            for digest, logs in sorted(by_digest.items()):
                for log in logs:
                    changed[log].append((question, digest))
    return {
        log: {"dataset.content": f"{len(questions)} questions {_hash(questions)}"} for log, questions in changed.items()
    }


def _digest(summary: EvalSampleSummary) -> str:
    """Return a hash of what a sample asks. Choices may be in another order in each run, and then the target is, too."""
    text = summary.input
    asked = text if isinstance(text, str) else [(message.role, message.text) for message in text]
    return _hash([asked, sorted(summary.choices) if summary.choices else summary.target])


def _hash(value: object) -> str:
    return hashlib.sha256(json.dumps(value, default=str).encode()).hexdigest()[:8]


def _other_models(
    logs: Sequence[OpenLog], tasks: Sequence[str], by_log: dict[int, list[LogTrace]]
) -> dict[int, dict[str, str]]:
    """Return the models that were asked beside the evaluated one, by log, where each run of a task asked others.

    Header and arguments do not name every judge: a scorer may take its model from the environment. A run that asked
    none more than the others did says nothing, as a judge is not asked of every answer.
    """
    asked: dict[int, set[str]] = {}
    for i, members in by_log.items():
        fallbacks = {f.fallback_model for trace in members for f in trace.summary.model_fallbacks or ()}
        used = {model for trace in members for model in trace.summary.model_usage}
        bound = (logs[i].header.eval.model_roles or {}).values()
        roles = {config.model for each in bound for config in (each if isinstance(each, list) else [each])}
        asked[i] = used - fallbacks - roles - {logs[i].header.eval.model}
    groups: dict[tuple[str, str], list[int]] = defaultdict(list)
    for i in asked:
        groups[tasks[i], logs[i].header.eval.model].append(i)
    others: dict[int, dict[str, str]] = {}
    for group in groups.values():
        common = set.intersection(*(asked[i] for i in group))
        own = {i: asked[i] - common for i in group}
        if len(group) > 1 and all(own.values()):
            others |= {i: {"models_used": ", ".join(sorted(own[i]))} for i in group}
    return others


def pooled_runs(rows: Sequence[tuple[RungRecord, OpenLog]]) -> tuple[list[tuple[RungRecord, OpenLog]], list[str]]:
    """Return the rows, and a note for every rung with draws of several runs: how many, and whether they are alike.

    Rows of runs that are shown not to be draws of one thing get the run among their conditions, so that no verdict
    rests on their mean.
    """
    cells: dict[tuple[str, ...], dict[str, dict[str, list[float]]]] = defaultdict(lambda: defaultdict(dict))
    names: dict[str, str] = {}
    for row, log in rows:
        run = log.header.eval.task_id or log.header.eval.run_id or str(log.path)
        names[run] = name_text(log.path.name)
        if row.value is not None:
            cells[_rung_key(row)][run].setdefault(row.question, []).append(row.value)
    notes, unlike = [], set()
    for key, by_run in cells.items():
        if len(by_run) < 2:
            continue
        p = p_exchangeable(_means(by_run.values()))
        if p < NOT_ALIKE:
            unlike.add(key)
        notes.append(_pooled_note(key, [names[run] for run in by_run], p))
    if not unlike:
        return list(rows), notes
    return [(_with_run(row, log) if _rung_key(row) in unlike else row, log) for row, log in rows], notes


def _rung_key(row: RungRecord) -> tuple[str, ...]:
    level = row.effort or ("default" if row.requested_tokens is None else f"{row.requested_tokens} tokens")
    return row.task, row.scorer, row.arm, str(row.estimand), level


def _means(by_run: Iterable[dict[str, list[float]]]) -> NDArray[np.float64]:
    runs = list(by_run)
    questions = sorted({question for run in runs for question in run})
    return np.array([[np.mean(run[q]) if q in run else np.nan for run in runs] for q in questions])


def _pooled_note(key: tuple[str, ...], files: Sequence[str], p: float) -> str:
    task, scorer, arm, _, level = key
    shown = ", ".join(files[:4]) + (", …" if len(files) > 4 else "")
    pooled = f"Task {task}, {scorer}, arm {arm} at {level}: {len(files)} runs pooled as draws ({shown})."
    if np.isnan(p):
        return f"{pooled} Whether they are alike is unknown: they share too few questions."
    if p < NOT_ALIKE:
        return f"{pooled} They are not alike (paired by question, p = {p:.2g}): something differs that no log states."
    return f"{pooled} No difference between them is shown (paired by question, p = {p:.2g})."


def _with_run(row: RungRecord, log: OpenLog) -> RungRecord:
    return replace(row, conditions=conditions_text({**settings_in(row.conditions or "{}"), "run": log.path.name}))
