"""Questions and answers read from logs, for human labelling."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from inspect_ai.log import EvalSample, EvalSampleSummary

from overthink.collect.efforts import level_folder, scorer_name, whole_draws
from overthink.collect.inspect_logs.files import OpenLog, open_logs
from overthink.collect.inspect_logs.read import own_records, read_logs, read_origins
from overthink.collect.session.task_run import RECORDS, TEXTS
from overthink.data.labels import AnswerPosition
from overthink.data.record import Estimand, RungRecord
from overthink.errors import InputError
from overthink.paths import name_text
from overthink.plan.study import Plan

AFTER_END = "ended"
"""Key of the answer of an ended trace, which all rungs above and any added rung below share."""

Texts = dict[AnswerPosition, tuple[str, str]]
"""Question and answer by position."""

_NOT_ANSWERS = ("trace", str(Estimand.RESAMPLED))
"""Control rows without an answer of their own: judged thinking, and shares over several answers."""


def texts_of_rows(records: Sequence[RungRecord], positions: Collection[AnswerPosition]) -> Texts:
    """Return the texts of rows from the logs that they name, as far as those are where they were when they were read.

    Args:
        records: The rows, of any logs.
        positions: Positions of the answers.
    """
    own: list[OpenLog] = []
    foreign: list[OpenLog] = []
    for name in dict.fromkeys(row.log for row in records if row.log is not None):
        with suppress(InputError):
            (log,) = open_logs(Path(name))[0]
            (foreign if own_records(log) is None else own).append(log)
    return _texts_of_samples(foreign, records) | texts_of_ladder(own, records, positions)


def _texts_of_samples(logs: Iterable[OpenLog], records: Iterable[RungRecord]) -> Texts:
    """Return the texts of rows that each are the end of a sample, by the log, the id and the epoch that they name.

    Args:
        logs: The logs.
        records: The rows. Those of checkpoints, whose answers stood before the end, have no text.
    """
    by_log: dict[str, dict[tuple[str, int], list[AnswerPosition]]] = defaultdict(lambda: defaultdict(list))
    for row in records:
        if row.log is not None and row.epoch is not None and row.estimand is not Estimand.CHECKPOINT:
            by_log[row.log][row.question, row.epoch].append(_position(row))
    texts: Texts = {}
    for log in logs:
        places = by_log[name_text(str(log.path))]
        summaries = [summary for summary in log.summaries if (str(summary.id), summary.epoch) in places]
        with suppress(InputError):  # damaged since
            for sample in log.samples(summaries):
                text = question_text(sample), sample.output.completion
                texts |= dict.fromkeys(places[str(sample.id), sample.epoch], text)
    return texts


def texts_of_ladder(
    logs: Iterable[OpenLog], records: Sequence[RungRecord], positions: Collection[AnswerPosition]
) -> Texts:
    """Return the texts at positions of a ladder or an agent loop; the later texts of a trace collected twice.

    Rungs are identified by their budget, because added rungs change the numbering.

    Args:
        logs: The study's logs.
        records: The study's rows.
        positions: Positions of the answers.

    Raises:
        InputError: A sample cannot be read.
    """
    questions = {position[3] for position in positions}
    texts: Texts = {}
    by_name: dict[tuple[object, ...], tuple[str, str]] = {}
    for log in logs:
        for sample in log.samples([summary for summary in log.summaries if str(summary.id) in questions]):
            by_name |= {name: (question_text(sample), answer) for name, answer in _answers_in(sample)}
    for row in records:
        trace = (row.task, row.arm, row.question, row.draw, str(row.estimand))
        names = [(*trace, row.requested_tokens, row.effort), *([(*trace, AFTER_END)] if row.natural_end else [])]
        text = next((by_name[name] for name in names if name in by_name), None)
        if text is not None and _position(row) in positions:
            texts[_position(row)] = text
    return texts


def texts_of_levels(logs: Path, plan: Plan, names: Sequence[str], positions: Collection[AnswerPosition]) -> Texts:
    """Return the texts at positions of a study of the provider's own levels.

    Args:
        logs: Folder of the study's logs.
        plan: The study's plan.
        names: Task names in the pool, per task of the plan.
        positions: Positions of the answers.
    """
    origins: dict[AnswerPosition, tuple[OpenLog, EvalSampleSummary]] = {}
    for number, (task, name) in enumerate(zip(plan.tasks, names, strict=True)):
        for rung, effort in enumerate(plan.efforts or ()):
            folder = level_folder(logs, number, rung, effort)
            scorer = scorer_name(task)
            try:
                rows = read_logs(folder, axis=task.axis, high=task.high, scorer=scorer).records
                level_origins = read_origins(folder, axis=task.axis, high=task.high, scorer=scorer)
            except InputError:  # deleted since, or damaged
                continue
            for row, draw in whole_draws(rows, plan.draws)[0]:
                if (origin := level_origins.get(_position(row))) is not None:
                    origins[name, "base", str(Estimand.EFFORT), row.question, draw, rung] = origin
    return _read_texts(origins, positions)


def _position(row: RungRecord) -> AnswerPosition:
    return row.task, row.arm, str(row.estimand), row.question, row.draw, row.rung


def _answers_in(sample: EvalSample) -> Iterator[tuple[tuple[object, ...], str]]:
    """Yield every answer in an own sample with its key in any ladder, and the answer after the trace's end."""
    rows = sample.store.get(RECORDS, [])
    texts = {(text.get("beside", rows[0]["estimand"]), text["rung"]): text for text in sample.store.get(TEXTS, [])}
    for row in rows:
        estimand = str(row["estimand"])
        text = texts.get((estimand, row["rung"]))
        if text is None or estimand in _NOT_ANSWERS:
            continue
        trace = (row["task"], row["arm"], str(sample.id), row["draw"], estimand)
        yield (*trace, row["requested_tokens"], row["effort"]), text["answer"]
        if row["natural_end"]:
            yield (*trace, AFTER_END), text["answer"]


def _read_texts(
    origins: Mapping[AnswerPosition, tuple[OpenLog, EvalSampleSummary]], positions: Collection[AnswerPosition]
) -> Texts:
    by_log: dict[Path, tuple[OpenLog, list[tuple[AnswerPosition, EvalSampleSummary]]]] = {}
    for position in positions:
        if position in origins:
            log, summary = origins[position]
            by_log.setdefault(log.path, (log, []))[1].append((position, summary))
    texts: Texts = {}
    for log, members in by_log.values():
        samples = log.samples([summary for _, summary in members])
        for (position, _), sample in zip(members, samples, strict=True):
            texts[position] = question_text(sample), sample.output.completion
    return texts


def question_text(sample: EvalSample) -> str:
    """Return the question of a sample: its input, or the last message of it."""
    return sample.input if isinstance(sample.input, str) else sample.input[-1].text
