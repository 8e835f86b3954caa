"""The table on oversight comes back as it was written, ignores the order, and refuses what no command writes."""

import dataclasses
import random
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from overthink.data.oversight import OversightRow, RedTeam, View, oversight_frame, oversight_rows
from overthink.data.record import Estimand
from overthink.data.tokens import TokenUsage
from overthink.errors import InputError
from overthink.storage.oversight import oversight_journal, read_oversight, read_oversight_journal, write_oversight

ROW = OversightRow("sums", "base", "q", 0, Estimand.FORCED, 64, view=View.COT, monitor="lexical:words=x", score=0.5)
SHARE = st.none() | st.floats(0, 1)
MAYBE = st.none() | st.booleans()
TEXT = st.text(st.characters(codec="utf-8"), max_size=6)
ROWS = st.builds(
    OversightRow,
    task=TEXT,
    arm=TEXT,
    question=TEXT,
    draw=st.integers(0, 3),
    estimand=st.sampled_from(Estimand),
    requested_tokens=st.none() | st.integers(0, 2**40),
    effort=st.none() | TEXT,
    view=st.none() | st.sampled_from(View),
    perturbation=st.none() | TEXT,
    position=SHARE,
    monitor=st.none() | TEXT,
    score=SHARE,
    fired=MAYBE,
    behaviour=MAYBE,
    red_team=st.none() | st.sampled_from(RedTeam),
    overseer=st.builds(TokenUsage, prompt_tokens=st.none() | st.integers(0, 9), cached_tokens=st.none()),
)


@settings(max_examples=12, deadline=None)
@given(st.lists(ROWS, max_size=8, unique_by=lambda row: row.key), st.randoms(use_true_random=False))
def test_a_table_comes_back_whole_and_ignores_the_order(
    tmp_path_factory: pytest.TempPathFactory, rows: list[OversightRow], shuffler: random.Random
) -> None:
    folder = tmp_path_factory.mktemp("table")
    first = write_oversight(folder / "a.parquet", rows)
    assert {row.key: row for row in oversight_rows(read_oversight(folder / "a.parquet"))} == {r.key: r for r in rows}
    shuffler.shuffle(rows)
    assert write_oversight(folder / "b.parquet", rows) == first


def test_a_later_row_of_the_journal_replaces_an_earlier_one(tmp_path: Path) -> None:
    failed = dataclasses.replace(ROW, score=None, error="timeout")
    with oversight_journal(tmp_path / "oversight.jsonl") as journal:
        for row in (failed, dataclasses.replace(ROW, draw=1), ROW):
            journal.append(row)
    assert read_oversight_journal(tmp_path / "oversight.jsonl") == (ROW, dataclasses.replace(ROW, draw=1))
    assert read_oversight_journal(tmp_path / "other.jsonl") == ()
    assert read_oversight(tmp_path / "oversight.parquet").height == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"score": 1.5}, "score is 1.5 in 1 rows; needed: a number from 0 to 1"),
        ({"score": float("nan")}, "score is nan"),
        ({"position": -0.1}, "position is -0.1"),
        ({"overseer": TokenUsage(prompt_tokens=-3)}, "overseer_prompt_tokens is -3 in 1 rows; needed: a count from 0"),
        ({"draw": "first"}, "a value of the wrong type"),
        ({"view": "mind"}, "view holds 'mind'; this version knows: cot, action, both, extracted"),
        ({"question": None}, "empty cells in question"),
    ],
)
def test_a_row_that_no_command_writes_is_refused(change: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        write_oversight(tmp_path / "oversight.parquet", [dataclasses.replace(ROW, **change)])
    assert not (tmp_path / "oversight.parquet").exists()


def test_a_file_that_is_no_such_table_is_refused(tmp_path: Path) -> None:
    table = oversight_frame([ROW])
    path = tmp_path / "oversight.parquet"
    for content, metadata, message in (
        (table, {}, "is of version None"),
        (table, {"overthink.oversight": "99"}, "is of version '99'"),
        (table.drop("score"), {"overthink.oversight": "1"}, "its columns are"),
        (pl.concat([table, table]), {"overthink.oversight": "1"}, "2 rows repeat a key"),
    ):
        content.write_parquet(path, metadata=metadata)
        with pytest.raises(InputError, match=message):
            read_oversight(path)
    path.write_bytes(b"PAR1")
    with pytest.raises(InputError, match="not a readable Parquet file"):
        read_oversight(path)
