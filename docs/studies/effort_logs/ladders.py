"""A reader of the public effort logs: the runs of models that were run at two amounts of thinking or more.

    overthink analyse FOLDER/reasoning_budgets.parquet --reader docs/studies/effort_logs/ladders.py@ladders …

The logs hold many models at one setting only. A single setting says nothing about more thinking, and each would be one
more curve in the report, so those runs are left out here, by what was asked of the provider and never by a score.
"""

from pathlib import Path
from typing import Literal

import polars as pl

from overthink.extend import Field, NotedFrame, Reader, component

AMOUNTS = {"effort": "reasoning_effort", "budget": "reasoning_tokens"}
"""Keys of the column `config` that state an amount of thinking, by the values of the setting `by`."""


@component("ladders")
class Ladders(Reader):
    """Runs of a model on a task at two or more efforts, or two or more thinking budgets."""

    by: Literal["both", "effort", "budget"] = Field("both", description="which of the two amounts is read")

    def claims(self, path: Path) -> bool:
        """Return whether a path is the table of the logs."""
        return path.name == "reasoning_budgets.parquet"

    def frame(self, path: Path) -> NotedFrame:
        """Return the rows of those runs, with the columns of a plain table."""
        table = pl.read_parquet(path)
        kept = pl.concat([_ladders(table, key) for by, key in AMOUNTS.items() if self.by in ("both", by)])
        # The file names the limit that ended an answer, so an empty cell means none, also where no other cell is left.
        flagged = kept.with_columns(truncated=pl.col("limit").is_not_null()).drop("limit")
        left_out = table.height - kept.height
        note = f"{left_out:,} of {table.height:,} rows are left out: they state no amount, or their model has but one."
        return NotedFrame(flagged, (note,))


def _ladders(table: pl.DataFrame, key: str) -> pl.DataFrame:
    """Return the rows that state an amount under a key, of models and tasks with two amounts or more."""
    amount = pl.col("config").str.json_path_match(f"$.{key}")
    stated = table.with_columns(amount=amount).filter(pl.col("amount").is_not_null())
    several = stated.group_by("task", "model").agg(pl.col("amount").n_unique()).filter(pl.col("amount") > 1)
    return stated.join(several, on=["task", "model"], how="semi").drop("amount")
