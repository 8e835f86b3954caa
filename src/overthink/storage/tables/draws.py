"""Draw numbers of the rows of a table."""

import polars as pl

from overthink.errors import InputError

_ARM = ["task", "axis", "scorer", "arm", "estimand"]
_CURVE = [*_ARM, "rung"]


def number_draws(rows: pl.DataFrame) -> pl.DataFrame:
    """Replace the column ``draw`` by numbers from 0.

    Draws that the table numbers keep their order, and the same draw at another rung keeps its number, so
    that rungs stay paired. Where a number repeats because several runs had the same setting, numbers
    continue from run to run. A table without draws counts the rows of each question.

    Raises:
        InputError: Rows repeat a question and a draw, with no run or seed to distinguish them.
    """
    if rows["draw"].is_null().all():
        return rows.with_columns(draw=pl.int_range(pl.len()).over([*_CURVE, "question"]))
    rows = rows.with_columns(order=pl.col("draw").cast(pl.Float64, strict=False))
    for scope, names in (
        (_ARM, ["order", "draw"]),
        (_CURVE, ["run", "order", "draw"]),
        (_CURVE, ["run", "seed", "order", "draw"]),
    ):
        if not rows.select(*_CURVE, "question", *names).is_duplicated().any():
            return _rank(rows, scope, names)
    duplicates = rows.select(*_CURVE, "question", "run", "seed", "draw").is_duplicated().arg_true().to_list()
    examples = ", ".join(str(row + 1) for row in duplicates[:8])
    raise InputError(
        f"{len(duplicates)} rows repeat a question and draw of the same arm and budget (rows {examples}); number "
        "the draws, or tell runs apart in a column run_id"
    )


def _rank(rows: pl.DataFrame, scope: list[str], names: list[str]) -> pl.DataFrame:
    """Number the distinct combinations of ``names`` within ``scope``, in order."""
    distinct = rows.select(*scope, *names).unique().sort(*names, nulls_last=False)
    distinct = distinct.with_columns(number=pl.int_range(pl.len()).over(scope))
    numbered_rows = rows.join(distinct, on=[*scope, *names], how="left", nulls_equal=True, maintain_order="left")
    return numbered_rows.with_columns(draw=pl.col("number")).drop("number", "order")
