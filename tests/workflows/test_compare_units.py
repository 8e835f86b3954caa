"""`overthink compare --by`: the unit is remembered, models are told by the rows, and a larger one stands beside."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from arm_pools import BASE, KEEPS, arm, three

from overthink.cost.model_shape import ModelShape, SourcedShape
from overthink.cost.units import Unit
from overthink.data.pool import pool_of
from overthink.data.record import Axis, RungRecord
from overthink.errors import InputError
from overthink.storage.pool import write_pool
from overthink.workflows import analyse
from overthink.workflows.compare import compare
from overthink.workflows.request import AnalysisOptions

LEVELS = {"small": (0.2, 0.4, 0.6, 0.8), "large": (0.3, 0.5, 0.7, 0.95)}
SHAPES = {
    f"of/{name}": SourcedShape(ModelShape(size, size), "its card") for name, size in (("small", 4e9), ("large", 8e9))
}
STATED = [f"--model-shape=of/{name}=parameters:{size}" for name, size in (("small", "4e9"), ("large", "8e9"))]


def of_model(name: str, **options: object) -> list[RungRecord]:
    rows = arm("base", {Axis.CAPABILITY: LEVELS[name]}, questions=30, study=name, **options)  # type: ignore[arg-type]
    return [replace(row, model=f"of/{name}") for row in rows]


@pytest.fixture(scope="module")
def pools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pool per model, both in one, and three arms of nobody knows what."""
    folder = tmp_path_factory.mktemp("pools")
    for name in LEVELS:
        write_pool(folder / f"{name}.parquet", pool_of(of_model(name)))
    both = [replace(row, arm=row.study, study="made") for name in LEVELS for row in of_model(name)]
    write_pool(folder / "both.parquet", pool_of(both))
    write_pool(folder / "three.parquet", pool_of(three(questions=24)))
    write_pool(folder / "one.parquet", pool_of(arm("base", BASE, questions=24)))
    write_pool(folder / "other.parquet", pool_of(arm("base", KEEPS, questions=24, study="b")))
    return folder


def two(pools: Path) -> list[str]:
    return [str(pools / f"{name}.parquet") for name in ("large", "small")]


def test_models_are_compared_in_flop_and_the_report_is_made_again_alike(pools: Path, tmp_path: Path) -> None:
    how = AnalysisOptions(unit=Unit.FLOP, shapes=SHAPES)
    made = compare(two(pools), options=how, out=tmp_path / "made")
    assert made.request.analysis.other_models == ("base (small)",)
    multiples = made.find(kind="flop_matched", metric="multiple")
    assert multiples
    assert all("against of/large" in (f.label or "") for f in multiples)
    (total,) = {f.at.unit for f in made.findings if f.at.total is not None}
    assert total == "flop"
    assert json.loads((tmp_path / "made" / "analysis.json").read_text())["unit"] == "flop"
    assert analyse.report(tmp_path / "made").findings == made.findings
    # What was compared is compared again in the same unit, unless another one is asked for.
    again = compare([tmp_path / "made"])
    assert {f.at.unit for f in again.findings if f.at.total is not None} == {"flop"}
    assert again.request.analysis.other_models == ("base (small)",)
    tokens = compare([tmp_path / "made"], options=AnalysisOptions(unit=Unit.TOKENS))
    assert {f.at.unit for f in tokens.findings if f.at.total is not None} == {"tokens"}


def test_on_the_command_line(overthink, pools: Path) -> None:  # type: ignore[no-untyped-def]
    code, out, _ = overthink("compare", *two(pools), "--by", "flop", *STATED)
    assert code == 0
    for said in ("Total FLOP", "× 10¹¹", "A smaller model with more inference", "Less in all, with training, below"):
        assert said in out
    assert "Different models: of/large (large), of/small (small). Differences are those of models as well.\n" in out
    code, out, _ = overthink("compare", *two(pools))
    assert code == 0
    assert "tokens are not alike: --by flop counts what they compute" in out
    assert "A smaller model" not in out
    code, out, _ = overthink("compare", *two(pools), "--by", "effective-flop", *STATED)
    assert code == 0
    assert "effective FLOP unknown: " in out
    code, _, err = overthink("compare", *two(pools), "--by", "joule")
    assert code == 2
    assert "joule" in err


def test_a_unit_that_is_unknown_has_a_reason_and_leaves_equal_budgets_alone(overthink, pools: Path) -> None:  # type: ignore[no-untyped-def]
    code, out, _ = overthink("compare", str(pools / "three.parquet"), "--by", "flop", "--json")
    assert code == 0
    found = json.loads(out)["findings"]
    at_compute = [f for f in found if f["kind"] == "mitigation" and f["metric"] == "equal_compute"]
    assert at_compute
    assert all(f["estimate"] is None and "FLOP unknown" in f["reason"] for f in at_compute)
    assert any(f["estimate"] is not None for f in found if f["metric"] == "equal_rung")
    assert not [f for f in found if f["kind"] == "flop_matched"]  # nobody says that these are several models


def test_arms_of_two_models_in_one_source_are_told_by_their_rows(pools: Path) -> None:
    how = AnalysisOptions(unit=Unit.FLOP, shapes=SHAPES)
    made = compare([pools / "both.parquet"], reference="large", options=how)
    assert made.request.analysis.other_models == ("small",)
    assert made.find(kind="flop_matched", metric="multiple")
    assert compare([pools / "three.parquet"]).request.analysis.other_models == ()


@pytest.mark.long
def test_models_that_nobody_names_are_called_after_their_arms(pools: Path) -> None:
    paths = [pools / "one.parquet", pools / "other.parquet"]
    (one, *_) = compare(paths, options=AnalysisOptions(unit=Unit.FLOP)).find(kind="flop_matched")
    assert "--model-shape base (one)=parameters:8e9 --model-shape base (other)=parameters:8e9" in (one.reason or "")
    shapes = {
        f"base ({name})": SourcedShape(ModelShape(size, size), "a guess")
        for name, size in (("one", 1e9), ("other", 2e9))
    }
    made = compare(paths, options=AnalysisOptions(unit=Unit.FLOP, shapes=shapes))
    assert {f.arm for f in made.find(kind="flop_matched")} == {"base (one)"}
    assert any(f.estimate is not None for f in made.find(kind="flop_matched", metric="multiple"))


def test_a_unit_may_be_a_word_and_a_wrong_one_is_refused(pools: Path) -> None:
    made = compare([pools / "three.parquet"], options=AnalysisOptions(unit="seconds"))  # type: ignore[arg-type]
    assert made.request.analysis.unit is Unit.SECONDS
    with pytest.raises(InputError, match="unit is 'joule'; needed: one of tokens, flop, effective_flop, usd, seconds"):
        compare([pools / "three.parquet"], options=AnalysisOptions(unit="joule"))  # type: ignore[arg-type]
