"""Exports of Inspect's samples_df, made with it from logs that are built in memory."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from inspect_ai.analysis import EvalModel, EvalTask, SampleSummary, samples_df
from inspect_ai.log import EvalConfig, EvalDataset, EvalLog, EvalSample, EvalSpec
from inspect_ai.model import GenerateConfig, ModelUsage
from inspect_ai.scorer import Score

from overthink.data.pool import PoolReading, records_of
from overthink.data.record import Verdict
from overthink.errors import InputError
from overthink.plan.stated_tasks import StatedMeaning
from overthink.storage.formats.samples_frame import SamplesFrameReader
from overthink.storage.tables.table import table_of_frame

pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword:Warning")  # of pandas, as Inspect calls it

QUESTIONS, EPOCHS = 5, 4


def log(run: str, scores: dict[str, list[Any]], effort: str | None = None, tokens: int = 50) -> EvalLog:
    """A log of five questions and four epochs."""
    samples = [
        EvalSample(
            id=f"q{i}", epoch=epoch + 1, input=f"Q{i}", target="yes", uuid=None,
            scores={name: Score(value=values[(EPOCHS * i + epoch) % len(values)]) for name, values in scores.items()},
            model_usage={
                "mockllm/model": ModelUsage(
                    input_tokens=20, output_tokens=tokens + i, reasoning_tokens=40, total_tokens=70
                )
            },
            total_time=2.0, working_time=1.5,
        )
        for i in range(QUESTIONS) for epoch in range(EPOCHS)
    ]  # fmt: skip
    config = GenerateConfig(reasoning_effort=effort, temperature=0.6)  # type: ignore[arg-type]
    spec = EvalSpec(
        eval_id=run, run_id=f"run {run}", created="2026-01-01T00:00:00+00:00", task="sums", task_id=f"task {run}",
        dataset=EvalDataset(), model="mockllm/model", config=EvalConfig(epochs=EPOCHS), model_generate_config=config,
    )  # fmt: skip
    return EvalLog(status="success", eval=spec, samples=samples, location=f"2026-01-01T00-00-00+00-00_sums_{run}.eval")


def export(path: Path, logs: list[EvalLog], columns: Any = SampleSummary, **renamed: str) -> Path:
    frame = samples_df(logs, columns=columns, quiet=True).rename(columns=renamed)
    if path.suffix == ".csv":
        frame.to_csv(path, index=False)
    elif path.suffix == ".parquet":
        frame.to_parquet(path)
    else:
        frame.to_json(path, orient="records", lines=path.suffix == ".jsonl")
    return path


def read(
    path: Path, scorer: str | None = None
) -> tuple[PoolReading, dict[tuple[str, str], tuple[int, int, int, float]]]:
    """The reading, and by arm and scorer: questions, draws, rungs and mean."""
    frame, notes, *_ = SamplesFrameReader().frame(path)
    reading = table_of_frame(frame, StatedMeaning(scorer=scorer), name="t")
    by: dict[tuple[str, str], list[Any]] = {}
    for row in records_of(reading.pool):
        by.setdefault((row.arm, row.scorer), []).append(row)
    numbers = {
        key: (len({r.question for r in rows}), max(r.draw for r in rows) + 1, max(r.rung for r in rows) + 1,
              sum(r.value or 0 for r in rows) / len(rows))
        for key, rows in by.items()
    }  # fmt: skip
    return reading._replace(notes=(*notes, *reading.notes)), numbers


LOW, HIGH = {"match": ["C", "I"]}, {"match": ["C", "C", "C", "I"]}


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".json", ".jsonl"])
def test_the_raw_export_holds_questions_draws_and_runs(tmp_path: Path, suffix: str) -> None:
    path = export(tmp_path / f"samples{suffix}", [log("low", LOW), log("high", HIGH)])
    assert SamplesFrameReader().claims(path)
    reading, numbers = read(path)
    assert numbers == {
        ("mockllm/model [run=low]", "match"): (QUESTIONS, EPOCHS, 1, 0.5),
        ("mockllm/model [run=high]", "match"): (QUESTIONS, EPOCHS, 1, 0.75),
    }
    row = next(row for row in records_of(reading.pool) if row.question == "q1")
    assert (row.task, row.model, row.epoch, row.prompt_tokens) == ("sums", "mockllm/model", row.draw + 1, 20)
    assert (row.log or "").endswith(".eval")
    assert (row.generated_tokens, row.thinking_tokens, row.seconds) == (51, 40, 1.5)
    assert any("2 runs (eval_id) and does not say how they were set" in note for note in reading.notes)


@pytest.mark.parametrize("name", ["score", "value", "correct"])
def test_a_renamed_score_is_read_alike(tmp_path: Path, name: str) -> None:
    path = export(tmp_path / "samples.csv", [log("low", LOW), log("high", HIGH)], score_match=name)
    assert sorted(numbers[:3] for numbers in read(path)[1].values()) == [(QUESTIONS, EPOCHS, 1)] * 2


def test_the_settings_of_runs_are_rungs_and_equal_runs_are_draws(tmp_path: Path) -> None:
    columns = [*EvalTask, *EvalModel, *SampleSummary]
    logs = [log("a", LOW, "low"), log("b", HIGH, "high"), log("c", HIGH, "high", tokens=60)]
    _, numbers = read(export(tmp_path / "samples.parquet", logs, columns))
    assert numbers == {("mockllm/model", "match"): (QUESTIONS, 2 * EPOCHS, 2, pytest.approx(2 / 3))}


def test_several_scorers_are_curves_or_one_of_them(tmp_path: Path) -> None:
    scores = {"match": ["C", "I"], "rubric": [{"a": 1.0, "b": 0.25}], "words": ["many", "few"], "partial": ["P"]}
    path = export(tmp_path / "samples.csv", [log("a", scores)])
    reading, numbers = read(path)
    assert {scorer: mean for (_, scorer), (*_, mean) in numbers.items()} == {
        "match": 0.5, "rubric.a": 1.0, "rubric.b": 0.25, "partial": 0.5,
    }  # fmt: skip
    assert any("Scores of words were left out" in note for note in reading.notes)
    assert list(read(path, "partial")[1]) == [("mockllm/model", "partial")]
    with pytest.raises(InputError, match="no scores of other; there are: score_match, score_partial, score_rubric"):
        read(path, "other")


def test_a_limit_and_an_error_are_read_per_sample(tmp_path: Path) -> None:
    path = export(tmp_path / "samples.csv", [log("a", LOW)])
    frame = pl.read_csv(path).with_columns(
        limit=pl.when(pl.col("id") == "q0").then(pl.lit("token")),
        error=pl.when(pl.col("id") == "q1").then(pl.lit("it broke")),
        fallbacks=pl.when(pl.col("id") == "q2").then(1).otherwise(0),
    )
    frame.write_csv(path)
    rows = {row.question: row for row in records_of(read(path)[0].pool)}
    assert [rows[f"q{i}"].truncated for i in range(5)] == [True, False, False, False, False]
    assert [rows[f"q{i}"].verdict is Verdict.ERRORED for i in range(5)] == [False, True, True, False, False]
    assert rows["q1"].error == "it broke"


@pytest.mark.parametrize("without", ["sample_id", "epoch", "id", "eval_id"])
def test_another_table_is_not_claimed(tmp_path: Path, without: str) -> None:
    path = export(tmp_path / "samples.csv", [log("a", LOW)], **{without: "other"})
    assert not SamplesFrameReader().claims(path)
