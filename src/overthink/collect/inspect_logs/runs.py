"""Runs behind foreign logs: their conditions, their places on curves, and which of them are pooled."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from overthink.collect.inspect_logs.files import OpenLog
from overthink.collect.inspect_logs.prompts import content_digest
from overthink.collect.inspect_logs.settings import (
    equal_level_notes,
    question_ids,
    role_models,
    selection_text,
    setting_text,
    value_hash,
)
from overthink.collect.inspect_logs.thinking import ADVICE, RunRequest, run_requests
from overthink.collect.inspect_logs.traces import LogTrace
from overthink.data.arms_of_runs import ModelRun, Placement, ReportedTokens, assign_curves, placement_notes
from overthink.data.conditions import conditions_text, settings_in
from overthink.data.record import RungRecord
from overthink.paths import name_text
from overthink.stats.testing import NOT_ALIKE, p_exchangeable


@dataclass(frozen=True, slots=True, eq=False)
class LogRuns:
    """The runs of foreign logs that have samples, by index of the log.

    Attributes:
        runs: What each requested, and everything else that could change its measurement.
        placements: Arm and rung of each.
        notes: Where ladders were read from, and why runs of one model and task stand apart.
    """

    runs: Mapping[int, ModelRun]
    placements: Mapping[int, Placement]
    notes: list[str]

    def conditions(self, log: int, scorer: str) -> str:
        """Return the conditions of the rows of one log and scorer: all its settings but those of other scorers.

        Args:
            log: Index of the log.
            scorer: `scorer` or `scorer.key`.
        """
        own = f"scorer.{scorer.partition('.')[0]}."
        settings = self.runs[log].other.items()
        return conditions_text(
            {name: v for name, v in settings if not name.startswith("scorer.") or name.startswith(own)}
        )


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
    used = sorted(by_log)  # a run without a finished sample measured nothing, and tells no others apart
    own_tasks = [tasks[i] for i in used]
    requests = run_requests([logs[i].header for i in used], own_tasks, ladder)
    content = _changed_content(tasks, traces)
    others = _other_models(logs, tasks, by_log)
    served = _served_models(logs, tasks, by_log)
    prompts = _prompts(own_tasks, requests, [by_log[i] for i in used])
    runs = []
    for i, task, request, prompt in zip(used, own_tasks, requests, prompts, strict=True):
        conditions = {**prompt, **request.conditions, **others.get(i, {}), **served.get(i, {}), **content.get(i, {})}
        tokens = ReportedTokens.of(trace.tokens for trace in by_log[i])
        runs.append(ModelRun(task, request.model, request.thinking, conditions, tokens, request.family))
    placements = assign_curves(runs)
    notes = [*_ladder_notes(own_tasks, requests), *equal_level_notes(logs[i].header for i in used)]
    notes += placement_notes(runs, placements, advice=ADVICE)
    questions = _question_sets([logs[i] for i in used], own_tasks, placements)
    whole = [replace(run, other=run.other | own) for run, own in zip(runs, questions, strict=True)]
    return LogRuns(dict(zip(used, whole, strict=True)), dict(zip(used, placements, strict=True)), notes)


def _ladder_notes(tasks: Sequence[str], requests: Sequence[RunRequest]) -> list[str]:
    """Return where the amount of thinking was read from, where that is no setting made for it."""
    sources = dict.fromkeys(
        (task, request.family or request.model, request.source)
        for task, request in zip(tasks, requests, strict=True)
        if request.source is not None
    )
    return [
        f"Task {task}: what {model} was asked to think is read from {source}. If another setting is the ladder, name "
        "it: --ladder NAME."
        for task, model, source in sources
    ]


def _question_sets(
    logs: Sequence[OpenLog], tasks: Sequence[str], placements: Sequence[Placement]
) -> list[dict[str, str]]:
    """Return the questions of the rung of each run: all that its runs were made on, as some may share them out."""
    rungs: dict[tuple[str, str, int], list[int]] = defaultdict(list)
    for i, placement in enumerate(placements):
        rungs[tasks[i], placement.arm, placement.rung].append(i)
    sets: list[dict[str, str]] = [{} for _ in logs]
    for members in rungs.values():
        ids = [question_ids(logs[i].header) for i in members]
        whole = frozenset().union(*(own for own in ids if own is not None))
        for i in members:
            text = selection_text(logs[i].header) if None in ids else f"{len(whole)} ids {value_hash(sorted(whole))}"
            sets[i] = {} if text is None else {"dataset.questions": text}
    return sets


def _changed_content(tasks: Sequence[str], traces: Sequence[LogTrace]) -> dict[int, dict[str, str]]:
    """Return a hash of the questions whose text or target is another one in another log of the task, by log."""
    variants: dict[tuple[str, str], dict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
    for trace in traces:
        variants[tasks[trace.log], trace.question][content_digest(trace.summary)].add(trace.log)
    changed: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for (_, question), by_digest in sorted(variants.items(), key=lambda item: item[0]):
        if len(by_digest) > 1:
            for digest, logs in sorted(by_digest.items()):
                for log in logs:
                    changed[log].append((question, digest))
    return {
        log: {"dataset.content": f"{len(questions)} questions {value_hash(questions)}"}
        for log, questions in changed.items()
    }


def _other_models(
    logs: Sequence[OpenLog], tasks: Sequence[str], by_log: dict[int, list[LogTrace]]
) -> dict[int, dict[str, str]]:
    """Return the models that were asked beside the evaluated one, by log, where each run of a task asked others.

    Header and arguments do not name every judge: a scorer may take its model from the environment. A run that asked
    none more than the others did says nothing, as a judge is not asked of every answer.
    """
    helpers: dict[int, set[str]] = {}
    for i, members in by_log.items():
        fallbacks = {f.fallback_model for trace in members for f in trace.summary.model_fallbacks or ()}
        used = {model for trace in members for model in trace.summary.model_usage}
        roles = {config.model for models in role_models(logs[i].header.eval).values() for config in models}
        helpers[i] = used - fallbacks - roles - {logs[i].header.eval.model}
    groups: dict[tuple[str, str], list[int]] = defaultdict(list)
    for i in helpers:
        groups[tasks[i], logs[i].header.eval.model].append(i)
    others: dict[int, dict[str, str]] = {}
    for group in groups.values():
        common = set.intersection(*(helpers[i] for i in group))
        own = {i: helpers[i] - common for i in group}
        if len(group) > 1 and (all(own.values()) or _is_used_by_some([by_log[i] for i in group])):
            others |= {i: {"models_used": ", ".join(sorted(own[i])) or "none"} for i in group}
    return others


def _is_used_by_some(logs: Sequence[Sequence[LogTrace]]) -> bool:
    """Return whether a model was asked in every sample of one log, and in none of another."""
    used = [[set(trace.summary.model_usage) for trace in log if trace.summary.model_usage] for log in logs]
    used = [samples for samples in used if len(samples) > 1]
    always = set().union(*(set.intersection(*samples) for samples in used))
    return any(not any(model in models for models in samples) for model in always for samples in used)


def _prompts(
    tasks: Sequence[str], requests: Sequence[RunRequest], traces: Sequence[Sequence[LogTrace]]
) -> list[dict[str, str]]:
    """Return the prompt of each run, where runs of equal settings have different ones, each the same in all samples.

    Prompts that differ between the samples of a run, as by choices in another order, say nothing of the run.
    """
    groups: dict[tuple[str, str, str], dict[int, str | None]] = defaultdict(dict)
    for i, (task, request, members) in enumerate(zip(tasks, requests, traces, strict=True)):
        hashes = {trace.ending.prompt for trace in members}
        only = hashes.pop() if len(hashes) == 1 and len(members) > 1 else None
        groups[task, request.family or request.model, conditions_text(request.conditions)][i] = only
    prompts: list[dict[str, str]] = [{} for _ in tasks]
    for group in groups.values():
        own_prompts = {i: prompt for i, prompt in group.items() if prompt is not None}
        if len(own_prompts) == len(group) and len(set(own_prompts.values())) > 1:
            for i, prompt in own_prompts.items():
                prompts[i] = {"prompt": setting_text(prompt)}
    return prompts


def _served_models(
    logs: Sequence[OpenLog], tasks: Sequence[str], by_log: dict[int, list[LogTrace]]
) -> dict[int, dict[str, str]]:
    """Return the models that answered, as their providers name them, by log, where runs of a model differ in that.

    A provider's name need not be the one that was asked for, as of a dated version behind an alias. Where it is
    another one in some samples, a router sent them elsewhere, or the alias moved.
    """
    counts = {
        i: Counter(trace.ending.served for trace in members if trace.ending.served) for i, members in by_log.items()
    }
    groups: dict[tuple[str, str], list[int]] = defaultdict(list)
    for i, count in counts.items():
        if count:
            groups[tasks[i], logs[i].header.eval.model].append(i)
    served: dict[int, dict[str, str]] = {}
    for group in groups.values():
        if len(set().union(*(counts[i] for i in group))) > 1:
            served |= {i: {"served_model": _shares_text(counts[i])} for i in group}
    return served


def _shares_text(counts: "Counter[str]") -> str:
    if len(counts) == 1:
        return next(iter(counts))
    return ", ".join(f"{name} in {counts[name] / counts.total():.0%}" for name in sorted(counts))


def pooled_runs(rows: Sequence[tuple[RungRecord, OpenLog]]) -> tuple[list[tuple[RungRecord, OpenLog]], list[str]]:
    """Return the rows, and a note for every rung with draws of several runs: how many, and whether they are alike.

    Rows of runs that are shown not to be draws of one thing get the run among their conditions, so that no verdict
    rests on their mean.
    """
    cells: dict[_RungKey, dict[str, dict[str, list[float]]]] = defaultdict(lambda: defaultdict(dict))
    names: dict[str, str] = {}
    for row, log in rows:
        run = log.header.eval.task_id or log.header.eval.run_id or str(log.path)
        names[run] = name_text(log.path.name)
        if row.value is not None:
            cells[_RungKey.of(row)][run].setdefault(row.question, []).append(row.value)
    p_values = {key: p_exchangeable(_means(by_run.values())) for key, by_run in cells.items() if len(by_run) > 1}
    by_arm: dict[tuple[str, str], list[_RungKey]] = defaultdict(list)
    for key in p_values:
        by_arm[key.task, key.arm].append(key)
    notes = [
        _pooled_note(keys, [[names[run] for run in cells[key]] for key in keys], [p_values[key] for key in keys])
        for keys in by_arm.values()
    ]
    unlike = {key for key, p in p_values.items() if p < NOT_ALIKE}
    if not unlike:
        return list(rows), notes
    return [(_with_run(row, log) if _RungKey.of(row) in unlike else row, log) for row, log in rows], notes


class _RungKey(NamedTuple):
    """A rung of a curve, by names."""

    task: str
    arm: str
    scorer: str
    level: str

    @classmethod
    def of(cls, row: RungRecord) -> "_RungKey":
        tokens = "default" if row.requested_tokens is None else f"{row.requested_tokens} tokens"
        return cls(row.task, row.arm, row.scorer, row.effort or tokens)


def _means(by_run: Iterable[dict[str, list[float]]]) -> NDArray[np.float64]:
    runs = list(by_run)
    questions = sorted({question for run in runs for question in run})
    return np.array([[np.mean(run[q]) if q in run else np.nan for run in runs] for q in questions])


def _pooled_note(keys: Sequence[_RungKey], files: Sequence[Sequence[str]], p_values: Sequence[float]) -> str:
    """Return which runs of an arm are pooled at its rungs, and whether they are alike."""
    by_level = dict(zip((key.level for key in keys), files, strict=True))
    counts = ", ".join(f"{len(names)} runs pooled as draws at {level}" for level, names in by_level.items())
    distinct = list(dict.fromkeys(name for names in files for name in names))
    examples = ", ".join(distinct[:4]) + (", …" if len(distinct) > 4 else "")
    pooled = f"Task {keys[0].task}, arm {keys[0].arm}: {counts} ({examples})."
    finite = [p for p in p_values if not np.isnan(p)]
    if not finite:
        return f"{pooled} Whether they are alike is unknown: they share too few questions."
    if min(finite) < NOT_ALIKE:
        p = f"paired by question, p = {min(finite):.2g}"
        return f"{pooled} They are not alike ({p}): something differs that no log states."
    least = min(1.0, min(finite) * len(finite))
    adjusted = f", adjusted over {len(finite)}" if len(finite) > 1 else ""
    test = f"paired by question, p = {least:.2g}{adjusted}, where below {NOT_ALIKE:g} is called a difference"
    return f"{pooled} No difference between them is shown ({test})."


def _with_run(row: RungRecord, log: OpenLog) -> RungRecord:
    return replace(row, conditions=conditions_text({**settings_in(row.conditions or "{}"), "run": log.path.name}))
