"""The command line as a newcomer meets it: what it prints, what it refuses, and with which exit code."""

import json
import signal
import time
from pathlib import Path

import polars as pl
import pytest
from forked import Forked

from overthink.errors import StoppedError
from overthink.workflows import experiment

Run = tuple[int, str, str]


def simulated(*more: str) -> tuple[str, ...]:
    usual = {"--model": "overthink/simulated", "--draws": "2", "--limit": "2", "--budgets": "0,8"}
    return ("run", *(word for option in usual.items() if option[0] not in more for word in option), *more)


def table(path: Path, **columns: list[object]) -> Path:
    pl.DataFrame(columns).write_csv(path)
    return path


def test_a_table_becomes_findings_and_a_report(overthink, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    values = [0, 1, 1, 1, 0, 0, 1, 1]
    table(tmp_path / "t.csv", question=list("aabbccdd"), budget=[0, 64] * 4, value=values)
    code, out, err = overthink("analyse", "t.csv", "--out", "made", "--json")
    assert code == 0
    document = json.loads(out)
    assert document["schema"] == "overthink.findings/3"
    means = {
        f["at"]["rung"]: f["estimate"] for f in document["findings"] if f["metric"] == "mean" and f["kind"] == "value"
    }
    assert means == {0: 0.5, 1: 0.75}
    assert "report: made/report.html" in err
    assert (tmp_path / "made" / "report.html").stat().st_size > 500_000
    assert json.loads((tmp_path / "made" / "findings.json").read_text()) == document
    code, text, _ = overthink("analyse", "t.csv", "--out", "made")
    assert code == 0
    assert "75.0%" in text


def test_a_study_runs_is_refused_twice_and_reported_again(overthink, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    code, out, err = overthink(*simulated("--capability", "overthink/arithmetic", "--json"))
    assert code == 0
    assert "2 questions × 2 draws = 4 traces; at most 12 calls" in err
    assert "no charge" in err
    assert "4 of 4 traces" in err
    found = json.loads(out)["findings"]
    assert {f["task"] for f in found} == {"overthink/arithmetic"}
    code, _, err = overthink(*simulated("--capability", "overthink/arithmetic"))
    assert code == 2
    assert "go on with --resume" in err
    code, out, _ = overthink("report", "study", "--json")
    assert code == 0
    assert json.loads(out)["findings"] == found


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("analyse", "nowhere"), "nowhere does not exist; needed: Inspect logs, a study's folder, or a table"),
        (("analyse", "odd.txt"), "not something that can be analysed"),
        (("analyse", "t.csv"), "question"),
        (("analyse", "fine.csv", "--axis", "safety"), "high"),
        (("analyse", "fine.csv", "--axis", "speed"), "speed"),
        (("report", "."), "holds no study"),
        (simulated(), "no task was given"),
        (simulated("--safety", "their_task"), "--safety their_task:high=safe or --safety their_task:high=harm"),
        (simulated("--capability", "overthink/arithmetic", "--budgets", "64,0"), "give 0,64"),
        (simulated("--capability", "overthink/arithmetic", "--budgets", "few"), "--budgets few cannot be read"),
        (simulated("--capability", "overthink/arithmetic", "--draws", "0"), "draws"),
        (simulated("--capability", "overthink/arithmetic", "--efforts", "low"), "either budgets or efforts"),
        (simulated("--capability", "overthink/arithmetic", "-M", "seed"), "-M KEY=VALUE"),
        (simulated("--capability", "overthink/arithmetic", "-M", "api_key=sk-1"), "looks like a secret"),
        (simulated("--capability", "overthink/arithmetic", "-T", "nothing=1"), "nothing"),
        (("run", "--model", "overthink/gguf", "--capability", "overthink/arithmetic", "--budgets", "0"), "gguf=PATH"),
        (("run", "--no-such-option"), "No such option"),
    ],
)
def test_bad_input_is_one_message_and_exit_code_2(arguments, told, overthink, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "odd.txt").write_text("x")
    table(tmp_path / "t.csv", a=[1], b=[2])
    table(tmp_path / "fine.csv", question=["a"], draw=[0], value=[1])
    before = sorted(tmp_path.rglob("*"))
    code, out, err = overthink(*arguments)
    assert code == 2
    assert told in err
    assert "Traceback" not in err
    assert out == ""
    assert sorted(tmp_path.rglob("*")) == before


def test_a_stop_and_an_interrupt_have_their_own_codes(overthink, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    def stops(*_: object, **__: object) -> None:
        raise StoppedError("the server is gone; repeat with --resume")

    def interrupts(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(experiment, "run", stops)
    code, _, err = overthink(*simulated("--capability", "overthink/arithmetic"))
    assert (code, "repeat with --resume" in err) == (3, True)
    monkeypatch.setattr(experiment, "run", interrupts)
    code, _, err = overthink(*simulated("--capability", "overthink/arithmetic"))
    assert (code, "finished traces are kept" in err) == (130, True)


def test_a_missing_weight_file_names_the_command(overthink, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    from overthink.collect.providers.embedded import weights

    monkeypatch.setattr(weights, "PACKAGE", "no-such-package")
    code, _, err = overthink("run", "--capability", "overthink/arithmetic", "--budgets", "0,8")
    assert (code, "Run: overthink model install" in err) == (2, True)
    code, out, _ = overthink("model", "list")
    assert (code, "not installed; run: overthink model install" in out) == (0, True)


def test_version_and_help(overthink) -> None:  # type: ignore[no-untyped-def]
    code, out, _ = overthink("--version")
    assert (code, out.startswith("overthink ")) == (0, True)
    code, out, _ = overthink("run", "--help")
    assert code == 0
    for option in ("--model", "--capability", "--safety", "--benign", "--budgets", "--efforts", "--resume", "--yes"):
        assert option in out


def test_ctrl_c_keeps_what_was_paid_and_the_run_goes_on(tmp_path: Path) -> None:
    arguments = simulated("--safety", "overthink/secret", "--limit", "40", "--draws", "20")
    # A test runner may have been started with interrupts ignored; the child must not inherit that.
    start = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    with Forked(f"{start}; from overthink.cli.main import main; main()", *arguments, cwd=tmp_path) as running:
        journal = tmp_path / "study" / "journal.jsonl"
        while running.poll() is None and not (journal.exists() and journal.read_bytes().count(b"\n") > 5):
            time.sleep(0.05)
        running.send_signal(signal.SIGINT)
        _, told = running.communicate()
    assert running.returncode == 130, told
    assert "Repeat the command with --resume" in " ".join(told.split())
    assert not (tmp_path / "study" / "findings.json").exists()
    kept = journal.read_bytes().count(b"\n") - 1
    assert 5 <= kept < 40 * 20


def test_labels_go_from_a_study_to_a_corrected_curve(overthink, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """The whole way of a newcomer: run, draw a sheet, fill it in, analyse with it."""
    assert overthink(*simulated("--capability", "overthink/arithmetic", "--out", "made"))[0] == 0
    code, _, err = overthink("label", "made", "--per-rung", "2", "--show-text")
    assert (code, err) == (0, "4 answers to label: labels.csv")
    sheet = pl.read_csv("labels.csv", infer_schema=False)
    assert sheet["answered"].str.len_chars().min() > 0
    sheet.with_columns(label=pl.lit("correct")).write_csv("labels.csv")
    code, out, _ = overthink("analyse", "made", "--labels", "labels.csv", "--json")
    assert code == 0
    kinds = {(f["kind"], f["metric"]) for f in json.loads(out)["findings"]}
    assert {("value", "corrected_mean"), ("gate", "judge_drift"), ("shape", "corrected_max_t")} <= kinds
    code, _, err = overthink("label", "made")
    assert code == 2
    assert "may hold labels" in err


def test_primary_curves_are_declared_before_anything_is_collected(overthink) -> None:  # type: ignore[no-untyped-def]
    code, _, err = overthink(*simulated("--capability", "overthink/arithmetic", "--primary", "nothing"))
    assert code == 2
    assert "--primary nothing matches no curve" in err
    assert "arithmetic/base (capability)" in err
    code, out, _ = overthink(
        *simulated("--capability", "overthink/arithmetic", "--primary", "arithmetic", "--limit", "8", "--json", "--yes")
    )
    assert code == 0
    (shape,) = [f for f in json.loads(out)["findings"] if (f["kind"], f["metric"]) == ("shape", "max_t")]
    assert any(limit.endswith("the curves declared as primary") for limit in shape["limits"])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--hypothesis", "4,2"), "does not increase"),
        (
            ("--hypothesis", "2,soon"),
            "hypothesis 2,soon: 2 has no direction; needed: one for each part, as up@2k,flat@8k,down",
        ),
        (("--hypothesis", "100k"), "from 100,001 upwards"),
    ],
)
def test_a_hypothesis_that_cannot_be_tested_is_refused(overthink, options, said) -> None:  # type: ignore[no-untyped-def]
    code, _, err = overthink(*simulated("--capability", "overthink/arithmetic", *options))
    assert code == 2
    assert said in err
