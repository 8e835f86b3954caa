"""The paragraph on methods says what plan, analysis and findings hold, and calls everything else unknown."""

from dataclasses import replace

import pytest
from pylatexenc.latexwalker import LatexWalker
from test_paper_tables import HOSTILE, curve

from overthink._version import __version__
from overthink.analysis.families import ADJUSTED, ALL, CURVES
from overthink.analysis.shapes import TOO_FEW
from overthink.data.kinds import Kind
from overthink.data.verdict_labels import GateLabel, ShapeLabel
from overthink.plan.analysis import Analysis
from overthink.plan.study import Plan, checked_plan
from overthink.reports.paper.markup import latex_methods, markdown_methods, plain_methods
from overthink.reports.paper.methods import StudyRecord, methods


def plan(**changes: object) -> Plan:
    task = {"task": "sums", "axis": "capability", "high": "correct"}
    fields = {"model": "some/model", "tasks": (task,), "budgets": (0, 16), "draws": 3, "limit": 12, "seed": 9}
    return checked_plan(**(fields | changes))


def text(record: StudyRecord) -> str:
    return plain_methods(methods(record))


def logs(**changes: object) -> StudyRecord:
    record = StudyRecord(tuple(curve()), __version__, None, "5" * 64, models=("a/one", "b/two"), n_unnamed=7)
    return replace(record, analysis=Analysis(level=0.95, margin=0.03), seed=4, **changes)  # type: ignore[arg-type]


def test_of_a_study_it_says_what_the_plan_decided() -> None:
    stated = plan(temperature=0.6, answer_tokens=99, grader="the/grader", model_args={"port": 1})
    told = text(logs(plan=stated, plan_sha256=stated.sha256(), models=("some/model",)))
    for words in (
        "The model under test was some/model.", "3 draws of at most 12 questions of each task (seed 9)",
        "temperature 0.6 and nucleus mass 0.95, and provider arguments port = 1", "allowance of 99 tokens",
        "graded by the/grader", f"The plan has a SHA-256 that begins with {stated.sha256()[:16]}.",
        "with 12 questions and 3 draws of each",
        "Levels: 0 tokens and 16 tokens (forced: thinking was cut at the rung", "2,000 resamples, seed 4",
        "error rate of 0.05; differences up to 3 points count as none",
    ):  # fmt: skip
        assert words in told
    assert "not recorded in this folder" in told  # the versions of Inspect and of the provider's model
    assert "read from logs" not in told


def test_of_logs_it_says_what_is_unknown() -> None:
    told = text(logs())
    assert "No model was called" in told
    assert "a/one and b/two as the model under test. 7 rows name no model." in told
    assert "Prompts, temperature, nucleus mass, seeds of the draws" in told
    assert "The plan was not recorded in this folder." in told
    assert "stated or assumed when the logs or tables were read" in told
    assert "0.8" not in told  # no default of a plan that there is not
    bare = text(replace(logs(), models=(), analysis=None, seed=None))
    assert "The model under test is not recorded in this folder." in bare
    assert "its seed is not recorded in this folder" in bare
    assert "The margin of differences that count as none is not recorded" in bare


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"efforts": ("low", "high"), "budgets": None}, "temperature as the task or the provider sets it"),
        ({"until": {"half_width": 0.02}, "max_draws": 24}, "until half-width=0.02, at most 24 draws of a question"),
        ({"controls": ("sham", "natural")}, "Controls beside the ladder: sham and natural."),
        ({"resamples": 8, "resample_at": "bisect"}, "thought anew 8 times, by bisection"),
        ({"limit": None}, "3 draws of all questions"),
    ],
)
def test_every_kind_of_sampling_has_its_words(changes: dict[str, object], words: str) -> None:
    assert words in text(logs(plan=plan(**changes)))


def test_failed_and_unchecked_gates_are_named_with_their_rungs() -> None:
    told = text(logs())
    assert "Errors failed at 1 rung: sums, base, 16 tokens." in told
    assert "Truncation could not be checked at 2 rungs: it is unknown." in told
    assert "No gate failed" not in told
    passed = tuple(replace(f, label=GateLabel.PASSED) if f.label == GateLabel.FAILED else f for f in curve())
    assert "No gate failed." in text(logs(findings=passed))
    marked = tuple(replace(f, gates_failed=("comparability",)) if f.kind == Kind.VALUE else f for f in passed)
    told = text(logs(findings=marked))
    assert "2 values carry the failed gate comparability." in told
    assert "No gate failed" not in told
    without = tuple(f for f in curve() if f.kind != Kind.GATE)
    assert "No gate was recorded." in text(logs(findings=without))
    unchecked = tuple(f for f in curve() if f.kind != Kind.GATE or f.label is None)
    told = text(logs(findings=unchecked))
    assert "No gate could be checked." in told
    assert "No gate failed" not in told
    checked = text(logs()).partition("Gates were checked rung by rung: ")[2].partition(".")[0]
    assert checked.startswith("errors")
    assert "truncation" not in checked.partition(" (")[0]


def test_tests_and_their_adjustment_are_quoted_from_the_verdicts() -> None:
    limit = ADJUSTED.text(curves=CURVES.text(n=3), family=ALL, left_out="")
    findings = tuple(replace(f, limits=(limit,)) if f.label == ShapeLabel.UP else f for f in curve())
    told = text(logs(findings=findings))
    assert f"p-values are {limit}." in told
    assert "Tests: max-t." in told
    assert "No p-value was adjusted" in text(logs())
    few = tuple(replace(f, limits=(TOO_FEW,)) if f.label == ShapeLabel.UP else f for f in curve())
    assert "1 curve had too few questions for any verdict." in text(logs(findings=few))


def test_a_plan_that_is_elsewhere_is_named_by_its_hash() -> None:
    told = text(logs(plan_sha256="7" * 64))
    assert "The answers are those of a study whose plan is not in this folder." in told
    assert "the plan of the study may state them" in told
    assert f"The plan has a SHA-256 that begins with {'7' * 16}." in told
    assert "read from logs or tables" not in told


def test_constants_of_this_version_are_not_claimed_of_another() -> None:
    told = text(logs(made_with="0.0.1"))
    for words in ("2,000", "4,000", "Wilson", "at most 5%"):
        assert words in text(logs())
        assert words not in told
    assert "Overthink 0.0.1" in told


@pytest.mark.parametrize("name", HOSTILE)
def test_names_are_no_markup(name: str) -> None:
    record = logs(findings=tuple(curve(task=name, arm=name)), models=(name,))
    source = latex_methods(methods(record))
    assert source.isascii()
    LatexWalker(source, tolerant_parsing=False).get_latex_nodes()
    assert "\\input" not in source
    assert "<p>" not in markdown_methods(methods(record)).replace("\\<", "")
    assert "\n" not in plain_methods(methods(record)).replace("\n\n", "").rstrip("\n")
