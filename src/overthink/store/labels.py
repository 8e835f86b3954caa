"""Human labels: a table that says of single answers what a human thought of them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from overthink.core.human_label import AnswerAt, HumanLabel
from overthink.errors import InputError
from overthink.plan import HIGH_WORDS
from overthink.store.atomic import write_text
from overthink.store.table_files import read_cells

NEEDED = ("question", "draw", "rung", "label")
OPTIONAL = ("task", "arm", "estimand")

WORDS = {word: 1.0 - place for words in HIGH_WORDS.values() for place, word in enumerate(words)} | {"harmful": 0.0}
"""Words that stand for a label: the good one of each axis is 1."""


def read_labels(path: Path) -> tuple[HumanLabel, ...]:
    """Read human labels (.csv, .jsonl, .json, .parquet): one row per answer that a human has read.

    Columns: question, draw, rung and label; where the study has several of them also task, arm, estimand. A label is
    a number from 0 to 1 (1 = correct, safe or answered) or a word: correct, wrong, safe, harm, answered, refused. A row
    with an empty label is an answer that nobody has read; it is left out. Other columns are not read.

    Raises:
        InputError: The file cannot be read, lacks a column, or holds a label that means nothing; the row is named.
    """
    table = read_cells(path)
    missing = [name for name in NEEDED if name not in table.columns]
    if missing:
        raise InputError(
            f"{path} has no column {', '.join(missing)} (seen: {', '.join(table.columns)[:200]}); needed: "
            f"{', '.join(NEEDED)}, and where the study has several: {', '.join(OPTIONAL)}"
        )
    found = []
    for number, row in enumerate(table.iter_rows(named=True), start=1):
        cells = {name: None if row[name] is None else str(row[name]).strip() for name in row}
        if not cells["label"]:
            continue
        found.append(_label(cells, f"{path}, row {number}"))
    if not found:
        raise InputError(f"{path} holds no label: every cell of its column `label` is empty")
    _refuse_twice(found, path)
    return tuple(found)


def _label(cells: Mapping[str, str | None], where: str) -> HumanLabel:
    question, draw, rung = (cells[name] for name in NEEDED[:3])
    if not question:
        raise InputError(f"{where}: the question is empty")
    names = {name: cells.get(name) or None for name in OPTIONAL}
    return HumanLabel(
        question, _whole(draw, f"{where}: draw"), _whole(rung, f"{where}: rung"), _value(cells["label"], where), **names
    )


def _whole(text: str | None, what: str) -> int:
    if text is None or not text.isdecimal():
        raise InputError(f"{what} is {text!r}; needed: a whole number from 0, as in the pool")
    return int(text)


def _value(text: str | None, where: str) -> float:
    word = (text or "").lower()
    try:
        value = WORDS[word] if word in WORDS else float(word)
    except ValueError:
        value = float("nan")
    if not 0 <= value <= 1:
        raise InputError(f"{where}: the label is {text!r}; needed: from 0 to 1, or one of {', '.join(WORDS)}")
    return value


def _refuse_twice(labels: list[HumanLabel], path: Path) -> None:
    seen: dict[tuple[object, ...], float] = {}
    for one in labels:
        place = (one.task, one.arm, one.estimand, one.question, one.draw, one.rung)
        if place in seen and seen[place] != one.label:
            raise InputError(
                f"{path}: question {one.question!r}, draw {one.draw}, rung {one.rung} has two different labels; "
                "needed: one each; settle them, or give their mean"
            )
        seen[place] = one.label


def write_label_sheet(
    path: Path, places: Sequence[HumanLabel], texts: Mapping[AnswerAt, tuple[str, str]] | None
) -> None:
    """Write a sheet (.csv) with an empty column `label`, to be filled in by hand and read by :func:`read_labels`.

    Args:
        path: The file; it must not be there yet, as it may hold somebody's work.
        places: The answers to be read.
        texts: By place: what was asked and what was answered; None to leave texts out.

    Raises:
        InputError: The file is there already, or is no .csv.
        StoppedError: The disk is full.
    """
    if path.suffix != ".csv":
        raise InputError(f"{path}: label sheets are .csv; give --out labels.csv")
    if path.exists():
        raise InputError(f"{path} is there already and may hold labels; give another --out")
    columns = {name: [getattr(one, name) for one in places] for name in (*OPTIONAL, *NEEDED[:3])}
    if texts is not None:
        both = [texts.get(one.at, ("", "")) for one in places]
        columns |= {"asked": [_cell(asked) for asked, _ in both], "answered": [_cell(text) for _, text in both]}
    sheet = pl.DataFrame(columns | {"label": [""] * len(places)})
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, sheet.write_csv())


def _cell(text: str) -> str:
    """A text that a spreadsheet shows and does not run: a leading =, +, - or @ would start a formula."""
    return "'" + text if text[:1] in "=+-@\t\r" and text else text
