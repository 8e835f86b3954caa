"""An octave more thinking, as a user of the command `forecast` meets it."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from simulated_study import one_task, run

from overthink.storage.findings import read_findings

LADDER = (0, 256, 512, 1024, 2048, 4096)
CHANCES = (0.1, 0.3, 0.4, 0.5, 0.6, 0.7)


def ladder(path: str, *, budgets: tuple[int, ...] = LADDER, graded: bool = False, arm: str = "base") -> None:
    rng = np.random.default_rng(3)
    drawn = {budget: rng.random((60, 2)) for budget in budgets}
    rows = [
        (f"q{question}", draw, budget, arm, u if graded else int(u < CHANCES[LADDER.index(budget)]))
        for budget, table in drawn.items()
        for (question, draw), u in np.ndenumerate(table)
    ]
    pl.DataFrame(rows, schema=["question", "draw", "budget", "model", "value"], orient="row").write_csv(path)


def ahead(out: str) -> dict[str, dict[str, object]]:
    return {f["metric"]: f for f in json.loads(out)["findings"] if f["kind"] == "next_octave"}


def test_a_ladder_is_forecast_an_octave_further(overthink) -> None:  # type: ignore[no-untyped-def]
    ladder("t.csv")
    code, out, err = overthink("forecast", "t.csv", "--k", "1", "--json")
    assert code == 0, err
    found = ahead(out)
    mean = found["mean"]
    assert mean["label"] == "extrapolated"
    assert mean["at"]["requested_tokens"] == 8192
    assert mean["low"] < 0.8 < mean["high"]
    assert (mean["level"], mean["n_questions"], mean["n_draws"]) == (0.9, 60, 2)
    assert any("from 4,096 to 8,192 tokens: nothing was measured" in limit for limit in mean["limits"])
    assert any("rung at 0 is left out" in limit for limit in mean["limits"])
    assert found["log_linear"]["label"] == "predicts"
    assert (found["flat"]["label"], found["flat"]["low"]) == ("not used", None)
    assert "was measured" in str(found["flat"]["reason"])
    assert found["flat_error"]["estimate"] > found["log_linear_error"]["estimate"]


@pytest.mark.long
def test_the_text_says_it_too(overthink, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    ladder("t.csv", arm="a\x1b[31m")
    code, out, _ = overthink("forecast", "t.csv", "--k", "1", "--out", "made")
    assert code == 0
    assert "more thinking than the ladder has" in out
    assert "at 8,192 tokens (extrapolated from 4,096): " in out
    assert "flat: predicted" in out
    assert "a turn above the ladder cannot be foreseen" in out
    assert "\x1b" not in out
    _, findings = read_findings(tmp_path / "made" / "findings.json")
    assert {f.kind for f in findings} == {"forecast", "next_octave"}
    assert len({f.id for f in findings}) == len(findings)
    assert all(f.reason for f in findings if f.estimate is None)


def test_a_ladder_that_is_too_short_is_told_so(overthink) -> None:  # type: ignore[no-untyped-def]
    ladder("t.csv", budgets=LADDER[:4])
    told = ahead(overthink("forecast", "t.csv", "--k", "1", "--json")[1])
    assert list(told) == ["mean"]
    assert (told["mean"]["estimate"], told["mean"]["label"]) == (None, "no forecast")
    assert "3 rungs with a budget above 0; needed: 4" in str(told["mean"]["reason"])
    assert "no forecast: 3 rungs" in overthink("forecast", "t.csv", "--k", "1")[1]


def test_where_there_is_no_ladder_nothing_is_said_of_one(overthink) -> None:  # type: ignore[no-untyped-def]
    ladder("t.csv", budgets=LADDER[1:2])
    pl.DataFrame({"question": ["a", "b"], "attempts": [9, 9], "successes": [1, 3]}).write_csv("counts.csv")
    for table in ("t.csv", "counts.csv"):
        assert ahead(overthink("forecast", table, "--k", "1", "--json")[1]) == {}


def test_graded_values_have_a_curve_and_no_tries(overthink, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    ladder("t.csv", graded=True)
    code, out, err = overthink("forecast", "t.csv", "--json")
    assert code == 0, err
    assert ahead(overthink("forecast", "t.csv", "--json")[1]) == ahead(out)
    assert ahead(overthink("forecast", "t.csv", "--json", "--seed", "1")[1]) != ahead(out)
    assert {f["kind"] for f in json.loads(out)["findings"]} == {"next_octave"}
    assert ahead(out)["mean"]["estimate"] == pytest.approx(0.5, abs=0.1)
    code, _, err = overthink("forecast", "t.csv", "--out", "made")
    assert code == 2
    assert "there is no page to write" in err
    assert not (tmp_path / "made").exists()


def test_the_forced_ladder_of_a_study_is_forecast_with_its_failed_gates(overthink, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    run(tmp_path / "study", one_task(budgets=(0, 8, 16, 32, 64), draws=1, limit=2, answer_tokens=1))
    code, out, err = overthink("forecast", "study", "--k", "1", "--json")
    assert code == 0, err
    mean = ahead(out)["mean"]
    assert mean["estimand"] == "forced"
    assert mean["at"]["requested_tokens"] == 128
    assert "truncation" in mean["gates_failed"]  # an answer takes more than one token
    assert "natural_end" not in mean["gates_failed"]  # the simulated traces end before 64 tokens: information
    assert any(limit.startswith("gates failed on the ladder: ") for limit in mean["limits"])
