"""`overthink thresholds` and `overthink calc` as a newcomer meets them."""

import json
from datetime import date
from typing import Any

import pytest

from overthink.cli.commands import command
from overthink.governance.calculators import CALCULATORS
from overthink.governance.calculators.base import option

CONTRACT = ("effective-compute", "inference-flop", "overhang", "exfiltration", "stolen-weights", "cost", "chips")


def by_id(text: str) -> dict[str, Any]:
    return {row["id"]: row for row in json.loads(text)["instruments"]}


def test_thresholds_on_a_day(overthink) -> None:  # type: ignore[no-untyped-def]
    code, out, _ = overthink("thresholds", "--as-of", "2025-01-19", "--json")
    assert code == 0
    assert json.loads(out)["as_of"] == "2025-01-19"
    rows = by_id(out)
    assert rows["us-eo-14110"]["status"] == "in_force"
    assert rows["eu-aia-51-2"]["status"] == "not_yet_applicable"
    assert rows["us-bis-3A090-b"]["status_verification"] == "R"
    assert "kr-basic-act" not in rows
    assert "us-ca-sb53" not in rows
    wanted = {"id", "title", "jurisdiction", "status", "number", "operator", "unit"}
    assert all(wanted <= set(row) for row in rows.values())


def test_today_is_used_without_a_day_and_old_rows_warn(overthink) -> None:  # type: ignore[no-untyped-def]
    code, out, _ = overthink("thresholds", "--json")
    assert code == 0
    assert json.loads(out)["as_of"] == date.today().isoformat()
    code, text, _ = overthink("thresholds", "--as-of", "2028-01-01")
    assert code == 0
    assert "warning: last checked more than 180 days before 2028-01-01: all rows" in text
    assert ">= 1e26 FLOP: Korea" in text
    code, text, _ = overthink("thresholds", "--as-of", "2026-11-21")
    assert "warning" not in text
    assert "in_force (recalled)  [R] >= 2,400 TPP" in text


def test_one_instrument_is_shown_with_its_details(overthink) -> None:  # type: ignore[no-untyped-def]
    code, out, _ = overthink("thresholds", "--instrument", "kr-basic-act", "--as-of", "2026-11-21")
    assert code == 0
    for said in ("counts: pre training, fine tuning", "source: ", "check: found in a secondary source"):
        assert said in out
    code, out, _ = overthink("thresholds", "--instrument", "kr-basic-act", "--as-of", "2026-11-21", "--json")
    assert list(by_id(out)) == ["kr-basic-act"]
    code, out, _ = overthink("thresholds", "--instrument", "kr-basic-act", "--as-of", "2020-01-01")
    assert code == 0
    assert "none on that day" in out
    asked = ("calc", "effective-compute", "--training-flop", "1e24", "--json", "--as-of", "2028-01-01", "--instrument")
    _, out, _ = overthink(*asked, "kr-basic-act")
    document = json.loads(out)
    assert [row["instrument"] for row in document["tables"]["thresholds"]] == ["kr-basic-act"]
    assert "last checked" in document["warnings"][0]


def test_the_contracts_calculators_are_there_with_their_options(overthink) -> None:  # type: ignore[no-untyped-def]
    assert set(CONTRACT) <= set(CALCULATORS)
    for name, calculator in CALCULATORS.items():
        code, out, _ = overthink("calc", name, "--help")
        assert code == 0
        for field in calculator.inputs():
            assert option(field.name)[:20] in out, field.name


def test_a_calculation_as_text_and_as_json(overthink) -> None:  # type: ignore[no-untyped-def]
    asked = ("calc", "exfiltration", "--weights-bytes", "1e12", "--upload-bytes-per-day", "5e9")
    code, out, _ = overthink(*asked)
    assert code == 0
    for said in ("days under the limit: 200 days", "formula: days = ", "source: Greenblatt", "range: ", "leaves out: "):
        assert said in out
    code, out, _ = overthink(*asked, "--json")
    assert json.loads(out)["results"]["days_under_the_limit"]["estimate"] == 200


def test_the_day_decides_which_thresholds_are_shown(overthink) -> None:  # type: ignore[no-untyped-def]
    asked = ("calc", "effective-compute", "--training-flop", "1e24", "--json", "--as-of")
    _, out, _ = overthink(*asked, "2024-06-01")
    assert {row["instrument"] for row in json.loads(out)["tables"]["thresholds"]} == {"us-eo-14110", "us-eo-14110-bio"}
    _, out, _ = overthink(*asked, "2026-11-21")
    assert "kr-basic-act" in {row["instrument"] for row in json.loads(out)["tables"]["thresholds"]}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("thresholds", "--as-of", "2026-02-30"), "is not a date"),
        (("calc", "effective-compute", "--training-flop", "0"), "above 0"),
        (("calc", "effective-compute", "--training-flop=-1e25"), "above 0"),
        (("calc", "effective-compute", "--training-flop", "much"), "--training-flop is 'much'"),
        (("calc", "effective-compute", "--training-flop", "1e25", "--k", "0.5"), "K is 0.5"),
        (("calc", "effective-compute", "--training-flop", "1e25", "--k", "10"), "has no basis"),
        (("calc", "effective-compute", "--training-flop", "1e25", "--alpha", "1.5"), "alpha"),
        (("calc", "effective-compute", "--training-flop", "1e25", "--k-max", "0"), "K_max"),
        (("calc", "effective-compute"), "--training-flop is missing"),
        (("thresholds", "--instrument", "kr-basic"), "nearest: kr-basic-act"),
        (("calc", "effective-compute", "--training-flop", "1e25", "--instrument", "us-ca-sb35"), "us-ca-sb53"),
        (
            ("calc", "effective-compute", "--training-flop", "1e25", "--instrument", "eu-mdf"),
            "no threshold on training",
        ),
        (
            ("calc", "effective-compute", "--training-flop", "1", "--instrument", "cn", "--as-of", "2020-01-01"),
            "was not there on 2020-01-01",
        ),
        (("calc", "chips", "--chip", "H10"), "nearest: H100"),
        (
            ("calc", "overhang", "--training-flop", "0", "--training-days", "1", "--copy-flop-per-second", "1"),
            "above 0",
        ),
        (("calc", "exfiltration", "--weights-bytes", "1e12"), "nothing carries the weights"),
        (
            (
                "calc",
                "stolen-weights",
            ),
            "missing",
        ),
        (("calc", "stolen-weights", "--usd-per-task=-1"), "above 0"),
        (
            (
                "calc",
                "inference-flop",
            ),
            "nothing to count",
        ),
        (("calc", "inference-flop", "--active-parameters", "0"), "above 0"),
        (("calc", "inference-flop", "--pre-training-flop=-1"), "0 or more"),
        (("calc", "inference-flop", "--chip-hours", "5"), "--chip missing"),
        (("calc", "wishes"), "No such command"),
    ],
)
def test_bad_input_ends_with_one_clear_message(overthink, arguments: tuple[str, ...], told: str) -> None:  # type: ignore[no-untyped-def]
    code, out, err = overthink(*arguments)
    assert code == 2
    assert out == ""
    assert told in err
    assert "Traceback" not in err


def test_huge_compute_is_answered(overthink) -> None:  # type: ignore[no-untyped-def]
    code, out, _ = overthink("calc", "effective-compute", "--training-flop", "1e30", "--alpha", "0..1", "--json")
    assert code == 0
    assert all(row["k_star_low"] == 1 for row in json.loads(out)["tables"]["thresholds"])


def test_every_calculator_is_a_command() -> None:
    assert list(command("calc").commands) == list(CALCULATORS)
