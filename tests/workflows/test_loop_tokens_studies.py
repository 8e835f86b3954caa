"""Studies of loops scored within generated tokens: labels, report, going on, extending, and what is refused."""

import json
from pathlib import Path
from typing import Any

import pytest
from stopped_runs import stopping_after
from tool_model import CALLS, FILE, SERVED, behaviour, named, plan, run, say

import overthink
from overthink.data.pool import records_of
from overthink.errors import InputError, StoppedError
from overthink.workflows.statement import check, statement

LADDER = (10, 21, 46, 108)
"""What 1, 2, 4 and 8 turns of the model take together."""

LABELS = ["10 tokens", "21 tokens", "46 tokens", "108 tokens"]


def by_tokens(folder: Path, **changes: Any) -> overthink.plan.study.Plan:
    return plan(folder, **({"turns": None, "loop_tokens": LADDER} | changes))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> overthink.Study:
    folder = tmp_path_factory.mktemp("tokens")
    return run(folder, by_tokens(folder))


def test_a_planted_curve_is_recovered_and_its_budgets_are_told(whole: overthink.Study) -> None:
    found = whole.find(kind="value", metric="mean")
    assert [(one.at.effort, one.at.requested_tokens) for one in found] == list(zip(LABELS, LADDER, strict=True))
    assert [one.estimate for one in found] == [1 / 8, 2 / 8, 4 / 8, 1]
    (shape,) = whole.find(kind="shape", metric="max_t")
    assert shape.label == "up"
    attempts = {one.at.requested_tokens: one.estimate for one in whole.find(kind="tokens", metric="attempt_tokens")}
    assert attempts[108] == sum(sum(10 + call for call in range(i)) + 3 for i in range(8)) / 8
    page = whole.html()
    assert "a budget of 10 tokens" in page
    assert "thinking tokens" not in page.split("Budgets that were not run")[1][:400]
    assert "Nothing above 108 tokens" in page or "nothing above 108 tokens" in page


def test_a_stopped_study_goes_on_and_pays_nothing_twice(whole: overthink.Study, tmp_path: Path) -> None:
    wanted = by_tokens(tmp_path, concurrency=1)
    with pytest.raises(StoppedError):
        run(tmp_path, wanted, on_trace=stopping_after(5))
    first = SERVED.copy()
    resumed = run(tmp_path, wanted, resume=True)
    assert not first.keys() & SERVED.keys()
    assert named(resumed) == named(whole)


def test_a_study_gains_draws_and_questions_and_no_other_checkpoints(tmp_path: Path) -> None:
    few: dict[str, Any] = {"loop_tokens": (10, 21), "draws": 1, "limit": 2}
    run(tmp_path, by_tokens(tmp_path, **few))
    grown = run(tmp_path, by_tokens(tmp_path, **(few | {"draws": 2, "limit": 3})), resume=True)
    assert len(records_of(grown.pool)) == 3 * 2 * 2
    assert len(CALLS) == (1 + 2 + 2) * 2 - (1 + 2)
    for other in ({"loop_tokens": (10, 21, 46)}, {"loop_tokens": None, "turns": (1, 2)}):
        with pytest.raises(InputError, match=r"another plan .*loop_tokens"):
            run(tmp_path, by_tokens(tmp_path, **(few | other)), resume=True)


def test_gaps_are_done_and_not_tried_again(tmp_path: Path) -> None:
    wanted = by_tokens(tmp_path, loop_tokens=(2,), limit=3, draws=1)
    first = run(tmp_path, wanted)
    assert {row.verdict for row in records_of(first.pool)} == {"truncated"}
    again = run(tmp_path, wanted, resume=True)
    assert CALLS == []
    assert again.findings == first.findings


def test_loops_that_all_end_at_once_say_that_nothing_longer_was_seen(tmp_path: Path) -> None:
    behaviour("mute")(lambda *_: say("ANSWER: 0"))
    study = run(tmp_path, by_tokens(tmp_path, model="toolmock/mute", limit=3, draws=1))
    (found,) = study.find(kind="no_op")
    assert found.label == "every loop had ended by the lowest checkpoint, so what a longer one does was not seen"


def test_its_statement_is_bounded_by_tokens_and_recomputed(whole: overthink.Study) -> None:
    assert whole.folder is not None
    written = statement(whole.folder.path)
    assert written.statement.no_claim_beyond == "No claim above 108 generated tokens of a loop, 2 tries."
    assert check(written.path or "", study=whole.folder.path).ok


def test_a_study_in_a_sandbox_says_that_its_scoring_was_not_checked(tmp_path: Path, whole: overthink.Study) -> None:
    boxed = FILE.replace("scorer=match(numeric=True),", 'scorer=match(numeric=True), sandbox="local",')
    study = run(tmp_path, by_tokens(tmp_path, file=boxed, limit=2, draws=1, sandbox_scoring="unchanged"))
    said = "whether scoring leaves a sandbox as it is was stated, not checked"
    assert said in study.html().replace("Whether", "whether")
    assert said not in whole.html().replace("Whether", "whether")  # positive control
    assert study.folder is not None
    assert "stated, not checked" in statement(study.folder.path, write=False).statement.elicitation.stop_rule


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"loop_tokens": (40, 20)}, "loop_tokens 40,20 are not strictly increasing; give 20,40"),
        ({"loop_tokens": (0, 20)}, "greater than or equal to 1"),
        ({"loop_tokens": ()}, "no rung"),
        ({"turns": (1, 2)}, "exactly one of them"),
        ({"budgets": (0, 8)}, "exactly one of them"),
        ({"controls": ("sham",)}, "--controls belongs to a forced ladder.*--loop-tokens"),
        ({"until": {"half_width": 0.1}, "max_draws": 9}, "--until belongs to a ladder.*--loop-tokens"),
        ({"hypothesis": (8,)}, "--loop-tokens counts all generated tokens"),
    ],
)
def test_plans_that_make_no_sense_are_refused(tmp_path: Path, changes: dict[str, object], told: str) -> None:
    with pytest.raises(InputError, match=told):
        by_tokens(tmp_path, **changes)


def test_the_command_line_reads_tokens_and_says_what_they_bound(overthink: Any, tmp_path: Path) -> None:
    (tmp_path / "theirs.py").write_text(FILE)
    given = ["run", "--model", "toolmock/adder", "--capability", "theirs.py@steps", "--limit", "3", "--draws", "2"]
    code, out, said = overthink(*given, "--loop-tokens", "10,0.021k", "--json", "--yes")
    assert code == 0
    assert "6 traces of loops, each of 21 generated tokens and the turn that passes them at most" in " ".join(
        said.split()
    )
    assert "is paid whole, and is part of no state" in " ".join(said.split())
    means = [f["estimate"] for f in json.loads(out)["findings"] if (f["kind"], f["metric"]) == ("value", "mean")]
    assert means == [1 / 3, 2 / 3]
    for wrong, told in (
        (["--loop-tokens", "few"], "--loop-tokens few cannot be read; needed: whole numbers of tokens, as 1k,4k,16k"),
        (["--loop-tokens", "10", "--turns", "1"], "exactly one of them"),
        (["--loop-tokens", "10", "--model", "overthink/simulated"], "--loop-tokens is a loop of tool calls"),
        (["--loop-tokens", "10", "--sandbox-scoring", "unchanged"], "no task runs in a sandbox"),
    ):
        code, _, said = overthink(*given, *wrong, "--out", "other")
        assert code == 2
        assert told in " ".join(said.split())
        assert not Path("other").exists()
