"""Outcome tables with adaptive sampling waves."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np

from overthink.data.waves import Waves
from overthink.data.outcomes import Outcomes
from overthink.errors import InputError


def with_waves(tables: Sequence[Outcomes], waves: Mapping[str, Waves]) -> list[Outcomes]:
    """Return the tables with the sampling waves of their tasks.

    Args:
        tables: The curves.
        waves: By task; tasks that were not drawn in waves are left out.

    Raises:
        InputError: The waves are those of other questions.
    """
    result = []
    for table in tables:
        task_waves = waves.get(table.task)
        try:
            result.append(table if task_waves is None else replace(table, waves=task_waves.of(table.questions)))
        except ValueError as failure:
            raise InputError(
                f"task {table.task!r}: {failure}; needed: the waves in which this pool was drawn"
            ) from None
    return result


def guaranteed_part(table: Outcomes) -> Outcomes:
    """The draws that every question gets regardless of outcomes; all of them where there were no waves.

    Statistics of these draws are as if their number had been set beforehand.
    """
    if table.waves is None:
        return table
    keep = np.asarray(table.draws) < table.waves.guaranteed_draws
    kept_arrays: dict[str, Any] = {
        field.name: array[:, keep]
        for field in fields(table)
        if isinstance(array := getattr(table, field.name), np.ndarray)
    }
    return replace(table, waves=None, draws=tuple(np.asarray(table.draws)[keep].tolist()), **kept_arrays)
