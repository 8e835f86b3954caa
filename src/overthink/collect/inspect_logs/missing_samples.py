"""Samples that a log should hold and does not: lost by Inspect, not run yet, or stopped early.

Inspect keeps one sample for each id and epoch of an archive, so samples with one id overwrite each other, and only the
counts in the header show it. A run that was stopped leaves the rest of its questions out; its header names them.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from inspect_ai.log import EvalSampleSummary

from overthink.collect.inspect_logs.files import OpenLog
from overthink.collect.inspect_logs.set_aside import names_of
from overthink.paths import name_text

LOST = "the header of the log counts this sample, and the log does not hold it"
"""Error of the row of a sample that its log has lost."""

_Key = tuple[str, int]


def lost_samples(log: OpenLog) -> list[EvalSampleSummary]:
    """Return a summary, with :data:`LOST` as its error, of each sample that a finished log counts and does not hold.

    Their ids are those of the dataset that the log lacks, or made up where the header does not name any.

    Args:
        log: The log.
    """
    results = log.header.results
    if results is None or log.header.status != "success" or not log.summaries:
        return []
    n_lost = results.completed_samples - sum(not summary.error for summary in log.summaries)
    present = _present([log]) | _stopped_early(log)
    absent = [key for key in _expected(log) if key not in present]
    absent += [(f"lost sample {number}", 1) for number in range(1, n_lost + 1 - len(absent))]
    return [
        EvalSampleSummary(id=name, epoch=epoch, input=[], target="", error=LOST, completed=True)
        for name, epoch in absent[: max(n_lost, 0)]
    ]


def missing_notes(logs: Sequence[OpenLog]) -> list[str]:
    """Return a note for each run whose logs do not hold all samples that were asked for, with their names.

    Args:
        logs: The logs; those of one run and its retries count together.
    """
    runs: dict[tuple[str, str], list[OpenLog]] = defaultdict(list)
    for log in logs:
        spec = log.header.eval
        runs[spec.task_id or spec.eval_id, spec.model].append(log)
    return [note for of_run in runs.values() for note in _notes_of_run(of_run)]


def _notes_of_run(logs: Sequence[OpenLog]) -> list[str]:
    latest = logs[-1]
    name, present = name_text(latest.path.name), _present(logs)
    early = _stopped_early(latest)
    notes = []
    if early:
        notes.append(f"{name}: {len(early)} samples were stopped early, by the run's own rule; they have no value.")
    n_lost = len(lost_samples(latest))
    if n_lost:
        notes.append(
            f"{name}: its header counts {n_lost} more completed samples than it holds. Inspect keeps one sample for "
            "each id and epoch: samples with one id overwrite each other. The lost ones are rows with an error."
        )
    questions = list(dict.fromkeys(question for question, _ in _expected(latest)))
    answered = {question for question, _ in present} | {question for question, _ in early}
    absent = [question for question in questions if question not in answered]
    draws = [key for key in _expected(latest) if key not in present and key not in early and key[0] in answered]
    if absent:
        limit = latest.header.eval.config.limit
        limit_text = (
            "" if limit is None else f" (--limit {limit if isinstance(limit, int) else '-'.join(map(str, limit))})"
        )
        notes.append(
            f"{name}: {len(absent)} of the {len(questions)} questions asked for{limit_text} are not in it: "
            f"{names_of(absent)}."
        )
    if draws:
        notes.append(f"{name}: of the questions that it holds, {len(draws)} samples of an epoch are not in it.")
    return notes


def _expected(log: OpenLog) -> list[_Key]:
    spec = log.header.eval
    names = dict.fromkeys(map(str, spec.dataset.sample_ids or []))
    return [(name, epoch) for epoch in range(1, (spec.config.epochs or 1) + 1) for name in names]


def _present(logs: Iterable[OpenLog]) -> set[_Key]:
    return {(str(summary.id), summary.epoch) for log in logs for summary in log.summaries}


def _stopped_early(log: OpenLog) -> set[_Key]:
    results = log.header.results
    stops = [] if results is None or results.early_stopping is None else results.early_stopping.early_stops
    return {(str(stop.id), stop.epoch) for stop in stops} - _present([log])
