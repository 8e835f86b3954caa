"""Whether one question id stands for the same question in the logs of two compared arms."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet

import polars as pl

from overthink.data.arm_conditions import RunDifference
from overthink.data.number_text import count
from overthink.data.pool import read

CONTENT = "dataset.content"
"""The condition in which runs differ whose ids stand for other questions."""


def text_differences(
    rows: pl.LazyFrame, references: Mapping[str, str], seen: Iterable[RunDifference]
) -> list[RunDifference]:
    """Return the arms and tasks whose questions have a text or a target of their own under an id of the reference.

    Args:
        rows: Rows of all arms. Those that name no log, or one that is gone, say nothing.
        references: What each arm is compared with.
        seen: Differences that the conditions of the rows state already.
    """
    from overthink.collect.inspect_logs.question_texts import question_digests

    names = read(rows.filter(pl.col("log").is_not_null()).select("arm", "task", "scorer", "log").unique()).sort(
        pl.all()
    )
    of_log = {log: question_digests(log) for log in names["log"].unique().sort()}
    by_curve: dict[tuple[str, str, str], dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for arm, task, scorer, log in names.iter_rows():
        for question, digests in of_log[log].items():
            by_curve[arm, task, scorer][question] |= digests
    stated = {(one.arm, one.task) for one in seen if one.name == CONTENT}
    found = []
    for (arm, task, scorer), own in by_curve.items():
        reference = references.get(arm, arm)
        other = by_curve.get((reference, task, scorer), {})
        changed = sorted(
            question for question in own.keys() & other.keys() if own[question].isdisjoint(other[question])
        )
        if changed and reference != arm and (arm, task) not in stated:
            values = tuple((_text(changed, side),) for side in (other, own))
            found.append(RunDifference(arm, reference, task, CONTENT, (values[0], values[1])))
    return found


def _text(questions: list[str], digests: Mapping[str, AbstractSet[str]]) -> str:
    """Return how many questions differ, with a hash of what they ask here."""
    content = hashlib.sha256(repr([(question, sorted(digests[question])) for question in questions]).encode())
    return f"{count(len(questions), 'question')} {content.hexdigest()[:8]}"
