"""`overthink compare A B` on anyone's logs and tables: what it says, and what it refuses with a reason."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from plain_logs import plain_log
from sweeps import few

from overthink.data.conditions import setting_words
from overthink.data.pool import pool_of, records_of
from overthink.data.record import Axis, Estimand, RungRecord, Verdict
from overthink.errors import InputError
from overthink.storage.findings import read_findings
from overthink.storage.pool import read_pool, write_pool
from overthink.workflows.compare import compare

Answers = dict[str, list[bool]]


def right(n: int, *, of: int, epochs: int = 1, start: int = 0) -> Answers:
    """The first n of some questions right, in every epoch."""
    return {f"q{i:02d}": [i - start < n] * epochs for i in range(start, start + of)}


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("logs")
    plain_log(folder / "base.json", right(10, of=40), scorers=("match", "strict"))
    plain_log(folder / "new.json", right(30, of=40))
    plain_log(folder / "more.json", right(30, of=40, start=5))
    plain_log(folder / "elsewhere.json", right(30, of=40, start=50))
    plain_log(folder / "poems.json", right(30, of=40), task="poems")
    plain_log(folder / "judged.json", right(30, of=40), scorers=("judge",))
    plain_log(folder / "low.json", right(10, of=40), effort="low")
    plain_log(folder / "high.json", right(30, of=40), effort="high")
    return folder


def test_two_logs_of_one_model_are_compared_and_the_first_is_the_reference(
    overthink: Callable[..., tuple[int, str, str]], logs: Path, tmp_path: Path
) -> None:
    code, out, _ = overthink("compare", str(logs / "base.json"), str(logs / "new.json"))
    assert code == 0
    assert "A is openai/gpt-x (base), B is openai/gpt-x (new)" in out
    assert "+50.0 (+33.8 to +66.2)" in out
    assert "20 gained (q10, q11, q12, q13, q14, q15, q16, q17 and 12 more); 0 lost." in out
    assert "p < 0.001" in out
    assert "different" in out
    assert "sums by strict" in out  # the scorer that one log alone has
    assert list(tmp_path.iterdir()) == []


def test_json_and_the_page_name_every_flip(
    overthink: Callable[..., tuple[int, str, str]], logs: Path, tmp_path: Path
) -> None:
    code, out, _ = overthink("compare", str(logs / "base.json"), str(logs / "new.json"), "--json", "--out", "made")
    assert code == 0
    findings = [found for found in json.loads(out)["findings"] if found["kind"] == "arm_difference"]
    assert [found["metric"] for found in findings] == ["mean", "mcnemar", "flips", "flips", "mde", "equivalence"]
    assert [found.get("questions", []) for found in findings[2:4]] == [[f"q{i}" for i in range(10, 30)], []]
    stored = read_findings(tmp_path / "made" / "findings.json")[1]
    assert [len(found.questions) for found in stored if found.kind == "arm_difference"] == [0, 0, 20, 0, 0, 0]
    page = (tmp_path / "made" / "report.html").read_text()
    assert "Question by question" in page
    assert "What more thinking does" not in page
    assert "q29" in page


def test_the_questions_left_out_on_each_side_are_counted(logs: Path) -> None:
    made = compare([logs / "base.json", logs / "more.json"])
    (note,) = (note for note in made.about.notes if "are common" in note)
    assert note.endswith("left out: 5 of openai/gpt-x (base), 5 of openai/gpt-x (more).")
    (found,) = made.find(kind="arm_difference", metric="mean")
    assert found.n_questions == 35


@pytest.mark.parametrize(
    ("first", "second", "difference"), [("low", "high", 0.5), ("new", "low", -0.5), ("low", "new", 0.5)]
)
def test_logs_of_one_level_each_are_compared(logs: Path, first: str, second: str, difference: float) -> None:
    made = compare([logs / f"{first}.json", logs / f"{second}.json"])  # new was run at the provider's own level
    (found,) = made.find(kind="arm_difference", metric="mean")
    assert found.estimate == pytest.approx(difference)
    assert any("settings differ" in limit for limit in found.limits)


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        ("poems", "needed: a common task with the same scorer"),
        ("judged", "has different scorers"),
        ("elsewhere", "0 of 80 questions are common"),
    ],
)
def test_what_cannot_be_compared_is_one_error_and_writes_nothing(
    overthink: Callable[..., tuple[int, str, str]], logs: Path, tmp_path: Path, other: str, reason: str
) -> None:
    code, out, err = overthink("compare", str(logs / "base.json"), str(logs / f"{other}.json"), "--out", "made")
    assert (code, out) == (2, "")
    assert reason in err
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        (
            "budget",
            "by a, and at 300 thinking tokens/400 thinking tokens by b",
        ),
        ("effort", "sums was run at low/medium by a, and at high/max by b"),
    ],
)
def test_ladders_without_a_common_rung_are_told_apart(tmp_path: Path, columns: str, reason: str) -> None:
    settings = {"budget": (["100", "200"], ["300", "400"]), "effort": (["low", "medium"], ["high", "max"])}[columns]
    lines = [f"arm,task,question,{columns},value"]
    for arm, own in zip("ab", settings, strict=True):
        lines += [f"{arm},sums,q{i},{setting},{i % 2}" for setting in own for i in range(20)]
    table = tmp_path / "arms.csv"
    table.write_text("\n".join(lines))
    with pytest.raises(InputError, match="nothing was compared") as refused:
        compare([table], out=tmp_path / "made")
    assert reason in str(refused.value)
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("task", ["task,", ""])
def test_two_tables_are_compared_by_their_file_names(tmp_path: Path, task: str) -> None:
    for name, share in (("a", 10), ("b", 20)):
        named = "sums," if task else ""  # a table without a task is called like its file, which is no other task
        lines = [f"{task}question,epoch,value", *(f"{named}q{i},1,{int(i < share)}" for i in range(30))]
        (tmp_path / f"{name}.csv").write_text("\n".join(lines))
    made = compare([tmp_path / "a.csv", tmp_path / "b.csv"])
    (found,) = made.find(kind="arm_difference", metric="mean")
    assert found.estimate == pytest.approx(1 / 3)
    assert found.label is not None
    assert found.label.endswith("(a)")


@pytest.mark.parametrize(
    ("names", "arms"),
    [
        (("2026-01-02T03-04-05+00-00_sums_A1", "2026-01-02T03-04-06+00-00_sums_B2"), ("sums_A1", "sums_B2")),
        (("2026-01-02T03-04-05-00-00_sums", "2026-01-02T03-04-06-00-00_sums"), None),
        (("2026-01-02", "2026-01-03"), None),
    ],
)
def test_the_time_in_the_name_of_a_log_is_left_out_where_the_rest_tells_them_apart(
    tmp_path: Path, names: tuple[str, str], arms: tuple[str, str] | None
) -> None:
    for name in names:
        (tmp_path / f"{name}.csv").write_text("question,epoch,value\na,1,1\nb,1,0\n")
    study = compare([tmp_path / f"{name}.csv" for name in names])
    assert {finding.arm for finding in study.find()} == {f"base ({name})" for name in arms or names}


def test_folders_with_several_models_are_compared_model_by_model(tmp_path: Path) -> None:
    for folder, shares in (("before", (10, 20)), ("after", (20, 25))):
        for model, share in zip(("openai/x", "openai/y"), shares, strict=True):
            plain_log(tmp_path / folder / f"{model[-1]}.json", right(share, of=30), model=model)
    made = compare([tmp_path / "before", tmp_path / "after"])
    means = made.find(kind="arm_difference", metric="mean")
    assert {(found.arm, found.label) for found in means} == {
        (f"openai/{name} (after)", f"against openai/{name} (before)") for name in "xy"
    }
    assert [found.estimate for found in means] == [pytest.approx(1 / 3), pytest.approx(1 / 6)]
    chosen = compare([tmp_path / "before", tmp_path / "after"], reference="openai/y (before)")
    assert {found.label for found in chosen.find(kind="arm_difference", metric="mean")} == {"against openai/y (before)"}


def test_ids_of_questions_are_made_visible(
    overthink: Callable[..., tuple[int, str, str]], logs: Path, tmp_path: Path
) -> None:
    for name, good in (("a", False), ("b", True)):
        plain_log(tmp_path / f"{name}.json", {"\u202egnp.exe\x1b[2J": [good], "<b>q</b>": [good], "x" * 5000: [True]})
    code, out, _ = overthink("compare", "a.json", "b.json", "--out", "made")
    assert code == 0
    assert "\\u202egnp.exe\\u001b[2J" in out
    assert not {"\u202e", "\x1b"} & set(out)
    page = (tmp_path / "made" / "report.html").read_text()
    assert "<b>q</b>" not in page


def judged_by(path: Path, conditions: dict[str, str] | None, *, good: int) -> Path:
    """A pool of one arm whose rows state the conditions of their run."""
    text = None if conditions is None else json.dumps(conditions)
    rows = [
        RungRecord(
            path.stem,
            "m",
            Axis.CAPABILITY,
            "sums",
            "judge",
            f"q{i:02d}",
            0,
            0,
            Estimand.NATURAL,
            value=float(i < good),
            verdict=Verdict.CORRECT if i < good else Verdict.WRONG,
            conditions=text,
            model="m",
        )
        for i in range(40)
    ]
    write_pool(path, pool_of(rows))
    return path


@pytest.mark.parametrize(
    ("name", "is_measure"),
    few(
        [
            ("role.grader", True),
            ("scorer.judge.template", True),
            ("dataset.location", True),
            ("task_version", True),
            ("temperature", False),
            ("system_message", False),
            ("base_url", False),
        ],
        3,
    ),
)
def test_runs_under_other_conditions_are_told_apart(tmp_path: Path, name: str, is_measure: bool) -> None:
    paths = [
        judged_by(tmp_path / f"{v}.parquet", {name: v, "top_p": "1"}, good=10 + 20 * i) for i, v in enumerate("xy")
    ]
    made = compare(paths)
    (note,) = (note for note in made.about.notes if note.startswith("The runs differ in"))
    assert f"{setting_words(name)}: x (m (x)), y (m (y))" in note
    (found,) = made.find(kind="arm_difference", metric="mean")
    assert ("comparability" in found.gates_failed) == is_measure
    assert any(name in limit for limit in found.limits) == is_measure
    assert not any("may differ" in note for note in made.about.notes)


@pytest.mark.parametrize("conditions", [None, {"role.grader": "x"}])
def test_runs_under_the_same_or_unknown_conditions_fail_no_gate(
    tmp_path: Path, conditions: dict[str, str] | None
) -> None:
    paths = [judged_by(tmp_path / f"{name}.parquet", conditions, good=10) for name in "xy"]
    made = compare(paths)
    (found,) = made.find(kind="arm_difference", metric="mean")
    assert found.gates_failed == ()
    assert not any(note.startswith("The runs differ in") for note in made.about.notes)
    assert any("may differ" in note for note in made.about.notes) == (conditions is None)


@pytest.mark.parametrize(
    ("verdict", "counts"),
    [
        (Verdict.ERRORED, "30 of 40 samples counted (10 errored, 0 unparsed, cut unknown)"),
        (Verdict.UNPARSED, "40 of 40 samples counted (0 errored, 10 unparsed, cut unknown)"),
        (Verdict.TRUNCATED, "40 of 40 samples counted (0 errored, 0 unparsed, 10 cut)"),
    ],
)
def test_samples_that_one_side_alone_lost_are_a_warning(
    overthink: Callable[..., tuple[int, str, str]], tmp_path: Path, verdict: Verdict, counts: str
) -> None:
    judged_by(tmp_path / "a.parquet", None, good=20)
    rows = records_of(read_pool(judged_by(tmp_path / "b.parquet", None, good=40)))
    value = None if verdict is Verdict.ERRORED else 1.0
    lost = [replace(row, verdict=verdict, value=value) if i < 10 else row for i, row in enumerate(rows)]
    write_pool(tmp_path / "b.parquet", pool_of(lost))
    code, out, _ = overthink("compare", "a.parquet", "b.parquet")
    assert code == 0
    assert "Warning: samples without a clear value are unlike: A 0.0% of 40 and B 25.0% of 40" in out
    assert "different; a gate failed (" in out
    assert "missingness)" in out
    assert f"B: {counts}" in out
