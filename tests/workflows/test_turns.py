"""Studies of tool-using iteration: what they recover, what they pay, how they go on, and what is refused."""

import json
import signal
from pathlib import Path
from typing import Any

import forked
import pytest
from stopped_runs import stopping_after
from tool_model import CALLS, FILE, SERVED, behaviour, named, plan, run, say

import overthink
from overthink.data.pool import records_of
from overthink.errors import InputError, StoppedError
from overthink.storage.journal import read_journal
from overthink.workflows.statement import check, statement
from overthink.workflows.verify import prepare_verification

LABELS = ["1 turn", "2 turns", "4 turns", "8 turns"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> overthink.Study:
    folder = tmp_path_factory.mktemp("whole")
    return run(folder, plan(folder))


def test_a_planted_curve_is_recovered(whole: overthink.Study) -> None:
    means = {f.at.effort: f.estimate for f in whole.find(metric="mean")}
    assert means == {"1 turn": 1 / 8, "2 turns": 2 / 8, "4 turns": 4 / 8, "8 turns": 1.0}
    assert {row.estimand for row in records_of(whole.pool)} == {"checkpoint"}
    assert {row.arm for row in records_of(whole.pool)} == {"base"}
    assert len(records_of(whole.pool)) == 8 * 2 * 4
    (shape,) = whole.find(kind="shape", metric="max_t")
    assert shape.label == "up"


def test_tokens_are_those_of_the_turns_each_counted_once(whole: overthink.Study) -> None:
    """Question i makes i calls of 10, 11, … tokens, and says its answer with 3; every call reads 100."""
    rows = {(row.question, row.draw, row.rung): row for row in records_of(whole.pool)}
    for i in range(8):
        written = [10 + call for call in range(i)] + [3]
        for draw in range(2):
            mine = [rows[f"q{i}", draw, rung] for rung in range(4)]
            assert [sum(row.generated_tokens or 0 for row in mine[: n + 1]) for n in range(4)] == [
                sum(written[:most]) for most in (1, 2, 4, 8)
            ]
            assert sum(row.prompt_tokens or 0 for row in mine) == 100 * len(written)
            assert [row.natural_end for row in mine] == [len(written) <= most for most in (1, 2, 4, 8)]
    attempts = {f.at.effort: f.estimate for f in whole.find(kind="tokens", metric="attempt_tokens")}
    assert attempts["8 turns"] == sum(sum(10 + call for call in range(i)) + 3 for i in range(8)) / 8
    assert whole.about.actual_cost is not None
    assert whole.about.actual_cost.decoded_tokens == 8 * attempts["8 turns"] * 2
    assert whole.about.actual_cost.decoded_tokens == sum(10 * i + i * (i - 1) // 2 + 3 for i in range(8)) * 2


def test_its_logs_hold_its_rows_and_its_report_can_be_made_again(whole: overthink.Study) -> None:
    assert whole.folder is not None
    read = overthink.analyse(whole.folder.logs)
    assert named(read) == named(whole)
    assert [f.at.effort for f in read.find(metric="mean")] == LABELS
    assert overthink.workflows.analyse.report(whole.folder.path).findings == whole.findings
    assert "8 turns" in whole.html()
    assert "turns effort" not in whole.html()
    assert "an agent's state, scored on the way" in whole.html()


def test_loops_that_all_end_at_once_say_that_nothing_of_turns_was_seen(whole: overthink.Study, tmp_path: Path) -> None:
    behaviour("mute")(lambda *_: say("ANSWER: 0"))
    study = run(tmp_path, plan(tmp_path, model="toolmock/mute", turns=(1, 2), limit=3, draws=1))
    (found,) = study.find(kind="no_op")
    assert found.label.startswith("every loop had ended by the lowest checkpoint")
    assert found.label in study.text()
    assert [row.generated_tokens for row in records_of(study.pool)] == [10, 0] * 3
    assert whole.find(kind="no_op") == ()  # positive control


def test_a_statement_is_bounded_by_turns_and_its_study_gives_it_again(whole: overthink.Study) -> None:
    assert whole.folder is not None
    written = statement(whole.folder.path)
    assert check(written.path or "", study=whole.folder.path).ok
    assert written.statement.no_claim_beyond == "No claim above 8 turns, 2 tries."
    assert {claim.holds_for_turns for claim in written.statement.claims} == {8}
    assert {claim.holds_for_tokens for claim in written.statement.claims} == {None}
    with pytest.raises(InputError, match="was not collected on a ladder|--budgets"):
        prepare_verification(whole.folder.path, verifier="oracle", by="answer")


def test_a_stopped_study_goes_on_with_the_traces_it_lacks(whole: overthink.Study, tmp_path: Path) -> None:
    wanted = plan(tmp_path, concurrency=1)
    with pytest.raises(StoppedError):
        run(tmp_path, wanted, on_trace=stopping_after(5))
    first = SERVED.copy()
    resumed = run(tmp_path, wanted, resume=True)
    assert not first.keys() & SERVED.keys()  # no call is made a second time: every one has a seed of its own
    assert max((first + SERVED).values()) == 1
    assert named(resumed) == named(whole)
    assert run(tmp_path, wanted, resume=True).findings == resumed.findings
    assert not CALLS


@pytest.mark.long
def test_a_kill_loses_no_finished_trace(whole: overthink.Study, tmp_path: Path) -> None:
    script = (
        "import os, signal, sys; from pathlib import Path; sys.path.insert(0, sys.argv[2])\n"
        "from tool_model import plan, run; told = []\n"
        "def kill(trace):\n"
        "    told.append(trace)\n"
        "    if len(told) == 6: os.kill(os.getpid(), signal.SIGKILL)\n"
        "folder = Path(sys.argv[1]); run(folder, plan(folder, concurrency=1), on_trace=kill)\n"
    )
    killed = forked.run(script, str(tmp_path), str(Path(__file__).parents[1] / "support"))
    assert killed.returncode == -signal.SIGKILL
    there = {(row.question, row.draw) for trace in read_journal(tmp_path / "s" / "journal.jsonl") for row in trace}
    assert len(there) == 6
    resumed = run(tmp_path, plan(tmp_path, concurrency=1), resume=True)
    assert named(resumed) == named(whole)
    turns = {f"q{i}": i + 1 for i in range(8)}
    assert len(CALLS) == sum(turns.values()) * 2 - sum(turns[question] for question, _ in there)


def test_a_study_gains_draws_and_questions_and_no_other_turns(tmp_path: Path) -> None:
    few = {"turns": (1, 2), "draws": 1, "limit": 2}
    run(tmp_path, plan(tmp_path, **few))
    grown = run(tmp_path, plan(tmp_path, **(few | {"draws": 2, "limit": 3})), resume=True)
    assert len(records_of(grown.pool)) == 3 * 2 * 2
    assert len(CALLS) == (1 + 2 + 2) * 2 - (1 + 2)
    with pytest.raises(InputError, match=r"another plan .*turns"):
        run(tmp_path, plan(tmp_path, **(few | {"turns": (1, 2, 4)})), resume=True)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"turns": (4, 2)}, "turns 4,2 are not strictly increasing; give 2,4"),
        ({"turns": (2, 2)}, "not strictly increasing; give 2"),
        ({"turns": (0, 2)}, "greater than or equal to 1"),
        ({"turns": ()}, "no rung"),
        ({"budgets": (0, 8)}, "exactly one of them"),
        ({"efforts": ("low",)}, "exactly one of them"),
        ({"turns": None}, "either budgets or efforts or turns or loop_tokens"),
        ({"loop_tokens": (10,)}, "exactly one of them"),
        ({"arms": ({"label": "zerothink", "parts": ("zerothink",)},)}, "--arms belongs to a forced ladder.*--turns"),
        ({"controls": ("sham",)}, "--controls belongs to a forced ladder.*--turns"),
        ({"judge_traces": True}, "--judge-traces belongs to a forced ladder.*--turns"),
        ({"resamples": 4}, "--resample belongs to a forced ladder.*--turns"),
        ({"until": {"half_width": 0.1}, "max_draws": 9}, "--until belongs to a ladder.*--turns"),
        ({"hypothesis": (8,)}, "--hypothesis has edges in thinking tokens"),
    ],
)
def test_plans_that_make_no_sense_are_refused(tmp_path: Path, changes: dict[str, object], told: str) -> None:
    with pytest.raises(InputError, match=told):
        plan(tmp_path, **changes)


def test_turns_are_a_decision_that_the_hash_follows(tmp_path: Path) -> None:
    hashes = {plan(tmp_path, turns=turns).sha256() for turns in ((1, 2), (1, 4), (2,))}
    assert len(hashes) == 3
    assert '"turns": [' in plan(tmp_path).to_json()


def test_the_command_line_says_what_is_bounded_and_what_is_not(overthink: Any, tmp_path: Path) -> None:
    (tmp_path / "theirs.py").write_text(FILE)
    given = ["run", "--model", "toolmock/adder", "--capability", "theirs.py@steps", "--limit", "3", "--draws", "2"]
    code, out, said = overthink(*given, "--turns", "1,2", "--json", "--yes")
    assert code == 0
    assert "3 questions × 2 draws = 6 traces of at most 2 turns; at most 12 calls; tokens as the model likes" in said
    assert "the turns of a loop are bounded, and tokens are not" in said
    means = [f["estimate"] for f in json.loads(out)["findings"] if (f["kind"], f["metric"]) == ("value", "mean")]
    assert means == [1 / 3, 2 / 3]
    for wrong, told in (
        (["--turns", "one,two"], "needed: whole numbers of turns, as 1,2,4,8"),
        (["--turns", "1,2", "--budgets", "0,8"], "exactly one of them"),
        (["--turns", "1,2", "--arms", "calculator:calls=8"], "--arms belongs to a forced ladder"),
        (["--turns", "1,2", "--model", "overthink/simulated"], "--arms base,calculator:calls=8"),
    ):
        code, _, said = overthink(*given, *wrong, "--out", "other")
        assert code == 2
        assert told in said
        assert not Path("other").exists()
