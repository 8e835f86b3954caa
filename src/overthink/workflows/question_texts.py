"""Whether one question id stands for the same question in two compared arms."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

import polars as pl

from overthink.data.comparison import RunDifference
from overthink.data.number_text import count
from overthink.data.pool import read, words_of
from overthink.storage.tables.questions import Digests, table_digests

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
    from overthink.collect.inspect_logs.question_texts import question_digests

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
