"""The studies in docs/studies: their pages say what their findings say, and these follow from the stored rows."""

import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import studies_pages
from pages import assert_current

import overthink

sys.path.insert(0, str(Path(__file__).parents[1] / "golden"))

from golden_differences import same

STUDIES = studies_pages.STUDIES

_MEASURED = re.compile(r"(?<![\w./-])[+−]?\d+\.\d+(?![\w.]*\d)")
"""A number with decimals, as every measured number of the tables has."""


def stored(study: str) -> list[dict[str, Any]]:
    """The findings on file."""
    found: list[dict[str, Any]] = json.loads(studies_pages.findings(study))["findings"]
    return found


def assert_same_findings(study: str, text: str) -> None:
    """The findings are those on file: the same ones, in the same order, numbers to a relative 1e-9."""
    before, now = stored(study), json.loads(text)["findings"]
    assert [finding["id"] for finding in now] == [finding["id"] for finding in before]
    changed = [old["id"] for old, new in zip(before, now, strict=True) if not same(old, new)]
    assert changed == [], f"{len(changed)} of {len(before)} findings differ"


@pytest.mark.parametrize("name", studies_pages.PAGES)
def test_the_tables_of_a_page_are_those_of_the_findings(name: str) -> None:
    page = studies_pages.page(name)
    assert len(studies_pages.tables(name)) >= 3
    assert_current(f"docs/studies/{name}.md", page)


@pytest.mark.parametrize("name", studies_pages.PAGES)
def test_measured_numbers_in_the_text_stand_in_a_table_of_the_page(name: str) -> None:
    in_tables = {number.lstrip("+") for table in studies_pages.tables(name) for number in _MEASURED.findall(table)}
    in_text = [number.lstrip("+") for number in _MEASURED.findall(studies_pages.prose(name))]
    assert in_text
    assert [number for number in in_text if number not in in_tables] == []


@pytest.mark.parametrize("name", studies_pages.PAGES)
def test_a_page_has_the_five_parts(name: str) -> None:
    headings = re.findall(r"^## (.*)$", (STUDIES / f"{name}.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert headings == ["What was asked", "What was done", "What was found", "What was not shown", "Rerun it"]


ONE_MACHINE = re.compile(r"/home/|/root/|file:|(?<![\w./<])/(?!tmp/)[a-z]+/\w|20\d\d-\d\d-\d\dT")
"""An absolute path, but one of a temporary folder in a command to copy, or a time of day."""


def test_files_of_studies_are_small_and_name_no_machine() -> None:
    files = [path for path in STUDIES.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 1_000_000
    figures = [path for path in files if path.suffix in (".svg", ".png")]
    assert figures
    assert [path.name for path in figures if path.stat().st_size > 150_000] == []
    for path in files:
        if path.suffix in (".svg", ".json", ".md"):
            assert not re.search(ONE_MACHINE, path.read_text(encoding="utf-8")), path.name


def test_the_effort_logs_give_the_findings_on_file(data: Path) -> None:
    reader = f"{STUDIES / 'effort_logs' / 'ladders.py'}@ladders"
    tasks = ("OTIS Mock AIME 2024-2025", "Chess Puzzles", "simpleqa_verified")
    read = overthink.ReadOptions(reader=reader, capability=[f"{task}:high=correct" for task in tasks])
    study = overthink.analyse(data / "reasoning_budgets.parquet", read=read)
    assert_same_findings("effort_logs", study.json())
    assert {finding.axis for finding in study.findings} == {"capability"}


MODELS = ("smollm2", "qwen2.5-coder-0.5b")
BESIDE = ("plan.json", "pool.parquet", "models.json", "analysis.json")
"""What a study's findings follow from."""


@pytest.mark.parametrize("model", MODELS)
def test_the_pool_of_a_small_model_gives_the_findings_on_file(model: str, tmp_path: Path) -> None:
    folder = tmp_path / model
    folder.mkdir()
    for name in BESIDE:
        shutil.copyfile(STUDIES / "two_small_models" / model / name, folder / name)
    assert_same_findings(f"two_small_models/{model}", overthink.analyse(folder).json())


@pytest.mark.parametrize("model", MODELS)
def test_a_pool_has_no_text_of_questions_or_answers(model: str) -> None:
    pool = pl.read_parquet(STUDIES / "two_small_models" / model / "pool.parquet")
    assert set(pool["axis"]) == {"capability", "safety", "benign"}
    answers = pool.filter(pl.col("answer").is_not_null())
    assert set(answers["axis"]) == {"capability"}
    assert all(re.fullmatch(r"-?[\d.,]{1,12}", answer) for answer in set(answers["answer"]))
    texts = [name for name, kind in pool.schema.items() if kind == pl.String and name != "answer"]
    longest = max((text for name in texts for text in pool[name].drop_nulls()), key=len)
    assert len(longest) < 100, longest
    assert pool["error"].null_count() == pool.height


def test_both_small_models_had_one_plan_but_for_the_draws() -> None:
    plans = [json.loads((STUDIES / "two_small_models" / model / "plan.json").read_text()) for model in MODELS]
    apart = {key for key in plans[0] if plans[0][key] != plans[1][key]}
    assert apart <= {"model", "draws"}
    for plan in plans:
        assert (plan["budgets"], plan["limit"], plan["answer_tokens"]) == ([0, 16, 32, 64], 20, 64)
        assert [arm["label"] for arm in plan["arms"]] == ["base", "primer", "safethink", "placebo:of=safethink"]
