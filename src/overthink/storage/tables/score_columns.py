"""Several score columns of a table, as `score_NAME` of Inspect's data frames: one curve each."""

from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

from overthink.errors import InputError
from overthink.storage.tables.cells import object_in, shares, texts
from overthink.storage.tables.columns import ALIASES, by_key
from overthink.storage.tables.table_files import cell_text

PREFIX = "score_"
_DETAILS = ("answer", "explanation", "reason", "metadata")
_VALUE, _SCORER = "value", "scorer"


class ScoredCells(NamedTuple):
    """Rows with one score each.

    Attributes:
        cells: The cells, with columns ``value`` and ``scorer`` for those of the scores.
        notes: Columns that were left out, for the report.
    """

    cells: pl.DataFrame
    notes: tuple[str, ...]


def score_columns(names: Sequence[str], scorer: str | None = None) -> list[str]:
    """Return the columns of scores to read, in the order of the table; none where a column of values is read instead.

    Args:
        names: Columns of the table.
        scorer: The one to read, with or without the prefix; None for the column of values, else for all.

    Raises:
        InputError: The table has no column of this scorer's.

    Example:
        >>> score_columns(["id", "score_match", "score_judge", "score_judge_explanation"])
        ['score_match', 'score_judge']
        >>> score_columns(["id", "score", "score_match"]), score_columns(["id", "score", "score_match"], "match")
        ([], ['score_match'])
    """
    present = by_key(names)
    columns = [name for name in names if name.strip().lower().startswith(PREFIX)]
    columns = [name for name in columns if not _is_detail(name, columns) and "headline" not in name.lower()]
    if scorer is not None and "scorer" not in present:
        own = {name.strip().lower(): name for name in reversed(names)}
        wanted = (scorer.lower(), f"{PREFIX}{scorer.lower()}")
        chosen = next((own[name] for name in wanted if name in own), None)
        if chosen is None:
            raise InputError(
                f"the table has no scores of {scorer}; there are: {', '.join(columns) or 'no columns score_NAME'}"
            )
        return [chosen]
    return [] if any(alias in present for alias in ALIASES["value"]) else columns


def _is_detail(name: str, columns: Sequence[str]) -> bool:
    return any(name == f"{column}_{detail}" for column in columns for detail in _DETAILS)


def with_scores(cells: pl.DataFrame, columns: Sequence[str]) -> ScoredCells:
    """Return a row per row and score column; a column of objects has a score per key, as `NAME.key`.

    Args:
        cells: The table without conversion.
        columns: The columns of scores, at least one.

    Raises:
        InputError: None of them holds scores.
    """
    plain = cells.drop(columns)
    parts, faults = [], []
    for column in columns:
        name = column.strip()[len(PREFIX) :] if column.strip().lower().startswith(PREFIX) else column
        for key, values in _keys_of(cells[column]).items():
            scorer = f"{name}.{key}" if key else name
            try:
                read = shares(values.alias(column))
            except InputError as fault:
                faults.append(f"Scores of {scorer} were left out: {fault}.")
                continue
            if read.is_null().all():
                faults.append(f"Scores of {scorer} were left out: none is there.")
                continue
            parts.append(plain.with_columns(texts(values).alias(_VALUE), pl.lit(scorer).alias(_SCORER)))
    if not parts:
        raise InputError(f"no column holds scores from 0 to 1. {' '.join(faults)}")
    return ScoredCells(pl.concat(parts), tuple(faults))


def _keys_of(cells: pl.Series) -> dict[str, pl.Series]:
    """Return the values by key of a column of objects; a plain column has the key ""."""
    if not texts(cells).drop_nulls().str.starts_with("{").any():
        return {"": cells}
    objects = [object_in(cell) for cell in texts(cells)]
    keys = dict.fromkeys(key for value in objects for key in value)
    return {
        key: pl.Series(cells.name, [cell_text(value.get(key)) for value in objects], dtype=pl.String) for key in keys
    }
