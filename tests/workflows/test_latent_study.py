"""A latent model becomes a study: findings per step, a section of the report, and what cannot be asked is refused."""

from pathlib import Path
from typing import Any

import pytest

import overthink
from overthink.data.finding import Finding
from overthink.errors import InputError

MODEL = "simulated:steps=3,holds=2:0.6,redundant=0.3,n=110"


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
    assert zero.at.requested_tokens == 3
    assert zero.test is not None
    assert (zero.test.p_adjusted or 1) <= 0.05
    assert any("may hold what another step holds" in limit for limit in zero.limits)
    (lost,) = [f for f in study.find(kind="latent", metric="step_loss") if f.label == "latent_zero of step 2"]
    assert misses(lost, 0.6 * (0.9 - 1 / 4)) < 3


def test_the_study_is_stored_and_read_again(study: overthink.Study) -> None:
    assert study.folder is not None
    assert "Which latent steps does the answer depend on?" in study.folder.report.read_text(encoding="utf-8")
    assert "Which latent steps does the answer depend on?" in study.text()
    again = overthink.analyse(study.folder.path)
    assert again.find(kind="latent") == study.find(kind="latent")
    assert again.results.oversight.perturbations == ()  # no text was changed


def test_its_statement_claims_no_step_and_is_checked(study: overthink.Study) -> None:
    assert study.folder is not None
    made = overthink.statement(study.folder.path)
    assert made.path is not None
    assert overthink.check(made.path, study=study.folder.path).faults == ()


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


def test_the_command_makes_the_same_study(overthink: Any, study: Any, tmp_path: Path) -> None:
    code, out, err = overthink("latent", MODEL, "--out", "states")
    assert code == 0, err
    assert "the answer depends on it" in out
    assert (tmp_path / "states" / "findings.json").read_text() == (study.folder.path / "findings.json").read_text()
