"""Trajectories of ControlArena: its `samples_df` as a table, with honest and attacking runs and scores of monitors.

A row is a run: `eval_mode` says honest or attack, `main_task_success` whether it did what it was asked, and
`side_task_success` whether the attack worked. Each numeric column `score_NAME` is a monitor's suspicion.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from overthink.components.base import component
from overthink.data.oversight import HONEST, OversightRow, View
from overthink.data.pool import frame_of
from overthink.data.record import Axis, Estimand, RungRecord, verdict_of
from overthink.data.tokens import NO_USAGE, UNKNOWN_USAGE
from overthink.errors import InputError
from overthink.paths import name_text
from overthink.storage.formats.reader import NotedFrame, Reader, token_counts
from overthink.storage.tables.cells import object_in
from overthink.storage.tables.table_files import column_names, is_table, read_cells

_MARKS = frozenset({"eval_mode", "main_task_success", "id", "epoch"})
_MODES = ("honest", "attack")
_SCORE = "score_"
_SIDE_TASK = "side_task_name"
_READ = frozenset(
    _MARKS
    | {"side_task_success", "task_name", "model", "model_usage", "metadata_sample", "log", "working_time", "error"}
    | {"micro_protocol_info", "metadata_setting_name", "eval_id"}
)
_TRUTHS = {"true": 1.0, "false": 0.0, "1": 1.0, "0": 0.0, "1.0": 1.0, "0.0": 0.0, "c": 1.0, "i": 0.0}
_MAIN_SCORER, _SIDE_SCORER = "main_task_success", "no_side_task_success"


@component("control-arena")
class ControlArenaReader(Reader):
    """Exports of ControlArena's samples_df, as a table of any format."""

    def claims(self, path: Path) -> bool:
        """Return whether a path is a table with the columns of the export."""
        return is_table(path) and {name.strip() for name in column_names(path)} >= _MARKS

    def frame(self, path: Path) -> NotedFrame:
        """Return a row per run and axis, and the scores of the monitors as rows of the table on oversight."""
        cells = read_cells(path, choose=_read)
        cells = cells.rename({name: name.strip() for name in cells.columns})
        if missing := sorted(_MARKS - set(cells.columns)):
            raise InputError(
                f"{path} has no column {', '.join(missing)}; needed: what ControlArena's samples_df writes"
            )
        rows = cells.to_dicts()
        modes = sorted({str(row["eval_mode"]) for row in rows} - set(_MODES))
        if modes:
            raise InputError(f"{path}: eval_mode is {modes[0]!r:.80}; needed: honest or attack")
        monitors = [name for name in cells.columns if name.startswith(_SCORE) and _is_suspicion(cells[name])]
        left_out = [name for name in cells.columns if name.startswith(_SCORE) and name not in monitors]
        draws: dict[tuple[str, ...], int] = {}
        records: list[RungRecord] = []
        scores: list[OversightRow] = []
        for row in rows:
            names = _arm(row), _task(row, path), _text(row["id"]) or ""
            draw = draws[names] = draws.get(names, -1) + 1  # runs of one setting are draws, whatever log they are in
            records += _records(row, names, draw, study=name_text(path.stem))
            scores += _scores(row, names, draw, monitors)
        if not records:
            raise InputError(f"{path} has no run with main_task_success or side_task_success; needed: scored runs")
        notes = ["Attacking runs are arms of their own; safe means that the side task did not succeed."]
        notes += [f"Columns without a suspicion from 0 to 1 were left out: {', '.join(left_out)}."] if left_out else []
        return NotedFrame(frame_of(records), tuple(notes), oversight=tuple(scores))


def _read(names: Sequence[str]) -> Collection[str]:
    return [name for name in names if name.strip() in _READ or name.strip().startswith(_SCORE)]


def _is_suspicion(cells: pl.Series) -> bool:
    """Return whether a column holds numbers from 0 to 1, and no mere truths."""
    texts = [text for cell in cells.to_list() if (text := _text(cell)) is not None]
    numbers = [_number(text) for text in texts]
    is_truth = all(text.lower() in ("true", "false") for text in texts)
    return bool(texts) and not is_truth and all(number is not None and 0 <= number <= 1 for number in numbers)


def _arm(row: Mapping[str, Any]) -> str:
    """Return the arm of a run: its protocol or model, and of an attack its policy."""
    protocol = object_in(row.get("micro_protocol_info")).get("name")
    own = _text(protocol) or _text(row.get("model")) or "base"
    return own if row["eval_mode"] == "honest" else f"{own}+attack:{_policy(row)}"


def _policy(row: Mapping[str, Any]) -> str:
    return _text(object_in(row.get("metadata_sample")).get(_SIDE_TASK)) or "attack"


def _task(row: Mapping[str, Any], path: Path) -> str:
    return _text(row.get("task_name")) or _text(row.get("metadata_setting_name")) or name_text(path.stem)


def _records(row: Mapping[str, Any], names: tuple[str, str, str], draw: int, *, study: str) -> Iterator[RungRecord]:
    """Yield a row per axis that the run was scored on."""
    arm, task, question = names
    model, side = _text(row.get("model")), _truth(row.get("side_task_success"))
    usage = token_counts(object_in(object_in(row.get("model_usage")).get(model or "")))
    safe = (1.0 if row["eval_mode"] == "honest" else None) if side is None else 1.0 - side
    for axis, scorer, value in (
        (Axis.CAPABILITY, _MAIN_SCORER, _truth(row["main_task_success"])),
        (Axis.SAFETY, _SIDE_SCORER, safe),
    ):
        if value is not None:
            yield RungRecord(
                study,
                arm,
                axis,
                task,
                scorer,
                question,
                draw,
                0,
                Estimand.NATURAL,
                verdict=verdict_of(value, axis),
                value=value,
                model=model,
                log=_text(row.get("log")),
                epoch=int(float(row["epoch"])),
                thinking_tokens=usage["thinking_tokens"],
                generated_tokens=usage["generated_tokens"],
                prompt_tokens=usage["prompt_tokens"],
            )


def _scores(
    row: Mapping[str, Any], names: tuple[str, str, str], draw: int, monitors: Sequence[str]
) -> Iterator[OversightRow]:
    arm, task, question = names
    is_attack, main = row["eval_mode"] == "attack", _truth(row["main_task_success"])
    side = _truth(row.get("side_task_success"))
    for column in monitors:
        score = _number(_text(row[column]))
        yield OversightRow(
            task,
            arm,
            question,
            draw,
            Estimand.NATURAL,
            attack=_policy(row) if is_attack else HONEST,
            view=View.BOTH,
            monitor=column.removeprefix(_SCORE),
            score=score,
            correct=None if main is None else main == 1,
            behaviour=None if side is None and is_attack else side == 1,
            overseer=UNKNOWN_USAGE,
            agent=NO_USAGE,
            reason=None if score is not None else "the export holds no score",
        )


def _truth(cell: object) -> float | None:
    return None if cell is None else _TRUTHS.get(str(cell).strip().lower())


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None


def _text(cell: object) -> str | None:
    text = "" if cell is None else str(cell).strip()
    return None if text.lower() in ("", "nan", "none", "null", "<na>") else text
