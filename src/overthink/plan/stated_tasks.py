"""Tasks as a user writes them on the command line, `TASK@scorer.key:high=word`, and the tasks that they name.

`run` makes plans of them; what reads logs and tables made by others takes axis and polarity from them.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from overthink.data.record import Axis
from overthink.data.safety_words import speaks_of_harm
from overthink.errors import InputError
from overthink.plan.study import HIGH_WORDS

AxisName = Literal["capability", "safety", "benign"]

AXES: tuple[AxisName, ...] = ("capability", "safety", "benign")
"""All axes, in the order of reports."""


@dataclass(frozen=True, slots=True)
class StatedTask:
    """What a user states of one task.

    Attributes:
        task: Its name as written: registered name with or without package, or a task in a file.
        axis: The axis that it measures.
        scorer: The scorer to read; None for the known one, or all.
        key: The key to read of a scorer with several values.
        high: Meaning of a high score; None if it was left out.
    """

    task: str
    axis: AxisName
    scorer: str | None = None
    key: str | None = None
    high: str | None = None

    @property
    def scorer_name(self) -> str | None:
        """The stated `scorer` or `scorer.key`; None for none."""
        return scorer_name(self.scorer, self.key)

    def option(self, high: str | None = None) -> str:
        """Return the option of the command line that states this, or this with another polarity."""
        scorer = f"@{self.scorer_name}" if self.scorer else ""
        word = high or self.high
        return f"--{self.axis} {self.task}{scorer}{f':high={word}' if word else ''}"


def scorer_name(scorer: str | None, key: str | None) -> str | None:
    """Return `scorer` or `scorer.key`; None without a scorer."""
    return f"{scorer}.{key}" if scorer and key else scorer


def stated_task(text: str, axis: AxisName) -> StatedTask:
    """Parse one `TASK@scorer.key:high=word`; everything after the task's name may be left out.

    Args:
        text: The specification. A task in a file keeps Inspect's own `file.py@task`.
        axis: The axis of its command-line option.

    Raises:
        InputError: There is no task, or the word does not belong to this axis.

    Example:
        >>> stated_task("my/tasks.py@probe@judge.score:high=harm", "safety").task
        'my/tasks.py@probe'
    """
    rest, marker, high = text.rpartition(":high=")
    if not marker:
        rest, high = text, ""
    file, dot_py, tail = rest.partition(".py@")  # Inspect's own way to name a task in a file
    name, _, scorer = (tail if dot_py else rest).partition("@")
    name = file + dot_py + name if dot_py else name
    scorer_part, _, key = scorer.partition(".")
    if not name:
        raise InputError(f"cannot read the task {text!r}; needed: TASK, or TASK@scorer.key:high=word")
    words = HIGH_WORDS[axis]
    if high and high not in words:
        raise InputError(f"{text}: high={high} is not a word for the {axis} axis; needed: {' or '.join(words)}")
    return StatedTask(name, axis, scorer_part or None, key or None, high or None)


def stated_tasks(texts: Mapping[AxisName, Sequence[str]]) -> tuple[StatedTask, ...]:
    """Return the tasks of all options, by axis, each once.

    Raises:
        InputError: One cannot be read.
    """
    return tuple(dict.fromkeys(stated_task(text, axis) for axis in AXES for text in texts.get(axis, ())))


@dataclass(frozen=True, slots=True)
class StatedMeaning:
    """What a user states of the scores in logs or a table of others.

    Attributes:
        axis: Axis of the one task; None if not given.
        high: Meaning of a high score there; None if not given.
        tasks: What is stated of single tasks, instead of both.
        scorer: The `scorer` or `scorer.key` to read; None for all, or for the known one.
    """

    axis: str | None = None
    high: str | None = None
    tasks: tuple[StatedTask, ...] = ()
    scorer: str | None = None

    def refuse_several(self, names: Iterable[str], what: str) -> None:
        """Raise an error if one axis is stated for several tasks.

        Args:
            names: The tasks, as often as they occur.
            what: What is read, in words.

        Raises:
            InputError: There are several.
        """
        tasks = list(dict.fromkeys(names))
        if self.axis is not None and len(tasks) > 1:
            word = self.high or HIGH_WORDS.get(self.axis, ("WORD",))[0]
            examples = " ".join(f"--{self.axis} {task}:high={word}" for task in tasks[:2])
            raise InputError(
                f"--axis {self.axis} is for {what} of one task, and there are {len(tasks)}: {', '.join(tasks[:8])}; "
                f"needed: the axis of each, as {examples}"
            )


def axis_and_flip(axis: str | None, high: str | None) -> tuple[Axis, bool]:
    """Return an axis, and whether a high score is its bad end; capability if nothing is stated.

    Raises:
        InputError: The axis is unknown, or the word is not one of its two ends.

    Example:
        >>> axis_and_flip("safety", "harm"), axis_and_flip(None, None)
        ((<Axis.SAFETY: 'safety'>, True), (<Axis.CAPABILITY: 'capability'>, False))
    """
    if axis is None and high is not None:
        raise InputError(f"high={high} was given without an axis; needed: {' | '.join(HIGH_WORDS)}")
    name = axis or Axis.CAPABILITY.value
    if name not in HIGH_WORDS:
        raise InputError(f"unknown axis {name!r}; needed: {' | '.join(HIGH_WORDS)}")
    good, bad = HIGH_WORDS[name]
    if high is None and name == Axis.CAPABILITY:
        return Axis.CAPABILITY, False
    if high not in (good, bad):
        raise InputError(f"a high score on the {name} axis may mean {good} or {bad}; seen: {high}; say which")
    return Axis(name), high == bad


def refuse_contradictions(tasks: Sequence[StatedTask], name: str) -> None:
    """Raise an error unless what is stated of one task names a scorer of its own each time.

    One task may be read on two axes, by two of its scorers.

    Raises:
        InputError: A scorer is named twice, or one of several statements names none.
    """
    scorers = [task.scorer_name for task in tasks]
    if len(tasks) > 1 and (None in scorers or len(set(scorers)) < len(scorers)):
        options = " and ".join(task.option() for task in tasks)
        raise InputError(
            f"{name} is named twice: {options}; needed: once, or with another scorer each, as --safety "
            f"{name}@scorer:high=harm"
        )


@dataclass(frozen=True, slots=True)
class TaskNames:
    """The names under which one task can be written.

    Attributes:
        name: The name that identifies it: `package/task` if it is registered, else the one in its log or table.
        others: Other full names: that in its log, and `file.py@task` with any part of the folders.
    """

    name: str
    others: frozenset[str] = frozenset()

    @property
    def bare(self) -> str:
        """The name without package, folder and file."""
        return bare_name(self.name)

    def fits(self, written: str) -> bool:
        """Return whether a user may mean this task: a full name, or one without the package."""
        if written in self.others or written == self.name:
            return True
        has_package = "/" in self.name
        return self.bare == (written if has_package else bare_name(written)) and ".py" not in written


def bare_name(name: str) -> str:
    """Return a task's name without package, folder and file.

    Example:
        >>> bare_name("inspect_evals/gsm8k"), bare_name("tasks/own.py@probe")
        ('gsm8k', 'probe')
    """
    return name.rpartition("@")[2].rpartition("/")[2]


def statements_of(stated: Iterable[StatedTask], names: Collection[TaskNames]) -> dict[StatedTask, set[str]]:
    """Return the tasks that each statement names, by their identifying names; none for one that names no task.

    Raises:
        InputError: A name without a package is that of several packages.

    Example:
        >>> probe = stated_task("probe@judge:high=harm", "safety")
        >>> statements_of([probe], [TaskNames("own/probe"), TaskNames("other")])[probe]
        {'own/probe'}
    """
    tasks: dict[StatedTask, set[str]] = {}
    for task in stated:
        fitting = {own.name for own in names if own.fits(task.task)}
        if task.task in fitting:
            fitting = {task.task}
        packaged = sorted(name for name in fitting if "/" in name)
        if len(packaged) > 1:
            raise InputError(f"{task.option()}: {task.task} is {' and '.join(packaged)}; needed: one of these names")
        tasks[task] = fitting
    return tasks


def options_text(task: str, scorer: str | None) -> str:
    """Return the options that state what a high score of one task means, one for each axis.

    Example:
        >>> options_text("probe", "judge")
        '--safety probe@judge:high=safe|harm, --benign probe@judge:high=answered|refused or --capability probe@judge'
    """
    safety, benign, capability = (StatedTask(task, axis, scorer) for axis in ("safety", "benign", "capability"))
    safety_words, benign_words = ("|".join(HIGH_WORDS[axis]) for axis in ("safety", "benign"))
    return f"{safety.option(safety_words)}, {benign.option(benign_words)} or {capability.option()}"


def choice_text(task: str, scorers: Sequence[str], axis: str) -> str:
    """Return why the scores of a task are not all read on an axis, and what to do."""
    return f"task {task} has several scores ({', '.join(scorers)}); on the {axis} axis name the one to read"


def doubt_text(task: str, why: str, scorer: str | None) -> str:
    """Return why a task of unknown polarity is not read as capability, and the options to write.

    Args:
        task: The task's name.
        why: The name that speaks of harm, or else of error, with what it is the name of.
        scorer: The `scorer` or `scorer.key` to name in the options; None for none.

    Example:
        >>> doubt_text("speech", "scorer wer", "wer").partition("; ")[2]
        'needed: --capability speech@wer:high=correct|wrong'
    """
    if not speaks_of_harm(why):
        option = StatedTask(task, "capability", scorer).option("|".join(HIGH_WORDS["capability"]))
        return (
            f"it is not known what a high score of {task} means: its {why} is the name of an error or a cost, of which "
            f"a low value may be the good one; needed: {option}"
        )
    return (
        f"it is not known what a high score of {task} means, and its {why} speaks of harm, refusal or attack, so that "
        f"it is not read as capability unasked; needed: {options_text(task, scorer)}"
    )
