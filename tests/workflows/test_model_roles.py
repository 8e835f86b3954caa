"""Who works for each arm is known wherever a report is made, and what is known once stays."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from simulated_study import one_task, run

import overthink as package
from overthink.collect.arms.registry import arm_plans
from overthink.collect.providers.embedded import weights
from overthink.cost.estimate import Rates
from overthink.cost.model_shape import ModelShape, SourcedShape
from overthink.cost.units import ModelInfo, ModelRoles
from overthink.data.pool import pool_of, records_of
from overthink.data.record import Axis, Estimand, RungRecord
from overthink.errors import InputError
from overthink.storage.json_documents import read_analysis
from overthink.storage.models import StudyModels, read_models, write_models
from overthink.storage.pool import read_pool, write_pool
from overthink.storage.study_folder import StudyFolder
from overthink.workflows import analyse, statement
from overthink.workflows.compare import compare
from overthink.workflows.models import models_at_start, models_of_rows, with_shapes
from overthink.workflows.request import AnalysisOptions
from overthink.workflows.sources import ReadOptions, read_source
from overthink.workflows.verify import prepare_verification, score_answers

SIMULATED = "overthink/simulated"
BIG = SourcedShape(ModelShape(1e9, 1e9, layers=10, heads=4, kv_heads=2, hidden_size=64, weight_bytes=2), "its card")
OTHER = SourcedShape(ModelShape(7e9, 7e9), "another card")
RATES = Rates(1e-6, 5e-7, 4e-6, "made-up prices")


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("original") / "s"
    arms = arm_plans("base,safethink,prm-beam", model=SIMULATED)
    run(folder, one_task(arms=arms, budgets=(0, 16), limit=2))
    return folder


@pytest.fixture
def there(original: Path, tmp_path: Path) -> StudyFolder:
    return StudyFolder(Path(shutil.copytree(original, tmp_path / "s")))


def kept(folder: StudyFolder) -> StudyModels:
    found = read_models(folder.models)
    assert found is not None
    return found


def parties(folder: StudyFolder) -> dict[str, ModelRoles]:
    found = read_analysis(folder.analysis)
    assert found is not None
    return dict(found[0].parties)


def agrees(folder: StudyFolder) -> bool:
    written = statement.statement(folder.path).path
    assert written is not None
    return statement.check(written, study=folder.path).ok


def row(arm: str, question: int, *, model: str | None = None) -> RungRecord:
    forced = Estimand.FORCED
    place = ("elsewhere", arm, Axis.CAPABILITY, "sums", "exact", f"q{question}", 0, 0, forced)
    return RungRecord(*place, value=question % 2, requested_tokens=0, thinking_tokens=0, model=model)


def test_a_run_keeps_who_works_for_its_arms(there: StudyFolder) -> None:
    own = ModelInfo(SIMULATED, free=True)
    wanted = {
        "base": ModelRoles(own),
        "safethink": ModelRoles(own, guards=(own,)),
        "prm-beam": ModelRoles(own, step_verifiers=(own,)),
    }
    assert kept(there).roles == parties(there) == wanted
    assert kept(there).origins[SIMULATED].price == "no charge: it runs on this machine"


def test_arguments_of_models_are_not_kept(tmp_path: Path) -> None:
    wanted = one_task(model_args={"safety": "decline", "natural_length": 4321})
    write_models(tmp_path / "models.json", models_at_start(package.prepare(wanted), StudyFolder(tmp_path), {}))
    assert "4321" not in (tmp_path / "models.json").read_text()


def test_a_report_learns_sizes_and_keeps_them(there: StudyFolder) -> None:
    made = analyse.report(there.path, options=AnalysisOptions(shapes={SIMULATED: BIG}, flop_per_byte=295.0))
    assert made.request.analysis.parties["base"].model.shape == BIG.shape
    assert kept(there).origins[SIMULATED].shape == "its card"
    analyse.report(there.path)
    assert parties(there)["prm-beam"].step_verifiers[0].shape == BIG.shape
    assert read_analysis(there.analysis)[0].flop_per_byte == 295  # type: ignore[index]
    assert agrees(there)


def test_sizes_are_part_of_what_is_computed_again(there: StudyFolder) -> None:
    analyse.report(there.path, options=AnalysisOptions(shapes={SIMULATED: BIG}))
    assert agrees(there)
    told = json.loads(there.analysis.read_text())
    told["parties"]["base"]["model"]["shape"]["active_parameters"] = 5e8
    there.analysis.write_text(json.dumps(told))
    with pytest.raises(InputError, match="is not what plan and pool give"):
        statement.statement(there.path)


def test_a_model_that_nothing_uses_is_refused(there: StudyFolder, overthink) -> None:  # type: ignore[no-untyped-def]
    before = there.models.read_text()
    with pytest.raises(InputError, match=f"no such model is used; there are: {SIMULATED}$"):
        analyse.report(there.path, options=AnalysisOptions(shapes={"base": BIG}))
    code, _, err = overthink("report", str(there.path), "--model-shape", "openai/x=parameters:8e9")
    assert (code, there.models.read_text()) == (2, before)
    assert "--model-shape openai/x: no such model is used" in err


def test_a_run_refuses_it_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such model is used"):
        run(tmp_path / "s", one_task(), shapes={"openai/x": BIG})
    assert not (tmp_path / "s").exists()


def test_the_command_line_states_sizes(there: StudyFolder, overthink) -> None:  # type: ignore[no-untyped-def]
    size = f"{SIMULATED}=parameters:2e9;layers:4;hidden_size:16"
    assert overthink("report", str(there.path), "--model-shape", size, "--flop-per-byte", "281")[0] == 0
    assert kept(there).models[SIMULATED].shape == ModelShape(2e9, 2e9, layers=4, hidden_size=16)
    assert kept(there).origins[SIMULATED].shape == "parameters, layers, hidden_size as stated"
    code, _, _ = overthink("analyse", str(there.path), "--out", "copied", "--flop-per-byte", "295")
    assert code == 0
    copied = read_source(Path("copied"), ReadOptions()).models
    assert copied.models[SIMULATED].shape.layers == 4


def test_a_study_counts_with_the_prices_of_its_first_day(there: StudyFolder) -> None:
    known = kept(there)
    billed = replace(known.models[SIMULATED], rates=RATES, free=False)
    first = StudyModels({"base": ModelRoles(billed)}, known.origins)
    write_models(there.models, first)
    plan = read_source(there.path, ReadOptions()).plan
    assert plan is not None
    again = models_at_start(package.prepare(plan), there, {SIMULATED: OTHER})
    assert again.models[SIMULATED] == replace(billed, shape=OTHER.shape)
    assert again.roles.keys() == {"base", "safethink", "prm-beam"}


def test_prices_are_dated_and_those_without_a_list_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "overthink.workflows.models.rates_of",
        lambda name: RATES if name.startswith("openai/") else "price unknown: no list",
    )
    rows = [row("a", 0, model="openai/gpt"), row("b", 0, model="vllm/mine"), row("c", 0, model="mockllm/model")]
    known = models_of_rows(pool_of(rows))
    assert known.models["openai/gpt"].rates is not None
    assert known.models["openai/gpt"].rates.source.startswith("made-up prices, 2")
    assert (known.models["vllm/mine"].rates, known.models["vllm/mine"].free) == (None, False)
    assert known.origins["vllm/mine"].price == "price unknown: no list"
    assert known.models["mockllm/model"].free


def test_a_study_that_kept_nothing_is_told_by_its_plan(there: StudyFolder) -> None:
    there.models.unlink()
    assert read_source(there.path, ReadOptions()).models.roles == parties(there)


@pytest.mark.long
def test_a_verifier_of_answers_joins(there: StudyFolder) -> None:
    score_answers(prepare_verification(there.path, verifier="simulated", by="answer", arms=["base"]))
    found = kept(there).roles
    assert found["base"].verifiers == (ModelInfo(SIMULATED, free=True),)
    assert found["safethink"].verifiers == ()
    assert parties(there) == found
    copied = StudyFolder(there.path.parent / "copied")
    score_answers(
        prepare_verification(there.path, verifier="simulated", by="answer", arms=["safethink"], out=copied.path)
    )
    assert {arm: bool(one.verifiers) for arm, one in parties(copied).items()} == {
        "base": False,
        "safethink": True,
        "prm-beam": False,
    }


def test_rows_from_elsewhere_name_their_models_or_are_named(tmp_path: Path) -> None:
    rows = [row(arm, q, model=model) for arm, model in (("a", "vllm/one"), ("b", None)) for q in range(4)]
    write_pool(tmp_path / "pool.parquet", pool_of([*rows, row("c", 0, model="x/1"), row("c", 1, model="x/2")]))
    shapes = {"vllm/one": BIG, "b": OTHER}
    made = analyse.analyse(tmp_path / "pool.parquet", out=tmp_path / "out", options=AnalysisOptions(shapes=shapes))
    found = made.request.analysis.parties
    assert {arm: one.model.name for arm, one in found.items()} == {"a": "vllm/one", "b": "b", "c": "c"}
    assert [found[arm].model.shape for arm in "abc"] == [BIG.shape, OTHER.shape, ModelShape()]
    assert parties(StudyFolder(tmp_path / "out")) == found
    later = analyse.report(tmp_path / "out", options=AnalysisOptions(shapes={"a": OTHER}))
    assert later.request.analysis.parties["a"].model == ModelInfo("vllm/one", OTHER.shape)
    assert later.request.analysis.parties["b"].model.shape == OTHER.shape


def test_arms_keep_their_parties_under_new_names(there: StudyFolder, tmp_path: Path) -> None:
    other = StudyFolder(Path(shutil.copytree(there.path, tmp_path / "other")))
    write_models(other.models, with_shapes(kept(other), {SIMULATED: OTHER}, by_arm=False))
    made = compare([there.path, other.path], options=AnalysisOptions(shapes={"base (s)": BIG}))
    found = made.request.analysis.parties
    assert found.keys() == {f"{arm} ({name})" for arm in ("base", "safethink", "prm-beam") for name in ("s", "other")}
    assert found["base (s)"].model.shape == BIG.shape
    assert found["safethink (s)"].guards[0].shape == ModelShape()
    assert found["safethink (other)"].guards[0].shape == found["base (other)"].model.shape == OTHER.shape
    alone = compare([there.path], options=AnalysisOptions(shapes={SIMULATED: BIG}), out=tmp_path / "compared")
    assert alone.request.analysis.parties["base"].model.shape == BIG.shape


def test_the_embedded_model_needs_no_option(tmp_path: Path) -> None:
    if weights.find_weights() is None:
        pytest.skip("the embedded model is not installed; run: overthink model install")
    write_pool(tmp_path / "pool.parquet", pool_of([row("base", q, model="overthink/smollm2") for q in range(3)]))
    assert len(records_of(read_pool(tmp_path / "pool.parquet"))) == 3
    known = read_source(tmp_path / "pool.parquet", ReadOptions()).models
    assert known.under_test is not None
    assert known.under_test.shape.active_parameters == 134_515_008
    made = analyse.analyse(tmp_path / "pool.parquet")
    assert "the model&#39;s shape" in made.html() or "the model's shape" in made.html()
