"""What was asked and answered, read from logs: for humans who label answers."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from inspect_ai.log import EvalSample, EvalSampleSummary

from overthink.collect.effort import level_folder, scorer_named, whole_draws
from overthink.collect.from_log import read_logs, read_origins
from overthink.collect.ladder import RECORDS, TEXTS
from overthink.collect.log_files import OpenLog, open_logs
from overthink.core.human_label import AnswerAt
from overthink.core.record import Estimand, RungRecord
from overthink.errors import InputError
from overthink.plan import Plan

ENDED = "ended"
"""Names the answer of a trace that had ended: every rung above, and one that was added below it, has that answer."""

Texts = dict[AnswerAt, tuple[str, str]]
"""By place: what was asked, and what was answered."""

_WITHOUT = ("trace", str(Estimand.RESAMPLED))
"""What stands beside the ladder and is no answer of its own: verdicts on the thinking, shares of several answers."""


def texts_of_ladder(logs: Path, records: Sequence[RungRecord], wanted: Collection[AnswerAt]) -> Texts:
    """The texts at places of a ladder, or of a loop of turns; where a trace was collected twice, the later ones.

    Rungs are told apart by what was asked for: a ladder that has gained rungs counts them anew.

    Args:
        logs: Folder of the study's logs, or any logs of ours.
        records: The study's rows.
        wanted: Which answers.

    Raises:
        InputError: There is no log, or none can be read.
    """
    questions = {place[3] for place in wanted}
    told: Texts = {}
    named: dict[tuple[object, ...], tuple[str, str]] = {}
    for log in open_logs(logs)[0]:
        for sample in log.samples([one for one in log.summaries if str(one.id) in questions]):
            named |= {name: (_asked(sample), answer) for name, answer in _told(sample)}
    for row in records:
        trace = (row.task, row.arm, row.question, row.draw, str(row.estimand))
        names = [(*trace, row.requested_tokens, row.effort), *([(*trace, ENDED)] if row.natural_end else [])]
        text = next((named[name] for name in names if name in named), None)
        if text is not None and _at(row) in wanted:
            told[_at(row)] = text
    return told


def texts_of_levels(logs: Path, plan: Plan, names: Sequence[str], wanted: Collection[AnswerAt]) -> Texts:
    """The texts at places of a study of the provider's own levels.

    Args:
        logs: Folder of the study's logs.
        plan: Its plan.
        names: By task of the plan: its name in the pool.
        wanted: Which answers.
    """
    origins: dict[AnswerAt, tuple[OpenLog, EvalSampleSummary]] = {}
    for number, (task, name) in enumerate(zip(plan.tasks, names, strict=True)):
        for rung, effort in enumerate(plan.efforts or ()):
            folder = level_folder(logs, number, rung, effort)
            scorer = scorer_named(task)
            try:
                rows = read_logs(folder, axis=task.axis, high=task.high, scorer=scorer).records
                there = read_origins(folder, axis=task.axis, high=task.high, scorer=scorer)
            except InputError:  # gone since, or damaged
                continue
            for row, draw in whole_draws(rows, plan.draws)[0]:
                if (origin := there.get(_at(row))) is not None:
                    origins[name, "base", str(Estimand.EFFORT), row.question, draw, rung] = origin
    return _read(origins, wanted)


def texts_of_logs(logs: Path, wanted: Collection[AnswerAt]) -> Texts:
    """The texts at places of logs made by others.

    Raises:
        InputError: There is no log, or none can be read.
    """
    return _read(read_origins(logs), wanted)


def _at(row: RungRecord) -> AnswerAt:
    return row.task, row.arm, str(row.estimand), row.question, row.draw, row.rung


def _told(sample: EvalSample) -> Iterator[tuple[tuple[object, ...], str]]:
    """Every answer that a sample of ours holds, by what names it in any ladder, and the one behind the trace's end."""
    rows = sample.store.get(RECORDS, [])
    texts = {(text.get("beside", rows[0]["estimand"]), text["rung"]): text for text in sample.store.get(TEXTS, [])}
    for row in rows:
        estimand = str(row["estimand"])
        text = texts.get((estimand, row["rung"]))
        if text is None or estimand in _WITHOUT:
            continue
        trace = (row["task"], row["arm"], str(sample.id), row["draw"], estimand)
        yield (*trace, row["requested_tokens"], row["effort"]), text["answer"]
        if row["natural_end"]:
            yield (*trace, ENDED), text["answer"]


def _read(origins: Mapping[AnswerAt, tuple[OpenLog, EvalSampleSummary]], wanted: Collection[AnswerAt]) -> Texts:
    by_log: dict[Path, tuple[OpenLog, list[tuple[AnswerAt, EvalSampleSummary]]]] = {}
    for place in wanted:
        if place in origins:
            log, summary = origins[place]
            by_log.setdefault(log.path, (log, []))[1].append((place, summary))
    found: Texts = {}
    for log, members in by_log.values():
        samples = log.samples([summary for _, summary in members])
        for (place, _), sample in zip(members, samples, strict=True):
            found[place] = _asked(sample), sample.output.completion
    return found


def _asked(sample: EvalSample) -> str:
    return sample.input if isinstance(sample.input, str) else sample.input[-1].text
