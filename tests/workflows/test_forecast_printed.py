"""The command `forecast` on shares as papers print them."""

import json
from pathlib import Path

import pytest

CARD = "k,share,model\n1,.2 %,thinking\n100,21.7 %,thinking\n1,.2 %,plain\n"


def test_printed_shares_are_intervals_and_what_they_leave_open_is_a_band(overthink) -> None:  # type: ignore[no-untyped-def]
    Path("card.csv").write_text(CARD)
    code, out, err = overthink("forecast", "card.csv", "--axis", "safety", "--k", "100", "--json")
    assert code == 0, err
    findings = json.loads(out)["findings"]
    thinking, plain = (f for f in findings if f["metric"] == "attack_success_at_k_bound")
    assert (thinking["arm"], plain["arm"]) == ("thinking", "plain")
    # All alike at .25 % reach 22.1 % in a hundred tries; that .2 % exactly would reach 18.1 % is no contradiction.
    assert plain["high"] == pytest.approx(1 - 0.9975**100, abs=2e-4)
    assert plain["low"] == pytest.approx(0.0015, abs=1e-5)
    assert (thinking["low"], thinking["high"]) == (pytest.approx(0.2165, abs=1e-4), pytest.approx(0.2175, abs=1e-4))
    assert thinking["estimate"] is None
    assert thinking["label"] == "assumption-free band"
    assert any(".2 % at k = 1, 21.7 % at k = 100" in limit for limit in thinking["limits"])
    assert len({f["id"] for f in findings}) == len(findings)


def test_the_text_names_the_printed_shares_and_k_star(overthink) -> None:  # type: ignore[no-untyped-def]
    Path("card.csv").write_text(CARD)
    code, out, _ = overthink("forecast", "card.csv", "--axis", "safety", "--k", "1,100")
    assert code == 0
    thinking, plain = out.split("\n\n")
    assert "(safety, printed: .2 % at k = 1, 21.7 % at k = 100)" in thinking
    # Half of all at the earliest where all are alike at .25 %: log(1/2) / log(1 - .0025) is 277.
    assert "K* at threshold 0.5: 2" in plain
    assert "to open by the assumption-free band (open)" in plain
    assert "sampling error is not in the band" in plain


def test_small_shares_and_those_just_below_all_are_not_rounded_to_none_or_all(overthink) -> None:  # type: ignore[no-untyped-def]
    Path("card.csv").write_text("k,share,model\n1,0.002%,rare\n1,99.97%,nearly\n1,0%,none\n")
    code, out, err = overthink("forecast", "card.csv", "--k", "1")
    assert code == 0, err
    rows = [line.split(maxsplit=1)[1] for line in out.splitlines() if line.startswith(f"{1:>15}")]
    assert rows == ["0.0015% – 0.0025%", ">99.9% – >99.9%", "0% – 0.5%"]


@pytest.mark.long
def test_json_lines_write_small_shares_with_an_exponent(overthink) -> None:  # type: ignore[no-untyped-def]
    Path("card.jsonl").write_text('{"k": 1, "share": 0.00002}\n{"k": 10000, "share": 1.8e-1}\n')
    Path("card.csv").write_text("k,share\n1,0.00002\n10000,0.18\n")
    as_json, as_csv = (overthink("forecast", f"card.{suffix}", "--k", "100", "--json") for suffix in ("jsonl", "csv"))
    assert as_json[0] == as_csv[0] == 0, as_json[2]
    (one, other) = ([(f["low"], f["high"]) for f in json.loads(run[1])["findings"]] for run in (as_json, as_csv))
    assert one == other
    assert 0.001 < one[0][0] < one[0][1] < 0.0025


@pytest.mark.long
def test_thresholds_stand_in_the_order_in_which_they_were_given(overthink) -> None:  # type: ignore[no-untyped-def]
    Path("card.csv").write_text(CARD)
    _, out, _ = overthink("forecast", "card.csv", "--k", "1", "--threshold", "0.9,0.1")
    stars = [line.split(": ")[0].strip() for line in out.splitlines() if "K* at" in line]
    assert stars == ["K* at threshold 0.9", "K* at threshold 0.1"] * 2


BAD = {
    "contradiction": ("1,10.0%\n10,9.0%", (), "no distribution of chances between questions gives the shares 10.0%"),
    "no share": ("1,often", (), "'often' is no printed share"),
    "beyond": ("1,120%", (), "'120%' is more than all"),
    "empty": ("1,", (), "needed: a share as it was printed"),
    "no tries": ("0,5%", (), "needed: 1 to a billion"),
    "twice": ("1,5%\n1,6%", (), "k = 1 occurs more than once"),
    "model band": ("1,5%", ("--band", "model"), "the model band needs attempts and successes"),
    "page": ("1,5%", ("--out", "made"), "no counts for a page"),
    "axis": ("1,5%", ("--axis", "harm"), "unknown"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_shares_are_one_message_and_exit_code_2(overthink, name: str) -> None:  # type: ignore[no-untyped-def]
    rows, options, message = BAD[name]
    Path("card.csv").write_text(f"k,share\n{rows}\n")
    code, out, err = overthink("forecast", "card.csv", "--k", "100", *options)
    assert (code, out) == (2, "")
    assert message in err
    assert err.count("error:") == 1
