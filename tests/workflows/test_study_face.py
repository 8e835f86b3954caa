"""What a study hands to a notebook: rows, tables, findings by words, charts; nothing is read or written for show."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import overthink
from overthink.data.ids import CurveKey
from overthink.data.pool import COLUMNS
from overthink.data.results.arms import ArmResults
from overthink.data.results.beside import PlantedCurve
from overthink.errors import InputError
from overthink.workflows.paper import table_text

HOSTILE = "<img src=x onerror=alert(1)>\u202e"


def write_rows(path: Path, task: str = "harms") -> Path:
    rows = [
        {"question": f"q{q}", "draw": d, "budget": b, "arm": arm, "axis": axis, "task": name, "value": value}
        for arm, axis, name in (
            ("base", "capability", "sums"),
            ("guarded", "capability", "sums"),
            ("base", "safety", task),
        )
        for q in range(12)
        for d in (0, 1)
        for b in (0, 8, 64)
        if (value := float((q + d + b // 8) % 5 > (2 if axis == "capability" and b < 64 else 0))) >= 0
    ]
    pl.DataFrame(rows).write_csv(path)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("face")
    overthink.analyse(write_rows(path / "rows.csv"), out=path / "study")
    return path / "study"


@pytest.fixture(scope="module")
def study(folder: Path) -> overthink.Study:
    return overthink.analyse(folder)


def test_the_frame_has_a_row_per_question_draw_and_rung(study: overthink.Study) -> None:
    frame = study.frame()
    assert tuple(frame.columns) == COLUMNS
    assert len(frame) == len(frame.unique(["arm", "axis", "task", "question", "draw", "rung"])) == 3 * 12 * 2 * 3
    assert frame["verdict"].unique().sort().cast(pl.String).to_list() == ["correct", "wrong", "safe", "harmful"]
    safe = frame.filter(pl.col("axis") == "safety", pl.col("requested_tokens") == 64)
    (value,) = [f.estimate for f in study.find(metric="mean", axis="safety") if f.at.requested_tokens == 64]
    assert safe["value"].mean() == pytest.approx(value)
    assert frame["answer_tokens"].null_count() == len(frame)  # unknown, not 0


def test_the_frame_becomes_one_of_pandas(study: overthink.Study) -> None:
    table = study.frame().to_pandas()
    assert table.shape == study.frame().shape
    assert table.groupby("arm", observed=True)["value"].sum().to_dict() == {
        arm: study.frame().filter(pl.col("arm") == arm)["value"].sum() for arm in ("base", "guarded")
    }
    assert table["seconds"].isna().all()


@pytest.mark.parametrize("content", ["curves", "verdicts"])
def test_the_tables_are_those_of_the_command(study: overthink.Study, folder: Path, content: str) -> None:
    frame = getattr(study, content)
    stored = pl.read_csv(table_text(folder, content=content, form="csv").encode(), infer_schema=False)
    assert set(frame.columns) < set(stored.columns)
    assert len(frame) == len(stored) > 0
    for name in set(frame.columns) - {"claim"}:
        assert frame[name].to_list() == stored[name].cast(frame.schema[name]).to_list(), name


def test_tables_have_their_types_where_they_have_no_row(study: overthink.Study) -> None:
    empty = replace(study, results=type(study.results)())
    for content in ("curves", "verdicts", "planted"):
        table = getattr(empty, content)
        assert table.is_empty()
        assert table.schema == getattr(study, content).schema
    assert study.curves.schema["requested_tokens"] == pl.Int64
    assert study.curves.schema["low"] == pl.Float64
    assert study.verdicts["claim"].null_count() == 0


def test_findings_are_found_by_members_and_by_their_words(study: overthink.Study) -> None:
    by_member = study.find(kind=overthink.Kind.SHAPE, metric=overthink.Metric.MAX_T, axis=overthink.Axis.SAFETY)
    assert by_member == study.find(kind="shape", metric="max_t", axis="safety") != ()
    assert {f.arm for f in study.find(task="sums")} == {"base", "guarded"}
    assert {f.arm for f in study.find(kind=None, arm="guarded")} == {"guarded"}
    assert study.find(kind=None) == study.findings
    assert study.find(kind=overthink.Kind.FORECAST) == study.find(kind="ledger", metric="mean") == ()
    assert len(study.find(kind=None).frame()) == len(study.findings)


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (
            {"kind": "shapes"},
            r"kind is 'shapes', which is no kind of findings; needed, the most similar first: shape, ",
        ),
        ({"metric": "maxt"}, "no metric of findings; needed, the most similar first: max_t, "),
        ({"axis": "saftey"}, "no axis of findings; needed, the most similar first: safety, capability, benign"),
        ({"task": "harm"}, "no task of this study; needed, the most similar first: harms, sums"),
        ({"arm": "Base\x1b"}, r"arm is 'Base\\\\u001b', .*: base, guarded"),
        ({"kind": "x" * 10**6}, "1000000 characters"),
    ],
)
def test_a_word_that_does_not_exist_is_an_error(study: overthink.Study, wanted: dict[str, str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        study.find(**wanted)
    with pytest.raises(TypeError, match=f"{next(iter(wanted))} is 3"):
        study.find(**dict.fromkeys(wanted, 3))  # type: ignore[arg-type]


def test_all_kinds_are_listed(study: overthink.Study) -> None:
    with pytest.raises(InputError) as failure:
        study.find(kind="")
    assert all(kind in str(failure.value) for kind in overthink.Kind)


def test_a_study_shows_itself_without_its_rows(study: overthink.Study, tmp_path: Path) -> None:
    gone = replace(study, pool=pl.scan_parquet(tmp_path / "gone.parquet"))
    assert gone._repr_html_() == study._repr_html_()
    assert repr(gone) == repr(study)
    for text in (repr(gone), gone._repr_html_()):
        assert "harms" in text
        assert len(text.encode()) < 2000
    assert len(gone.curves) == 9
    with pytest.raises(InputError, match="the pool cannot be read"):
        gone.frame()


def test_a_study_says_where_its_arms_are_compared(study: overthink.Study) -> None:
    assert study.find(kind="arm_difference")
    alone = replace(study, results=replace(study.results, arms=ArmResults()))
    assert not alone.find(kind="arm_difference")
    for shown, not_shown in ((repr(study), repr(alone)), (study._repr_html_(), alone._repr_html_())):
        assert "study.find(kind='arm_difference')" in shown
        assert "arm_difference" not in not_shown


def test_names_of_others_are_no_markup(tmp_path: Path) -> None:
    study = overthink.analyse(write_rows(tmp_path / "rows.csv", task=HOSTILE))
    html = study._repr_html_() + study.find()._repr_html_() + study.curves._repr_html_()
    assert "<img" not in html
    assert "&lt;img src=x" in html
    assert "\u202e" not in repr(study) + repr(study.find(kind=None)) + study._repr_html_()
    assert HOSTILE in study.curves["task"].to_list()
    assert "<script" not in (svg := study.chart(HOSTILE)._repr_mimebundle_()["image/svg+xml"])
    assert "<img" not in svg


def test_the_planted_truth_stands_beside_the_measurement(study: overthink.Study) -> None:
    sums, guarded, harms = (CurveKey(*curve.key) for curve in study.results.curves)
    assert study.planted.is_empty()
    truths = (
        PlantedCurve(sums, {0: 0.5, 2: 0.99}, outside=(2,), half_width=0.2),
        PlantedCurve(guarded, obstacle="no budget"),
        PlantedCurve(harms, {1: 0.25}, outside=(), half_width=0.1, holds_flat=True),
    )
    simulated = replace(study, about=replace(study.about, planted=truths))
    table = simulated.planted
    assert table.select("task", "arm", "rung", "planted", "inside", "reason").rows() == [
        (sums.task, sums.arm, 0, 0.5, True, None),
        (sums.task, sums.arm, 2, 0.99, False, None),
        (guarded.task, guarded.arm, None, None, None, "no budget"),
        (harms.task, harms.arm, 1, 0.25, True, None),
    ]
    measured = {rung.at.rung: rung.mean.estimate for rung in study.results.curves[0].rungs if rung.mean}
    assert table["measured"].to_list()[:2] == [measured[0], measured[2]]
    assert table["requested_tokens"].to_list() == [0, 64, None, 8]
    for text in (repr(simulated), simulated._repr_html_()):
        assert "inside the band (up to ±20.0 points) in 1 of 2 curves; a flat line would be in 1 of 2 curves" in text
    assert "planted" not in repr(study)


@pytest.mark.parametrize(
    "call",
    [
        overthink.analyse,
        overthink.compare,
        overthink.statement,
        overthink.table,
        overthink.methods,
        overthink.report,
        lambda study: overthink.compare(study, study),
        lambda study: overthink.compare([study]),
    ],
)
def test_a_study_in_place_of_its_folder_is_refused_with_where_that_is(study: overthink.Study, call: Any) -> None:
    with pytest.raises(TypeError, match=r"^paths? is a study; needed: its folder, .*study\.folder\.path"):
        call(study)


def test_one_arm_to_draw_is_a_text_or_a_list(study: overthink.Study) -> None:
    assert study.chart("sums", arms="guarded").to_dict() == study.chart("sums", arms=["guarded"]).to_dict()
    assert study.chart("sums", arms={"guarded"}).to_dict() == study.chart("sums", arms=("guarded",)).to_dict()  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="arms is 3"):
        study.chart("sums", arms=3)  # type: ignore[arg-type]


def test_nothing_is_written_for_show(
    study: overthink.Study, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def files() -> list[tuple[str, int]]:
        return sorted((str(path), path.stat().st_mtime_ns) for place in (folder, tmp_path) for path in place.rglob("*"))

    monkeypatch.chdir(tmp_path)
    before = files()
    shown = study.frame(), study.curves, study.verdicts, study.planted, repr(study), study._repr_html_(), study.charts
    assert "image/svg+xml" in study.chart("capability")._repr_mimebundle_()
    assert all(part is not None for part in shown)
    assert files() == before
    study.chart("capability").save("chart.svg")  # the control: this is seen
    assert files() != before
