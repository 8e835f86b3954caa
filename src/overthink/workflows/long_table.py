"""A study as a long table for other tools: a row per scored sample, under the column names that they read."""

from pathlib import Path

import polars as pl

from overthink.data.parameters import instance
from overthink.data.pool import read
from overthink.errors import InputError
from overthink.workflows import arguments as arg
from overthink.workflows.sources import ReadOptions, read_source
from overthink.workflows.study import Study


def long_table(study: Study | str | Path) -> pl.DataFrame:
    """Return a row per scored sample, under the names that evalstats and hibayes read.

    Samples without a value are left out, as neither tool takes them. Of a study with several axes, scorers or estimands
    choose the rows that belong together first: a score is comparable with those of its own curve alone.

    Args:
        study: A study; or the path of a study's folder, or of a pool.

    Returns:
        `model`, `prompt` (the arm), `item` (the question), `run` (the draw, from 0), `score` (1 for right, safe or
        answered), and beside these `task`, `axis`, `scorer`, `estimand`, `budget` (thinking tokens asked for),
        `effort`, `rung`, `thinking_tokens`.

    Raises:
        TypeError: The study is neither a study nor a path.
        InputError: The path cannot be read, or no sample has a value.
    """
    instance(study, "study", Study | str | Path)
    if not isinstance(study, Study):
        arg.a_path(study, "study")
    pool = study.pool if isinstance(study, Study) else read_source(Path(study), ReadOptions()).pool
    rows = read(
        pool.filter(pl.col("value").is_not_null()).select(
            model=pl.col("model").fill_null("not named"),
            prompt="arm",
            item="question",
            run="draw",
            score="value",
            task="task",
            axis="axis",
            scorer="scorer",
            estimand="estimand",
            budget="requested_tokens",
            effort="effort",
            rung="rung",
            thinking_tokens="thinking_tokens",
        )
    )
    if rows.is_empty():
        raise InputError("study has no sample with a value; needed: a study with scored answers")
    return rows
