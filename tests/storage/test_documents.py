"""Plan and findings come back as written; what is unknown or newer is refused with every fault named."""

import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest

from overthink.data.finding import At, Finding, FindingTest
from overthink.data.tokens import CutShort, TokenUsage
from overthink.data.verifier_scores import AnswerScore, VerifierRun
from overthink.errors import InputError, StoppedError
from overthink.plan.study import Plan, TaskPlan
from overthink.storage import journal
from overthink.storage.findings import FindingsMeta, read_findings, write_findings
from overthink.storage.json_documents import read_plan, read_questions, write_plan, write_questions
from overthink.storage.study_folder import StudyFolder
from overthink.storage.verifier_scores import ScoreFile, read_scores, read_verified, scores_by, write_verified

PLAN = Plan(
    overthink="0.1",
    model="mockllm/model",
    model_args={"a": 1, "b": True, "c": 0.5, "d": "x"},
    tasks=(TaskPlan(task="t", axis="safety", scorer="s", key="k", high="harm"),),
    budgets=(0, 64),
    draws=4,
    seed=7,
)
FINDINGS = (
    Finding(
        id="f1",
        kind="value",
        axis="safety",
        task="</script>",
        arm="base",
        estimand="forced",
        metric="mean",
        at=At(rung=1, k=4, selector="pass", requested_tokens=64),
        estimate=0.25,
        low=0.0,
        high=1.0,
        level=0.95,
        n_questions=3,
        n_draws=4,
        test=FindingTest("sign", p=0.5),
        gates_failed=("truncation",),
        limits=("few questions", "one model"),
    ),
    Finding("f2", "value", "safety", "t", "base", "forced", "mean", At(), reason="no question was scored"),
)


def store(path: Path) -> dict[str, object]:
    write_findings(path, FINDINGS, overthink="0.1", plan_sha256=PLAN.sha256(), pool_sha256=None)
    return json.loads(path.read_text())


def test_findings_come_back_and_have_the_contract_shape(tmp_path: Path) -> None:
    document = store(tmp_path / "findings.json")
    assert list(document) == ["schema", "overthink", "plan_sha256", "pool_sha256", "findings"]
    assert document["schema"] == "overthink.findings/3"
    first = document["findings"][0]
    assert first["at"]["rung"] == 1
    assert first["test"] == {"name": "sign", "p": 0.5, "p_adjusted": None, "mde": None}
    meta, findings = read_findings(tmp_path / "findings.json")
    assert findings == FINDINGS
    assert meta == FindingsMeta("0.1", PLAN.sha256(), None)


def test_nan_and_infinity_are_null(tmp_path: Path) -> None:
    finding = Finding(
        "f", "value", "a", "t", "b", "e", "m", At(), math.nan, -math.inf, math.inf, test=FindingTest("x", math.nan)
    )
    write_findings(tmp_path / "f", [finding], overthink="0", plan_sha256=None, pool_sha256=None)
    written = json.loads((tmp_path / "f").read_text(), parse_constant=pytest.fail)["findings"][0]
    assert (written["estimate"], written["low"], written["high"], written["test"]["p"]) == (None,) * 4


@pytest.mark.parametrize(
    ("name", "old", "new", "says"),
    [
        ("unfinished.jsonl", '"unanswered":1', '"unanswered":-1', "line 2: unanswered is -1"),
        ("unfinished.jsonl", '"prompt_tokens":5', '"prompt_tokens":-5', "line 2: prompt_tokens is -5"),
        ("unfinished.jsonl", '"draw":0', '"draw":0.0', r"line 2, is damaged:\n  draw: Input should be a valid int"),
        ("unfinished.jsonl", '"draw":0', '"draw":0,"mood":1', "mood"),
        ("verified.jsonl", '"score":0.5', '"score":1.5', "line 3: score is 1.5"),
        ("verified.jsonl", '"oracle":false', '"oracle":0', r"line 2, is damaged:\n  oracle"),
        ("verified.json", '"gaps": {}', '"gaps": {"x": -1}', "gaps holds -1"),
        ("waves.jsonl", '"q":2', '"r":2', "line 3, does not fit.*draws of q, r"),
        ("questions.json", '"tasks"', '"tusks"', "tasks"),
    ],
)
def test_a_forged_document_is_refused_with_file_and_field(
    tmp_path: Path, name: str, old: str, new: str, says: str
) -> None:
    readers: dict[str, Callable[[Path], object]] = {
        "unfinished.jsonl": journal.read_unfinished,
        "verified.jsonl": lambda path: (scores_by(path), read_scores(path)),
        "verified.json": read_verified,
        "waves.jsonl": journal.read_waves,
        "questions.json": read_questions,
    }
    run = VerifierRun("simulated", "answer", None, False, (), ("base",))
    with journal.unfinished_file(tmp_path / "unfinished.jsonl") as unfinished:
        unfinished.append(CutShort("t", "base", "q", 0, TokenUsage(prompt_tokens=5), 1))
    with ScoreFile(tmp_path / "verified.jsonl", run) as scores:
        scores.append(AnswerScore(("t", "base", "q", 0, 8), 0.5, 3))
    with journal.wave_file(tmp_path / "waves.jsonl") as waves:
        waves.append(journal.WaveDraws(task="t", draws={"q": 1}))
        waves.append(journal.WaveDraws(task="t", draws={"q": 2}))
    write_verified(tmp_path / "verified.json", run)
    write_questions(tmp_path / "questions.json", {})
    path = tmp_path / name
    readers[name](path)
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(InputError, match=rf"(?s){name}.*{says}"):
        readers[name](path)


@pytest.mark.parametrize(
    ("name", "value"), [("draws", "4"), ("draws", 4.0), ("seed", True), ("level", "0.95"), ("judge_traces", 0)]
)
def test_a_plan_is_read_as_it_is_stored(tmp_path: Path, name: str, value: object) -> None:
    path = tmp_path / "plan.json"
    write_plan(path, PLAN)
    path.write_text(json.dumps(json.loads(path.read_text()) | {name: value}))
    with pytest.raises(InputError, match=rf"plan\.json .*\n  {name}: seen {json.dumps(value)}; needed"):
        read_plan(path)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda d: d.update(schema="overthink.findings/4"), "newer Overthink"),
        (lambda d: d.update(schema="overthink.findings/1"), "needed: 'overthink.findings/3'"),
        (lambda d: d.update(schema="other/1"), "needed: 'overthink.findings/3'"),
        (lambda d: d.pop("schema"), "names no schema"),
        (lambda d: d.pop("pool_sha256"), "pool_sha256"),
        (lambda d: d.update(extra=1), "extra"),
        (lambda d: d["findings"][0].update(extra=1), "extra"),
        (lambda d: d["findings"][0]["at"].update(mood=1), "mood"),
        (lambda d: d["findings"][0].pop("metric"), "metric"),
        (lambda d: d["findings"][0].update(estimate="high"), "estimate"),
        (lambda d: d["findings"][0]["at"].update(rung="1"), "rung"),
    ],
)
def test_strange_findings_are_refused(tmp_path: Path, change: object, says: str) -> None:
    document = store(tmp_path / "f")
    change(document)
    (tmp_path / "f").write_text(json.dumps(document))
    with pytest.raises(InputError, match=says):
        read_findings(tmp_path / "f")


def test_findings_of_the_schema_before_are_read(tmp_path: Path) -> None:
    document = store(tmp_path / "f")
    document["schema"] = "overthink.findings/2"
    for finding in document["findings"]:
        del finding["at"]["part"]  # that schema had none
    (tmp_path / "f").write_text(json.dumps(document))
    assert read_findings(tmp_path / "f")[1] == FINDINGS


def test_a_plan_comes_back_and_its_file_has_its_hash(tmp_path: Path) -> None:
    assert write_plan(tmp_path / "plan.json", PLAN) == PLAN.sha256()
    assert read_plan(tmp_path / "plan.json") == PLAN


def test_every_fault_of_a_plan_is_named_at_once(tmp_path: Path) -> None:
    write_plan(tmp_path / "plan.json", PLAN)
    document = json.loads((tmp_path / "plan.json").read_text())
    document.update(draws=0, seed="many", mood="good")
    (tmp_path / "plan.json").write_text(json.dumps(document))
    with pytest.raises(InputError) as caught:
        read_plan(tmp_path / "plan.json")
    assert all(word in str(caught.value) for word in ("draws", "seed", "'many'", "mood", "seen"))


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff\xfe", b'{"schema": "overthink.plan/9"}', b"[" * 100_000])
def test_what_is_no_plan_is_one_clear_message(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "plan.json").write_bytes(content)
    with pytest.raises(InputError, match=r"plan\.json"):
        read_plan(tmp_path / "plan.json")


def test_a_study_is_not_made_over_something_else(tmp_path: Path) -> None:
    study = StudyFolder(tmp_path / "new" / "study")
    assert study.is_free()
    study.create()
    assert study.path.is_dir()
    with pytest.raises(InputError, match="holds no study"):
        study.require()
    write_plan(study.plan, PLAN)
    study.require()
    study.create()  # a study may be gone on with
    study.write_report("<p>é</p>")
    assert study.report.read_text() == "<p>é</p>"
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "letter.txt").write_text("dear")
    for taken in (tmp_path / "home", tmp_path / "home" / "letter.txt"):
        with pytest.raises(InputError):
            StudyFolder(taken).create()
    assert [file.name for file in (tmp_path / "home").iterdir()] == ["letter.txt"]


def test_a_folder_that_cannot_be_written_is_an_input_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError) as caught:
        write_plan(tmp_path / "file" / "plan.json", PLAN)
    assert not isinstance(caught.value, StoppedError)
