"""What two compared arms share and in what they differ: tasks and questions, and conditions of their runs."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, cast

import polars as pl

from overthink.data.conditions import INCOMPLETE, setting_words, settings_in
from overthink.data.ladder import DEFAULT
from overthink.data.pool import SCHEMA, read
from overthink.data.record import Estimand
from overthink.data.visible import visible
from overthink.errors import InputError

MIN_COMPARABLE = 2
"""Arms, and questions of a task, that a comparison needs."""

_CURVE = ("axis", "task", "scorer")

_TASK = (*_CURVE, "estimand")

Task = tuple[str, str, str, str]
"""Axis, task, scorer and estimand, which compared arms must share."""


def with_default_level(rows: pl.LazyFrame, reference: str) -> pl.LazyFrame:
    """Return the rows; runs without a setting are at the level "default" where the others were run at levels.

    Read together, such runs and those at levels would have been one curve. Tasks with another estimand, and tasks on
    which the reference has an estimand in common with another arm, stay as they are.

    Args:
        rows: Rows of all arms.
        reference: Label of the reference arm.
    """
    by_task: dict[tuple[str, ...], dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for *names, estimand, arm in read(rows.select(*_CURVE, "estimand", "arm").unique()).iter_rows():
        by_task[tuple(names)][arm].add(estimand)
    whole_runs = {Estimand.NATURAL.value, Estimand.EFFORT.value}
    changed = []
    for task, arms in by_task.items():
        own, others = arms.get(reference, set()), [found for arm, found in arms.items() if arm != reference]
        if set().union(own, *others) == whole_runs and own and not any(own & found for found in others):
            changed.append(task)
    if not changed:
        return rows
    tasks = pl.LazyFrame(changed, schema={name: SCHEMA[name] for name in _CURVE}, orient="row")
    marked = rows.join(tasks.with_columns(has_levels=True), on=_CURVE, how="left", maintain_order="left")
    is_default = (pl.col("estimand").cast(pl.String) == Estimand.NATURAL.value) & pl.col("has_levels").fill_null(False)
    return marked.with_columns(
        effort=pl.when(is_default).then(pl.lit(DEFAULT)).otherwise(pl.col("effort")),
        estimand=pl.when(is_default)
        .then(pl.lit(Estimand.EFFORT.value))
        .otherwise(pl.col("estimand").cast(pl.String))
        .cast(SCHEMA["estimand"]),
    ).drop("has_levels")


def comparable_tasks(rows: pl.LazyFrame, reference: str) -> set[Task]:
    """Return tasks that the reference shares with another arm, with the same scorer and estimand.

    Args:
        rows: Rows of all arms.
        reference: Label of the reference arm.

    Raises:
        InputError: There is none; the message says what differs.
    """
    arms: dict[Task, set[str]] = defaultdict(set)
    for *labels, arm in read(rows.select(*_TASK, "arm").unique()).iter_rows():
        arms[cast(Task, tuple(labels))].add(arm)
    testable = {task for task, with_it in arms.items() if reference in with_it and len(with_it) > 1}
    if testable:
        return testable
    mine = {task for task, with_it in arms.items() if reference in with_it}
    others = set(arms) - mine
    for position, what in ((2, "scorers"), (3, "estimands"), (0, "axes")):
        for task in sorted(mine):
            alike = sorted(o for o in others if all(o[i] == task[i] for i in range(4) if i != position))
            if alike:
                raise InputError(
                    f"{task[1]} has different {what}, {task[position]} for {reference} and {alike[0][position]} for "
                    f"others; needed: the same, for different {what} are never compared"
                )
    raise InputError(
        f"{reference} was run on {', '.join(sorted({task[1] for task in mine}))}, the others on "
        f"{', '.join(sorted({task[1] for task in others})) or 'nothing'}; needed: a common task with the same scorer"
    )


def common_questions(rows: pl.LazyFrame, tasks: set[Task]) -> tuple[dict[Task, set[str]], list[str]]:
    """Return the questions common to all arms, by task, and notes on excluded questions and tasks.

    Args:
        rows: Rows of all arms.
        tasks: Tasks to be compared.

    Raises:
        InputError: No task has enough of them.
    """
    questions_of: dict[Task, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    key = (*_TASK, "arm", "question")
    first = read(rows.select(key).with_row_index("first").group_by(key).agg(pl.col("first").min())).sort("first")
    for *labels, arm, question in first.select(key).iter_rows():
        questions_of[cast(Task, tuple(labels))][arm].add(question)
    common_of, notes, few = {}, [], []
    for task in sorted(tasks):
        common, every = set.intersection(*questions_of[task].values()), set.union(*questions_of[task].values())
        if len(common) < MIN_COMPARABLE:
            few.append(
                f"{task[1]}: {len(common)} of {len(every)} questions are common to {', '.join(questions_of[task])}"
            )
            continue
        common_of[task] = common
        if len(common) < len(every):
            left_out = ", ".join(f"{len(own - common)} of {arm}" for arm, own in questions_of[task].items())
            notes.append(
                f"{task[1]}: {len(common)} of {len(every)} questions are common to all arms; others are left out: "
                f"{left_out}."
            )
    if not common_of:
        raise InputError(f"{'; '.join(few)}; needed: {MIN_COMPARABLE} or more, with the same ids")
    compared = {task[1] for task in common_of}
    missing = sorted(
        {
            f"{task[1]} by {task[2]}" if task[1] in compared else task[1]
            for task in questions_of
            if task not in common_of
        }
    )
    if missing:
        notes.append(f"Left out, for only one arm has them or their questions differ: {', '.join(missing)}.")
    return common_of, notes


def rows_of(rows: pl.LazyFrame, questions: Mapping[Task, set[str]]) -> pl.LazyFrame:
    """Return the rows of some questions of each task, in their order.

    Args:
        rows: Rows of all arms.
        questions: The questions of each task.
    """
    keys = [(*task, question, True) for task, own in questions.items() for question in sorted(own)]
    names = (*_TASK, "question")
    schema = {name: SCHEMA[name] for name in names} | {"is_common": pl.Boolean()}
    common = pl.LazyFrame(keys, schema=schema, orient="row")
    marked = rows.join(common, on=names, how="left", maintain_order="left")
    return marked.filter("is_common").drop("is_common")


MEASURES = ("role.", "scorer.", "dataset.", "task_version")
"""Starts of the names of conditions that measure: where they differ, so may the values of equal answers."""

_ALLOWED = frozenset({"run", "dataset.questions", INCOMPLETE})
"""Conditions that say which samples or settings there are; questions that one arm lacks are left out anyway."""

_SHOWN = 8
"""Conditions that notes name."""


class RunDifference(NamedTuple):
    """A condition in which the runs of an arm and its reference differ on one task and scorer.

    Attributes:
        arm: Label of the arm.
        reference: Label of what it is compared with.
        task: The task.
        name: Name of the condition.
        values: Its values in the reference and in the arm, each sorted; empty where it is not stated.
    """

    arm: str
    reference: str
    task: str
    name: str
    values: tuple[tuple[str, ...], tuple[str, ...]]

    @property
    def measures(self) -> bool:
        """Whether the condition is part of what measures, such as a scorer or a grader."""
        return self.name.startswith(MEASURES)


def run_differences(rows: pl.LazyFrame, references: Mapping[str, str]) -> list[RunDifference]:
    """Return the conditions in which arms differ from what they are compared with; none where a side states none.

    Args:
        rows: Rows of all arms.
        references: What each arm is compared with.

    Raises:
        InputError: A row states conditions that cannot be read.
    """
    stated: dict[tuple[str, str, str], list[dict[str, str]]] = {}
    for arm, task, scorer, text in read(rows.select("arm", "task", "scorer", "conditions").unique()).iter_rows():
        if text is not None:
            stated.setdefault((arm, task, scorer), []).append(settings_in(text))
    results = []
    for (arm, task, scorer), own in sorted(stated.items(), key=lambda item: item[0]):
        reference = references.get(arm)
        other = stated.get((str(reference), task, scorer))
        if reference is None or reference == arm or other is None:
            continue
        for name in sorted({name for run in (*own, *other) for name in run} - _ALLOWED):
            values = (_values(other, name), _values(own, name))
            if values[0] != values[1]:
                results.append(RunDifference(arm, reference, task, name, values))
    return results


def _values(runs: Sequence[Mapping[str, str]], name: str) -> tuple[str, ...]:
    return tuple(sorted({run[name] for run in runs if name in run}))


def difference_notes(differences: Sequence[RunDifference]) -> Iterator[str]:
    """Yield a note on each condition that differs, those that measure first."""
    alike: dict[tuple[str, tuple[tuple[str, ...], tuple[str, ...]]], RunDifference] = {}
    for difference in sorted(differences, key=lambda difference: not difference.measures):
        alike.setdefault((difference.name, difference.values), difference)
    for difference in [*alike.values()][:_SHOWN]:
        sides = zip(difference.values, (difference.reference, difference.arm), strict=True)
        values = ", ".join(f"{' and '.join(map(visible, own)) or 'not stated'} ({arm})" for own, arm in sides)
        what = (
            "equal answers may have other values, and the gate comparability fails"
            if difference.measures
            else "the difference is of that, too"
        )
        yield f"The runs differ in {visible(setting_words(difference.name))}: {values}; {what}."
    if len(alike) > _SHOWN:
        names = ", ".join(visible(setting_words(name)) for name, _ in [*alike][_SHOWN:])
        yield visible(f"The runs also differ in {names}.", 1000)
