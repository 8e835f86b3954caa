"""Answers of anyone's logs are shown in a sheet by the log and the epoch that their rows name."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from plain_logs import plain_log

from overthink.errors import InputError
from overthink.storage.pool import read_pool
from overthink.workflows.analyse import analyse
from overthink.workflows.label import label
from overthink.workflows.sources import ReadOptions

ANSWERS = {f"q{i}": [i % 2 == 0, i % 3 == 0] for i in range(6)}
STATED = ReadOptions(safety=["pleas:high=harm"], capability=["sums"])


@pytest.fixture
def logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for effort in ("low", "high"):
        plain_log(Path(f"some logs/sums {effort}.json"), ANSWERS, effort=effort)
        plain_log(Path(f"some logs/pleas {effort}.eval"), ANSWERS, effort=effort, task="pleas")
    return Path("some logs")


def shown(path: Path, out: str, read: ReadOptions | None = None) -> tuple[dict[str, int], pl.DataFrame]:
    made = label(path, out, per_rung=100, show_text=True, read=read)
    return dict(made.without_text), pl.read_csv(out, infer_schema=False).with_columns(pl.col("draw", "rung").cast(int))


def test_an_analysed_folder_shows_what_the_logs_themselves_show(logs: Path) -> None:
    analyse(logs, out="made", read=STATED)
    without, of_folder = shown(Path("made"), "folder.csv")
    assert (without, len(of_folder)) == ({}, 2 * 2 * 12)
    for one in of_folder.iter_rows(named=True):
        right = ANSWERS[one["question"]][one["draw"]]
        assert (one["asked"], one["answered"]) == (f"the question {one['question']}", "yes" if right else "no")
    assert of_folder.equals(shown(logs, "logs.csv", STATED)[1])
    of_pool = shown(Path("made/pool.parquet"), "pool.csv")[1]
    assert of_pool.equals(of_folder)


@pytest.mark.parametrize(
    "lose",
    [
        lambda log: log.unlink(),
        lambda log: log.write_bytes(b"PK"),
        lambda log: log.rename(log.with_name("elsewhere.eval")),
    ],
    ids=["gone", "damaged", "moved"],
)
def test_texts_of_a_log_that_is_lost_are_counted(logs: Path, lose: Callable[[Path], None]) -> None:
    analyse(logs, out="made", read=STATED)
    lose(logs / "pleas high.eval")
    without, rows = shown(Path("made"), "labels.csv")
    assert without == {"whose log is gone, damaged, or of another version": 12}
    lost = rows.filter(pl.col("answered").fill_null("") == "")
    assert set(lost.select("task", "rung").iter_rows()) == {("pleas", 1)}


def test_rows_that_name_no_log_have_no_text(logs: Path) -> None:
    analyse(logs, out="made", read=STATED)
    read_pool(Path("made/pool.parquet")).select("question", "draw", "value").collect().write_csv("plain.csv")
    table = pl.read_csv("plain.csv").unique(["question", "draw"])
    table.write_csv("plain.csv")
    with pytest.raises(InputError, match=r"plain\.csv names no logs, so there is no text to show"):
        label("plain.csv", "labels.csv", show_text=True)
    assert not Path("labels.csv").exists()
