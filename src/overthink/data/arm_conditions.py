"""In which conditions the runs of two compared arms differ, by the conditions that rows state."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import polars as pl

from overthink.data.conditions import INCOMPLETE, setting_words, settings_in
from overthink.data.pool import read
from overthink.data.visible import visible

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
