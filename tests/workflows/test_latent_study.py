"""A latent model becomes a study: findings per step, a section of the report, and what cannot be asked is refused."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import overthink
from overthink.collect.latent.simulated import SimulatedLatent
from overthink.data.finding import Finding
from overthink.errors import InputError
from overthink.storage.journal import read_latent
from overthink.storage.study_folder import StudyFolder
from overthink.workflows.latent import ask_latent, prepare_latent

MODEL = "simulated:steps=3,holds=2:0.6,redundant=0.3,n=110"
ANSWERS = 4 * 5  # of a trace


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> overthink.Study:
    result: overthink.Study = overthink.latent(MODEL, out=tmp_path_factory.mktemp("latent") / "states")
    return result


def misses(finding: Finding, truth: float) -> float:
    """By how many standard errors a finding misses the planted truth."""
    assert finding.estimate is not None
    assert finding.low is not None
    assert finding.high is not None
    return abs(finding.estimate - truth) / ((finding.high - finding.low) / 4)


def test_the_findings_say_which_step_counts(study: overthink.Study) -> None:
    (found,) = study.results.oversight.latent_steps
    verdicts = [step.verdict for step in found.steps]
    within = "moves fewer answers than the margin"
    assert verdicts == [within, "the answer depends on it", within, "moves answers"]
    labels = [finding.label for finding in study.find(kind="latent", metric="step_change")]
    assert "latent_noise:scale=1 of step 2: the answer depends on it" in labels
    assert "latent_sham of step 2" in labels
    (zero,) = [
        f for f in study.find(kind="latent", metric="step_change") if str(f.label).startswith("latent_zero of step 2")
    ]
    assert misses(zero, 0.6 * (1 - 1 / 4)) < 3
    assert (zero.at.requested_tokens, zero.at.effort) == (3, "3 latent steps")
    assert zero.test is not None
    assert (zero.test.p_adjusted or 1) <= 0.05
    assert any("may hold what another step holds" in limit for limit in zero.limits)
    (lost,) = [f for f in study.find(kind="latent", metric="step_loss") if f.label == "latent_zero of step 2"]
    assert misses(lost, 0.6 * (0.9 - 1 / 4)) < 3


def test_the_study_is_stored_and_read_again(study: overthink.Study) -> None:
    assert study.folder is not None
    assert "Which latent steps does the answer depend on?" in study.folder.report.read_text(encoding="utf-8")
    assert "Which latent steps does the answer depend on?" in study.text()
    (head,) = (line for line in study.text().splitlines() if "Verdict" in line and "Step" in line)
    assert head.split()[-6:] == ["Noise", "Swap", "Zero", "Same", "state", "(sham)"]
    again = overthink.analyse(study.folder.path)
    assert again.find(kind="latent") == study.find(kind="latent")
    assert again.results.oversight.perturbations == ()  # no text was changed


def test_its_statement_claims_no_step_is_checked_and_counts_budgets_in_latent_steps(study: overthink.Study) -> None:
    assert study.folder is not None
    made = overthink.statement(study.folder.path)
    assert made.path is not None
    assert overthink.check(made.path, study=study.folder.path).faults == ()
    text = made.path.with_suffix(".md").read_text(encoding="utf-8")
    assert "at effort `3 latent steps` and one try" in text
    page = study.folder.report.read_text(encoding="utf-8")
    assert "Capability: nothing above 3 latent steps" in page
    assert "count a step as one thinking token" in study.text()
    for shown in (page, text, study.text()):
        assert {*re.findall(r"[\d,]+ thinking tokens?", shown)} == {"1 thinking tokens"}  # of K = 1 alone


def test_a_model_whose_states_are_never_read_is_not_called_unimportant() -> None:
    study = overthink.latent("simulated:steps=1,holds=1:0,redundant=0,n=120")
    (found,) = study.results.oversight.latent_steps
    assert [step.verdict for step in found.steps] == ["undetermined", "not shown to move answers"]
    assert "may not reach the model" in str(found.reason)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"noise": 0.0}, "noise is 0; needed: a scale above 0"),
        ({"noise": float("nan")}, "noise is nan; needed: a scale above 0"),
        ({"model": "m\udce9.py@m"}, "is not in UTF-8"),
        ({"limit": 1}, "1 questions to ask; needed: 2"),
        ({"model": "simulated:n=sk-planted-9f8e7d6c5b4a"}, "looks like a secret"),
    ],
)
def test_what_cannot_be_asked_is_refused(words: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        overthink.latent(**{"model": MODEL, **words})


def test_a_folder_in_use_is_refused_before_anything_is_asked(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="is there already; needed: a new folder"):
        overthink.latent(MODEL, out=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study that was stopped within its third trace."""
    answers = iter(range(2 * ANSWERS + 3))

    def stop() -> None:
        if next(answers, None) is None:
            raise KeyboardInterrupt

    out: Path = tmp_path_factory.mktemp("stopped") / "states"
    with pytest.raises(KeyboardInterrupt):
        ask_latent(prepare_latent(MODEL, out=out), on_answer=stop)
    assert len(read_latent(out / "latent.jsonl")) == 2
    return out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"model": MODEL.replace("0.6", "0.5")}, "model: simulated.*0.6.* there, simulated.*0.5.* now"),
        ({"seed": 2}, "seed: 1 there, 2 now"),
        ({"noise": 0.5}, "noise: 1.0 there, 0.5 now"),
        ({"draws": 2}, "draws: 1 there, 2 now"),
        ({"limit": 90}, "questions: 110 there, 90 now"),
        ({"resume": False}, "holds a study of latent steps already; go on with --resume"),
        ({"out": None}, "needed: --out with its folder"),
        ({"out": "nowhere"}, "nowhere holds no study .*leave --resume out"),
    ],
)
def test_a_stopped_study_goes_on_with_what_it_was_begun_with_alone(
    words: dict[str, Any], message: str, stopped: Path
) -> None:
    with pytest.raises(InputError, match=message):
        prepare_latent(**{"model": MODEL, "out": stopped, "resume": True, **words})
    assert not Path("nowhere").exists()


def test_a_changed_file_or_changed_questions_are_another_model(stopped: Path) -> None:
    session = prepare_latent(MODEL, out=stopped, resume=True)
    assert session.n_done == 2 * ANSWERS
    changed = replace(session.plan.questions[0], target="7"), *session.plan.questions[1:]
    for field, plan in (
        ("file_sha256: None", replace(session.plan, file_sha256="f" * 64)),
        ("questions_sha256", replace(session.plan, questions=changed)),
    ):
        with pytest.raises(InputError, match=field):
            ask_latent(replace(session, plan=plan))


def test_an_unfinished_study_is_not_read(stopped: Path) -> None:
    for read in (overthink.report, overthink.statement):
        with pytest.raises(InputError, match="not finished; repeat its `overthink latent` with --resume"):
            read(stopped)


def test_a_model_that_fails_before_a_trace_is_finished_leaves_no_study(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SimulatedLatent, "answer", lambda *_: 7)
    with pytest.raises(InputError, match="is 7, int; needed: a text"):
        overthink.latent(MODEL, out=tmp_path / "states")
    assert StudyFolder(tmp_path / "states").is_free()


def test_a_stopped_command_goes_on_and_makes_the_same_study(
    overthink: Any, study: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, endings = list[tuple[str, int]](), {1010: KeyboardInterrupt(), 1530: RuntimeError("out of memory")}
    answer, command = SimulatedLatent.answer, ("latent", MODEL, "--out", "states")

    def ask(self: SimulatedLatent, question: Any, states: Any, seed: int) -> str:
        if ending := endings.pop(len(asked), None):
            raise ending
        asked.append((question.id, seed))
        return answer(self, question, states, seed)

    monkeypatch.setattr(SimulatedLatent, "answer", ask)
    code, _, err = overthink(*command)
    assert code == 130
    assert "finished traces are kept. Repeat the command with --resume to go on." in err
    journal = tmp_path / "states" / "latent.jsonl"
    with journal.open("ab") as file:
        file.write(b'[[{"study":"simu')  # as a kill leaves it
    code, _, err = overthink(*command, "--resume")
    assert code == 3
    assert "RuntimeError: out of memory" in err
    assert "76 of 110 traces are finished and kept. Repeat the command with --resume to go on." in err
    code, out, err = overthink(*command, "--resume")
    assert code == 0, err
    assert "the answer depends on it" in out
    assert len(asked) == 110 * ANSWERS + 10  # those of one trace that was not finished
    for name in ("latent.jsonl", "pool.parquet", "oversight.parquet", "findings.json", "analysis.json"):
        assert (tmp_path / "states" / name).read_bytes() == (study.folder.path / name).read_bytes()
    assert prepare_latent(MODEL, out=tmp_path / "states", resume=True).n_done == 110 * ANSWERS
