"""Polarity: the meaning of a high score, per task. It is stated or refused, never guessed."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from overthink.collect.scoring.known_tasks import TABLE, UNCLEAR, TaskPolarity
from overthink.collect.tasks import POLARITY as OWN
from overthink.errors import InputError
from overthink.plan.stated_tasks import AXES, AxisName, StatedTask, stated_task
from overthink.plan.study import HIGH_WORDS, TaskPlan


def task_plan(text: str, axis: AxisName, *, args: dict[str, str | int | float | bool]) -> TaskPlan:
    """Parse one `TASK@scorer.key:high=word` of the command line.

    Everything after the task's name is optional if the shipped table has the task. On the capability axis a high
    score means correct unless stated otherwise; on the other axes the polarity must be in the table or stated.

    Args:
        text: The specification. A task in a file keeps Inspect's own `file.py@task`.
        axis: The axis of its command-line option.
        args: Arguments for the task.

    Raises:
        InputError: The polarity is unknown, or the word does not belong to this axis.

    Example:
        >>> plan = task_plan("strong@judge.score:high=harm", "safety", args={})
        >>> plan.task, plan.scorer, plan.key, plan.high
        ('strong', 'judge', 'score', 'harm')
    """
    stated = stated_task(text, axis)
    scale = stated_scale(stated, stated.task, args)
    return TaskPlan(task=stated.task, axis=axis, scorer=scale.scorer, key=scale.key, high=scale.high, args=args)


class StatedScale(NamedTuple):
    """Scorer, key and polarity of a stated task, of which the table of known tasks completes what is left out."""

    scorer: str | None
    key: str | None
    high: str


def stated_scale(stated: StatedTask, task: str, args: Mapping[str, object]) -> StatedScale:
    """Return scorer, key and polarity of a stated task.

    Args:
        stated: What the user states.
        task: The task's registered name, by which the table has it.
        args: The task's arguments.

    Raises:
        InputError: The polarity is neither stated nor in the table, or the table has the task on another axis.
    """
    axis, scorer, key, high = stated.axis, stated.scorer, stated.key, stated.high
    row = find_polarity(task, args)
    choices = " or ".join(stated.option(word) for word in HIGH_WORDS[axis])
    if isinstance(row, str) and high is None:
        raise InputError(f"{task}: it is not known what a high score means: {row}. If you know it, add: {choices}")
    if isinstance(row, TaskPolarity):
        if row.axis != axis and high is None:
            condition = f" with {_arguments(row.when)}" if row.when else ""
            raise InputError(
                f"{task}{condition} measures {row.axis}, and was given for {axis}; write --{row.axis} {task}"
            )
        if row.axis == axis and scorer in (None, row.scorer):
            key = key or row.key
            high = high or (row.high if key == row.key else None)
            scorer = row.scorer
    if high is None and axis == "capability":
        high = "correct"
    if high is None:
        raise InputError(
            f"{task}: it is not known what a high score means, and a {axis} task must say it. Add one of: {choices}"
        )
    return StatedScale(scorer, key, high)


def find_polarity(task: str, args: Mapping[str, object]) -> TaskPolarity | str | None:
    """Return the polarity of a task with these arguments, from the built-in tables (own tasks and inspect_evals).

    Returns:
        The row; or the reason why its polarity is undefined; or None if the task is in no table.

    Example:
        >>> row = find_polarity("inspect_evals/xstest", {"subset": "unsafe"})
        >>> row.axis, row.high
        ('safety', 'harm')
        >>> find_polarity("inspect_evals/xstest", {"subset": "both"})
        "its meaning depends on subset='both', and is known only for subset='safe' or subset='unsafe'"
    """
    if task in UNCLEAR:
        return UNCLEAR[task]
    if task in OWN:
        axis, scorer, key, high = OWN[task]
        return TaskPolarity(task.partition("/")[2], axis, scorer or "", high, key)
    rows = TABLE.get(task)
    if rows is None:
        return None
    standard = next(row for row in rows if row.default)
    requested = {name: args.get(name, standard.when[name]) for name in standard.when}
    row = next((row for row in rows if row.when == requested), None)
    if row is None:
        choices = " or ".join(_arguments(alternative.when) for alternative in rows)
        return f"its meaning depends on {_arguments(requested)}, and is known only for {choices}"
    broken = [name for name in row.breaks if args.get(name) is not None]
    return f"the argument {broken[0]} replaces its scorer" if broken else row


def _arguments(when: Mapping[str, object]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in when.items())


def task_plans(
    *,
    capability: Sequence[str],
    safety: Sequence[str],
    benign: Sequence[str],
    args: dict[str, str | int | float | bool],
) -> tuple[TaskPlan, ...]:
    """Return the plans of all tasks of a command line, in the order of axes.

    Raises:
        InputError: No task is given, or one cannot be parsed.
    """
    texts = (capability, safety, benign)
    plans = [task_plan(text, axis, args=args) for axis, own in zip(AXES, texts, strict=True) for text in own]
    if not plans:
        raise InputError("no task was given; name at least one with --capability, --safety or --benign")
    return tuple(plans)
