"""Samples of several logs as traces: each once, numbered as draws of its question."""

from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

from inspect_ai.log import EvalSampleSummary

from overthink.collect.inspect_logs.files import OpenLog
from overthink.collect.inspect_logs.log_scores import flat_scores
from overthink.collect.inspect_logs.log_usage import SampleTokens, sample_tokens


@dataclass(frozen=True, slots=True, eq=False)
class LogTrace:
    """One finished sample of one log.

    Attributes:
        log: Index of its log.
        question: Question id.
        summary: Summary of the sample in the log.
        values: Score values by `scorer` or `scorer.key`.
        tokens: Token usage.
        seconds: Wall-clock seconds without judges; None if not recorded or not read yet.
    """

    log: int
    question: str
    summary: EvalSampleSummary
    values: dict[str, Any]
    tokens: SampleTokens
    seconds: float | None = None


def distinct_traces(
    logs: Sequence[OpenLog], derived_keys: Sequence[str | None] | None = None
) -> tuple[list[LogTrace], list[str]]:
    """Return every trace once, in the order of logs and samples.

    A retried run repeats the samples that were finished before, and a copied log all of them. Of such
    repeats the latest counts, and one without an error takes precedence over one with an error.

    Args:
        logs: The logs, oldest first.
        derived_keys: Key of a derived value to add to the stored ones, per log; None for none.

    Returns:
        The traces, and notes on repeats.
    """
    traces_by_key: dict[Hashable, LogTrace] = {}
    repeats = 0
    for position, log in enumerate(logs):
        spec = log.header.eval
        for summary in log.summaries:
            if not (summary.completed or summary.scores or summary.error):
                continue  # still running
            key = (spec.task_id or spec.eval_id, spec.model, summary.id, summary.epoch)
            before = traces_by_key.get(key)
            repeats += before is not None
            if before is None or not summary.error or before.summary.error:
                tokens = sample_tokens(spec, summary.model_usage, summary.role_usage)
                values = flat_scores(summary.scores, None if derived_keys is None else derived_keys[position])
                traces_by_key[key] = LogTrace(position, str(summary.id), summary, values, tokens)
    notes = [f"{repeats} samples are in more than one log (a retry or a copy); each counts once."] if repeats else []
    return sorted(traces_by_key.values(), key=lambda trace: trace.log), notes


def number_draws(traces: Sequence[LogTrace], cells: Sequence[Hashable]) -> list[int]:
    """Return the draw of every trace, from 0 within its question and cell, in the order of logs and epochs.

    Args:
        traces: The traces.
        cells: Curve and rung of every trace.
    """
    by_cell: dict[Hashable, list[int]] = defaultdict(list)
    for i, (trace, cell) in enumerate(zip(traces, cells, strict=True)):
        by_cell[cell, trace.question].append(i)
    draws = [0] * len(traces)
    for members in by_cell.values():
        order = sorted(members, key=lambda i: (traces[i].log, traces[i].summary.epoch))
        for draw, i in enumerate(order):
            draws[i] = draw
    return draws


def changed_questions(logs: Sequence[OpenLog], traces: Sequence[LogTrace]) -> list[str]:
    """Return a note for each task with different question texts under one id in different logs."""
    texts: dict[tuple[str, str], set[str]] = defaultdict(set)
    for trace in traces:
        if isinstance(trace.summary.input, str):
            texts[logs[trace.log].header.eval.task, trace.question].add(trace.summary.input)
    tasks: dict[str, int] = defaultdict(int)
    for (task, _), variants in texts.items():
        tasks[task] += len(variants) > 1
    return [
        f"Task {task}: {count} question ids stand for different texts in different logs, so differences "
        "between budgets are not paired by question. Give the samples ids of their own."
        for task, count in tasks.items()
        if count
    ]
