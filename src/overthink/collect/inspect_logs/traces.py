"""Samples of several logs as traces: each once, numbered as draws of its question.

Values in [0, 1] from the scores of a log, by scorer. Nothing is clipped; unknown is not 0.

Token usage of a sample, split between the evaluated model and its judges.
"""

import math
from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from inspect_ai.log import EvalSampleSummary, EvalSpec
from inspect_ai.model import ModelUsage
from inspect_ai.scorer import Score

from overthink.collect.inspect_logs.endings import UNREAD, Ending, ending_of, without_missing
from overthink.collect.inspect_logs.files import OpenLog
from overthink.collect.inspect_logs.missing_samples import lost_samples
from overthink.collect.inspect_logs.sample_ends import sample_ends
from overthink.collect.inspect_logs.settings import role_models
from overthink.collect.inspect_logs.usage_gaps import UsageGap, measured_usage
from overthink.collect.scoring.score_values import DERIVED, UnreadableValueError, grader_failed, stated_answer, to_value
from overthink.data.tokens import UNKNOWN_USAGE, TokenUsage, is_count
from overthink.paths import name_text


def flat_scores(scores: dict[str, Score] | None, derived_key: str | None = None) -> dict[str, Any]:
    """Return the values of one sample by `scorer`, or by `scorer.key` for a scorer with several.

    A score whose grader gave no grade is NaN: the scorer ran, and the value of the answer is unknown.

    Args:
        scores: Scores in the log.
        derived_key: Name of a derived value to add for every scorer, as `scorer.name`.
    """
    flat: dict[str, Any] = {}
    for name, score in (scores or {}).items():
        has_no_grade = grader_failed(score)
        if isinstance(score.value, dict):
            flat |= {f"{name}.{key}": math.nan if has_no_grade else value for key, value in score.value.items()}
        else:
            flat[name] = math.nan if has_no_grade else score.value
        if derived_key in DERIVED:
            value = None if has_no_grade else DERIVED[derived_key](score)
            flat.setdefault(f"{name}.{derived_key}", math.nan if value is None else value)
    return flat


def usable_scorers(samples: Sequence[dict[str, Any]]) -> tuple[list[str], list[str]]:
    """Return the scorers whose values are all in [0, 1], and one sentence for each other scorer.

    Args:
        samples: Values of every sample, from :func:`flat_scores`.
    """
    usable, notes = [], []
    for name in sorted({name for sample in samples for name in sample}):
        try:
            values = [to_value(sample[name]) for sample in samples if name in sample]
        except UnreadableValueError as failure:
            notes.append(f"Scorer {name} was left out: it holds {failure}, which is no number.")
            continue
        outside = [value for value in values if value is not None and not 0 <= value <= 1]
        if outside:
            notes.append(
                f"Scorer {name} was left out: {len(outside)} of its {len(values)} values are outside [0, 1], "
                f"such as {outside[0]:g}."
            )
        elif all(value is None for value in values):
            notes.append(f"Scorer {name} was left out: it holds no value.")
        else:
            usable.append(name)
    return usable, notes


def answer_of(scores: dict[str, Score] | None, name: str) -> str | None:
    """Return the answer read by a scorer, or by the scorer of `scorer.key`."""
    _, score = scorer_of(scores, name)
    return None if score is None else stated_answer(score)


def scorer_of(scores: dict[str, Score] | None, name: str) -> tuple[str, Score | None]:
    """Return the scorer of a name, which may be that of `scorer.key`, and its score; None where it gave none."""
    for scorer, score in (scores or {}).items():
        if name == scorer or name.startswith(f"{scorer}."):
            return scorer, score
    return name, None


def sample_tokens(
    spec: EvalSpec, model_usage: Mapping[str, ModelUsage], role_usage: Mapping[str, ModelUsage]
) -> TokenUsage:
    """Return the usage of a sample, split by model role, as reported by the provider.

    A judge that runs the evaluated model under a role of its own is identified by the role; one that calls
    the evaluated model without a role cannot be separated.
    """
    own = model_usage.get(spec.model)
    if own is None:
        return UNKNOWN_USAGE
    alone = model_usage.keys() == {spec.model}
    same = [usage for role, usage in role_usage.items() if _runs_evaluated(spec, role, alone=alone)]
    judges = [usage for model, usage in model_usage.items() if model != spec.model]
    judge_tokens = sum(usage.total_tokens for usage in (*judges, *same))
    cache_read = _minus(own.input_tokens_cache_read, [usage.input_tokens_cache_read for usage in same])
    written = _minus(own.input_tokens_cache_write, [usage.input_tokens_cache_write for usage in same])
    fresh = _minus(own.input_tokens, [usage.input_tokens for usage in same])
    counts = {
        "thinking_tokens": _minus(own.reasoning_tokens, [usage.reasoning_tokens for usage in same]),
        "decoded_tokens": _minus(own.output_tokens, [usage.output_tokens for usage in same]),
        "prompt_tokens": None if fresh is None else fresh + (cache_read or 0) + (written or 0),
        "cached_tokens": cache_read,
        "judge_tokens": judge_tokens,
    }
    return replace(UNKNOWN_USAGE, **{name: count for name, count in counts.items() if is_count(count)})


def _runs_evaluated(spec: EvalSpec, role: str, *, alone: bool) -> bool:
    """Return whether a role runs the evaluated model. A role without a model does if no other model was used."""
    models = role_models(spec).get(role)
    return alone if models is None else any(config.model == spec.model for config in models)


def _minus(whole: int | None, parts: list[int | None]) -> int | None:
    """Return the whole without its parts; a negative count is a provider's error, and unknown."""
    rest = None if whole is None else whole - sum(part or 0 for part in parts)
    return None if rest is None or rest < 0 else rest


@dataclass(frozen=True, slots=True, eq=False)
class LogTrace:
    """One finished sample of one log.

    Attributes:
        log: Index of its log.
        path: Path of its log, as it was named.
        question: Question id.
        summary: Summary of the sample in the log.
        values: Score values by `scorer` or `scorer.key`.
        tokens: Token usage, as far as it was measured.
        ending: How its answer ended.
        gap: Why its usage is not what the log reports; None where it is.
        seconds: Wall-clock seconds without judges; None if not recorded or not read yet.
    """

    log: int
    path: str
    question: str
    summary: EvalSampleSummary
    values: dict[str, Any]
    tokens: TokenUsage
    ending: Ending
    gap: UsageGap | None = None
    seconds: float | None = None


def read_traces(logs: Sequence[OpenLog], derived_keys: Sequence[str | None]) -> list[LogTrace]:
    """Return every finished sample of every log, in the order of logs and samples; and those that a log has lost.

    Args:
        logs: The logs, oldest first.
        derived_keys: Key of a derived value to add to the stored ones, per log; None for none.

    Raises:
        InputError: A log cannot be read any more.
    """
    traces = []
    for position, (log, derived_key) in enumerate(zip(logs, derived_keys, strict=True)):
        spec, path = log.header.eval, name_text(str(log.path))
        finished = [sample for sample in log.summaries if sample.completed or sample.scores or sample.error]
        for summary, end in zip(finished, sample_ends(log, finished), strict=True):
            ending = ending_of(end, spec)
            reported = sample_tokens(spec, summary.model_usage, summary.role_usage)
            tokens, gap = measured_usage(reported, ending, summary)
            values = flat_scores(summary.scores, derived_key)
            traces.append(LogTrace(position, path, str(summary.id), summary, values, tokens, ending, gap))
        traces += [
            LogTrace(position, path, str(lost.id), lost, {}, UNKNOWN_USAGE, UNREAD) for lost in lost_samples(log)
        ]
    return _with_missing(logs, traces)


def _with_missing(logs: Sequence[OpenLog], traces: Sequence[LogTrace]) -> list[LogTrace]:
    """Return the traces, those without any message of the model as empty answers, unless their whole task has none."""
    by_task: dict[str, list[int]] = defaultdict(list)
    for i, trace in enumerate(traces):
        by_task[logs[trace.log].header.eval.task].append(i)
    whole = list(traces)
    for members in by_task.values():
        for i, ending in zip(members, without_missing([traces[i].ending for i in members]), strict=True):
            whole[i] = traces[i] if ending is traces[i].ending else replace(traces[i], ending=ending)
    return whole


def distinct_traces(logs: Sequence[OpenLog], traces: Sequence[LogTrace]) -> tuple[list[LogTrace], list[str]]:
    """Return every trace once, in the order of logs and samples.

    A retried run repeats the samples that were finished before, and a copied log all of them, also under other ids of
    its run: a sample keeps its own. Of such repeats the latest counts, and one without an error takes precedence over
    one with an error.

    Args:
        logs: The logs, oldest first.
        traces: Their samples.

    Returns:
        The traces, and notes on repeats.
    """
    keys = [_run_key(logs, trace) for trace in traces]
    once = _latest_of(traces, keys)
    once = _latest_of(once, [trace.summary.uuid and (trace.question, trace.summary.uuid) for trace in once])
    repeats = len(traces) - len(once)
    notes = [f"{repeats} samples are in more than one log (a retry or a copy); each counts once."] if repeats else []
    return sorted(once, key=lambda trace: trace.log), notes


def _run_key(logs: Sequence[OpenLog], trace: LogTrace) -> Hashable:
    spec, summary = logs[trace.log].header.eval, trace.summary
    return spec.task_id or spec.eval_id, spec.model, str(summary.id), summary.epoch


def _latest_of(traces: Sequence[LogTrace], keys: Sequence[Hashable]) -> list[LogTrace]:
    """Return the trace that counts for every key, and all without one."""
    by_key: dict[Hashable, LogTrace] = {}
    for number, (trace, key) in enumerate(zip(traces, keys, strict=True)):
        own = number if key is None else key
        before = by_key.get(own)
        if before is None or not trace.summary.error or before.summary.error:
            by_key[own] = trace
    return list(by_key.values())


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
