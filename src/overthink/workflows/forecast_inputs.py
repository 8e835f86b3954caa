"""Forecasts from a table of printed shares, each an interval, and from a study's curves one octave further."""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl

from overthink.data.ids import CurveKey, curve_ids
from overthink.data.outcomes import Outcomes
from overthink.data.record import Axis, Estimand
from overthink.data.results.forecast import NextBudgetResult, PrintedResult
from overthink.errors import InputError
from overthink.forecasts.counts import MOST_TRIES
from overthink.forecasts.findings import ForecastOptions
from overthink.forecasts.next_budget_findings import next_budget_result
from overthink.forecasts.printed import printed_result, printed_share
from overthink.paths import name_text
from overthink.plan.analysis import MARGIN
from overthink.storage.tables.cells import refuse_rows, texts, whole_numbers
from overthink.storage.tables.columns import ALIASES

TRIES, SHARE = "k", "share"
GROUPS = {"task": ("task", "family"), "arm": ALIASES["arm"], "axis": ("axis",)}


def is_printed(names: set[str]) -> bool:
    """Return whether a table with these columns, in lower case, holds printed shares."""
    return {TRIES, SHARE} <= names and "question" not in names


def printed_forecasts(
    path: Path, cells: pl.DataFrame, *, axis: str | None, k: tuple[int, ...], options: ForecastOptions
) -> tuple[PrintedResult, ...]:
    """Return one forecast per task, arm and axis of a table of printed shares.

    Args:
        path: The table, for messages.
        cells: Its cells, as texts.
        axis: Axis of rows that state none; capability if that is None.
        k: Tries to forecast.
        options: Thresholds and band.

    Raises:
        InputError: A cell cannot be read, shares at one k are repeated or contradict each other, or the model band is
            wanted, which needs counts.
    """
    if options.band == "model":
        raise InputError(f"{path} holds printed shares; the model band needs attempts and successes: drop --band model")
    lower = {name.lower(): name for name in reversed(cells.columns)}
    try:
        tries = whole_numbers(cells[lower[TRIES]])
        refuse_rows(cells[lower[TRIES]], tries.is_null() | (tries < 1) | (tries > MOST_TRIES), "needed: 1 to a billion")
        shares = texts(cells[lower[SHARE]])
        refuse_rows(cells[lower[SHARE]], shares.is_null(), "needed: a share as it was printed")
        columns = {"tries": tries, "share": shares}
        for name, aliases in GROUPS.items():
            column = next((lower[alias] for alias in aliases if alias in lower), None)
            columns[name] = (
                pl.Series([None] * cells.height, dtype=pl.String) if column is None else texts(cells[column])
            )
        table = pl.DataFrame([series.alias(name) for name, series in columns.items()])
        groups = [group for _, group in table.group_by(*GROUPS, maintain_order=True)]
        return tuple(
            _forecast(f"{name_text(path.stem)}/printed/{i}", group, _key(path, group, axis), k, options.thresholds)
            for i, group in enumerate(groups, 1)
        )
    except (InputError, ValueError) as failure:
        raise InputError(f"{path}: {failure}") from failure


def _key(path: Path, group: pl.DataFrame, default: str | None) -> CurveKey:
    task, arm, axis = group.select(*GROUPS).row(0)
    axis = axis or default or Axis.CAPABILITY.value
    if axis not in set(Axis):
        raise ValueError(f"axis {axis!r} is unknown; needed: {' | '.join(Axis)}")
    return CurveKey(axis, task or name_text(path.stem), arm or "base", "", Estimand.NATURAL.value)


def _forecast(
    name: str, group: pl.DataFrame, key: CurveKey, k: tuple[int, ...], thresholds: tuple[float, ...]
) -> PrintedResult:
    if group["tries"].is_duplicated().any():
        repeated = group["tries"].filter(group["tries"].is_duplicated())[0]
        raise ValueError(f"k = {repeated} occurs more than once; needed: one share each; columns task and model divide")
    shares = {tries: printed_share(text) for tries, text in group.select("tries", "share").iter_rows()}
    prefix = re.sub(r"[^A-Za-z0-9._/]+", "-", f"{key.axis}/{name}")
    return printed_result(shares, k, thresholds, key=key, prefix=prefix)


SEED_OFFSET = 1
"""Third element of the seed; gives these forecasts other random numbers than forecasts over tries."""


def next_budget_forecasts(
    tables: Sequence[Outcomes], *, level: float, stopping: str | None, seed: int
) -> tuple[NextBudgetResult, ...]:
    """Return the forecast of every curve with a ladder.

    Args:
        tables: The curves of a study, logs, or a table of draws.
        level: Confidence level.
        stopping: "fixed", "first_success", or None to infer it.
        seed: Seed of the draws.

    Raises:
        InputError: The stopping rule contradicts the counts.
    """
    results = [
        next_budget_result(
            table,
            level=level,
            margin=MARGIN,
            stopping=stopping,
            prefix=prefix,
            rng=np.random.default_rng([seed, number, SEED_OFFSET]),
        )
        for number, (table, prefix) in enumerate(zip(tables, curve_ids([table.key for table in tables]), strict=True))
    ]
    return tuple(result for result in results if result is not None)
