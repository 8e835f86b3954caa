"""A study in the formats of other tools: records of Every Eval Ever, and a long table with a row per scored sample."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl

from overthink.data.parameters import instance
from overthink.data.pool import COLUMNS, read, words_of
from overthink.errors import InputError
from overthink.governance.statement.sample_records import (
    PREFIX,
    RecordPlace,
    results_by_rung,
    sample_record,
    with_unknown_level,
)
from overthink.governance.statement.schema import Statement
from overthink.paths import file_sha256
from overthink.storage.files import storage_errors, write_text
from overthink.storage.journal import read_waves
from overthink.storage.json_documents import analysis_text, read_analysis, read_notes
from overthink.storage.pool import scan_pool
from overthink.storage.study_folder import StudyFolder
from overthink.workflows import arguments as arg
from overthink.workflows.sources import ReadOptions, read_source
from overthink.workflows.statement import statement
from overthink.workflows.study import Study


@arg.checked(path=arg.a_path, out=arg.a_path, facts=arg.a_path_or_none)
def every_eval_ever(path: str | Path, out: str | Path, *, facts: str | Path | None = None) -> Path:
    """Write a study as records of Every Eval Ever, schema 0.3.0: a result per rung of every curve, a line per sample.

    What the schema has no field for (budgets asked for and consumed, arms, draws, estimands, failed gates, what K
    counts) is text in `additional_details` and `metadata`, every column of the pool among them, so that `analyse` makes
    the same findings of the folder. A sample without a value has the score -1, which the schema reads as unknown where
    `has_unknown_level` is true; `overthink:samples_without_value` says how many there are. The texts of questions stay
    in the logs.

    Args:
        path: A study's folder, or what `analyse` wrote with `out`.
        out: Folder of the collection; the files are below ``data/overthink/DEVELOPER/MODEL``, as the schema demands.
        facts: What findings do not contain, as for :func:`statement`.

    Returns:
        Path of the aggregate record; the samples are beside it, and `analyse` reads their folder.

    Raises:
        InputError: No statement can be made of the folder.
    """
    document = statement(path, facts=facts, write=False).statement
    record: dict[str, Any] = json.loads(json.dumps(document.every_eval_ever))
    place, folder = RecordPlace.of(record), Path(out)
    rows = read(scan_pool(StudyFolder(Path(path)).pool))
    record = with_unknown_level(record, words_of(rows.filter(pl.col("value").is_null()), "task")[0].to_list())
    lines = list(_lines(document, record, rows))
    samples = folder / place.samples
    with storage_errors(folder):
        samples.parent.mkdir(parents=True, exist_ok=True)
    write_text(samples, "".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in lines))
    record["detailed_evaluation_results"] = {
        "format": "jsonl",
        "file_path": place.samples,
        "hash_algorithm": "sha256",
        "checksum": file_sha256(samples),
        "total_rows": len(lines),
        "additional_details": {
            f"{PREFIX}samples_without_value": str(rows["value"].null_count()),
            f"{PREFIX}inputs": "the texts of questions are in the logs, not here",
            **dict(_study_texts(StudyFolder(Path(path)))),
        },
    }
    write_text(folder / place.record, json.dumps(record, indent=2, ensure_ascii=False) + "\n")
    return folder / place.record


def _study_texts(folder: StudyFolder) -> Iterator[tuple[str, str]]:
    """Yield what decides about findings beside the rows: the analysis, and the waves of adaptive draws."""
    request = read_analysis(folder.analysis)
    if request is not None:
        yield f"{PREFIX}analysis", analysis_text(*request)
    reading = read_notes(folder.analysis)
    if reading:
        yield f"{PREFIX}reading", json.dumps(reading, ensure_ascii=False)
    waves = read_waves(folder.waves)
    if waves:
        counts = {task: dict(zip(own.questions, own.counts.T.tolist(), strict=True)) for task, own in waves.items()}
        yield f"{PREFIX}waves", json.dumps(counts, ensure_ascii=False)


def _lines(document: Statement, record: dict[str, Any], rows: pl.DataFrame) -> Iterator[dict[str, Any]]:
    for curve in document.curves:
        own = rows.filter(
            *(pl.col(name) == getattr(curve, name) for name in ("axis", "task", "arm", "estimand")),
            pl.lit(True) if curve.scorer is None else pl.col("scorer") == curve.scorer,
        )
        points = results_by_rung(curve)
        for row in own.select(COLUMNS).iter_rows(named=True):
            yield sample_record(record, curve, points.get(row["rung"]), row)


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
