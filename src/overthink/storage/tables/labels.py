"""Tables of human labels of single answers."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from overthink.data.labels import AnswerPosition, HumanLabel
from overthink.errors import InputError
from overthink.paths import is_there
from overthink.plan.study import HIGH_WORDS
from overthink.storage.files import storage_errors, write_text
from overthink.storage.tables.cells import from_cell, to_cell
from overthink.storage.tables.table_files import read_cells

LABEL_COLUMNS = ("question", "draw", "rung", "label")
CURVE_COLUMNS = ("task", "arm", "estimand", "axis")

LABEL_WORDS = {word: 1.0 - index for words in HIGH_WORDS.values() for index, word in enumerate(words)} | {
    "harmful": 0.0
}
"""Words for labels: the good one of each axis is 1."""


def read_labels(path: Path) -> tuple[HumanLabel, ...]:
    """Read human labels (:mod:`overthink.storage.tables.table_files`): one row per answer that a human has read.

    Columns: question, draw, rung and label; where the study has several of them also task, arm, estimand, axis. A label
    is a number from 0 to 1 (1 = correct, safe or answered) or a word: correct, wrong, safe, harm, answered, refused. A
    row with an empty label is an unlabelled answer; it is left out. Other columns are not read.

    Raises:
        InputError: The file cannot be read, lacks a column, or holds an invalid label; the row is named.
    """
    table = read_cells(path)
    missing = [name for name in LABEL_COLUMNS if name not in table.columns]
    if missing:
        raise InputError(
            f"{path} has no column {', '.join(missing)} (seen: {', '.join(table.columns)[:200]}); needed: "
            f"{', '.join(LABEL_COLUMNS)}, and where the study has several: {', '.join(CURVE_COLUMNS)}"
        )
    read = from_cell if path.suffix.lower() == ".csv" else str
    labels = []
    for number, row in enumerate(table.iter_rows(named=True), start=1):
        cells = {name: None if row[name] is None else read(str(row[name])) for name in row}
        if not (cells["label"] or "").strip():
            continue
        labels.append(_label(cells, f"{path}, row {number}"))
    if not labels:
        raise InputError(f"{path} holds no label: every cell of its column `label` is empty")
    _refuse_contradictions(labels, path)
    return tuple(labels)


def _label(cells: Mapping[str, str | None], where: str) -> HumanLabel:
    question, draw, rung = (cells[name] for name in LABEL_COLUMNS[:3])
    if not question:
        raise InputError(f"{where}: the question is empty")
    names = {name: cells.get(name) or None for name in CURVE_COLUMNS}  # as in the pool, spaces included
    return HumanLabel(
        question, _whole(draw, f"{where}: draw"), _whole(rung, f"{where}: rung"), _value(cells["label"], where), **names
    )


def _whole(text: str | None, what: str) -> int:
    digits = (text or "").strip()
    if not digits.isdecimal():
        raise InputError(f"{what} is {text!r}; needed: a whole number from 0, as in the pool")
    return int(digits)


def _value(text: str | None, where: str) -> float:
    word = (text or "").strip().lower()
    try:
        value = LABEL_WORDS[word] if word in LABEL_WORDS else float(word)
    except ValueError:
        value = float("nan")
    if not 0 <= value <= 1:
        raise InputError(f"{where}: the label is {text!r}; needed: from 0 to 1, or one of {', '.join(LABEL_WORDS)}")
    return value


def _refuse_contradictions(labels: list[HumanLabel], path: Path) -> None:
    label_at: dict[tuple[object, ...], float] = {}
    for label in labels:
        position = (label.task, label.arm, label.estimand, label.axis, label.question, label.draw, label.rung)
        if position in label_at and label_at[position] != label.label:
            raise InputError(
                f"{path}: question {label.question!r}, draw {label.draw}, rung {label.rung} has two different labels; "
                "needed: one each; settle them, or give their mean"
            )
        label_at[position] = label.label


def write_label_sheet(
    path: Path, places: Sequence[HumanLabel], texts: Mapping[AnswerPosition, tuple[str, str]] | None
) -> None:
    """Write a sheet (.csv) with an empty column `label`, to be filled in by hand and read by :func:`read_labels`.

    Args:
        path: The file; it must not exist yet, as it may hold labels.
        places: The answers to be labelled.
        texts: By position: texts of the question and of the answer; None to leave texts out.

    Raises:
        InputError: The file exists, or is no .csv.
        StoppedError: The disk is full.
    """
    if path.suffix.lower() != ".csv":
        raise InputError(f"{path}: label sheets are .csv; give --out labels.csv")
    if is_there(path):
        raise InputError(f"{path} is there already and may hold labels; give another --out")
    curve_columns = [name for name in CURVE_COLUMNS if name != "axis" or any(answer.axis for answer in places)]
    columns = {name: [getattr(answer, name) for answer in places] for name in (*curve_columns, *LABEL_COLUMNS[:3])}
    if texts is not None:
        texts_of_places = [texts.get(answer.position, ("", "")) for answer in places]
        columns |= {
            "asked": [question for question, _ in texts_of_places],
            "answered": [text for _, text in texts_of_places],
        }
    sheet = pl.DataFrame({name: list(map(_cell, column)) for name, column in columns.items()})
    sheet = sheet.with_columns(label=pl.lit(""))
    with storage_errors(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, sheet.write_csv())


def _cell(value: str | int | None) -> str | int | None:
    return to_cell(value) if isinstance(value, str) else value
