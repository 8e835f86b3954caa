"""A statement says what its findings say, is valid against both schemas, and its study gives the same again."""

import json
import re
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from jsonschema import Draft7Validator, Draft202012Validator
from made_study import Made, document, write_made_findings, write_study
from results import results_of
from sweeps import few

from overthink.analysis.k_scale import KScale
from overthink.data.finding import At, Finding
from overthink.data.kinds import Metric
from overthink.errors import InputError
from overthink.governance.statement.curves import curves
from overthink.governance.statement.exports import (
    cyclonedx_properties,
    eee_schema,
    model_card_paragraph,
    model_documentation_field,
)
from overthink.governance.statement.schema import STATEMENT_VERSION, Statement, statement_json_schema
from overthink.governance.statement.setting import setting_of_plan
from overthink.governance.statement.text import statement_text
from overthink.plan.study import TaskPlan
from overthink.storage.findings import read_findings
from overthink.workflows.statement import check, statement

THREE = {"capability": (0.3, 0.5, 0.6, 0.75), "safety": (0.9, 0.88, 0.8, 0.6), "benign": (0.7, 0.7, 0.7, 0.7)}

HONEST = {
    "rise, fall and no change": Made(THREE),
    "no change by equivalence": Made({"safety": (0.7, 0.7, 0.7)}, budgets=(0, 64, 256), questions=150, noise=0.0),
    "efforts": Made(
        {"capability": (0.3, 0.5, 0.7), "safety": (0.8, 0.7, 0.6)}, budgets=None, efforts=("low", "mid", "high")
    ),
    "turns of a loop": Made(THREE, budgets=None, turns=(1, 2, 4, 8)),
    "tokens of a loop": Made(
        {"capability": (0.3, 0.5, 0.7), "safety": (0.8, 0.7, 0.6)}, budgets=None, loop_tokens=(1000, 4000, 16000)
    ),
    "floor and ceiling": Made({"capability": (0.0, 0.01, 0.0), "safety": (0.99, 0.98, 1.0)}, budgets=(0, 64, 256)),
    "one rung": Made({"safety": (0.8,)}, budgets=(256,)),
    "a third of the answers unread": Made({"safety": (0.8, 0.7, 0.6)}, budgets=(0, 64, 256), answered=0.7),
    "pre-registered regimes": Made({"safety": (0.9, 0.9, 0.6)}, budgets=(0, 64, 256), hypothesis=(32, 128)),
    "a hypothesis with directions": Made({"safety": (0.5, 0.9, 0.5, 0.4)}, hypothesis="up@64,down"),
    "fewer draws than planned": Made({"safety": (0.9, 0.8, 0.7)}, budgets=(0, 64, 256), draws=2, planned_draws=5),
    "one question": Made({"safety": (1.0, 1.0)}, budgets=(0, 64), questions=1),
    "one draw": Made({"capability": (0.2, 0.3), "safety": (0.6, 0.2)}, budgets=(0, 64), draws=1),
    "best of k by a verifier": Made({"capability": (0.2, 0.5)}, budgets=(0, 64), verifier=True),
    "saturating": Made({"capability": (0.2, 0.6, 0.6, 0.6)}, questions=100, noise=0.0),
    "hump": Made({"safety": (0.2, 0.8, 0.2)}, budgets=(0, 64, 256), questions=100),
}


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_study(tmp_path_factory.mktemp("made") / "study", Made(THREE))


def facts(folder: Path, **told: Any) -> Path:
    path = folder / "facts.json"
    path.write_text(json.dumps(told))
    return path


@pytest.mark.parametrize("name", few(HONEST, 5))
def test_an_honest_statement_keeps_every_rule_and_its_study_gives_it_again(name: str, tmp_path: Path) -> None:
    folder = write_study(tmp_path / "study", HONEST[name])
    written = statement(folder)
    found = check(written.path, study=folder)
    assert found.ok, found.text()
    assert list(Draft7Validator(eee_schema()).iter_errors(written.statement.every_eval_ever)) == []
    assert list(Draft202012Validator(statement_json_schema()).iter_errors(json.loads(written.json()))) == []


def test_the_published_schema_is_the_models(study: Path) -> None:
    name = f"schemas/statement-{STATEMENT_VERSION}.schema.json"
    published = json.loads(files("overthink.governance").joinpath(name).read_text("utf-8"))
    assert published == json.loads(json.dumps(statement_json_schema()))
    wrong = document(study)
    del wrong["claims"][0]["holds_for_K<="]
    assert [error.message for error in Draft202012Validator(published).iter_errors(wrong)] == [
        "'holds_for_K<=' is a required property"
    ]


def test_every_number_is_that_of_its_finding(study: Path) -> None:
    found = {one.id: one for one in read_findings(study / "findings.json")[1]}
    made = statement(study, write=False).statement
    assert {claim.type for claim in made.claims} == {"level", "tries", "change", "shape", "gap"}
    for claim in made.claims:
        one = found[claim.value.finding]
        assert (claim.value.estimate, claim.value.low, claim.value.high) == (one.estimate, one.low, one.high)
        assert claim.gates_failed == one.gates_failed
    for curve in made.curves:
        for point in curve.points:
            own = found[f"{curve.id}/value/mean/rung{point.rung}/k1"]
            assert (point.value.estimate, point.n_questions, point.n_draws) == (
                own.estimate,
                own.n_questions,
                own.n_draws,
            )


def test_k_is_thinking_over_one_reference_of_all_axes(study: Path) -> None:
    made = statement(study, write=False).statement
    for curve in made.curves:
        assert [point.cost.value for point in curve.points] == [0, 1, 4, 16]
        assert {point.cost.ref.value for point in curve.points} == {64}
    tries = [claim for claim in made.claims if claim.type == "tries"]
    assert tries
    assert all((claim.k.value, claim.holds_for_k, claim.holds_for_tries) == (16, 16, 3) for claim in tries)
    said = statement(study, write=False).text()
    assert "Holds for K (thinking) ≤ 16 (basis tokens; K = 1 is 64 thinking tokens) and k (tries) ≤ 3" in said
    assert (
        "K (thinking) = 1 on every axis is 64 thinking tokens, the lowest budget above 0 that all curves have" in said
    )


def test_a_statement_of_caps_in_tokens_passes_its_own_check(tmp_path: Path) -> None:
    made = Made({"capability": (0.3, 0.7)}, budgets=None, efforts=("1024", "4096"), questions=2, draws=2)
    folder = write_study(tmp_path / "study", made)
    written = statement(folder)
    rungs = tuple(point.effort for point in written.statement.curves[0].points)
    assert rungs == written.statement.elicitation.efforts == ("1024 thinking tokens", "4096 thinking tokens")
    reference = written.statement.curves[0].reference
    assert reference is not None
    assert reference.value == 1024
    assert not [message for message in written.statement.deviations if "rungs" in str(message)]
    for study in (None, folder):
        outcome = check(written.path, study=study)
        assert outcome.ok, outcome.text()


def test_without_token_counts_k_is_in_tries(tmp_path: Path) -> None:
    made = Made({"safety": (0.8, 0.6)}, budgets=None, efforts=("low", "high"))
    folder = write_study(tmp_path / "study", made)
    pool = pl.read_parquet(folder / "pool.parquet")
    meta = pl.read_parquet_metadata(folder / "pool.parquet")
    counts = ("thinking_tokens", "answer_tokens", "generated_tokens")
    blind = pool.with_columns(pl.lit(None, dtype=pool.schema[name]).alias(name) for name in counts)
    own = {key: value for key, value in meta.items() if key.startswith("overthink")}
    blind.write_parquet(folder / "pool.parquet", metadata=own)
    write_made_findings(folder)
    written = statement(folder)
    assert {claim.k.basis for claim in written.statement.claims} == {"samples"}
    assert check(written.path, study=folder).ok


def test_stated_facts_make_a_bounded_claim_possible(tmp_path: Path) -> None:
    folder = write_study(tmp_path / "study", HONEST["no change by equivalence"])
    covered = {"thinking_tokens": 256, "tries": 1, "source": "limit of the service"}
    told = facts(tmp_path, revision="2026-11-01", max_deployable_budget=covered, active_parameters=1e9)
    written = statement(folder, out=tmp_path / "out", facts=told)
    by_type = {claim.type: claim.strength for claim in written.statement.claims}
    assert by_type["level"] == "bounded"
    assert written.statement.flop.per_attempt[0].estimate == pytest.approx(2e9 * 266)
    assert check(written.path, study=folder).ok
    larger = facts(tmp_path, max_deployable_budget=covered | {"thinking_tokens": 257})
    again = statement(folder, facts=larger, write=False).statement
    assert {claim.strength for claim in again.claims if claim.type == "level"} == {"lower_bound"}


def test_failed_gates_and_deviations_are_told(tmp_path: Path) -> None:
    unread = statement(write_study(tmp_path / "a", HONEST["a third of the answers unread"]), write=False)
    assert {one.gate for one in unread.statement.gates_failed} == {"unparsed"}
    assert all("unparsed" in claim.gates_failed for claim in unread.statement.claims)
    assert "unparsed" in unread.text()
    fewer = statement(write_study(tmp_path / "b", HONEST["fewer draws than planned"]), write=False)
    assert any("planned: 5" in told for told in fewer.statement.deviations)


def test_an_analysis_other_than_the_plans_is_told(study: Path, tmp_path: Path) -> None:
    import shutil

    import overthink
    from overthink.workflows.request import AnalysisOptions

    folder = Path(shutil.copytree(study, tmp_path / "study"))
    overthink.analyse(folder, out=folder, options=AnalysisOptions(level=0.9, margin=0.1))
    written = statement(folder)
    assert written.statement.level == 0.9
    told = " ".join(written.statement.deviations)
    assert "intervals of 90%; planned: 95%" in told
    assert "margin 10 points; planned: 5 points" in told
    assert check(written.path, study=folder).ok


def test_undetermined_verdicts_and_extremes_are_told(tmp_path: Path) -> None:
    made = statement(write_study(tmp_path / "a", HONEST["floor and ceiling"]), write=False).statement
    assert [curve.extreme for curve in made.curves] == ["floor", "ceiling"]
    shapes = [claim for claim in made.claims if claim.type == "shape"]
    assert {claim.strength for claim in shapes if claim.verdict == "undetermined"} <= {"undetermined"}
    assert all("task is at its" in " ".join(claim.weakened_by) for claim in made.claims)


def test_the_page_says_the_bound_first_and_escapes_names(study: Path) -> None:
    made = statement(study, write=False).statement
    text = statement_text(made)
    assert text.splitlines()[2] == "**No claim above 1,024 thinking tokens, 3 tries.**"
    for claim in made.claims:
        assert claim.statement in text
    curve = made.curves[0].model_copy(update={"task": "a`|b\n# head"})
    page = statement_text(made.model_copy(update={"curves": (curve,)}))
    assert "\n# head" not in page
    assert r"`a\u{60}|b\u{a}# head`" in page


def test_the_exports_hold_the_statements_numbers(tmp_path: Path) -> None:
    folder = write_study(tmp_path / "study", HONEST["one draw"])
    made = statement(folder, facts=facts(tmp_path, active_parameters=1e9, hardware="8 H100"), write=False).statement
    field = model_documentation_field(made)
    assert field["hardware"] == "own words, not checked: `8 H100`"
    assert [row["flop"] for row in field["benchmarks"]] == ["1.5e+11", "1.5e+11"]  # type: ignore[attr-defined]
    pairs = {row["name"]: row["value"] for row in cyclonedx_properties(made)}
    assert all(isinstance(value, str) for value in pairs.values())
    assert pairs["overthink:inference-compute:no-claim-beyond"] == made.no_claim_beyond
    paragraph = model_card_paragraph(made)
    assert made.no_claim_beyond in paragraph
    assert "\n" not in paragraph


def test_flop_are_unknown_without_parameters(study: Path) -> None:
    made = statement(study, write=False).statement
    assert made.flop.method == "unknown"
    field = model_documentation_field(made)
    assert all(row["flop"] is None for row in field["benchmarks"])  # type: ignore[attr-defined]


def test_statements_never_hold_questions_or_answers(study: Path) -> None:
    text = statement(study, write=False).json()
    assert not re.search(r"\bq0\d\d\b", text)


def test_quantiles_of_what_was_consumed_are_those_of_the_results(study: Path) -> None:
    by_rung = {
        (finding.axis, finding.at.rung): finding.estimate
        for finding in read_findings(study / "findings.json")[1]
        if finding.metric == Metric.THINKING_TOKENS_P90
    }
    for curve in statement(study, write=False).statement.curves:
        assert [point.quantiles["0.9"] for point in curve.points] == [
            by_rung[curve.axis, point.rung] for point in curve.points
        ]


def test_a_plan_may_not_leave_the_polarity_open() -> None:
    plan = Made(THREE).plan()
    two = tuple(TaskPlan(task=f"t{high}", axis="safety", high=high) for high in ("safe", "harm"))
    open_plan = plan.model_copy(update={"tasks": two})
    value = Finding("safety/x/base/s/forced/value/mean/rung0/k1", "value", "safety", "x", "base", "forced", "mean",
                    At(rung=0, k=1, selector="single"), 0.5, 0.4, 0.6, 0.95, n_questions=9, n_draws=1)  # fmt: skip
    with pytest.raises(InputError, match="does not say what a high score"):
        curves(results_of([value]), setting_of_plan(open_plan), KScale())
    assert (
        curves(results_of([replace(value, task="tharm")]), setting_of_plan(open_plan), KScale())[0].raw_high_means
        == "harm"
    )


def test_a_statement_is_frozen(study: Path) -> None:
    made = statement(study, write=False).statement
    with pytest.raises(ValueError):
        made.title = "other"  # type: ignore[misc]
    assert Statement.model_validate_json(made.model_dump_json(by_alias=True)) == made
