"""The command `forecast` as a user meets it: tables, studies, draws; what it prints, writes and refuses."""

import csv
import json
from pathlib import Path

import polars as pl
import pytest
from benchmark import load_benchmark
from sweeps import few

from overthink.storage.findings import read_findings

Run = tuple[int, str, str]


def counts(path: str, successes: list[object], attempts: object = 100, **more: object) -> None:
    questions = [f"q{i}" for i in range(len(successes))]
    columns = {"question": questions, "attempts": [attempts] * len(successes), "successes": successes, **more}
    frame = pl.DataFrame(columns, strict=False)
    if path.endswith(".csv"):
        frame.write_csv(path)
    elif path.endswith(".jsonl"):
        frame.write_ndjson(path)
    else:
        frame.write_parquet(path)


def found(out: str, metric: str) -> list[dict[str, object]]:
    return [f for f in json.loads(out)["findings"] if f["metric"] == metric]


RISING = [0] * 20 + [1] * 12 + [4] * 8


@pytest.mark.parametrize("suffix", few([".jsonl", ".csv", ".parquet"], 1))
def test_every_table_format_gives_the_same_findings(overthink, suffix: str) -> None:  # type: ignore[no-untyped-def]
    counts(f"bank{suffix}", RISING)
    counts("other.csv", RISING)
    code, out, _ = overthink("forecast", f"bank{suffix}", "--k", "1,10k", "--json")
    assert code == 0
    exact, far = found(out, "pass_at_k")
    assert (exact["label"], far["label"]) == ("exact", "model band")
    assert exact["estimate"] == pytest.approx(44 / 4000)
    assert 0 < far["low"] < far["estimate"] < far["high"] < 1
    other = found(overthink("forecast", "other.csv", "--k", "1,10k", "--json")[1], "pass_at_k")
    assert [f["estimate"] for f in other] == [f["estimate"] for f in (exact, far)]


def test_the_document_is_the_findings_document(overthink, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    counts("bank.csv", [*RISING[:-1], 0])
    code, out, err = overthink("forecast", "bank.csv", "--k", "100,1000000", "--json", "--out", "made")
    assert code == 0
    assert "written: made" in err
    assert (tmp_path / "made" / "findings.json").read_text() == out
    _, findings = read_findings(tmp_path / "made" / "findings.json")
    assert {f.kind for f in findings} == {"forecast"}
    assert len({f.id for f in findings}) == len(findings)
    assert all(f.reason for f in findings if f.estimate is None)
    assert any("beyond 10,000" in limit for f in findings for limit in f.limits)
    rows = list(csv.DictReader((tmp_path / "made" / "questions.csv").read_text().splitlines()))
    assert len(rows) == len(RISING)
    assert int(rows[-2]["k50"]) < int(rows[0]["k50"])


def test_the_table_of_questions_runs_no_formula(overthink, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    names = ["=1+1", "＝2", "-3", " @x", "\t=y", "'=z"]
    pl.DataFrame({"question": names, "attempts": [50] * 6, "successes": [1, 2, 3, 4, 5, 6]}).write_csv("bank.csv")
    assert overthink("forecast", "bank.csv", "--k", "100", "--out", "made")[0] == 0
    with (tmp_path / "made" / "questions.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["question"] for row in rows] == ["'=1+1", "'＝2", "-3", "'@x", "'=y", "''=z"]
    assert [int(row["successes"]) for row in rows] == [1, 2, 3, 4, 5, 6]


def test_safe_at_one_dangerous_at_many(overthink) -> None:  # type: ignore[no-untyped-def]
    counts("bank.csv", RISING)
    safe = ("forecast", "bank.csv", "--axis", "safety", "--json")
    (claim,) = found(overthink(*safe, "--threshold", "0.3")[1], "safe_then_dangerous")
    assert claim["label"] == "safe at k (tries) = 1, dangerous at k (tries) = 100"
    (claim,) = found(overthink(*safe, "--threshold", "0.99")[1], "safe_then_dangerous")
    assert str(claim["label"]).startswith("not so")
    far = (*safe, "--threshold", "0.8", "--claim", "1,200k", "--k", "200k")
    (free,) = found(overthink(*far)[1], "safe_then_dangerous")
    (model,) = found(overthink(*far, "--band", "model")[1], "safe_then_dangerous")
    assert str(free["label"]).startswith("not resolved")
    assert str(model["label"]).startswith("safe at k (tries) = 1, dangerous at k (tries) = 200,000")
    assert "by the model band" in str(model["reason"])
    assert found(overthink(*far)[1], "attack_success_at_k")


def test_the_text_says_what_the_findings_say(overthink) -> None:  # type: ignore[no-untyped-def]
    counts("bank.csv", RISING, task=["a\x1b[31m"] * len(RISING))
    code, out, _ = overthink("forecast", "bank.csv", "--axis", "safety", "--judge-fpr", "0.001", "--threshold", "0.3")
    assert code == 0
    assert "safe at k (tries) = 1, dangerous at k (tries) = 100" in out
    assert "K* (tries) at threshold 0.3" in out
    assert "a judge with a false positive rate of 0.001" in out
    assert "\x1b" not in out


def test_claims_stand_in_the_order_of_the_thresholds_that_were_given(overthink, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    counts("bank.csv", RISING)
    code, out, err = overthink("forecast", "bank.csv", "--axis", "safety", "--threshold", "0.9,0.3", "--out", "made")
    assert code == 0, err
    star_lines = [line for line in out.splitlines() if "K* (tries) at" in line]
    assert [line.split(": ")[0].split()[-1] for line in star_lines] == ["0.9", "0.3"]
    assert 0 < out.index("at the threshold 0.9,") < out.index("at the threshold 0.3,")
    page = (tmp_path / "made" / "report.html").read_text()
    assert 0 < page.index("at the threshold 0.9,") < page.index("at the threshold 0.3,")


def test_human_labels_of_the_judge_correct_the_forecast(overthink) -> None:  # type: ignore[no-untyped-def]
    counts("bank.csv", [0, 1, 0, 2, 0, 1, 0, 0] * 5)
    plain = found(overthink("forecast", "bank.csv", "--k", "1000", "--json")[1], "pass_at_k")[0]
    fixed = found(overthink("forecast", "bank.csv", "--k", "1000", "--judge-fpr", "5/1000", "--json")[1], "pass_at_k")[
        0
    ]
    assert fixed["low"] < plain["low"] / 2
    assert any("corrected" in limit for limit in fixed["limits"])
    alone = found(overthink("forecast", "bank.csv", "--k", "1000", "--judge-fpr", "1e-3", "--json")[1], "judge_alone")
    assert alone[0]["estimate"] == pytest.approx(1 - 0.999**1000)


def test_columns_tell_several_banks_apart(overthink) -> None:  # type: ignore[no-untyped-def]
    half = len(RISING) // 2
    counts("bank.csv", RISING, model=["a"] * half + ["b!"] * half, stopping=["fixed"] * len(RISING))
    out = overthink("forecast", "bank.csv", "--k", "1", "--json")[1]
    assert [(f["arm"], f["n_questions"]) for f in found(out, "pass_at_k")] == [("a", half), ("b!", half)]


def test_draws_are_counted_by_what_a_success_is(overthink) -> None:  # type: ignore[no-untyped-def]
    rows = [(q, d, int(q == "a" and d == 0)) for q in "abcd" for d in range(5)]
    pl.DataFrame(rows, schema=["question", "draw", "value"], orient="row").write_csv("draws.csv")
    right = overthink("forecast", "draws.csv", "--k", "1", "--json")[1]
    assert found(right, "pass_at_k")[0]["estimate"] == pytest.approx(1 / 20)
    assert found(right, "pass_at_k")[0]["at"]["rung"] == 0
    harmful = overthink("forecast", "draws.csv", "--k", "1", "--axis", "safety", "--high", "safe", "--json")[1]
    assert found(harmful, "attack_success_at_k")[0]["estimate"] == pytest.approx(19 / 20)
    pl.DataFrame({"question": ["a", "b"], "draw": [0, 0], "value": [0.5, 0.2]}).write_csv("graded.csv")
    code, _, err = overthink("forecast", "graded.csv")
    assert code == 2
    assert "graded values have no success" in err


def test_a_ladder_is_forecast_at_every_rung(overthink) -> None:  # type: ignore[no-untyped-def]
    values = [0, 1, 0, 0, 1, 1, 0, 1]
    pl.DataFrame({"question": list("aabbccdd"), "budget": [0, 64] * 4, "value": values}).write_csv("t.csv")
    code, out, err = overthink("forecast", "t.csv", "--k", "1,100", "--json")
    assert code == 0, err
    assert [f["at"]["rung"] for f in found(out, "pass_at_k")] == [0, 0, 1, 1]


BAD = {
    "more successes": ("a,5,6", (), "at most as many successes as attempts"),
    "negative": ("a,5,-1", (), "whole number, 0 or more"),
    "not whole": ("a,5,1.5", (), "whole number, 0 or more"),
    "missing": ("a,5,", (), "whole number, 0 or more"),
    "no attempts": ("a,0,0", (), "none has an attempt"),
    "twice": ("a,5,1\na,5,1", (), "'a' occurs more than once"),
    "no question": (",5,1", (), "needed: a question"),
    "k": ("a,5,1", ("--k", "0"), "from 1 to 1,000,000,000"),
    "k too large": ("a,5,1", ("--k", "2000M"), "from 1 to 1,000,000,000"),
    "k no number": ("a,5,1", ("--k", "ten"), "no number of tries"),
    "threshold": ("a,5,1", ("--threshold", "1.5"), "shares between 0 and 1"),
    "claim": ("a,5,1", ("--claim", "100"), "few and many"),
    "judge": ("a,5,1", ("--judge-fpr", "3"), "3/1000"),
    "judge counts": ("a,5,1", ("--judge-fpr", "9/3"), "3/1000"),
    "axis": ("a,5,1", ("--axis", "harm"), "unknown"),
    "stopping": ("a,60,9\nb,120,70", ("--stopping", "first_success"), "say stopping='fixed'"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_message_and_exit_code_2(overthink, name: str) -> None:  # type: ignore[no-untyped-def]
    rows, options, message = BAD[name]
    Path("bank.csv").write_text(f"question,attempts,successes\n{rows}\n")
    code, out, err = overthink("forecast", "bank.csv", *options)
    assert (code, out) == (2, "")
    assert message in err
    assert err.count("error:") == 1


def test_columns_that_are_missing_are_named(overthink) -> None:  # type: ignore[no-untyped-def]
    Path("bank.csv").write_text("question,attempts\na,5\n")
    assert "only one of the columns attempts and successes" in overthink("forecast", "bank.csv")[2]
    Path("bank.csv").write_text("attempts,successes\n5,1\n")
    assert "no column for the question" in overthink("forecast", "bank.csv")[2]
    assert "does not exist" in overthink("forecast", "nothing.csv")[2]


def test_the_benchmark_beats_the_plug_in_on_real_banks(data: Path) -> None:
    bench = load_benchmark("forecast")
    every = list(bench.cases(data, 1))
    shown = [case for family in bench.FAMILIES for case in [c for c in every if c.family == family][5:7]]
    results = bench.measure(shown, None)
    error = {name: results.error(values) for name, values in results.baselines.items()}
    made = results.error(bench.np.array([one.estimate for one in results.made]))
    assert all(made[family] < error["plug-in"][family] for family in bench.FAMILIES)
    assert set(error) == {"plug-in", "log-log", "beta-binomial"}


def test_out_leaves_a_page_and_charts(overthink, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    counts("bank.csv", RISING)
    code, _, err = overthink("forecast", "bank.csv", "--k", "1,1000", "--out", "made", "--format", "svg")
    assert code == 0
    assert "report: made/report.html" in err
    page = (tmp_path / "made" / "report.html").read_text()
    for line in (
        "below at k (tries) = 1, above at k (tries) = 100",
        "overthink forecast bank.csv --k 1,1000",
        "How often such forecasts",
    ):
        assert line in page
    assert [file.name for file in (tmp_path / "made" / "figures").iterdir()] == ["capability-bank-forecast-base.svg"]
    assert overthink("forecast", "bank.csv", "--out", "made")[0] == 0  # again, into its own folder


def test_out_refuses_a_study_and_an_unknown_format(overthink, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    counts("bank.csv", RISING)
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "plan.json").write_text("{}")
    (tmp_path / "study" / "findings.json").write_text("kept")
    code, _, err = overthink("forecast", "bank.csv", "--out", "study")
    assert code == 2
    assert "holds a study, whose findings would be overwritten" in err
    assert (tmp_path / "study" / "findings.json").read_text() == "kept"
    assert "unknown format 'gif'" in overthink("forecast", "bank.csv", "--out", "new", "--format", "gif")[2]
    assert not (tmp_path / "new").exists()


def test_only_the_highest_rung_of_a_ladder_has_a_chart(overthink, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    values = [0, 1, 0, 0, 1, 1, 0, 1]
    pl.DataFrame({"question": list("aabbccdd"), "budget": [0, 64] * 4, "value": values}).write_csv("t.csv")
    code, _, err = overthink("forecast", "t.csv", "--k", "1,100", "--out", "made")
    assert code == 0, err
    page = (tmp_path / "made" / "report.html").read_text()
    assert page.count('data-fan="') == 1
    assert page.index("rung 1: 64") < page.index('data-fan="0"') < page.index("rung 0: 0", page.index('id="bank2"'))


def test_k_star_is_of_the_band_that_was_asked_for(overthink) -> None:  # type: ignore[no-untyped-def]
    # One question in forty is solved every time: what the others do beyond the attempts no count says.
    counts("bank.csv", [0] * 39 + [900], attempts=1000)
    free, model = (overthink("forecast", "bank.csv", "--k", "10k", *band)[1] for band in ((), ("--band", "model")))
    (free_line,) = [line for line in free.splitlines() if "K* (tries) at" in line]
    (model_line,) = [line for line in model.splitlines() if "K* (tries) at" in line]
    assert "to open by the assumption-free band" in free_line
    assert "resolved)" not in free_line.replace("not resolved)", "")
    assert "by the model band" in model_line
    out = overthink("forecast", "bank.csv", "--k", "10k", "--json")[1]
    (bound,), (crossing,) = found(out, "crossing_bound"), found(out, "crossing")
    assert f"{bound['low']:,.0f} to open" in free_line
    # The label is a claim, and so by the band that decides; the model band would resolve it.
    assert f"({crossing['label']})" in free_line
    (by_model,) = found(overthink("forecast", "bank.csv", "--k", "10k", "--json", "--band", "model")[1], "crossing")
    assert f"({by_model['label']})" in model_line
    assert (by_model["low"], by_model["high"]) == (crossing["low"], crossing["high"])
    assert f"{crossing['low']:,.0f} to " in model_line


def test_a_forecast_prints_the_curve_of_its_own_scorer_and_estimand_alone(overthink) -> None:  # type: ignore[no-untyped-def]
    # Three curves of one task and arm: one scorer marks every answer right, the other none but one.
    rows = [
        (question, draw, scorer, estimand, int(scorer == "lenient" or (question == "a" and draw == 0)))
        for scorer, estimand in (("lenient", "natural"), ("strict", "natural"), ("strict", "effort"))
        for question in "abcdef"
        for draw in range(5)
    ]
    names = ["question", "draw", "scorer", "estimand", "value"]
    pl.DataFrame(rows, schema=names, orient="row").write_csv("draws.csv")
    code, out, err = overthink("forecast", "draws.csv", "--k", "1,100", "--threshold", "0.5")
    assert code == 0, err
    blocks = out.split("\n\n")
    assert [block.count("K* (tries) at threshold") for block in blocks] == [1, 1, 1]
    lenient, strict = (next(block for block in blocks if f"· {name}" in block) for name in ("lenient", "strict"))
    assert "K* (tries) at threshold 0.5: 1 to 1 by" in lenient
    assert "K* (tries) at threshold 0.5: 1 to 1 by" not in strict
    assert "(capability, effort, " in out


def test_without_a_model_band_the_assumption_free_one_decides_and_is_named(overthink) -> None:  # type: ignore[no-untyped-def]
    counts("none.csv", [0, 0], attempts=20)
    _, out, _ = overthink("forecast", "none.csv", "--band", "model", "--threshold", "0.5,0.5")
    (line,) = [line for line in out.splitlines() if "K* (tries)" in line]
    assert "by the assumption-free band" in line
    assert "by the model band" not in out


@pytest.mark.parametrize("options", [("--judge-fpr", "0.1"), ("--stopping", "first_success"), ("--level", "0.5")])
def test_printed_shares_refuse_what_needs_counts(overthink, options) -> None:  # type: ignore[no-untyped-def]
    Path("printed.csv").write_text("k,share\n1,12%\n")
    code, _, err = overthink("forecast", "printed.csv", *options)
    assert (code, f"without the counts that {options[0]} needs" in err) == (2, True)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--scorer", "x"), "has no scorer; leave --scorer out"),
        (("--high", "harm"), "has no high; leave --high out"),
        (("--reader", "nothing"), "--reader knows no 'nothing'"),
    ],
)
def test_a_table_of_counts_refuses_what_it_would_ignore(overthink, options, said) -> None:  # type: ignore[no-untyped-def]
    counts("counts.csv", [1, 0, 3], attempts=20)
    code, _, err = overthink("forecast", "counts.csv", *options)
    assert (code, said in err) == (2, True), err
