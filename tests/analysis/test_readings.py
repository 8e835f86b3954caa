"""Arms against their placebos in the findings of a pool, in the terminal and on the page."""

from dataclasses import replace
from pathlib import Path

import pytest
from arm_pools import BASE, HALVES, KEEPS, arm

from overthink.data.finding import Finding
from overthink.data.pool import pool_of
from overthink.data.record import RungRecord
from overthink.errors import InputError
from overthink.reports import comparison_text
from overthink.storage.pool import write_pool
from overthink.workflows.analyse import Study
from overthink.workflows.compare import compare

PLACEBO = "placebo:of=keeps"


def pool(placebo: object, *, base: bool = True, **options: object) -> list[RungRecord]:
    rows = arm("keeps", KEEPS, questions=40, guard=0.5)
    rows += arm(PLACEBO, placebo, questions=40, guard=0.5, **options)  # type: ignore[arg-type]
    return [*(arm("base", BASE, questions=40) if base else ()), *rows]


def compared(folder: Path, rows: list[RungRecord], **options: object) -> Study:
    write_pool(folder / "pool.parquet", pool_of(rows))
    return compare([folder / "pool.parquet"], **options)  # type: ignore[arg-type]


def text_of(study: Study) -> str:
    return comparison_text(study.results, study.about)


def readings(study: Study) -> list[Finding]:
    return [f for f in study.findings if f.metric == "against_placebo"]


@pytest.fixture(scope="module")
def studies(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Study]:
    """A placebo that helps as much as its arm, and one that does not help."""
    folder = tmp_path_factory.mktemp("pools")
    truths = {"whoever says it": KEEPS, "reads": BASE}
    return {name: compared(folder, pool(truth)) for name, truth in truths.items()}


def test_the_reading_of_an_arm_is_told_from_the_arm(studies: dict[str, Study]) -> None:
    for name, expected in (("whoever says it", "no effect of its reading shown"), ("reads", "its reading helps")):
        (found,) = readings(studies[name])
        (verdict,) = [f for f in studies[name].findings if f.metric == "equal_thinking"]
        assert (found.kind, found.arm, found.axis, found.label) == ("mitigation", "keeps", "safety", expected)
        assert found.at.requested_tokens == 1024
        assert verdict.label is not None
        assert verdict.label.startswith(("eliminates", "mitigates"))
        assert "adjusted over 2 (Holm), together with the arms against the reference" in found.limits
        assert any(limit.endswith("adjusted over 2 (Holm)") for limit in verdict.limits)
        assert f"against {PLACEBO}" in found.limits
        assert found.test is not None
        assert found.test.p_adjusted is not None
        values = {
            f.arm: f.estimate for f in studies[name].find(kind="value", metric="mean", axis="safety") if f.at.rung == 3
        }
        assert found.estimate == pytest.approx((values["keeps"] or 0) - (values[PLACEBO] or 0))


def test_a_placebo_has_no_verdict_of_its_own(studies: dict[str, Study]) -> None:
    for study in studies.values():
        assert {f.arm for f in study.findings if f.kind in ("mitigation", "safety_tax")} == {"keeps"}
        assert PLACEBO in {f.arm for f in study.findings if f.kind == "arm_difference"}


def test_both_are_printed(studies: dict[str, Study]) -> None:
    study = studies["whoever says it"]
    for text in (text_of(study), study.html()):
        assert "keeps on secrets, against its placebo: " in text
        assert "no effect of its reading shown" in text
        assert "Arms against their placebos" in text
        assert "No placebo was run for" not in text
    assert "acting without reading may do as much" in study.html()


def test_an_arm_without_a_placebo_is_named(tmp_path: Path) -> None:
    rows = [*arm("base", BASE, questions=24), *arm("primer", HALVES, questions=24)]
    text = text_of(compared(tmp_path, rows))
    assert "No placebo was run for primer: " in text
    assert "an arm that decides nothing by what it reads (primer, wait" in text
    assert "against its placebo" not in text


def test_a_placebo_is_never_the_reference(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"--reference {PLACEBO} is a placebo.* one of base, keeps"):
        compared(tmp_path, pool(BASE), reference=PLACEBO)
    study = compared(tmp_path, sorted(pool(BASE, base=False), key=lambda row: row.arm != PLACEBO))
    assert {f.label for f in study.findings if f.kind == "arm_difference"} >= {"against keeps"}
    assert len(readings(study)) == 1


def test_a_placebo_is_called_after_its_arm_across_studies(tmp_path: Path) -> None:
    write_pool(tmp_path / "one.parquet", pool_of(pool(BASE)))
    again = [replace(row, study="b") for row in pool(BASE) if row.arm != PLACEBO]
    write_pool(tmp_path / "two.parquet", pool_of(again))
    found = readings(compare([tmp_path / "one.parquet", tmp_path / "two.parquet"]))
    assert [f.arm for f in found] == ["keeps (one)"]


def test_a_placebo_that_thinks_more_is_compared_at_equal_realised_thinking(tmp_path: Path) -> None:
    rows = pool(BASE)
    less = [
        replace(row, thinking_tokens=round(0.6 * (row.thinking_tokens or 0))) if row.arm == "keeps" else row
        for row in rows
    ]
    (found,) = readings(compared(tmp_path, less))
    assert found.label == "its reading helps, partly by thinking less"
    assert any("in the placebo" in limit for limit in found.limits)
    assert any(limit.startswith("the arm minus its placebo at equal realised thinking") for limit in found.limits)
