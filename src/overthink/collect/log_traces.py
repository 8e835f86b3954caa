"""The samples of several logs as traces: each once, numbered as draws of its question."""

from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

from inspect_ai.log import EvalSampleSummary

from overthink.collect.log_files import OpenLog
from overthink.collect.log_scores import flat_scores
from overthink.collect.log_usage import SampleTokens, sample_tokens


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """One finished sample of one log.

    Attributes:
        log: Position of its log.
        question: Question id.
        summary: What the log says of it without its events.
        values: Score values by `scorer` or `scorer.key`.
        tokens: What it used.
        seconds: How long it took, judges left out; None where the log does not tell, or nobody has looked yet.
    """

    log: int
    question: str
    summary: EvalSampleSummary
    values: dict[str, Any]
    tokens: SampleTokens
    seconds: float | None = None


def distinct_traces(
    logs: Sequence[OpenLog], derived: Sequence[str | None] | None = None
) -> tuple[list[Trace], list[str]]:
    """Every trace once, in the order of logs and samples.

    A retried run repeats the samples that were finished before, and a copied log all of them. Of such
    repeats the latest counts, and one without an error before one with an error.

    Args:
        logs: The logs, oldest first.
        derived: By log: the derived value to read beside those that the log holds; None for none.

    Returns:
        The traces, and notes on repeats.
    """
    kept: dict[Hashable, Trace] = {}
    repeats = 0
    for position, log in enumerate(logs):
        spec = log.header.eval
        for summary in log.summaries:
            if not (summary.completed or summary.scores or summary.error):
                continue  # still running
            key = (spec.task_id or spec.eval_id, spec.model, summary.id, summary.epoch)
            before = kept.get(key)
            repeats += before is not None
            if before is None or not summary.error or before.summary.error:
                tokens = sample_tokens(spec, summary.model_usage, summary.role_usage)
                values = flat_scores(summary.scores, None if derived is None else derived[position])
                kept[key] = Trace(position, str(summary.id), summary, values, tokens)
    notes = [f"{repeats} samples are in more than one log (a retry or a copy); each counts once."] if repeats else []
    return sorted(kept.values(), key=lambda trace: trace.log), notes


def number_draws(traces: Sequence[Trace], cells: Sequence[Hashable]) -> list[int]:
    """The draw of every trace, from 0 within its question and cell, in the order of logs and epochs.

    Args:
        traces: The traces.
        cells: For every trace, what it is compared within: its curve and rung.
    """
    grouped: dict[Hashable, list[int]] = defaultdict(list)
    for i, (trace, cell) in enumerate(zip(traces, cells, strict=True)):
        grouped[cell, trace.question].append(i)
    draws = [0] * len(traces)
    for members in grouped.values():
        ordered = sorted(members, key=lambda i: (traces[i].log, traces[i].summary.epoch))
        for draw, i in enumerate(ordered):
            draws[i] = draw
    return draws


def changed_questions(logs: Sequence[OpenLog], traces: Sequence[Trace]) -> list[str]:
    """A note for each task where one question id stands for different texts in different logs."""
    texts: dict[tuple[str, str], set[str]] = defaultdict(set)
    for trace in traces:
        if isinstance(trace.summary.input, str):
            texts[logs[trace.log].header.eval.task, trace.question].add(trace.summary.input)
    tasks: dict[str, int] = defaultdict(int)
    for (task, _), seen in texts.items():
        tasks[task] += len(seen) > 1
    return [
        f"Task {task}: {count} question ids stand for different texts in different logs, so differences "
        "between budgets are not paired by question. Give the samples ids of their own."
        for task, count in tasks.items()
        if count
    ]
