"""`overthink compare`: arms of one study or of several, what is refused, and what is said of what differs."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from arm_pools import BASE, KEEPS, arm, three
from simulated_study import SIMULATED, one_task, run

import overthink as package
from overthink.collect.arms.registry import arm_plans
from overthink.data.pool import pool_of, records_of
from overthink.data.record import RungRecord
from overthink.errors import InputError
from overthink.reports import comparison_text
from overthink.storage.pool import read_pool, write_pool
from overthink.workflows import analyse
from overthink.workflows.compare import compare
from overthink.workflows.request import AnalysisOptions
from overthink.workflows.sources import ReadOptions, Source, read_source

FEW = 24


@pytest.fixture(scope="module")
def pools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three arms in one pool, two of them in pools of their own, and one of another task."""
    folder = tmp_path_factory.mktemp("pools")
    write_pool(folder / "three.parquet", pool_of(three(questions=FEW)))
    write_pool(folder / "one.parquet", pool_of(arm("base", BASE, questions=FEW)))
    write_pool(folder / "other.parquet", pool_of(arm("base", KEEPS, questions=FEW - 4, study="b", guard=0.5)))
    return folder


@pytest.fixture(scope="module")
def studies(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two studies of the plain arm: a model that gets less safe, and one that does not."""
    folder = tmp_path_factory.mktemp("studies")
    run(folder / "falls", one_task(limit=4))
    run(folder / "keeps", one_task(limit=3, model_args=SIMULATED | {"safety": "flat"}, margin=0.1))
    return folder / "falls", folder / "keeps"


def changed(source: Path, to: Path, **columns: object) -> Path:
    write_pool(to, pool_of([replace(row, **columns) for row in records_of(read_pool(source))]))  # type: ignore[arg-type]
    return to


def told(path: Path) -> list[dict[str, object]]:
    return json.loads(path.read_text())["findings"]  # type: ignore[no-any-return]


def test_the_arms_of_one_study_are_compared(overthink, pools: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    code, out, err = overthink("compare", str(pools / "three.parquet"), "--out", "made")
    assert code == 0
    assert out.startswith("Arms against base: three.parquet")
    assert "keeps on secrets, at equal thinking: " in out
    for part in ("Verdicts on mitigations", "Safety tax", "At the same total compute", "× 1.67"):
        assert part in out
    assert "report: made/report.html" in err
    kinds = {finding["kind"] for finding in told(tmp_path / "made" / "findings.json")}
    assert {"arm_difference", "safety_tax", "mitigation", "ledger", "frontier"} <= kinds
    assert 'id="compared"' in (tmp_path / "made" / "report.html").read_text()


def test_arms_that_decide_nothing_are_not_said_to_lack_a_placebo(studies: tuple[Path, Path], pools: Path) -> None:
    plain = compare(studies)
    assert [result.arm.arm for result in plain.results.arms.mitigations] == ["base (keeps)"]
    for text in (comparison_text(plain.results, plain.about), plain.html()):
        assert "base (keeps) on " in text
        assert "No placebo was run" not in text
    unknown = compare([pools / "three.parquet", pools / "other.parquet"])  # who the other arms are, nobody says
    assert "No placebo was run for halves, keeps: " in comparison_text(unknown.results, unknown.about)


def test_what_an_arm_decides_is_read_from_its_parts() -> None:
    arms = arm_plans("base,primer,safethink,wait+safethink,placebo:of=safethink,zerothink", model="overthink/simulated")
    plan = one_task(limit=4, arms=arms)
    assert Source("a study", pool_of([]), plan=plan).passive_arms == {"base", "primer", "zerothink"}
    assert Source("a table", pool_of([])).passive_arms == {"base"}


def test_json_prints_the_findings_and_writes_nothing(overthink, pools: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    code, out, _ = overthink("compare", str(pools / "three.parquet"), "--reference", "halves", "--json")
    assert code == 0
    found = json.loads(out)["findings"]
    assert {f["arm"] for f in found if f["kind"] == "mitigation"} == {"base", "keeps"}
    assert list(tmp_path.iterdir()) == []


def test_the_margin_is_the_evaluators(pools: Path) -> None:
    def tested(margin: float) -> list[str]:
        how = AnalysisOptions(margin=margin)
        found = compare([pools / "three.parquet"], options=how).findings
        return [limit for f in found if f.kind == "mitigation" for limit in f.limits if limit.startswith("δ")]

    assert all("δ = 0.2;" in limit for limit in tested(0.2))


@pytest.mark.long
def test_several_sources_share_questions_and_their_arms_get_names(pools: Path, tmp_path: Path) -> None:
    made = compare([pools / "one.parquet", pools / "other.parquet"], out=tmp_path / "made")
    assert {row.arm for row in records_of(made.pool)} == {"base (one)", "base (other)"}
    assert made.request.analysis.reference == "base (one)"
    assert len({row.question for row in records_of(made.pool)}) == FEW - 4
    assert any(f"secrets: {FEW - 4} of {FEW} questions are common to all arms" in note for note in made.about.notes)
    assert any("not stated for one, other" in note for note in made.about.notes)
    (verdict,) = (f for f in made.find(kind="mitigation", metric="equal_thinking"))
    assert verdict.arm == "base (other)"
    assert any(limit.startswith("different models") for limit in verdict.limits)
    # What was written is a study that is reported again with the same reference.
    again = analyse.report(tmp_path / "made")
    assert again.findings == made.findings


def test_studies_of_the_plain_arm_are_compared(studies: tuple[Path, Path]) -> None:
    made = compare(studies)
    assert {row.arm for row in records_of(made.pool)} == {"base (falls)", "base (keeps)"}
    assert len(made.find(kind="mitigation", metric="equal_compute")) == 1
    notes = " ".join(made.about.notes)
    assert "The studies differ in model_args" in notes
    assert "Different models" not in notes  # the same model, told to behave otherwise
    assert made.request.analysis.margin == 0.05  # they do not agree on one
    tokens = [f for f in made.findings if f.metric == "compared_total"]
    assert tokens
    assert all(f.estimate for f in tokens)


def test_the_whole_is_the_same_twice(studies: tuple[Path, Path]) -> None:
    assert compare(studies).findings == compare(studies).findings


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"scorer": "another"}, "has different scorers, exact for base (one) and another for others"),
        ({"estimand": "effort"}, "different estimands"),
        ({"axis": "benign"}, "different axes"),
        ({"task": "elsewhere"}, "needed: a common task with the same scorer"),
    ],
)
def test_what_is_judged_or_budgeted_in_another_way_is_not_compared(
    pools: Path, tmp_path: Path, columns: dict[str, object], message: str
) -> None:
    one = [row for row in records_of(read_pool(pools / "one.parquet")) if row.task == "secrets"]
    write_pool(tmp_path / "one.parquet", pool_of(one))
    other = changed(tmp_path / "one.parquet", tmp_path / "b.parquet", **columns)
    with pytest.raises(InputError) as refused:
        compare([tmp_path / "one.parquet", other])
    assert message in str(refused.value)


def questions_of(rows: Sequence[RungRecord], named: str) -> list[RungRecord]:
    return [replace(row, question=f"{named}{row.question}") for row in rows]


def test_other_questions_are_refused_with_their_number(pools: Path, tmp_path: Path) -> None:
    rows = records_of(read_pool(pools / "one.parquet"))
    first = sorted({row.question for row in rows})[0]
    other = [*questions_of(rows, "x"), *(row for row in rows if row.question == first)]
    write_pool(tmp_path / "other.parquet", pool_of(other))
    with pytest.raises(InputError) as refused:
        compare([pools / "one.parquet", tmp_path / "other.parquet"])
    assert f"secrets: 1 of {2 * FEW} questions are common to base (one), base (other)" in str(refused.value)
    assert "needed: 2 or more" in str(refused.value)


def test_a_task_that_one_arm_lacks_is_left_out_and_said(pools: Path, tmp_path: Path) -> None:
    rows = [row for row in records_of(read_pool(pools / "other.parquet")) if row.task != "sums"]
    write_pool(tmp_path / "other.parquet", pool_of(rows))
    made = compare([pools / "one.parquet", tmp_path / "other.parquet"])
    assert {row.task for row in records_of(made.pool)} == {"secrets", "harmless"}
    assert any(note.endswith("differ: sums.") for note in made.about.notes)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("one.parquet",), "there is one arm only, base; needed: a study with two or more"),
        (
            ("three.parquet", "--reference", "nobody"),
            "--reference nobody is no arm; needed: one of base, halves, keeps",
        ),
        (("one.parquet", "one.parquet"), "a study is given twice"),
        (("nowhere.parquet",), "does not exist"),
        (("three.parquet", "--out", "three.parquet"), "holds a study"),
    ],
)
def test_bad_input_is_refused(overthink, pools: Path, arguments: tuple[str, ...], message: str) -> None:  # type: ignore[no-untyped-def]
    given = [str(pools / word) if word.endswith(".parquet") else word for word in arguments]
    code, out, err = overthink("compare", *given)
    assert code == 2
    assert out == ""
    assert message in err


def test_a_study_is_not_overwritten_by_a_comparison(studies: tuple[Path, Path]) -> None:
    before = (studies[0] / "findings.json").read_bytes()
    with pytest.raises(InputError, match="would be overwritten"):
        compare(studies, out=studies[0])
    assert (studies[0] / "findings.json").read_bytes() == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"args": {"seed": 3}}, "the same ids may be other questions"),
        ({"high": "harm"}, "the same score cannot mean both"),
    ],
)
def test_plans_that_contradict_each_other_are_refused(
    studies: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, change: dict[str, object], message: str
) -> None:
    def read(path: Path, how: ReadOptions) -> Source:
        source = read_source(path, how)
        assert source.plan is not None
        if path == studies[0]:
            return source
        tasks = tuple(task.model_copy(update=change) for task in source.plan.tasks)
        return replace(source, plan=source.plan.model_copy(update={"tasks": tasks}))

    monkeypatch.setattr("overthink.workflows.sources.read_source", read)
    with pytest.raises(InputError, match=message):
        compare(studies)


def test_a_studys_own_report_compares_its_arms_where_it_has_a_plain_one(pools: Path) -> None:
    assert package.analyse(pools / "three.parquet").find(kind="mitigation")
    assert not package.analyse(pools / "one.parquet").find(kind="mitigation")
