"""Tables whose draws came in waves."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np

from overthink.core.adaptive.waves import Waves
from overthink.core.outcomes import Outcomes
from overthink.errors import InputError


def with_waves(tables: Sequence[Outcomes], waves: Mapping[str, Waves]) -> list[Outcomes]:
    """Tell every table of the waves in which its task was drawn.

    Args:
        tables: The curves.
        waves: By task; tasks that were not drawn in waves are left out.

    Raises:
        InputError: The waves are those of other questions.
    """
    told = []
    for table in tables:
        own = waves.get(table.task)
        try:
            told.append(table if own is None else replace(table, waves=own.of(table.questions)))
        except ValueError as failure:
            raise InputError(
                f"task {table.task!r}: {failure}; needed: the waves in which this pool was drawn"
            ) from None
    return told


def even_part(table: Outcomes) -> Outcomes:
    """The draws that every question was sure to get, whatever came out; all of them where there were no waves.

    Whatever is computed of them is as if their number had been set beforehand.
    """
    if table.waves is None:
        return table
    keep = np.asarray(table.draws) < table.waves.even
    cut: dict[str, Any] = {
        field.name: array[:, keep]
        for field in fields(table)
        if isinstance(array := getattr(table, field.name), np.ndarray)
    }
    return replace(table, waves=None, draws=tuple(np.asarray(table.draws)[keep].tolist()), **cut)
