"""What a comparison needs: one name for one task, one question behind one id; and whether it compared anything."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl

from overthink.data.comparison import RunDifference
from overthink.data.finding import Finding
from overthink.data.number_text import count
from overthink.data.pool import read, words_of
from overthink.data.results.curve import CurveResult
from overthink.data.results.study import Results, findings_of
from overthink.data.visible import name_list
from overthink.paths import name_text
from overthink.storage.tables.questions import Digests, table_digests
from overthink.workflows.sources import Source

_SHOWN = 8
"""Rungs of an arm that are named."""


def with_one_task(sources: Sequence[tuple[Path, Source]]) -> list[tuple[Path, Source]]:
    """Return the sources; tables that name no task, which is then called like the file, get the first one's name.

    Args:
        sources: Path and rows of each source.
    """
    names = [name_text(path.stem) for path, _ in sources]
    tasks = [words_of(source.pool, "task")[0].to_list() for _, source in sources]
    if any(own != [name] for own, name in zip(tasks, names, strict=True)):
        return list(sources)
    same = pl.lit(names[0]).alias("task")
    return [(path, replace(source, pool=source.pool.with_columns(same))) for path, source in sources]


def has_comparison(results: Results) -> bool:
    """Return whether any arm was compared with another: whether any such finding has an estimate."""
    arms = results.arms
    parts = (arms.paired, arms.differences, arms.taxes, arms.mitigations, arms.readings)
    others = (results.flop_matches, results.supervision)
    return any(finding.estimate is not None for finding in findings_of((*parts, *others)))


def without_comparison(results: Results, reference: str) -> str:
    """Return why no arm was compared, and what to do.

    Args:
        results: Results without a comparison.
        reference: Label of the reference arm.
    """
    reasons = list(dict.fromkeys(_reasons(results.curves, reference)))
    unknown = [f.reason for f in findings_of(results.arms.paired) if f.metric == "mean" and f.reason is not None]
    why = "; ".join(dict.fromkeys([*unknown, *reasons])) or f"no other arm has a task of {reference}"
    return (
        f"nothing was compared: {why}; needed: runs of the same questions with a value at the same budget or level, or "
        "at none in both"
    )


def _reasons(curves: Iterable[CurveResult], reference: str) -> Iterator[str]:
    """Yield, for each task of the reference, the rungs at which it and every other arm were run."""
    by_task: dict[tuple[str, str, str], list[CurveResult]] = {}
    for curve in curves:
        by_task.setdefault((curve.key.axis, curve.key.task, curve.key.scorer), []).append(curve)
    for (_, task, _), own in by_task.items():
        if reference in {curve.key.arm for curve in own} and len(own) > 1:
            yield f"{task} was run at " + ", and at ".join(f"{_rungs(curve)} by {curve.key.arm}" for curve in own)


def _rungs(curve: CurveResult) -> str:
    return name_list([_rung(rung.mean) for rung in curve.rungs], _SHOWN, separator="/")


def _rung(mean: Finding | None) -> str:
    if mean is None:
        return "a rung without values"
    if mean.at.effort is not None:
        return mean.at.effort
    return "no set budget" if mean.at.requested_tokens is None else f"{mean.at.requested_tokens:,} tokens"


CONTENT = "dataset.content"
"""The condition in which runs differ whose ids stand for other questions."""

_OF_LOGS = "log"
"""Where the texts of logs stand, beside the columns of tables."""

_Curve = tuple[str, str, str]
_Texts = dict[str, set[tuple[str, str]]]


def digests_of_table(path: Path, rows: pl.LazyFrame) -> Digests:
    """Return hashes of what the questions of a table of one task ask; empty for anything else."""
    if len(words_of(rows, "task")[0]) != 1:
        return {}  # one id may be a question of each task
    return table_digests(path, words_of(rows, "question")[0].to_list())


def text_differences(
    rows: pl.LazyFrame,
    references: Mapping[str, str],
    seen: Iterable[RunDifference],
    tables: Mapping[str, Digests],
) -> list[RunDifference]:
    """Return the arms and tasks whose questions have a text or a target of their own under an id of the reference.

    Args:
        rows: Rows of all arms. Those that name no log, or one that is gone, say nothing by themselves.
        references: What each arm is compared with.
        seen: Differences that the conditions of the rows state already.
        tables: What the questions of an arm ask, for arms of tables.
    """
    by_curve = _texts(rows, tables)
    stated = {(one.arm, one.task) for one in seen if one.name == CONTENT}
    found = []
    for (arm, task, scorer), own in by_curve.items():
        reference = references.get(arm, arm)
        other = by_curve.get((reference, task, scorer), {})
        changed = [name for name in sorted(own.keys() & other.keys()) if _differs(own[name], other[name])]
        if changed and reference != arm and (arm, task) not in stated:
            values = tuple((_content(changed, side),) for side in (other, own))
            found.append(RunDifference(arm, reference, task, CONTENT, (values[0], values[1])))
    return found


def _texts(rows: pl.LazyFrame, tables: Mapping[str, Digests]) -> dict[_Curve, _Texts]:
    """Return what the questions of each arm, task and scorer ask."""
    from overthink.collect.inspect_logs.prompts import question_digests

    curves = read(rows.select("arm", "task", "scorer", "log").unique()).sort(pl.all())
    of_log = {log: question_digests(log) for log in curves["log"].drop_nulls().unique().sort()}
    by_curve: dict[_Curve, _Texts] = defaultdict(lambda: defaultdict(set))
    for arm, task, scorer, log in curves.iter_rows():
        for question, hashes in of_log.get(log, {}).items():
            by_curve[arm, task, scorer][question] |= {(_OF_LOGS, each) for each in hashes}
        for question, digests in tables.get(arm, {}).items():
            by_curve[arm, task, scorer][question] |= digests
    return by_curve


def _differs(own: set[tuple[str, str]], other: set[tuple[str, str]]) -> bool:
    """Return whether a column that both have holds no text of the other one."""
    common = {name for name, _ in own} & {name for name, _ in other}
    return any(not {each for each in own & other if each[0] == name} for name in common)


def _content(questions: list[str], texts: _Texts) -> str:
    """Return how many questions differ, with a hash of what they ask here."""
    content = hashlib.sha256(repr([(question, sorted(texts[question])) for question in questions]).encode())
    return f"{count(len(questions), 'question')} {content.hexdigest()[:8]}"
