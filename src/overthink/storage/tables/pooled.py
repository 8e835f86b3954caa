"""Runs of one setting of a table, which are draws of one thing if nothing tells them apart."""

import numpy as np
import polars as pl

from overthink.data.conditions import INCOMPLETE, conditions_text, settings_in
from overthink.data.visible import name_list
from overthink.stats.pooling import NOT_ALIKE, p_exchangeable
from overthink.storage.tables.draws import CURVE, varying

_MOST_RUNS = 30
"""Runs of one rung of which all pairs are compared."""

_MOST_NAMES = 4


def pooled_runs(rows: pl.DataFrame) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Return the rows, and notes on the rungs with draws of several runs: how many there are, and which are not alike.

    Rows of runs that are shown not to be draws of one thing get the run among their conditions, so that no verdict
    rests on their mean.

    Args:
        rows: Typed rows with their placements and draws.
    """
    if not varying(rows, ["run"]):
        return rows, ()
    cells = rows.filter(pl.col("value").is_not_null() & pl.col("run").is_not_null())
    means = cells.group_by(*CURVE, "question", "run", maintain_order=True).agg(pl.col("value").mean())
    n_pooled, unlike = 0, []
    for key, group in means.group_by(*CURVE, maintain_order=True):
        if group["run"].n_unique() < 2:
            continue
        n_pooled += 1
        if group["run"].n_unique() <= _MOST_RUNS and _p(group) < NOT_ALIKE:
            unlike.append(key)
    if not n_pooled:
        return rows, ()
    notes = [f"{n_pooled} {'rung has' if n_pooled == 1 else 'rungs have'} draws of several runs, which are pooled."]
    if unlike:
        places = [f"{scorer} of {task}, arm {arm}, rung {rung}" for task, _, scorer, arm, _, rung in unlike]
        notes.append(
            f"Runs are not alike (paired by question, p < {NOT_ALIKE:g}) at "
            f"{name_list(places, _MOST_NAMES, separator='; ')}: "
            "something differs that the table does not state. Name it in a column arm or config."
        )
    return _with_runs(rows, unlike) if unlike else rows, tuple(notes)


def _p(means: pl.DataFrame) -> float:
    wide = means.select("question", "run", "value").pivot(on="run", index="question", values="value")
    return p_exchangeable(wide.drop("question").to_numpy().astype(np.float64))


def _with_runs(rows: pl.DataFrame, keys: list[tuple[object, ...]]) -> pl.DataFrame:
    """Return the rows, those of some rungs with their run among their conditions."""
    marked = pl.DataFrame(keys, schema={name: rows.schema[name] for name in CURVE}, orient="row")
    is_marked = rows.join(marked.with_columns(marked=True), on=CURVE, how="left", maintain_order="left")["marked"]
    conditions = [
        conditions_text({INCOMPLETE: "", **settings_in(text or "{}"), "run": run}) if mark else text
        for text, run, mark in zip(rows["conditions"], rows["run"], is_marked, strict=True)
    ]
    return rows.with_columns(conditions=pl.Series(conditions, dtype=pl.String))
